//! Counting visitors in PostgreSQL: salts, marks, sums, and what is forgotten again.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, TimeDelta};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::period::Instant;
use crate::visitors::batch::{Batch, Kind, PartAdded, PartKey, bounded};
use crate::visitors::identity::{Salt, new_salt};

/// Names of a kind that a day keeps apart: paths and referrers are text from outside, and anybody can make them up.
pub const NAMES_A_DAY_MAX: i64 = 1_000;
/// How long somebody is there after a page view.
pub const NOW_MINUTES: i64 = 5;
/// Rows that are deleted at once: a day of marks goes over some rounds, so that no counting waits long.
const FORGOTTEN_AT_ONCE: i64 = 10_000;
/// How long the sums of hours are kept: those that a page shows, and some more for a zone that changes.
const HOURS_KEPT: TimeDelta = TimeDelta::days(8);
/// How long marks of hours are kept: until no page view of that hour can come any more.
const HOUR_MARKS_KEPT: TimeDelta = TimeDelta::hours(2);
/// How many days referrers, pages and countries are kept; days themselves stay.
const PARTS_KEPT: TimeDelta = TimeDelta::days(100);
/// Names the lock that counting transactions take, so that they follow one another.
const LOCK: i32 = 0x7669_7369;

/// Makes commits of this connection wait for no disk: nobody waits for one on account of page views, and orders have it for
/// themselves. A crash of the database may lose the last of them.
pub async fn wait_for_no_disk(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("set synchronous_commit = off").execute(db).await?;
    Ok(())
}

/// The salt of a day: every server gets the same.
pub async fn salt(db: &mut PgConnection, workspace: i32, day: NaiveDate) -> sqlx::Result<Salt> {
    sqlx::query!(
        "insert into visitor_salts (workspace_id, day, salt) values ($1, $2, $3) on conflict do nothing",
        workspace,
        day,
        new_salt()
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar!("select salt from visitor_salts where workspace_id = $1 and day = $2", workspace, day)
        .fetch_one(db)
        .await
}

/// Deletes the salts of days before `day`: their hashes lead nowhere then.
pub async fn forget_salts(db: &mut PgConnection, workspace: i32, day: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!("delete from visitor_salts where workspace_id = $1 and day < $2", workspace, day).execute(db).await?;
    Ok(())
}

/// The hosts that count; empty for every host.
pub async fn hosts(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select visitor_hosts from workspaces where id = $1", workspace).fetch_one(db).await
}

/// Sets the hosts that count.
pub async fn set_hosts(db: &PgPool, workspace: i32, hosts: &[String]) -> sqlx::Result<()> {
    sqlx::query!("update workspaces set visitor_hosts = $2 where id = $1", workspace, hosts).execute(db).await?;
    Ok(())
}

/// Counts a batch: all of it or nothing. A visitor whom another server has counted already is not counted again.
pub async fn count(db: &mut PgConnection, workspace: i32, batch: &Batch) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", LOCK, workspace).execute(&mut *tx).await?;
    let new = mark_days(&mut tx, workspace, batch).await?;
    let new_in_hours = mark_hours(&mut tx, workspace, batch).await?;
    add_days(&mut tx, workspace, batch, &new).await?;
    add_hours(&mut tx, workspace, batch, &new_in_hours, &new).await?;
    add_parts(&mut tx, workspace, batch, &new).await?;
    see(&mut tx, workspace, batch).await?;
    tx.commit().await
}

async fn mark_days(
    tx: &mut PgConnection,
    workspace: i32,
    batch: &Batch,
) -> sqlx::Result<HashSet<(NaiveDate, Vec<u8>)>> {
    let marks = batch.day_marks();
    let days: Vec<NaiveDate> = marks.iter().map(|view| view.day).collect();
    let visitors: Vec<Vec<u8>> = marks.iter().map(|view| view.visitor.clone()).collect();
    let at: Vec<Instant> = marks.iter().map(|view| view.at).collect();
    let rows = sqlx::query!(
        "insert into visitor_day_marks (workspace_id, day, visitor, first_at)
         select $1, * from unnest($2::date[], $3::bytea[], $4::timestamptz[])
         on conflict do nothing returning day, visitor",
        workspace,
        &days,
        &visitors,
        &at
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.day, row.visitor)).collect())
}

async fn mark_hours(tx: &mut PgConnection, workspace: i32, batch: &Batch) -> sqlx::Result<HashMap<Instant, i64>> {
    let marks = batch.hour_marks();
    let hours: Vec<Instant> = marks.iter().map(|view| view.hour).collect();
    let visitors: Vec<Vec<u8>> = marks.iter().map(|view| view.visitor.clone()).collect();
    let rows = sqlx::query_scalar!(
        "insert into visitor_hour_marks (workspace_id, hour, visitor)
         select $1, * from unnest($2::timestamptz[], $3::bytea[])
         on conflict do nothing returning hour",
        workspace,
        &hours,
        &visitors
    )
    .fetch_all(tx)
    .await?;
    let mut new = HashMap::new();
    rows.into_iter().for_each(|hour| *new.entry(hour).or_insert(0) += 1);
    Ok(new)
}

