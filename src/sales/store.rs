//! The sales in PostgreSQL: recording batches of deliveries, and reading the live events.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::money::Currency;
use crate::period::Instant;
use crate::sales::books::Books;
use crate::sales::ledger::{Key, Kind};
use crate::sales::model::OrderEvent;
use crate::sales::order::{Order, Refund, Sale, Standing};
use crate::sales::recording::{self, Delivery, Identity, NewEntry, Stored, StoredEntries, Touched};
use crate::sales::sums::additions::Additions;
use crate::sales::sums::additions_store;

/// Numbers of orders at which PostgreSQL's statistics are taken at once: plans that were made while the tables were empty,
/// when any index looked as good as another, are then made anew. Later its own vacuum sees to it.
const STATISTICS_AT: [i64; 4] = [100, 1_000, 10_000, 100_000];

type Refunds = std::collections::BTreeMap<String, Refund>;

/// Orders without a rate that are looked at in one transaction: other recordings wait for a tenth of a second at most.
const FLAGGED_BATCH: i64 = 500;

/// Where the live stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Counts the recordings.
    pub revision: i64,
    /// The number of the last live event.
    pub last_event: i64,
    /// Counts the changes of the settings and the exchange rates.
    pub books_revision: i64,
}

/// Records a batch in one transaction: deliveries, orders, ledger, sums and live events, all or nothing. Replaying
/// any delivery changes no figure. Waits for other recordings of the workspace: they follow one another.
pub async fn record(db: &mut PgConnection, books: &Books, deliveries: &[Delivery]) -> sqlx::Result<Cursor> {
    let mut tx = db.begin().await?;
    let (cursor, before) = lock(&mut tx, books.workspace).await?;
    let books = &books.at(cursor.books_revision, &mut tx).await?;
    let (mut last_event, mut last_order) = (cursor.last_event, before);

    let named = deliveries.iter().filter_map(|d| d.order.as_ref().map(|(id, _)| (d.source, id.clone())));
    let known = stored_orders(&mut tx, books.workspace, named).await?;
    let mut numbers: HashMap<Identity, i64> = known.iter().map(|(named, stored)| (named.clone(), stored.id)).collect();
    let touched = recording::merge(deliveries, known, &mut last_order, books);
    numbers.extend(touched.iter().map(|t| (t.identity.clone(), t.now.id)));
    let ledger = stored_entries(&mut tx, books.workspace, &touched).await?;
    let entries = recording::new_entries(&touched, &ledger, books);
    let events = recording::events(&touched, &mut last_event, books);

    write_orders(&mut tx, books.workspace, &touched).await?;
    write_entries(&mut tx, books.workspace, &entries).await?;
    let revision = cursor.revision + i64::from(!touched.is_empty());
    let additions = Additions::of(&touched, &ledger, &entries, books);
    additions_store::add(&mut tx, books.workspace, revision, &additions).await?;
    let cursor = Cursor { revision, last_event, ..cursor };
    let number = |d: &Delivery| numbers.get(&(d.source, d.order.as_ref()?.0.clone())).copied();
    let kept: Vec<_> = deliveries.iter().filter(|d| !d.body.is_empty()).map(|d| (d, number(d))).collect();
    write_deliveries(&mut tx, books.workspace, &kept, &events, &touched, cursor, last_order).await?;
    tx.commit().await?;
    if STATISTICS_AT.iter().any(|at| (before..last_order).contains(at)) {
        sqlx::query!("analyze orders, ledger").execute(db).await?;
    }
    Ok(cursor)
}

/// Gives orders that no rate was known for the rate of their own day, where there is one now: their entries are
/// corrected and the sums with them. An order that has a rate keeps it (M7). Returns how many orders have one now.
pub async fn rate_flagged_orders(db: &PgPool, books: &Books) -> sqlx::Result<u64> {
    let (mut after, mut rated) = (0, 0);
    loop {
        let rows = sqlx::query!(
            "select id, source_id, external_id from orders
             where workspace_id = $1 and id > $2 and rate is null and placed_at is not null order by id limit $3",
            books.workspace,
            after,
            FLAGGED_BATCH
        )
        .fetch_all(db)
        .await?;
        let Some(last) = rows.last() else { return Ok(rated) };
        after = last.id;

        let mut tx = db.begin().await?;
        let (mut cursor, last_order) = lock(&mut tx, books.workspace).await?;
        let books = &books.at(cursor.books_revision, &mut tx).await?;
        let named = rows.into_iter().map(|row| (row.source_id, row.external_id));
        let touched = recording::rated(stored_orders(&mut tx, books.workspace, named).await?, books);
        let ledger = stored_entries(&mut tx, books.workspace, &touched).await?;
        let entries = recording::new_entries(&touched, &ledger, books);
        write_orders(&mut tx, books.workspace, &touched).await?;
        write_entries(&mut tx, books.workspace, &entries).await?;
        cursor.revision += i64::from(!touched.is_empty());
        let additions = Additions::of(&touched, &ledger, &entries, books);
        additions_store::add(&mut tx, books.workspace, cursor.revision, &additions).await?;
        write_deliveries(&mut tx, books.workspace, &[], &[], &touched, cursor, last_order).await?;
        tx.commit().await?;
        rated += touched.len() as u64;
    }
}

