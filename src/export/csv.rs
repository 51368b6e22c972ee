//! Tables as CSV: RFC 4180, in UTF-8, with text that no spreadsheet takes for a formula.

use std::sync::Arc;

use ::csv::{Terminator, Writer, WriterBuilder};
use futures_util::{Stream, StreamExt as _, stream};

use crate::export::{Denomination, ExportError, Header, Page, Sheet, plain};
use crate::money;
use crate::table::Value;

/// Tells Excel that a file is UTF-8; without it "£" is read as two other signs.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// What a spreadsheet may take for the beginning of a formula: what P2 names, line feed, and the wide forms that
/// East Asian versions take for the narrow ones.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The file in pieces: its header, then one piece a page.
pub fn pieces(
    sheet: Arc<Sheet>,
    header: Header,
    pages: impl Stream<Item = Result<Page, ExportError>>,
) -> impl Stream<Item = Result<Vec<u8>, ExportError>> {
    let beginning = head(&sheet, header);
    stream::iter([beginning]).chain(pages.map(move |page| rows(&sheet, header, &page?)))
}

fn head(sheet: &Sheet, header: Header) -> Result<Vec<u8>, ExportError> {
    let mut out = Records::new(sheet, header);
    if header == Header::Full {
        for (name, text) in sheet.header() {
            out.write(vec![neutral(name), neutral(text)])?;
        }
        out.write(Vec::new())?;
    }
    let names = sheet.columns.iter().flat_map(|column| match sheet.denomination(column) {
        None => vec![column.name.clone()],
        Some(Denomination::One(currency)) => vec![format!("{}_{}", column.name, currency.code().to_lowercase())],
        Some(Denomination::Each) => vec![column.name.clone(), format!("{}_currency", column.name)],
    });
    out.write(names.collect())?;
    let mut bytes = out.bytes()?;
    if header == Header::Full {
        bytes.splice(0..0, BYTE_ORDER_MARK.bytes());
    }
    Ok(bytes)
}

fn rows(sheet: &Sheet, header: Header, page: &Page) -> Result<Vec<u8>, ExportError> {
    let mut out = Records::new(sheet, header);
    for row in page {
        let mut record = Vec::with_capacity(out.width);
        for (column, value) in sheet.columns.iter().zip(row) {
            record.push(cell(value));
            if sheet.denomination(column) == Some(Denomination::Each) {
                record.push(if let Value::Money(_, currency) = value { currency.to_string() } else { String::new() });
            }
        }
        out.write(record)?;
    }
    out.bytes()
}

/// A value as its field. Numbers are never neutralised: `-45.67` stays a number.
fn cell(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Count(count) => count.to_string(),
        Value::Money(minor, currency) => money::decimal(*minor, *currency),
        Value::PerMille(tenths) => plain::percent(*tenths),
        Value::Decimal(digits) if plain::is_decimal(digits) => digits.clone(),
        Value::Time(local, seconds) => neutral(&plain::time(local, *seconds)),
        Value::Text(text) | Value::Date(text) | Value::Decimal(text) => neutral(text),
    }
}

/// The text behind an apostrophe where a spreadsheet would calculate it. A text that has such apostrophes already gets
/// one more, so that taking one away gives every text back.
fn neutral(text: &str) -> String {
    let risky = text.trim_start_matches('\'').starts_with(FORMULA_STARTS);
    if risky { format!("'{text}") } else { text.to_owned() }
}

/// Records of one width, as RFC 4180 asks, facts included.
struct Records {
    width: usize,
    writer: Writer<Vec<u8>>,
}

