//! Orders reaching WebSockets, open loop: orders are posted when they are due, whether or not sockets keep up.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use serde_json::Value;
use takings::live::model::{Message, PROTOCOL};
use takings::sales::model::Happening;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bench::{Bench, Server};
use crate::client::{Client, FIRST_ID, OrderRequest, get};
use crate::fill::empty;
use crate::report::{Histogram, Report};

/// Connections that orders are posted on: enough that none waits for another.
const POSTERS: u64 = 16;
/// Handshakes under way at once.
const HANDSHAKES: usize = 64;
/// What comes later than this after the last order is lost.
const PATIENCE: Duration = Duration::from_secs(15);
/// Read at once, and shared by the sockets of a thread: a socket of its own would not be light.
const READ_BYTES: usize = 64 * 1024;
/// Different frames that sockets of a thread are reading at about the same time.
const FRAMES_KEPT: usize = 6;

/// A frame and the orders that it announces.
type ParsedFrame = (Vec<u8>, Rc<[u64]>);

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
    static FRAMES: RefCell<VecDeque<ParsedFrame>> = const { RefCell::new(VecDeque::new()) };
}

/// What all sockets and posters share.
struct Run {
    began: Instant,
    /// When each order was answered, in microseconds after `began`; 0 before.
    committed: Vec<AtomicU64>,
    latencies: Histogram,
    received: AtomicU64,
    doubled: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
}

/// Measures every number of sockets.
pub async fn run(bench: &Bench, sockets: &[usize], rate: u64, seconds: u64) -> Outcome<()> {
    let most = sockets.iter().max().copied().unwrap_or(0) as u64;
    open_files_suffice(most + 200)?;
    let title = format!("WebSockets: {rate} orders a second, {seconds} s{}", bench.flush_words());
    let columns = [
        "deliveries",
        "lost",
        "doubled",
        "p50 ms",
        "p99 ms",
        "CPU µs/delivery",
        "server cores",
        "kB/socket",
        "RSS MB",
        "orders not 200",
    ];
    let mut report = Report::new(&title, &["sockets"], &columns);
    for &sockets in sockets {
        let mut runs = Vec::new();
        for _ in 0..bench.repetitions {
            runs.push(once(bench, sockets, rate, seconds).await?);
        }
        report.add(&[&sockets], &runs);
    }
    report.print();
    Ok(())
}

async fn once(bench: &Bench, sockets: usize, rate: u64, seconds: u64) -> Outcome<Vec<f64>> {
    empty(&bench.db).await?;
    let server = bench.server().await?;
    let orders = rate * seconds;
    let handshake = handshake(bench, &server).await?;
    // The server has done everything once before its memory is taken as the start.
    connect(&server.address, &handshake, 8).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rss_before = server.rss_kb()?;
    let streams = connect(&server.address, &handshake, sockets).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let rss_after = server.rss_kb()?;

    let mut request = OrderRequest::new(&server.address);
    let signatures = Arc::new(request.signatures(orders));
    let run = Arc::new(Run {
        began: Instant::now(),
        committed: (0..orders).map(|_| AtomicU64::new(0)).collect(),
        latencies: Histogram::new(),
        received: AtomicU64::new(0),
        doubled: AtomicU64::new(0),
        ended: AtomicU64::new(0),
        refused: AtomicU64::new(0),
    });
    // Dropped at the end of this function, which ends the sockets.
    let mut watchers = JoinSet::new();
    for (stream, pending) in streams {
        watchers.spawn(watch(stream, pending, Arc::clone(&run)));
    }
    let mut posters = JoinSet::new();
    let before = bench.cpu(&server);
    for first in 0..POSTERS {
        let (client, mut request) = (Client::connect(&server.address).await?, request.clone());
        let (run, signatures) = (Arc::clone(&run), Arc::clone(&signatures));
        posters.spawn(async move {
            let mut client = client;
            for n in (first..orders).step_by(POSTERS as usize) {
                tokio::time::sleep_until((run.began + Duration::from_secs_f64(n as f64 / rate as f64)).into()).await;
                match client.send(request.order(n, signatures.get(n as usize))).await? {
                    200 => run.committed[n as usize].store(run.now_micros(), Relaxed),
                    _ => _ = run.refused.fetch_add(1, Relaxed),
                }
            }
            Ok::<_, std::io::Error>(())
        });
    }
    while let Some(done) = posters.join_next().await {
        done??;
    }
    let refused = run.refused.load(Relaxed);
    let expected = (orders - refused) * sockets as u64;
    let deadline = Instant::now() + PATIENCE;
    while run.received.load(Relaxed) < expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = run.began.elapsed().as_secs_f64();
    let received = run.received.load(Relaxed);
    let cpu = bench.cpu(&server).server - before.server;
    let rss_at_end = server.rss_kb()?;
    if run.ended.load(Relaxed) > 0 {
        eprintln!("  {} sockets were ended by the server", run.ended.load(Relaxed));
    }
    watchers.shutdown().await;
    server.stop().await?;
    Ok(vec![
        received as f64,
        expected as f64 - received as f64,
        run.doubled.load(Relaxed) as f64,
        run.latencies.quantile_ms(0.5),
        run.latencies.quantile_ms(0.99),
        cpu * 1e6 / received.max(1) as f64,
        cpu / took,
        rss_after.saturating_sub(rss_before) as f64 / sockets.max(1) as f64,
        rss_at_end as f64 / 1024.0,
        refused as f64,
    ])
}

