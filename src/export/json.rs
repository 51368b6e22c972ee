//! Tables as JSON: one object with the facts, the columns, and the rows as objects; decimals are text, never floats.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::export::{ExportError, Page, Sheet, plain};
use crate::money;
use crate::table::{Column, Value};

/// The file in pieces: its beginning, then one piece a page, then its end.
pub fn pieces(
    sheet: Arc<Sheet>,
    pages: impl Stream<Item = Result<Page, ExportError>>,
) -> impl Stream<Item = Result<Vec<u8>, ExportError>> {
    let beginning = head(&sheet);
    let mut before = "\n";
    let rows = pages.map(move |page| {
        let mut out = Vec::new();
        for row in &page? {
            out.extend_from_slice(before.as_bytes());
            before = ",\n";
            serde_json::to_writer(&mut out, &Row(&sheet.columns, row))?;
        }
        Ok(out)
    });
    stream::iter([beginning]).chain(rows).chain(stream::iter([Ok(b"\n]}\n".to_vec())]))
}

/// Everything before the rows, open at its end.
fn head(sheet: &Sheet) -> Result<Vec<u8>, ExportError> {
    let facts = serde_json::to_string(&Facts(sheet))?;
    let columns = serde_json::to_string(&sheet.columns)?;
    Ok(format!("{{\"facts\":{facts},\n\"columns\":{columns},\n\"rows\":[").into_bytes())
}

struct Facts<'a>(&'a Sheet);
struct Row<'a>(&'a [Column], &'a [Value]);
struct Cell<'a>(&'a Value);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.header())
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1).map(|(column, value)| (&column.name, Cell(value))))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Empty => serializer.serialize_unit(),
            Value::Count(count) => serializer.serialize_i64(*count),
            Value::Money(minor, currency) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("amount", &money::decimal(*minor, *currency))?;
                map.serialize_entry("currency", currency)?;
                map.end()
            }
            Value::PerMille(tenths) => serializer.serialize_str(&plain::percent(*tenths)),
            Value::Time(local, seconds) => serializer.serialize_str(&plain::time(local, *seconds)),
            Value::Text(text) | Value::Decimal(text) | Value::Date(text) => serializer.serialize_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::export::sheet::tests::{row, sheet, texts};
    use crate::money::{Currency, parse_minor};

    /// The whole file, of pages that are at hand.
    fn file(pages: Vec<Page>) -> serde_json::Value {
        let pages = stream::iter(pages.into_iter().map(Ok));
        let parts = futures_util::FutureExt::now_or_never(pieces(Arc::new(sheet()), pages).collect::<Vec<_>>());
        let parts: Result<Vec<_>, _> = parts.expect("nothing to wait for").into_iter().collect();
        serde_json::from_slice(&parts.expect("JSON").concat()).expect("JSON")
    }

    #[test]
    fn a_file_has_facts_columns_and_rows() {
        let file = file(vec![vec![row("=France", 104_567, Currency::EUR)], vec![], vec![vec![Value::Empty; 8]]]);
        assert_eq!(file["facts"]["table"], "Countries, today");
        assert_eq!(file["facts"]["zone"], "Europe/London");
        assert_eq!(file["columns"][2], json!({"name": "revenue", "title": "Revenue", "numeric": true}));
        assert_eq!(
            file["rows"][0],
            json!({
                "country": "=France",
                "orders": 1234,
                "revenue": {"amount": "1045.67", "currency": "GBP"},
                "paid": {"amount": "-1045.67", "currency": "EUR"},
                "change": "-17.2",
                "rate": "1.17235",
                "day": "2026-06-17",
                "placed_at": "2026-06-17T14:30:07+01:00",
            })
        );
        assert!(file["rows"][1]["country"].is_null());
    }

    proptest! {
        #[test]
        fn rows_come_back_however_they_are_paged(texts in texts(), size in 1usize..5, minor in any::<i32>()) {
            let rows: Page = texts.iter().map(|text| row(text, minor.into(), Currency::GBP)).collect();
            let file = file(rows.chunks(size).map(<[_]>::to_vec).collect());
            let read = file["rows"].as_array().expect("rows");
            prop_assert_eq!(read.len(), texts.len());
            for (read, text) in read.iter().zip(&texts) {
                prop_assert_eq!(read["country"].as_str(), Some(text.as_str()));
                let amount = read["revenue"]["amount"].as_str().expect("text");
                prop_assert_eq!(parse_minor(amount, Currency::GBP), Ok(minor.into()));
            }
        }
    }
}
