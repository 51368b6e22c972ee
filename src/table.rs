//! Tables of values, the same for the page, the API and the exports: what a cell is, and how it is shown. Pure.

use serde::{Deserialize, Serialize};

use crate::money::{self, Currency};

/// What a cell holds. Shown to people as text, sorted and exported as what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, shown as "—".
    Empty,
    /// Text, perhaps from outside.
    Text(String),
    /// A number of things.
    Count(i64),
    /// Minor units of a currency.
    Money(i64, Currency),
    /// Tenths of a percent.
    PerMille(i64),
    /// A rate of exchange or another exact decimal, as its digits.
    Decimal(String),
    /// A local date, `2026-11-21`.
    Date(String),
    /// A local time with its date, `2026-11-21 14:30:07`, and the instant in seconds since 1970.
    Time(String, i64),
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Column {
    /// Its name in data: small letters and underscores.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// Whether its values are numbers, which stand to the right.
    pub numeric: bool,
}

impl Column {
    /// A column of text.
    pub fn text(name: &str, title: &str) -> Column {
        Column { name: name.into(), title: title.into(), numeric: false }
    }

    /// A column of numbers.
    pub fn number(name: &str, title: &str) -> Column {
        Column { name: name.into(), title: title.into(), numeric: true }
    }
}

/// A cell as the browser gets it: its text, and what it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Cell {
    /// The text.
    pub text: String,
    /// The number it is sorted by; text without one is sorted as text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order: Option<i64>,
    /// 1 where it is good news, -1 where it is bad: its colour, beside a sign in the text.
    #[serde(skip_serializing_if = "is_level", default)]
    pub tone: i8,
    /// What is to be said of it to whoever asks; empty where nothing.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub title: String,
}

fn is_level(tone: &i8) -> bool {
    *tone == 0
}

/// A table: cells are written for people, and sorted as what they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Table {
    /// Its name on the page.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, in their first order.
    pub rows: Vec<Row>,
    /// The same for programs. It stays on the server.
    #[serde(skip)]
    pub data: Data,
}

impl Table {
    /// The place of a column by its name.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// A row's cell in a column.
    pub fn cell<'a>(&self, row: &'a Row, column: &str) -> Option<&'a Cell> {
        row.cells.get(self.place(column)?)
    }
}

/// What a table or a chart shows, as exact values: exports are made of it (P3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Data {
    /// The columns: a value each, where a page may show two.
    pub columns: Vec<Column>,
    /// Which of them, by name, hold money; all of it is in the reporting currency.
    pub money: Vec<String>,
    /// The rows, in the order of the page.
    pub rows: Vec<Vec<Value>>,
    /// The window that holds every figure: its first millisecond since 1970, and the first one after it.
    pub window_ms: (i64, i64),
}

impl Data {
    /// Data without a window; `money` names columns as [`Data::money`] does.
    pub fn new(columns: Vec<Column>, money: &[&str], rows: Vec<Vec<Value>>) -> Data {
        Data { columns, money: money.iter().map(|&name| name.to_owned()).collect(), rows, window_ms: (0, 0) }
    }

    /// A row's value in the column of that name; nothing where there is none.
    pub fn value<'a>(&self, row: &'a [Value], column: &str) -> &'a Value {
        let place = self.columns.iter().position(|known| known.name == column);
        place.and_then(|place| row.get(place)).unwrap_or(&Value::Empty)
    }
}

/// A table with what a page makes of it beyond its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The values.
    pub data: Data,
    /// Of each row, the columns by their places whose cells lead to what is behind them, and where that is.
    pub leads: Vec<Vec<(usize, String)>>,
    /// Rows at the end that add up those above: they stay there when the table is sorted.
    pub sums: usize,
    /// Columns, from a place up to another, whose cells are coloured by their values.
    pub tinted: (usize, usize),
    /// Of each row, a small line that stands beside its name; none for most tables.
    pub trends: Vec<Vec<i64>>,
}

impl Listing {
    /// A table of values that lead nowhere.
    pub fn of(data: Data) -> Listing {
        Listing { data, ..Listing::default() }
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Row {
    /// Names it among the rows.
    pub key: String,
    /// Where its first cell leads; empty where nowhere.
    pub address: String,
    /// Its cells, one a column.
    pub cells: Vec<Cell>,
}

impl Value {
    /// The value for people.
    pub fn text(&self) -> String {
        match self {
            Value::Empty => "—".into(),
            Value::Text(text) | Value::Decimal(text) | Value::Date(text) | Value::Time(text, _) => text.clone(),
            Value::Count(count) => money::count(*count),
            Value::Money(minor, currency) => money::display(*minor, *currency),
            Value::PerMille(tenths) => {
                let sign = if *tenths < 0 { "\u{2212}" } else { "" };
                format!("{sign}{}.{}%", money::count((tenths.unsigned_abs() / 10) as i64), tenths.unsigned_abs() % 10)
            }
        }
    }

    /// The cell for the browser.
    pub fn cell(&self) -> Cell {
        let order = match self {
            Value::Empty => Some(i64::MIN),
            Value::Count(n) | Value::Money(n, _) | Value::PerMille(n) | Value::Time(_, n) => Some(*n),
            Value::Text(_) | Value::Decimal(_) | Value::Date(_) => None,
        };
        Cell { text: self.text(), order, ..Cell::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_for_people_and_sorted_as_what_they_are() {
        assert_eq!(Value::Money(-104_567, Currency::GBP).text(), "\u{2212}£1,045.67");
        assert_eq!(Value::PerMille(172).text(), "17.2%");
        assert_eq!(Value::Count(1234).cell(), Cell { text: "1,234".into(), order: Some(1234), ..Cell::default() });
        assert_eq!(Value::Empty.text(), "—");
    }
}
