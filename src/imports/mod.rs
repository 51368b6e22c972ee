//! Imports: what a company has in files.

pub mod columns;
pub mod legacy;
pub mod orders;
pub mod plan;
pub mod report;
pub mod run;
pub mod sheet;
pub mod store;
pub mod values;
pub mod words;
