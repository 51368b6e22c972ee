//! The tables of royalties, the same on the page, in files and for scripts (P3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::country;
use crate::money::Change;
use crate::royalties::model::{Figure, Ledger, Origin, ROYALTY_CURRENCY, Series, Stage};
use crate::royalties::projection::{Kept, Projection, records};
use crate::royalties::rate::{Rate, completes};
use crate::royalties::standing::{Standing, Week, totals};
use crate::table::{Column, Data, Value};

/// Weeks of the table of weeks.
pub const WEEKS: usize = 12;
/// Weeks of the table of countries.
pub const COUNTRY_WEEKS: usize = 8;
/// Titles that are shown at most; a file has all.
pub const TITLES_MAX: usize = 100;

/// The names of the tables, each with its title.
pub const TABLES: [(&str, &str); 7] = [
    ("quarters", "Royalties by quarter"),
    ("months", "Months of the running quarter"),
    ("rates", "What the quarter brings by rate"),
    ("weeks", "Minutes of the last 12 weeks"),
    ("countries", "Minutes by country and week"),
    ("titles", "Royalties by title"),
    ("track_record", "Earlier projections and what came"),
];

/// What the tables are made of.
#[derive(Debug, Clone)]
pub struct Royalties {
    /// All statements.
    pub ledger: Ledger,
    /// What they add up to.
    pub standing: Standing,
    /// Of the running quarter; none before the first final month.
    pub projection: Option<Projection>,
    /// The projections that were kept.
    pub kept: Vec<Kept>,
    /// The average length of a title in minutes.
    pub title_minutes: i32,
    /// A rate that somebody wants to see the quarter at.
    pub wanted_rate: Option<Rate>,
}

