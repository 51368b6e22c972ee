//! Imports: what a company has in files.

pub mod columns;
pub mod legacy;
pub mod news;
pub mod orders;
pub mod page;
pub mod plan;
pub mod report;
pub mod routes;
pub mod run;
pub mod sheet;
pub mod store;
pub mod values;
pub mod view;
pub mod words;
