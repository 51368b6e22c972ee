//! Spreadsheets: XLSX, XLSM, ODS and XLS, through calamine. What would take a machine down is found before it is read.

use std::collections::BTreeMap;
use std::fmt::{Display, LowerExp};
use std::io::{Cursor, Read, sink};

use calamine::{Data, ExcelDateTime, Ods, Reader, Sheets, Xls, Xlsx};
use jiff::civil::Date;
use quick_xml::events::Event;
use zip::ZipArchive;

use crate::imports::sheet::{
    Book, CELLS_MAX, COLUMNS_MAX, Cell, EXPANSION_MAX, Row, Rows, Sheet, UNPACKED_BYTES_MAX, Unreadable, hold,
};

/// Files in an archive at most: a workbook has a few dozen.
const PARTS_MAX: usize = 10_000;
/// What a small archive may unpack to whatever its size, in bytes: its parts begin with the same words.
const UNPACKED_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// Significant digits that spreadsheets keep.
const DIGITS: usize = 15;
/// The part of an XLSX file whose elements calamine waits for.
const STYLES: &str = "xl/styles.xml";
/// Formulas that a notice names.
const NAMED_MAX: usize = 3;

fn damaged(error: impl Display) -> Unreadable {
    let text = error.to_string();
    match text.to_lowercase().contains("password") {
        true => Unreadable::Protected,
        false => Unreadable::Damaged(text.chars().take(120).collect()),
    }
}

/// Reads a ZIP archive: XLSX, XLSM or ODS.
pub(super) fn archive(bytes: &[u8]) -> Result<Book<'static>, Unreadable> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    check_expansion(&mut archive, bytes.len())?;
    let has = |name: &str| archive.file_names().flatten().any(|known| known.eq_ignore_ascii_case(name));
    if has("xl/workbook.bin") {
        return Err(Unreadable::BinaryBook);
    }
    let has_macros = has("xl/vbaProject.bin");
    if has("xl/workbook.xml") {
        if has(STYLES) {
            check_whole(&mut archive, STYLES)?;
        }
        return xlsx(bytes, has_macros);
    }
    if !has("content.xml") {
        return Err(Unreadable::Archive);
    }
    check_ods(&mut archive)?;
    ranges(Sheets::Ods(Ods::new(Cursor::new(bytes)).map_err(damaged)?))
}

/// Unpacks everything once, into nothing: what an archive says of its sizes is its own word.
fn check_expansion(archive: &mut ZipArchive<Cursor<&[u8]>>, size: usize) -> Result<(), Unreadable> {
    if archive.len() > PARTS_MAX {
        return Err(Unreadable::Bomb);
    }
    let mut left = (size as u64).saturating_mul(EXPANSION_MAX).clamp(UNPACKED_BYTES_MIN, UNPACKED_BYTES_MAX);
    for i in 0..archive.len() {
        let part = archive.by_index(i).map_err(damaged)?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut sink()).map_err(damaged)?;
        left = left.checked_sub(unpacked).ok_or(Unreadable::Bomb)?;
    }
    Ok(())
}

/// XLSX, cell by cell: a sheet with one cell in each far corner has two cells, not sixteen billion.
fn xlsx(bytes: &[u8], has_macros: bool) -> Result<Book<'static>, Unreadable> {
    let mut book = Book::default();
    if has_macros {
        book.notices.push("The file has macros. They were not run and are not kept.".into());
    }
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut left = CELLS_MAX;
    for name in workbook.sheet_names() {
        let Ok(mut reader) = workbook.worksheet_cells_reader(&name) else { continue };
        let mut rows: BTreeMap<u32, Vec<Cell>> = BTreeMap::new();
        let mut formulas = Vec::new();
        while let Some(found) = reader.next_cell_with_formula_metadata().map_err(damaged)? {
            let (row, column) = found.pos;
            let mut cell = cell_of(found.value.into());
            if found.formula.is_some() {
                formulas.push((row, column));
                if cell == Cell::Empty {
                    cell = Cell::Broken("a formula that was never computed".into());
                }
            }
            if cell == Cell::Empty {
                continue;
            }
            let column = column as usize;
            if column >= COLUMNS_MAX {
                return Err(Unreadable::TooManyColumns(row + 1));
            }
            let cells = rows.entry(row).or_default();
            let grown = (column + 1).saturating_sub(cells.len());
            left = left.checked_sub(grown).ok_or(Unreadable::TooManyCells)?;
            if grown > 0 {
                cells.resize(column + 1, Cell::Empty);
            }
            cells[column] = cell;
        }
        let mut held = Vec::with_capacity(rows.len());
        for (row, cells) in rows {
            hold(&mut held, Row { line: row.saturating_add(1), cells })?;
        }
        notice_formulas(&mut book.notices, &name, &formulas);
        book.sheets.push(Sheet { name: name.clone(), rows: Rows::Held(held) });
    }
    Ok(book)
}

