//! Pages: composition only, no arithmetic.

pub mod dashboard;
