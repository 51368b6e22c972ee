//! Royalties: what listeners heard, what was paid for it, and what the running quarter will bring.

pub mod behind;
pub mod charts;
pub mod figure;
pub mod included;
pub mod legacy;
pub mod model;
pub mod page;
pub mod projection;
pub mod rate;
pub mod read;
pub mod routes;
pub mod standing;
pub mod store;
pub mod sums_store;
pub mod tables;
pub mod totals;
pub mod view;
