//! Minutes by country and week.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::country;
use crate::money::Change;
use crate::royalties::figure::Of;
use crate::royalties::model::{Ledger, Series};
use crate::royalties::tables::{Royalties, listing, percent};
use crate::table::{Column, Data, Listing, Value};

/// Weeks of the table of countries.
pub const COUNTRY_WEEKS: usize = 8;

/// Minutes of countries in weeks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountryWeeks {
    /// The first days of the weeks, the newest first.
    pub weeks: Vec<Date>,
    /// The minutes of a country in the week that begins on a day.
    pub minutes: BTreeMap<(Date, String), i64>,
}

impl CountryWeeks {
    /// The last weeks that countries are known of. A week is that of the reports by country; where there is none, that of weekly
    /// reports with countries.
    pub fn of(ledger: &Ledger, count: usize) -> CountryWeeks {
        // Of a week: what it is from, and of each country its minutes, and whether they are of all titles.
        type Countries = BTreeMap<String, (bool, i64)>;
        let mut by_week: BTreeMap<Date, (Series, Countries)> = BTreeMap::new();
        let with_country = ledger.iter().filter(|(key, _)| !key.country.is_empty() && key.series != Series::Monthly);
        for (key, stored) in with_country {
            let week = by_week.entry(key.first).or_insert_with(|| (key.series, BTreeMap::new()));
            match (week.0, key.series) {
                (Series::Weekly, Series::Country) => *week = (Series::Country, BTreeMap::new()),
                (Series::Country, Series::Weekly) => continue,
                _ => {}
            }
            // A row of all titles stands for them.
            let (is_whole, minutes) = week.1.entry(key.country.to_string()).or_insert((false, 0));
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
        CountryWeeks { weeks, minutes }
    }

    fn of_country(&self, country: &str, first: Date) -> i64 {
        self.minutes.get(&(first, country.to_owned())).copied().unwrap_or(0)
    }

    /// The countries, those with the most minutes first.
    fn countries(&self) -> Vec<&String> {
        let all: BTreeSet<&String> = self.minutes.keys().map(|(_, country)| country).collect();
        let total = |country: &str| -> i64 { self.weeks.iter().map(|first| self.of_country(country, *first)).sum() };
        let mut order: Vec<(i64, &String)> = all.into_iter().map(|country| (total(country), country)).collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        order.into_iter().map(|(_, country)| country).collect()
    }
}

impl Royalties {
    /// Minutes by country, a column a week, the newest first, with the change of the newest and totals both ways.
    pub fn countries(&self) -> Listing {
        let of = &self.countries;
        let mut columns = vec![Column::text("country", "Country")];
        let name = |first: &Date| format!("week_{}", first.to_string().replace('-', "_"));
        columns.extend(of.weeks.iter().map(|first| Column::number(&name(first), &first.to_string())));
        columns.extend([Column::number("change", "Change"), Column::number("total", "Total")]);
        let countries = of.countries();
        let figures =
            |country: &str| -> Vec<i64> { of.weeks.iter().map(|first| of.of_country(country, *first)).collect() };
        let mut rows: Vec<Vec<Value>> = countries.iter().map(|code| row(country_name(code), figures(code))).collect();
        let trends = countries.iter().map(|code| figures(code).into_iter().rev().collect()).collect();
        let leads = countries.iter().map(|code| {
            let known = of.weeks.iter().filter(|first| of.minutes.contains_key(&(**first, (*code).clone())));
            known.map(|first| (name(first), Of::Country(*first, (*code).clone()).address())).collect::<Vec<_>>()
        });
        let leads: Vec<Vec<(String, String)>> = leads.collect();
        if !rows.is_empty() {
            let all = |first: &Date| countries.iter().map(|country| of.of_country(country, *first)).sum();
            rows.push(row("All of these".into(), of.weeks.iter().map(all).collect()));
        }
        let leads = leads.iter().map(|row| row.iter().map(|(name, lead)| (name.as_str(), lead.clone())).collect());
        let (sums, tinted) = (usize::from(!rows.is_empty()), (1, 1 + of.weeks.len()));
        let listed = listing(Data::new(columns, &[], rows), leads.collect());
        Listing { sums, tinted, trends, ..listed }
    }
}

/// A row of figures, the newest first, with the change of the newest and their sum.
fn row(title: String, figures: Vec<i64>) -> Vec<Value> {
    let change = match figures.as_slice() {
        [now, before, ..] => Some(Change::between(*now, *before)),
        _ => None,
    };
    let total = figures.iter().sum();
    let name = std::iter::once(Value::Text(title));
    name.chain(figures.into_iter().map(Value::Count)).chain([percent(change), Value::Count(total)]).collect()
}

/// A country for people.
pub fn country_name(code: &str) -> String {
    if code == crate::imports::values::ELSEWHERE { "Elsewhere".into() } else { country::name(code) }
}
