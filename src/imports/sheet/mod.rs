//! Files with a table, of whatever kind: bytes become rows of cells with their lines, or a sentence that says why not.
//!
//! What a file is goes by its first bytes, never by its name. Nothing in a file is run, and each limit has a name.

mod book;
mod text;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::civil::Date;

pub use text::{Lines, Separator};

/// A file at most, in bytes: years of reports of every country and title are a tenth of it.
pub const FILE_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Rows of a report at most: what spreadsheets hold.
pub const ROWS_MAX: usize = 1_000_000;
/// Rows above them at most: headings, and the titles and notes that stand over those.
pub const ROWS_ABOVE_MAX: usize = 30;
/// How many times its size an archive may unpack to. Sheets of plain numbers reach 20.
pub const EXPANSION_MAX: u64 = 200;
/// What an archive may unpack to at most, in bytes: a million rows of ten cells are half of it.
pub const UNPACKED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Columns of a row at most; a report has ten.
pub const COLUMNS_MAX: usize = 1_000;
/// Cells of a file at most, the empty ones between others counted where a format stores them: some 500 MB.
pub const CELLS_MAX: usize = 10_000_000;
/// Characters of a cell at most, which is what spreadsheets hold.
pub const CELL_CHARS_MAX: usize = 32_767;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// Text, as it is written.
    Text(String),
    /// A number that a spreadsheet holds, as decimal text with a point: at most the 15 digits that spreadsheets keep.
    Number(String),
    /// A date that a spreadsheet holds.
    Date(Date),
    /// A formula that was never computed, or whose result is an error.
    Broken(String),
}

impl Cell {
    /// The cell as text without spaces around it; empty where it holds nothing.
    pub fn text(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) | Cell::Number(text) | Cell::Broken(text) => text.trim().to_owned(),
            Cell::Date(date) => date.to_string(),
        }
    }

    /// Whether nothing is written in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Cell::Empty => true,
            Cell::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

/// A row that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// The line of a text file, or the row of a spreadsheet, from 1.
    pub line: u32,
    /// Its cells from the first column; what is missing at the end is empty.
    pub cells: Vec<Cell>,
}

impl Row {
    /// The cell in a column, from 0.
    pub fn cell(&self, column: usize) -> &Cell {
        static NOTHING: Cell = Cell::Empty;
        self.cells.get(column).unwrap_or(&NOTHING)
    }
}

/// A table of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet<'a> {
    /// The name of the worksheet; empty for text.
    pub name: String,
    /// The rows that are not empty, in their order.
    pub rows: Rows<'a>,
}

/// The rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows<'a> {
    /// Those of a spreadsheet.
    Held(Vec<Row>),
    /// Those of text. They are read anew each time they are walked through: a million rows of cells would take half a gigabyte.
    Text(Lines<'a>),
}

impl Rows<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Rows::Held(rows) => rows.len(),
            Rows::Text(lines) => lines.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Cow<'_, Row>> + '_> {
        match self {
            Rows::Held(rows) => Box::new(rows.iter().map(Cow::Borrowed)),
            Rows::Text(lines) => Box::new(lines.rows().map(Cow::Owned)),
        }
    }
}

/// A file that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book<'a> {
    /// Its worksheets that are not empty; text has one.
    pub sheets: Vec<Sheet<'a>>,
    /// What separates the fields of a text file; none for a spreadsheet.
    pub separator: Option<Separator>,
    /// What whoever imports it should know, in sentences.
    pub notices: Vec<String>,
}

/// Why a file could not be read. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// Larger than [`FILE_BYTES_MAX`].
    #[error("the file is larger than 50 MB: split it, or save it as CSV")]
    TooLarge,
    /// More rows than [`ROWS_MAX`].
    #[error("the file has more than 1,000,000 rows: split it")]
    TooManyRows,
    /// A row with more columns than [`COLUMNS_MAX`].
    #[error("row {0} has more than 1,000 columns: leave the columns of the report alone and remove the others")]
    TooManyColumns(u32),
    /// A sheet that would fill more cells than [`CELLS_MAX`].
    #[error(
        "the sheet spreads over more than 10,000,000 cells: remove what stands far from the table, or save it as CSV"
    )]
    TooManyCells,
    /// A cell longer than [`CELL_CHARS_MAX`].
    #[error("a cell of row {0} has more than 32,767 characters: it is no report, or a quotation mark is missing")]
    LongCell(u32),
    /// An archive that unpacks to more than [`EXPANSION_MAX`] times its size, or [`UNPACKED_BYTES_MAX`].
    #[error("the file unpacks to more than 200 times its size or 512 MB, which no report does: save the sheet as CSV")]
    Bomb,
    /// A page of the web.
    #[error("the file is a web page, whatever its name says: open it in a spreadsheet and save it as XLSX or CSV")]
    WebPage,
    /// Protected by a password.
    #[error("the file is protected by a password: save it without one")]
    Protected,
    /// An archive, but no spreadsheet.
    #[error("the file is an archive and no spreadsheet: unpack it and import what is in it")]
    Archive,
    /// A spreadsheet of a form that is not read.
    #[error("the file is an XLSB workbook, which cannot be read: save it as XLSX or CSV")]
    BinaryBook,
    /// Neither text nor a spreadsheet.
    #[error("the file is neither text nor a spreadsheet: save it as CSV or XLSX")]
    NoTable,
    /// A spreadsheet that ends too early or is damaged.
    #[error("the file is damaged or was not transferred whole: fetch or save it again ({0})")]
    Damaged(String),
}

/// Reads a file.
pub fn read(bytes: &[u8]) -> Result<Book<'_>, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    // Readers of spreadsheets have been known to give up half-way; that is the file's fault and nobody else's.
    let done = catch_unwind(AssertUnwindSafe(|| match bytes {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => book::archive(bytes),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => book::compound(bytes),
        [0x1f, 0x8b, ..] => Err(Unreadable::Archive),
        _ => text::read(bytes),
    }));
    let mut book = done.unwrap_or_else(|_| Err(Unreadable::Damaged("its parts do not fit one another".into())))?;
    book.sheets.retain(|sheet| !sheet.rows.is_empty());
    if book.sheets.is_empty() { Err(Unreadable::Empty) } else { Ok(book) }
}

/// A row without the empty cells at its end; none where nothing is in it, and an error beyond the limits.
fn checked(mut row: Row) -> Result<Option<Row>, Unreadable> {
    while row.cells.last().is_some_and(Cell::is_empty) {
        row.cells.pop();
    }
    if row.cells.is_empty() {
        return Ok(None);
    }
    if row.cells.len() > COLUMNS_MAX {
        return Err(Unreadable::TooManyColumns(row.line));
    }
    let is_long = |cell: &Cell| matches!(cell, Cell::Text(text) if text.chars().nth(CELL_CHARS_MAX).is_some());
    if row.cells.iter().any(is_long) {
        return Err(Unreadable::LongCell(row.line));
    }
    Ok(Some(row))
}

/// Adds a row if anything is in it, within the limits.
fn hold(rows: &mut Vec<Row>, row: Row) -> Result<(), Unreadable> {
    rows.extend(checked(row)?);
    if rows.len() > ROWS_MAX + ROWS_ABOVE_MAX { Err(Unreadable::TooManyRows) } else { Ok(()) }
}
