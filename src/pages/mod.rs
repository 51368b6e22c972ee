//! Pages: composition only, no arithmetic.

pub mod dashboard;
#[cfg(feature = "ssr")]
pub mod keys;