impl Royalties {
    /// The table of a name.
    pub fn table(&self, name: &str) -> Option<Data> {
        match name {
            "quarters" => Some(self.quarters()),
            "months" => Some(self.months()),
            "rates" => Some(self.rates()),
            "weeks" => Some(self.weeks()),
            "countries" => Some(self.countries()),
            "titles" => Some(self.titles()),
            "track_record" => Some(self.track_record()),
            _ => None,
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.standing.rate.as_ref().map(|current| current.rate)
    }

    /// Quarters, the newest first. Money received is of final months alone.
    pub fn quarters(&self) -> Data {
        let columns = vec![
            Column::text("quarter", "Quarter"),
            Column::text("state", "State"),
            Column::number("received", "Received"),
            Column::number("provisional", "Provisional"),
            Column::number("estimated", "Estimated"),
            Column::number("minutes", "Minutes"),
            Column::number("completes", "Completes"),
            Column::number("rate", "Rate a minute, $"),
            Column::number("rate_per_thousand", "Rate per 1,000"),
            Column::number("change", "Change"),
        ];
        let mut rows: Vec<Vec<Value>> = Vec::new();
        let mut earlier = None;
        for quarter in &self.standing.quarters {
            let is_final = quarter.stage() == Some(Stage::Final);
            let received = quarter.received_minor();
            let change = if is_final { earlier.map(|earlier| Change::between(received, earlier)) } else { None };
            earlier = is_final.then_some(received);
            let rate = quarter.final_rate();
            rows.push(vec![
                Value::Text(quarter.name()),
                Value::Text(quarter.stage().map_or("incomplete", Stage::name).into()),
                dollars(received),
                some_dollars(quarter.provisional_minor()),
                some_dollars(quarter.estimated_minor(self.rate())),
                Value::Count(quarter.minutes()),
                Value::Count(completes(quarter.minutes(), self.title_minutes)),
                rate.map_or(Value::Empty, |rate| Value::Decimal(rate.decimal())),
                rate.map_or(Value::Empty, |rate| dollars(rate.per_thousand_minor())),
                percent(change),
            ]);
        }
        rows.reverse();
        Data::new(columns, &["received", "provisional", "estimated", "rate_per_thousand"], rows)
    }

    /// The months of the running quarter.
    pub fn months(&self) -> Data {
        let columns = vec![
            Column::text("month", "Month"),
            Column::text("state", "State"),
            Column::number("days_known", "Days known"),
            Column::number("minutes", "Minutes"),
            Column::number("revenue", "Revenue"),
            Column::text("source", "Source"),
        ];
        let rows = self.projection.iter().flat_map(|projection| {
            projection.quarter.months.iter().map(|month| {
                let (minutes, minor) = projection.month(month);
                let source = match (month.origin, month.days_known) {
                    (Some(origin), _) => origin_words(origin),
                    (None, 0) => "the recent pace".to_owned(),
                    (None, known) if known < month.days() => "weekly reports, the rest at the recent pace".to_owned(),
                    (None, _) => "weekly reports".to_owned(),
                };
                vec![
                    Value::Text(month.first.strftime("%B %Y").to_string()),
                    Value::Text(month.stage.map_or("to come", Stage::name).into()),
                    Value::Count(month.days_known),
                    Value::Count(minutes),
                    dollars(minor),
                    Value::Text(source),
                ]
            })
        });
        Data::new(columns, &["revenue"], rows.collect())
    }

    /// What the running quarter brings at each rate of the last quarters, and at one that somebody wants.
    pub fn rates(&self) -> Data {
        let columns = vec![
            Column::text("source", "Rate of"),
            Column::number("rate", "Rate a minute, $"),
            Column::number("projected", "The quarter"),
        ];
        let rows = self.projection.iter().flat_map(|projection| {
            let current = [(format!("now ({})", projection.rate.source), projection.rate.rate)].into_iter();
            let wanted = self.wanted_rate.map(|rate| ("what you asked for".to_owned(), rate));
            let all = wanted.into_iter().chain(current).chain(projection.rate.quarters.clone());
            all.map(|(source, rate)| {
                vec![Value::Text(source), Value::Decimal(rate.decimal()), dollars(projection.at(rate))]
            })
        });
        Data::new(columns, &["projected"], rows.collect())
    }

    /// The last 12 weeks, the newest first. Their money is an estimate.
    pub fn weeks(&self) -> Data {
        let columns = vec![
            Column::text("week", "Week from"),
            Column::text("until", "To"),
            Column::number("minutes", "Minutes"),
            Column::number("change", "Change"),
            Column::number("completes", "Completes, estimated"),
            Column::number("revenue", "Revenue, estimated"),
            Column::text("source", "Source"),
        ];
        let weeks = self.last_weeks(WEEKS + 1);
        let rows = weeks.windows(2).map(|pair| self.week(&pair[0], Some(&pair[1])));
        let mut rows: Vec<Vec<Value>> = rows.collect();
        if let (true, Some(first)) = (weeks.len() <= WEEKS, weeks.last()) {
            rows.push(self.week(first, None));
        }
        Data::new(columns, &["revenue"], rows)
    }

    fn week(&self, week: &Week, before: Option<&Week>) -> Vec<Value> {
        vec![
            Value::Date(week.first.to_string()),
            Value::Date(week.last.to_string()),
            Value::Count(week.minutes),
            percent(before.map(|before| Change::between(week.minutes, before.minutes))),
            Value::Count(completes(week.minutes, self.title_minutes)),
            self.rate().map_or(Value::Empty, |rate| dollars(rate.times(week.minutes))),
            Value::Text(origin_words(week.origin)),
        ]
    }

    /// The last weeks, the newest first.
    pub fn last_weeks(&self, count: usize) -> Vec<Week> {
        self.standing.weeks.iter().rev().take(count).copied().collect()
    }

    /// Minutes by country, a column a week, the newest first, with the change of the newest and totals both ways.
    pub fn countries(&self) -> Data {
        let (weeks, minutes) = self.country_minutes(COUNTRY_WEEKS);
        let mut columns = vec![Column::text("country", "Country")];
        let name = |first: &Date| first.to_string().replace('-', "_");
        columns.extend(weeks.iter().map(|first| Column::number(&format!("week_{}", name(first)), &first.to_string())));
        columns.extend([Column::number("change", "Change"), Column::number("total", "Total")]);
        let row = |title: String, of: &dyn Fn(&Date) -> i64| {
            let figures: Vec<i64> = weeks.iter().map(of).collect();
            let change = match figures.as_slice() {
                [now, before, ..] => Some(Change::between(*now, *before)),
                _ => None,
            };
            let total = figures.iter().sum();
            let figures = figures.into_iter().map(Value::Count);
            let name = std::iter::once(Value::Text(title));
            name.chain(figures).chain([percent(change), Value::Count(total)]).collect::<Vec<_>>()
        };
        let countries: BTreeSet<&String> = minutes.keys().map(|(_, country)| country).collect();
        let of = |country: &String, first: &Date| minutes.get(&(*first, country.clone())).copied().unwrap_or(0);
        let mut order: Vec<(i64, &String)> =
            countries.iter().map(|country| (weeks.iter().map(|first| of(country, first)).sum(), *country)).collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let mut rows: Vec<Vec<Value>> =
            order.iter().map(|(_, country)| row(country_name(country), &|first| of(country, first))).collect();
        if !rows.is_empty() {
            let all = |first: &Date| countries.iter().map(|country| of(country, first)).sum();
            rows.push(row("All of these".into(), &all));
        }
        Data::new(columns, &[], rows)
    }

    /// The first days of the last weeks that countries are known of, the newest first, and their minutes. A week is that of the
    /// reports by country; where there is none, that of weekly reports with countries.
    pub fn country_minutes(&self, count: usize) -> (Vec<Date>, BTreeMap<(Date, String), i64>) {
        // Of a week: what it is from, and of each country its minutes, and whether they are of all titles.
        type Countries = BTreeMap<String, (bool, i64)>;
        let mut by_week: BTreeMap<Date, (Series, Countries)> = BTreeMap::new();
        let with_country =
            self.ledger.iter().filter(|(key, _)| !key.country.is_empty() && key.series != Series::Monthly);
        for (key, stored) in with_country {
            let week = by_week.entry(key.first).or_insert_with(|| (key.series, BTreeMap::new()));
            match (week.0, key.series) {
                (Series::Weekly, Series::Country) => *week = (Series::Country, BTreeMap::new()),
                (Series::Country, Series::Weekly) => continue,
                _ => {}
            }
            // A row of all titles stands for them.
            let (is_whole, minutes) = week.1.entry(key.country.clone()).or_insert((false, 0));
            match (key.title.is_empty(), *is_whole) {
                (true, _) => (*is_whole, *minutes) = (true, stored.figure.minutes),
                (false, true) => {}
                (false, false) => *minutes += stored.figure.minutes,
            }
        }
        let weeks: Vec<Date> = by_week.keys().rev().take(count).copied().collect();
        let minutes =
            by_week.into_iter().filter(|(first, _)| weeks.contains(first)).flat_map(|(first, (_, countries))| {
                countries.into_iter().map(move |(country, (_, minutes))| ((first, country), minutes))
            });
        let minutes = minutes.collect();
        (weeks, minutes)
    }

    /// Titles by what they brought, where statements name them.
    pub fn titles(&self) -> Data {
        let columns = vec![
            Column::text("title", "Title"),
            Column::number("months", "Months"),
            Column::number("minutes", "Minutes"),
            Column::number("completes", "Completes"),
            Column::number("received", "Received"),
            Column::number("provisional", "Provisional"),
        ];
        let mut titles: BTreeMap<&str, Ledger> = BTreeMap::new();
        for (key, stored) in
            self.ledger.iter().filter(|(key, _)| !key.title.is_empty() && key.series == Series::Monthly)
        {
            titles.entry(&key.title).or_default().insert(key.clone(), *stored);
        }
        let mut rows: Vec<(i64, Vec<Value>)> = Vec::new();
        for (title, ledger) in titles {
            let months: Vec<Figure> =
                totals(&ledger, Series::Monthly).into_iter().map(|(_, _, figure, _)| figure).collect();
            let of_stage = |stage: Stage| -> i64 {
                let of = months.iter().filter(|figure| figure.stage == stage);
                of.filter_map(|figure| figure.revenue_minor).sum()
            };
            let minutes = months.iter().map(|figure| figure.minutes).sum();
            let received = of_stage(Stage::Final);
            let row = vec![
                Value::Text(title.to_owned()),
                Value::Count(months.len() as i64),
                Value::Count(minutes),
                Value::Count(completes(minutes, self.title_minutes)),
                dollars(received),
                some_dollars(of_stage(Stage::Provisional)),
            ];
            rows.push((received, row));
        }
        rows.sort_by_key(|(received, _)| -received);
        Data::new(columns, &["received", "provisional"], rows.into_iter().map(|(_, row)| row).collect())
    }

    /// What was projected of quarters that are final, and what came.
    pub fn track_record(&self) -> Data {
        let columns = vec![
            Column::text("quarter", "Quarter"),
            Column::text("made_on", "Projected on"),
            Column::number("low", "Low"),
            Column::number("projected", "Projected"),
            Column::number("high", "High"),
            Column::number("actual", "Came"),
            Column::number("off", "Off by"),
            Column::text("within", "Within the range"),
        ];
        let rows = records(&self.kept, &self.standing).into_iter().map(|record| {
            vec![
                Value::Text(crate::royalties::model::quarter_name(record.kept.quarter)),
                Value::Date(record.kept.made_on.to_string()),
                dollars(record.kept.low_minor),
                dollars(record.kept.mid_minor),
                dollars(record.kept.high_minor),
                dollars(record.actual_minor),
                percent(Some(record.off)),
                Value::Text(if record.is_within { "yes" } else { "no" }.into()),
            ]
        });
        Data::new(columns, &["low", "projected", "high", "actual"], rows.collect())
    }
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

fn origin_words(origin: Origin) -> String {
    format!("import {}, line {}", origin.import, origin.line)
}

fn country_name(code: &str) -> String {
    if code == crate::imports::values::ELSEWHERE { "Elsewhere".into() } else { country::name(code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::royalties::standing::tests::{date, of_2025, week};

    fn royalties(ledger: Ledger) -> Royalties {
        let standing = Standing::of(&ledger);
        let projection = Projection::of(&standing, date("2026-01-01"));
        Royalties { ledger, standing, projection, kept: Vec::new(), title_minutes: 530, wanted_rate: None }
    }

    fn text(data: &Data) -> Vec<String> {
        data.rows.iter().map(|row| row.iter().map(Value::text).collect::<Vec<_>>().join(" | ")).collect()
    }

    #[test]
    fn the_quarters_of_2025_are_those_of_numbers_md() {
        assert_eq!(
            text(&royalties(of_2025()).quarters()),
            [
                "Q4 2025 | final | $9,249.00 | — | — | 894,829 | 1,688 | 0.01034 | $10.34 | \u{2212}35.6%",
                "Q3 2025 | final | $14,354.00 | — | — | 1,707,582 | 3,222 | 0.00841 | $8.41 | 72.6%",
                "Q2 2025 | final | $8,317.00 | — | — | 553,075 | 1,044 | 0.01504 | $15.04 | 72.5%",
                "Q1 2025 | final | $4,822.00 | — | — | 429,977 | 811 | 0.01121 | $11.21 | —",
            ]
        );
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
        let found = royalties(ledger);
        assert_eq!(
            text(&found.weeks()),
            [
                "2026-01-12 | 2026-01-18 | 110,000 | 10.0% | 208 | $1,136.97 | import 1, line 2",
                "2026-01-05 | 2026-01-11 | 100,000 | — | 189 | $1,033.61 | import 1, line 2",
            ]
        );
        assert_eq!(
            text(&found.countries()),
            [
                "United Kingdom | 100,000 | 50,000 | 100.0% | 150,000",
                "United States | 0 | 50,000 | \u{2212}100.0% | 50,000",
                "Elsewhere | 10,000 | 0 | new | 10,000",
                "All of these | 110,000 | 100,000 | 10.0% | 210,000",
            ]
        );
        assert_eq!(found.months().rows.len(), 3);
        assert!(TABLES.iter().all(|(name, _)| found.table(name).is_some()));
    }
}
