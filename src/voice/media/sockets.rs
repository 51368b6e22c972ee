//! The sockets that the library works with: plain ones, which count the sound that leaves, so that none waits for long behind other sound.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::ReadBuf;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit,
};

use super::SLOTS;

/// Packets of sound that may wait in the library for one listener: 200 ms of five voices. What comes on top is dropped, as the
/// library itself would let 256 wait, and whoever is that late is better off with a gap than with a delay that stays.
const WAITING_MAX: u64 = 50;

/// Streams of a browser that send reports: one for each audio line, and some to spare.
const REPORTERS_MAX: usize = 2 * SLOTS;

/// Packets of sound on their way through the library to one listener.
#[derive(Debug, Default)]
pub struct Waiting {
    queued: AtomicU64,
    sent: AtomicU64,
    // Whether they leave over UDP, where they can be counted.
    is_counted: AtomicBool,
    looked_at: (AtomicU64, AtomicU64),
}

impl Waiting {
    /// Whether another may be queued.
    pub fn has_room(&self) -> bool {
        !self.is_counted.load(Relaxed)
            || self.queued.load(Relaxed).saturating_sub(self.sent.load(Relaxed)) < WAITING_MAX
    }

    /// One was queued.
    pub fn add(&self) {
        self.queued.fetch_add(1, Relaxed);
    }

    fn leave(&self, packets: u64) {
        self.sent.fetch_add(packets, Relaxed);
        self.is_counted.store(true, Relaxed);
    }

    /// Every two seconds: what the library has not sent by now it never will, as it was refused, or leaves over TCP.
    pub fn look(&self) {
        let (queued, sent) = (self.queued.load(Relaxed), self.sent.load(Relaxed));
        let (queued_before, sent_before) = (self.looked_at.0.swap(queued, Relaxed), self.looked_at.1.load(Relaxed));
        if sent == sent_before && queued != queued_before {
            self.is_counted.store(false, Relaxed);
        }
        if sent == sent_before || queued == queued_before {
            self.sent.fetch_add(queued.saturating_sub(sent), Relaxed);
        }
        self.looked_at.1.store(self.sent.load(Relaxed), Relaxed);
    }
}

/// The library's runtime, with these sockets.
#[derive(Debug)]
pub struct Sockets {
    waiting: Arc<Waiting>,
    streams: Arc<Streams>,
}

impl Sockets {
    /// For a browser that says it sends these streams.
    pub fn new(waiting: Arc<Waiting>, sources: &[u32]) -> Sockets {
        Sockets { waiting, streams: Arc::new(Streams { sources: sources.into(), reporters: Mutex::default() }) }
    }
}

/// Streams that are let in. The library keeps something of each identifier, also before it knows whether a packet is the browser's
/// at all, and for as long as the connection lasts.
#[derive(Debug)]
struct Streams {
    sources: Box<[u32]>,
    reporters: Mutex<Vec<u32>>,
}

impl Streams {
    fn lets_in(&self, datagram: &[u8]) -> bool {
        if is_sound(datagram) {
            let source = datagram.get(8..12).and_then(|bytes| bytes.first_chunk());
            let is_named = source.is_some_and(|source| self.sources.contains(&u32::from_be_bytes(*source)));
            return is_named || self.sources.is_empty();
        }
        if !is_report(datagram) {
            return true;
        }
        let Some(reporter) = datagram.get(4..8).and_then(|bytes| bytes.first_chunk()) else { return false };
        let reporter = u32::from_be_bytes(*reporter);
        let mut reporters = self.reporters.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = reporters.contains(&reporter);
        if !is_known && reporters.len() < REPORTERS_MAX {
            reporters.push(reporter);
            return true;
        }
        is_known
    }
}

impl Runtime for Sockets {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        socket.set_nonblocking(true)?;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        Ok(Arc::new(Udp { socket, waiting: Arc::clone(&self.waiting), streams: Arc::clone(&self.streams) }))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        TokioRuntime.connect_tcp(remote)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        TokioRuntime.yield_now()
    }
}

#[derive(Debug)]
struct Udp {
    socket: tokio::net::UdpSocket,
    waiting: Arc<Waiting>,
    streams: Arc<Streams>,
}

impl AsyncUdpSocket for Udp {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        let sent = self.socket.poll_send_to(cx, transmit.contents, transmit.destination);
        if sent.is_ready() && is_sound(transmit.contents) {
            self.waiting.leave(1);
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else { return Poll::Ready(Ok(0)) };
        loop {
            let mut read = ReadBuf::new(buffer);
            let from = ready!(self.socket.poll_recv_from(cx, &mut read))?;
            let length = read.filled().len();
            if self.streams.lets_in(read.filled()) {
                (meta.addr, meta.len, meta.stride) = (from, length, length.max(1));
                return Poll::Ready(Ok(1));
            }
        }
    }
}

/// Whether a datagram is a packet of RTP rather than of RTCP, DTLS or STUN (RFC 7983, RFC 5761).
fn is_sound(datagram: &[u8]) -> bool {
    matches!(datagram, [first, second, ..] if first >> 6 == 2 && !(64..96).contains(&(second & 0x7f)))
}

fn is_report(datagram: &[u8]) -> bool {
    matches!(datagram, [first, second, ..] if first >> 6 == 2 && (64..96).contains(&(second & 0x7f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_told_from_what_else_is_sent() {
        assert!(is_sound(&[0x80, 111, 0]) && is_sound(&[0x90, 0x80 | 63, 0]));
        assert!(
            !is_sound(&[0x80, 200, 0]) && !is_sound(&[0, 1, 0]) && !is_sound(&[22, 254, 253]) && !is_sound(&[0x80])
        );
    }

    #[test]
    fn streams_that_were_not_named_are_left_out_and_reporters_are_few() {
        let Sockets { streams, .. } = Sockets::new(Arc::default(), &[7]);
        let sound = |source: u32| [&[0x80, 111, 0, 1, 0, 0, 0, 0][..], &source.to_be_bytes(), &[1, 2, 3]].concat();
        let report = |source: u32| [&[0x80, 201, 0, 1][..], &source.to_be_bytes()].concat();
        assert!(streams.lets_in(&sound(7)) && !streams.lets_in(&sound(8)) && !streams.lets_in(&sound(7)[..10]));
        assert_eq!((0..1_000).filter(|source| streams.lets_in(&report(*source))).count(), REPORTERS_MAX);
        assert!(streams.lets_in(&report(3)) && !streams.lets_in(&report(999)));
        assert!(streams.lets_in(&[0, 1, 0, 0]) && streams.lets_in(&[22, 254, 253]), "STUN and DTLS are not its matter");
        let Sockets { streams, .. } = Sockets::new(Arc::default(), &[]);
        assert!(streams.lets_in(&sound(8)), "a browser that names none may send any");
    }

    #[test]
    fn a_few_wait_and_what_never_leaves_is_forgotten() {
        let waiting = Waiting::default();
        let fill = || (0..1_000).take_while(|_| waiting.has_room()).map(|_| waiting.add()).count() as u64;
        waiting.add();
        waiting.leave(1);
        assert_eq!(fill(), WAITING_MAX);
        waiting.leave(20);
        assert_eq!(fill(), 20);
        waiting.look();
        assert!(!waiting.has_room());
        waiting.look();
        assert_eq!(fill(), WAITING_MAX, "none came and none left: they were refused");
        waiting.look();
        assert_eq!(fill(), 1_000, "they leave over TCP, where they are not counted");
    }
}