impl Records {
    fn new(sheet: &Sheet, header: Header) -> Records {
        let of_each_row = |column| sheet.denomination(column) == Some(Denomination::Each);
        let fields = sheet.columns.len() + sheet.columns.iter().filter(|column| of_each_row(column)).count();
        // A fact is two fields wide.
        let width = if header == Header::Full { fields.max(2) } else { fields };
        Records { width, writer: WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new()) }
    }

    fn write(&mut self, mut record: Vec<String>) -> Result<(), ExportError> {
        record.resize(self.width, String::new());
        Ok(self.writer.write_record(&record)?)
    }

    fn bytes(self) -> Result<Vec<u8>, ExportError> {
        self.writer.into_inner().map_err(|error| ExportError::File(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use ::csv::{ReaderBuilder, StringRecord};
    use proptest::prelude::*;

    use super::*;
    use crate::export::sheet::tests::{row, sheet, texts};
    use crate::money::{Currency, parse_minor};

    fn file(header: Header, page: &Page) -> Vec<u8> {
        let sheet = sheet();
        [head(&sheet, header).expect("a head"), rows(&sheet, header, page).expect("rows")].concat()
    }

    fn read(bytes: &[u8]) -> Vec<StringRecord> {
        // Not `flexible`: records of different widths are an error.
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(bytes);
        reader.records().collect::<Result<_, _>>().expect("RFC 4180")
    }

    /// What the page of documentation tells people who need the text as it was.
    fn as_it_was(field: &str) -> &str {
        if neutral(field) == field { field } else { &field[1..] }
    }

    #[test]
    fn a_file_for_people_has_a_mark_facts_names_and_rows() {
        let page = vec![row("Côte d'Ivoire, \"CI\"", 104_567, Currency::EUR)];
        let text = String::from_utf8(file(Header::Full, &page)).expect("UTF-8");
        let expected = "\u{feff}table,\"Countries, today\",,,,,,,\r\n\
            zone,Europe/London,,,,,,,\r\n\
            window,Wed 17 Jun 00:00–14:30 BST,,,,,,,\r\n\
            from,2026-06-17T00:00:00+01:00,,,,,,,\r\n\
            before,2026-06-17T14:30:07+01:00,,,,,,,\r\n\
            currency,GBP,,,,,,,\r\n\
            watermark,2026-06-17T14:30:07+01:00,,,,,,,\r\n\
            ,,,,,,,,\r\n\
            country,orders,revenue_gbp,paid,paid_currency,change,rate,day,placed_at\r\n\
            \"Côte d'Ivoire, \"\"CI\"\"\",1234,1045.67,-1045.67,EUR,-17.2,1.17235,2026-06-17,2026-06-17T14:30:07+01:00\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_for_programs_begins_with_the_names() {
        let yen = Currency::parse("JPY").expect("a code");
        let text = String::from_utf8(file(Header::Plain, &vec![row("JP", 26_400, yen)])).expect("UTF-8");
        assert!(text.starts_with("country,orders,revenue_gbp,"), "{text}");
        assert!(text.contains(",264.00,-26400,JPY,"), "{text}");
    }

    #[test]
    fn a_table_of_one_column_has_records_of_one_width() {
        let sheet = Sheet::new("notes", "Notes", vec![crate::table::Column::text("note", "Note")]);
        let page = vec![vec![Value::Text("a".into())], vec![Value::Empty]];
        let full = [head(&sheet, Header::Full), rows(&sheet, Header::Full, &page)].map(|part| part.expect("bytes"));
        assert!(read(&full.concat()).iter().all(|record| record.len() == 2));
        assert_eq!(rows(&sheet, Header::Plain, &page).expect("rows"), b"a\r\n\"\"\r\n");
    }

    #[test]
    fn what_pretends_to_be_a_number_is_text() {
        assert_eq!(cell(&Value::Decimal("-1.5".into())), "-1.5");
        assert_eq!(cell(&Value::Decimal("-1+cmd|' /C calc'!A0".into())), "'-1+cmd|' /C calc'!A0");
        assert_eq!(cell(&Value::Date("=1".into())), "'=1");
        assert_eq!(cell(&Value::Time("=1".into(), i64::MAX)), "'=1");
    }

    proptest! {
        #[test]
        fn every_text_is_neutral_and_comes_back(texts in texts()) {
            let page: Page = texts.iter().map(|text| row(text, 1, Currency::GBP)).collect();
            let records = read(&file(Header::Plain, &page));
            prop_assert_eq!(records.len(), texts.len() + 1);
            for (record, text) in records[1..].iter().zip(&texts) {
                prop_assert!(!record[0].starts_with(FORMULA_STARTS), "{:?}", &record[0]);
                prop_assert_eq!(as_it_was(&record[0]), text);
            }
        }

        #[test]
        fn money_is_read_back_and_its_sum_is_the_figure(
            amounts in proptest::collection::vec(-9_000_000_000_000i64..9_000_000_000_000, 0..30),
            paid in "GBP|JPY|KWD|CLF",
        ) {
            let paid = Currency::parse(&paid).expect("a code");
            let page: Page = amounts.iter().map(|minor| row("-", *minor, paid)).collect();
            let mut sum = 0;
            for (record, minor) in read(&file(Header::Plain, &page))[1..].iter().zip(&amounts) {
                prop_assert_eq!(parse_minor(&record[3], Currency::parse(&record[4]).expect("a code")), Ok(-minor));
                sum += parse_minor(&record[2], Currency::GBP).expect("a number");
            }
            prop_assert_eq!(sum, amounts.iter().sum::<i64>());
        }

        #[test]
        fn counts_are_numbers_whatever_they_are(count in any::<i64>()) {
            prop_assert_eq!(cell(&Value::Count(count)).parse::<i64>(), Ok(count));
            prop_assert!(plain::is_decimal(&cell(&Value::PerMille(count))));
        }
    }
}
