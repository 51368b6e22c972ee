//! A table to be exported: what it is called, what its figures mean, and what its columns hold.

use crate::export::plain;
use crate::money::Currency;
use crate::period::{Calendar, Instant, Window};
use crate::table::{Column, Value};

/// Rows that are read and written together.
pub type Page = Vec<Vec<Value>>;

/// A table without its rows.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The name of the file, without its extension.
    pub name: String,
    /// What people call the table.
    pub title: String,
    /// What the figures mean, stated in the header: the zone, the window, the currency, the watermark and filters.
    pub facts: Vec<(String, String)>,
    /// The columns.
    pub columns: Vec<Column>,
    /// Which columns, by their names, hold money, and of which currency.
    pub money: Vec<(String, Denomination)>,
}

/// The currency of a column of money. It is said beforehand, because the first line of a file is written before the
/// last row is known, and has to be the same for a table without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denomination {
    /// All of it is in this currency, which the heading names.
    One(Currency),
    /// Each row has its own, in a column beside it.
    Each,
}

/// Why a table cannot be exported, or not whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The source of the rows failed.
    #[error("the rows could not be read: {0}")]
    Rows(#[source] axum::BoxError),
    /// A row has more or fewer values than there are columns.
    #[error("a row has {found} values for {expected} columns")]
    Width {
        /// Values of the row.
        found: usize,
        /// Columns of the sheet.
        expected: usize,
    },
    /// A column holds money that it was not declared to hold.
    #[error("the column {column:?} holds {found}, which its sheet does not declare")]
    Money {
        /// The name of the column.
        column: String,
        /// The currency of the value.
        found: Currency,
    },
    /// More rows than a worksheet holds.
    #[error(
        "This table has more than the {} rows that an XLSX file can hold. Export it as CSV.",
        crate::money::count(crate::export::XLSX_ROWS_MAX.into())
    )]
    TooManyRows,
    /// A text longer than a cell of a worksheet.
    #[error("A text in the column {0:?} is longer than an XLSX file can hold. Export the table as CSV.")]
    TextTooLong(String),
    /// A number with more digits than a worksheet keeps.
    #[error("A number in the column {0:?} has more digits than an XLSX file can keep. Export the table as CSV.")]
    NumberTooLong(String),
    /// Nobody waits for the file any more.
    #[error("the export was given up")]
    Abandoned,
    /// CSV could not be written.
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
    /// JSON could not be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// XLSX could not be written.
    #[error(transparent)]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// The temporary file could not be written.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The task that writes XLSX came to a bad end.
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

impl Sheet {
    /// A sheet without facts and without columns of money.
    pub fn new(name: &str, title: &str, columns: Vec<Column>) -> Sheet {
        Sheet { name: name.into(), title: title.into(), facts: Vec::new(), columns, money: Vec::new() }
    }

    /// States the four facts that every header has (P2): zone, window in words and as instants, currency, watermark.
    pub fn about(self, calendar: &Calendar, window: Window, currency: Currency, watermark: Instant) -> Sheet {
        let time = |at: Instant| plain::at(calendar, at);
        self.fact("zone", calendar.zone_name())
            .fact("window", calendar.words(window, watermark))
            .fact("from", time(window.from))
            .fact("before", time(window.to))
            .fact("currency", currency.code())
            .fact("watermark", time(watermark))
    }

    /// States a further fact, such as a filter.
    pub fn fact(mut self, name: &str, text: impl Into<String>) -> Sheet {
        self.facts.push((name.into(), text.into()));
        self
    }

    /// Declares that a column holds money of one currency.
    pub fn money(mut self, column: &str, currency: Currency) -> Sheet {
        self.money.push((column.into(), Denomination::One(currency)));
        self
    }

    /// Declares that a column holds money of which each row has its own currency.
    pub fn money_of_each_row(mut self, column: &str) -> Sheet {
        self.money.push((column.into(), Denomination::Each));
        self
    }

    /// The currency of a column; `None` where it holds no money.
    pub(super) fn denomination(&self, column: &Column) -> Option<Denomination> {
        self.money.iter().find(|(name, _)| *name == column.name).map(|(_, denomination)| *denomination)
    }

