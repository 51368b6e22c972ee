//! The design system's components: no domain words.

pub mod change;
pub mod chart;
pub mod figure;
pub mod sparkline;
pub mod theme;

/// What only a browser can do; on the server, functions of the same names that do nothing.
#[cfg_attr(not(feature = "hydrate"), path = "nowhere.rs")]
pub mod browser;
