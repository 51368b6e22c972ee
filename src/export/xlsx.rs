//! Tables as XLSX: real numbers, real dates, and text that is never a formula; written to a file, then sent.
//!
//! The index of an XLSX file stands at its end and its parts are compressed, so it cannot be sent while rows are read.
//! Rows are written to a temporary file as they come, so that memory does not grow with them. The file has no name: it
//! is gone when it is sent, or given up, or when the server dies.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};
use tokio::sync::{Semaphore, mpsc};

use crate::export::{Denomination, ExportError, Page, Sheet, plain};
use crate::money::{self, Currency};
use crate::table::{Column, Value};

/// Rows that a worksheet holds below its headings; Excel's limit is 1,048,576 with them.
pub const ROWS_MAX: u32 = 1_048_575;
/// Characters that a cell holds, as Excel counts them: in UTF-16.
const TEXT_MAX: usize = 32_767;
/// Digits that Excel keeps of a number, and that a double gives back as they were.
const DIGITS_MAX: usize = 15;
/// Pages that may wait for the disk.
const PAGES_WAITING: usize = 2;
/// Files that are written at once: a full one of nine columns takes half a gigabyte of temporary disk, and a processor.
const FILES_AT_ONCE: usize = 2;
/// The turns to write a file.
static TURNS: Semaphore = Semaphore::const_new(FILES_AT_ONCE);

/// The whole file, rewound.
pub async fn file(
    sheet: Arc<Sheet>,
    mut pages: impl Stream<Item = Result<Page, ExportError>> + Unpin,
) -> Result<File, ExportError> {
    // The semaphore is never closed.
    let turn = TURNS.acquire().await.map_err(|_| ExportError::Abandoned)?;
    let (sender, receiver) = mpsc::channel(PAGES_WAITING);
    let writing = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        write(&sheet, receiver)
    });
    while let Some(page) = pages.next().await {
        if sender.send(Some(page?)).await.is_err() {
            break; // The writer has stopped; it says why below.
        }
    }
    let _ = sender.send(None).await;
    writing.await?
}

/// Writes pages until `None`. A channel that closes without it means that nobody waits for the file.
fn write(sheet: &Sheet, mut pages: mpsc::Receiver<Option<Page>>) -> Result<File, ExportError> {
    let mut book = Book::new(sheet)?;
    loop {
        match pages.blocking_recv() {
            Some(Some(page)) => book.write(&page)?,
            Some(None) => return book.finish(),
            None => return Err(ExportError::Abandoned),
        }
    }
}

/// A workbook that is being written: a worksheet of the table and one of its facts.
struct Book<'a> {
    sheet: &'a Sheet,
    workbook: Workbook,
    formats: Formats,
    rows: u32,
}

