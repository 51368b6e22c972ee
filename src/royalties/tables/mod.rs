//! The tables of royalties, the same on the page, in files and for scripts (P3).

mod countries;
mod quarters;
mod titles;
mod weeks;

use std::sync::Arc;

use jiff::civil::Date;

pub use countries::{COUNTRY_WEEKS, CountryWeeks, country_name};
pub use titles::{TITLES_MAX, TitleSum};
pub use weeks::WEEKS;

use crate::exchange::{Rates, convert};
use crate::money::{Change, Currency, count};
use crate::period::sql_date;
use crate::royalties::figure::row_address;
use crate::royalties::model::{Ledger, ROYALTY_CURRENCY};
use crate::royalties::projection::{Kept, Projection};
use crate::royalties::rate::Rate;
use crate::royalties::standing::Standing;
use crate::royalties::totals::Sources;
use crate::table::{Data, Listing, Value};

/// The names of the tables, each with its title.
pub const TABLES: [(&str, &str); 8] = [
    ("quarters", "Royalties by quarter"),
    ("months", "Months of the running quarter"),
    ("rates", "What the quarter brings by rate"),
    ("weeks", "Minutes of the last 12 weeks"),
    ("countries", "Minutes by country and week"),
    ("statements", "Monthly statements"),
    ("titles", "Royalties by title"),
    ("track_record", "Earlier projections and what came"),
];

/// The currency that the workspace reports in, where it is another than that of royalties.
#[derive(Debug, Clone)]
pub struct Reporting {
    /// The currency.
    pub currency: Currency,
    /// The rates.
    pub rates: Arc<Rates>,
}

/// An amount in the reporting currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The amount in minor units.
    pub minor: i64,
    /// Units of the reporting currency for a unit of that of royalties, as decimal text.
    pub rate: String,
    /// The banking day that the rate is of.
    pub date: Date,
}

impl Reporting {
    /// Converts an amount at the rate of a day, or of the last banking day before it (M7); `None` where none is near.
    pub fn convert(&self, minor: i64, day: Date) -> Option<Converted> {
        let rate = self.rates.rate(ROYALTY_CURRENCY, self.currency, sql_date(day))?;
        let minor = convert(minor, ROYALTY_CURRENCY, self.currency, rate.value)?;
        Some(Converted { minor, rate: rate.value.normalize().to_string(), date: crate::period::jiff_date(rate.date) })
    }
}

/// What the tables are made of.
#[derive(Debug, Clone)]
pub struct Royalties {
    /// What statements add up to.
    pub standing: Standing,
    /// Minutes by country of the last weeks.
    pub countries: CountryWeeks,
    /// What titles brought, the most first: as many as were asked for.
    pub titles: Vec<TitleSum>,
    /// How many titles there are.
    pub titles_count: i64,
    /// Of the running quarter; none before the first final month.
    pub projection: Option<Projection>,
    /// The projections that were kept.
    pub kept: Vec<Kept>,
    /// The average length of a title in minutes.
    pub title_minutes: i32,
    /// A rate that somebody wants to see the quarter at.
    pub wanted_rate: Option<Rate>,
    /// The reporting currency, if it is another.
    pub reporting: Option<Reporting>,
}

impl Royalties {
    /// All statements of a ledger in memory: the slow way, which says what the sums that are kept have to be.
    pub fn of(ledger: &Ledger, quarter: Date, title_minutes: i32) -> Royalties {
        let standing = Standing::of(ledger);
        let titles = TitleSum::all(ledger);
        Royalties {
            countries: CountryWeeks::of(ledger, COUNTRY_WEEKS),
            titles_count: titles.len() as i64,
            titles,
            projection: Projection::of(&standing, quarter),
            standing,
            kept: Vec::new(),
            title_minutes,
            wanted_rate: None,
            reporting: None,
        }
    }

