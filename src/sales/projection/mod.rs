//! Projections: where today, this week, this month and this quarter will land, and how good earlier ones were.

pub mod model;

#[cfg(feature = "ssr")]
pub mod curve;
#[cfg(feature = "ssr")]
pub mod project;
#[cfg(feature = "ssr")]
pub mod store;

#[cfg(feature = "ssr")]
pub use project::{Projected, keep_and_score, projections};
