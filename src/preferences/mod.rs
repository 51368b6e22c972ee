//! How each person likes the page: whether it follows by itself, and how it tells of orders.

pub mod model;
pub mod routes;
pub mod store;
pub mod view;
