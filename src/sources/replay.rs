//! Reads again what was kept because it could not be read, after the program has learnt to, or a fault was mended.

use sqlx::PgPool;

use crate::live::bus::{Bus, Kind};
use crate::sales::books::Books;
use crate::sales::recording::Delivery;
use crate::sales::store as sales;
use crate::sources::store;

/// Deliveries in memory at once.
const PAGE: i64 = 256;

/// What a replay did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Deliveries that are recorded now.
    pub recorded: u64,
    /// Deliveries that still cannot be read.
    pub unreadable: u64,
}

/// Reads every delivery again that could not be read. Replaying is safe at any time: what an order has already been
/// told changes nothing.
pub async fn replay(db: &PgPool, bus: &Bus, books: &Books) -> sqlx::Result<Replayed> {
    let (mut out, mut after) = (Replayed::default(), 0);
    loop {
        let kept = store::unreadable(db, books.workspace, after, PAGE).await?;
        let Some(last) = kept.last() else { break };
        after = last.id;
        for delivery in kept {
            let (problem, order) = match delivery.format.read(&delivery.topic, &delivery.body).order {
                Ok(order) => {
                    let named = order.as_ref().map(|(id, _)| id.clone());
                    (record(db, books, &delivery, order).await?, named)
                }
                Err(unreadable) => (Some(unreadable.to_string()), None),
            };
            match problem {
                None => out.recorded += 1,
                Some(_) => out.unreadable += 1,
            }
            store::set_problem(db, books.workspace, delivery.id, problem.as_deref(), order.as_deref()).await?;
        }
    }
    if out.recorded > 0 {
        bus.tell(Kind::Figures).await;
    }
    Ok(out)
}

/// Records what a kept delivery says; the sentence is PostgreSQL's refusal of its content.
async fn record(
    db: &PgPool,
    books: &Books,
    kept: &store::Kept,
    order: Option<(String, crate::sales::order::Order)>,
) -> sqlx::Result<Option<String>> {
    let delivery = Delivery {
        source: kept.source,
        platform: kept.platform.clone(),
        received_at: kept.received_at,
        format: kept.format,
        topic: kept.topic.clone(),
        order,
        // Its body is kept already.
        ..Delivery::default()
    };
    match sales::record(&mut *db.acquire().await?, books, std::slice::from_ref(&delivery)).await {
        Ok(_) => Ok(None),
        Err(sqlx::Error::Database(refusal)) => Ok(Some(format!("the database refused it: {refusal}"))),
        Err(error) => Err(error),
    }
}
