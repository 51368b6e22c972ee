//! Starts the parts of the server, serves, and stops them in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use leptos::prelude::LeptosOptions;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::visitors::Visitors;
use crate::calls::{self, keeper::Calls};
use crate::exchange::fetch;
use crate::imports::news::News;
use crate::live::bus::Bus;
use crate::live::hub::Hub;
use crate::live::listener;
use crate::live::presence::Presence;
use crate::sales::books::{Books, BooksHandle};
use crate::sales::medians::fold;
use crate::sales::projection::project;
use crate::sales::recorder::Recorder;
use crate::server::clock::Clock;
use crate::server::router::router;
use crate::server::state::AppState;
use crate::settings::follow;
use crate::sources::directory::Directory;
use crate::visitors::counter::Counter;
use crate::visitors::countries::Countries;
use crate::visitors::writer::Writer;
use crate::voice::config::Config as VoiceConfig;
use crate::voice::monitor::Sample;

/// What a server is made of; tests own the listener, the clock and the end.
pub struct Parts {
    /// The bound socket.
    pub listener: TcpListener,
    /// The database, migrated.
    pub db: PgPool,
    /// Where servers wake one another.
    pub bus: Bus,
    /// The workspace.
    pub books: Books,
    /// The time.
    pub clock: Clock,
    /// The folder of the European Central Bank's files of rates; without one none are fetched.
    pub rates_url: Option<String>,
    /// Where the countries of visitors are found.
    pub countries: Countries,
    /// Where voice is carried, if it is.
    pub voice: Option<VoiceConfig>,
    /// Where Leptos finds its files.
    pub leptos: LeptosOptions,
    /// Where samples of calls come from, where not from this server's voice.
    pub samples: Option<watch::Receiver<Arc<Sample>>>,
}

/// Serves until `stop` completes. Then: no new requests, sockets are closed with "going away", what waits to be
/// recorded is recorded and answered, visitors are counted, and the connections are closed.
pub async fn run(parts: Parts, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let Parts { listener, db, bus, books, clock, rates_url, countries, voice, leptos, samples } = parts;
    let shutdown = CancellationToken::new();
    let workspace = books.workspace;
    let books = BooksHandle::new(books);
    let hub = Hub::new(db.clone(), books.clone(), clock.clone());
    let news = News::default();
    let presence = Presence::default();
    let recording_stop = CancellationToken::new();
    let (recorder, recording) = {
        let hub = hub.clone();
        Recorder::start(db.clone(), bus.clone(), books.clone(), recording_stop.clone(), move || hub.wake())
    };
    let (counter, hits) = Counter::new(countries);
    let counting_stop = CancellationToken::new();
    let counting = {
        let writer = Writer::new(counter.clone(), hits, books.clone(), clock.clone());
        tokio::spawn(writer.run(db.clone(), counting_stop.clone()))
    };
    let calls = Calls::default();
    let keeping_stop = CancellationToken::new();
    let keeping = {
        let written = calls::writer::run(calls.clone(), db.clone(), workspace, clock.clone(), keeping_stop.clone());
        tokio::spawn(written)
    };
    let mut tasks = vec![
        tokio::spawn(hub.clone().run(shutdown.clone())),
        tokio::spawn(listener::run(
            bus.clone(),
            hub.clone(),
            books.clone(),
            news.clone(),
            presence.clone(),
            shutdown.clone(),
        )),
        tokio::spawn(presence.clone().run(db.clone(), bus.clone(), workspace, shutdown.clone())),
        tokio::spawn(follow::run(db.clone(), bus.clone(), books.clone(), hub.clone(), shutdown.clone())),
        tokio::spawn(fold::run(db.clone(), workspace, shutdown.clone())),
        tokio::spawn(project::run(db.clone(), books.clone(), clock.clone(), shutdown.clone())),
    ];
    if let Some(url) = rates_url {
        tasks.push(tokio::spawn(fetch::run(
            url,
            db.clone(),
            bus.clone(),
            books.clone(),
            clock.clone(),
            shutdown.clone(),
        )));
    }
    let voice = match voice {
        Some(config) => started(config.start(db.clone(), workspace, clock.clone()).await),
        None => None,
    };
    let voice = voice.map(|(voice, happened)| {
        tasks.push(tokio::spawn(voice.clone().run(happened, shutdown.clone())));
        voice
    });
    if let Some(samples) = samples.or_else(|| voice.as_ref().map(|voice| voice.samples())) {
        tasks.push(tokio::spawn(calls.clone().run(samples, shutdown.clone())));
    }
    let state = AppState {
        voice,
        visitors: Visitors::new(db.clone()),
        sources: Directory::new(db.clone(), workspace),
        db: db.clone(),
        books,
        recorder,
        bus: bus.clone(),
        hub,
        news,
        counter,
        presence,
        calls,
        clock,
        leptos,
        shutdown: shutdown.clone(),
    };
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = {
        let shutdown = shutdown.clone();
        async move {
            stop.await;
            shutdown.cancel();
        }
    };
    let served = axum::serve(listener, app).with_graceful_shutdown(stopping).await;
    shutdown.cancel();
    recording_stop.cancel();
    counting_stop.cancel();
    let _ = recording.await;
    let _ = counting.await;
    for task in tasks {
        let _ = task.await;
    }
    // What the calls were is handed on by one of the tasks before.
    keeping_stop.cancel();
    let _ = keeping.await;
    bus.flush().await;
    db.close().await;
    served
}

/// Voice, if it could be started: without it all else goes on.
fn started<T>(voice: std::io::Result<T>) -> Option<T> {
    voice
        .inspect_err(
            |error| tracing::error!(%error, "voice could not be started; look at --voice-address and its ports"),
        )
        .ok()
}
