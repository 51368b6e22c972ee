//! `GET /ws`: the live stream over a WebSocket. The protocol is described in `docs/live.md`.

use axum::Router;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;

use crate::access::session::Visitor;
use crate::live::hub::{Frame as SharedFrame, Hub, serialise};
use crate::live::model::{Legacy, Message, PROTOCOL};
use crate::sales::model::OrderEvent;
use crate::sales::question::Question;
use crate::server::state::AppState;

/// What a client may send in one message: it has nothing to say yet.
const INCOMING_MAX_BYTES: usize = 4 * 1024;
/// The read buffer of a socket: the library's own size would cost 128 KiB for each.
const READ_BUFFER_BYTES: usize = 1024;
/// What may wait for one socket: beyond it the socket ends, comes back and resumes.
const WRITE_BUFFER_MAX_BYTES: usize = 256 * 1024;

/// The route of the socket.
pub fn routes() -> Router<AppState> {
    Router::new().route("/ws", get(open))
}

/// Where a client left off.
#[derive(Deserialize, Clone, Copy, Default)]
struct Resume {
    /// The number of the last event it has.
    last_event: Option<i64>,
    /// The version of the figures it has.
    version: Option<i64>,
}

async fn open(
    State(state): State<AppState>,
    _visitor: Visitor,
    Query(resume): Query<Resume>,
    Query(pairs): Query<Vec<(String, String)>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let question = match Question::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
        Ok(question) => question,
        Err(sentence) => return (StatusCode::BAD_REQUEST, sentence).into_response(),
    };
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MAX_BYTES)
        .max_message_size(INCOMING_MAX_BYTES);
    upgrade.on_upgrade(move |mut socket| async move {
        let ours = socket.protocol().is_some();
        let shutdown = state.shutdown.clone();
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = serve(&mut socket, &state.hub, question, resume, ours) => {}
        }
        // 1001, going away: a client comes back by itself.
        let close = axum::extract::ws::CloseFrame { code: 1001, reason: Utf8Bytes::from_static("") };
        let _ = socket.send(Frame::Close(Some(close))).await;
    })
}

/// A socket with what it has been sent.
struct Watcher<'a> {
    socket: &'a mut WebSocket,
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
    socket: &mut WebSocket,
    hub: &Hub,
    question: Question,
    resume: Resume,
    ours: bool,
) -> Result<(), axum::Error> {
    let mut frames = hub.subscribe(&question);
    let mut watcher = Watcher { socket, hub, question, ours, last_event: 0, version: 0 };
    // What happens once or seldom is boxed: a socket that only waits stays small.
    if !Box::pin(watcher.greet(resume)).await? {
        return Ok(());
    }
    loop {
        tokio::select! {
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
            incoming = watcher.socket.recv() => match incoming {
                Some(Ok(Frame::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            },
        }
    }
}

impl Watcher<'_> {
    /// Where it stands, as if it came back now.
    fn standing(&self) -> Resume {
        Resume { last_event: Some(self.last_event), version: Some(self.version) }
    }

    /// Brings a client to the present: with the events it missed where they are few, and with what changed in the figures
    /// it has, or the snapshot. False when the database does not answer: it should come back.
    async fn greet(&mut self, resume: Resume) -> Result<bool, axum::Error> {
        let snapshot = match self.hub.snapshot(&self.question).await {
            Ok(snapshot) => snapshot,
            Err(_) => {
                if self.ours {
                    self.send(&Message::stale()).await?;
                }
                return Ok(false);
            }
        };
        let overview = &snapshot.overview;
        // A client may know more than this server's newest snapshot: another server told it.
        let known = resume.last_event.unwrap_or(overview.last_event);
        let Ok((missed, last_event)) = self.hub.missed(known).await else { return Ok(false) };
        let few = missed.is_some();
        let missed = missed.unwrap_or_default();
        self.last_event = last_event;
        self.version = overview.version;
        if !self.ours {
            return self.send_legacy(&missed).await.map(|()| true);
        }
        let message = match resume.version.filter(|_| few) {
            Some(version) if version == overview.version => Message::events(missed),
            Some(version) => match self.hub.changes_since(&self.question, version, &snapshot) {
                Some(changes) => Message::changes(changes, missed),
                None => Message::snapshot(snapshot.as_ref().clone(), missed),
            },
            None => Message::snapshot(snapshot.as_ref().clone(), missed),
        };
        self.send(&message).await?;
        Ok(true)
    }

    /// Sends a frame where it follows on what the client has; else brings the client to the present. False when it
    /// should come back.
    async fn deliver(&mut self, frame: SharedFrame) -> Result<bool, axum::Error> {
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
        if self.ours {
            self.socket.send(Frame::Text(frame.text)).await?;
        } else {
            for text in frame.legacy.iter() {
                self.socket.send(Frame::Text(text.clone())).await?;
            }
        }
        // A frame without events tells the time, not where the stream stands.
        if frame.first_event.is_some() {
            self.last_event = self.last_event.max(frame.last_event);
        }
        self.version = frame.figures.map_or(self.version, |step| step.version.max(self.version));
        Ok(true)
    }

    async fn send(&mut self, message: &impl serde::Serialize) -> Result<(), axum::Error> {
        match serialise(message) {
            Some(text) => self.socket.send(Frame::Text(text)).await,
            None => Ok(()),
        }
    }

    async fn send_legacy(&mut self, events: &[OrderEvent]) -> Result<(), axum::Error> {
        for message in events.iter().filter_map(Legacy::of) {
            self.send(&message).await?;
        }
        Ok(())
    }
}
