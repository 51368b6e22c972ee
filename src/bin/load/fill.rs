//! Fills the database with believable orders by plain SQL: through the front door, 10 million would take an hour.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use takings::money::Currency;
use takings::sales::model::{Happening, OrderEvent, RECENT_EVENTS};
use takings::sales::sums;
use takings::server::database::WORKSPACE;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::FIRST_ID;

/// Orders written in one statement.
const CHUNK: i64 = 500_000;
/// The span that the orders are spread over.
const SPAN: TimeDelta = TimeDelta::days(730);
/// Takes all orders away; sources and tokens stay. No server may be running.
pub async fn empty(db: &PgPool) -> Outcome<()> {
    sqlx::query("truncate orders, ledger, order_values, order_value_additions, deliveries, live_events, sums_quarter_hour, sums_day, sums_quarter_hour_by, sums_day_by, day_changes")
        .execute(db)
        .await?;
    sqlx::query("update cursors set revision = 0, last_event = 0, last_order = 0").execute(db).await?;
    sqlx::query("checkpoint").execute(db).await?;
    Ok(())
}

/// Fills the emptied database with `orders` orders, evenly over the last two years, each with a sale, shipping and tax.
pub async fn fill(bench: &Bench, orders: i64) -> Outcome<Duration> {
    let began = Instant::now();
    let db = &bench.db;
    empty(db).await?;
    let first = Utc::now() - SPAN;
    let step_seconds = SPAN.as_seconds_f64() / orders as f64;
    // Both tables at once: one core each.
    let (mut left, mut right) = (db.acquire().await?.detach(), db.acquire().await?.detach());
    tokio::try_join!(
        chunks(&mut left, orders, ORDERS, first, step_seconds, Some(bench.source)),
        chunks(&mut right, orders, LEDGER, first, step_seconds, None),
    )?;
    sums::additions_store::rebuild(db, &bench.books).await?;
    newest_events(db, orders).await?;
    sqlx::raw_sql("vacuum analyze").execute(db).await?;
    sqlx::query("checkpoint").execute(db).await?;
    Ok(began.elapsed())
}

/// Runs `sql` for the orders 1 to `orders`, in their order, without waiting for the disk.
async fn chunks(
    db: &mut PgConnection,
    orders: i64,
    sql: &'static str,
    first: chrono::DateTime<Utc>,
    step_seconds: f64,
    source: Option<i32>,
) -> sqlx::Result<()> {
    sqlx::query("set synchronous_commit = off").execute(&mut *db).await?;
    for from in (1..=orders).step_by(CHUNK as usize) {
        let to = (from + CHUNK - 1).min(orders);
        let query = sqlx::query(sql).bind(WORKSPACE).bind(from).bind(to).bind(first).bind(step_seconds);
        match source {
            Some(source) => query.bind(source).bind(FIRST_ID as i64).execute(&mut *db).await?,
            None => query.execute(&mut *db).await?,
        };
    }
    Ok(())
}

async fn newest_events(db: &PgPool, orders: i64) -> Outcome<()> {
    let last = RECENT_EVENTS as i64;
    for sequence in 1..=last {
        let event = OrderEvent {
            sequence,
            kind: Happening::OrderCreated,
            id: (FIRST_ID as i64 + orders - last + sequence).to_string(),
            number: Some(format!("#{sequence}")),
            amount_minor: 4_567,
            total_minor: None,
            currency: Currency::GBP,
            status: None,
            country: Some("GB".into()),
            platform: "shopify".into(),
            placed_at: Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            local_time: Utc::now().format("%H:%M").to_string(),
        };
        sqlx::query("insert into live_events (workspace_id, sequence, recorded_at, event) values ($1, $2, now(), $3)")
            .bind(WORKSPACE)
            .bind(sequence)
            .bind(Json(event))
            .execute(db)
            .await?;
    }
    sqlx::query("update cursors set revision = revision + 1, last_event = $2, last_order = $3 where workspace_id = $1")
        .bind(WORKSPACE)
        .bind(last)
        .bind(orders)
        .execute(db)
        .await?;
    Ok(())
}

const ORDERS: &str = "
    insert into orders (workspace_id, id, source_id, external_id, number, placed_at, modified_at, currency, gross_minor,
        discount_minor, shipping_minor, tax_minor, country, standing, payment, rate, rate_date)
    select $1, n, $6, ($7 + n)::text, '#' || n, placed_at, placed_at, 'GBP', 1000 + n * 7919 % 9000, 0, 399, 150 + n % 50,
        (array['GB', 'US', 'DE', 'FR', 'NL', 'IE', 'ES', 'IT', 'SE', 'CA', 'AU', 'JP'])[1 + n * 31 % 12], 'counted', 'paid', 1,
        placed_at::date
    from generate_series($2::bigint, $3::bigint) n
    cross join lateral (select $4::timestamptz + make_interval(secs => n * $5::float8) as placed_at) placed";

const LEDGER: &str = "
    insert into ledger (workspace_id, order_id, kind, part, revision, occurred_at, currency, amount_minor, converted_minor,
        orders, flagged)
    select $1, n, kind, '', 0, $4::timestamptz + make_interval(secs => n * $5::float8), 'GBP', minor, minor, orders, 0
    from generate_series($2::bigint, $3::bigint) n
    cross join lateral (values ('sale'::ledger_kind, 1000 + n * 7919 % 9000, 1), ('shipping', 399, 0),
        ('tax', 150 + n % 50, 0)) as entry (kind, minor, orders)";
