//! Statements and projections in PostgreSQL.

use chrono::NaiveDate;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{jiff_date, sql_date};
use crate::royalties::model::{Figure, Key, Ledger, Origin, Series, Stage, Stored};
use crate::royalties::projection::Kept;

/// Projections that are read at most: one a day of ten years.
const KEPT_MAX: i64 = 3_660;

/// The statements of the days from `first` to `last`, those that reach into them too.
pub async fn ledger(db: &mut PgConnection, workspace: i32, first: Date, last: Date) -> sqlx::Result<Ledger> {
    let rows = sqlx::query!(
        "select series, first_day, last_day, country, title, minutes, revenue_minor, stage, import_id, line
         from royalty_statements where workspace_id = $1 and first_day <= $3 and last_day >= $2",
        workspace,
        sql_date(first),
        sql_date(last)
    )
    .fetch_all(db)
    .await?;
    let statement = rows.into_iter().filter_map(|row| {
        let key = Key {
            series: Series::parse(&row.series)?,
            first: jiff_date(row.first_day),
            last: jiff_date(row.last_day),
            country: row.country,
            title: row.title,
        };
        let stage = Stage::parse(&row.stage)?;
        let figure = Figure { minutes: row.minutes, revenue_minor: row.revenue_minor, stage };
        Some((key, Stored { figure, origin: Origin { import: row.import_id, line: row.line } }))
    });
    Ok(statement.collect())
}

/// All statements.
pub async fn whole_ledger(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Ledger> {
    ledger(db, workspace, Date::constant(1900, 1, 1), Date::constant(2999, 12, 31)).await
}

/// Keeps a projection, in the place of one that was made the same day.
pub async fn keep_projection(db: &mut PgConnection, workspace: i32, kept: &Kept) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into royalty_projections (workspace_id, quarter, made_on, low_minor, mid_minor, high_minor)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (workspace_id, quarter, made_on) do update
         set low_minor = excluded.low_minor, mid_minor = excluded.mid_minor, high_minor = excluded.high_minor",
        workspace,
        sql_date(kept.quarter),
        sql_date(kept.made_on),
        kept.low_minor,
        kept.mid_minor,
        kept.high_minor
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The projections that were kept, the newest first.
pub async fn projections(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        "select quarter, made_on, low_minor, mid_minor, high_minor from royalty_projections
         where workspace_id = $1 order by quarter desc, made_on desc limit $2",
        workspace,
        KEPT_MAX
    )
    .fetch_all(db)
    .await?;
    let date = |day: NaiveDate| jiff_date(day);
    let kept = rows.into_iter().map(|row| Kept {
        quarter: date(row.quarter),
        made_on: date(row.made_on),
        low_minor: row.low_minor,
        mid_minor: row.mid_minor,
        high_minor: row.high_minor,
    });
    Ok(kept.collect())
}
