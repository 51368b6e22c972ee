//! `GET /ws`: the live stream over a WebSocket. The protocol is described in `docs/live.md`.

use axum::Router;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;

use crate::access::session::Visitor;
use crate::live::hub::{Hub, serialise};
use crate::live::model::{Message, PROTOCOL};
use crate::server::state::AppState;

/// What a client may send in one message: it has nothing to say yet.
const INCOMING_MAX_BYTES: usize = 4 * 1024;
/// The read buffer of a socket: the library's own size would cost 128 KiB for each.
const READ_BUFFER_BYTES: usize = 1024;
/// A socket that takes no byte while this much waits is closed: it comes back and resumes.
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
}

async fn open(State(state): State<AppState>, _visitor: Visitor, Query(resume): Query<Resume>, upgrade: WebSocketUpgrade) -> Response {
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

/// Sends until the socket ends. What a client missed is sent before anything newer: the subscription begins first,
/// and frames that the greeting already covers are left out.
async fn serve(socket: &mut WebSocket, hub: &Hub, resume: Resume, ours: bool) -> Result<(), axum::Error> {
    let mut frames = hub.subscribe();
    let mut last_event = match greet(socket, hub, &resume, ours).await? {
        Some(last_event) => last_event,
        None => return Ok(()),
    };
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Ok(frame) if ours => {
                    // A frame whose events the client has still tells it the time.
                    if frame.last_event >= last_event {
                        socket.send(Frame::Text(frame.text)).await?;
                    }
                    last_event = last_event.max(frame.last_event);
                }
                Ok(frame) => {
                    for text in frame.legacy.iter() {
                        socket.send(Frame::Text(text.clone())).await?;
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    let resume = Resume { last_event: Some(last_event), revision: None };
                    match greet(socket, hub, &resume, ours).await? {
                        Some(caught_up) => last_event = caught_up,
                        None => return Ok(()),
                    }
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            incoming = socket.recv() => match incoming {
                Some(Ok(Frame::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            },
        }
    }
}

/// Brings a client to the present: with the events it missed where they are few, else with the snapshot. Returns the
/// number of the last event it then has, or `None` when the database does not answer and it should come back.
async fn greet(socket: &mut WebSocket, hub: &Hub, resume: &Resume, ours: bool) -> Result<Option<i64>, axum::Error> {
    if !ours {
        return Ok(Some(0));
    }
    let Ok(snapshot) = hub.snapshot().await else {
        if let Some(text) = serialise(&Message::Stale) {
            socket.send(Frame::Text(text)).await?;
        }
        return Ok(None);
    };
    let overview = &snapshot.overview;
    // A client may know more than this server's newest snapshot: another server told it.
    let known = resume.last_event.unwrap_or(overview.last_event);
    let Ok(missed) = hub.missed(known, overview.last_event).await else { return Ok(None) };
    let few = missed.is_some();
    let missed = missed.unwrap_or_default();
    let current = few && resume.revision.is_some_and(|revision| revision >= overview.revision);
    let message = if current {
        Message::Changes { overview: None, events: missed }
    } else {
        Message::Snapshot { snapshot: Box::new(snapshot.as_ref().clone()), missed }
    };
    if let Some(text) = serialise(&message) {
        socket.send(Frame::Text(text)).await?;
    }
    Ok(Some(known.max(overview.last_event)))
}
