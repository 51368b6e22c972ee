//! Reading sums out of PostgreSQL: of windows, of all orders or of some, in one or by country, source or status.
//!
//! In these questions `offset 0` keeps each part one of its own, answered through the index by its bounds; joined freely, a
//! plan may read a whole table once and compare every row with every window.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::windows::{Pieces, coarse_pieces, pieces};

/// Which orders are summed: `None` is all of a dimension's values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Slice {
    /// Countries.
    pub countries: Option<Vec<String>>,
    /// Numbers of sources, as text.
    pub sources: Option<Vec<String>>,
    /// Statuses of payment.
    pub statuses: Option<Vec<String>>,
}

impl Slice {
    /// The one dimension that the tables of sums have to know for this slice; `None` where they would have to know two.
    pub(super) fn dimension(&self, group: Option<Dimension>) -> Option<Option<Dimension>> {
        let filtered = [
            (Dimension::Country, &self.countries),
            (Dimension::Source, &self.sources),
            (Dimension::Status, &self.statuses),
        ];
        let named = filtered.into_iter().filter(|(_, values)| values.is_some()).map(|(dimension, _)| dimension);
        let mut needed: Vec<Dimension> = named.chain(group).collect();
        needed.dedup();
        needed.sort_unstable();
        needed.dedup();
        match needed[..] {
            [] => Some(None),
            [dimension] => Some(Some(dimension)),
            _ => None,
        }
    }

    /// Whether the tables of sums hold the answer; else it is read from the ledger and takes longer.
    pub fn is_summed(&self, group: Option<Dimension>) -> bool {
        self.dimension(group).is_some()
    }

    pub(super) fn values(&self, dimension: Dimension) -> Option<&[String]> {
        match dimension {
            Dimension::Country => self.countries.as_deref(),
            Dimension::Source => self.sources.as_deref(),
            Dimension::Status => self.statuses.as_deref(),
        }
    }
}

/// The sums of several windows, each of the slice.
pub async fn window_sums(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    windows: &[Window],
) -> sqlx::Result<Vec<Sums>> {
    let rows = match slice.dimension(None) {
        Some(None) => all_sums(db, books, windows).await?,
        Some(Some(dimension)) => dimension_sums(db, books, dimension, slice.values(dimension), windows).await?,
        None => ledger_sums(db, books, slice, None, windows).await?,
    };
    let mut sums = vec![Sums::default(); windows.len()];
    for (window, _, part) in rows {
        sums[window] += part;
    }
    Ok(sums)
}

/// The sums of several windows by the values of a dimension: the number of the window, the value, its sums. Values that nothing
/// is left of, as of an order that was told of with another country first, are left out.
pub async fn sums_by(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    dimension: Dimension,
    windows: &[Window],
) -> sqlx::Result<Vec<(usize, String, Sums)>> {
    let mut rows = match slice.dimension(Some(dimension)) {
        Some(_) => dimension_sums(db, books, dimension, slice.values(dimension), windows).await?,
        None => ledger_sums(db, books, slice, Some(dimension), windows).await?,
    };
    rows.retain(|(.., sums)| *sums != Sums::default());
    Ok(rows)
}

/// Parts of windows as columns: the number of the window, and where the part begins and ends.
#[derive(Default)]
struct Parts<T> {
    windows: Vec<i32>,
    from: Vec<T>,
    to: Vec<T>,
}

impl<T> Parts<T> {
    fn add(&mut self, window: i32, from: T, to: T) {
        self.windows.push(window);
        self.from.push(from);
        self.to.push(to);
    }
}

/// All windows' pieces, a list a table.
#[derive(Default)]
struct Cut {
    days: Parts<NaiveDate>,
    quarters: Parts<Instant>,
    minutes: Parts<Instant>,
    moments: Parts<Instant>,
    signs: Vec<i32>,
}

