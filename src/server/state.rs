//! What every handler is given.

use axum::extract::FromRef;
use leptos::prelude::LeptosOptions;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::access::visitors::Visitors;
use crate::calls::keeper::Calls;
use crate::imports::news::News;
use crate::live::bus::Bus;
use crate::live::hub::Hub;
use crate::live::presence::Presence;
use crate::sales::books::BooksHandle;
use crate::sales::recorder::Recorder;
use crate::server::clock::Clock;
use crate::sources::directory::Directory;
use crate::visitors::counter::Counter;
use crate::voice::Voice;

/// The server's parts. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The database.
    pub db: PgPool,
    /// The workspace's settings and the exchange rates.
    pub books: BooksHandle,
    /// Records deliveries.
    pub recorder: Recorder,
    /// Wakes the other servers.
    pub bus: Bus,
    /// Tells watchers.
    pub hub: Hub,
    /// Says that something was imported.
    pub news: News,
    /// Counts the visitors of the shop.
    pub counter: Counter,
    /// Who is on the page.
    pub presence: Presence,
    /// How the calls go.
    pub calls: Calls,
    /// Voice, where this server carries it.
    pub voice: Option<Voice>,
    /// Who may read.
    pub visitors: Visitors,
    /// The sources.
    pub sources: Directory,
    /// The time.
    pub clock: Clock,
    /// What Leptos needs to find its files.
    pub leptos: LeptosOptions,
    /// Cancelled when the server stops.
    pub shutdown: CancellationToken,
}
