//! A change of the reporting currency in PostgreSQL: what was asked for, what is computed, and the switch.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

use crate::money::Currency;
use crate::sales::books::Books;
use crate::sales::ledger::{Key, Kind};
use crate::sales::medians;
use crate::sales::projection;
use crate::sales::recording::{Identity, Stored};
use crate::sales::redenomination::{StoredEntry, Worth};
use crate::sales::sums::additions_store;
use crate::server::database::plan_in_bulk;
use crate::settings::currency::Progress;
use crate::settings::store as settings;

/// How far the change is, and the number of the order up to which it is; `None` where none was asked for.
pub async fn progress(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Option<(Progress, i64)>> {
    let row = sqlx::query!(
        "select currency, after_order, orders_done, orders_total from workspace_recomputations where workspace_id = $1",
        workspace
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        let currency = Currency::parse(&row.currency)?;
        Some((Progress { currency, done: row.orders_done, total: row.orders_total }, row.after_order))
    }))
}

/// Asks for another reporting currency, or with `None` for the one there is. What was asked for before and is not made
/// yet is forgotten, unless it is the same. The cursor has to be locked.
pub async fn request(db: &mut PgConnection, workspace: i32, currency: Option<Currency>) -> sqlx::Result<()> {
    let under_way = progress(db, workspace).await?.map(|(progress, _)| progress.currency);
    if under_way == currency {
        return Ok(());
    }
    forget(db, workspace).await?;
    sqlx::query!("delete from workspace_recomputations where workspace_id = $1", workspace).execute(&mut *db).await?;
    if let Some(currency) = currency {
        sqlx::query!(
            "insert into workspace_recomputations (workspace_id, currency, orders_total)
             select $1, $2, count(*) from orders where workspace_id = $1",
            workspace,
            currency.code()
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

/// Begins the change that is under way again. The cursor has to be locked.
pub async fn restart(db: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    forget(db, workspace).await?;
    sqlx::query!(
        "update workspace_recomputations set after_order = 0, orders_done = 0 where workspace_id = $1",
        workspace
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn forget(db: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    sqlx::query!("delete from recomputed_orders where workspace_id = $1", workspace).execute(&mut *db).await?;
    sqlx::query!("delete from recomputed_entries where workspace_id = $1", workspace).execute(db).await?;
    Ok(())
}

/// The next orders by their number.
pub async fn orders_after(
    db: &mut PgConnection,
    workspace: i32,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<(i64, Identity)>> {
    let rows = sqlx::query!(
        "select id, source_id, external_id from orders where workspace_id = $1 and id > $2 order by id limit $3",
        workspace,
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.source_id, row.external_id))).collect())
}

/// Orders that came or changed since their batch.
pub async fn orders_not_computed(
    db: &mut PgConnection,
    workspace: i32,
    limit: i64,
) -> sqlx::Result<Vec<(i64, Identity)>> {
    let rows = sqlx::query!(
        "select id, source_id, external_id from orders o
         where workspace_id = $1
             and not exists (select from recomputed_orders r where r.workspace_id = $1 and r.order_id = o.id)
         order by id limit $2",
        workspace,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, (row.source_id, row.external_id))).collect())
}

/// The entries of orders, each order's in revisions that rise.
pub async fn entries(
    db: &mut PgConnection,
    workspace: i32,
    orders: &[i64],
) -> sqlx::Result<HashMap<i64, Vec<StoredEntry>>> {
    let rows = sqlx::query!(
        "select order_id, kind::text as \"kind!\", part, revision, occurred_at, amount_minor
         from ledger where workspace_id = $1 and order_id = any($2) order by order_id, kind, part, revision",
        workspace,
        orders
    )
    .fetch_all(db)
    .await?;
    let mut out: HashMap<i64, Vec<StoredEntry>> = HashMap::new();
    for row in rows {
        let Some(kind) = Kind::parse(&row.kind) else { continue };
        out.entry(row.order_id).or_default().push(StoredEntry {
            order_id: row.order_id,
            key: Key { kind, part: row.part, occurred_at: row.occurred_at },
            revision: row.revision,
            amount: row.amount_minor,
        });
    }
    Ok(out)
}

/// Keeps what was computed for orders, in the place of what was computed for them before.
pub async fn keep(
    db: &mut PgConnection,
    workspace: i32,
    orders: &[Stored],
    entries: &[(StoredEntry, Worth)],
) -> sqlx::Result<()> {
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    sqlx::query!("delete from recomputed_entries where workspace_id = $1 and order_id = any($2)", workspace, &ids)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "insert into recomputed_orders (workspace_id, order_id, rate, rate_date)
         select $1, id, rate::numeric, rate_date
         from unnest($2::bigint[], $3::text[], $4::date[]) as new (id, rate, rate_date) order by id",
        workspace,
        &ids,
        &orders.iter().map(|order| order.rate.map(|(rate, _)| rate.to_string())).collect::<Vec<_>>()
            as &[Option<String>],
        &orders.iter().map(|order| order.rate.map(|(_, date)| date)).collect::<Vec<_>>() as &[Option<NaiveDate>]
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into recomputed_entries (workspace_id, order_id, kind, part, revision, converted_minor, orders, flagged)
         select $1, order_id, kind::ledger_kind, part, revision, converted_minor, orders, flagged
         from unnest($2::bigint[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::smallint[], $8::smallint[])
           as new (order_id, kind, part, revision, converted_minor, orders, flagged)",
        workspace,
        &entries.iter().map(|(entry, _)| entry.order_id).collect::<Vec<_>>(),
        &entries.iter().map(|(entry, _)| entry.key.kind.name().to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|(entry, _)| entry.key.part.clone()).collect::<Vec<_>>(),
        &entries.iter().map(|(entry, _)| entry.revision).collect::<Vec<_>>(),
        &entries.iter().map(|(_, worth)| worth.converted).collect::<Vec<_>>() as &[Option<i64>],
        &entries.iter().map(|(_, worth)| worth.orders).collect::<Vec<_>>(),
        &entries.iter().map(|(_, worth)| worth.flagged).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that the orders up to number `after` are computed.
pub async fn advance(db: &mut PgConnection, workspace: i32, after: i64, done: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update workspace_recomputations set after_order = $2, orders_done = $3 where workspace_id = $1",
        workspace,
        after,
        done
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts what was computed in the place of what there was: rates, worth of the entries, currency, sums and order values. Every order has
/// to be computed, and the cursor to be locked; recordings wait meanwhile.
pub async fn switch(db: &mut PgConnection, books: &Books) -> sqlx::Result<()> {
    plan_in_bulk(db).await?;
    sqlx::query!(
        "update orders o set rate = r.rate, rate_date = r.rate_date
         from recomputed_orders r where o.workspace_id = $1 and r.workspace_id = $1 and o.id = r.order_id",
        books.workspace
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update ledger l set converted_minor = e.converted_minor, orders = e.orders, flagged = e.flagged
         from recomputed_entries e
         where l.workspace_id = $1 and e.workspace_id = $1 and e.order_id = l.order_id and e.kind = l.kind
             and e.part = l.part and e.revision = l.revision",
        books.workspace
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update workspaces set currency = $2 where id = $1", books.workspace, books.currency.code())
        .execute(&mut *db)
        .await?;
    additions_store::rebuild_locked(db, books.workspace).await?;
    medians::store::rebuild(db, books.workspace).await?;
    projection::store::forget_open(db, books.workspace).await?;
    sqlx::query!("delete from workspace_recomputations where workspace_id = $1", books.workspace)
        .execute(&mut *db)
        .await?;
    settings::changed(db, books.workspace).await
}

/// Removes what was computed for a change that is made. Nothing depends on it, so nobody waits for it.
pub async fn clear(db: &PgPool, workspace: i32) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!(
        "delete from recomputed_entries where workspace_id = $1
             and not exists (select from workspace_recomputations where workspace_id = $1)",
        workspace
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from recomputed_orders where workspace_id = $1
             and not exists (select from workspace_recomputations where workspace_id = $1)",
        workspace
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
