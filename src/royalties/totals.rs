//! What the statements of a period add up to: those of the least detail stand for all of it. Pure.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::royalties::model::{Figure, Key, Ledger, Origin, Series, Stored};

/// Where a sum is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// The first line of the earliest import among them.
    pub first: Origin,
    /// How many rows it adds up.
    pub rows: i64,
}

/// What a period adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The first day.
    pub first: Date,
    /// The last day, which is in it.
    pub last: Date,
    /// Its minutes and money; its stage is that of the part that is furthest from money.
    pub figure: Figure,
    /// Where it is from.
    pub sources: Sources,
}

impl Total {
    fn of(key: &Key, stored: &Stored) -> Total {
        let sources = Sources { first: stored.origin, rows: 1 };
        Total { first: key.first, last: key.last, figure: stored.figure, sources }
    }

    fn add(&mut self, stored: &Stored) {
        let (sum, part) = (&mut self.figure, stored.figure);
        sum.minutes = sum.minutes.saturating_add(part.minutes);
        let more = part.revenue_minor.unwrap_or(0);
        sum.revenue_minor = sum.revenue_minor.map(|minor| minor.saturating_add(more)).or(part.revenue_minor);
        sum.stage = sum.stage.min(part.stage);
        self.sources = Sources { first: self.sources.first.min(stored.origin), rows: self.sources.rows + 1 };
    }
}

/// The total of each period of a series, the oldest first: a row of all countries and titles where there is one; else its
/// countries, else its titles, else its titles by country. So parts are never added to their sum.
pub fn totals(ledger: &Ledger, series: Series) -> Vec<Total> {
    let mut periods: BTreeMap<(Date, Date), (usize, Total)> = BTreeMap::new();
    for (key, stored) in ledger.iter().filter(|(key, _)| key.series == series) {
        let known = periods.entry((key.first, key.last)).or_insert_with(|| (usize::MAX, Total::of(key, stored)));
        match key.detail().cmp(&known.0) {
            std::cmp::Ordering::Less => *known = (key.detail(), Total::of(key, stored)),
            std::cmp::Ordering::Equal => known.1.add(stored),
            std::cmp::Ordering::Greater => {}
        }
    }
    periods.into_values().map(|(_, total)| total).collect()
}

/// Minutes of periods by their detail, so that what an import would make of them is known without its neighbours' rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Periods(BTreeMap<(Series, Date, Date), [(i64, i64); 4]>);

impl Periods {
    /// Those of statements.
    pub fn of(ledger: &Ledger) -> Periods {
        let mut all = Periods::default();
        ledger.iter().for_each(|(key, stored)| all.add(key, 1, stored.figure.minutes));
        all
    }

    /// Adds so many rows of a key's period and detail, with their minutes; both may be below nothing.
    pub fn add(&mut self, key: &Key, rows: i64, minutes: i64) {
        let detail = key.detail();
        self.add_detail((key.series, key.first, key.last), detail, rows, minutes);
    }

    /// The same by its parts.
    pub fn add_detail(&mut self, period: (Series, Date, Date), detail: usize, rows: i64, minutes: i64) {
        if let Some(known) = self.0.entry(period).or_default().get_mut(detail) {
            *known = (known.0 + rows, known.1.saturating_add(minutes));
        }
    }

    /// Whether any statement is of a key's period.
    pub fn has(&self, key: &Key) -> bool {
        self.0.get(&(key.series, key.first, key.last)).is_some_and(|details| details.iter().any(|(rows, _)| *rows > 0))
    }

    /// The minutes of each period of a series.
    pub fn minutes(&self, series: Series) -> BTreeMap<(Date, Date), i64> {
        let of_series = self.0.iter().filter(|((known, ..), _)| *known == series);
        let least = of_series.filter_map(|((_, first, last), details)| {
            let (_, minutes) = details.iter().find(|(rows, _)| *rows > 0)?;
            Some(((*first, *last), *minutes))
        });
        least.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::royalties::model::Stage;

    fn ledger(rows: &[(&str, &str, i64)]) -> Ledger {
        let day = Date::constant(2025, 10, 6);
        let entry = |(n, (country, title, minutes)): (usize, &(&str, &str, i64))| {
            let (country, title) = ((*country).into(), (*title).into());
            let key = Key { series: Series::Weekly, first: day, last: day, country, title };
            let figure = Figure { minutes: *minutes, revenue_minor: None, stage: Stage::Estimate };
            (key, Stored { figure, origin: Origin { import: 9 - n as i32, line: 2 } })
        };
        rows.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn the_least_detail_stands_for_a_period_however_it_is_added_up() {
        let parts = [("GB", "", 30), ("US", "", 40), ("", "A", 50), ("GB", "A", 60)];
        let (all, whole) = (ledger(&parts), ledger(&[&parts[..], &[("", "", 100)]].concat()));
        for (ledger, minutes, rows) in [(&all, 70, 2), (&whole, 100, 1)] {
            let total = totals(ledger, Series::Weekly)[0];
            assert_eq!((total.figure.minutes, total.sources.rows), (minutes, rows));
            let of_periods: Vec<i64> = Periods::of(ledger).minutes(Series::Weekly).into_values().collect();
            assert_eq!(of_periods, [minutes]);
        }
        // The earliest import among those that are added up, not the first key.
        assert_eq!(totals(&all, Series::Weekly)[0].sources.first, Origin { import: 8, line: 2 });
        assert!(totals(&all, Series::Monthly).is_empty());
    }
}
