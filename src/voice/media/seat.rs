//! A seat in a room: its connections, its voice, what it may send, and what is counted of it.

use std::time::{Duration, Instant};

use rtc::rtp::Packet;
use tokio::sync::mpsc;

use super::frames::Frames;
use super::leg::{Leg, Stream};
use super::levels::{SILENCE, Voice};
use super::limits::Allowance;
use super::redundancy::{Gaps, Loss, Redundancy};
use super::room::{CHANGES_MAX, Changes, RTP_HEADER_BYTES, new_source, persons};
use super::slots::Standing;
use super::wire::Standing as Link;
use super::{Connection, Event, Measured, SLOTS, Seat};

/// The older connection is kept so long after the newer stands: what is under way on it still arrives.
const OVERLAP: Duration = Duration::from_secs(1);
/// Connections of a seat at once: one that stands, and one that takes its place.
pub const CONNECTIONS_MAX: usize = 2;
/// A packet of Opus with so few bytes is the silence of DTX.
const SILENT_BYTES_MAX: usize = 10;
/// How loud somebody is taken to be whose browser sends no levels, in −dBov: as loud as quiet speech.
const LEVEL_UNKNOWN: u8 = 40;

/// Somebody in a room.
pub struct Sitting {
    /// Connections, by their attempt.
    pub legs: Vec<Leg>,
    /// The newest attempt that was begun.
    pub newest: u32,
    /// Candidates that came before their connection was ready.
    pub early: Vec<(u32, String)>,
    /// Whether an offer of theirs has been answered.
    pub was_answered: bool,
    /// Whether nothing of them is forwarded.
    pub is_silenced: bool,
    /// Whether they hear nothing.
    pub is_deaf: bool,
    /// Their voice.
    pub voice: Voice,
    /// Who stands in which of their slots.
    pub standing: Standing<Seat>,
    /// What they said just before.
    pub frames: Frames,
    /// How much they are sent once more, by what they lose.
    pub redundancy: Redundancy,
    /// Bytes sent to them.
    pub sent_bytes: u64,
    /// Packets dropped by a limit or a full queue.
    pub dropped: u64,
    allowance: Allowance,
    gaps: Gaps,
    loss_up: Loss,
    loss_down: Loss,
    source: Option<Source>,
    received_bytes: u64,
    received_packets: u64,
    last_packet: Option<Instant>,
    told: [Option<i32>; SLOTS],
    changes: Changes,
}

/// Which stream of the person is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source {
    attempt: u32,
    ssrc: u32,
    id: u64,
}

impl Sitting {
    /// Somebody who has just come.
    pub fn new(now: Instant) -> Sitting {
        Sitting {
            legs: Vec::new(),
            newest: 0,
            early: Vec::new(),
            was_answered: false,
            is_silenced: false,
            is_deaf: false,
            voice: Voice::default(),
            standing: Standing::default(),
            frames: Frames::default(),
            redundancy: Redundancy::default(),
            sent_bytes: 0,
            dropped: 0,
            allowance: Allowance::new(now),
            gaps: Gaps::default(),
            loss_up: Loss::default(),
            loss_down: Loss::default(),
            source: None,
            received_bytes: 0,
            received_packets: 0,
            last_packet: None,
            told: [None; SLOTS],
            changes: Changes::new(),
        }
    }

    /// Takes a packet of the person in: how it is coded and how loud it is, if it is to be forwarded.
    pub fn take(&mut self, attempt: u32, packet: &Packet, now: Instant) -> Option<(Stream, Option<u8>)> {
        let codecs = self.legs.iter().find(|leg| leg.attempt == attempt)?.codecs;
        let bytes = RTP_HEADER_BYTES + packet.header.get_extension_payload_len() + packet.payload.len();
        self.received_bytes += bytes as u64;
        self.received_packets += 1;
        self.last_packet = Some(now);
        if !self.choose_source(attempt, packet.header.ssrc) {
            return None;
        }
        self.gaps.count(packet.header.sequence_number);
        let stream = codecs.stream(packet.header.payload_type);
        let passes = stream.is_some_and(|stream| self.allowance.takes(bytes, stream.is_redundant, now));
        if !passes {
            self.dropped += 1;
            return None;
        }
        if self.is_silenced || packet.payload.is_empty() {
            return None;
        }
        let stream = stream?;
        self.frames.keep(packet.header.timestamp, &packet.payload, stream.is_redundant);
        let extension = codecs.level.and_then(|id| packet.header.get_extension(id));
        let told = extension.and_then(|level| level.first().map(|level| level & SILENCE));
        let guessed = if packet.payload.len() > SILENT_BYTES_MAX { LEVEL_UNKNOWN } else { SILENCE };
        let level = if codecs.level.is_some() { told } else { Some(guessed) };
        Some((stream, level))
    }

    /// The stream that is forwarded.
    pub fn source_id(&self) -> u64 {
        self.source.map_or(0, |source| source.id)
    }

