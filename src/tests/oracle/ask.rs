//! Questions: as the oracle understands them, and as the query that the program reads.

use chrono::{Days, NaiveDate};

use super::dice::Dice;

/// A question. Empty lists are all.
#[derive(Debug, Clone)]
pub struct Asked {
    pub range: Range,
    pub compare: &'static str,
    pub platforms: Vec<&'static str>,
    pub countries: Vec<&'static str>,
    pub sources: Vec<&'static str>,
    pub statuses: Vec<&'static str>,
    /// Net instead of total.
    pub net: bool,
    /// Refunds and cancellations on the order's date instead of their own.
    pub on_order: bool,
    pub bucket: Option<&'static str>,
}

/// Which days.
#[derive(Debug, Clone)]
pub enum Range {
    Named(&'static str),
    /// Both included.
    Dates(NaiveDate, NaiveDate),
}

/// Ranges by name.
pub const NAMED: [&str; 15] = [
    "today",
    "yesterday",
    "7d",
    "28d",
    "30d",
    "90d",
    "week",
    "last-week",
    "month",
    "last-month",
    "quarter",
    "last-quarter",
    "year",
    "last-year",
    "all",
];
/// What a range is compared with.
pub const COMPARISONS: [&str; 5] = ["same-point", "period", "weekday", "date", "none"];
/// Lengths of a point.
pub const BUCKETS: [&str; 4] = ["hour", "day", "week", "month"];

impl Asked {
    /// A question of all orders' total.
    pub fn plain(range: Range, compare: &'static str) -> Asked {
        Asked {
            range,
            compare,
            platforms: Vec::new(),
            countries: Vec::new(),
            sources: Vec::new(),
            statuses: Vec::new(),
            net: false,
            on_order: false,
            bucket: None,
        }
    }

    /// Any question; dates lie around `today`.
    pub fn any(dice: &mut Dice, today: NaiveDate) -> Asked {
        let range = if dice.one_in(4) { dates(dice, today) } else { Range::Named(dice.of(&NAMED)) };
        let mut asked = Asked::plain(range, dice.of(&COMPARISONS));
        if dice.one_in(8) {
            asked.platforms = dice.some_of(&["shopify", "etsy", "direct", "amazon"]);
        }
        if dice.one_in(6) {
            asked.countries = dice.some_of(&["GB", "US", "DE", "JP", "unknown", "NZ"]);
        }
        if dice.one_in(8) {
            asked.sources = dice.some_of(&["web", "web-two", "books", "own"]);
        }
        if dice.one_in(8) {
            asked.statuses = dice.some_of(&["paid", "pending", "unknown"]);
        }
        asked.net = dice.one_in(3);
        asked.on_order = dice.one_in(3);
        if dice.one_in(5) {
            asked.bucket = Some(dice.of(&BUCKETS));
        }
        asked
    }

    /// The question as a query.
    pub fn query(&self) -> String {
        let mut pairs = match &self.range {
            Range::Named(name) => vec![format!("range={name}")],
            Range::Dates(first, last) => vec![format!("from={first}&to={last}")],
        };
        pairs.push(format!("compare={}", self.compare));
        for (name, values) in [
            ("platform", &self.platforms),
            ("country", &self.countries),
            ("source", &self.sources),
            ("status", &self.statuses),
        ] {
            if !values.is_empty() {
                pairs.push(format!("{name}={}", values.join(",")));
            }
        }
        if self.net {
            pairs.push("measure=net".into());
        }
        if self.on_order {
            pairs.push("refunds=order".into());
        }
        if let Some(bucket) = self.bucket {
            pairs.push(format!("bucket={bucket}"));
        }
        pairs.join("&")
    }
}

/// Dates that are often those of whole months, of days that not every month has, or not over yet.
fn dates(dice: &mut Dice, today: NaiveDate) -> Range {
    let back = dice.between(0, 400) as u64;
    let mut first = today - Days::new(back);
    if dice.one_in(2) {
        first = chrono::Datelike::with_day(&first, dice.of(&[1, 1, 1, 28, 29, 30, 31])).unwrap_or(first);
    }
    let last = match dice.between(0, 6) {
        0 => first,
        1 => first + Days::new(dice.between(1, 8) as u64),
        2 => {
            let months = chrono::Months::new(dice.between(1, 5) as u32);
            first + months - Days::new(1)
        }
        3 => today,
        4 => today + Days::new(dice.between(0, 40) as u64),
        _ => first + Days::new(dice.between(0, 120) as u64),
    };
    // Now and then what has not begun.
    if dice.one_in(12) {
        let first = today + Days::new(dice.between(0, 10) as u64);
        return Range::Dates(first, first + Days::new(dice.between(0, 10) as u64));
    }
    Range::Dates(first.min(last), last.max(first))
}
