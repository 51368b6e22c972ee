//! Sources in PostgreSQL.

use sqlx::PgPool;

use crate::sources::{Secrets, Source};

/// The source of that name.
pub async fn find(db: &PgPool, workspace: i32, name: &str) -> sqlx::Result<Option<Source>> {
    let row = sqlx::query!(
        "select id, name, platform, secret, previous_secret from sources where workspace_id = $1 and name = $2",
        workspace,
        name
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Source {
        id: row.id,
        name: row.name,
        platform: row.platform,
        secrets: Secrets { current: row.secret, previous: row.previous_secret },
    }))
}

/// Every source.
pub async fn all(db: &PgPool, workspace: i32) -> sqlx::Result<Vec<Source>> {
    let rows = sqlx::query!(
        "select id, name, platform, secret, previous_secret from sources where workspace_id = $1 order by id",
        workspace
    )
    .fetch_all(db)
    .await?;
    let source =
        |id, name, platform, current, previous| Source { id, name, platform, secrets: Secrets { current, previous } };
    Ok(rows.into_iter().map(|row| source(row.id, row.name, row.platform, row.secret, row.previous_secret)).collect())
}

/// Adds a source, or gives one that exists a new secret: the old one is then accepted beside it.
pub async fn add(db: &PgPool, workspace: i32, name: &str, platform: &str, secret: &str) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into sources (workspace_id, name, platform, secret) values ($1, $2, $3, $4)
         on conflict on constraint source_name_unique do update
             set previous_secret = nullif(sources.secret, excluded.secret), secret = excluded.secret
         returning id",
        workspace,
        name,
        platform,
        secret
    )
    .fetch_one(db)
    .await
}