    /// The table of a name.
    pub fn table(&self, name: &str) -> Option<Listing> {
        match name {
            "quarters" => Some(self.quarters()),
            "months" => Some(self.months()),
            "rates" => Some(self.rates()),
            "weeks" => Some(self.weeks()),
            "countries" => Some(self.countries()),
            "statements" => Some(self.statements()),
            "titles" => Some(self.titles()),
            "track_record" => Some(Listing::of(self.track_record())),
            _ => None,
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.standing.rate.as_ref().map(|current| current.rate)
    }

    /// What a column of the reporting currency is called.
    fn reporting_title(&self, what: &str) -> Option<String> {
        self.reporting.as_ref().map(|reporting| format!("{what}, {}", reporting.currency))
    }
}

/// Values with where each row's cells lead, by the names of their columns.
fn listing(data: Data, leads: Vec<Vec<(&str, String)>>) -> Listing {
    let place = |name: &str| data.columns.iter().position(|column| column.name == name);
    let row = |row: Vec<(&str, String)>| {
        row.into_iter().filter_map(|(name, address)| Some((place(name)?, address))).collect::<Vec<_>>()
    };
    let leads = leads.into_iter().map(row).collect();
    Listing { leads, ..Listing::of(data) }
}

fn dollars(minor: i64) -> Value {
    Value::Money(minor, ROYALTY_CURRENCY)
}

fn some_dollars(minor: i64) -> Value {
    if minor == 0 { Value::Empty } else { dollars(minor) }
}

fn percent(change: Option<Change>) -> Value {
    match change {
        Some(Change::PerMille(tenths)) => Value::PerMille(tenths),
        Some(Change::New) => Value::Text("new".into()),
        _ => Value::Empty,
    }
}

fn source_words(sources: Sources) -> String {
    let (first, more) = (sources.first, sources.rows - 1);
    let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
    format!("import {}, line {}{more}", first.import, first.line)
}

/// Where the words of a source lead: to the one row, or to all that a figure adds up.
fn source_address(sources: Sources, all: String) -> String {
    if sources.rows == 1 { row_address(sources.first) } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::royalties::standing::tests::{date, of_2025, week};

    fn royalties(ledger: &Ledger) -> Royalties {
        Royalties::of(ledger, date("2026-01-01"), 530)
    }

    fn text(listing: &Listing) -> Vec<String> {
        listing.data.rows.iter().map(|row| row.iter().map(Value::text).collect::<Vec<_>>().join(" | ")).collect()
    }

    #[test]
    fn the_quarters_of_2025_are_those_of_numbers_md() {
        assert_eq!(
            text(&royalties(&of_2025()).quarters()),
            [
                "Q4 2025 | final | $9,249.00 | — | — | 894,829 | 1,688 | 0.01034 | $10.34 | \u{2212}35.6%",
                "Q3 2025 | final | $14,354.00 | — | — | 1,707,582 | 3,222 | 0.00841 | $8.41 | 72.6%",
                "Q2 2025 | final | $8,317.00 | — | — | 553,075 | 1,044 | 0.01504 | $15.04 | 72.5%",
                "Q1 2025 | final | $4,822.00 | — | — | 429,977 | 811 | 0.01121 | $11.21 | —",
            ]
        );
    }

    #[test]
    fn dollars_stand_in_the_reporting_currency_too_at_the_rate_of_their_month() {
        let mut found = royalties(&of_2025());
        let rates = Arc::new(Rates::shipped().expect("rates"));
        found.reporting = Some(Reporting { currency: Currency::GBP, rates: Arc::clone(&rates) });
        let statements = found.statements();
        let december = &statements.data.rows[0];
        let cell = |name: &str| statements.data.value(december, name).clone();
        let rate = rates.rate(ROYALTY_CURRENCY, Currency::GBP, sql_date(date("2025-12-31"))).expect("a rate");
        assert_eq!(cell("exchange_rate").text(), rate.value.normalize().to_string());
        let minor = convert(385_400, ROYALTY_CURRENCY, Currency::GBP, rate.value).expect("an amount");
        assert_eq!(
            (cell("revenue").text().as_str(), cell("converted")),
            ("$3,854.00", Value::Money(minor, Currency::GBP))
        );
        // A quarter is the sum of its months, each at its own rate.
        let quarters = found.quarters();
        let sum: i64 = statements.data.rows[..3]
            .iter()
            .map(|row| if let Value::Money(minor, _) = statements.data.value(row, "converted") { *minor } else { 0 })
            .sum();
        assert_eq!(quarters.data.value(&quarters.data.rows[0], "converted"), &Value::Money(sum, Currency::GBP));
    }

    #[test]
    fn weeks_and_countries_have_their_changes_and_totals() {
        let mut ledger = of_2025();
        for (first, country, minutes) in [
            ("2026-01-05", "GB", 50_000),
            ("2026-01-05", "US", 50_000),
            ("2026-01-12", "GB", 100_000),
            ("2026-01-12", "ZZ", 10_000),
        ] {
            week(&mut ledger, first, country, minutes);
        }
        let found = royalties(&ledger);
        assert_eq!(
            text(&found.weeks()),
            [
                "2026-01-12 | 2026-01-18 | 110,000 | 10.0% | 208 | $1,136.97 | import 1, line 2 and 1 more",
                "2026-01-05 | 2026-01-11 | 100,000 | — | 189 | $1,033.61 | import 1, line 2 and 1 more",
            ]
        );
        let countries = found.countries();
        assert_eq!(
            text(&countries),
            [
                "United Kingdom | 100,000 | 50,000 | 100.0% | 150,000",
                "United States | 0 | 50,000 | \u{2212}100.0% | 50,000",
                "Elsewhere | 10,000 | 0 | new | 10,000",
                "All of these | 110,000 | 100,000 | 10.0% | 210,000",
            ]
        );
        assert_eq!(countries.trends[0], [50_000, 100_000], "the oldest first");
        assert_eq!(countries.leads[0][0], (1, "/royalties/figure?of=country.2026-01-12.GB".to_owned()));
        assert_eq!(found.months().data.rows.len(), 3);
        assert!(TABLES.iter().all(|(name, _)| found.table(name).is_some()));
    }
}
