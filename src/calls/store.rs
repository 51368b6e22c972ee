//! Calls in PostgreSQL: what is written of them, what is read, what is forgotten.

use sqlx::{Connection as _, PgConnection, PgPool};

use crate::calls::alerts::{Alert, Kind, Severity};
use crate::calls::history::Waiting;
use crate::calls::model::{CallSettings, PastCall, PastPerson, PastPoint};
use crate::period::Instant;

/// What an administrator has set.
pub async fn settings(db: &mut PgConnection, workspace: i32) -> sqlx::Result<CallSettings> {
    sqlx::query_as!(
        CallSettings,
        "select call_days as days, relay_hour_micros from workspaces where id = $1",
        workspace
    )
    .fetch_one(db)
    .await
}

/// Sets it.
pub async fn set_settings(db: &PgPool, workspace: i32, settings: CallSettings) -> sqlx::Result<()> {
    let CallSettings { days, relay_hour_micros } = settings;
    let query = sqlx::query!(
        "update workspaces set call_days = $2, relay_hour_micros = $3 where id = $1",
        workspace,
        days,
        relay_hour_micros
    );
    query.execute(db).await?;
    Ok(())
}

/// Writes what waits, in one transaction; written again, it changes nothing.
pub async fn write(db: &mut PgConnection, workspace: i32, waiting: &Waiting) -> sqlx::Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    // A crash of the database may lose the last of it: nobody waits for the disk on its account.
    sqlx::raw_sql("set local synchronous_commit = off").execute(&mut *tx).await?;
    write_calls(&mut tx, workspace, waiting).await?;
    write_people(&mut tx, workspace, waiting).await?;
    write_rows(&mut tx, workspace, waiting).await?;
    for alert in waiting.alerts.values() {
        put_alert(&mut tx, workspace, alert).await?;
    }
    let ended = waiting.calls.values().filter(|call| call.ended_at.is_some());
    add_up(&mut tx, workspace, &ended.map(|call| call.id).collect::<Vec<i64>>()).await?;
    tx.commit().await
}

