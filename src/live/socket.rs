//! The server's end of a WebSocket. What is the same for many sockets is made into the bytes of the wire once, and each
//! socket writes those very bytes: none keeps a copy, so its memory does not grow with what it is sent.

use std::future::Future;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

/// What a client may send in one message: it says where it is, and no more.
const INCOMING_MAX_BYTES: usize = 4 * 1024;
/// The read buffer of a socket: the library's own size would cost 128 KiB for each. Pongs and the end fit; more is read in parts.
const READ_BUFFER_BYTES: usize = 256;

/// A socket ended, by a fault of the network or of the client.
#[derive(Debug, thiserror::Error)]
#[error("the socket ended")]
pub struct Ended;

/// Text messages as the bytes that go over the wire (RFC 6455, section 5.2), one after the other.
pub fn wire<'a>(texts: impl IntoIterator<Item = &'a str>) -> Bytes {
    let mut out = Vec::new();
    for text in texts {
        let frame = Frame::message(text.to_owned(), OpCode::Data(Data::Text), true);
        // Writing to memory does not fail.
        let _ = frame.format(&mut out);
    }
    out.into()
}

/// One socket.
pub struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    /// Whether a frame went out in part: nothing may follow it.
    is_midway: bool,
}

/// Answers a request for a socket, and gives the socket to `serve` once the client has the answer. Of the sub-protocols
/// that the client offers, `protocol` is chosen; `serve` is told whether it was.
pub fn upgrade<F: Future<Output = ()> + Send + 'static>(
    request: Request,
    protocol: &'static str,
    serve: impl FnOnce(Socket, bool) -> F + Send + 'static,
) -> Response {
    upgrade_up_to(INCOMING_MAX_BYTES, request, protocol, serve)
}

/// The same for a client that may send messages of so many bytes.
pub fn upgrade_up_to<F: Future<Output = ()> + Send + 'static>(
    incoming_max_bytes: usize,
    mut request: Request,
    protocol: &'static str,
    serve: impl FnOnce(Socket, bool) -> F + Send + 'static,
) -> Response {
    let Ok(mut response) = create_response_with_body(&request, Body::empty) else {
        let why = "this is the address of a WebSocket: ask for an upgrade to it";
        return (StatusCode::UPGRADE_REQUIRED, [(header::UPGRADE, "websocket")], why).into_response();
    };
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let is_chosen = offered.any(|offer| offer.trim() == protocol);
    if is_chosen {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // A client that went away in between is no loss.
        let Ok(upgraded) = upgraded.await else { return };
        serve(Socket::new(TokioIo::new(upgraded), incoming_max_bytes).await, is_chosen).await;
    });
    response
}

impl Socket {
    async fn new(io: TokioIo<Upgraded>, incoming_max_bytes: usize) -> Socket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(incoming_max_bytes))
            .max_frame_size(Some(incoming_max_bytes));
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Socket { stream, is_midway: false }
    }

    /// Writes frames made by [`wire`]; returns when the system has taken them.
    pub async fn send(&mut self, frames: &Bytes) -> Result<(), Ended> {
        if frames.is_empty() {
            return Ok(());
        }
        // The library may have a pong to send: it goes first, and whole.
        self.stream.flush().await.map_err(|_| Ended)?;
        self.is_midway = true;
        let io = self.stream.get_mut();
        io.write_all(frames).await.map_err(|_| Ended)?;
        io.flush().await.map_err(|_| Ended)?;
        self.is_midway = false;
        Ok(())
    }

    /// Waits for the next message; its text, if it has one. Pings are answered by themselves.
    pub async fn heard(&mut self) -> Result<Option<Utf8Bytes>, Ended> {
        match self.stream.next().await {
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Ended),
            Some(Ok(Message::Text(text))) => Ok(Some(text)),
            Some(Ok(_)) => Ok(None),
        }
    }

    /// Closes it with 1001, going away: a client comes back by itself.
    pub async fn close(&mut self) {
        if !self.is_midway {
            let _ = self.stream.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).await;
        }
    }
}
