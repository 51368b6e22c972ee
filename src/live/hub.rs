//! The hub: computes each revision's snapshot once, serialises each message once, and hands the same bytes to every
//! socket. A socket that falls behind never makes another wait.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::live::model::{Legacy, Message};
use crate::sales::books::BooksHandle;
use crate::sales::model::{OrderEvent, Snapshot};
use crate::sales::{snapshot, store};
use crate::server::clock::Clock;

/// Changes within this long go out in one frame: beyond some thousand sockets, frames are what costs.
const FRAME_EVERY: Duration = Duration::from_millis(100);
/// Figures are computed at most this often.
const FIGURES_EVERY: Duration = Duration::from_millis(250);
/// Without any order the figures are computed this often all the same: the earlier windows move with the clock, and
/// the message tells watchers that we are alive.
const TICK: Duration = Duration::from_secs(5);
/// Frames a socket may fall behind before it is served from the database: half a minute of them.
const FRAMES_KEPT: usize = 256;
/// Events in one frame; a rush beyond it goes out in the next.
const EVENTS_MAX: i64 = 500;
/// Events that a returning client is sent at most; who missed more gets the snapshot alone.
pub const MISSED_MAX: i64 = 500;

/// One message to every socket, serialised.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The number of the first event in this frame, if it has any.
    pub first_event: Option<i64>,
    /// The number of the last event that is in this frame or before it.
    pub last_event: i64,
    /// For the page.
    pub text: Utf8Bytes,
    /// For clients without a sub-protocol, a message an order.
    pub legacy: Arc<[Utf8Bytes]>,
}

/// A handle to the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    db: PgPool,
    books: BooksHandle,
    clock: Clock,
    frames: broadcast::Sender<Frame>,
    latest: RwLock<Option<Arc<Snapshot>>>,
    wake: Notify,
}

impl Hub {
    /// A hub; [`Hub::run`] makes it go.
    pub fn new(db: PgPool, books: BooksHandle, clock: Clock) -> Hub {
        let (frames, _) = broadcast::channel(FRAMES_KEPT);
        Hub(Arc::new(Shared { db, books, clock, frames, latest: RwLock::default(), wake: Notify::new() }))
    }

    /// Says that something was recorded.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// All frames from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Frame> {
        self.0.frames.subscribe()
    }

    /// The newest snapshot, from memory where there is one.
    pub async fn snapshot(&self) -> sqlx::Result<Arc<Snapshot>> {
        match self.latest() {
            Some(snapshot) => Ok(snapshot),
            None => self.compute().await,
        }
    }

    /// Computes the snapshot now, from the database.
    pub async fn compute(&self) -> sqlx::Result<Arc<Snapshot>> {
        let mut db = self.0.db.acquire().await?;
        let snapshot = Arc::new(snapshot::compute(&mut db, &self.0.books.now(), self.0.clock.now()).await?);
        if let Ok(mut latest) = self.0.latest.write() {
            let newer = latest.as_ref().is_none_or(|known| known.overview.as_of_ms <= snapshot.overview.as_of_ms);
            if newer {
                *latest = Some(Arc::clone(&snapshot));
            }
        }
        Ok(snapshot)
    }

    /// The events after number `after`, or `None` when there are more than a client is sent.
    pub async fn missed(&self, after: i64, until: i64) -> sqlx::Result<Option<Vec<OrderEvent>>> {
        if until - after > MISSED_MAX {
            return Ok(None);
        }
        if until <= after {
            return Ok(Some(Vec::new()));
        }
        let mut db = self.0.db.acquire().await?;
        let mut events = store::events_after(&mut db, self.0.books.now().workspace, after, MISSED_MAX).await?;
        events.retain(|event| event.sequence <= until);
        Ok(Some(events))
    }

    fn latest(&self) -> Option<Arc<Snapshot>> {
        self.0.latest.read().ok()?.clone()
    }

    /// Runs until `shutdown`: waits for a recording or the tick, gathers what is new, sends it.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut sent: Option<Arc<Snapshot>> = None;
        let mut last_event = None;
        let mut figures_at = Instant::now() - FIGURES_EVERY;
        let mut stale = false;
        loop {
            let woken = tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.0.wake.notified() => true,
                () = tokio::time::sleep(TICK) => false,
            };
            let round = async {
                let due = !woken || figures_at.elapsed() >= FIGURES_EVERY || sent.is_none();
                let fresh = if due { Some(self.compute().await?) } else { None };
                let after = match last_event {
                    Some(after) => after,
                    None => fresh.as_ref().map_or(0, |snapshot| snapshot.overview.last_event),
                };
                let mut db = self.0.db.acquire().await?;
                let events = store::events_after(&mut db, self.0.books.now().workspace, after, EVENTS_MAX).await?;
                Ok::<_, sqlx::Error>((fresh, after, events))
            };
            match round.await {
                Ok((fresh, after, events)) => {
                    stale = false;
                    let newest = events.last().map_or(after, |event| event.sequence);
                    last_event = Some(newest);
                    let more = events.len() as i64 == EVENTS_MAX;
                    if fresh.is_some() {
                        figures_at = Instant::now();
                    }
                    let figures_wait = fresh.is_none();
                    self.send(fresh.as_ref(), sent.as_ref(), newest, events);
                    sent = fresh.or(sent);
                    if more || figures_wait {
                        self.wake_after(if more {
                            FRAME_EVERY
                        } else {
                            FIGURES_EVERY.saturating_sub(figures_at.elapsed())
                        });
                    }
                }
                Err(error) => {
                    if !stale {
                        tracing::warn!(%error, "the live stream stands still: the database does not answer");
                    }
                    stale = true;
                    self.0.send_text(last_event.unwrap_or(0), &Message::stale(), &[]);
                    self.wake_after(Duration::from_millis(500));
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(FRAME_EVERY) => {}
            }
        }
    }

    fn wake_after(&self, pause: Duration) {
        let hub = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            hub.wake();
        });
    }

    /// Sends the figures and events of a round; the whole snapshot where a day has begun or the settings are others.
    fn send(
        &self,
        fresh: Option<&Arc<Snapshot>>,
        sent: Option<&Arc<Snapshot>>,
        last_event: i64,
        events: Vec<OrderEvent>,
    ) {
        let frame =
            |s: &Arc<Snapshot>| (s.currency, s.overview.zone.clone(), s.days.last().map(|day| day.date.clone()));
        let message = match (fresh, sent) {
            (Some(now), Some(before)) if frame(now) != frame(before) => {
                Message::snapshot(Snapshot::clone(now), events.clone())
            }
            (None, _) if events.is_empty() => return,
            (now, _) => Message::changes(now.map(|s| Box::new(s.overview.clone())), events.clone()),
        };
        self.0.send_text(last_event, &message, &events);
    }
}

impl Shared {
    fn send_text(&self, last_event: i64, message: &Message, events: &[OrderEvent]) {
        let legacy = events.iter().filter_map(Legacy::of).filter_map(|old| serialise(&old)).collect();
        if let Some(text) = serialise(message) {
            // Nobody watching is no fault.
            let _ = self.frames.send(Frame {
                first_event: events.first().map(|event| event.sequence),
                last_event,
                text,
                legacy,
            });
        }
    }
}

/// A message as the bytes that every socket is handed.
pub fn serialise<T: serde::Serialize>(message: &T) -> Option<Utf8Bytes> {
    serde_json::to_string(message)
        .inspect_err(|error| tracing::error!(%error, "a live message could not be written"))
        .ok()
        .map(Into::into)
}
