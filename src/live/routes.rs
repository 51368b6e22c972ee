//! `GET /ws`: the live stream over a WebSocket. The protocol is described in `docs/live.md`.

use axum::Router;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;

use crate::access::session::Visitor;
use crate::live::hub::{Frame as SharedFrame, Hub, serialise};
use crate::live::model::{Legacy, Message, PROTOCOL};
use crate::sales::model::{OrderEvent, Snapshot};
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
#[derive(Deserialize)]
struct Resume {
    /// The number of the last event it has.
    last_event: Option<i64>,
    /// The revision of the figures it has.
    revision: Option<i64>,
    /// The day that its figures call today.
    day: Option<String>,
}

impl Resume {
    /// Whether the client's figures are of this snapshot's revision and day.
    fn is_current(&self, snapshot: &Snapshot) -> bool {
        let day = snapshot.days.last().map(|day| day.date.as_str());
        self.revision.is_some_and(|revision| revision >= snapshot.overview.revision) && self.day.as_deref() == day
    }
}

async fn open(
    State(state): State<AppState>,
    _visitor: Visitor,
    Query(resume): Query<Resume>,
    upgrade: WebSocketUpgrade,
) -> Response {
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
            _ = serve(&mut socket, &state.hub, resume, ours) => {}
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
    /// Whether it speaks our protocol; otherwise it gets the old page's messages.
    ours: bool,
    last_event: i64,
}

/// Sends until the socket ends. The subscription begins before the greeting, so nothing falls between them.
async fn serve(socket: &mut WebSocket, hub: &Hub, resume: Resume, ours: bool) -> Result<(), axum::Error> {
    let mut frames = hub.subscribe();
    let mut watcher = Watcher { socket, hub, ours, last_event: 0 };
    // What happens once or seldom is boxed: a socket that only waits stays small.
    if !Box::pin(watcher.greet(&resume)).await? {
        return Ok(());
    }
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Ok(frame) => watcher.deliver(frame).await?,
                // It fell too far behind: from here on as if it had come back.
                Err(RecvError::Lagged(_)) => {
                    let resume = Resume { last_event: Some(watcher.last_event), revision: None, day: None };
                    if !Box::pin(watcher.greet(&resume)).await? {
                        return Ok(());
                    }
                }
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
    /// Brings a client to the present: with the events it missed where they are few, else with the snapshot. False
    /// when the database does not answer: it should come back.
    async fn greet(&mut self, resume: &Resume) -> Result<bool, axum::Error> {
        let Ok(snapshot) = self.hub.snapshot().await else {
            if self.ours {
                self.send(&Message::stale()).await?;
            }
            return Ok(false);
        };
        let overview = &snapshot.overview;
        // A client may know more than this server's newest snapshot: another server told it.
        let known = resume.last_event.unwrap_or(overview.last_event);
        let Ok(missed) = self.hub.missed(known, overview.last_event).await else { return Ok(false) };
        let few = missed.is_some();
        let missed = missed.unwrap_or_default();
        self.last_event = known.max(overview.last_event);
        if !self.ours {
            self.send_legacy(&missed).await?;
        } else if few && resume.is_current(&snapshot) {
            self.send(&Message::changes(None, missed)).await?;
        } else {
            self.send(&Message::snapshot(snapshot.as_ref().clone(), missed)).await?;
        }
        Ok(true)
    }

    /// Sends a frame; of one that begins with events the client has, only those it has not.
    async fn deliver(&mut self, frame: SharedFrame) -> Result<(), axum::Error> {
        if frame.first_event.is_none() && frame.last_event > self.last_event {
            // It was greeted with a snapshot older than the events that had gone out before it came.
            Box::pin(self.catch_up(frame.last_event)).await?;
        }
        match frame.first_event {
            Some(_) if frame.last_event <= self.last_event => return Ok(()),
            Some(first) if first != self.last_event + 1 => return Box::pin(self.catch_up(frame.last_event)).await,
            _ if self.ours => self.socket.send(Frame::Text(frame.text)).await?,
            _ => {
                for text in frame.legacy.iter() {
                    self.socket.send(Frame::Text(text.clone())).await?;
                }
            }
        }
        // A frame without events tells the time, not where the stream stands.
        if frame.first_event.is_some() {
            self.last_event = frame.last_event;
        }
        Ok(())
    }

    /// Sends the events that a frame leaves out between what the client has and what it brings.
    async fn catch_up(&mut self, until: i64) -> Result<(), axum::Error> {
        let Ok(Some(events)) = self.hub.missed(self.last_event, until).await else {
            let resume = Resume { last_event: Some(self.last_event), revision: None, day: None };
            return self.greet(&resume).await.map(drop);
        };
        self.last_event = until;
        if self.ours { self.send(&Message::changes(None, events)).await } else { self.send_legacy(&events).await }
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
