//! People, sessions, links, tokens and failed attempts in PostgreSQL.

use sqlx::PgPool;

use crate::access::model::Person;
use crate::access::secret;

/// Days that a session lasts.
const SESSION_DAYS: i32 = 30;
/// Hours that a link works.
const LINK_HOURS: i32 = 24;
/// Failed attempts in a quarter of an hour for one name or address, beyond which further ones are refused.
const FAILURES_MAX: i64 = 10;

/// Someone's number and password hash by their name, whatever its case.
pub async fn find_person(db: &PgPool, workspace: i32, name: &str) -> sqlx::Result<Option<(i32, String)>> {
    let row = sqlx::query!(
        "select id, password_hash from people where workspace_id = $1 and lower(name) = lower($2)",
        workspace,
        name
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id, row.password_hash)))
}

/// Adds someone, or gives them a new password and role.
pub async fn put_person(db: &PgPool, workspace: i32, name: &str, password_hash: &str, role: &str) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into people (workspace_id, name, password_hash, role) values ($1, $2, $3, $4)
         on conflict (workspace_id, lower(name)) do update set password_hash = excluded.password_hash, role = excluded.role
         returning id",
        workspace, name, password_hash, role
    )
    .fetch_one(db)
    .await
}

/// Whether there is anyone.
pub async fn has_people(db: &PgPool, workspace: i32) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select exists (select from people where workspace_id = $1) as \"there!\"", workspace)
        .fetch_one(db)
        .await
}

/// Begins a session; returns its token.
pub async fn begin_session(db: &PgPool, workspace: i32, person: i32) -> sqlx::Result<String> {
    let token = secret::generate();
    sqlx::query!(
        "insert into sessions (token_hash, workspace_id, person_id, expires_at)
         values ($1, $2, $3, now() + make_interval(days => $4))",
        secret::hash(&token),
        workspace,
        person,
        SESSION_DAYS
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Who a session belongs to, unless it has expired.
pub async fn session_person(db: &PgPool, token: &str) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        "select p.id, p.name, p.role from sessions s
         join people p on p.workspace_id = s.workspace_id and p.id = s.person_id
         where s.token_hash = $1 and s.expires_at > now()",
        secret::hash(token)
    )
    .fetch_optional(db)
    .await
}

/// Ends a session, and forgets those that have expired.
pub async fn end_session(db: &PgPool, token: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from sessions where token_hash = $1 or expires_at < now()", secret::hash(token))
        .execute(db)
        .await?;
    Ok(())
}

/// Makes a link that works once: for `person`, or for the first administrator, whose earlier links then end.
pub async fn make_link(db: &PgPool, workspace: i32, person: Option<i32>) -> sqlx::Result<String> {
    let token = secret::generate();
    sqlx::query!(
        "with ended as (
             delete from sign_in_links where workspace_id = $2 and (expires_at < now() or $3::int is null and person_id is null)
         )
         insert into sign_in_links (token_hash, workspace_id, person_id, expires_at)
         values ($1, $2, $3, now() + make_interval(hours => $4))",
        secret::hash(&token), workspace, person, LINK_HOURS
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Whom a link is for: `Some(None)` is the first administrator's. `None` when it has expired or was used.
pub async fn link_person(db: &PgPool, token: &str) -> sqlx::Result<Option<Option<i32>>> {
    sqlx::query_scalar!(
        "select person_id from sign_in_links where token_hash = $1 and expires_at > now()",
        secret::hash(token)
    )
    .fetch_optional(db)
    .await
}

/// Uses a link up: true for exactly one caller.
pub async fn use_link(db: &PgPool, token: &str) -> sqlx::Result<bool> {
    let used =
        sqlx::query!("delete from sign_in_links where token_hash = $1 and expires_at > now()", secret::hash(token));
    Ok(used.execute(db).await?.rows_affected() == 1)
}

/// Makes an API token of that name, in place of an earlier one.
pub async fn make_token(db: &PgPool, workspace: i32, name: &str) -> sqlx::Result<String> {
    let token = secret::generate();
    sqlx::query!(
        "insert into api_tokens (token_hash, workspace_id, name) values ($1, $2, $3)
         on conflict on constraint api_token_name_unique do update set token_hash = excluded.token_hash, created_at = now()",
        secret::hash(&token), workspace, name
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Whether an API token is good.
pub async fn token_is_good(db: &PgPool, token: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        "select exists (select from api_tokens where token_hash = $1) as \"there!\"",
        secret::hash(token)
    )
    .fetch_one(db)
    .await
}

/// Whether one of the subjects has failed too often in the running quarter of an hour.
pub async fn failed_too_often(db: &PgPool, subjects: &[String]) -> sqlx::Result<bool> {
    let most = sqlx::query_scalar!(
        "select coalesce(max(failures), 0)::bigint as \"most!\" from sign_in_failures
         where subject = any($1) and window_start = date_bin('15 minutes', now(), timestamptz '2000-01-01 00:00Z')",
        subjects
    )
    .fetch_one(db)
    .await?;
    Ok(most >= FAILURES_MAX)
}

/// Counts a failed attempt against each subject, and forgets yesterday's.
pub async fn count_failure(db: &PgPool, subjects: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "with forgotten as (delete from sign_in_failures where window_start < now() - interval '1 day')
         insert into sign_in_failures (subject, window_start, failures)
         select subject, date_bin('15 minutes', now(), timestamptz '2000-01-01 00:00Z'), 1 from unnest($1::text[]) as s (subject)
         on conflict (subject, window_start) do update set failures = sign_in_failures.failures + 1",
        subjects
    )
    .execute(db)
    .await?;
    Ok(())
}
