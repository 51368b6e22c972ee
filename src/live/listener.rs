//! Hears of commits, changed settings and imports by LISTEN; reconnects by itself, and wakes the hub after each gap.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;

use crate::imports::news::News;
use crate::imports::store::IMPORTS_CHANNEL;
use crate::live::hub::Hub;
use crate::sales::books::BooksHandle;
use crate::sales::store::LIVE_CHANNEL;
use crate::settings::store::BOOKS_CHANNEL;

/// The first pause after a lost connection; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Runs until `shutdown`.
pub async fn run(db: PgPool, hub: Hub, books: BooksHandle, news: News, shutdown: CancellationToken) {
    let mut pause = PAUSE_FIRST;
    loop {
        let heard = async {
            let mut listener = PgListener::connect_with(&db).await?;
            listener.listen_all([LIVE_CHANNEL, BOOKS_CHANNEL, IMPORTS_CHANNEL]).await?;
            // What was recorded while nobody listened.
            hub.wake();
            books.look();
            news.spread();
            while let Some(heard) = listener.try_recv().await? {
                match heard.channel() {
                    IMPORTS_CHANNEL => news.spread(),
                    BOOKS_CHANNEL => books.look(),
                    _ => {}
                }
                hub.wake();
            }
            Ok::<_, sqlx::Error>(())
        };
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = heard => outcome,
        };
        pause = match outcome {
            Ok(()) => PAUSE_FIRST,
            Err(error) => {
                tracing::debug!(%error, "listening was interrupted");
                (pause * 2).min(PAUSE_MAX)
            }
        };
        hub.wake();
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