/// Whether a part ends after its elements. calamine would wait for their ends for ever.
fn check_whole(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<(), Unreadable> {
    let part = archive.by_name(name).map_err(damaged)?;
    let mut reader = quick_xml::Reader::from_reader(std::io::BufReader::new(part));
    let (mut buffer, mut depth) = (Vec::new(), 0usize);
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).map_err(damaged)? {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err(damaged(format!("{name} ends too early"))),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// How far the sheets of an ODS file spread when their repetitions are written out: rows and cells may say of themselves that
/// they are there a million times. As [`check_whole`], it finds a document that ends before its elements.
fn check_ods(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), Unreadable> {
    let content = archive.by_name("content.xml").map_err(damaged)?;
    let mut reader = quick_xml::Reader::from_reader(std::io::BufReader::new(content));
    let (mut buffer, mut cells, mut depth) = (Vec::new(), 0usize, 0usize);
    // Of the sheet: rows so far, those up to the last that is not empty, and the widest. Of the row: repetitions, cells, empty
    // cells after them.
    let (mut rows, mut filled_rows, mut widest) = (0usize, 0usize, 0usize);
    let (mut repeats, mut width, mut empty) = (1usize, 0usize, 0usize);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(damaged)?;
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth > 0 => return Err(damaged("its content ends too early")),
            _ => {}
        }
        let (tag, has_content) = match &event {
            Event::Start(tag) => (tag, true),
            Event::Empty(tag) => (tag, false),
            Event::End(tag) if tag.name().as_ref() == "table:table-row" => {
                rows = rows.saturating_add(repeats);
                if width > 0 {
                    filled_rows = rows;
                    widest = widest.max(width);
                    cells = cells.saturating_add(width);
                }
                if cells > CELLS_MAX || filled_rows.saturating_mul(widest) > CELLS_MAX {
                    return Err(Unreadable::TooManyCells);
                }
                continue;
            }
            Event::Eof => return Ok(()),
            _ => continue,
        };
        let number = |name: &str| {
            let found = tag.try_get_attribute(name).ok().flatten();
            found.and_then(|found| found.value.parse::<usize>().ok()).unwrap_or(1)
        };
        match tag.name().as_ref() {
            "table:table" => (rows, filled_rows, widest) = (0, 0, 0),
            "table:table-row" => {
                (repeats, width, empty) = (number("table:number-rows-repeated"), 0, 0);
                if !has_content {
                    rows = rows.saturating_add(repeats);
                }
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let times = number("table:number-columns-repeated");
                let is_value = |name: &str| name.starts_with("office:") || name == "table:formula";
                let has_value = tag.attributes().flatten().any(|found| is_value(found.key.as_ref()));
                if has_content || has_value {
                    width = width.saturating_add(empty).saturating_add(times);
                    empty = 0;
                } else {
                    empty = empty.saturating_add(times);
                }
            }
            _ => {}
        }
    }
}

/// Reads a compound file: XLS.
pub(super) fn compound(bytes: &[u8]) -> Result<Book<'static>, Unreadable> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(damaged)?;
    if file.exists("/EncryptedPackage") {
        return Err(Unreadable::Protected);
    }
    let has_macros = file.exists("/_VBA_PROJECT_CUR");
    let name = ["/Workbook", "/Book", "/WORKBOOK", "/BOOK"].into_iter().find(|name| file.exists(name));
    let mut stream = Vec::new();
    let workbook = file.open_stream(name.ok_or(Unreadable::NoTable)?).map_err(damaged)?;
    workbook.take(bytes.len() as u64).read_to_end(&mut stream).map_err(damaged)?;
    check_xls(&stream)?;
    let mut book = ranges(Sheets::Xls(Xls::new(Cursor::new(bytes)).map_err(damaged)?))?;
    if has_macros {
        book.notices.insert(0, "The file has macros. They were not run and are not kept.".into());
    }
    Ok(book)
}