/// The request of a client that knows everything so far, like a page that was just served.
async fn handshake(bench: &Bench, server: &Server) -> Outcome<Vec<u8>> {
    let authorization = bench.authorization();
    let mut client = Client::connect(&server.address).await?;
    if client.send(&get("/api/v1/snapshot", &server.address, &authorization)).await? != 200 {
        return Err("the snapshot was refused".into());
    }
    let snapshot: Value = serde_json::from_slice(client.body())?;
    let number = |field: &str| snapshot["overview"][field].as_i64().ok_or("the snapshot has no overview");
    let path = format!("/ws?last_event={}&version={}", number("last_event")?, number("version")?);
    let headers = format!(
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: {PROTOCOL}\r\n{authorization}"
    );
    Ok(get(&path, &server.address, &headers))
}

async fn connect(address: &str, handshake: &[u8], sockets: usize) -> Outcome<Vec<(TcpStream, Vec<u8>)>> {
    let mut open = Vec::with_capacity(sockets);
    let mut under_way = JoinSet::new();
    while open.len() < sockets {
        while under_way.len() < HANDSHAKES && open.len() + under_way.len() < sockets {
            let (address, handshake) = (address.to_owned(), handshake.to_vec());
            under_way.spawn(async move { Client::connect(&address).await?.upgrade(&handshake).await });
        }
        if let Some(done) = under_way.join_next().await {
            open.push(done??);
        }
    }
    Ok(open)
}

/// Reads until the server ends the socket.
async fn watch(mut stream: TcpStream, mut pending: Vec<u8>, run: Arc<Run>) {
    let mut seen = vec![0u64; run.committed.len().div_ceil(64)];
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
        let outcome = ready!(Pin::new(stream).poll_read(cx, &mut buffer));
        let bytes = buffer.filled();
        if outcome.is_err() || bytes.is_empty() {
            return Poll::Ready(false);
        }
        if pending.is_empty() {
            let used = take_frames(bytes, seen, run);
            *pending = bytes[used..].to_vec();
        } else {
            pending.extend_from_slice(bytes);
            let used = take_frames(pending, seen, run);
            *pending = pending[used..].to_vec();
        }
        Poll::Ready(true)
    })
}

fn take_frames(bytes: &[u8], seen: &mut [u64], run: &Run) -> usize {
    let mut used = 0;
    while let Some((payload_at, end)) = frame(&bytes[used..]) {
        // Opcode 1 is text; a close frame is followed by the socket's end.
        if bytes[used] & 0x0f == 1 {
            run.receive(&orders_in(&bytes[used + payload_at..used + end]), seen);
        }
        used += end;
    }
    used
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

/// The orders that a frame announces. Every socket is sent the same frame: it is parsed once a thread, and recognised
/// by its bytes after that.
fn orders_in(text: &[u8]) -> Rc<[u64]> {
    FRAMES.with_borrow_mut(|frames| {
        if let Some((_, orders)) = frames.iter().rev().find(|(known, _)| known == text) {
            return Rc::clone(orders);
        }
        let events = match serde_json::from_slice::<Message>(text) {
            Ok(message) => message.events,
            _ => Vec::new(),
        };
        let created = events.iter().filter(|event| event.kind == Happening::OrderCreated);
        let orders: Rc<[u64]> =
            created.filter_map(|event| event.id.parse::<u64>().ok()?.checked_sub(FIRST_ID)).collect();
        if frames.len() == FRAMES_KEPT {
            frames.pop_front();
        }
        frames.push_back((text.to_vec(), Rc::clone(&orders)));
        orders
    })
}

impl Run {
    fn now_micros(&self) -> u64 {
        (self.began.elapsed().as_micros() as u64).max(1)
    }

    /// Counts what one socket received now. What comes before its order was answered took no time.
    fn receive(&self, orders: &[u64], seen: &mut [u64]) {
        let now = self.now_micros();
        for &n in orders {
            let (Some(committed), Some(word)) = (self.committed.get(n as usize), seen.get_mut(n as usize / 64)) else {
                continue;
            };
            let bit = 1 << (n % 64);
            if *word & bit != 0 {
                self.doubled.fetch_add(1, Relaxed);
                continue;
            }
            *word |= bit;
            let latency = match committed.load(Relaxed) {
                0 => 0,
                at => now.saturating_sub(at),
            };
            self.latencies.add_many(latency, 1);
            self.received.fetch_add(1, Relaxed);
        }
    }
}

fn open_files_suffice(wanted: u64) -> Outcome<()> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    match line.split_whitespace().next().map(str::parse::<u64>) {
        Some(Ok(limit)) if limit < wanted => {
            Err(format!("{wanted} open files are needed and {limit} are allowed: run `ulimit -n {wanted}` first")
                .into())
        }
        _ => Ok(()),
    }
}