    /// A browser that makes a new connection sends over both for a while: the newer counts from its first packet.
    fn choose_source(&mut self, attempt: u32, ssrc: u32) -> bool {
        match self.source {
            Some(source) if source.attempt == attempt && source.ssrc == ssrc => true,
            Some(source) if source.attempt > attempt && self.legs.iter().any(|leg| leg.attempt == source.attempt) => {
                false
            }
            _ => {
                self.source = Some(Source { attempt, ssrc, id: new_source() });
                self.gaps.restart();
                self.frames.clear();
                true
            }
        }
    }

    /// Nothing of them is forwarded, or it is again.
    pub fn silence(&mut self, is_silenced: bool) {
        if self.is_silenced == is_silenced {
            return;
        }
        self.is_silenced = is_silenced;
        self.voice.hush();
        self.frames.clear();
        if let Some(source) = &mut self.source {
            // What was left out is not to look lost to the listeners.
            source.id = new_source();
        }
    }

    /// A connection changed.
    pub fn link(&mut self, attempt: u32, link: Link, now: Instant) {
        let other_stands =
            self.legs.iter().any(|leg| leg.attempt != attempt && leg.is_connected && leg.superseded.is_none());
        let Some(leg) = self.legs.iter_mut().find(|leg| leg.attempt == attempt) else { return };
        let connects = link == Link::Connected;
        leg.has_failed |= link == Link::Failed;
        if leg.is_connected == connects {
            // One that never stood and fails is over as well.
            if link != Link::Failed {
                return;
            }
        }
        leg.is_connected = connects;
        let is_superseded = leg.superseded.is_some();
        if connects {
            leg.cut();
            if self.legs.iter().any(|leg| leg.attempt > attempt && leg.is_connected) {
                // It comes late: a newer one stands already, which it is to make way for.
                let late = self.legs.iter_mut().find(|leg| leg.attempt == attempt);
                late.into_iter().for_each(|leg| leg.superseded = Some(now));
                return;
            }
            for older in self.legs.iter_mut().filter(|leg| leg.attempt < attempt) {
                older.superseded.get_or_insert(now);
            }
            // The browser may be another page by now, which knows nothing of who stands where.
            self.told = [None; SLOTS];
        } else if is_superseded || other_stands {
            // Sound flows all the same: nobody has to hear of it.
            return;
        }
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(if connects { Connection::Connected(attempt) } else { Connection::Lost(attempt) });
    }

    /// Takes out the connections that are over.
    pub fn outdated(&mut self, now: Instant, connecting_max: Duration) -> Vec<Leg> {
        let passed = |since: Instant, time| now.saturating_duration_since(since) >= time;
        let is_over = |leg: &mut Leg| {
            leg.has_failed
                || leg.superseded.is_some_and(|since| passed(since, OVERLAP))
                || (!leg.is_connected && passed(leg.opened, connecting_max))
        };
        self.legs.extract_if(.., is_over).collect()
    }

    /// Makes room for another connection: takes out those that stand least.
    pub fn make_room(&mut self) -> Vec<Leg> {
        let mut over = Vec::new();
        while self.legs.len() >= CONNECTIONS_MAX {
            let least = self.legs.iter().enumerate().min_by_key(|(_, leg)| (leg.is_connected, leg.attempt));
            match least.map(|(n, _)| n) {
                Some(n) => over.push(self.legs.remove(n)),
                None => break,
            }
        }
        over
    }

    /// The listener's browser says what it lost.
    pub fn note_loss(&mut self, percent: f64, now: Instant) {
        self.loss_down.tell(percent, now);
    }

    /// A second has passed: how much they are sent once more follows what they lose. What is lost of what they say, in percent.
    pub fn settle_losses(&mut self, now: Instant) -> Option<f64> {
        self.redundancy.update(self.loss_down.percent(now).unwrap_or(0.0), now);
        if let Some(percent) = self.gaps.since_last() {
            self.loss_up.tell(percent, now);
        }
        self.loss_up.percent(now)
    }

    /// Tells what has changed.
    pub fn tell(&mut self, seat: Seat, events: &mpsc::Sender<Event>) {
        while let Some(change) = self.changes.front() {
            if events.try_send(Event::Connection(seat, *change)).is_err() {
                return;
            }
            self.changes.pop_front();
        }
        let slots = persons(&self.standing);
        if slots != self.told && events.try_send(Event::Slots(seat, slots)).is_ok() {
            self.told = slots;
        }
    }

    /// What is measured of them.
    pub fn measured(&self, now: Instant) -> Measured {
        let newest = self.legs.iter().filter(|leg| leg.is_connected).max_by_key(|leg| leg.attempt);
        let known = newest.map(|leg| leg.known).unwrap_or_default();
        let ms = |since: Instant| now.saturating_duration_since(since).as_millis() as u64;
        Measured {
            up_bytes: self.received_bytes,
            down_bytes: self.sent_bytes,
            up_packets: self.received_packets,
            up_lost: self.gaps.lost(),
            dropped: self.dropped,
            rtt_ms: known.rtt_ms,
            down_loss_percent: self.loss_down.percent(now),
            silent_ms: self.last_packet.map(ms),
            is_connected: newest.is_some(),
            remote: known.remote,
        }
    }
}
