//! Exports: any table as CSV, XLSX or JSON, page by page, with what its figures mean stated in its header (P2).
//!
//! A feature makes a [`Sheet`] and a stream of pages of rows, and hands both to [`respond`]. `docs/exports.md` says
//! what the files look like and why.

mod csv;
mod format;
mod json;
pub mod pdf;
mod plain;
mod respond;
mod sheet;
mod xlsx;

pub use format::{Format, Header, UnknownFormat, Wanted};
pub use plain::{at as local_time, percent};
pub use respond::respond;
pub use sheet::{Denomination, ExportError, Page, Sheet};
pub use xlsx::ROWS_MAX as XLSX_ROWS_MAX;

/// How many rows a caller puts in a page: few enough that a page of wide rows is less than a megabyte, and enough that
/// a database is not asked too often.
pub const PAGE_ROWS: i64 = 1_000;