/// Locks the workspace until the transaction ends, which makes sequence numbers visible in their order. Returns where it
/// stands, and the last number given to an order.
async fn lock(db: &mut PgConnection, workspace: i32) -> sqlx::Result<(Cursor, i64)> {
    let row = sqlx::query!(
        "select revision, last_event, books_revision, last_order from cursors where workspace_id = $1 for update",
        workspace
    )
    .fetch_one(db)
    .await?;
    let cursor = Cursor { revision: row.revision, last_event: row.last_event, books_revision: row.books_revision };
    Ok((cursor, row.last_order))
}

/// What is known of the named orders; nothing of those that are new.
pub async fn stored_orders(
    db: &mut PgConnection,
    workspace: i32,
    named: impl Iterator<Item = Identity>,
) -> sqlx::Result<HashMap<Identity, Stored>> {
    let (sources, ids): (Vec<i32>, Vec<String>) = named.unzip();
    let rows = sqlx::query!(
        "select o.id, o.source_id, o.external_id, o.number, o.placed_at, o.modified_at, o.currency, o.gross_minor,
                o.discount_minor, o.shipping_minor, o.tax_minor, o.presentment_currency, o.presentment_minor, o.country,
                o.standing, o.payment, o.cancelled_at, o.refunds as \"refunds: Json<Refunds>\", o.rate::text as rate, o.rate_date
         from (select distinct * from unnest($2::int[], $3::text[])) as named (source_id, external_id)
         cross join lateral (
             select * from orders
             where workspace_id = $1 and source_id = named.source_id and external_id = named.external_id limit 1
         ) o",
        workspace, &sources, &ids
    )
    .fetch_all(db)
    .await?;
    let orders = rows.into_iter().map(|row| {
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
            presentment: row.presentment_currency.as_deref().and_then(Currency::parse).zip(row.presentment_minor),
            country: row.country,
            standing: Standing::parse(row.standing.as_deref().unwrap_or_default()),
            payment: row.payment,
            cancelled_at: row.cancelled_at,
        });
        let order = Order { sale, refunds: row.refunds.map(|json| json.0).unwrap_or_default() };
        let rate = row.rate.and_then(|rate| rate.parse::<Decimal>().ok()).zip(row.rate_date);
        ((row.source_id, row.external_id), Stored { id: row.id, order, rate })
    });
    Ok(orders.collect())
}

async fn stored_entries(
    db: &mut PgConnection,
    workspace: i32,
    touched: &[Touched],
) -> sqlx::Result<HashMap<i64, StoredEntries>> {
    let ids: Vec<i64> = touched.iter().filter(|t| t.before.is_some()).map(|t| t.now.id).collect();
    let mut out: HashMap<i64, StoredEntries> = HashMap::new();
    if ids.is_empty() {
        return Ok(out);
    }
    let rows = sqlx::query!(
        "select order_id, kind::text as \"kind!\", part, occurred_at, amount_minor, converted_minor, orders, flagged
         from ledger where workspace_id = $1 and order_id = any($2)",
        workspace,
        &ids
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let Some(kind) = Kind::parse(&row.kind) else { continue };
        let order = out.entry(row.order_id).or_default();
        *order.revisions.entry((kind, row.part.clone())).or_insert(0) += 1;
        let sum = order.amounts.entry(Key { kind, part: row.part, occurred_at: row.occurred_at }).or_default();
        sum.amount += row.amount_minor;
        sum.converted = match (sum.converted, row.converted_minor) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
        };
        sum.orders += row.orders;
        sum.flagged += row.flagged;
    }
    Ok(out)
}

