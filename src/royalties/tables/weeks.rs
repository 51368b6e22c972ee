//! The last weeks as a table.

use crate::money::Change;
use crate::royalties::figure::Of;
use crate::royalties::rate::completes;
use crate::royalties::standing::Week;
use crate::royalties::tables::{Royalties, dollars, listing, percent, source_address, source_words};
use crate::table::{Column, Data, Listing, Value};

/// Weeks of the table of weeks.
pub const WEEKS: usize = 12;

impl Royalties {
    /// The last 12 weeks, the newest first. Their money is an estimate.
    pub fn weeks(&self) -> Listing {
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
        let shown = weeks.iter().take(WEEKS);
        let rows = shown.clone().zip(1..).map(|(week, next)| self.week(week, weeks.get(next))).collect();
        let leads = shown.map(|week| {
            let address = Of::Week(week.first, week.last).address();
            let source = source_address(week.sources, address.clone());
            vec![("minutes", address.clone()), ("revenue", address), ("source", source)]
        });
        listing(Data::new(columns, &["revenue"], rows), leads.collect())
    }

    fn week(&self, week: &Week, before: Option<&Week>) -> Vec<Value> {
        vec![
            Value::Date(week.first.to_string()),
            Value::Date(week.last.to_string()),
            Value::Count(week.minutes),
            percent(before.map(|before| Change::between(week.minutes, before.minutes))),
            Value::Count(completes(week.minutes, self.title_minutes)),
            self.rate().map_or(Value::Empty, |rate| dollars(rate.times(week.minutes))),
            Value::Text(source_words(week.sources)),
        ]
    }

    /// The last weeks, the newest first.
    pub fn last_weeks(&self, count: usize) -> Vec<Week> {
        self.standing.weeks.iter().rev().take(count).copied().collect()
    }
}
