//! Reading what visitors add up to out of PostgreSQL.

use chrono::{NaiveDate, TimeDelta};
use sqlx::PgConnection;

use crate::period::Instant;
use crate::visitors::batch::Kind;
use crate::visitors::store::NOW_MINUTES;

/// A day's visitors and page views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaySums {
    /// The day.
    pub day: NaiveDate,
    /// Visitors.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
}

/// An hour's visitors and page views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourSums {
    /// When it began.
    pub hour: Instant,
    /// Visitors.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
}

/// What came of a referrer, a page or a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSums {
    /// Its name; empty where it is not known.
    pub name: String,
    /// Visitors whose first page of a day it was.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
}

/// When the first visitor of all was counted.
pub async fn since(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Option<Instant>> {
    sqlx::query_scalar!("select first_at from visitor_days where workspace_id = $1 order by day limit 1", workspace)
        .fetch_optional(db)
        .await
}

/// How many visitors had a page in the last [`NOW_MINUTES`].
pub async fn now(db: &mut PgConnection, workspace: i32, now: Instant) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "select count(*) as \"count!\" from visitors_now where workspace_id = $1 and seen_at > $2",
        workspace,
        now - TimeDelta::minutes(NOW_MINUTES)
    )
    .fetch_one(db)
    .await
}

/// The days from `first` up to and including `last` that had visitors.
pub async fn days(
    db: &mut PgConnection,
    workspace: i32,
    first: NaiveDate,
    last: NaiveDate,
) -> sqlx::Result<Vec<DaySums>> {
    sqlx::query_as!(
        DaySums,
        "select day, visitors, views from visitor_days where workspace_id = $1 and day between $2 and $3 order by day",
        workspace,
        first,
        last
    )
    .fetch_all(db)
    .await
}

/// The hours from an instant on that had visitors.
pub async fn hours(db: &mut PgConnection, workspace: i32, from: Instant) -> sqlx::Result<Vec<HourSums>> {
    sqlx::query_as!(
        HourSums,
        "select hour, visitors, views from visitor_hours where workspace_id = $1 and hour >= $2 order by hour",
        workspace,
        from
    )
    .fetch_all(db)
    .await
}

/// The visitors of a day up to a point: those that came in whole hours from `midnight` to `hour`, and those after it.
pub async fn visitors_until(
    db: &mut PgConnection,
    workspace: i32,
    day: NaiveDate,
    midnight: Instant,
    hour: Instant,
    point: Instant,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "select (select coalesce(sum(first_visits), 0)::bigint from visitor_hours
                 where workspace_id = $1 and hour >= $3 and hour < $4)
             + (select count(*) from visitor_day_marks
                where workspace_id = $1 and day = $2 and first_at >= $4 and first_at < $5) as \"count!\"",
        workspace,
        day,
        midnight,
        hour,
        point
    )
    .fetch_one(db)
    .await
}

/// The referrers, pages or countries of days, those with the most visitors first, `most` of them.
pub async fn parts(
    db: &mut PgConnection,
    workspace: i32,
    kind: Kind,
    days: [NaiveDate; 2],
    most: i64,
) -> sqlx::Result<Vec<PartSums>> {
    sqlx::query_as!(
        PartSums,
        "select name, sum(visitors)::bigint as \"visitors!\", sum(views)::bigint as \"views!\" from visitor_parts
         where workspace_id = $1 and kind = $2 and day between $3 and $4
         group by name order by sum(visitors) desc, sum(views) desc, name limit $5",
        workspace,
        kind.name(),
        days[0],
        days[1],
        most
    )
    .fetch_all(db)
    .await
}
