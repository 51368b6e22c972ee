//! Calls in PostgreSQL: what is written of them, and what is forgotten.

use sqlx::{Connection as _, PgConnection};

use crate::calls::alerts::Alert;
use crate::calls::history::{CallRow, SampleRow, Waiting};
use crate::calls::model::Means;
use crate::period::Instant;

/// Writes what waits, in one transaction of a few statements, however much it is; written again, it changes nothing.
pub async fn write(db: &mut PgConnection, workspace: i32, waiting: &Waiting) -> sqlx::Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    // A crash of the database may lose the last of it: nobody waits for the disk on its account.
    sqlx::raw_sql("set local synchronous_commit = off").execute(&mut *tx).await?;
    let calls: Vec<&CallRow> = waiting.calls.values().collect();
    write_calls(&mut tx, workspace, &calls).await?;
    write_people(&mut tx, workspace, waiting).await?;
    write_rows(&mut tx, workspace, &waiting.rows).await?;
    let alerts: Vec<&Alert> = waiting.alerts.values().collect();
    write_alerts(&mut tx, workspace, &alerts).await?;
    let ended = calls.iter().filter(|call| call.ended_at.is_some());
    add_up(&mut tx, workspace, &ended.map(|call| call.id).collect::<Vec<i64>>()).await?;
    tx.commit().await
}

async fn write_calls(tx: &mut PgConnection, workspace: i32, calls: &[&CallRow]) -> sqlx::Result<()> {
    let ids: Vec<i64> = calls.iter().map(|call| call.id).collect();
    let rooms: Vec<i32> = calls.iter().map(|call| call.room).collect();
    let names: Vec<String> = calls.iter().map(|call| call.name.clone()).collect();
    let began: Vec<Instant> = calls.iter().map(|call| call.began_at).collect();
    let seen: Vec<Instant> = calls.iter().map(|call| call.seen_at).collect();
    let ended: Vec<Option<Instant>> = calls.iter().map(|call| call.ended_at).collect();
    sqlx::query!(
        "insert into calls as known (workspace_id, id, room_id, room, began_at, seen_at, ended_at)
         select $1, new.* from unnest($2::bigint[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[],
             $7::timestamptz[]) as new (id, room_id, room, began_at, seen_at, ended_at)
         on conflict (workspace_id, id) do update set room = excluded.room, ended_at = excluded.ended_at,
             seen_at = greatest(known.seen_at, excluded.seen_at)",
        workspace,
        &ids,
        &rooms,
        &names,
        &began,
        &seen,
        &ended as &[Option<Instant>]
    )
    .execute(tx)
    .await?;
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

async fn write_rows(tx: &mut PgConnection, workspace: i32, rows: &[SampleRow]) -> sqlx::Result<()> {
    let calls: Vec<i64> = rows.iter().map(|row| row.call).collect();
    let times: Vec<Instant> = rows.iter().map(|row| row.at).collect();
    let people: Vec<i32> = rows.iter().map(|row| row.person).collect();
    let of = |figure: fn(&Means) -> Option<f64>| -> Vec<Option<f32>> {
        rows.iter().map(|row| figure(&row.means).map(|value| value as f32)).collect()
    };
    let carried = |figure: fn(&Means) -> Option<f64>| -> Vec<f32> {
        rows.iter().map(|row| figure(&row.means).unwrap_or_default() as f32).collect()
    };
    let (up, down) = (carried(|means| means.up_kbps), carried(|means| means.down_kbps));
    let (rtt, jitter) = (of(|means| means.rtt_ms), of(|means| means.jitter_ms));
    let (loss, concealed) = (of(|means| means.loss_percent), of(|means| means.concealed_percent));
    let scores = of(|means| means.score);
    let relayed: Vec<bool> = rows.iter().map(|row| row.is_relayed).collect();
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

/// Alerts as they are now. Who has acknowledged one is taken as it is told, also where it is nobody any more: an alert that has
/// become critical is one that nobody has seen. Of a call that is gone nothing is written.
async fn write_alerts(tx: &mut PgConnection, workspace: i32, alerts: &[&Alert]) -> sqlx::Result<()> {
    let ids: Vec<i64> = alerts.iter().map(|alert| alert.id).collect();
    let calls: Vec<i64> = alerts.iter().map(|alert| alert.call).collect();
    let people: Vec<i32> = alerts.iter().map(|alert| alert.person).collect();
    let names: Vec<String> = alerts.iter().map(|alert| alert.name.clone()).collect();
    let kinds: Vec<String> = alerts.iter().map(|alert| alert.kind.name().to_owned()).collect();
    let severities: Vec<String> = alerts.iter().map(|alert| alert.severity.name().to_owned()).collect();
    let worst: Vec<f32> = alerts.iter().map(|alert| alert.worst as f32).collect();
    let raised: Vec<Instant> = alerts.iter().map(|alert| alert.raised_at).collect();
    let cleared: Vec<Option<Instant>> = alerts.iter().map(|alert| alert.cleared_at).collect();
    let (by, seen): (Vec<Option<String>>, Vec<Option<Instant>>) =
        alerts.iter().map(|alert| alert.acknowledged.clone().unzip()).unzip();
    sqlx::query!(
        "insert into call_alerts as known (workspace_id, id, call_id, person_id, person, kind, severity, worst, raised_at,
             cleared_at, acknowledged_by, acknowledged_at)
         select $1, new.* from unnest($2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[], $8::real[],
             $9::timestamptz[], $10::timestamptz[], $11::text[], $12::timestamptz[])
             as new (id, call_id, person_id, person, kind, severity, worst, raised_at, cleared_at, by, seen_at)
         where exists (select from calls where workspace_id = $1 and id = new.call_id)
         on conflict (workspace_id, id) do update set severity = excluded.severity, worst = excluded.worst,
             cleared_at = coalesce(excluded.cleared_at, known.cleared_at),
             acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at",
        workspace,
        &ids,
        &calls,
        &people,
        &names,
        &kinds,
        &severities,
        &worst,
        &raised,
        &cleared as &[Option<Instant>],
        &by as &[Option<String>],
        &seen as &[Option<Instant>]
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds up calls that have ended.
async fn add_up(tx: &mut PgConnection, workspace: i32, ended: &[i64]) -> sqlx::Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update calls set (people, relayed_seconds, score, loss_percent, rtt_ms) =
             (select s.people, coalesce(s.relayed_seconds, 0), s.score, s.loss_percent, s.rtt_ms from call_sums s
                 where s.workspace_id = $1 and s.call_id = calls.id)
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

/// Deletes the oldest call that is older than the workspace keeps them, with its rows; whether there was one.
pub async fn forget_one(db: &mut PgConnection, workspace: i32, now: Instant) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from calls where workspace_id = $1 and id = (
             select id from calls where workspace_id = $1
                 and seen_at < $2::timestamptz - make_interval(days => (select call_days from workspaces where id = $1))
             order by seen_at limit 1)",
        workspace,
        now
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() > 0)
}
