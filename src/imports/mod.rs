//! Imports: what a company has in files.

pub mod orders;
