//! Orders one by one out of PostgreSQL, each question through an index.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::money::Currency;
use crate::period::{Instant, Window};
use crate::sales::ledger::Kind;
use crate::sales::order::{Sale, Standing};
use crate::sales::orders::model::Posted;
use crate::sales::sums::store::Slice;

/// Deliveries that are listed of an order at most: a busy order has a dozen, and a script that pages through them all has
/// none to look for.
pub const DELIVERIES_MAX: i64 = 200;

/// An order as it is stored.
#[derive(Debug)]
pub struct OrderRow {
    /// Its number.
    pub id: i64,
    /// The platform's id of it.
    pub external_id: String,
    /// The name of its source.
    pub source: String,
    /// The source's platform.
    pub platform: String,
    /// The sale; `None` while only a refund of it is known.
    pub sale: Option<Sale>,
    /// The rate that was recorded with it, as its digits, and its day.
    pub rate: Option<(String, NaiveDate)>,
}

/// An entry of the ledger as it is stored.
#[derive(Debug)]
pub struct EntryRow {
    /// The order's number.
    pub order_id: i64,
    /// Which one: the platform's refund id, or empty.
    pub part: String,
    /// 0 for the first, above that a correction.
    pub revision: i16,
    /// When it counts.
    pub occurred_at: Instant,
    /// The order's currency.
    pub currency: Currency,
    /// How many orders it places.
    pub orders: i16,
    /// What it is and what it amounts to.
    pub posted: Posted,
}

/// A delivery as it is stored, without its body.
#[derive(Debug)]
pub struct DeliveryRow {
    /// Its number.
    pub id: i64,
    /// When it arrived.
    pub received_at: Instant,
    /// The sender's word for what it is about.
    pub topic: String,
    /// The sender's name for it.
    pub external_id: Option<String>,
    /// The length of its body.
    pub bytes: i32,
    /// Why it could not be read.
    pub problem: Option<String>,
}

/// Which orders are listed.
#[derive(Debug)]
pub struct Listed<'a> {
    /// When they were placed.
    pub window: Window,
    /// Those before this order, in the list's order: by the time it was placed and its number.
    pub before: (Instant, i64),
    /// Which of them.
    pub slice: &'a Slice,
    /// Also those that do not count.
    pub all_standings: bool,
    /// How many.
    pub limit: i64,
}

/// A row of either question about orders.
macro_rules! order_row {
    ($row:expr) => {{
        let row = $row;
        let currency = row.currency.as_deref().and_then(Currency::parse);
        let sale = currency.zip(row.placed_at).zip(row.modified_at).map(|((currency, placed_at), modified_at)| Sale {
            modified_at,
            placed_at,
            number: row.number,
            currency,
            gross_minor: row.gross_minor.unwrap_or(0),
            discount_minor: row.discount_minor.unwrap_or(0),
            shipping_minor: row.shipping_minor.unwrap_or(0),
            tax_minor: row.tax_minor.unwrap_or(0),
            presentment: None,
            country: row.country,
            standing: Standing::parse(row.standing.as_deref().unwrap_or_default()),
            payment: row.payment,
            cancelled_at: row.cancelled_at,
        });
        let rate = row.rate.zip(row.rate_date);
        OrderRow { id: row.id, external_id: row.external_id, source: row.source, platform: row.platform, sale, rate }
    }};
}

/// The orders of a list, those placed last first. Walks the index of orders by time from where the list stands.
pub async fn page(db: &mut PgConnection, workspace: i32, listed: &Listed<'_>) -> sqlx::Result<Vec<OrderRow>> {
    let Listed { window, before: (placed_at, id), slice, all_standings, limit } = listed;
    let rows = sqlx::query!(
        r#"select o.id, o.external_id, s.name as source, s.platform, o.number, o.placed_at, o.modified_at, o.currency, o.gross_minor,
             o.discount_minor, o.shipping_minor, o.tax_minor, o.country, o.standing, o.payment, o.cancelled_at,
             o.rate::text as rate, o.rate_date
         from (
             select * from orders
             where workspace_id = $1 and placed_at >= $2 and placed_at < $3 and (placed_at, id) < ($4, $5)
               and ($6::text[] is null or coalesce(country, 'unknown') = any($6))
               and ($7::text[] is null or source_id::text = any($7))
               and ($8::text[] is null or coalesce(payment, 'unknown') = any($8))
               and ($9 or standing = 'counted')
             order by placed_at desc, id desc limit $10
         ) o
         join sources s on s.workspace_id = o.workspace_id and s.id = o.source_id
         order by o.placed_at desc, o.id desc"#,
        workspace,
        window.from,
        window.to,
        placed_at,
        id,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>,
        all_standings,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| order_row!(row)).collect())
}

