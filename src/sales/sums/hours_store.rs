//! Reading sums by the hour of the week out of PostgreSQL.

use sqlx::PgConnection;

use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::store::{Slice, sums_of};
use crate::sales::sums::windows::whole_quarters;
use crate::sales::weekdays::WEEK_HOURS;

/// The sums of a window by the hour of the week that the workspace's clocks showed, Monday 00:00 first: the hour that a clock
/// change repeats counts both times as what it showed, one that it leaves out has nothing.
///
/// Zones have been whole quarters of an hour from UTC in all the years that a question can ask about, so a quarter of an
/// hour lies in one hour. The hours are counted from 1970, which began on a Thursday.
pub async fn hour_sums(db: &mut PgConnection, books: &Books, slice: &Slice, window: Window) -> sqlx::Result<Vec<Sums>> {
    let rows = match slice.dimension(None) {
        Some(None) => all_hours(db, books, window).await?,
        Some(Some(dimension)) => {
            let values = slice.values(dimension).unwrap_or_default();
            dimension_hours(db, books, dimension, values, window).await?
        }
        None => ledger_hours(db, books, slice, window).await?,
    };
    let mut hours = vec![Sums::default(); WEEK_HOURS];
    for (slot, sums) in rows {
        if let Some(hour) = hours.get_mut(slot as usize) {
            *hour += sums;
        }
    }
    Ok(hours)
}

type Rows = Vec<(i32, Sums)>;

/// The moments at a window's ends as columns: where they begin and end, and their signs.
fn columns(moments: Vec<(i32, Window)>) -> (Vec<Instant>, Vec<Instant>, Vec<i32>) {
    let from = moments.iter().map(|(_, part)| part.from).collect();
    let to = moments.iter().map(|(_, part)| part.to).collect();
    (from, to, moments.iter().map(|(sign, _)| *sign).collect())
}

/// Of all orders: whole quarters of an hour from their table, and less than one at the end from the ledger.
async fn all_hours(db: &mut PgConnection, books: &Books, window: Window) -> sqlx::Result<Rows> {
    let (whole, moments) = whole_quarters(window);
    let (from, to, signs) = columns(moments);
    let rows = sqlx::query!(
        r#"select ((floor(date_part('epoch', bucket at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(orders)::bigint as "orders!", sum(gross_minor)::bigint as "gross_minor!",
             sum(discount_minor)::bigint as "discount_minor!", sum(shipping_minor)::bigint as "shipping_minor!",
             sum(tax_minor)::bigint as "tax_minor!", sum(returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(flagged)::bigint as "flagged!"
         from sums_quarter_hour
         where workspace_id = $1 and bucket >= $3 and bucket < $4
         group by 1
         union all
         select ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
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
         from unnest($5::timestamptz[], $6::timestamptz[], $7::int[]) as w (since, until, sign)
         cross join lateral (
             select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
         ) s
         group by 1"#,
        books.workspace,
        books.calendar.zone_name(),
        whole.from,
        whole.to,
        &from,
        &to,
        &signs
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slot, sums_of!(row))).collect())
}

/// Of some values of a dimension, likewise.
async fn dimension_hours(
    db: &mut PgConnection,
    books: &Books,
    dimension: Dimension,
    values: &[String],
    window: Window,
) -> sqlx::Result<Rows> {
    let (whole, moments) = whole_quarters(window);
    let (from, to, signs) = columns(moments);
    let rows = sqlx::query!(
        r#"select ((floor(date_part('epoch', bucket at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(orders)::bigint as "orders!", sum(gross_minor)::bigint as "gross_minor!",
             sum(discount_minor)::bigint as "discount_minor!", sum(shipping_minor)::bigint as "shipping_minor!",
             sum(tax_minor)::bigint as "tax_minor!", sum(returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(flagged)::bigint as "flagged!"
         from sums_quarter_hour_by
         where workspace_id = $1 and bucket >= $3 and bucket < $4 and dimension = $8 and value = any($9)
         group by 1
         union all
         select ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
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
         from unnest($5::timestamptz[], $6::timestamptz[], $7::int[]) as w (since, until, sign)
         cross join lateral (
             select * from ledger_dimensions where workspace_id = $1 and at >= w.since and at < w.until
                 and dimension = $8 and value = any($9) offset 0
         ) s
         group by 1"#,
        books.workspace,
        books.calendar.zone_name(),
        whole.from,
        whole.to,
        &from,
        &to,
        &signs,
        dimension.name(),
        values
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slot, sums_of!(row))).collect())
}

/// Of a slice that no table of sums holds: read from the ledger.
async fn ledger_hours(db: &mut PgConnection, books: &Books, slice: &Slice, window: Window) -> sqlx::Result<Rows> {
    let rows = sqlx::query!(
        r#"select ((floor(date_part('epoch', s.at at time zone $2) / 3600)::bigint + 72) % 168)::int as "slot!",
             sum(s.orders)::bigint as "orders!", sum(s.gross_minor)::bigint as "gross_minor!",
             sum(s.discount_minor)::bigint as "discount_minor!", sum(s.shipping_minor)::bigint as "shipping_minor!",
             sum(s.tax_minor)::bigint as "tax_minor!", sum(s.returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(s.returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(s.returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(s.reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(s.reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(s.reversed_tax_minor)::bigint as "reversed_tax_minor!", sum(s.flagged)::bigint as "flagged!"
         from (
             select * from ledger_measures where workspace_id = $1 and at >= $3 and at < $4 offset 0
         ) s
         join orders o on o.workspace_id = s.workspace_id and o.id = s.order_id
         where ($5::text[] is null or coalesce(o.country, 'unknown') = any($5))
           and ($6::text[] is null or o.source_id::text = any($6))
           and ($7::text[] is null or coalesce(o.payment, 'unknown') = any($7))
         group by 1"#,
        books.workspace,
        books.calendar.zone_name(),
        window.from,
        window.to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slot, sums_of!(row))).collect())
}