async fn add_days(
    tx: &mut PgConnection,
    workspace: i32,
    batch: &Batch,
    new: &HashSet<(NaiveDate, Vec<u8>)>,
) -> sqlx::Result<()> {
    for (day, added) in batch.days(new) {
        sqlx::query!(
            "insert into visitor_days as known (workspace_id, day, visitors, views, first_at) values ($1, $2, $3, $4, $5)
             on conflict (workspace_id, day) do update set visitors = known.visitors + excluded.visitors,
                 views = known.views + excluded.views, first_at = least(known.first_at, excluded.first_at)",
            workspace,
            day,
            added.visitors,
            added.views,
            added.first_at
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn add_hours(
    tx: &mut PgConnection,
    workspace: i32,
    batch: &Batch,
    new: &HashMap<Instant, i64>,
    new_on_days: &HashSet<(NaiveDate, Vec<u8>)>,
) -> sqlx::Result<()> {
    for (hour, added) in batch.hours(new, new_on_days) {
        sqlx::query!(
            "insert into visitor_hours as known (workspace_id, hour, visitors, views, first_visits)
             values ($1, $2, $3, $4, $5)
             on conflict (workspace_id, hour) do update set visitors = known.visitors + excluded.visitors,
                 views = known.views + excluded.views, first_visits = known.first_visits + excluded.first_visits",
            workspace,
            hour,
            added.visitors,
            added.views,
            added.first_visits
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn add_parts(
    tx: &mut PgConnection,
    workspace: i32,
    batch: &Batch,
    new: &HashSet<(NaiveDate, Vec<u8>)>,
) -> sqlx::Result<()> {
    let parts = batch.parts(new);
    let (known, room) = room(tx, workspace, parts.keys()).await?;
    let parts: Vec<(PartKey, PartAdded)> = bounded(parts, &known, room).into_iter().collect();
    let days: Vec<NaiveDate> = parts.iter().map(|((day, ..), _)| *day).collect();
    let kinds: Vec<String> = parts.iter().map(|((_, kind, _), _)| kind.name().to_owned()).collect();
    let names: Vec<String> = parts.iter().map(|((.., name), _)| name.clone()).collect();
    let visitors: Vec<i64> = parts.iter().map(|(_, added)| added.visitors).collect();
    let views: Vec<i64> = parts.iter().map(|(_, added)| added.views).collect();
    sqlx::query!(
        "insert into visitor_parts as known (workspace_id, day, kind, name, visitors, views)
         select $1, * from unnest($2::date[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
         on conflict (workspace_id, day, kind, name) do update set visitors = known.visitors + excluded.visitors,
             views = known.views + excluded.views",
        workspace,
        &days,
        &kinds,
        &names,
        &visitors,
        &views
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of the parts their days have already, and how many names their days may still take.
async fn room(
    tx: &mut PgConnection,
    workspace: i32,
    parts: impl Iterator<Item = &PartKey>,
) -> sqlx::Result<(HashSet<PartKey>, HashMap<(NaiveDate, Kind), i64>)> {
    let (mut known, mut room) = (HashSet::new(), HashMap::new());
    let mut asked: HashMap<(NaiveDate, Kind), Vec<String>> = HashMap::new();
    for (day, kind, name) in parts {
        asked.entry((*day, *kind)).or_default().push(name.clone());
    }
    for ((day, kind), names) in asked {
        let row = sqlx::query!(
            "select (select count(*) from visitor_parts where workspace_id = $1 and day = $2 and kind = $3) as \"all!\",
                 array(select name from visitor_parts
                       where workspace_id = $1 and day = $2 and kind = $3 and name = any($4)) as \"known!: Vec<String>\"",
            workspace,
            day,
            kind.name(),
            &names
        )
        .fetch_one(&mut *tx)
        .await?;
        known.extend(row.known.into_iter().map(|name| (day, kind, name)));
        room.insert((day, kind), NAMES_A_DAY_MAX - row.all);
    }
    Ok((known, room))
}

async fn see(tx: &mut PgConnection, workspace: i32, batch: &Batch) -> sqlx::Result<()> {
    let (visitors, at): (Vec<Vec<u8>>, Vec<Instant>) =
        batch.last_seen().into_iter().map(|(visitor, at)| (visitor.to_vec(), at)).unzip();
    sqlx::query!(
        "insert into visitors_now as known (workspace_id, visitor, seen_at)
         select $1, * from unnest($2::bytea[], $3::timestamptz[])
         on conflict (workspace_id, visitor) do update set seen_at = greatest(known.seen_at, excluded.seen_at)",
        workspace,
        &visitors,
        &at
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes what nothing is counted by any more: who is there no longer, marks of hours and days that are over (yesterday's are
/// still counted up to the same point), and sums that no page shows.
pub async fn forget(db: &mut PgConnection, workspace: i32, now: Instant, yesterday: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from visitors_now where ctid = any(array(
             select ctid from visitors_now where workspace_id = $1 and seen_at < $2 limit $3))",
        workspace,
        now - TimeDelta::minutes(NOW_MINUTES),
        FORGOTTEN_AT_ONCE
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from visitor_hour_marks where ctid = any(array(
             select ctid from visitor_hour_marks where workspace_id = $1 and hour < $2 limit $3))",
        workspace,
        now - HOUR_MARKS_KEPT,
        FORGOTTEN_AT_ONCE
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from visitor_day_marks where ctid = any(array(
             select ctid from visitor_day_marks where workspace_id = $1 and day < $2 limit $3))",
        workspace,
        yesterday,
        FORGOTTEN_AT_ONCE
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from visitor_hours where workspace_id = $1 and hour < $2", workspace, now - HOURS_KEPT)
        .execute(&mut *db)
        .await?;
    sqlx::query!("delete from visitor_parts where workspace_id = $1 and day < $2", workspace, yesterday - PARTS_KEPT)
        .execute(db)
        .await?;
    Ok(())
}
