//! Reading sums by the hour of the week out of PostgreSQL.

use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::{Part, Row};
use crate::sales::sums::store::{Slice, learn, sums_of};
use crate::sales::weekdays::WEEK_HOURS;

/// The sums of whole local days by the hour of the week that the workspace's clocks showed, Monday 00:00 first: the hour that a
/// clock change repeats counts both times as what it showed, one that it leaves out has nothing.
///
/// Zones have been whole quarters of an hour from UTC in all the years that a question can ask about, so a quarter of an
/// hour lies in one hour. The hours are counted from 1970, which began on a Thursday.
pub async fn hour_sums(
    db: &mut PgConnection,
    books: &Books,
    revision: i64,
    slice: &Slice,
    days: &[(NaiveDate, Window)],
) -> sqlx::Result<Vec<Sums>> {
    let mut hours = vec![Sums::default(); WEEK_HOURS];
    let mut add = |rows: &[Row]| {
        for row in rows {
            if let Some(hour) = hours.get_mut(row.at as usize) {
                *hour += row.sums;
            }
        }
    };
    learn(db, books, revision).await?;
    let mut unknown: Vec<(NaiveDate, Window)> = Vec::new();
    let part = Part::Hours(slice.clone());
    for (date, day) in days {
        match books.kept.get(revision, *date, &part) {
            Some(kept) => add(&kept),
            None => unknown.push((*date, *day)),
        }
    }
    let mut read: Vec<Vec<Row>> = vec![Vec::new(); unknown.len()];
    for (place, slot, sums) in read_hours(db, books, slice, &unknown).await? {
        if let Some(rows) = read.get_mut(place as usize) {
            rows.push(Row { at: slot.into(), value: Arc::default(), sums });
        }
    }
    read.iter().for_each(|rows| add(rows));
    let days = unknown.into_iter().zip(read);
    books.kept.keep(revision, days.map(|((date, _), rows)| (date, part.clone(), Arc::from(rows))));
    Ok(hours)
}

/// A day's place, an hour of the week, and the day's sums in it.
type Rows = Vec<(i32, i32, Sums)>;

async fn read_hours(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    days: &[(NaiveDate, Window)],
) -> sqlx::Result<Rows> {
    let (from, to): (Vec<Instant>, Vec<Instant>) = days.iter().map(|(_, day)| (day.from, day.to)).unzip();
    match slice.dimension(None) {
        _ if days.is_empty() => Ok(Vec::new()),
        Some(dimension) => summed_hours(db, books, slice, dimension, &from, &to).await,
        None => ledger_hours(db, books, slice, &from, &to).await,
    }
}

/// Of all orders, or of some values of a dimension: the quarters of an hour from their table.
async fn summed_hours(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    dimension: Option<Dimension>,
    from: &[Instant],
    to: &[Instant],
) -> sqlx::Result<Rows> {
    let rows = sqlx::query!(
        r#"select (w.ordinal - 1)::int as "place!",
             ((floor(date_part('epoch', bucket at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(orders)::bigint as "orders!", sum(gross_minor)::bigint as "gross_minor!",
             sum(discount_minor)::bigint as "discount_minor!", sum(shipping_minor)::bigint as "shipping_minor!",
             sum(tax_minor)::bigint as "tax_minor!", sum(returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(flagged)::bigint as "flagged!"
         from unnest($3::timestamptz[], $4::timestamptz[]) with ordinality as w (since, until, ordinal)
         cross join lateral (
             select * from sums_quarter_hours where workspace_id = $1 and bucket >= w.since and bucket < w.until
                 and dimension = $5 and ($6::text[] is null or value = any($6)) offset 0
         ) s
         group by 1, 2"#,
        books.workspace,
        books.calendar.zone_name(),
        from,
        to,
        dimension.map_or("", Dimension::name),
        dimension.and_then(|dimension| slice.values(dimension)) as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.slot, sums_of!(row))).collect())
}

/// Of a slice that no table of sums holds: read from the ledger.
async fn ledger_hours(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    from: &[Instant],
    to: &[Instant],
) -> sqlx::Result<Rows> {
    let rows = sqlx::query!(
        r#"select (w.ordinal - 1)::int as "place!",
             ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(s.orders)::bigint as "orders!", sum(s.gross_minor)::bigint as "gross_minor!",
             sum(s.discount_minor)::bigint as "discount_minor!", sum(s.shipping_minor)::bigint as "shipping_minor!",
             sum(s.tax_minor)::bigint as "tax_minor!", sum(s.returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(s.returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(s.returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(s.reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(s.reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(s.reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(s.flagged)::bigint as "flagged!"
         from unnest($3::timestamptz[], $4::timestamptz[]) with ordinality as w (since, until, ordinal)
         cross join lateral (
             select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
         ) s
         cross join lateral (
             select from orders
             where workspace_id = $1 and id = s.order_id
               and ($5::text[] is null or coalesce(country, 'unknown') = any($5))
               and ($6::text[] is null or source_id::text = any($6))
               and ($7::text[] is null or coalesce(payment, 'unknown') = any($7))
             offset 0
         ) o
         group by 1, 2"#,
        books.workspace,
        books.calendar.zone_name(),
        from,
        to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.slot, sums_of!(row))).collect())
}