/// How far the sheets of an XLS file spread, by its records ([MS-XLS] 2.3): each is a kind, a length, and that many bytes.
fn check_xls(stream: &[u8]) -> Result<(), Unreadable> {
    const BEGIN: u16 = 0x0809;
    const PASSWORD: u16 = 0x002f;
    const NUMBERS: u16 = 0x00bd;
    // Formula, number, short number, shared text, text, rich text, truth or error.
    const CELLS: [u16; 7] = [0x0006, 0x0203, 0x027e, 0x00fd, 0x0204, 0x00d6, 0x0205];
    let (mut at, mut total) = (0usize, 0usize);
    let mut area: Option<[usize; 4]> = None;
    let size = |area: Option<[usize; 4]>| {
        area.map_or(0, |[top, left, bottom, right]| (bottom - top + 1).saturating_mul(right - left + 1))
    };
    let word = |at: usize| stream.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    while let (Some(kind), Some(length)) = (word(at), word(at + 2)) {
        let (body, length) = (at + 4, usize::from(length));
        match kind {
            PASSWORD => return Err(Unreadable::Protected),
            BEGIN => {
                total = total.saturating_add(size(area));
                area = None;
            }
            _ if kind == NUMBERS || CELLS.contains(&kind) => {
                if let (Some(row), Some(column)) = (word(body), word(body + 2)) {
                    let last = if kind == NUMBERS { word(body + length.max(2) - 2).unwrap_or(column) } else { column };
                    let (row, column, last) = (usize::from(row), usize::from(column), usize::from(last.max(column)));
                    let [top, left, bottom, right] = area.unwrap_or([row, column, row, last]);
                    area = Some([top.min(row), left.min(column), bottom.max(row), right.max(last)]);
                }
            }
            _ => {}
        }
        if total.saturating_add(size(area)) > CELLS_MAX {
            return Err(Unreadable::TooManyCells);
        }
        at = body + length;
    }
    Ok(())
}

/// The sheets of a workbook that is read whole.
fn ranges(mut workbook: Sheets<Cursor<&[u8]>>) -> Result<Book<'static>, Unreadable> {
    let mut book = Book::default();
    for name in workbook.sheet_names() {
        let Ok(range) = workbook.worksheet_range(&name) else { continue };
        let Some((top, left)) = range.start() else { continue };
        let formulas = match workbook.worksheet_formula(&name) {
            Ok(found) => {
                let (row, column) = found.start().unwrap_or_default();
                let places = found.used_cells().filter(|(.., formula)| !formula.is_empty());
                places.map(|(r, c, _)| (row + r as u32, column + c as u32)).collect()
            }
            Err(_) => Vec::new(),
        };
        let mut held = Vec::new();
        for (row, values) in (top..).zip(range.rows()) {
            if values.iter().all(|value| *value == Data::Empty) {
                continue;
            }
            let before = std::iter::repeat_n(Cell::Empty, left as usize);
            let cells = before.chain(values.iter().map(|value| cell_of(value.clone()))).collect();
            hold(&mut held, Row { line: row.saturating_add(1), cells })?;
        }
        notice_formulas(&mut book.notices, &name, &formulas);
        book.sheets.push(Sheet { name: name.clone(), rows: Rows::Held(held) });
    }
    Ok(book)
}

fn notice_formulas(notices: &mut Vec<String>, sheet: &str, formulas: &[(u32, u32)]) {
    if formulas.is_empty() {
        return;
    }
    let named: Vec<String> = formulas.iter().take(NAMED_MAX).map(|(row, column)| address(*row, *column)).collect();
    let more = if formulas.len() > NAMED_MAX { " and others" } else { "" };
    let (named, count) = (named.join(", "), formulas.len());
    let cells = if count == 1 { "cell is a formula" } else { "cells are formulas" };
    notices.push(format!("In {sheet}, {count} {cells} ({named}{more}): the result that the file holds was taken."));
}

/// The name of a cell: `B3`.
fn address(row: u32, column: u32) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    format!("{}{}", letters.into_iter().rev().collect::<String>(), row + 1)
}

fn cell_of(value: Data) -> Cell {
    match value {
        Data::Empty => Cell::Empty,
        Data::Int(number) => Cell::Number(number.to_string()),
        Data::Float(number) => Cell::Number(plain(number)),
        Data::String(text) => Cell::Text(text),
        Data::Bool(truth) => Cell::Text(truth.to_string()),
        Data::DateTime(at) => date_of(at).map_or(Cell::Empty, Cell::Date),
        Data::DateTimeIso(text) => {
            let day = text.get(..10).and_then(|day| day.parse().ok());
            day.map_or(Cell::Text(text), Cell::Date)
        }
        Data::DurationIso(text) => Cell::Text(text),
        Data::Error(error) => Cell::Broken(format!("the error {error}")),
    }
}

fn date_of(at: ExcelDateTime) -> Option<Date> {
    let (year, month, day, ..) = at.to_ymd_hms_milli();
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A number of a spreadsheet as decimal text: what it shows, not what is left of it in binary.
fn plain(number: impl Display + LowerExp) -> String {
    let text = number.to_string();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits <= DIGITS || !text.contains('.') {
        return text;
    }
    let rounded = format!("{number:.*e}", DIGITS - 1);
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let shown = match usize::try_from(exponent) {
        Ok(whole) if whole + 1 >= digits.len() => digits,
        Ok(whole) => format!("{}.{}", &digits[..=whole], &digits[whole + 1..]),
        Err(_) => format!("0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)),
    };
    let shown = if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.') } else { &shown };
    format!("{sign}{shown}")
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
