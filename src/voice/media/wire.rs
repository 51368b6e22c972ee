//! A connection on the wire: the library's protocols, which have neither sockets nor clocks, and the sockets that they speak over. What
//! comes is dealt with where it arrives and what leaves is sent where it arises, so that a packet passes without one task waking another.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use rtc::media_stream::MediaStreamTrackId;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::rtp::Packet;
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};

use super::admission::{Admission, Kind};

/// Bytes of a datagram at most: more than any network carries in one piece.
pub const DATAGRAM_MAX: usize = 2_048;
/// Datagrams that are read in one go.
const BURST_MAX: usize = 32;
/// Streams of TCP at once: a browser opens one for each of its networks.
const LINES_MAX: usize = 4;
/// Packets that may wait for a stream of TCP: 200 ms of five voices. What comes on top is dropped, as whoever is that late is better off
/// with a gap than with a delay that stays. Nothing waits for UDP.
const FRAMES_MAX: usize = 50;
/// The protocols' timers are kept this exactly, …
const TIMER_MIN: Duration = Duration::from_millis(5);
/// … and looked at this often even if they say nothing.
const TIMER_MAX: Duration = Duration::from_secs(1);

/// Hears of what happens to a connection. Nothing in it may wait.
pub trait Watcher: Send + Sync + 'static {
    /// A packet came.
    fn packet(&self, packet: &Packet);
    /// Media flows, or does not any more (then whether it is over for good).
    fn state(&self, state: Standing);
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Media can flow.
    Connected,
    /// Nothing is heard at the moment.
    Lost,
    /// It is over.
    Failed,
}

/// The addresses of this side.
#[derive(Debug, Clone, Copy)]
pub struct Local {
    /// Of the connection's own socket.
    pub udp: SocketAddr,
    /// Where all connections take streams of TCP.
    pub tcp: Option<SocketAddr>,
}

/// A connection on the wire.
pub struct Wire {
    protocols: Mutex<Protocols>,
    udp: UdpSocket,
    local: Local,
    // By the address of the browser.
    lines: Mutex<HashMap<SocketAddr, mpsc::Sender<Bytes>>>,
    watcher: Box<dyn Watcher>,
    // What was done from outside may have moved a timer.
    stirred: Notify,
    is_closed: AtomicBool,
}

struct Protocols {
    peer: RTCPeerConnection,
    admission: Admission,
    // The one that is heard: a microphone is one stream.
    track: Option<MediaStreamTrackId>,
    remote: Option<SocketAddr>,
}

/// What is to be handed on once the protocols are left alone.
#[derive(Default)]
struct Arrived {
    packets: Vec<Packet>,
    standings: Vec<Standing>,
}

impl Wire {
    /// Protocols that have been negotiated, over this socket.
    pub fn new(
        peer: RTCPeerConnection,
        udp: UdpSocket,
        local: Local,
        admission: Admission,
        watcher: Box<dyn Watcher>,
    ) -> Wire {
        let protocols = Protocols { peer, admission, track: None, remote: None };
        Wire {
            protocols: Mutex::new(protocols),
            udp,
            local,
            lines: Mutex::default(),
            watcher,
            stirred: Notify::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Listens and keeps time until it is closed.
    pub async fn run(self: Arc<Wire>) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut timer = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        let mut told_at = Instant::now();
        while !self.is_closed.load(Ordering::Acquire) {
            let is_stirred = tokio::select! {
                ready = self.udp.readable() => match ready {
                    Ok(()) => {
                        // A port that is flooded lets others have their turn.
                        tokio::task::coop::consume_budget().await;
                        self.receive(&mut buffer)
                    }
                    Err(_) => return,
                },
                () = timer.as_mut() => {
                    told_at = Instant::now();
                    self.pass_time(told_at);
                    true
                }
                () = self.stirred.notified() => true,
            };
            if is_stirred {
                timer.as_mut().reset(self.next(told_at).into());
            }
        }
    }

    /// Does something with the protocols from outside.
    pub fn with<T>(&self, work: impl FnOnce(&mut RTCPeerConnection) -> T) -> T {
        let done = work(&mut self.protocols().peer);
        self.stirred.notify_one();
        done
    }

    /// Looks at the protocols.
    pub fn look<T>(&self, work: impl FnOnce(&mut RTCPeerConnection) -> T) -> T {
        work(&mut self.protocols().peer)
    }

    /// Where its packets go at present.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.protocols().remote
    }

    /// Sends a packet, now or never: whether it left.
    pub fn say(&self, packet: Packet, now: Instant) -> bool {
        let mut protocols = self.protocols();
        let message = RTCMessage::RtpPacket(MediaStreamTrackId::default(), packet);
        protocols.peer.handle_write(TaggedRTCMessage { now, message }).is_ok() && self.send(&mut protocols)
    }

    /// A stream of TCP from a browser: what is to be written to it. None if it has too many.
    pub fn open_line(&self, browser: SocketAddr) -> Option<mpsc::Receiver<Bytes>> {
        let mut lines = lock(&self.lines);
        if self.is_closed.load(Ordering::Acquire) || lines.len() >= LINES_MAX {
            return None;
        }
        let (line, frames) = mpsc::channel(FRAMES_MAX);
        lines.insert(browser, line);
        Some(frames)
    }

    /// The stream has ended.
    pub fn close_line(&self, browser: SocketAddr) {
        lock(&self.lines).remove(&browser);
    }

