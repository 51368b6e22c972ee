//! The server: its configuration, its database, its parts and how they start and stop.

pub mod address;
pub mod clock;
pub mod database;
pub mod event_stream;
pub mod form;
pub mod http;
pub mod postgres;
pub mod problem;
pub mod router;
pub mod run;
pub mod state;
