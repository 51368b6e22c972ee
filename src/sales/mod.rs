//! Sales: orders, their ledger, the sums of it, and the figures of the page.

pub mod api;
pub mod model;
pub mod projection;
pub mod question;
pub mod view;

#[cfg(feature = "ssr")]
pub mod books;
#[cfg(feature = "ssr")]
pub mod controls;
#[cfg(feature = "ssr")]
pub mod files;
#[cfg(feature = "ssr")]
pub mod ledger;
#[cfg(feature = "ssr")]
pub mod legacy;
#[cfg(feature = "ssr")]
pub mod order;
#[cfg(feature = "ssr")]
pub mod orders;
#[cfg(feature = "ssr")]
pub mod recorder;
#[cfg(feature = "ssr")]
pub mod recording;
#[cfg(feature = "ssr")]
pub mod redenomination;
#[cfg(feature = "ssr")]
pub mod snapshot;
#[cfg(feature = "ssr")]
pub mod spans;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod sums;
#[cfg(feature = "ssr")]
pub mod tables;
