//! What a page asks that counts straight over the orders, as the pages that Takings takes the place of do: a question for
//! each endpoint, over the same database with the same indexes.
//!
//! Days are those of Europe/London. An order counts with the rate that stands beside it; refunds are left out, as straight SQL over the
//! orders knows no more than their totals.

use sqlx::AssertSqlSafe;

/// The total of an order in the reporting currency, and which orders count.
const TOTAL: &str = "(gross_minor - discount_minor + shipping_minor + tax_minor) * coalesce(rate, 1)";
const COUNTS: &str = "standing = 'counted' and cancelled_at is null";

/// A question over the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Straight {
    /// A period to date beside the same point of the one before: the period and its length, as SQL names them.
    ToDate(&'static str, &'static str),
    /// Orders and revenue of the last days, by day.
    Days(u32),
    /// Today and yesterday by hour.
    Hours,
    /// Thirty days by weekday and hour.
    Week,
    /// Thirty days and the thirty before, by a column.
    By(&'static str),
    /// The median of a period to date, likewise named, and of its same point before.
    Median(&'static str, &'static str),
    /// The newest orders.
    Newest,
    /// One order.
    One,
}

impl Straight {
    /// The question; nothing of it comes from outside.
    pub fn sql(self) -> AssertSqlSafe<String> {
        let local = "(placed_at at time zone 'Europe/London')";
        let start = |unit: &str| {
            format!("(date_trunc('{unit}', now() at time zone 'Europe/London') at time zone 'Europe/London')")
        };
        AssertSqlSafe(match self {
            Straight::ToDate(unit, length) => {
                let from = start(unit);
                let before = format!("placed_at < now() - interval '{length}'");
                format!(
                    "select count(*) filter (where placed_at >= {from}), sum({TOTAL}) filter (where placed_at >= {from}),
                         count(*) filter (where {before}), sum({TOTAL}) filter (where {before})
                     from orders where {COUNTS} and placed_at >= {from} - interval '{length}' and placed_at < now()"
                )
            }
            Straight::Days(days) => format!(
                "select {local}::date, count(*), sum({TOTAL}) from orders
                 where {COUNTS} and placed_at >= {} - interval '{days} days' and placed_at < now() group by 1 order by 1",
                start("day")
            ),
            Straight::Hours => format!(
                "select date_trunc('hour', {local}), count(*), sum({TOTAL}) from orders
                 where {COUNTS} and placed_at >= {} - interval '1 day' and placed_at < now() group by 1 order by 1",
                start("day")
            ),
            Straight::Week => format!(
                "select extract(isodow from {local}), extract(hour from {local}), count(*), sum({TOTAL}) from orders
                 where {COUNTS} and placed_at >= {} - interval '29 days' and placed_at < now() group by 1, 2 order by 1, 2",
                start("day")
            ),
            Straight::By(column) => format!(
                "select {column}, placed_at >= {from} - interval '29 days', count(*), sum({TOTAL}) from orders
                 where {COUNTS} and placed_at >= {from} - interval '59 days' and placed_at < now() group by 1, 2 order by 4 desc",
                from = start("day")
            ),
            Straight::Median(unit, length) => {
                let from = start(unit);
                let median = "percentile_cont(0.5) within group";
                format!(
                    "select {median} (order by {TOTAL}) filter (where placed_at >= {from}),
                         {median} (order by {TOTAL}) filter (where placed_at < now() - interval '{length}')
                     from orders where {COUNTS} and placed_at >= {from} - interval '{length}' and placed_at < now()"
                )
            }
            Straight::Newest => "select * from orders where placed_at < now() order by placed_at desc limit 50".into(),
            Straight::One => "select * from orders where id = (select min(id) from orders)".into(),
        })
    }
}
