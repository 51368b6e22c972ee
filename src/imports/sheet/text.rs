//! Tables as text: CSV with a comma, a semicolon or a tab, in UTF-8, UTF-16 or Windows-1252.

use std::borrow::Cow;

use csv::{ByteRecord, ReaderBuilder};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::imports::sheet::{Book, Cell, ROWS_ABOVE_MAX, ROWS_MAX, Row, Rows, Sheet, Unreadable, checked};

/// Lines that the separator is found by: title rows and some of the table.
const LINES_TRIED: usize = 40;
/// Bytes that the kind of text is found by.
const BYTES_TRIED: usize = 64 * 1024;

/// What separates the fields of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A comma.
    Comma,
    /// A semicolon, which goes with a decimal comma.
    Semicolon,
    /// A tab.
    Tab,
}

impl Separator {
    const ALL: [Separator; 3] = [Separator::Comma, Separator::Semicolon, Separator::Tab];

    fn byte(self) -> u8 {
        match self {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Tab => b'\t',
        }
    }
}

/// Text within all limits, as the rows of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines<'a> {
    text: Cow<'a, str>,
    separator: Separator,
    count: usize,
}

impl<'a> Lines<'a> {
    fn of(text: Cow<'a, str>, separator: Separator) -> Result<Lines<'a>, Unreadable> {
        let mut count = 0;
        for row in records(&text, separator) {
            count += usize::from(checked(row?)?.is_some());
            if count > ROWS_MAX + ROWS_ABOVE_MAX {
                return Err(Unreadable::TooManyRows);
            }
        }
        Ok(Lines { text, separator, count })
    }

    /// How many rows are not empty.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The rows that are not empty. Each has been looked at before, so none is beyond the limits.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        records(&self.text, self.separator).filter_map(|row| checked(row.ok()?).ok()?)
    }
}

/// Reads text.
pub(super) fn read(bytes: &[u8]) -> Result<Book<'_>, Unreadable> {
    let (encoding, is_guessed) = encoding(bytes)?;
    // A byte-order mark goes with it.
    let (text, ..) = encoding.decode(bytes);
    let text: Cow<str> = if text.contains('\0') { return Err(Unreadable::NoTable) } else { text };
    if is_web_page(&text) {
        return Err(Unreadable::WebPage);
    }
    let separator = separator(&text);
    let mut notices = Vec::new();
    if is_guessed {
        notices.push("The file is not UTF-8 and was read as Windows-1252: look at letters with accents.".to_owned());
    }
    let rows = Rows::Text(Lines::of(text, separator)?);
    Ok(Book { sheets: vec![Sheet { name: String::new(), rows }], separator: Some(separator), notices })
}

/// The encoding by its byte-order mark, or by what the bytes can be; whether it is a guess.
fn encoding(bytes: &[u8]) -> Result<(&'static Encoding, bool), Unreadable> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Ok((encoding, false));
    }
    let head = bytes.get(..BYTES_TRIED).unwrap_or(bytes);
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count() * 4 >= head.len();
    // Text of western letters in two bytes each has a zero in every other place.
    match (zeros(0), zeros(1)) {
        (false, true) => return Ok((UTF_16LE, false)),
        (true, false) => return Ok((UTF_16BE, false)),
        _ if head.contains(&0) => return Err(Unreadable::NoTable),
        _ => {}
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok((UTF_8, false));
    }
    let is_control = |byte: &&u8| **byte < 0x20 && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x0c);
    if head.iter().any(|byte| is_control(&byte)) { Err(Unreadable::NoTable) } else { Ok((WINDOWS_1252, true)) }
}

/// Whether it begins as a page of the web does; what some programs call XLS.
fn is_web_page(text: &str) -> bool {
    let head: String = text.trim_start().chars().take(200).collect::<String>().to_lowercase();
    head.starts_with('<')
        && ["<html", "<!doctype", "<table", "<?xml", "<head", "<meta"].iter().any(|tag| head.contains(tag))
}

/// The separator that cuts the most lines into the same number of fields, at least two.
fn separator(text: &str) -> Separator {
    let score = |separator: Separator| {
        let widths: Vec<usize> =
            records(text, separator).take(LINES_TRIED).flatten().map(|row| row.cells.len()).collect();
        let alike = |width: usize| widths.iter().filter(|known| **known == width).count();
        widths.iter().filter(|width| **width > 1).map(|width| (alike(*width), *width)).max().unwrap_or((0, 0))
    };
    let mut best = (Separator::Comma, (0, 0));
    for separator in Separator::ALL {
        let score = score(separator);
        if score > best.1 {
            best = (separator, score);
        }
    }
    best.0
}

