//! Adding to the tables of sums in PostgreSQL, building them again, and checking them against the ledger.

use chrono::NaiveDate;
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::period::Instant;
use crate::sales::books::Books;
use crate::sales::medians;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::{Additions, Dimension};
use crate::sales::sums::kept::BEHIND_MAX;
use crate::server::database::plan_in_bulk;

/// After so many recordings the days that older ones changed are deleted.
const FORGET_EVERY: i64 = 1_000;

/// Adds what the recording of number `revision` brings. One question for all tables: each one more would cost a recording
/// a round trip.
pub async fn add(db: &mut PgConnection, workspace: i32, revision: i64, additions: &Additions) -> sqlx::Result<()> {
    let rows = Rows::of(additions);
    let values = &additions.values;
    if additions.days.is_empty() && values.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with new as materialized (
             select * from unnest($2::text[], $3::timestamptz[], $4::date[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
                 $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                 $16::bigint[], $17::bigint[], $18::bigint[])
               as new (kept_by, bucket, day, dimension, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
                 returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor,
                 reversed_shipping_minor, reversed_tax_minor, flagged)
         ), valued as (
             insert into order_value_additions (workspace_id, revision, quarters, values_minor, orders)
             select $1, $19, $20, $21, $22 where cardinality($20::bigint[]) > 0
         ), changed as (
             insert into day_changes (workspace_id, revision, days) select $1, $19, $23 where cardinality($23::date[]) > 0
         ), quarters as (
             insert into sums_quarter_hour as s (workspace_id, bucket,
                orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged)
             select $1, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged
             from new where kept_by = 'quarter' order by bucket
             on conflict (workspace_id, bucket) do update set
                orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor,
                discount_minor = s.discount_minor + excluded.discount_minor, shipping_minor = s.shipping_minor +
                excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor, returned_goods_minor =
                s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor =
                s.returned_shipping_minor + excluded.returned_shipping_minor, returned_tax_minor =
                s.returned_tax_minor + excluded.returned_tax_minor, reversed_goods_minor = s.reversed_goods_minor +
                excluded.reversed_goods_minor, reversed_shipping_minor = s.reversed_shipping_minor +
                excluded.reversed_shipping_minor, reversed_tax_minor = s.reversed_tax_minor +
                excluded.reversed_tax_minor, flagged = s.flagged + excluded.flagged
         ), days as (
             insert into sums_day as s (workspace_id, bucket,
                orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged)
             select $1, day, orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged
             from new where kept_by = 'day' order by day
             on conflict (workspace_id, bucket) do update set
                orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor,
                discount_minor = s.discount_minor + excluded.discount_minor, shipping_minor = s.shipping_minor +
                excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor, returned_goods_minor =
                s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor =
                s.returned_shipping_minor + excluded.returned_shipping_minor, returned_tax_minor =
                s.returned_tax_minor + excluded.returned_tax_minor, reversed_goods_minor = s.reversed_goods_minor +
                excluded.reversed_goods_minor, reversed_shipping_minor = s.reversed_shipping_minor +
                excluded.reversed_shipping_minor, reversed_tax_minor = s.reversed_tax_minor +
                excluded.reversed_tax_minor, flagged = s.flagged + excluded.flagged
         ), quarters_by as (
             insert into sums_quarter_hour_by as s (workspace_id, dimension, bucket, value,
                orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged)
             select $1, dimension, bucket, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged
             from new where kept_by = 'quarter_by' order by dimension, bucket, value
             on conflict (workspace_id, dimension, bucket, value) do update set
                orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor,
                discount_minor = s.discount_minor + excluded.discount_minor, shipping_minor = s.shipping_minor +
                excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor, returned_goods_minor =
                s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor =
                s.returned_shipping_minor + excluded.returned_shipping_minor, returned_tax_minor =
                s.returned_tax_minor + excluded.returned_tax_minor, reversed_goods_minor = s.reversed_goods_minor +
                excluded.reversed_goods_minor, reversed_shipping_minor = s.reversed_shipping_minor +
                excluded.reversed_shipping_minor, reversed_tax_minor = s.reversed_tax_minor +
                excluded.reversed_tax_minor, flagged = s.flagged + excluded.flagged
         )
         insert into sums_day_by as s (workspace_id, dimension, bucket, value,
                orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged)
             select $1, dimension, day, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
                returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
                reversed_tax_minor, flagged
             from new where kept_by = 'day_by' order by dimension, day, value
             on conflict (workspace_id, dimension, bucket, value) do update set
                orders = s.orders + excluded.orders, gross_minor = s.gross_minor + excluded.gross_minor,
                discount_minor = s.discount_minor + excluded.discount_minor, shipping_minor = s.shipping_minor +
                excluded.shipping_minor, tax_minor = s.tax_minor + excluded.tax_minor, returned_goods_minor =
                s.returned_goods_minor + excluded.returned_goods_minor, returned_shipping_minor =
                s.returned_shipping_minor + excluded.returned_shipping_minor, returned_tax_minor =
                s.returned_tax_minor + excluded.returned_tax_minor, reversed_goods_minor = s.reversed_goods_minor +
                excluded.reversed_goods_minor, reversed_shipping_minor = s.reversed_shipping_minor +
                excluded.reversed_shipping_minor, reversed_tax_minor = s.reversed_tax_minor +
                excluded.reversed_tax_minor, flagged = s.flagged + excluded.flagged",
        workspace,
        &rows.kept_by,
        &rows.buckets as &[Option<Instant>],
        &rows.days as &[Option<NaiveDate>],
        &rows.dimensions as &[Option<String>],
        &rows.values as &[Option<String>],
        &rows.measure(|s| s.orders),
        &rows.measure(|s| s.gross),
        &rows.measure(|s| s.discount),
        &rows.measure(|s| s.shipping),
        &rows.measure(|s| s.tax),
        &rows.measure(|s| s.returned_goods),
        &rows.measure(|s| s.returned_shipping),
        &rows.measure(|s| s.returned_tax),
        &rows.measure(|s| s.reversed_goods),
        &rows.measure(|s| s.reversed_shipping),
        &rows.measure(|s| s.reversed_tax),
        &rows.measure(|s| s.flagged),
        revision,
        &values.keys().map(|(quarter, _)| *quarter).collect::<Vec<i64>>(),
        &values.keys().map(|(_, value)| *value).collect::<Vec<i64>>(),
        &values.values().copied().collect::<Vec<i32>>(),
        &additions.days.keys().copied().collect::<Vec<NaiveDate>>(),
    )
    .execute(&mut *db)
    .await?;
    if revision % FORGET_EVERY == 0 { forget_changes(db, workspace, revision).await } else { Ok(()) }
}

