//! Reading sums by the hour of the week out of PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use sqlx::PgConnection;

use crate::period::{Calendar, Instant, Window, sql_date};
use crate::sales::books::Books;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::{Part, Row};
use crate::sales::sums::store::{Slice, learn, sums_of};
use crate::sales::sums::windows::whole_quarters;
use crate::sales::weekdays::WEEK_HOURS;

/// The sums of a window by the hour of the week that the workspace's clocks showed, Monday 00:00 first: the hour that a clock
/// change repeats counts both times as what it showed, one that it leaves out has nothing.
///
/// Zones have been whole quarters of an hour from UTC in all the years that a question can ask about, so a quarter of an
/// hour lies in one hour. The hours are counted from 1970, which began on a Thursday.
///
/// `running` are the hours of the running day so far, one after the other, with their sums: they are known already.
pub async fn hour_sums(
    db: &mut PgConnection,
    books: &Books,
    revision: i64,
    slice: &Slice,
    window: Window,
    running: &[(Window, Sums)],
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
    // What is read: first what lies outside of whole days and is not known, then the days that are not kept.
    let (days, mut windows) = whole_days(window, &books.calendar);
    if let ([(first, _), ..], [.., (last, _)]) = (running, running) {
        let known = Window { from: first.from, to: last.to };
        let day = books.calendar.day(books.calendar.date(first.from));
        // Where the clocks change an hour may show as two.
        if windows.contains(&known) && day.to - day.from == TimeDelta::days(1) {
            windows.retain(|end| *end != known);
            let slot = |hour: &Window| {
                let local = books.calendar.local(hour.from);
                i64::from(local.weekday().to_monday_zero_offset()) * 24 + i64::from(local.hour())
            };
            let row = |(hour, sums): &(Window, Sums)| Row { at: slot(hour), value: Arc::default(), sums: *sums };
            add(&running.iter().map(row).collect::<Vec<_>>());
        }
    }
    let ends = windows.len();
    let mut unknown = Vec::new();
    let part = Part::Hours(slice.clone());
    for (date, day) in days {
        match books.kept.get(revision, date, &part) {
            Some(kept) => add(&kept),
            None => {
                windows.push(day);
                unknown.push(date);
            }
        }
    }
    let mut read: Vec<Vec<Row>> = vec![Vec::new(); windows.len()];
    for (place, slot, sums) in read_hours(db, books, slice, &windows).await? {
        if let Some(rows) = read.get_mut(place as usize) {
            rows.push(Row { at: slot.into(), value: Arc::default(), sums });
        }
    }
    read.iter().for_each(|rows| add(rows));
    let days = unknown.into_iter().zip(read.into_iter().skip(ends));
    books.kept.keep(revision, days.map(|(date, rows)| (date, part.clone(), Arc::from(rows))));
    Ok(hours)
}

/// The local days that lie whole in a window, and what of it lies outside of them.
fn whole_days(window: Window, calendar: &Calendar) -> (BTreeMap<NaiveDate, Window>, Vec<Window>) {
    let mut days = BTreeMap::new();
    let mut ends = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let date = calendar.date(from);
        let day = calendar.day(date);
        let part = Window { from, to: day.to.min(window.to) };
        if part == day {
            days.insert(sql_date(date), day);
        } else {
            ends.push(part);
        }
        from = part.to;
    }
    (days, ends)
}

/// A window's place, an hour of the week, and the window's sums in it.
type Rows = Vec<(i32, i32, Sums)>;

async fn read_hours(db: &mut PgConnection, books: &Books, slice: &Slice, windows: &[Window]) -> sqlx::Result<Rows> {
    let parts = Parts::of(windows);
    match slice.dimension(None) {
        _ if windows.is_empty() => Ok(Vec::new()),
        Some(None) => all_hours(db, books, &parts).await,
        Some(Some(dimension)) => {
            let values = slice.values(dimension).unwrap_or_default();
            dimension_hours(db, books, dimension, values, &parts).await
        }
        None => ledger_hours(db, books, slice, windows).await,
    }
}

/// Windows as columns, each with its place: whole quarters of an hour, and the moments that these lack or hold too much.
#[derive(Default)]
struct Parts {
    places: Vec<i32>,
    from: Vec<Instant>,
    to: Vec<Instant>,
    moment_places: Vec<i32>,
    moments_from: Vec<Instant>,
    moments_to: Vec<Instant>,
    signs: Vec<i32>,
}

impl Parts {
    fn of(windows: &[Window]) -> Parts {
        let mut parts = Parts::default();
        for (place, window) in (0..).zip(windows) {
            let (whole, moments) = whole_quarters(*window);
            parts.places.push(place);
            parts.from.push(whole.from);
            parts.to.push(whole.to);
            for (sign, moment) in moments {
                parts.moment_places.push(place);
                parts.moments_from.push(moment.from);
                parts.moments_to.push(moment.to);
                parts.signs.push(sign);
            }
        }
        parts
    }
}

