//! Calls in PostgreSQL: what is read of them, and what administrators set.

use sqlx::{PgConnection, PgPool};

use crate::calls::alerts::{Alert, Kind, Severity};
use crate::calls::model::{CallSettings, Means, PastCall, PastPerson, PastPoint};
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

/// Calls that have ended, the newest first: of one room, and before a moment. Two questions, so that each is answered along the
/// index of its own: a plan for both at once would look through the calls of every room for those of a rare one.
pub async fn ended(
    db: &mut PgConnection,
    workspace: i32,
    room: Option<i32>,
    before: Option<Instant>,
    limit: i64,
) -> sqlx::Result<Vec<PastCall>> {
    let Some(room) = room else {
        let of_all = sqlx::query_as!(
            PastCall,
            "select id, room_id as room, room as name, began_at, seen_at, ended_at, people, score, loss_percent, rtt_ms, relayed_seconds
             from calls where workspace_id = $1 and ended_at is not null and began_at < coalesce($2::timestamptz, 'infinity')
             order by began_at desc, id desc limit $3",
            workspace,
            before,
            limit
        );
        return of_all.fetch_all(db).await;
    };
    sqlx::query_as!(
        PastCall,
        "select id, room_id as room, room as name, began_at, seen_at, ended_at, people, score, loss_percent, rtt_ms, relayed_seconds
         from calls where workspace_id = $1 and room_id = $2 and ended_at is not null
             and began_at < coalesce($3::timestamptz, 'infinity')
         order by began_at desc, id desc limit $4",
        workspace,
        room,
        before,
        limit
    )
    .fetch_all(db)
    .await
}

/// The rooms of the calls that are kept, by their newest names; the newest rooms where there are more. It goes from room to room
/// along the index, so that it costs as much as there are rooms, not calls.
pub async fn rooms(db: &mut PgConnection, workspace: i32, limit: i64) -> sqlx::Result<Vec<(i32, String)>> {
    let rows = sqlx::query!(
        "with recursive known as (
             (select room_id, room from calls where workspace_id = $1 order by room_id desc, began_at desc limit 1)
             union all
             select next.room_id, next.room from known, lateral (
                 select room_id, room from calls where workspace_id = $1 and room_id < known.room_id
                 order by room_id desc, began_at desc limit 1) next)
         select room_id as \"room_id!\", room as \"room!\" from known limit $2",
        workspace,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.room_id, row.room)).collect())
}

/// A call. One that has not ended is added up as it is so far, by what adds up those that end.
pub async fn call(db: &mut PgConnection, workspace: i32, id: i64) -> sqlx::Result<Option<PastCall>> {
    sqlx::query_as!(
        PastCall,
        "select c.id, c.room_id as room, c.room as name, c.began_at, c.seen_at, c.ended_at,
             coalesce(c.people, s.people) as people, coalesce(c.score, s.score) as score,
             coalesce(c.loss_percent, s.loss_percent) as loss_percent, coalesce(c.rtt_ms, s.rtt_ms) as rtt_ms,
             coalesce(c.relayed_seconds, s.relayed_seconds) as relayed_seconds
         from calls c left join call_sums s
             on s.workspace_id = c.workspace_id and s.call_id = c.id and c.ended_at is null
         where c.workspace_id = $1 and c.id = $2",
        workspace,
        id
    )
    .fetch_optional(db)
    .await
}

/// How long the relay carried people, in seconds, in the calls that are kept and began at an instant or later.
pub async fn relayed_since(db: &mut PgConnection, workspace: i32, since: Instant) -> sqlx::Result<f64> {
    let seconds = sqlx::query_scalar!(
        "select sum(coalesce(c.relayed_seconds, (select sum(p.relayed_seconds) from call_people p
             where p.workspace_id = c.workspace_id and p.call_id = c.id)))
         from calls c where c.workspace_id = $1 and c.began_at >= $2",
        workspace,
        since
    );
    Ok(seconds.fetch_one(db).await?.unwrap_or_default())
}

/// Who was in a call, by when they came. Samples are added up for each person before they are set beside the people.
pub async fn people(db: &mut PgConnection, workspace: i32, call: i64) -> sqlx::Result<Vec<PastPerson>> {
    let rows = sqlx::query!(
        "select p.person_id, p.name, p.joined_at, p.seen_at, p.relayed_seconds, p.relayed_bytes, s.*
         from call_people p left join (
             select person_id as sampled, avg(up_kbps) as up_kbps, avg(down_kbps) as down_kbps, avg(rtt_ms) as rtt_ms,
                 avg(jitter_ms) as jitter_ms, avg(loss_percent) as loss_percent, avg(concealed_percent) as concealed_percent,
                 avg(score) as score, min(score)::double precision as lowest_score
             from call_samples where workspace_id = $1 and call_id = $2 group by person_id) s on s.sampled = p.person_id
         where p.workspace_id = $1 and p.call_id = $2 order by p.joined_at, p.person_id",
        workspace,
        call
    )
    .fetch_all(db)
    .await?;
    let people = rows.into_iter().map(|row| PastPerson {
        person: row.person_id,
        name: row.name,
        joined_at: row.joined_at,
        seen_at: row.seen_at,
        means: Means {
            up_kbps: row.up_kbps,
            down_kbps: row.down_kbps,
            rtt_ms: row.rtt_ms,
            jitter_ms: row.jitter_ms,
            loss_percent: row.loss_percent,
            concealed_percent: row.concealed_percent,
            score: row.score,
        },
        lowest_score: row.lowest_score,
        relayed_seconds: row.relayed_seconds,
        relayed_bytes: row.relayed_bytes,
    });
    Ok(people.collect())
}

/// How a call went, in steps of so many seconds, the oldest first: for everybody, or for one person in it.
pub async fn points(
    db: &mut PgConnection,
    workspace: i32,
    call: i64,
    seconds: i64,
    person: Option<i32>,
) -> sqlx::Result<Vec<PastPoint>> {
    sqlx::query_as!(
        PastPoint,
        "select date_bin(make_interval(secs => $3::bigint::double precision), at, 'epoch'::timestamptz) as \"at!\",
             count(distinct person_id) as \"people!\", sum(up_kbps) / count(distinct at) as \"up_kbps!\",
             sum(down_kbps) / count(distinct at) as \"down_kbps!\", avg(rtt_ms) as rtt_ms, avg(loss_percent) as loss_percent,
             avg(score) as score, min(score)::double precision as lowest_score
         from call_samples where workspace_id = $1 and call_id = $2 and ($4::int is null or person_id = $4)
         group by 1 order by 1",
        workspace,
        call,
        seconds,
        person
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
