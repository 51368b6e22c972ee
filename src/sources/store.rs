//! Sources in PostgreSQL.

use sqlx::{PgExecutor, PgPool};

use crate::period::Instant;
use crate::sources::{Format, Secrets, Source};

/// The source of that name.
pub async fn find(db: impl PgExecutor<'_>, workspace: i32, name: &str) -> sqlx::Result<Option<Source>> {
    let row = sqlx::query_as!(
        SourceRow,
        "select id, name, platform, secret, previous_secret, last_delivery_at from sources where workspace_id = $1 and name = $2",
        workspace,
        name
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Source::from))
}

/// Every source.
pub async fn all(db: impl PgExecutor<'_>, workspace: i32) -> sqlx::Result<Vec<Source>> {
    let rows = sqlx::query_as!(
        SourceRow,
        "select id, name, platform, secret, previous_secret, last_delivery_at from sources where workspace_id = $1 order by id",
        workspace
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Source::from).collect())
}

struct SourceRow {
    id: i32,
    name: String,
    platform: String,
    secret: String,
    previous_secret: Option<String>,
    last_delivery_at: Option<Instant>,
}

impl From<SourceRow> for Source {
    fn from(row: SourceRow) -> Source {
        Source {
            id: row.id,
            name: row.name,
            platform: row.platform,
            secrets: Secrets { current: row.secret, previous: row.previous_secret },
            last_delivery_at: row.last_delivery_at,
        }
    }
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

/// A delivery that was kept because it could not be read.
#[derive(Debug)]
pub struct Kept {
    /// Its number.
    pub id: i64,
    /// The source that signed it.
    pub source: i32,
    /// The source's platform.
    pub platform: String,
    /// When it arrived.
    pub received_at: Instant,
    /// How its body is read.
    pub format: Format,
    /// What its headers said it is about.
    pub topic: String,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Up to `limit` kept deliveries after number `after` that could not be read.
pub async fn unreadable(db: &PgPool, workspace: i32, after: i64, limit: i64) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        "select d.id, d.source_id, s.platform, d.received_at, d.format, d.topic, d.body
         from deliveries d join sources s on s.workspace_id = d.workspace_id and s.id = d.source_id
         where d.workspace_id = $1 and d.problem is not null and d.id > $2 order by d.id limit $3",
        workspace,
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    let kept = rows.into_iter().map(|row| Kept {
        id: row.id,
        source: row.source_id,
        platform: row.platform,
        received_at: row.received_at,
        format: Format::parse(&row.format).unwrap_or_default(),
        topic: row.topic,
        body: row.body,
    });
    Ok(kept.collect())
}

/// Writes down how the replay of a kept delivery went: no problem means that it is recorded. `order` is the platform's id of
/// the order that it speaks of.
pub async fn set_problem(
    db: &PgPool,
    workspace: i32,
    delivery: i64,
    problem: Option<&str>,
    order: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update deliveries d set problem = $3, order_id = (
             select id from orders o where o.workspace_id = $1 and o.source_id = d.source_id and o.external_id = $4
         )
         where d.workspace_id = $1 and d.id = $2",
        workspace,
        delivery,
        problem,
        order
    )
    .execute(db)
    .await?;
    Ok(())
}
