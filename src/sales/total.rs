//! Sales with royalties: what a window brought in all, and which part of it is estimate. Pure.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::exchange::convert;
use crate::money::{self, Change};
use crate::period::{Instant, Window, plus, sql_date};
use crate::royalties::included::Included;
use crate::royalties::model::{ROYALTY_CURRENCY, days};
use crate::royalties::standing::Standing;
use crate::sales::books::Books;
use crate::sales::model::{Total, Versus};
use crate::sales::tables::{changed, percent};
use crate::table::{Column, Data, Row, Table, Value};

/// A period with its sales.
pub struct Period<'a> {
    /// Its name among the figures of the page.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its sales, beside those before.
    pub sales: &'a Versus,
    /// The windows that they are of; the second is empty where there is nothing before.
    pub windows: [Window; 2],
}

/// Adds royalties to sales.
pub struct Totals<'a> {
    /// Settings and rates.
    pub books: &'a Books,
    /// Where royalties stand.
    pub standing: &'a Standing,
    /// The present.
    pub now: Instant,
}

/// A period with its royalties.
struct Sum<'a> {
    period: &'a Period<'a>,
    royalties: Included,
    earlier: Option<Included>,
}

impl Sum<'_> {
    fn total(&self) -> i64 {
        self.period.sales.current.revenue.saturating_add(self.royalties.total())
    }

    /// The total before, where royalties of both windows are known to their last day: they come weeks after sales, and a window
    /// that still waits for its own did not bring less than one that has them.
    fn earlier(&self) -> Option<i64> {
        let earlier = self.earlier.filter(|earlier| earlier.days_unknown == 0 && self.royalties.days_unknown == 0)?;
        Some(self.period.sales.earlier.revenue.saturating_add(earlier.total()))
    }

    fn change(&self) -> Option<Change> {
        Some(Change::between(self.total(), self.earlier()?))
    }
}

impl Totals<'_> {
    /// The total of one period, in words too.
    pub fn total(&self, period: &Period) -> Total {
        let sum = self.sum(period);
        let text = |minor| money::display(minor, self.books.currency);
        let Included { received, provisional, estimated, days_unknown } = sum.royalties;
        let mut words = format!("{} of sales", text(period.sales.current.revenue));
        for (minor, what) in [
            (received, "royalties received"),
            (provisional, "provisional royalties"),
            (estimated, "estimated royalties"),
        ] {
            if minor != 0 {
                words += &format!(" + {} of {what}", text(minor));
            }
        }
        let all = self.days(period.windows[0]).map_or(0, |(first, last)| days(first, last));
        words += &match days_unknown {
            0 => ".".to_owned(),
            unknown if unknown == all => ". Royalties of these days are not known yet.".into(),
            1 => ". Royalties of one day are not known yet.".into(),
            unknown => format!(". Royalties of {unknown} days are not known yet."),
        };
        Total { minor: sum.total(), earlier: sum.earlier(), words }
    }

    /// The totals of periods as a table.
    pub fn table(&self, periods: &[Period]) -> Table {
        let sums: Vec<Sum> = periods.iter().map(|period| self.sum(period)).collect();
        let columns = vec![
            Column::text("period", "Period"),
            Column::number("revenue", "Sales"),
            Column::number("received", "Royalties received"),
            Column::number("provisional", "Provisional"),
            Column::number("estimated", "Estimated"),
            Column::number("total", "Total"),
            Column::number("total_before", "Total before"),
            Column::number("change", "Change"),
            Column::number("days_unknown", "Days not known yet"),
        ];
        let money = ["revenue", "received", "provisional", "estimated", "total", "total_before"];
        let data = Data::new(columns.clone(), &money, sums.iter().map(|sum| self.values(sum)).collect());
        let rows = sums.iter().zip(&data.rows).map(|(sum, values)| {
            let mut cells: Vec<_> = values.iter().map(Value::cell).collect();
            if let Some((cell, change)) = cells.get_mut(7).zip(sum.change()) {
                *cell = changed(change, Some(self.books.currency));
            }
            Row { key: sum.period.key.into(), address: "/royalties".into(), cells }
        });
        let rows = rows.collect();
        Table { name: "with_royalties".into(), title: "Sales with royalties".into(), columns, rows, data }
    }

    fn values(&self, sum: &Sum) -> Vec<Value> {
        let money = |minor| Value::Money(minor, self.books.currency);
        let Included { received, provisional, estimated, days_unknown } = sum.royalties;
        vec![
            Value::Text(sum.period.title.into()),
            money(sum.period.sales.current.revenue),
            money(received),
            money(provisional),
            money(estimated),
            money(sum.total()),
            sum.earlier().map_or(Value::Empty, money),
            sum.change().map_or(Value::Empty, percent),
            Value::Count(days_unknown),
        ]
    }

    fn sum<'a>(&self, period: &'a Period<'a>) -> Sum<'a> {
        let [now, earlier] = period.windows;
        let royalties = self.included(now).unwrap_or_default();
        Sum { period, royalties, earlier: self.included(earlier) }
    }

    fn included(&self, window: Window) -> Option<Included> {
        let (today, currency) = (self.books.calendar.date(self.now), self.books.currency);
        let in_reporting = |minor, day: Date| {
            let rate = self.books.rates.rate(ROYALTY_CURRENCY, currency, sql_date(day))?;
            convert(minor, ROYALTY_CURRENCY, currency, rate.value)
        };
        Some(Included::of(self.standing, self.days(window)?, today, in_reporting))
    }

    /// The days that begin in a window, the first and the last: a day's royalties have no hours. `None` where there is none.
    fn days(&self, window: Window) -> Option<(Date, Date)> {
        let calendar = &self.books.calendar;
        let from = calendar.date(window.from);
        let first = if calendar.midnight(from) < window.from { plus(from, 1.day()) } else { from };
        let last = calendar.date(window.to - chrono::TimeDelta::microseconds(1));
        (window.from < window.to && first <= last).then_some((first, last))
    }
}