/// The order of that number.
pub async fn find(db: &mut PgConnection, workspace: i32, id: i64) -> sqlx::Result<Option<OrderRow>> {
    let row = sqlx::query!(
        r#"select o.id, o.external_id, s.name as source, s.platform, o.number, o.placed_at, o.modified_at, o.currency, o.gross_minor,
             o.discount_minor, o.shipping_minor, o.tax_minor, o.country, o.standing, o.payment, o.cancelled_at,
             o.rate::text as rate, o.rate_date
         from orders o join sources s on s.workspace_id = o.workspace_id and s.id = o.source_id
         where o.workspace_id = $1 and o.id = $2"#,
        workspace,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| order_row!(row)))
}

/// The ledger of some orders, each order's in the order of time.
pub async fn ledger(db: &mut PgConnection, workspace: i32, orders: &[i64]) -> sqlx::Result<Vec<EntryRow>> {
    let rows = sqlx::query!(
        r#"select order_id, kind::text as "kind!", part, revision, occurred_at, currency, amount_minor, converted_minor, orders,
             flagged
         from ledger where workspace_id = $1 and order_id = any($2) order by occurred_at, kind, part, revision"#,
        workspace,
        orders
    )
    .fetch_all(db)
    .await?;
    let entries = rows.into_iter().filter_map(|row| {
        Some(EntryRow {
            order_id: row.order_id,
            part: row.part,
            revision: row.revision,
            occurred_at: row.occurred_at,
            currency: Currency::parse(&row.currency)?,
            orders: row.orders,
            posted: Posted {
                kind: Kind::parse(&row.kind)?,
                amount: row.amount_minor,
                converted: row.converted_minor,
                flagged: row.flagged,
            },
        })
    });
    Ok(entries.collect())
}

/// The newest deliveries that spoke of an order, at most [`DELIVERIES_MAX`], the newest first.
pub async fn deliveries(db: &mut PgConnection, workspace: i32, order: i64) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as!(
        DeliveryRow,
        r#"select id, received_at, topic, external_id, octet_length(body) as "bytes!", problem
         from deliveries where workspace_id = $1 and order_id = $2 order by id desc limit $3"#,
        workspace,
        order,
        DELIVERIES_MAX
    )
    .fetch_all(db)
    .await
}

/// The body of a delivery as it came.
pub async fn body(db: &mut PgConnection, workspace: i32, delivery: i64) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select body from deliveries where workspace_id = $1 and id = $2", workspace, delivery)
        .fetch_optional(db)
        .await
}

/// Bytes of bodies that a page of an order shows together: some hundred deliveries as platforms send them.
const BODIES_MAX_BYTES: i64 = 1024 * 1024;

/// The bodies of an order's newest deliveries by their number, as many as are [`BODIES_MAX_BYTES`] together.
pub async fn bodies(db: &mut PgConnection, workspace: i32, order: i64) -> sqlx::Result<HashMap<i64, Vec<u8>>> {
    let rows = sqlx::query!(
        r#"select id as "id!", body as "body!" from (
             select id, body, sum(octet_length(body)) over (order by id desc) as bytes_so_far
             from deliveries where workspace_id = $1 and order_id = $2 order by id desc limit $3
         ) newest where bytes_so_far <= $4"#,
        workspace,
        order,
        DELIVERIES_MAX,
        BODIES_MAX_BYTES
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.body)).collect())
}