/// All rows, each with its line.
fn records(text: &str, separator: Separator) -> impl Iterator<Item = Result<Row, Unreadable>> + '_ {
    let reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator.byte()).from_reader(text.as_bytes());
    // The reader counts a line's end when it begins the next record, and it skips empty lines: so lines are counted here.
    let (mut at, mut line) = (0usize, 1u32);
    reader.into_byte_records().map(move |record| {
        let record: ByteRecord = record.map_err(|error| Unreadable::Damaged(error.to_string()))?;
        let begun = record.position().map_or(0, csv::Position::byte) as usize;
        let bytes = text.as_bytes();
        let is_end = |at: usize| matches!(bytes.get(at), Some(b'\n' | b'\r'));
        while at < begun || is_end(at) {
            let is_line = match bytes.get(at) {
                Some(b'\n') => true,
                Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            line = line.saturating_add(u32::from(is_line));
            at += 1;
        }
        let cell = |field| Cell::Text(String::from_utf8_lossy(field).into_owned());
        Ok(Row { line, cells: record.iter().map(cell).collect() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::sheet::{CELL_CHARS_MAX, read};

    const WEEKLY: &str =
        "report_week_start,report_week_end,total_minutes,country\r\n2025-12-23,2025-12-29,145000,GB\r\n";

    fn rows(bytes: &[u8]) -> Vec<(u32, Vec<String>)> {
        let book = read(bytes).expect("a file");
        book.sheets[0].rows.iter().map(|row| (row.line, row.cells.iter().map(Cell::text).collect())).collect()
    }

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn the_same_table_is_read_in_every_encoding() {
        let plain = rows(WEEKLY.as_bytes());
        assert_eq!(plain[1], (2, ["2025-12-23", "2025-12-29", "145000", "GB"].map(str::to_owned).to_vec()));
        assert_eq!(rows(format!("\u{feff}{WEEKLY}").as_bytes()), plain);
        for (big, mark) in [(false, true), (true, true), (false, false), (true, false)] {
            assert_eq!(rows(&utf16(WEEKLY, big, mark)), plain, "big {big}, mark {mark}");
        }
        let latin = b"month;minutes;title\n2025-10;5;M\xfcller \x80\n";
        assert_eq!(rows(latin)[1].1, ["2025-10", "5", "Müller €"]);
        assert_eq!(read(latin).expect("a file").notices.len(), 1);
    }

    #[test]
    fn the_separator_is_found_whatever_stands_in_cells() {
        for (text, separator) in [
            ("a,b\n1,2\n", Separator::Comma),
            ("a;b;c\n1,5;2,5;3\n2,5;1,5;4\n", Separator::Semicolon),
            ("a\tb\n\"1;2\"\t3,4\n", Separator::Tab),
            ("Report of October, all\n\nmonth;minutes\n2025-10;1\n2025-11;2\n", Separator::Semicolon),
            ("only\n1\n", Separator::Comma),
        ] {
            assert_eq!(read(text.as_bytes()).expect("a file").separator, Some(separator), "{text}");
        }
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let text = "Title\n\n\"a\",b\n\"one\nmore\",2\n3,4\n";
        let lines: Vec<u32> = rows(text.as_bytes()).iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 6]);
    }

    #[test]
    fn what_is_no_table_is_a_sentence() {
        for (bytes, reason) in [
            (b"".to_vec(), Unreadable::Empty),
            (b"\n \n,,\n".to_vec(), Unreadable::Empty),
            (b"<html><body><table><tr><td>1".to_vec(), Unreadable::WebPage),
            (b"\xef\xbb\xbf\n<!DOCTYPE html>\n<p>".to_vec(), Unreadable::WebPage),
            (b"<?xml version=\"1.0\"?><Workbook/>".to_vec(), Unreadable::WebPage),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), Unreadable::NoTable),
            (b"\x1f\x8b\x08\0".to_vec(), Unreadable::Archive),
            (format!("a,b\n1,{}\n", "x".repeat(CELL_CHARS_MAX + 1)).into_bytes(), Unreadable::LongCell(2)),
            (format!("a,b\n1{}\n", ",2".repeat(1_000)).into_bytes(), Unreadable::TooManyColumns(2)),
            (vec![b'1'; crate::imports::sheet::FILE_BYTES_MAX + 1], Unreadable::TooLarge),
        ] {
            assert_eq!(read(&bytes).map(|_| ()), Err(reason));
        }
        let many = "1,2\n".repeat(ROWS_MAX + ROWS_ABOVE_MAX + 1);
        assert_eq!(read(many.as_bytes()).map(|_| ()), Err(Unreadable::TooManyRows));
    }
}
