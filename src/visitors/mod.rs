//! Visitors of the shop's pages: counted by a script of one line, without cookies, and without keeping who they are.

pub mod answer;
pub mod batch;
pub mod bots;
pub mod charts;
pub mod counter;
pub mod countries;
pub mod door;
pub mod identity;
pub mod limit;
pub mod model;
pub mod page;
pub mod routes;
pub mod store;
pub mod sums_store;
pub mod tables;
pub mod view;
pub mod writer;