impl Cut {
    fn of(windows: &[Window], cut: impl Fn(Window) -> Pieces) -> Cut {
        let mut out = Cut::default();
        for (i, window) in (0i32..).zip(windows) {
            let Pieces { days, quarters, minutes, moments } = cut(*window);
            days.into_iter().for_each(|(from, to)| out.days.add(i, from, to));
            quarters.into_iter().for_each(|part| out.quarters.add(i, part.from, part.to));
            minutes.into_iter().for_each(|part| out.minutes.add(i, part.from, part.to));
            for (sign, part) in moments {
                out.moments.add(i, part.from, part.to);
                out.signs.push(sign);
            }
        }
        out
    }
}

/// The sums in a row of any of the questions below.
macro_rules! sums_of {
    ($row:expr) => {
        Sums {
            orders: $row.orders,
            gross: $row.gross_minor,
            discount: $row.discount_minor,
            shipping: $row.shipping_minor,
            tax: $row.tax_minor,
            returned_goods: $row.returned_goods_minor,
            returned_shipping: $row.returned_shipping_minor,
            returned_tax: $row.returned_tax_minor,
            reversed_goods: $row.reversed_goods_minor,
            reversed_shipping: $row.reversed_shipping_minor,
            reversed_tax: $row.reversed_tax_minor,
            flagged: $row.flagged,
        }
    };
}
pub(super) use sums_of;

/// The sums of the local days from `first` up to and including `last`, of all orders; days without any are left out.
pub async fn day_sums(
    db: &mut PgConnection,
    workspace: i32,
    first: NaiveDate,
    last: NaiveDate,
) -> sqlx::Result<HashMap<NaiveDate, Sums>> {
    let rows = sqlx::query!(
        "select * from sums_day where workspace_id = $1 and bucket between $2 and $3",
        workspace,
        first,
        last
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.bucket, sums_of!(row))).collect())
}

type Rows = Vec<(usize, String, Sums)>;

