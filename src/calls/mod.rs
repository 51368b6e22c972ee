//! Calls as administrators see them: how each goes now, what is the matter, and how those that are over went.

pub mod administrator;
pub mod alerts;
pub mod ask;
pub mod charts;
pub mod cost;
pub mod files;
pub mod history;
pub mod keeper;
pub mod legacy;
pub mod live_view;
pub mod model;
pub mod page;
pub mod past;
pub mod quality;
pub mod report;
pub mod routes;
pub mod shown;
pub mod store;
pub mod stream;
pub mod tables;
pub mod told;
pub mod told_past;
pub mod view;
pub mod write_store;
pub mod writer;
