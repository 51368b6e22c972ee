//! Who is on the page, whichever server their sockets are of. Described in `docs/live.md`.

pub mod view;

#[cfg(feature = "ssr")]
mod here;
#[cfg(feature = "ssr")]
pub mod model;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod store;

#[cfg(feature = "ssr")]
pub use here::{Presence, Seat, Shown, initials};