/// Deletes what nobody asks for any more of the days that recordings changed.
async fn forget_changes(db: &mut PgConnection, workspace: i32, revision: i64) -> sqlx::Result<()> {
    let oldest = revision - 2 * BEHIND_MAX;
    sqlx::query!("delete from day_changes where workspace_id = $1 and revision < $2", workspace, oldest)
        .execute(db)
        .await?;
    Ok(())
}

/// Additions as columns: the table, the bucket in it, the dimension's value, the sums.
#[derive(Default)]
struct Rows {
    kept_by: Vec<String>,
    buckets: Vec<Option<Instant>>,
    days: Vec<Option<NaiveDate>>,
    dimensions: Vec<Option<String>>,
    values: Vec<Option<String>>,
    sums: Vec<Sums>,
}

impl Rows {
    fn of(additions: &Additions) -> Rows {
        let mut rows = Rows::default();
        additions.quarters.iter().for_each(|(bucket, sums)| rows.add("quarter", Some(*bucket), None, None, sums));
        additions.days.iter().for_each(|(day, sums)| rows.add("day", None, Some(*day), None, sums));
        for ((dimension, bucket, value), sums) in &additions.quarters_by {
            rows.add("quarter_by", Some(*bucket), None, Some((*dimension, value)), sums);
        }
        for ((dimension, day, value), sums) in &additions.days_by {
            rows.add("day_by", None, Some(*day), Some((*dimension, value)), sums);
        }
        rows
    }

    fn add(
        &mut self,
        table: &str,
        bucket: Option<Instant>,
        day: Option<NaiveDate>,
        value: Option<(Dimension, &String)>,
        sums: &Sums,
    ) {
        // What moved within a bucket changes nothing there.
        if *sums == Sums::default() {
            return;
        }
        self.kept_by.push(table.to_owned());
        self.buckets.push(bucket);
        self.days.push(day);
        self.dimensions.push(value.map(|(dimension, _)| dimension.name().to_owned()));
        self.values.push(value.map(|(_, value)| value.clone()));
        self.sums.push(*sums);
    }

    fn measure(&self, of: fn(&Sums) -> i64) -> Vec<i64> {
        self.sums.iter().map(of).collect()
    }
}

