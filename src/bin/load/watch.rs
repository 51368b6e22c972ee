//! The clients' end of many sockets: as little work as possible for each message, the same for every server.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use serde::Deserialize;
use takings::sales::model::Happening;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, ReadBuf};
use tokio::net::TcpStream;

use crate::client::FIRST_ID;
use crate::report::Histogram;

/// Read at once, and shared by the sockets of a thread: a socket of its own would not be light.
const READ_BYTES: usize = 64 * 1024;
/// Different frames that sockets of a thread are reading at about the same time.
const FRAMES_KEPT: usize = 6;
/// A slow reader reads so little,
const SLOW_BYTES: usize = 256;
/// so seldom: 512 bytes a second, of some 30,000 that it is sent.
const SLOW_PAUSE: Duration = Duration::from_millis(500);
/// The room that a slow reader makes for what comes when it reads at last.
const ROOM_BYTES: usize = 256 * 1024;
/// The opcodes of RFC 6455 that matter here.
const TEXT: u8 = 1;
const PING: u8 = 9;
/// The answer to a ping, masked with zeros; and Socket.IO's own.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];
const SOCKET_IO_PONG: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
    static FRAMES: RefCell<VecDeque<(Vec<u8>, Heard)>> = const { RefCell::new(VecDeque::new()) };
}

/// What all sockets and posters share.
pub struct Run {
    /// When the first order is due.
    pub began: Instant,
    /// Orders a second.
    pub rate: u64,
    /// How many sockets have heard of each order; the slow ones do not count.
    pub delivered: Vec<AtomicU32>,
    /// From when an order was due to its receipt.
    pub latencies: Histogram,
    /// Deliveries beyond the first of an order to a socket.
    pub doubled: AtomicU64,
    /// Bytes that sockets read; the slow ones do not count.
    pub bytes: AtomicU64,
    /// Sockets that the server ended.
    pub ended: AtomicU64,
    /// The number of the last event, once all orders are in: from then on the slow read on.
    pub last_event: AtomicI64,
    /// Slow sockets that have that event.
    pub caught_up: AtomicU64,
}

impl Run {
    /// For so many orders, the first of them due now.
    pub fn new(orders: u64, rate: u64) -> Run {
        Run {
            began: Instant::now(),
            rate,
            delivered: (0..orders).map(|_| AtomicU32::new(0)).collect(),
            latencies: Histogram::new(),
            doubled: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last_event: AtomicI64::new(i64::MAX),
            caught_up: AtomicU64::new(0),
        }
    }

    /// When an order is due, in microseconds after the beginning.
    pub fn due_micros(&self, n: u64) -> u64 {
        n * 1_000_000 / self.rate
    }

    /// All deliveries so far.
    pub fn received(&self) -> u64 {
        self.delivered.iter().map(|n| u64::from(n.load(Relaxed))).sum()
    }

    /// Counts what one socket received now.
    fn receive(&self, orders: &[u64], seen: &mut [u64]) {
        let now = self.began.elapsed().as_micros() as u64;
        for &n in orders {
            let (Some(delivered), Some(word)) = (self.delivered.get(n as usize), seen.get_mut(n as usize / 64)) else {
                continue;
            };
            let bit = 1 << (n % 64);
            if *word & bit != 0 {
                self.doubled.fetch_add(1, Relaxed);
                continue;
            }
            *word |= bit;
            delivered.fetch_add(1, Relaxed);
            self.latencies.add_many(now.saturating_sub(self.due_micros(n)), 1);
        }
    }
}

/// Reads until the server ends the socket.
pub async fn watch(mut stream: TcpStream, mut pending: Vec<u8>, run: Arc<Run>) {
    let mut seen = vec![0u64; run.delivered.len().div_ceil(64)];
    while std::future::poll_fn(|cx| poll_read(cx, &mut stream, &mut pending, &mut seen, &run)).await {}
    run.ended.fetch_add(1, Relaxed);
}

/// Reads once and takes the frames that are whole; `pending` keeps the start of one that is not. Ready with false at
/// the socket's end.
fn poll_read(
    cx: &mut Context<'_>,
    stream: &mut TcpStream,
    pending: &mut Vec<u8>,
    seen: &mut [u64],
    run: &Run,
) -> Poll<bool> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        let outcome = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
        let bytes = buffer.filled();
        if outcome.is_err() || bytes.is_empty() {
            return Poll::Ready(false);
        }
        run.bytes.fetch_add(bytes.len() as u64, Relaxed);
        take(stream, pending, bytes, |heard| run.receive(&heard.orders, seen));
        Poll::Ready(true)
    })
}

/// Reads little and late until all orders are in, then the rest, up to the last event or the socket's end.
pub async fn watch_late(stream: TcpStream, pending: Vec<u8>, run: Arc<Run>) {
    let count = match read_late(stream, pending, &run).await {
        Ok(()) => &run.caught_up,
        Err(_) => &run.ended,
    };
    count.fetch_add(1, Relaxed);
}