    /// A message came over a browser's stream of TCP.
    pub fn hear(&self, browser: SocketAddr, message: &[u8]) {
        let Some(local) = self.local.tcp else { return };
        let mut protocols = self.protocols();
        let is_sound = self.take(&mut protocols, (local, browser), TransportProtocol::TCP, message, Instant::now());
        let arrived = self.settle(&mut protocols, is_sound);
        drop(protocols);
        self.hand_on(arrived);
        if !is_sound {
            self.stirred.notify_one();
        }
    }

    /// Says that it ends, and ends.
    pub fn close(&self) {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut protocols = self.protocols();
        if let Err(error) = protocols.peer.close() {
            tracing::debug!("a voice connection did not close: {error}");
        }
        self.send(&mut protocols);
        lock(&self.lines).clear();
        self.stirred.notify_one();
    }

    fn protocols(&self) -> MutexGuard<'_, Protocols> {
        lock(&self.protocols)
    }

    /// Reads what has come: whether it was more than sound.
    fn receive(&self, buffer: &mut [u8]) -> bool {
        let mut protocols = self.protocols();
        let (now, mut is_sound) = (Instant::now(), true);
        for _ in 0..BURST_MAX {
            match self.udp.try_recv_from(buffer) {
                Ok((length, from)) => {
                    let ways = (self.local.udp, from);
                    is_sound &= self.take(&mut protocols, ways, TransportProtocol::UDP, &buffer[..length], now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                // Of a datagram that somebody refused.
                Err(_) => {}
            }
        }
        let arrived = self.settle(&mut protocols, is_sound);
        drop(protocols);
        self.hand_on(arrived);
        !is_sound
    }

    /// Gives a datagram to the protocols: whether it is sound.
    fn take(
        &self,
        protocols: &mut Protocols,
        (local_addr, peer_addr): (SocketAddr, SocketAddr),
        transport_protocol: TransportProtocol,
        datagram: &[u8],
        now: Instant,
    ) -> bool {
        if protocols.admission.lets_in(peer_addr, datagram) {
            let transport = TransportContext { local_addr, peer_addr, ecn: None, transport_protocol };
            let message = TaggedBytesMut { now, transport, message: BytesMut::from(datagram) };
            if let Err(error) = protocols.peer.handle_read(message) {
                tracing::trace!("a datagram of voice was not taken: {error}");
            }
        }
        Kind::of(datagram) == Kind::Sound
    }

    fn pass_time(&self, now: Instant) {
        let mut protocols = self.protocols();
        if let Err(error) = protocols.peer.handle_timeout(now) {
            tracing::debug!("a voice connection stumbled: {error}");
        }
        let arrived = self.settle(&mut protocols, false);
        drop(protocols);
        self.hand_on(arrived);
    }

    /// Takes from the protocols what they have to say. Sound alone asks for no answer and changes nothing.
    fn settle(&self, protocols: &mut Protocols, was_sound: bool) -> Arrived {
        let mut arrived = Arrived::default();
        while let Some(TaggedRTCMessage { message, .. }) = protocols.peer.poll_read() {
            if let RTCMessage::RtpPacket(track, packet) = message
                && *protocols.track.get_or_insert_with(|| track.clone()) == track
            {
                arrived.packets.push(packet);
            }
        }
        if !was_sound {
            while let Some(event) = protocols.peer.poll_event() {
                arrived.standings.extend(standing(&event));
            }
            self.send(protocols);
        }
        arrived
    }

    fn hand_on(&self, arrived: Arrived) {
        arrived.packets.iter().for_each(|packet| self.watcher.packet(packet));
        arrived.standings.into_iter().for_each(|standing| self.watcher.state(standing));
    }

    /// Sends what waits: whether all of it left.
    fn send(&self, protocols: &mut Protocols) -> bool {
        let mut all_left = true;
        while let Some(TaggedBytesMut { transport, message, .. }) = protocols.peer.poll_write() {
            match Kind::of(&message) {
                Kind::Check => protocols.admission.answers(transport.peer_addr, &message),
                // All others go the way that was chosen.
                _ => protocols.remote = Some(transport.peer_addr),
            }
            all_left &= if transport.transport_protocol == TransportProtocol::TCP {
                let lines = lock(&self.lines);
                lines.get(&transport.peer_addr).is_some_and(|line| line.try_send(framed(&message)).is_ok())
            } else {
                self.udp.try_send_to(&message, transport.peer_addr).is_ok()
            };
        }
        all_left
    }

    /// When the protocols, which were told the time last at an instant, want to be told it again.
    fn next(&self, told_at: Instant) -> Instant {
        let latest = Instant::now() + TIMER_MAX;
        let next = self.protocols().peer.poll_timeout().unwrap_or(latest);
        next.clamp(told_at + TIMER_MIN, latest)
    }
}

fn standing(event: &RTCPeerConnectionEvent) -> Option<Standing> {
    let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event else { return None };
    match state {
        RTCPeerConnectionState::Connected => Some(Standing::Connected),
        RTCPeerConnectionState::Disconnected => Some(Standing::Lost),
        RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => Some(Standing::Failed),
        _ => None,
    }
}

/// A message for a stream: after its length (RFC 4571).
fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(2 + message.len());
    frame.put_u16(message.len() as u16);
    frame.put_slice(message);
    frame.freeze()
}

/// A panic elsewhere leaves connections as they are: the calls go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
