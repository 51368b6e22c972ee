//! What titles brought, and how good earlier projections were.

use std::collections::BTreeMap;

use crate::royalties::figure::Of;
use crate::royalties::model::{Ledger, Series, Stage, quarter_name};
use crate::royalties::projection::records;
use crate::royalties::rate::completes;
use crate::royalties::tables::{Royalties, dollars, listing, percent, some_dollars};
use crate::royalties::totals::totals;
use crate::table::{Column, Data, Listing, Value};

/// Titles that are shown at most; a file has all.
pub const TITLES_MAX: usize = 100;

/// What a title brought in the statements that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitleSum {
    /// The title, as files write it.
    pub title: String,
    /// Months that name it.
    pub months: i64,
    /// Minutes.
    pub minutes: i64,
    /// Cents of final months.
    pub received_minor: i64,
    /// Cents of provisional months.
    pub provisional_minor: i64,
}

impl TitleSum {
    /// Those of all titles of a ledger, the most received first, then by title.
    pub fn all(ledger: &Ledger) -> Vec<TitleSum> {
        let mut titles: BTreeMap<&str, Ledger> = BTreeMap::new();
        for (key, stored) in ledger.iter().filter(|(key, _)| !key.title.is_empty() && key.series == Series::Monthly) {
            titles.entry(&key.title).or_default().insert(key.clone(), *stored);
        }
        let sum = |(title, ledger): (&str, Ledger)| {
            let months = totals(&ledger, Series::Monthly);
            let of_stage = |stage: Stage| -> i64 {
                let of = months.iter().filter(|total| total.figure.stage == stage);
                of.filter_map(|total| total.figure.revenue_minor).sum()
            };
            TitleSum {
                title: title.to_owned(),
                months: months.len() as i64,
                minutes: months.iter().map(|total| total.figure.minutes).sum(),
                received_minor: of_stage(Stage::Final),
                provisional_minor: of_stage(Stage::Provisional),
            }
        };
        let mut all: Vec<TitleSum> = titles.into_iter().map(sum).collect();
        all.sort_by(|a, b| b.received_minor.cmp(&a.received_minor).then(a.title.cmp(&b.title)));
        all
    }
}

impl Royalties {
    /// Titles by what they brought, where statements name them.
    pub fn titles(&self) -> Listing {
        let columns = vec![
            Column::text("title", "Title"),
            Column::number("months", "Months"),
            Column::number("minutes", "Minutes"),
            Column::number("completes", "Completes"),
            Column::number("received", "Received"),
            Column::number("provisional", "Provisional"),
        ];
        let rows = self.titles.iter().map(|sum| {
            vec![
                Value::Text(sum.title.clone()),
                Value::Count(sum.months),
                Value::Count(sum.minutes),
                Value::Count(completes(sum.minutes, self.title_minutes)),
                dollars(sum.received_minor),
                some_dollars(sum.provisional_minor),
            ]
        });
        let leads = self.titles.iter().map(|sum| {
            let address = Of::Title(sum.title.clone()).address();
            ["minutes", "received"].map(|name| (name, address.clone())).to_vec()
        });
        listing(Data::new(columns, &["received", "provisional"], rows.collect()), leads.collect())
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
                Value::Text(quarter_name(record.kept.quarter)),
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
