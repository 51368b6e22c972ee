//! Goals, notes and milestones: what a shop aims at, what people wrote on days, and what it has passed.

pub mod milestones;
pub mod model;
pub mod page;
pub mod routes;
pub mod store;
pub mod tables;
pub mod view;
pub mod writing;
