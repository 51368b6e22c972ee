//! Who is here, in PostgreSQL.

use sqlx::PgPool;

/// People that are listed at most; of more, only how many they are is said.
const LISTED_MAX: i64 = 100;
/// A server that has said nothing for this many seconds has died, and its people are gone: three heartbeats.
const DEAD_AFTER_SECONDS: f64 = 30.0;

/// Somebody on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Their number.
    pub person: i32,
    /// Where they look, in words.
    pub place: String,
    /// Whether none of their tabs is looked at.
    pub idle: bool,
}

/// Writes who is on a server, and forgets servers that have died. Whether that changed anything.
pub async fn write(db: &PgPool, workspace: i32, server: i64, entries: &[Entry]) -> sqlx::Result<bool> {
    let people: Vec<i32> = entries.iter().map(|entry| entry.person).collect();
    let places: Vec<String> = entries.iter().map(|entry| entry.place.clone()).collect();
    let idle: Vec<bool> = entries.iter().map(|entry| entry.idle).collect();
    sqlx::query_scalar!(
        "with gone as (
             delete from presence where workspace_id = $1 and server_id = $2 and person_id <> all($3::int[]) returning person_id
         ), dead as (
             delete from presence
             where workspace_id = $1 and server_id <> $2 and seen_at < now() - make_interval(secs => $6) returning person_id
         ), put as (
             insert into presence (workspace_id, server_id, person_id, place, idle)
             select $1, $2, here.person_id, here.place, here.idle
             from unnest($3::int[], $4::text[], $5::bool[]) as here (person_id, place, idle)
             -- Who was removed a moment ago.
             where exists (select from people where workspace_id = $1 and id = here.person_id)
             on conflict (workspace_id, server_id, person_id) do update set
                 place = excluded.place, idle = excluded.idle, seen_at = now(),
                 moved_at = case when (presence.place, presence.idle) = (excluded.place, excluded.idle)
                     then presence.moved_at else now() end
             returning moved_at
         )
         select exists (select from gone) or exists (select from dead) or exists (select from put where moved_at = now())
             as \"changed!\"",
        workspace,
        server,
        &people,
        &places,
        &idle,
        DEAD_AFTER_SECONDS
    )
    .fetch_one(db)
    .await
}

/// People with their number, name, whether idle, and where; and how many there are, as not all of many are listed.
pub type Read = (Vec<(i32, String, bool, String)>, i64);

/// Everyone who is here, on all servers.
pub async fn read(db: &PgPool, workspace: i32) -> sqlx::Result<Read> {
    let rows = sqlx::query!(
        "select p.id, p.name, bool_and(here.idle) as \"idle!\", count(*) over () as \"all!\",
             -- Where they look, if that is known; of several places the one that they came to last.
             (array_agg(here.place order by here.idle, here.place = '', here.moved_at desc))[1] as \"place!\"
         from presence here join people p on p.workspace_id = here.workspace_id and p.id = here.person_id
         where here.workspace_id = $1 and here.seen_at > now() - make_interval(secs => $2)
         group by p.id, p.name order by 3, lower(p.name), p.id limit $3",
        workspace,
        DEAD_AFTER_SECONDS,
        LISTED_MAX
    )
    .fetch_all(db)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    Ok((rows.into_iter().map(|row| (row.id, row.name, row.idle, row.place)).collect(), all))
}