async fn write_orders(db: &mut PgConnection, workspace: i32, touched: &[Touched]) -> sqlx::Result<()> {
    if touched.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Sale) -> i64| -> Vec<Option<i64>> {
        touched.iter().map(|t| t.now.order.sale.as_ref().map(of)).collect()
    };
    let text = |of: fn(&Sale) -> Option<String>| -> Vec<Option<String>> {
        touched.iter().map(|t| t.now.order.sale.as_ref().and_then(of)).collect()
    };
    let time = |of: fn(&Sale) -> Option<Instant>| -> Vec<Option<Instant>> {
        touched.iter().map(|t| t.now.order.sale.as_ref().and_then(of)).collect()
    };
    let ids: Vec<i64> = touched.iter().map(|t| t.now.id).collect();
    let sources: Vec<i32> = touched.iter().map(|t| t.identity.0).collect();
    let external_ids: Vec<String> = touched.iter().map(|t| t.identity.1.clone()).collect();
    let refunds: Vec<Option<Json<&Refunds>>> =
        touched.iter().map(|t| Some(&t.now.order.refunds).filter(|r| !r.is_empty()).map(Json)).collect();
    let rates: Vec<Option<String>> = touched.iter().map(|t| t.now.rate.map(|(rate, _)| rate.to_string())).collect();
    let rate_dates: Vec<Option<NaiveDate>> = touched.iter().map(|t| t.now.rate.map(|(_, date)| date)).collect();
    sqlx::query!(
        "insert into orders (workspace_id, id, source_id, external_id, number, placed_at, modified_at, currency, gross_minor,
             discount_minor, shipping_minor, tax_minor, presentment_currency, presentment_minor, country, standing,
             payment, cancelled_at, refunds, rate, rate_date)
         select $1, id, source_id, external_id, number, placed_at, modified_at, currency, gross_minor,
             discount_minor, shipping_minor, tax_minor, presentment_currency, presentment_minor, country, standing,
             payment, cancelled_at, refunds, rate::numeric, rate_date
         from unnest($2::bigint[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[],
             $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[], $15::text[], $16::text[],
             $17::text[], $18::timestamptz[], $19::jsonb[], $20::text[], $21::date[])
           as new (id, source_id, external_id, number, placed_at, modified_at, currency, gross_minor, discount_minor,
             shipping_minor, tax_minor, presentment_currency, presentment_minor, country, standing, payment,
             cancelled_at, refunds, rate, rate_date)
         on conflict on constraint order_identity do update set
             number = excluded.number, placed_at = excluded.placed_at, modified_at = excluded.modified_at,
             currency = excluded.currency, gross_minor = excluded.gross_minor, discount_minor = excluded.discount_minor,
             shipping_minor = excluded.shipping_minor, tax_minor = excluded.tax_minor,
             presentment_currency = excluded.presentment_currency, presentment_minor = excluded.presentment_minor,
             country = excluded.country, standing = excluded.standing, payment = excluded.payment,
             cancelled_at = excluded.cancelled_at, refunds = excluded.refunds, rate = excluded.rate,
             rate_date = excluded.rate_date",
        workspace, &ids, &sources, &external_ids,
        &text(|s| s.number.clone()) as &[Option<String>],
        &time(|s| Some(s.placed_at)) as &[Option<Instant>],
        &time(|s| Some(s.modified_at)) as &[Option<Instant>],
        &text(|s| Some(s.currency.to_string())) as &[Option<String>],
        &column(|s| s.gross_minor) as &[Option<i64>],
        &column(|s| s.discount_minor) as &[Option<i64>],
        &column(|s| s.shipping_minor) as &[Option<i64>],
        &column(|s| s.tax_minor) as &[Option<i64>],
        &text(|s| s.presentment.map(|(currency, _)| currency.to_string())) as &[Option<String>],
        &touched.iter().map(|t| t.now.order.sale.as_ref().and_then(|s| s.presentment).map(|(_, total)| total)).collect::<Vec<_>>()
            as &[Option<i64>],
        &text(|s| s.country.clone()) as &[Option<String>],
        &text(|s| Some(s.standing.name().to_owned())) as &[Option<String>],
        &text(|s| s.payment.clone()) as &[Option<String>],
        &time(|s| s.cancelled_at) as &[Option<Instant>],
        &refunds as &[Option<Json<&Refunds>>],
        &rates as &[Option<String>],
        &rate_dates as &[Option<NaiveDate>],
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn write_entries(db: &mut PgConnection, workspace: i32, entries: &[NewEntry]) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let kinds: Vec<String> = entries.iter().map(|e| e.key.kind.name().to_owned()).collect();
    let parts: Vec<String> = entries.iter().map(|e| e.key.part.clone()).collect();
    let currencies: Vec<String> = entries.iter().map(|e| e.currency.to_string()).collect();
    sqlx::query!(
        "insert into ledger (workspace_id, order_id, kind, part, revision, occurred_at, currency, amount_minor,
             converted_minor, orders, flagged)
         select $1, order_id, kind::ledger_kind, part, revision, occurred_at, currency, amount_minor, converted_minor,
             orders, flagged
         from unnest($2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::timestamptz[], $7::text[], $8::bigint[],
             $9::bigint[], $10::smallint[], $11::smallint[])
           as new (order_id, kind, part, revision, occurred_at, currency, amount_minor, converted_minor, orders, flagged)",
        workspace,
        &entries.iter().map(|e| e.order_id).collect::<Vec<_>>(),
        &kinds, &parts,
        &entries.iter().map(|e| e.revision).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.key.occurred_at).collect::<Vec<_>>(),
        &currencies,
        &entries.iter().map(|e| e.amounts.amount).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.amounts.converted).collect::<Vec<_>>() as &[Option<i64>],
        &entries.iter().map(|e| e.amounts.orders).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.amounts.flagged).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps the bodies, each with the number of the order that it speaks of, writes what watchers are told, moves the cursor,
