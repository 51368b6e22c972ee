//! A report as PDF: figures, charts and tables drawn on landscape A4, with text that can be selected and searched.
//!
//! The typeface is Inter, a part of it that has Latin, Greek and Cyrillic letters; it is in the program, so that every server draws
//! the same. What it has no letters for is drawn as a mark of replacement.

mod draw;
mod place;

use crate::chart::Chart;
use crate::table::Data;

/// Rows of a table at most: some forty pages. The other files have all.
const ROWS_MAX: usize = 1_500;

/// What is printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What it is called.
    pub title: String,
    /// What its figures mean, as names with texts.
    pub facts: Vec<(String, String)>,
    /// Figures with their names, large.
    pub figures: Vec<(String, String)>,
    /// Line charts with their titles.
    pub charts: Vec<(String, Chart)>,
    /// A chart of bars with its title.
    pub bars: Option<(String, Vec<Bar>)>,
    /// Tables with their titles.
    pub tables: Vec<(String, Data)>,
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// What stands beside it.
    pub value: String,
    /// How long it is, in tenths of a percent of the longest that can be.
    pub per_mille: i64,
}

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The typeface in the program cannot be read.
    #[error("the typeface of the program cannot be read")]
    Typeface,
    /// The library refused.
    #[error("the library of PDF refused: {0}")]
    Library(String),
}

/// The report as a file.
pub fn pdf(report: &Report) -> Result<Vec<u8>, PdfError> {
    let faces = draw::Faces::shipped()?;
    let pages = place::pages(report, &faces);
    draw::file(&report.title, &pages, &faces)
}

#[cfg(test)]
#[path = "pdf/tests.rs"]
mod tests;