/// Recomputes the sums from the ledger alone, slowly, and counts the rows of the tables that differ from it, and with them
/// the counts of order values that do. There must be none; a row of nothing but zeros differs from no row in nothing.
pub async fn sums_that_differ(db: &mut PgConnection, books: &Books) -> sqlx::Result<i64> {
    let mut tx = db.begin().await?;
    plan_in_bulk(&mut tx).await?;
    let of_sums = sqlx::query_scalar!(
        r#"with measured as (select * from ledger_measures where workspace_id = $1 and at is not null),
         valued as (select * from ledger_dimensions where workspace_id = $1 and at is not null),
         expected (kept_by, bucket, dimension, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
             returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor,
             reversed_shipping_minor, reversed_tax_minor, flagged) as (
             select 'quarter', date_bin('15 minutes', at, timestamptz '2000-01-01 00:00Z') at time zone 'UTC', '', '', s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from measured s
             union all
             select 'day', (at at time zone $2)::date::timestamp, '', '', s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from measured s
             union all
             select 'quarter by', date_bin('15 minutes', at, timestamptz '2000-01-01 00:00Z') at time zone 'UTC', dimension, value,
                 s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from valued s
             union all
             select 'day by', (at at time zone $2)::date::timestamp, dimension, value, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor, s.returned_goods_minor,
                 s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor, s.reversed_shipping_minor,
                 s.reversed_tax_minor, s.flagged
             from valued s
             union all
             select 'quarter', bucket at time zone 'UTC', '', '', -s.orders, -s.gross_minor, -s.discount_minor, -s.shipping_minor, -s.tax_minor,
                 -s.returned_goods_minor, -s.returned_shipping_minor, -s.returned_tax_minor,
                 -s.reversed_goods_minor, -s.reversed_shipping_minor, -s.reversed_tax_minor, -s.flagged
             from sums_quarter_hour s where workspace_id = $1
             union all
             select 'day', bucket::timestamp, '', '', -s.orders, -s.gross_minor, -s.discount_minor, -s.shipping_minor, -s.tax_minor,
                 -s.returned_goods_minor, -s.returned_shipping_minor, -s.returned_tax_minor,
                 -s.reversed_goods_minor, -s.reversed_shipping_minor, -s.reversed_tax_minor, -s.flagged
             from sums_day s where workspace_id = $1
             union all
             select 'quarter by', bucket at time zone 'UTC', dimension, value, -s.orders, -s.gross_minor, -s.discount_minor, -s.shipping_minor, -s.tax_minor,
                 -s.returned_goods_minor, -s.returned_shipping_minor, -s.returned_tax_minor,
                 -s.reversed_goods_minor, -s.reversed_shipping_minor, -s.reversed_tax_minor, -s.flagged
             from sums_quarter_hour_by s where workspace_id = $1
             union all
             select 'day by', bucket::timestamp, dimension, value, -s.orders, -s.gross_minor, -s.discount_minor, -s.shipping_minor, -s.tax_minor,
                 -s.returned_goods_minor, -s.returned_shipping_minor, -s.returned_tax_minor,
                 -s.reversed_goods_minor, -s.reversed_shipping_minor, -s.reversed_tax_minor, -s.flagged
             from sums_day_by s where workspace_id = $1
         )
         select count(*) as "differing!" from (
             select from expected group by kept_by, bucket, dimension, value
             having sum(orders) <> 0 or sum(gross_minor) <> 0 or sum(discount_minor) <> 0 or sum(shipping_minor) <> 0
                 or sum(tax_minor) <> 0 or sum(returned_goods_minor) <> 0 or sum(returned_shipping_minor) <> 0 or
                 sum(returned_tax_minor) <> 0 or sum(reversed_goods_minor) <> 0 or sum(reversed_shipping_minor) <> 0
                 or sum(reversed_tax_minor) <> 0 or sum(flagged) <> 0
         ) as differing"#,
        books.workspace,
        books.calendar.zone_name()
    )
    .fetch_one(&mut *tx)
    .await?;
    let of_values = medians::store::counts_that_differ(&mut tx, books.workspace).await?;
    tx.commit().await?;
    Ok(of_sums + of_values)
}

/// Builds the sums and the counts of order values again from the ledger alone. Recordings wait meanwhile. Needed where
/// [`sums_that_differ`] found any.
pub async fn rebuild(db: &PgPool, books: &Books) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!("select revision from cursors where workspace_id = $1 for update", books.workspace)
        .fetch_one(&mut *tx)
        .await?;
    rebuild_locked(&mut tx, books.workspace).await?;
    medians::store::rebuild(&mut tx, books.workspace).await?;
    sqlx::query!(
        "with rebuilt as (update cursors set revision = revision + 1 where workspace_id = $1 returning revision)
         insert into day_changes (workspace_id, revision, days) select $1, revision, '{}' from rebuilt",
        books.workspace
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Builds the sums again from the ledger, the days as the workspace's zone cuts them now; the counts of order values, which no
/// zone cuts, are left as they are. The cursor has to be locked. What follows in the transaction is planned as work on whole
/// tables.
pub async fn rebuild_locked(db: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    plan_in_bulk(db).await?;
    sqlx::query!("select rebuild_sums($1)", workspace).execute(db).await?;
    Ok(())
}
