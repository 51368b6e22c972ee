//! Imports: what a company has in files.

pub mod columns;
pub mod orders;
pub mod plan;
pub mod report;
pub mod sheet;
pub mod values;
