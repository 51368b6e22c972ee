//! Statements of royalties: what they are of, how far their figures are from money, and which one takes another's place.
//! Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::money::Currency;
use crate::period::{minus, plus};

/// The currency that royalties are paid in (numbers.md, Audiobook royalties).
pub const ROYALTY_CURRENCY: Currency = Currency::USD;

/// How far a figure is from money, the nearest last (R1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Weekly listening; its money is minutes times a rate, and never received.
    Estimate,
    /// A monthly statement that can still change.
    Provisional,
    /// A monthly statement that was paid.
    Final,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 3] = [Stage::Estimate, Stage::Provisional, Stage::Final];

    /// The name in data and on the page.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Estimate => "estimate",
            Stage::Provisional => "provisional",
            Stage::Final => "final",
        }
    }

    /// Reads a [`Stage::name`] in any case.
    pub fn parse(name: &str) -> Option<Stage> {
        let name = name.trim().to_lowercase();
        Stage::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether a figure of this stage may stand where one of `known` stands: a final one gives way only to a final one.
    pub fn may_replace(self, known: Stage) -> bool {
        self >= known
    }
}

/// What kind of report a statement is from. Series are never added to one another: the countries of a week are parts of the
/// same week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Minutes of a week.
    Weekly,
    /// Minutes of a week in a country.
    Country,
    /// Minutes and money of a month.
    Monthly,
}

impl Series {
    /// All of them.
    pub const ALL: [Series; 3] = [Series::Weekly, Series::Country, Series::Monthly];

    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            Series::Weekly => "weekly",
            Series::Country => "country",
            Series::Monthly => "monthly",
        }
    }

    /// Reads a [`Series::name`].
    pub fn parse(name: &str) -> Option<Series> {
        Series::ALL.into_iter().find(|series| series.name() == name)
    }
}

/// What a statement is of; there is one of each. Statements of one file share their countries and titles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind of report.
    pub series: Series,
    /// The first day.
    pub first: Date,
    /// The last day, which is in it.
    pub last: Date,
    /// ISO 3166 alpha-2, `ZZ` for elsewhere; empty for all countries.
    pub country: Arc<str>,
    /// The title, as the file writes it; empty for all titles.
    pub title: Arc<str>,
}

impl Key {
    /// Days of the period, at least one.
    pub fn days(&self) -> i64 {
        days(self.first, self.last)
    }

    /// How far it goes into detail: 0 is all countries and titles, 1 a country, 2 a title, 3 a title in a country. Of a period
    /// the least detail stands for all, so that parts are never added to their sum.
    pub fn detail(&self) -> usize {
        usize::from(!self.title.is_empty()) * 2 + usize::from(!self.country.is_empty())
    }
}

/// What a statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Minutes listened to.
    pub minutes: i64,
    /// Cents of [`ROYALTY_CURRENCY`]; a weekly report has none.
    pub revenue_minor: Option<i64>,
    /// How far it is from money.
    pub stage: Stage,
}

/// Where a stored figure is from: the row of the file of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The import's number.
    pub import: i32,
    /// The line of its file, from 1.
    pub line: i32,
}

/// What is stored under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub figure: Figure,
    /// Where it is from.
    pub origin: Origin,
}

/// All statements of a workspace, or those of some days.
pub type Ledger = BTreeMap<Key, Stored>;

/// Days from `first` to `last`, both counted; at least one.
pub fn days(first: Date, last: Date) -> i64 {
    (i64::from(last.since(first).map_or(0, |span| span.get_days())) + 1).max(1)
}

/// The first day of the month that holds `date`, and the last.
pub fn month_of(date: Date) -> (Date, Date) {
    (date.first_of_month(), date.last_of_month())
}

/// The first day of the quarter that holds `date`.
pub fn quarter_of(date: Date) -> Date {
    let months = i64::from((date.month() - 1) % 3);
    minus(date.first_of_month(), months.months())
}

/// The first days of the three months of a quarter.
pub fn months_of(quarter: Date) -> [Date; 3] {
    [quarter, plus(quarter, 1.month()), plus(quarter, 2.months())]
}

/// The last day of a quarter.
pub fn quarter_end(quarter: Date) -> Date {
    plus(quarter, 2.months()).last_of_month()
}

/// What a quarter is called: `Q4 2025`.
pub fn quarter_name(quarter: Date) -> String {
    format!("Q{} {}", (quarter.month() - 1) / 3 + 1, quarter.year())
}

/// The share of `minutes` that falls on day `n` (from 0) of `days`: all shares are whole minutes, differ by one at most, and
/// add up to `minutes` exactly.
pub fn share_of_day(minutes: i64, n: i64, days: i64) -> i64 {
    let until = |day: i64| i128::from(minutes) * i128::from(day) / i128::from(days.max(1));
    i64::try_from(until(n + 1) - until(n)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quarters_begin_in_january_april_july_and_october() {
        for (date, first, last, name) in [
            ("2025-01-01", "2025-01-01", "2025-03-31", "Q1 2025"),
            ("2025-06-30", "2025-04-01", "2025-06-30", "Q2 2025"),
            ("2025-12-31", "2025-10-01", "2025-12-31", "Q4 2025"),
            ("2028-02-29", "2028-01-01", "2028-03-31", "Q1 2028"),
        ] {
            let quarter = quarter_of(date.parse().expect("a date"));
            assert_eq!((quarter.to_string().as_str(), quarter_end(quarter).to_string().as_str()), (first, last));
            assert_eq!(quarter_name(quarter), name);
            assert_eq!(months_of(quarter).map(quarter_of), [quarter; 3]);
        }
    }

    #[test]
    fn final_gives_way_to_final_alone() {
        use Stage::{Estimate, Final, Provisional};
        let may = |new: Stage| Stage::ALL.map(|known| new.may_replace(known));
        assert_eq!(may(Estimate), [true, false, false]);
        assert_eq!(may(Provisional), [true, true, false]);
        assert_eq!(may(Final), [true, true, true]);
    }

    proptest! {
        #[test]
        fn the_days_of_a_week_add_up_to_it(minutes in 0i64..1_000_000_000_000, days in 1i64..32) {
            let shares: Vec<i64> = (0..days).map(|n| share_of_day(minutes, n, days)).collect();
            prop_assert_eq!(shares.iter().sum::<i64>(), minutes);
            let (least, most) = (shares.iter().min().copied(), shares.iter().max().copied());
            prop_assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 1);
        }
    }
}
