//! Orders one by one: the list of those that a question asks about, and each with its ledger and its raw deliveries, for
//! scripts and as a page.

mod body;
mod details;
pub mod model;
pub mod page;
pub mod routes;
pub mod store;
pub mod view;
mod words;