async fn write_calls(tx: &mut PgConnection, workspace: i32, waiting: &Waiting) -> sqlx::Result<()> {
    for call in waiting.calls.values() {
        sqlx::query!(
            "insert into calls as known (workspace_id, id, room_id, room, began_at, seen_at, ended_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (workspace_id, id) do update set room = excluded.room, ended_at = excluded.ended_at,
                 seen_at = greatest(known.seen_at, excluded.seen_at)",
            workspace,
            call.id,
            call.room,
            call.name,
            call.began_at,
            call.seen_at,
            call.ended_at
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Only of calls that are there: one that was deleted while its rows waited is gone.
async fn write_people(tx: &mut PgConnection, workspace: i32, waiting: &Waiting) -> sqlx::Result<()> {
    let (keys, people): (Vec<_>, Vec<_>) = waiting.people.iter().unzip();
    let calls: Vec<i64> = keys.iter().map(|(call, _)| *call).collect();
    let numbers: Vec<i32> = keys.iter().map(|(_, person)| *person).collect();
    let names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    let joined: Vec<Instant> = people.iter().map(|person| person.joined_at).collect();
    let seen: Vec<Instant> = people.iter().map(|person| person.seen_at).collect();
    let seconds: Vec<f64> = people.iter().map(|person| person.relayed_seconds).collect();
    let bytes: Vec<i64> = people.iter().map(|person| person.relayed_bytes).collect();
    sqlx::query!(
        "insert into call_people as known
             (workspace_id, call_id, person_id, name, joined_at, seen_at, relayed_seconds, relayed_bytes)
         select $1, new.* from unnest($2::bigint[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[],
             $7::double precision[], $8::bigint[]) as new (call_id, person_id, name, joined_at, seen_at, seconds, bytes)
         where exists (select from calls where workspace_id = $1 and id = new.call_id)
         on conflict (workspace_id, call_id, person_id) do update set name = excluded.name,
             joined_at = least(known.joined_at, excluded.joined_at), seen_at = greatest(known.seen_at, excluded.seen_at),
             relayed_seconds = greatest(known.relayed_seconds, excluded.relayed_seconds),
             relayed_bytes = greatest(known.relayed_bytes, excluded.relayed_bytes)",
        workspace,
        &calls,
        &numbers,
        &names,
        &joined,
        &seen,
        &seconds,
        &bytes
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_rows(tx: &mut PgConnection, workspace: i32, waiting: &Waiting) -> sqlx::Result<()> {
    let rows = &waiting.rows;
    let calls: Vec<i64> = rows.iter().map(|row| row.call).collect();
    let times: Vec<Instant> = rows.iter().map(|row| row.at).collect();
    let people: Vec<i32> = rows.iter().map(|row| row.person).collect();
    let up: Vec<f32> = rows.iter().map(|row| row.means.up_kbps as f32).collect();
    let down: Vec<f32> = rows.iter().map(|row| row.means.down_kbps as f32).collect();
    let real = |value: Option<f64>| value.map(|value| value as f32);
    let rtt: Vec<Option<f32>> = rows.iter().map(|row| real(row.means.rtt_ms)).collect();
    let jitter: Vec<Option<f32>> = rows.iter().map(|row| real(row.means.jitter_ms)).collect();
    let loss: Vec<Option<f32>> = rows.iter().map(|row| real(row.means.loss_percent)).collect();
    let concealed: Vec<Option<f32>> = rows.iter().map(|row| real(row.means.concealed_percent)).collect();
    let scores: Vec<Option<f32>> = rows.iter().map(|row| real(row.means.score)).collect();
    let relayed: Vec<bool> = rows.iter().map(|row| row.means.is_relayed).collect();
    // Who leaves and comes back within ten seconds has two rows of them: the first stands.
    sqlx::query!(
        "insert into call_samples (workspace_id, call_id, at, person_id, up_kbps, down_kbps, rtt_ms, jitter_ms, loss_percent,
             concealed_percent, score, relayed)
         select $1, new.* from unnest($2::bigint[], $3::timestamptz[], $4::int[], $5::real[], $6::real[], $7::real[],
             $8::real[], $9::real[], $10::real[], $11::real[], $12::boolean[])
             as new (call_id, at, person_id, up, down, rtt, jitter, loss, concealed, score, relayed)
         where exists (select from calls where workspace_id = $1 and id = new.call_id)
         on conflict do nothing",
        workspace,
        &calls,
        &times,
        &people,
        &up,
        &down,
        &rtt as &[Option<f32>],
        &jitter as &[Option<f32>],
        &loss as &[Option<f32>],
        &concealed as &[Option<f32>],
        &scores as &[Option<f32>],
        &relayed
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes an alert as it is now. Whoever acknowledged it first stays. Of a call that is gone nothing is written.
pub async fn put_alert(db: &mut PgConnection, workspace: i32, alert: &Alert) -> sqlx::Result<()> {
    let (by, at) = alert.acknowledged.clone().unzip();
    sqlx::query!(
        "insert into call_alerts as known (workspace_id, id, call_id, person_id, person, kind, severity, worst, raised_at,
             cleared_at, acknowledged_by, acknowledged_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
         where exists (select from calls where workspace_id = $1 and id = $3)
         on conflict (workspace_id, id) do update set severity = excluded.severity, worst = excluded.worst,
             cleared_at = coalesce(excluded.cleared_at, known.cleared_at),
             acknowledged_by = coalesce(excluded.acknowledged_by, known.acknowledged_by),
             acknowledged_at = coalesce(excluded.acknowledged_at, known.acknowledged_at)",
        workspace,
        alert.id,
        alert.call,
        alert.person,
        alert.name,
        alert.kind.name(),
        alert.severity.name(),
        alert.worst as f32,
        alert.raised_at,
        alert.cleared_at,
        by,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds up calls that have ended.
async fn add_up(tx: &mut PgConnection, workspace: i32, ended: &[i64]) -> sqlx::Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update calls set
             people = (select count(*) from call_people p where p.workspace_id = $1 and p.call_id = id),
             relayed_seconds = (select sum(relayed_seconds) from call_people p where p.workspace_id = $1 and p.call_id = id),
             (score, loss_percent, rtt_ms) = (select avg(s.score), avg(s.loss_percent), avg(s.rtt_ms)
                 from call_samples s where s.workspace_id = $1 and s.call_id = id)
         where workspace_id = $1 and id = any($2)",
        workspace,
        ended
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update call_alerts set cleared_at = (select coalesce(ended_at, seen_at) from calls c
             where c.workspace_id = $1 and c.id = call_id)
         where workspace_id = $1 and call_id = any($2) and cleared_at is null",
        workspace,
        ended
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends calls whose server has died: they were not sampled since `before`.
pub async fn end_lost(db: &mut PgConnection, workspace: i32, before: Instant) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    let ended = sqlx::query_scalar!(
        "update calls set ended_at = seen_at where workspace_id = $1 and seen_at < $2 and ended_at is null returning id",
        workspace,
        before
    )
    .fetch_all(&mut *tx)
    .await?;
    add_up(&mut tx, workspace, &ended).await?;
    tx.commit().await
}

/// Deletes some calls that are older than the workspace keeps them; whether there may be more.
pub async fn forget(db: &mut PgConnection, workspace: i32, now: Instant, at_once: i64) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from calls where workspace_id = $1 and id = any(array(
             select id from calls where workspace_id = $1
                 and seen_at < $2::timestamptz - make_interval(days => (select call_days from workspaces where id = $1)) limit $3))",
        workspace,
        now,
        at_once
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() as i64 == at_once)
}

/// Calls that have ended, the newest first: of one room, and before a moment.
pub async fn ended(
    db: &mut PgConnection,
    workspace: i32,
    room: Option<i32>,
    before: Option<Instant>,
    limit: i64,
) -> sqlx::Result<Vec<PastCall>> {
    sqlx::query_as!(
        PastCall,
        "select id, room_id as room, room as name, began_at, seen_at, ended_at, people, score, loss_percent, rtt_ms, relayed_seconds
         from calls where workspace_id = $1 and ended_at is not null and ($2::int is null or room_id = $2)
             and ($3::timestamptz is null or began_at < $3)
         order by began_at desc, id desc limit $4",
        workspace,
        room,
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// The rooms of the calls that are kept, by their newest names.
pub async fn rooms(db: &mut PgConnection, workspace: i32, limit: i64) -> sqlx::Result<Vec<(i32, String)>> {
    let rows = sqlx::query!(
        "select distinct on (room_id) room_id, room from calls where workspace_id = $1
         order by room_id, began_at desc limit $2",
        workspace,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.room_id, row.room)).collect())
}

/// A call.
pub async fn call(db: &mut PgConnection, workspace: i32, id: i64) -> sqlx::Result<Option<PastCall>> {
    sqlx::query_as!(
        PastCall,
        "select id, room_id as room, room as name, began_at, seen_at, ended_at, people, score, loss_percent, rtt_ms, relayed_seconds
         from calls where workspace_id = $1 and id = $2",
        workspace,
        id
    )
    .fetch_optional(db)
    .await
}

/// Who was in a call, by when they came.
pub async fn people(db: &mut PgConnection, workspace: i32, call: i64) -> sqlx::Result<Vec<PastPerson>> {
    sqlx::query_as!(
        PastPerson,
        "select p.person_id as person, p.name, p.joined_at, p.seen_at, p.relayed_seconds, p.relayed_bytes,
             avg(s.up_kbps) as up_kbps, avg(s.down_kbps) as down_kbps, avg(s.rtt_ms) as rtt_ms, avg(s.jitter_ms) as jitter_ms,
             avg(s.loss_percent) as loss_percent, avg(s.concealed_percent) as concealed_percent, avg(s.score) as score,
             min(s.score)::double precision as lowest_score
         from call_people p left join call_samples s
             on s.workspace_id = p.workspace_id and s.call_id = p.call_id and s.person_id = p.person_id
         where p.workspace_id = $1 and p.call_id = $2
         group by p.workspace_id, p.call_id, p.person_id order by p.joined_at, p.person_id",
        workspace,
        call
    )
    .fetch_all(db)
    .await
}

/// How a call went, in steps of so many seconds, the oldest first.
pub async fn points(db: &mut PgConnection, workspace: i32, call: i64, seconds: i64) -> sqlx::Result<Vec<PastPoint>> {
    sqlx::query_as!(
        PastPoint,
        "select date_bin(make_interval(secs => $3::bigint::double precision), at, 'epoch'::timestamptz) as \"at!\",
             count(distinct person_id) as \"people!\", sum(up_kbps) / count(distinct at) as \"up_kbps!\",
             sum(down_kbps) / count(distinct at) as \"down_kbps!\", avg(rtt_ms) as rtt_ms, avg(loss_percent) as loss_percent,
             avg(score) as score, min(score)::double precision as lowest_score
         from call_samples where workspace_id = $1 and call_id = $2 group by 1 order by 1",
        workspace,
        call,
        seconds
    )
    .fetch_all(db)
    .await
}

/// What was the matter in a call, the newest first.
pub async fn alerts(db: &mut PgConnection, workspace: i32, call: i64, limit: i64) -> sqlx::Result<Vec<Alert>> {
    let rows = sqlx::query!(
        "select a.id, a.person_id, a.person, a.kind, a.severity, a.worst, a.raised_at, a.cleared_at, a.acknowledged_by,
             a.acknowledged_at, c.room_id, c.room
         from call_alerts a join calls c on c.workspace_id = a.workspace_id and c.id = a.call_id
         where a.workspace_id = $1 and a.call_id = $2 order by a.raised_at desc, a.id desc limit $3",
        workspace,
        call,
        limit
    )
    .fetch_all(db)
    .await?;
    let alerts = rows.into_iter().map(|row| Alert {
        id: row.id,
        call,
        room: row.room_id,
        room_name: row.room,
        person: row.person_id,
        name: row.person,
        kind: Kind::ALL.into_iter().find(|kind| kind.name() == row.kind).unwrap_or(Kind::Quality),
        severity: if row.severity == "critical" { Severity::Critical } else { Severity::Warning },
        worst: row.worst.into(),
        raised_at: row.raised_at,
        cleared_at: row.cleared_at,
        acknowledged: row.acknowledged_by.zip(row.acknowledged_at),
    });
    Ok(alerts.collect())
}
