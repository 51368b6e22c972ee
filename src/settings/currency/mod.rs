//! Changes the reporting currency: what every order is worth in the new one is computed in batches, beside the running
//! trade, and then all figures are switched over at once.
//!
//! The computed worth is kept in tables of its own, so that no sum ever mixes two currencies, and so that the work goes
//! on after a crash where it was. Each batch holds the lock that recordings hold, and a recording that touches an order
//! removes what was computed for it; the switch computes what is missing then. Several processes may work on a change
//! together: they take turns by the same lock.

pub mod store;

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};

use crate::money::Currency;
use crate::sales::books::Books;
use crate::sales::recording::{Identity, Stored};
use crate::sales::redenomination::{StoredEntry, Worth, redenominated};
use crate::sales::store::{rate_flagged_orders, stored_orders};
use crate::settings::store as settings;

/// Orders in one transaction: recordings wait for it, a tenth of a second at most.
const BATCH: i64 = 500;

/// How far a change of the reporting currency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The reporting currency to come.
    pub currency: Currency,
    /// Orders that are computed.
    pub done: i64,
    /// Orders there were when it was asked for.
    pub total: i64,
}

/// How far the change of the reporting currency is; `None` where none is under way.
pub async fn progress(db: &PgPool, workspace: i32) -> sqlx::Result<Option<Progress>> {
    let under_way = store::progress(&mut *db.acquire().await?, workspace).await?;
    Ok(under_way.map(|(progress, _)| progress))
}

/// Works on the change of the reporting currency that was asked for until it is made; `progress` hears of each batch.
/// Returns whether there was one.
pub async fn run(db: &PgPool, books: &Books, progress: impl Fn(Progress)) -> sqlx::Result<bool> {
    let mut worked = false;
    while let Some(made) = step(db, books).await? {
        worked = true;
        progress(made);
    }
    if worked {
        store::clear(db, books.workspace).await?;
        // Rates that arrived after an order's batch.
        rate_flagged_orders(db, books).await?;
    }
    Ok(worked)
}

/// Computes the next batch, or switches over after the last one. `None` where no change was asked for.
pub async fn step(db: &PgPool, books: &Books) -> sqlx::Result<Option<Progress>> {
    let workspace = books.workspace;
    if progress(db, workspace).await?.is_none() {
        return Ok(None);
    }
    let mut tx = db.begin().await?;
    let revision = settings::lock(&mut tx, workspace).await?;
    let Some((mut progress, after)) = store::progress(&mut tx, workspace).await? else { return Ok(None) };
    let books = Books { currency: progress.currency, kept: Arc::default(), ..books.at(revision, &mut tx).await? };
    let batch = store::orders_after(&mut tx, workspace, after, BATCH).await?;
    match batch.last() {
        Some((last, _)) => {
            let (last, orders) = (*last, batch.len() as i64);
            compute(&mut tx, &books, batch).await?;
            progress.done += orders;
            store::advance(&mut tx, workspace, last, progress.done).await?;
        }
        None => {
            loop {
                let missing = store::orders_not_computed(&mut tx, workspace, BATCH).await?;
                if missing.is_empty() {
                    break;
                }
                compute(&mut tx, &books, missing).await?;
            }
            store::switch(&mut tx, &books).await?;
            progress.done = progress.done.max(progress.total);
        }
    }
    tx.commit().await?;
    Ok(Some(progress))
}

/// Computes the worth of orders in the currency of `books` and keeps it. Each order's rate is that of its own day, as if
/// it had been recorded in this currency: history is never converted at today's rate (M7).
async fn compute(db: &mut PgConnection, books: &Books, orders: Vec<(i64, Identity)>) -> sqlx::Result<()> {
    let ids: Vec<i64> = orders.iter().map(|(id, _)| *id).collect();
    let identities = orders.into_iter().map(|(_, identity)| identity);
    let mut stored: Vec<Stored> = stored_orders(db, books.workspace, identities).await?.into_values().collect();
    let mut entries = store::entries(db, books.workspace, &ids).await?;
    let mut worth: Vec<(StoredEntry, Worth)> = Vec::new();
    for order in &mut stored {
        order.rate = None;
        order.fix_rate(books);
        let entries = entries.remove(&order.id).unwrap_or_default();
        let amounts = redenominated(order, &entries, books.currency);
        worth.extend(entries.into_iter().zip(amounts));
    }
    store::keep(db, books.workspace, &stored, &worth).await
}
