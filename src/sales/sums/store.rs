//! The tables of sums in PostgreSQL: adding to them, and reading windows and days out of them.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::sums::windows::{Pieces, pieces};
use crate::sales::sums::{Additions, Sums};
use crate::settings;

/// Adds what a recording brings. One question for all tables: each one more would cost a recording a round trip.
pub async fn add(db: &mut PgConnection, workspace: i32, additions: &Additions) -> sqlx::Result<()> {
    let rows = Rows::of(additions);
    if rows.sums.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with new as materialized (
             select * from unnest($2::text[], $3::timestamptz[], $4::date[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                 $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
               as new (kept_by, bucket, day, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                 returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged)
         ), minutes as (
             insert into sums_minute as s
                 select $1, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                     returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged
                 from new where kept_by = 'minute' order by bucket
                 on conflict (workspace_id, bucket) do update set
                     orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor, discount_minor = s.discount_minor + excluded.discount_minor,
                     shipping_minor = s.shipping_minor + excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor,
                     returned_goods_minor = s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor = s.returned_shipping_minor + excluded.returned_shipping_minor,
                     returned_tax_minor = s.returned_tax_minor + excluded.returned_tax_minor, flagged = s.flagged + excluded.flagged
         ), quarters as (
             insert into sums_quarter_hour as s
                 select $1, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                     returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged
                 from new where kept_by = 'quarter' order by bucket
                 on conflict (workspace_id, bucket) do update set
                     orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor, discount_minor = s.discount_minor + excluded.discount_minor,
                     shipping_minor = s.shipping_minor + excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor,
                     returned_goods_minor = s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor = s.returned_shipping_minor + excluded.returned_shipping_minor,
                     returned_tax_minor = s.returned_tax_minor + excluded.returned_tax_minor, flagged = s.flagged + excluded.flagged
         )
         insert into sums_day as s
                 select $1, day, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                     returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged
                 from new where kept_by = 'day' order by day
                 on conflict (workspace_id, bucket) do update set
                     orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor, discount_minor = s.discount_minor + excluded.discount_minor,
                     shipping_minor = s.shipping_minor + excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor,
                     returned_goods_minor = s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor = s.returned_shipping_minor + excluded.returned_shipping_minor,
                     returned_tax_minor = s.returned_tax_minor + excluded.returned_tax_minor, flagged = s.flagged + excluded.flagged",
        workspace,
        &rows.kept_by,
        &rows.buckets as &[Option<Instant>],
        &rows.days as &[Option<NaiveDate>],
        &rows.measure(|s| s.orders),
        &rows.measure(|s| s.gross),
        &rows.measure(|s| s.discount),
        &rows.measure(|s| s.shipping),
        &rows.measure(|s| s.tax),
        &rows.measure(|s| s.returned_goods),
        &rows.measure(|s| s.returned_shipping),
        &rows.measure(|s| s.returned_tax),
        &rows.measure(|s| s.flagged),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Additions as columns: the table, the bucket in it, the sums.
#[derive(Default)]
struct Rows {
    kept_by: Vec<String>,
    buckets: Vec<Option<Instant>>,
    days: Vec<Option<NaiveDate>>,
    sums: Vec<Sums>,
}

impl Rows {
    fn of(additions: &Additions) -> Rows {
        let mut rows = Rows::default();
        for (table, buckets) in [("minute", &additions.minutes), ("quarter", &additions.quarters)] {
            buckets.iter().for_each(|(bucket, sums)| rows.add(table, Some(*bucket), None, *sums));
        }
        additions.days.iter().for_each(|(day, sums)| rows.add("day", None, Some(*day), *sums));
        rows
    }

    fn add(&mut self, table: &str, bucket: Option<Instant>, day: Option<NaiveDate>, sums: Sums) {
        self.kept_by.push(table.to_owned());
        self.buckets.push(bucket);
        self.days.push(day);
        self.sums.push(sums);
    }

    fn measure(&self, of: fn(&Sums) -> i64) -> Vec<i64> {
        self.sums.iter().map(of).collect()
    }
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

/// The sums of several windows in one question. Whole days, quarters of an hour and minutes come from their tables, and
/// less than a minute at each end from the ledger. `offset 0` keeps each part a question of its own, answered through the
/// index by its bounds; joined freely, a plan may read a whole table once and compare every row with every window.
pub async fn window_sums(db: &mut PgConnection, books: &Books, windows: &[Window]) -> sqlx::Result<Vec<Sums>> {
    let mut days: Parts<NaiveDate> = Parts::default();
    let [mut quarters, mut minutes, mut moments]: [Parts<Instant>; 3] = Default::default();
    let mut signs = Vec::new();
    for (i, window) in (0i32..).zip(windows) {
        let cut: Pieces = pieces(*window, &books.calendar);
        cut.days.into_iter().for_each(|(from, to)| days.add(i, from, to));
        cut.quarters.into_iter().for_each(|part| quarters.add(i, part.from, part.to));
        cut.minutes.into_iter().for_each(|part| minutes.add(i, part.from, part.to));
        for (sign, part) in cut.moments {
            moments.add(i, part.from, part.to);
            signs.push(sign);
        }
    }
    let rows = sqlx::query!(
        r#"with parts as (
             select w.i, 1 as sign, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor,
                 s.returned_goods_minor, s.returned_shipping_minor, s.returned_tax_minor, s.flagged
             from unnest($2::int[], $3::date[], $4::date[]) as w (i, since, until)
             cross join lateral (select * from sums_day where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0) s
             union all
             select w.i, 1, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor,
                 s.returned_goods_minor, s.returned_shipping_minor, s.returned_tax_minor, s.flagged
             from unnest($5::int[], $6::timestamptz[], $7::timestamptz[]) as w (i, since, until)
             cross join lateral (select * from sums_quarter_hour where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0) s
             union all
             select w.i, 1, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor,
                 s.returned_goods_minor, s.returned_shipping_minor, s.returned_tax_minor, s.flagged
             from unnest($8::int[], $9::timestamptz[], $10::timestamptz[]) as w (i, since, until)
             cross join lateral (select * from sums_minute where workspace_id = $1 and bucket >= w.since and bucket < w.until offset 0) s
             union all
             select w.i, w.sign, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor,
                 s.returned_goods_minor, s.returned_shipping_minor, s.returned_tax_minor, s.flagged
             from unnest($11::int[], $12::timestamptz[], $13::timestamptz[], $14::int[]) as w (i, since, until, sign)
             cross join lateral (select * from ledger_measures where workspace_id = $1 and occurred_at >= w.since and occurred_at < w.until offset 0) s
         )
         select i as "i!", sum(sign * orders)::bigint as "orders!", sum(sign * gross_minor)::bigint as "gross!",
             sum(sign * discount_minor)::bigint as "discount!", sum(sign * shipping_minor)::bigint as "shipping!",
             sum(sign * tax_minor)::bigint as "tax!", sum(sign * returned_goods_minor)::bigint as "returned_goods!",
             sum(sign * returned_shipping_minor)::bigint as "returned_shipping!",
             sum(sign * returned_tax_minor)::bigint as "returned_tax!", sum(sign * flagged)::bigint as "flagged!"
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
    let mut sums = vec![Sums::default(); windows.len()];
    for row in rows {
        sums[row.i as usize] += Sums {
            orders: row.orders,
            gross: row.gross,
            discount: row.discount,
            shipping: row.shipping,
            tax: row.tax,
            returned_goods: row.returned_goods,
            returned_shipping: row.returned_shipping,
            returned_tax: row.returned_tax,
            flagged: row.flagged,
        };
    }
    Ok(sums)
}

/// The sums of the local days from `first` up to and including `last`; days without any are left out.
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
    let days = rows.into_iter().map(|row| {
        let sums = Sums {
            orders: row.orders,
            gross: row.gross_minor,
            discount: row.discount_minor,
            shipping: row.shipping_minor,
            tax: row.tax_minor,
            returned_goods: row.returned_goods_minor,
            returned_shipping: row.returned_shipping_minor,
            returned_tax: row.returned_tax_minor,
            flagged: row.flagged,
        };
        (row.bucket, sums)
    });
    Ok(days.collect())
}

/// Recomputes the sums from the ledger alone, slowly, and counts the rows of the tables that differ from it. There must
/// be none.
pub async fn sums_that_differ(db: &mut PgConnection, books: &Books) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with measured as (select * from ledger_measures where workspace_id = $1),
         expected as (
             select 'minute' as kept_by, date_trunc('minute', occurred_at, 'UTC') at time zone 'UTC' as bucket, m.* from measured m
             union all
             select 'quarter', date_bin('15 minutes', occurred_at, timestamptz '2000-01-01 00:00Z') at time zone 'UTC', m.* from measured m
             union all
             select 'day', (occurred_at at time zone $2)::date::timestamp, m.* from measured m
         ), expected_sums as (
             select kept_by, bucket, sum(orders)::bigint, sum(gross_minor)::bigint, sum(discount_minor)::bigint,
                 sum(shipping_minor)::bigint, sum(tax_minor)::bigint, sum(returned_goods_minor)::bigint,
                 sum(returned_shipping_minor)::bigint, sum(returned_tax_minor)::bigint, sum(flagged)::bigint
             from expected group by 1, 2
         ), kept as (
             select 'minute', bucket at time zone 'UTC', orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                 returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged
             from sums_minute where workspace_id = $1
             union all
             select 'quarter', bucket at time zone 'UTC', orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                 returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged
             from sums_quarter_hour where workspace_id = $1
             union all
             select 'day', bucket::timestamp, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                 returned_goods_minor, returned_shipping_minor, returned_tax_minor, flagged
             from sums_day where workspace_id = $1
         )
         select (select count(*) from (select * from expected_sums except select * from kept) as missing)
              + (select count(*) from (select * from kept except select * from expected_sums) as wrong) as "differing!""#,
        books.workspace,
        books.calendar.zone_name()
    )
    .fetch_one(db)
    .await
}

/// Builds the sums again from the ledger alone. Recordings wait meanwhile. Needed where [`sums_that_differ`] found any.
pub async fn rebuild(db: &PgPool, books: &Books) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let revision = settings::store::lock(&mut tx, books.workspace).await?;
    let books = books.at(revision, &mut tx).await?;
    rebuild_all(&mut tx, books.workspace, books.calendar.zone_name()).await?;
    sqlx::query!("update cursors set revision = revision + 1 where workspace_id = $1", books.workspace)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// Builds the sums again: minutes from the ledger, the others from the minutes. The cursor has to be locked.
pub async fn rebuild_all(db: &mut PgConnection, workspace: i32, zone: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sums_minute where workspace_id = $1", workspace).execute(&mut *db).await?;
    sqlx::query!("delete from sums_quarter_hour where workspace_id = $1", workspace).execute(&mut *db).await?;
    sqlx::query!(
        "insert into sums_minute
         select workspace_id, date_trunc('minute', occurred_at, 'UTC'), sum(orders), sum(gross_minor), sum(discount_minor),
             sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
             sum(returned_tax_minor), sum(flagged)
         from ledger_measures where workspace_id = $1 group by 1, 2 order by 2",
        workspace
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into sums_quarter_hour
         select workspace_id, date_bin('15 minutes', bucket, timestamptz '2000-01-01 00:00Z'), sum(orders), sum(gross_minor),
             sum(discount_minor), sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor),
             sum(returned_shipping_minor), sum(returned_tax_minor), sum(flagged)
         from sums_minute where workspace_id = $1 group by 1, 2 order by 2",
        workspace
    )
    .execute(&mut *db)
    .await?;
    rebuild_days(db, workspace, zone).await
}

/// Builds the sums of the days again from those of the minutes, as `zone` cuts them. The cursor has to be locked.
pub async fn rebuild_days(db: &mut PgConnection, workspace: i32, zone: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sums_day where workspace_id = $1", workspace).execute(&mut *db).await?;
    sqlx::query!(
        "insert into sums_day
         select workspace_id, (bucket at time zone $2)::date, sum(orders), sum(gross_minor), sum(discount_minor),
             sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
             sum(returned_tax_minor), sum(flagged)
         from sums_minute where workspace_id = $1 group by 1, 2 order by 2",
        workspace,
        zone
    )
    .execute(db)
    .await?;
    Ok(())
}
