//! `GET /ws`: the live stream over a WebSocket, `GET /live`: the same by asking, and the address of the stream of events. All are
//! described in `docs/live.md`.

use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::access::session::{Credential, Denied, Visitor};
use crate::access::visitors::{LOOKED_AT_EVERY, Visitors};
use crate::live::events;
use crate::live::greeting::Resume;
use crate::live::hub::{Frame, Hub, serialise};
use crate::live::model::{Message, PROTOCOL};
use crate::live::presence::Seat;
use crate::live::socket::{Ended, Socket, upgrade, wire};
use crate::sales::question::Question;
use crate::server::problem::as_problems;
use crate::server::state::AppState;

/// How long a page that asks by HTTP waits for news at most: proxies cut what is silent for longer.
const POLL_MAX: Duration = Duration::from_secs(20);

/// The routes.
pub fn routes() -> Router<AppState> {
    let stream = get(events::stream).layer(middleware::from_fn(as_problems));
    Router::new().route("/ws", get(open)).route("/live", get(poll)).route("/api/v1/events/stream", stream)
}

/// Why a stream does not begin.
type Refused = (StatusCode, String);

/// The question in a query beside what a returning client says of itself.
fn question(pairs: &[(String, String)]) -> Result<Question, Refused> {
    Question::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

/// What a socket would say, to a page that no socket reaches: as soon as there is something new.
async fn poll(
    State(state): State<AppState>,
    _visitor: Visitor,
    Query(resume): Query<Resume>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let question = question(&pairs)?;
    let mut frames = state.hub.subscribe(&question);
    let until = Instant::now() + POLL_MAX;
    let text = loop {
        let Ok(greeting) = state.hub.greeting(&question, resume).await else {
            break Bytes::from(serialise(&Message::stale()).unwrap_or_default());
        };
        if greeting.is_news_to(resume) || Instant::now() >= until {
            break greeting.text.clone();
        }
        tokio::select! {
            () = state.shutdown.cancelled() => return Err((StatusCode::SERVICE_UNAVAILABLE, "the server is stopping".into())),
            () = tokio::time::sleep_until(until) => {}
            _ = frames.recv() => {}
        }
    };
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], text).into_response())
}

async fn open(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(resume): Query<Resume>,
    Query(pairs): Query<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Refused> {
    let question = question(&pairs)?;
    let nobody = || (Denied::SignedOut.status(), Denied::SignedOut.to_string());
    let credential = Credential::of(request.headers()).ok_or_else(nobody)?;
    let person = match visitor {
        Visitor::Person(person) => Some(person.id),
        Visitor::Script => None,
    };
    Ok(upgrade(request, PROTOCOL, move |mut socket, ours| async move {
        let shutdown = state.shutdown.clone();
        let seat = person.map(|person| state.presence.enter(person));
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = serve(&mut socket, &state, seat, question, resume, ours) => {}
            () = signed_out(&state.visitors, &credential) => {}
        }
        socket.close().await;
    }))
}

/// Waits until who opened a socket is no longer let in.
async fn signed_out(visitors: &Visitors, credential: &Credential) {
    loop {
        tokio::time::sleep(LOOKED_AT_EVERY).await;
        if !visitors.is_in(credential).await {
            return;
        }
    }
}

/// A socket with what it has been sent.
struct Watcher<'a> {
    socket: &'a mut Socket,
    hub: &'a Hub,
    question: Question,
    /// Whether it speaks our protocol; otherwise it gets the old page's messages.
    ours: bool,
    last_event: i64,
    /// The version of its figures.
    version: i64,
}

/// Sends until the socket ends. The subscription begins before the greeting, so nothing falls between them.
async fn serve(
    socket: &mut Socket,
    state: &AppState,
    seat: Option<Seat>,
    question: Question,
    resume: Resume,
    ours: bool,
) -> Result<(), Ended> {
    let (hub, mut here) = (&state.hub, state.presence.subscribe());
    let mut frames = hub.subscribe(&question);
    let mut watcher = Watcher { socket, hub, question, ours, last_event: 0, version: 0 };
    // What happens once or seldom is boxed: a socket that only waits stays small.
    if !Box::pin(watcher.greet(resume)).await? {
        return Ok(());
    }
    // Who is here is told after the greeting, and whenever it changes.
    here.mark_changed();
    loop {
        tokio::select! {
            Ok(()) = here.changed(), if ours => {
                let frame = here.borrow_and_update().frame.clone();
                watcher.socket.send(&frame).await?;
            }
            frame = frames.recv() => match frame {
                Ok(frame) => if !watcher.deliver(frame).await? {
                    return Ok(());
                },
                // It fell too far behind: from here on as if it had come back.
                Err(RecvError::Lagged(_)) => if !Box::pin(watcher.greet(watcher.standing())).await? {
                    return Ok(());
                },
                Err(RecvError::Closed) => return Ok(()),
            },
            heard = watcher.socket.heard() => if let (Some(seat), Some(text)) = (&seat, heard?) {
                seat.heard(&text);
            },
        }
    }
}

impl Watcher<'_> {
    /// Where it stands, as if it came back now.
    fn standing(&self) -> Resume {
        Resume { last_event: Some(self.last_event), version: Some(self.version) }
    }

    /// Brings the client to the present. False when the database does not answer: it should come back.
    async fn greet(&mut self, resume: Resume) -> Result<bool, Ended> {
        let Ok(greeting) = self.hub.greeting(&self.question, resume).await else {
            if let Some(text) = serialise(&Message::stale()).filter(|_| self.ours) {
                self.socket.send(&wire([text.as_str()])).await?;
            }
            return Ok(false);
        };
        self.last_event = greeting.last_event;
        self.version = greeting.version;
        self.socket.send(if self.ours { &greeting.ours } else { &greeting.legacy }).await?;
        Ok(true)
    }

    /// Sends a frame where it follows on what the client has; else brings the client to the present. False when it
    /// should come back.
    async fn deliver(&mut self, frame: Frame) -> Result<bool, Ended> {
        let knows_events = frame.first_event.is_none() || frame.last_event <= self.last_event;
        let knows_figures = frame.figures.is_none_or(|step| step.version <= self.version);
        if knows_events && knows_figures && (frame.first_event.is_some() || frame.figures.is_some()) {
            return Ok(true);
        }
        let follows = frame.first_event.is_none_or(|first| first == self.last_event + 1)
            && frame.figures.is_none_or(|step| step.since.is_none_or(|since| since == self.version));
        if !follows {
            return Box::pin(self.greet(self.standing())).await;
        }
        self.socket.send(if self.ours { &frame.ours } else { &frame.legacy }).await?;
        // A frame without events tells the time, not where the stream stands.
        if frame.first_event.is_some() {
            self.last_event = self.last_event.max(frame.last_event);
        }
        self.version = frame.figures.map_or(self.version, |step| step.version.max(self.version));
        Ok(true)
    }
}