/// and takes the touched orders out of a change of the reporting currency that may be under way: one question for the four.
async fn write_deliveries(
    db: &mut PgConnection,
    workspace: i32,
    kept: &[(&Delivery, Option<i64>)],
    events: &[OrderEvent],
    touched: &[Touched],
    cursor: Cursor,
    last_order: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with kept as (
             insert into deliveries (workspace_id, source_id, received_at, format, topic, external_id, body, problem, order_id)
             select $1, * from unnest($2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[],
                 $15::bigint[])
         ), told as (
             insert into live_events (workspace_id, sequence, recorded_at, event)
             select $1, sequence, now(), event from unnest($9::bigint[], $10::jsonb[]) as new (sequence, event)
         ), heard as (
             update sources set last_delivery_at = greatest(last_delivery_at, new.at)
             from (select id, max(at) as at from unnest($2::int[], $3::timestamptz[]) as new (id, at) group by id) as new
             where sources.workspace_id = $1 and sources.id = new.id
         ), outdated as (
             delete from recomputed_orders where workspace_id = $1 and order_id = any($14::bigint[])
         )
         update cursors set revision = $11, last_event = $12, last_order = $13 where workspace_id = $1",
        workspace,
        &kept.iter().map(|(d, _)| d.source).collect::<Vec<_>>(),
        &kept.iter().map(|(d, _)| d.received_at).collect::<Vec<_>>(),
        &kept.iter().map(|(d, _)| d.format.name().to_owned()).collect::<Vec<_>>(),
        &kept.iter().map(|(d, _)| d.topic.clone()).collect::<Vec<_>>(),
        &kept.iter().map(|(d, _)| d.external_id.clone()).collect::<Vec<_>>() as &[Option<String>],
        &kept.iter().map(|(d, _)| d.body.as_ref()).collect::<Vec<_>>() as &[&[u8]],
        &kept.iter().map(|(d, _)| d.problem.clone()).collect::<Vec<_>>() as &[Option<String>],
        &events.iter().map(|e| e.sequence).collect::<Vec<_>>(),
        &events.iter().map(Json).collect::<Vec<_>>() as &[Json<&OrderEvent>],
        cursor.revision,
        cursor.last_event,
        last_order,
        &touched.iter().map(|t| t.now.id).collect::<Vec<_>>(),
        &kept.iter().map(|(_, number)| *number).collect::<Vec<_>>() as &[Option<i64>]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where the live stream stands.
pub async fn cursor(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Cursor> {
    sqlx::query_as!(
        Cursor,
        "select revision, last_event, books_revision from cursors where workspace_id = $1",
        workspace
    )
    .fetch_one(db)
    .await
}

/// The first local day that there are figures of. A day that all was taken back from again, as of an order that turned out to
/// be a test, is none.
pub async fn first_day(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Option<NaiveDate>> {
    sqlx::query_scalar!(
        "select bucket from sums_day
         where workspace_id = $1 and (orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
             returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor, reversed_tax_minor,
             flagged) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
         order by bucket limit 1",
        workspace
    )
    .fetch_optional(db)
    .await
}

/// Up to `limit` events after number `after`, in commit order.
pub async fn events_after(
    db: &mut PgConnection,
    workspace: i32,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<OrderEvent>> {
    let rows = sqlx::query!(
        "select event as \"event: Json<OrderEvent>\" from live_events
         where workspace_id = $1 and sequence > $2 order by sequence limit $3",
        workspace,
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.event.0).collect())
}

/// The newest `limit` events up to number `last`, newest first.
pub async fn newest_events(
    db: &mut PgConnection,
    workspace: i32,
    last: i64,
    limit: i64,
) -> sqlx::Result<Vec<OrderEvent>> {
    let rows = sqlx::query!(
        "select event as \"event: Json<OrderEvent>\" from live_events
         where workspace_id = $1 and sequence <= $2 order by sequence desc limit $3",
        workspace,
        last,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.event.0).collect())
}
