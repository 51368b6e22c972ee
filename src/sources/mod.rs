//! Sources: where orders come from. One file a format; each checks signatures and reads bodies.

pub mod amount;
pub mod directory;
mod model;
pub mod replay;
pub mod routes;
pub mod shopify;
pub mod standard;
pub mod store;

pub use model::{Format, Reading, Secrets, Unreadable};

use crate::period::Instant;

/// A source with what is needed to take its deliveries.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its number.
    pub id: i32,
    /// Its name in addresses.
    pub name: String,
    /// `shopify`, `etsy`, …
    pub platform: String,
    /// The secrets that its deliveries are signed with.
    pub secrets: Secrets,
    /// When it last delivered something.
    pub last_delivery_at: Option<Instant>,
}
