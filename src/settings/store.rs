//! The workspace's settings in PostgreSQL, and the books that are made of them.

use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::exchange::{self, Rates};
use crate::money::Currency;
use crate::period::Calendar;
use crate::sales::books::{Books, BooksError};
use crate::sales::projection;
use crate::sales::sums::additions_store;
use crate::settings::Settings;

/// The books of a workspace. The rates are carried on until `carried`, for a demo.
pub async fn books(db: &mut PgConnection, workspace: i32, carried: Option<NaiveDate>) -> Result<Books, BooksError> {
    // The revision first: rates that arrive in between make the books newer than they say, never older.
    let row = sqlx::query!(
        "select w.currency, w.zone, w.week_start, w.completes_minutes, c.books_revision
         from workspaces w join cursors c on c.workspace_id = w.id where w.id = $1",
        workspace
    )
    .fetch_one(&mut *db)
    .await?;
    let rates = Rates::shipped()?.with_days(exchange::store::days(db).await?).carried_until(carried);
    Ok(Books {
        workspace,
        revision: row.books_revision,
        currency: Currency::parse(&row.currency).ok_or(BooksError::Currency(row.currency))?,
        calendar: Calendar::new(&row.zone, row.week_start as i8)?,
        completes_minutes: row.completes_minutes,
        rates: Arc::new(rates),
        kept: Arc::default(),
    })
}

/// How often the settings and the rates have changed.
pub async fn books_revision(db: &mut PgConnection, workspace: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select books_revision from cursors where workspace_id = $1", workspace).fetch_one(db).await
}

/// Locks the workspace's cursor until the transaction ends: recordings and other changes wait. Returns the revision of
/// the books.
pub async fn lock(db: &mut PgConnection, workspace: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select books_revision from cursors where workspace_id = $1 for update", workspace)
        .fetch_one(db)
        .await
}

/// The settings.
pub async fn read(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Settings> {
    let row =
        sqlx::query!("select currency, zone, week_start, completes_minutes from workspaces where id = $1", workspace)
            .fetch_one(db)
            .await?;
    Ok(Settings {
        currency: Currency::parse(&row.currency).ok_or(BooksError::Currency(row.currency))?,
        zone: row.zone,
        week_start: row.week_start,
        completes_minutes: row.completes_minutes,
    })
}

/// Writes the settings but for the currency, which changes by [`currency`](crate::settings::currency) alone, and makes
/// everybody read the books again. Where the zone is another, the days are cut again. The cursor has to be locked.
pub async fn write(db: &mut PgConnection, workspace: i32, settings: &Settings, new_zone: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "update workspaces set zone = $2, week_start = $3, completes_minutes = $4 where id = $1",
        workspace,
        settings.zone,
        settings.week_start,
        settings.completes_minutes
    )
    .execute(&mut *db)
    .await?;
    if new_zone {
        additions_store::rebuild_locked(db, workspace).await?;
        projection::store::forget_open(db, workspace).await?;
    }
    changed(db, workspace).await
}

/// Counts a change of the books and of the figures. The cursor has to be locked.
pub async fn changed(db: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update cursors set books_revision = books_revision + 1, revision = revision + 1 where workspace_id = $1",
        workspace
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether PostgreSQL knows a zone by this name: it cuts days too.
pub async fn knows_zone(db: &mut PgConnection, zone: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select exists (select from pg_timezone_names where name = $1) as \"known!\"", zone)
        .fetch_one(db)
        .await
}
