//! Live: what is recorded reaches every watcher. The protocol is described in `docs/live.md`.

pub mod model;
pub mod presence;
pub mod view;

/// The browser's feed; on the server, functions of the same names that do nothing.
#[cfg_attr(not(feature = "hydrate"), path = "nowhere.rs")]
pub mod browser;
#[cfg(feature = "ssr")]
pub mod bus;
#[cfg(feature = "ssr")]
pub mod events;
#[cfg(feature = "ssr")]
pub mod greeting;
#[cfg(feature = "ssr")]
pub mod hub;
#[cfg(feature = "ssr")]
pub mod lanes;
#[cfg(feature = "ssr")]
pub mod listener;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod serialised;
#[cfg(feature = "ssr")]
pub mod socket;
#[cfg(feature = "ssr")]
pub mod watcher;