    /// The title and the facts, as they stand in a file.
    pub(super) fn header(&self) -> impl Iterator<Item = (&str, &str)> {
        let facts = self.facts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        std::iter::once(("table", self.title.as_str())).chain(facts)
    }

    /// Refuses rows that do not fit the columns: a missing value would move all that follow it, and pounds among
    /// dollars would be added to them.
    pub(super) fn check(&self, page: &Page) -> Result<(), ExportError> {
        for row in page {
            if row.len() != self.columns.len() {
                return Err(ExportError::Width { found: row.len(), expected: self.columns.len() });
            }
            for (column, value) in self.columns.iter().zip(row) {
                let Value::Money(_, found) = value else { continue };
                match self.denomination(column) {
                    Some(Denomination::Each) => {}
                    Some(Denomination::One(currency)) if currency == *found => {}
                    _ => return Err(ExportError::Money { column: column.name.clone(), found: *found }),
                }
            }
        }
        Ok(())
    }
}

/// What the tests of the formats share: a sheet with a column of each kind, and rows for it.
#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    /// An instant from RFC 3339.
    pub fn instant(text: &str) -> Instant {
        DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
    }

    /// A sheet with a column of each kind of value.
    pub fn sheet() -> Sheet {
        let columns = vec![
            Column::text("country", "Country"),
            Column::number("orders", "Orders"),
            Column::number("revenue", "Revenue"),
            Column::number("paid", "Paid"),
            Column::number("change", "Change"),
            Column::number("rate", "Rate"),
            Column::text("day", "Day"),
            Column::text("placed_at", "Placed"),
        ];
        let london = Calendar::new("Europe/London", 1).expect("a zone");
        let window = Window { from: instant("2026-06-16T23:00:00Z"), to: instant("2026-06-17T13:30:07Z") };
        Sheet::new("countries", "Countries, today", columns)
            .about(&london, window, Currency::GBP, instant("2026-06-17T13:30:07.25Z"))
            .money("revenue", Currency::GBP)
            .money_of_each_row("paid")
    }

    /// A row for [`sheet`].
    pub fn row(text: &str, minor: i64, paid: Currency) -> Vec<Value> {
        vec![
            Value::Text(text.into()),
            Value::Count(1_234),
            Value::Money(minor, Currency::GBP),
            Value::Money(-minor, paid),
            Value::PerMille(-172),
            Value::Decimal("1.17235".into()),
            Value::Date("2026-06-17".into()),
            Value::Time("2026-06-17 14:30:07".into(), 1_781_703_007),
        ]
    }

    /// Texts that a shop or an attacker might send.
    pub fn texts() -> impl Strategy<Value = Vec<String>> {
        let nasty = "[=+@\t\r\n'\"; ,#-]{0,4}[-=+@'\",;#£é\u{1f600}a-c0-9 \r\n\t]{0,12}";
        proptest::collection::vec(prop_oneof![nasty, "\\PC{0,20}"], 0..12)
    }

    #[test]
    fn the_facts_are_zone_window_currency_and_watermark() {
        let sheet = sheet();
        let facts: Vec<_> = sheet.header().collect();
        assert_eq!(
            facts,
            [
                ("table", "Countries, today"),
                ("zone", "Europe/London"),
                ("window", "Wed 17 Jun 00:00–14:30 BST"),
                ("from", "2026-06-17T00:00:00+01:00"),
                ("before", "2026-06-17T14:30:07+01:00"),
                ("currency", "GBP"),
                ("watermark", "2026-06-17T14:30:07+01:00"),
            ]
        );
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let euro = Currency::EUR;
        assert!(sheet().check(&vec![row("France", 1, euro)]).is_ok());
        assert!(matches!(sheet().check(&vec![vec![]]), Err(ExportError::Width { found: 0, expected: 8 })));
        let mut wrong = row("France", 1, euro);
        wrong[2] = Value::Money(1, euro);
        assert!(matches!(sheet().check(&vec![wrong.clone()]), Err(ExportError::Money { .. })));
        wrong.swap(1, 2);
        assert!(matches!(sheet().check(&vec![wrong]), Err(ExportError::Money { .. })));
    }
}
