//! The projections that are kept in PostgreSQL, and how they did.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{minus, sql_date};
use crate::sales::projection::model::{Range, TrackRecord};

/// A projection to keep.
pub struct Kept {
    /// The name of the period: `day`, `week`, `month`, `quarter`.
    pub period: &'static str,
    /// Its first date.
    pub start: Date,
    /// The first date after it.
    pub end: Date,
    /// The local date on which it was made, as of noon.
    pub made_on: Date,
    /// Its revenue at noon.
    pub so_far: i64,
    /// Where it will end.
    pub range: Range,
}

/// Whether projections were kept on a local date.
pub async fn kept_on(db: &mut PgConnection, workspace: i32, date: Date) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from projections where workspace_id = $1 and made_on = $2) as "kept!""#,
        workspace,
        sql_date(date)
    )
    .fetch_one(db)
    .await
}

/// Keeps a projection; one that is there already stays as it is.
pub async fn keep(db: &mut PgConnection, workspace: i32, kept: &Kept) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into projections (workspace_id, period, period_start, period_end, made_on, so_far_minor, low_minor,
             expected_minor, high_minor)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (workspace_id, made_on, period) do nothing",
        workspace,
        kept.period,
        sql_date(kept.start),
        sql_date(kept.end),
        sql_date(kept.made_on),
        kept.so_far,
        kept.range.low,
        kept.range.expected,
        kept.range.high,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the projections that are still to be scored: they are of another currency or of days that were cut otherwise, and
/// what will come cannot be set against them. The cursor has to be locked.
pub async fn forget_open(db: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    sqlx::query!("delete from projections where workspace_id = $1 and actual_minor is null", workspace)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes what came of the projections whose period ended before `today`, once; returns how many.
pub async fn score_ended(db: &mut PgConnection, workspace: i32, today: Date) -> sqlx::Result<u64> {
    let scored = sqlx::query!(
        "update projections p set actual_minor = (
             select coalesce(sum(gross_minor + discount_minor + shipping_minor + tax_minor + returned_goods_minor
                 + returned_shipping_minor + returned_tax_minor), 0)
             from sums_day where workspace_id = p.workspace_id and bucket >= p.period_start and bucket < p.period_end
         )
         where workspace_id = $1 and actual_minor is null and period_end <= $2",
        workspace,
        sql_date(today)
    )
    .execute(db)
    .await?;
    Ok(scored.rows_affected())
}

/// How the projections did that were made in the year before `today`, by the name of their period.
pub async fn track_records(
    db: &mut PgConnection,
    workspace: i32,
    today: Date,
) -> sqlx::Result<HashMap<String, TrackRecord>> {
    let rows = sqlx::query!(
        r#"select period, count(*) as "made!",
             count(*) filter (where actual_minor between low_minor and high_minor) as "inside!",
             round(percentile_disc(0.5) within group (
                 order by abs(expected_minor::numeric - actual_minor) * 1000 / nullif(abs(actual_minor), 0)
             ))::bigint as missed_per_mille
         from projections where workspace_id = $1 and made_on >= $2 and actual_minor is not null
         group by period"#,
        workspace,
        sql_date(minus(today, 1.year())),
    )
    .fetch_all(db)
    .await?;
    let record = |made, inside, missed_per_mille| TrackRecord { made, inside, missed_per_mille };
    Ok(rows.into_iter().map(|row| (row.period, record(row.made, row.inside, row.missed_per_mille))).collect())
}
