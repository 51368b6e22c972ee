//! `GET /api/v1/calls/stream`: the calls as Server-Sent Events, once a second, under the names that they had. Described in
//! `docs/calls.md`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::access::session::{Credential, Denied};
use crate::access::visitors::LOOKED_AT_EVERY;
use crate::calls::legacy;
use crate::calls::model::{Events, Moment};
use crate::server::event_stream::{credential, denied, event_stream};
use crate::server::problem::{Problem, as_problems};
use crate::server::state::AppState;

/// The route.
pub fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/calls/stream", get(open).layer(middleware::from_fn(as_problems)))
}

/// What a listener asks for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// An API token, for a browser's `EventSource`, which sends no headers.
    token: Option<String>,
}

/// Somebody who listens; who is slow gets the newest sample alone.
struct Listener {
    state: AppState,
    credential: Credential,
    moments: watch::Receiver<Arc<Moment>>,
    /// The alerts that they know, as they go over the wire.
    alerts: Option<Bytes>,
    look: Interval,
}

async fn open(
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let credential = credential(asked.token.as_deref(), &headers)?;
    if !state.visitors.who(&credential).await.map_err(denied)?.is_administrator() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "calls are for administrators; ask one for what you need"));
    }
    let mut moments = state.calls.moments();
    // The newest is told at once.
    moments.mark_changed();
    let mut look = interval_at(Instant::now() + LOOKED_AT_EVERY, LOOKED_AT_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener = Listener { state, credential, moments, alerts: None, look };
    let events = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, Infallible>(text), listener))
    });
    Ok(event_stream(Body::from_stream(events)))
}

impl Listener {
    /// What goes out next; nothing where it should come back: the server stops, or they may not listen any more.
    async fn next(&mut self) -> Option<Bytes> {
        let shutdown = self.state.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => None,
            changed = self.moments.changed() => {
                changed.ok()?;
                let moment = self.moments.borrow_and_update().clone();
                Some(self.told(&moment))
            }
            _ = self.look.tick() => {
                let may_listen = match self.state.visitors.who(&self.credential).await {
                    Ok(visitor) => visitor.is_administrator(),
                    Err(denied) => denied != Denied::SignedOut,
                };
                may_listen.then(|| Bytes::from_static(b": still here\n\n"))
            }
        }
    }

    fn told(&mut self, moment: &Moment) -> Bytes {
        let Events { calls, alerts } = moment.events.get_or_init(|| Events {
            calls: event("meeting:metrics:update", &legacy::meetings(moment)),
            alerts: event("meeting:alerts", &legacy::alerts(moment)),
        });
        if self.alerts.as_ref() == Some(alerts) {
            return calls.clone();
        }
        self.alerts = Some(alerts.clone());
        [calls.as_ref(), alerts.as_ref()].concat().into()
    }
}

/// JSON of one line: no value can end the event.
fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