/// Of all orders: whole quarters of an hour from their table, and less than one at the end from the ledger.
async fn all_hours(db: &mut PgConnection, books: &Books, parts: &Parts) -> sqlx::Result<Rows> {
    let rows = sqlx::query!(
        r#"select w.place as "place!", ((floor(date_part('epoch', bucket at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(orders)::bigint as "orders!", sum(gross_minor)::bigint as "gross_minor!",
             sum(discount_minor)::bigint as "discount_minor!", sum(shipping_minor)::bigint as "shipping_minor!",
             sum(tax_minor)::bigint as "tax_minor!", sum(returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(flagged)::bigint as "flagged!"
         from unnest($3::int[], $4::timestamptz[], $5::timestamptz[]) as w (place, since, until)
         cross join lateral (
             select * from sums_quarter_hour where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0
         ) s
         group by 1, 2
         union all
         select w.place as "place!", ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(w.sign * s.orders)::bigint as "orders!", sum(w.sign * s.gross_minor)::bigint as "gross_minor!",
             sum(w.sign * s.discount_minor)::bigint as "discount_minor!",
             sum(w.sign * s.shipping_minor)::bigint as "shipping_minor!",
             sum(w.sign * s.tax_minor)::bigint as "tax_minor!",
             sum(w.sign * s.returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(w.sign * s.returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(w.sign * s.returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(w.sign * s.reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(w.sign * s.reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(w.sign * s.reversed_tax_minor)::bigint as "reversed_tax_minor!",
             sum(w.sign * s.flagged)::bigint as "flagged!"
         from unnest($6::int[], $7::timestamptz[], $8::timestamptz[], $9::int[]) as w (place, since, until, sign)
         cross join lateral (
             select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
         ) s
         group by 1, 2"#,
        books.workspace,
        books.calendar.zone_name(),
        &parts.places,
        &parts.from,
        &parts.to,
        &parts.moment_places,
        &parts.moments_from,
        &parts.moments_to,
        &parts.signs
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.slot, sums_of!(row))).collect())
}

/// Of some values of a dimension, likewise.
async fn dimension_hours(
    db: &mut PgConnection,
    books: &Books,
    dimension: Dimension,
    values: &[String],
    parts: &Parts,
) -> sqlx::Result<Rows> {
    let rows = sqlx::query!(
        r#"select w.place as "place!", ((floor(date_part('epoch', bucket at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(orders)::bigint as "orders!", sum(gross_minor)::bigint as "gross_minor!",
             sum(discount_minor)::bigint as "discount_minor!", sum(shipping_minor)::bigint as "shipping_minor!",
             sum(tax_minor)::bigint as "tax_minor!", sum(returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(flagged)::bigint as "flagged!"
         from unnest($3::int[], $4::timestamptz[], $5::timestamptz[]) as w (place, since, until)
         cross join lateral (
             select * from sums_quarter_hour_by where workspace_id = $1 and bucket >= w.since and bucket < w.until
                 and dimension = $10 and value = any($11) offset 0
         ) s
         group by 1, 2
         union all
         select w.place as "place!", ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(w.sign * s.orders)::bigint as "orders!", sum(w.sign * s.gross_minor)::bigint as "gross_minor!",
             sum(w.sign * s.discount_minor)::bigint as "discount_minor!",
             sum(w.sign * s.shipping_minor)::bigint as "shipping_minor!",
             sum(w.sign * s.tax_minor)::bigint as "tax_minor!",
             sum(w.sign * s.returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(w.sign * s.returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(w.sign * s.returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(w.sign * s.reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(w.sign * s.reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(w.sign * s.reversed_tax_minor)::bigint as "reversed_tax_minor!",
             sum(w.sign * s.flagged)::bigint as "flagged!"
         from unnest($6::int[], $7::timestamptz[], $8::timestamptz[], $9::int[]) as w (place, since, until, sign)
         cross join lateral (
             select * from ledger_dimensions where workspace_id = $1 and at >= w.since and at < w.until
                 and dimension = $10 and value = any($11) offset 0
         ) s
         group by 1, 2"#,
        books.workspace,
        books.calendar.zone_name(),
        &parts.places,
        &parts.from,
        &parts.to,
        &parts.moment_places,
        &parts.moments_from,
        &parts.moments_to,
        &parts.signs,
        dimension.name(),
        values
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.slot, sums_of!(row))).collect())
}

/// Of a slice that no table of sums holds: read from the ledger.
async fn ledger_hours(db: &mut PgConnection, books: &Books, slice: &Slice, windows: &[Window]) -> sqlx::Result<Rows> {
    let (from, to): (Vec<Instant>, Vec<Instant>) = windows.iter().map(|window| (window.from, window.to)).unzip();
    let rows = sqlx::query!(
        r#"select (w.ordinal - 1)::int as "place!", ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
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
         join orders o on o.workspace_id = s.workspace_id and o.id = s.order_id
         where ($5::text[] is null or coalesce(o.country, 'unknown') = any($5))
           and ($6::text[] is null or o.source_id::text = any($6))
           and ($7::text[] is null or coalesce(o.payment, 'unknown') = any($7))
         group by 1, 2"#,
        books.workspace,
        books.calendar.zone_name(),
        &from,
        &to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.place, row.slot, sums_of!(row))).collect())
}
