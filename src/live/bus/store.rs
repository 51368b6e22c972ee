//! NOTIFY.

use sqlx::PgConnection;

/// Wakes who listens on a channel. Apart from the transaction that is told of: inside it, NOTIFY would make all commits of the
/// database wait for one another.
pub async fn notify(db: &mut PgConnection, channel: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')", channel).execute(db).await?;
    Ok(())
}
