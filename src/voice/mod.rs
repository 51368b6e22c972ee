//! Voice rooms: who is in them, what they say to one another, and how the sound travels. Described in `docs/voice.md`.

pub mod config;
pub mod endings;
pub mod media;
pub mod monitor;
pub mod protocol;
pub mod rate;
pub mod relay;
pub mod rooms;
pub mod routes;
pub mod store;
pub mod switchboard;
pub mod view;

mod gauges;
mod limits;
mod sampling;
mod signalling;
mod state;
mod talk;
mod visit;

/// The server's voice.
pub type Voice = switchboard::Switchboard<media::Sfu>;