impl Book<'_> {
    fn new(sheet: &Sheet) -> Result<Book<'_>, ExportError> {
        let mut workbook = Workbook::new();
        // Equal tables are equal files, so that a script is told when nothing has changed; the facts say of when it is.
        let made = ExcelDateTime::from_ymd(2000, 1, 1)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
        let table = workbook.add_worksheet_with_constant_memory()?;
        table.set_name("Table")?.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold();
        let mut at = 0;
        for column in &sheet.columns {
            let denomination = sheet.denomination(column);
            let heading = match denomination {
                Some(Denomination::One(currency)) => format!("{} ({currency})", column.title),
                _ => column.title.clone(),
            };
            heading_cell(table, &mut at, &heading, column.numeric, &bold)?;
            if denomination == Some(Denomination::Each) {
                heading_cell(table, &mut at, &format!("{}: currency", column.title), true, &bold)?;
            }
        }
        Ok(Book { sheet, workbook, formats: Formats::new(), rows: 0 })
    }

    fn write(&mut self, page: &Page) -> Result<(), ExportError> {
        let table = self.workbook.worksheet_from_index(0)?;
        for row in page {
            if self.rows == ROWS_MAX {
                return Err(ExportError::TooManyRows);
            }
            self.rows += 1;
            let mut at = 0;
            for (column, value) in self.sheet.columns.iter().zip(row) {
                cell(table, (self.rows, at), column, value, &mut self.formats)?;
                at += 1;
                if self.sheet.denomination(column) == Some(Denomination::Each) {
                    if let Value::Money(_, currency) = value {
                        table.write_string(self.rows, at, currency.code())?;
                    }
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<File, ExportError> {
        let bold = Format::new().set_bold();
        let about = self.workbook.add_worksheet();
        about.set_name("About")?.set_column_width(0, 14)?.set_column_width(1, 50)?;
        for (row, (name, text)) in (0..).zip(self.sheet.header()) {
            about.write_string_with_format(row, 0, name, &bold)?;
            text_cell(about, (row, 1), name, text)?;
        }
        let mut file = tempfile::tempfile()?;
        let mut out = BufWriter::new(&mut file);
        self.workbook.save_to_writer(&mut out)?;
        out.flush()?;
        drop(out);
        file.rewind()?;
        Ok(file)
    }
}

/// How numbers and dates are shown; kept, because a workbook has few of them and cells are many.
struct Formats {
    count: Format,
    percent: Format,
    date: Format,
    time: Format,
    money: HashMap<Currency, Format>,
}

impl Formats {
    fn new() -> Formats {
        let format = |code: &str| Format::new().set_num_format(code);
        Formats {
            count: format("#,##0"),
            percent: format("0.0%"),
            date: format("yyyy-mm-dd"),
            time: format("yyyy-mm-dd hh:mm:ss"),
            money: HashMap::new(),
        }
    }

    fn money(&mut self, currency: Currency) -> &Format {
        self.money.entry(currency).or_insert_with(|| Format::new().set_num_format(money_format(currency)))
    }
}

/// How Excel is to show a currency: its sign in quotes, and the digits that it has after its point.
fn money_format(currency: Currency) -> String {
    let zeros = "0".repeat(currency.minor_digits() as usize);
    let point = if zeros.is_empty() { "" } else { "." };
    format!("\"{}\"#,##0{point}{zeros}", currency.prefix())
}

/// Writes a heading and moves on to the next column.
fn heading_cell(
    table: &mut Worksheet,
    at: &mut u16,
    text: &str,
    numeric: bool,
    bold: &Format,
) -> Result<(), ExportError> {
    // A guess, as the rows are not known yet: room for the heading, and for a time or a name.
    let width = text.chars().count().clamp(if numeric { 12 } else { 20 }, 40) as u16 + 2;
    table.set_column_width(*at, width)?.write_string_with_format(0, *at, text, bold)?;
    *at += 1;
    Ok(())
}

fn cell(
    table: &mut Worksheet,
    at: (u32, u16),
    column: &Column,
    value: &Value,
    formats: &mut Formats,
) -> Result<(), ExportError> {
    match value {
        Value::Empty => {}
        Value::Text(text) => text_cell(table, at, &column.name, text)?,
        Value::Count(count) => number_cell(table, at, column, &count.to_string(), &formats.count)?,
        Value::Money(minor, currency) => {
            number_cell(table, at, column, &money::decimal(*minor, *currency), formats.money(*currency))?;
        }
        Value::PerMille(tenths) => number_cell(table, at, column, &plain::fraction(*tenths), &formats.percent)?,
        // A rate is not summed, so one with more digits than a number keeps may stand as text, whole.
        Value::Decimal(digits) => match number(digits) {
            Some(number) => drop(table.write_number(at.0, at.1, number)?),
            None => text_cell(table, at, &column.name, digits)?,
        },
        Value::Date(text) => match plain::date(text).filter(|date| date.year() >= 1900) {
            Some(date) => drop(table.write_datetime_with_format(at.0, at.1, date, &formats.date)?),
            None => text_cell(table, at, &column.name, text)?,
        },
        // Excel knows no zones: it gets the local time, and the facts name the zone.
        Value::Time(text, _) => match plain::local(text).filter(|local| local.year() >= 1900) {
            Some(local) => drop(table.write_datetime_with_format(at.0, at.1, local, &formats.time)?),
            None => text_cell(table, at, &column.name, text)?,
        },
    }
    Ok(())
}

/// Writes text as text, whatever it begins with.
fn text_cell(table: &mut Worksheet, at: (u32, u16), column: &str, text: &str) -> Result<(), ExportError> {
    if text.encode_utf16().count() > TEXT_MAX {
        return Err(ExportError::TextTooLong(column.to_owned()));
    }
    table.write_string(at.0, at.1, text)?;
    Ok(())
}

fn number_cell(
    table: &mut Worksheet,
    at: (u32, u16),
    column: &Column,
    digits: &str,
    format: &Format,
) -> Result<(), ExportError> {
    let number = number(digits).ok_or_else(|| ExportError::NumberTooLong(column.name.clone()))?;
    table.write_number_with_format(at.0, at.1, number, format)?;
    Ok(())
}

/// A decimal number as the double nearest to it: the one place where money becomes floating point, because XLSX has no
/// other numbers. Up to 15 digits, a trillion pounds, the decimal comes back from the double as it was. Longer ones are
/// none: Excel would round them.
fn number(digits: &str) -> Option<f64> {
    let significant = digits.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    (plain::is_decimal(digits) && significant <= DIGITS_MAX).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use calamine::{Data, Reader as _, Xlsx};
    use proptest::prelude::*;

    use super::*;
    use crate::export::sheet::tests::{row, sheet};

    fn made(sheet: &Sheet, page: &Page) -> Result<File, ExportError> {
        let mut book = Book::new(sheet)?;
        book.write(page)?;
        book.finish()
    }

    fn read(file: File, name: &str) -> Vec<Vec<Data>> {
        let mut workbook = Xlsx::new(BufReader::new(file)).expect("a workbook");
        assert!(workbook.worksheet_formula(name).expect("formulas").is_empty(), "a formula");
        workbook.worksheet_range(name).expect("a worksheet").rows().map(<[Data]>::to_vec).collect()
    }

    fn table(page: &Page) -> Vec<Vec<Data>> {
        read(made(&sheet(), page).expect("a file"), "Table")
    }

    fn text(text: &str) -> Data {
        Data::String(text.into())
    }

    #[test]
    fn numbers_are_numbers_dates_are_dates_and_text_is_text() {
        let yen = Currency::parse("JPY").expect("a code");
        let rows = table(&vec![row("=1+1", 104_567, yen), vec![Value::Empty; 8], row("-5", 0, yen)]);
        let headings =
            ["Country", "Orders", "Revenue (GBP)", "Paid", "Paid: currency", "Change", "Rate", "Day", "Placed"];
        assert_eq!(rows[0], headings.map(text));
        let first = [text("=1+1"), Data::Float(1_234.0), Data::Float(1_045.67), Data::Float(-104_567.0), text("JPY")];
        assert_eq!(rows[1][..5], first);
        assert_eq!(rows[1][5..7], [Data::Float(-0.172), Data::Float(1.17235)]);
        let (Data::DateTime(day), Data::DateTime(time)) = (&rows[1][7], &rows[1][8]) else {
            panic!("no dates: {:?}", rows[1]);
        };
        assert_eq!(day.to_ymd_hms_milli(), (2026, 6, 17, 0, 0, 0, 0));
        assert_eq!(time.to_ymd_hms_milli(), (2026, 6, 17, 14, 30, 7, 0));
        assert!(rows[2].iter().all(|cell| *cell == Data::Empty));
        assert_eq!(rows[3][0], text("-5"));
    }

    #[test]
    fn the_facts_have_a_worksheet() {
        let facts = read(made(&sheet(), &vec![]).expect("a file"), "About");
        assert_eq!(facts[0], [text("table"), text("Countries, today")]);
        assert_eq!(facts[1], [text("zone"), text("Europe/London")]);
        assert_eq!(facts[6], [text("watermark"), text("2026-06-17T14:30:07+01:00")]);
    }

    #[test]
    fn money_is_shown_by_its_currency_s_rules() {
        for (code, shown) in [("GBP", "\"£\"#,##0.00"), ("JPY", "\"¥\"#,##0"), ("KWD", "\"KWD\u{a0}\"#,##0.000")] {
            assert_eq!(money_format(Currency::parse(code).expect("a code")), shown);
        }
    }

    #[test]
    fn what_excel_cannot_hold_is_refused_with_advice() {
        let refused = |page: Page| made(&sheet(), &page).expect_err("a refusal").to_string();
        let long = "£".repeat(TEXT_MAX + 1);
        assert!(refused(vec![row(&long, 1, Currency::GBP)]).contains("\"country\" is longer than"));
        assert!(made(&sheet(), &vec![row(&long[2..], 1, Currency::GBP)]).is_ok());
        let large = refused(vec![row("a", 1_000_000_000_000_000, Currency::GBP)]);
        assert!(large.contains("\"revenue\"") && large.contains("as CSV"), "{large}");
        let sheet = sheet();
        let mut book = Book::new(&sheet).expect("a book");
        book.rows = ROWS_MAX - 1;
        book.write(&vec![row("the last one", 1, Currency::GBP)]).expect("room");
        let error = book.write(&vec![row("one more", 1, Currency::GBP)]).expect_err("no room");
        assert!(error.to_string().contains("1,048,575"), "{error}");
    }

    #[test]
    fn what_is_no_number_or_date_is_text() {
        let mut odd = row("a", 1, Currency::GBP);
        odd[5] = Value::Decimal("1.1234567890123456".into());
        odd[6] = Value::Date("1899-12-31".into());
        odd[7] = Value::Time("=NOW()".into(), 0);
        let rows = table(&vec![odd]);
        assert_eq!(rows[1][6..9], [text("1.1234567890123456"), text("1899-12-31"), text("=NOW()")]);
    }

    #[test]
    fn a_file_that_nobody_waits_for_is_not_finished() {
        let (sender, receiver) = mpsc::channel(1);
        drop(sender);
        assert!(matches!(write(&sheet(), receiver), Err(ExportError::Abandoned)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn money_and_text_come_back(
            rows in proptest::collection::vec(("[=+@'-]?[ -~£é😀]{0,12}", -999_999_999_999_999i64..=999_999_999_999_999), 1..30)
        ) {
            let page: Page = rows.iter().map(|(text, minor)| row(text, *minor, Currency::GBP)).collect();
            let read = table(&page);
            let mut sum = 0;
            for (cells, (text, _)) in read[1..].iter().zip(&rows) {
                prop_assert_eq!(cells[0].to_string(), text.clone());
                let Data::Float(number) = &cells[2] else { panic!("no number: {cells:?}") };
                sum += money::parse_minor(&number.to_string(), Currency::GBP).expect("a number");
                prop_assert_eq!(Data::Float(-number), cells[3].clone());
            }
            prop_assert_eq!(sum, rows.iter().map(|(_, minor)| minor).sum::<i64>());
        }
    }
}