async fn read_late(mut stream: TcpStream, mut pending: Vec<u8>, run: &Run) -> std::io::Result<()> {
    let (mut known, mut little) = (0, [0; SLOW_BYTES]);
    while run.last_event.load(Relaxed) == i64::MAX {
        tokio::time::sleep(SLOW_PAUSE).await;
        // Nothing may be there to be read.
        if let Ok(read) = tokio::time::timeout(SLOW_PAUSE, stream.read(&mut little)).await {
            let bytes = some(&little, read?)?;
            take(&stream, &mut pending, bytes, |heard| known = known.max(heard.last_event));
        }
    }
    // Without room the rest would come by a few hundred bytes at a time.
    setsockopt(&stream, sockopt::RcvBuf, &ROOM_BYTES)?;
    let mut much = vec![0; READ_BYTES];
    while known < run.last_event.load(Relaxed) {
        let read = stream.read(&mut much).await?;
        let bytes = some(&much, read)?;
        take(&stream, &mut pending, bytes, |heard| known = known.max(heard.last_event));
    }
    Ok(())
}

/// What was read; nothing is the socket's end.
fn some(buffer: &[u8], read: usize) -> std::io::Result<&[u8]> {
    buffer.get(..read).filter(|bytes| !bytes.is_empty()).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

/// Takes the frames that are whole with the new bytes, answers pings, and keeps the rest.
fn take(stream: &TcpStream, pending: &mut Vec<u8>, bytes: &[u8], mut each: impl FnMut(&Heard)) {
    let joined;
    let bytes = if pending.is_empty() {
        bytes
    } else {
        pending.extend_from_slice(bytes);
        joined = std::mem::take(pending);
        &joined
    };
    let mut used = 0;
    while let Some((payload_at, end)) = frame(&bytes[used..]) {
        let payload = &bytes[used + payload_at..used + end];
        match bytes[used] & 0x0f {
            // A few bytes: a socket that has no room for them is not listened to any more.
            PING => _ = stream.try_write(PONG),
            TEXT if payload == b"2" => _ = stream.try_write(SOCKET_IO_PONG),
            TEXT => each(&heard_in(payload)),
            _ => {}
        }
        used += end;
    }
    *pending = bytes[used..].to_vec();
}

/// Where the payload of the first frame begins and ends, if it is all there. A server's frames are not masked.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match bytes.get(1)? & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = start + length as usize;
    (bytes.len() >= end).then_some((start, end))
}

/// What a frame says: the orders that are new, counted from 0, and the number of the last event that it knows of.
#[derive(Clone, Default)]
struct Heard {
    orders: Rc<[u64]>,
    last_event: i64,
}

/// What is read of a message: all servers tell of events alike.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    events: Vec<Event>,
    snapshot: Option<Shown>,
}

#[derive(Deserialize)]
struct Event {
    sequence: i64,
    kind: Happening,
    id: String,
}

#[derive(Deserialize)]
struct Shown {
    overview: Standing,
}

#[derive(Deserialize)]
struct Standing {
    last_event: i64,
}

/// Every socket is sent the same frame: it is parsed once a thread, and recognised by its bytes after that.
fn heard_in(text: &[u8]) -> Heard {
    FRAMES.with_borrow_mut(|frames| {
        if let Some((_, heard)) = frames.iter().rev().find(|(known, _)| known == text) {
            return heard.clone();
        }
        let heard = parse(text);
        if frames.len() == FRAMES_KEPT {
            frames.pop_front();
        }
        frames.push_back((text.to_vec(), heard.clone()));
        heard
    })
}

fn parse(text: &[u8]) -> Heard {
    // Socket.IO's events are `42["name",message]`.
    let told = match text.strip_prefix(b"42") {
        Some(named) => serde_json::from_slice::<(String, Told)>(named).map(|(_, told)| told),
        None => serde_json::from_slice(text),
    };
    let Ok(told) = told else { return Heard::default() };
    let created = told.events.iter().filter(|event| event.kind == Happening::OrderCreated);
    let orders = created.filter_map(|event| event.id.parse::<u64>().ok()?.checked_sub(FIRST_ID)).collect();
    let known = told.events.iter().map(|event| event.sequence).chain(told.snapshot.map(|s| s.overview.last_event));
    Heard { orders, last_event: known.max().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_s_messages_are_understood() {
        let event = format!(r#"{{"sequence":5,"kind":"order_created","id":"{}","number":null}}"#, FIRST_ID + 3);
        let message = format!(r#"{{"type":"changes","events":[{event}]}}"#);
        let snapshot = r#"{"type":"snapshot","snapshot":{"overview":{"last_event":9},"days":[]},"events":[]}"#;
        let heard = |text: &str| {
            let heard = parse(text.as_bytes());
            (heard.orders.to_vec(), heard.last_event)
        };
        assert_eq!(heard(&message), (vec![3], 5));
        assert_eq!(heard(&format!(r#"42["changes",{message}]"#)), (vec![3], 5));
        assert_eq!(heard(snapshot), (vec![], 9));
        assert_eq!(heard(r#"0{"sid":"x","pingInterval":25000}"#), (vec![], 0));
    }

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        assert_eq!(frame(&[0x81, 2, b'h', b'i', 0x81]), Some((2, 4)));
        assert_eq!(frame(&[0x81, 2, b'h']), None);
        let long: Vec<u8> = [0x81, 126, 1, 0].into_iter().chain([b'x'; 256]).collect();
        assert_eq!(frame(&long), Some((4, 260)));
        assert_eq!(frame(&long[..100]), None);
    }
}
