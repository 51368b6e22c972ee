//! Hears the bus, and wakes whoever answers for the kind of news.

use tokio_util::sync::CancellationToken;

use crate::imports::news::News;
use crate::live::bus::{Bus, Kind};
use crate::live::hub::Hub;
use crate::live::presence::Presence;
use crate::sales::books::BooksHandle;

/// Runs until `shutdown`.
pub async fn run(bus: Bus, hub: Hub, books: BooksHandle, news: News, presence: Presence, shutdown: CancellationToken) {
    let hearing = bus.hear(|kind| match kind {
        Kind::Figures => hub.wake(),
        Kind::Books => {
            books.look();
            hub.wake();
        }
        Kind::Imports => {
            news.spread();
            hub.wake();
        }
        Kind::Presence => presence.look(),
    });
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = hearing => {}
    }
}
