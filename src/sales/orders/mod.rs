//! Orders one by one, for scripts: the list of those that a question asks about, and each with its ledger and its raw
//! deliveries.

pub mod model;
pub mod routes;
pub mod store;
