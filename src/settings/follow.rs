//! The task that notices changed settings and new exchange rates, also those of another process, and does what follows.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::live::bus::{Bus, Kind};
use crate::live::hub::Hub;
use crate::sales::books::BooksHandle;
use crate::sales::store::rate_flagged_orders;
use crate::settings::currency;

/// How often it looks without having heard anything: changes are heard of over the bus, which may be away.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Runs until `shutdown`. Figures and recordings do not wait for it: each makes sure of its books by itself.
pub async fn run(db: PgPool, bus: Bus, books: BooksHandle, hub: Hub, shutdown: CancellationToken) {
    // A new release may have brought rates.
    let mut rates_may_be_new = true;
    let mut failing = false;
    loop {
        let round = async {
            rates_may_be_new |= books.refresh(&db).await?;
            if rates_may_be_new {
                let rated = rate_flagged_orders(&db, &books.now()).await?;
                if rated > 0 {
                    tracing::info!(rated, "orders that had no exchange rate have one now");
                }
                hub.wake();
                rates_may_be_new = false;
            }
            if currency::run(&db, &books.now(), |_| {}).await? {
                tracing::info!("the reporting currency was changed");
                bus.tell(Kind::Books).await;
                books.look();
            }
            Ok::<_, sqlx::Error>(())
        };
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = round => outcome,
        };
        match outcome {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!(%error, "settings and exchange rates are not followed; it goes on trying");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = books.looked() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