/// Of all orders. Whole days, quarters of an hour and minutes come from their tables, and less than a minute at each end
/// from the ledger.
async fn all_sums(db: &mut PgConnection, books: &Books, windows: &[Window]) -> sqlx::Result<Rows> {
    let Cut { days, quarters, minutes, moments, signs } = Cut::of(windows, |window| pieces(window, &books.calendar));
    let rows = sqlx::query!(
        r#"with parts as (
             select w.i, 1 as sign, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($2::int[], $3::date[], $4::date[]) as w (i, since, until)
             cross join lateral (
                 select * from sums_day where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0
             ) s
             union all
             select w.i, 1 as sign, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($5::int[], $6::timestamptz[], $7::timestamptz[]) as w (i, since, until)
             cross join lateral (
                 select * from sums_quarter_hour where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0
             ) s
             union all
             select w.i, 1 as sign, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($8::int[], $9::timestamptz[], $10::timestamptz[]) as w (i, since, until)
             cross join lateral (
                 select * from sums_minute where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0
             ) s
             union all
             select w.i, w.sign as sign, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($11::int[], $12::timestamptz[], $13::timestamptz[], $14::int[]) as w (i, since, until, sign)
             cross join lateral (
                 select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
             ) s
         )
         select i as "i!", sum(sign * orders)::bigint as "orders!", sum(sign * gross_minor)::bigint as "gross_minor!",
             sum(sign * discount_minor)::bigint as "discount_minor!",
             sum(sign * shipping_minor)::bigint as "shipping_minor!",
             sum(sign * tax_minor)::bigint as "tax_minor!",
             sum(sign * returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(sign * returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(sign * returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(sign * reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(sign * reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(sign * reversed_tax_minor)::bigint as "reversed_tax_minor!",
             sum(sign * flagged)::bigint as "flagged!"
         from parts group by i"#,
        books.workspace,
        &days.windows,
        &days.from,
        &days.to,
        &quarters.windows,
        &quarters.from,
        &quarters.to,
        &minutes.windows,
        &minutes.from,
        &minutes.to,
        &moments.windows,
        &moments.from,
        &moments.to,
        &signs
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.i as usize, String::new(), sums_of!(row))).collect())
}

/// By the values of a dimension, all or some. Whole days and quarters of an hour come from their tables, and less than a
/// quarter of an hour at each end from the ledger.
async fn dimension_sums(
    db: &mut PgConnection,
    books: &Books,
    dimension: Dimension,
    values: Option<&[String]>,
    windows: &[Window],
) -> sqlx::Result<Rows> {
    let Cut { days, quarters, moments, signs, .. } = Cut::of(windows, |window| coarse_pieces(window, &books.calendar));
    let rows = sqlx::query!(
        r#"with parts as (
             select w.i, 1 as sign, s.value, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($4::int[], $5::date[], $6::date[]) as w (i, since, until)
             cross join lateral (
                 select * from sums_day_by where workspace_id = $1 and bucket >= w.since and bucket < w.until and dimension = $2 offset 0
             ) s
             union all
             select w.i, 1 as sign, s.value, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($7::int[], $8::timestamptz[], $9::timestamptz[]) as w (i, since, until)
             cross join lateral (
                 select * from sums_quarter_hour_by where workspace_id = $1 and bucket >= w.since and bucket < w.until and dimension = $2 offset 0
             ) s
             union all
             select w.i, w.sign as sign, s.value, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from unnest($10::int[], $11::timestamptz[], $12::timestamptz[], $13::int[]) as w (i, since, until, sign)
             cross join lateral (
                 select * from ledger_dimensions where workspace_id = $1 and at >= w.since and at < w.until and dimension = $2 offset 0
             ) s
         )
         select i as "i!", value as "value!", sum(sign * orders)::bigint as "orders!", sum(sign * gross_minor)::bigint as "gross_minor!",
             sum(sign * discount_minor)::bigint as "discount_minor!",
             sum(sign * shipping_minor)::bigint as "shipping_minor!",
             sum(sign * tax_minor)::bigint as "tax_minor!",
             sum(sign * returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(sign * returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(sign * returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(sign * reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(sign * reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(sign * reversed_tax_minor)::bigint as "reversed_tax_minor!",
             sum(sign * flagged)::bigint as "flagged!"
         from parts where $3::text[] is null or value = any($3) group by i, value"#,
        books.workspace,
        dimension.name(),
        values as Option<&[String]>,
        &days.windows,
        &days.from,
        &days.to,
        &quarters.windows,
        &quarters.from,
        &quarters.to,
        &moments.windows,
        &moments.from,
        &moments.to,
        &signs
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.i as usize, row.value, sums_of!(row))).collect())
}

/// Of a slice that no table of sums holds: read from the ledger, bounded by the windows.
async fn ledger_sums(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    group: Option<Dimension>,
    windows: &[Window],
) -> sqlx::Result<Rows> {
    let numbers: Vec<i32> = (0i32..).zip(windows).map(|(i, _)| i).collect();
    let (from, to): (Vec<Instant>, Vec<Instant>) = windows.iter().map(|window| (window.from, window.to)).unzip();
    let rows = sqlx::query!(
        r#"with parts as (
             select w.i, 1 as sign, s.*,
                 case $8 when 'country' then coalesce(o.country, 'unknown') when 'source' then o.source_id::text
                     when 'status' then coalesce(o.payment, 'unknown') else '' end as value
             from unnest($2::int[], $3::timestamptz[], $4::timestamptz[]) as w (i, since, until)
             cross join lateral (
                 select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
             ) s
             join orders o on o.workspace_id = s.workspace_id and o.id = s.order_id
             where ($5::text[] is null or coalesce(o.country, 'unknown') = any($5))
               and ($6::text[] is null or o.source_id::text = any($6))
               and ($7::text[] is null or coalesce(o.payment, 'unknown') = any($7))
         )
         select i as "i!", value as "value!", sum(sign * orders)::bigint as "orders!", sum(sign * gross_minor)::bigint as "gross_minor!",
             sum(sign * discount_minor)::bigint as "discount_minor!",
             sum(sign * shipping_minor)::bigint as "shipping_minor!",
             sum(sign * tax_minor)::bigint as "tax_minor!",
             sum(sign * returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(sign * returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(sign * returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(sign * reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(sign * reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(sign * reversed_tax_minor)::bigint as "reversed_tax_minor!",
             sum(sign * flagged)::bigint as "flagged!"
         from parts group by i, value"#,
        books.workspace,
        &numbers,
        &from,
        &to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>,
        group.map_or("", Dimension::name)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.i as usize, row.value, sums_of!(row))).collect())
}
