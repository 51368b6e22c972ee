//! `GET /api/v1/events/stream`: what happens to orders, as Server-Sent Events. Described in `docs/live.md`.
//!
//! Each round of the hub is written once for every listener. Who has missed something reads it from the database, in commit
//! order, until nothing is missing: the numbers of events have no gaps, so that can be told.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::access::session::Credential;
use crate::access::visitors::LOOKED_AT_EVERY;
use crate::money::{Currency, decimal};
use crate::sales::model::{Happening, OrderEvent};
use crate::sales::store;
use crate::server::event_stream::{credential, denied, event_stream};
use crate::server::problem::Problem;
use crate::server::state::AppState;

/// Events that are read at once for who has missed more.
const READ_AT_ONCE: i64 = 500;
/// Rounds that a slow listener may fall behind before it reads from the database.
const ROUNDS_KEPT: usize = 64;
/// The header by which a browser says where it left off.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where rounds of the hub are told to listeners. Cheap to clone.
#[derive(Clone)]
pub struct Told(broadcast::Sender<Round>);

/// The events of a round, in commit order, as they go over the wire.
#[derive(Clone)]
struct Round {
    first: i64,
    last: i64,
    text: Bytes,
}

impl Default for Told {
    fn default() -> Told {
        Told(broadcast::channel(ROUNDS_KEPT).0)
    }
}

impl Told {
    /// Tells all listeners of events.
    pub fn tell(&self, events: &[OrderEvent]) {
        if let ([first, ..], [.., last]) = (events, events)
            && self.0.receiver_count() > 0
        {
            // Who has gone in between is no fault.
            let _ = self.0.send(Round { first: first.sequence, last: last.sequence, text: text(events) });
        }
    }
}

/// What a listener asks for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    /// An API token, for a browser's `EventSource`, which sends no headers.
    token: Option<String>,
    /// The same as the header, for the first request of a page that knows.
    last_event_id: Option<i64>,
}

/// The route's handler.
pub async fn stream(
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let credential = credential(asked.token.as_deref(), &headers)?;
    state.visitors.who(&credential).await.map_err(denied)?;
    let told = state.hub.told().0.subscribe();
    let newest = store::cursor(&mut *state.db.acquire().await?, state.books.now().workspace).await?.last_event;
    let last_had = match headers.get(LAST_EVENT_ID).map(|id| id.to_str().ok().and_then(|id| id.trim().parse().ok())) {
        Some(None) => {
            let sentence = "Last-Event-ID is the number of the last event that you have";
            return Err(Problem::new(StatusCode::BAD_REQUEST, sentence));
        }
        Some(id) => id,
        None => asked.last_event_id,
    };
    // A number that was never given was of another database: what comes from now on is told.
    let last = last_had.filter(|last| (0..=newest).contains(last)).unwrap_or(newest);
    // Each sign of life is also the moment to look at the listener again.
    let mut heartbeat = interval(LOOKED_AT_EVERY);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat.reset();
    let listener = Listener { state, credential, told, last, is_behind: last < newest, heartbeat };
    let greeting = Bytes::from(format!("id: {last}\nevent: connected\ndata: {{\"last_event\":{last}}}\n\n"));
    let first = stream::iter([Ok::<_, std::convert::Infallible>(greeting)]);
    let rest = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok(text), listener))
    });
    Ok(event_stream(Body::from_stream(first.chain(rest))))
}

/// Somebody who listens.
struct Listener {
    state: AppState,
    /// Who it is.
    credential: Credential,
    told: broadcast::Receiver<Round>,
    /// The number of the last event it has.
    last: i64,
    /// Whether there may be events that it has to be read.
    is_behind: bool,
    heartbeat: Interval,
}

impl Listener {
    /// What goes out next; nothing where it should come back: the server stops, or the database or its session is gone.
    async fn next(&mut self) -> Option<Bytes> {
        let shutdown = self.state.shutdown.clone();
        loop {
            if self.is_behind {
                let events = self.read().await.ok()?;
                self.is_behind = events.len() as i64 == READ_AT_ONCE;
                if let Some(last) = events.last() {
                    self.last = last.sequence;
                    return Some(text(&events));
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return None,
                round = self.told.recv() => match round {
                    Ok(round) if round.last <= self.last => {}
                    Ok(round) if round.first == self.last + 1 => {
                        self.last = round.last;
                        return Some(round.text);
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => self.is_behind = true,
                    Err(RecvError::Closed) => return None,
                },
                _ = self.heartbeat.tick() => return self.heartbeat().await,
            }
        }
    }

    async fn read(&self) -> sqlx::Result<Vec<OrderEvent>> {
        let mut db = self.state.db.acquire().await?;
        store::events_after(&mut db, self.state.books.now().workspace, self.last, READ_AT_ONCE).await
    }

    async fn heartbeat(&mut self) -> Option<Bytes> {
        if !self.state.visitors.is_in(&self.credential).await {
            return None;
        }
        let (last, is_stale) = (self.last, self.state.hub.is_stale());
        Some(Bytes::from(format!("event: heartbeat\ndata: {{\"last_event\":{last},\"stale\":{is_stale}}}\n\n")))
    }
}

/// An event as programs are told of it.
#[derive(Debug, Serialize)]
struct Data<'a> {
    id: &'a str,
    number: Option<&'a str>,
    total: String,
    amount: String,
    currency: Currency,
    status: Option<&'a str>,
    country: Option<&'a str>,
    platform: &'a str,
    placed_at: &'a str,
    what: Happening,
}

/// The name of an event: the old page's, which knew no refunds and no cancellations.
fn name(what: Happening) -> &'static str {
    match what {
        Happening::OrderCreated => "order_created",
        Happening::PaymentReceived => "payment_received",
        Happening::OrderRefunded | Happening::OrderCancelled | Happening::OrderUpdated => "order_updated",
    }
}

/// Events as they go over the wire.
fn text(events: &[OrderEvent]) -> Bytes {
    let mut out = String::new();
    for event in events {
        let data = Data {
            id: &event.id,
            number: event.number.as_deref(),
            total: decimal(event.total_minor.unwrap_or(event.amount_minor.abs()), event.currency),
            amount: decimal(event.amount_minor, event.currency),
            currency: event.currency,
            status: event.status.as_deref(),
            country: event.country.as_deref(),
            platform: &event.platform,
            placed_at: &event.placed_at,
            what: event.kind,
        };
        // JSON of one line: no value can end the event.
        if let Ok(json) = serde_json::to_string(&data) {
            out.push_str(&format!("id: {}\nevent: {}\ndata: {json}\n\n", event.sequence, name(event.kind)));
        }
    }
    out.into()
}
