//! The demo: a bookshop with two years behind it that goes on selling, sent through the same doors as real orders.

pub mod live;
pub mod shop;
pub mod store;
pub mod visits;

use jiff::ToSpan as _;
use sqlx::PgPool;

use crate::access::secret::generate_signing;
use crate::demo::shop::{DemoOrder, PLATFORMS, Shop};
use crate::live::bus::{Bus, Kind};
use crate::period::{Instant, minus, plus};
use crate::sales;
use crate::sales::books::Books;
use crate::sales::recording::Delivery;
use crate::sources::{self, Source};
use crate::voice::store as rooms;

/// The seed of the shop that everybody sees: a figure quoted from one demo is found in another.
pub const SEED: u64 = 1;
/// Rooms to talk in, beside the one that every workspace has.
const ROOMS: [&str; 2] = ["Shop floor", "Packing table"];
/// How far ahead of today a demo's exchange rates are carried: it may run for long.
const RATES_CARRIED_DAYS: i64 = 366;

/// The books of a demo: its exchange rates go on beyond the history that ships with the program.
pub fn with_carried_rates(mut books: Books, now: Instant) -> Books {
    let until = (now + chrono::TimeDelta::days(RATES_CARRIED_DAYS)).date_naive();
    books.rates = std::sync::Arc::new(books.rates.as_ref().clone().carried_until(Some(until)));
    books
}

/// Orders recorded in one transaction: large enough to be fast, small enough that a stop loses a second of work.
const BATCH: usize = 1_000;

/// Why the demo could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// The database refused or was away.
    #[error("the demo could not be filled because of the database: {0}; start it again, the orders so far are kept")]
    Database(#[from] sqlx::Error),
}

/// Makes sure that the demo's sources exist and, in a workspace without orders, adds rooms and records two years of orders up to
/// `now`. `progress` hears how many orders are recorded. Returns how many were, 0 when there were orders already.
pub async fn fill(
    db: &PgPool,
    bus: &Bus,
    books: &Books,
    now: Instant,
    progress: impl Fn(u64),
) -> Result<u64, FillError> {
    let sources = sources(db, books.workspace).await?;
    if store::has_orders(db, books.workspace).await? {
        return Ok(0);
    }
    for room in ROOMS {
        // One of that name will do as well.
        if let Err(rooms::Unchanged::Away(error)) = rooms::add_room(db, books.workspace, room).await {
            return Err(error.into());
        }
    }
    let today = books.calendar.date(now);
    let shop = Shop::new(SEED);
    let mut orders = shop.orders(minus(today, 2.years()), plus(today, 1.day()), &books.calendar, now);
    let mut recorded = 0;
    loop {
        let batch: Vec<Delivery> =
            orders.by_ref().take(BATCH).filter_map(|order| delivery(order, &sources, now)).collect();
        if batch.is_empty() {
            break;
        }
        sales::store::record(&mut *db.acquire().await?, books, &batch).await?;
        recorded += batch.len() as u64;
        progress(recorded);
    }
    bus.tell(Kind::Figures).await;
    Ok(recorded)
}

/// The demo's sources `demo-shopify`, `demo-etsy`, …, added with new secrets where they do not exist.
pub async fn sources(db: &PgPool, workspace: i32) -> sqlx::Result<Vec<Source>> {
    let known = sources::store::all(db, workspace).await?;
    for (platform, _) in PLATFORMS {
        let name = source_name(platform);
        if known.iter().all(|source| source.name != name) {
            sources::store::add(db, workspace, &name, platform, &generate_signing()).await?;
        }
    }
    let mut all = sources::store::all(db, workspace).await?;
    all.retain(|source| PLATFORMS.iter().any(|(platform, _)| source.name == source_name(platform)));
    Ok(all)
}

/// The name of the demo's source on a platform.
fn source_name(platform: &str) -> String {
    format!("demo-{platform}")
}

fn delivery(order: DemoOrder, sources: &[Source], now: Instant) -> Option<Delivery> {
    let source = sources.iter().find(|source| source.name == source_name(order.platform))?;
    Some(Delivery {
        source: source.id,
        platform: source.platform.clone(),
        received_at: now,
        order: Some((order.external_id, order.order)),
        ..Delivery::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Window;
    use crate::server::database;

    #[sqlx::test(migrations = "./migrations")]
    async fn an_empty_workspace_is_filled_once(db: PgPool) {
        let books = database::books(&db).await.expect("books");
        let now: Instant = "2026-11-01T14:30:00Z".parse().expect("an instant");
        let recorded = fill(&db, &Bus::of_database(&db), &books, now, |_| {}).await.expect("filled");
        assert!(recorded > 20_000, "{recorded}");
        assert_eq!(fill(&db, &Bus::of_database(&db), &books, now, |_| {}).await.expect("left alone"), 0);
        assert_eq!(sources(&db, books.workspace).await.expect("sources").len(), PLATFORMS.len());
        let mut connection = db.acquire().await.expect("a connection");
        let all = Window { from: "2024-01-01T00:00:00Z".parse().expect("an instant"), to: now };
        let sums = sales::sums::store::window_sums(&mut connection, &books, &Default::default(), &[all])
            .await
            .expect("sums")[0];
        assert!(sums.orders > 20_000 && sums.returned_goods < 0);
        assert_eq!(sums.flagged, 0);
        assert_eq!(sales::sums::additions_store::sums_that_differ(&mut connection, &books).await.expect("a count"), 0);
    }
}
