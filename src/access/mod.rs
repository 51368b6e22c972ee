//! Access: people, sessions, links that work once, API tokens; who may see what.

pub mod api;
pub mod model;
pub mod sign_out;
/// The pages; they need no script, so the browser's half has only their names.
#[cfg_attr(feature = "hydrate", path = "nowhere.rs")]
pub mod view;

#[cfg(feature = "ssr")]
pub mod guard;
#[cfg(feature = "ssr")]
pub mod password;
#[cfg(feature = "ssr")]
pub mod secret;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod visitors;
