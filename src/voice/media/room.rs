//! A room: its seats, who is heard by whom, and what becomes of a packet. Knows nothing of sockets, and asks for the time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rtc::rtp::{Header, Packet};
use tokio::sync::mpsc;

use super::connection::Connection as Wired;
use super::frames::Frames;
use super::leg::{Leg, Stream};
use super::levels::SILENCE;
use super::redundancy::Redundancy;
use super::seat::Sitting;
use super::slots::{Heard, Present, Standing};
use super::wire::Standing as Link;
use super::{Connection, Event, SLOTS, Seat};

/// Who speaks is told at most five times a second, unless somebody begins or ends.
const SPEAKERS_EVERY: Duration = Duration::from_millis(200);
/// A level that changed by less is not told again.
const LEVEL_STEP: u8 = 4;
/// Losses are looked at once a second.
const LOSSES_EVERY: Duration = Duration::from_secs(1);
/// An attempt that has not connected by then never will: the browser has begun another.
const CONNECTING_MAX: Duration = Duration::from_secs(20);

/// Streams of speakers are told apart by it.
static NEXT_SOURCE: AtomicU64 = AtomicU64::new(1);

/// A number that no other stream has.
pub fn new_source() -> u64 {
    NEXT_SOURCE.fetch_add(1, Ordering::Relaxed)
}

/// A room.
pub struct Room {
    /// Its number.
    pub number: i32,
    /// Those who are in it.
    pub seats: BTreeMap<Seat, Sitting>,
    heard: Heard<Seat>,
    redundancy: Redundancy,
    losses_at: Instant,
    told_red: bool,
    told_speakers: Vec<(i32, u8)>,
    told_speakers_at: Option<Instant>,
    // Somebody begins or ends to speak: that is told at once.
    is_urgent: bool,
}

impl Room {
    /// An empty one.
    pub fn new(number: i32, now: Instant) -> Room {
        Room {
            number,
            seats: BTreeMap::new(),
            heard: Heard::default(),
            redundancy: Redundancy::default(),
            losses_at: now,
            told_red: false,
            told_speakers: Vec::new(),
            told_speakers_at: None,
            is_urgent: false,
        }
    }

    /// A packet came over an attempt: sends it to whoever hears the person; `send` says whether there was room for it. Whether there
    /// is something to tell.
    pub fn receive(
        &mut self,
        seat: Seat,
        attempt: u32,
        packet: &Packet,
        now: Instant,
        send: impl Fn(&Wired, Packet) -> bool,
    ) -> bool {
        let Some(sitting) = self.seats.get_mut(&seat) else { return false };
        let Some((stream, level)) = sitting.take(attempt, packet, now) else { return false };
        let begins = sitting.voice.heard(level.unwrap_or(SILENCE), now);
        let source = sitting.source_id();
        let frames = std::mem::take(&mut sitting.frames);
        if begins {
            self.is_urgent = true;
            self.settle(now);
        }
        let said = Said { source, stream, packet, frames: &frames };
        for (_, sitting) in self.seats.iter_mut().filter(|(listener, _)| **listener != seat) {
            let Some(slot) = sitting.standing.of(seat).filter(|_| !sitting.is_deaf) else { continue };
            let earlier = sitting.redundancy.earlier();
            for leg in sitting.legs.iter_mut().filter(|leg| leg.is_connected) {
                let Some(packet) = forward(leg, slot, &said, earlier, now) else { continue };
                let bytes = RTP_HEADER_BYTES + packet.payload.len();
                if send(&leg.connection, packet) {
                    sitting.sent_bytes += bytes as u64;
                } else {
                    sitting.dropped += 1;
                }
            }
        }
        if let Some(sitting) = self.seats.get_mut(&seat) {
            sitting.frames = frames;
        }
        begins
    }

    /// A connection changed.
    pub fn link(&mut self, seat: Seat, attempt: u32, link: Link, now: Instant) {
        if let Some(sitting) = self.seats.get_mut(&seat) {
            sitting.link(attempt, link, now);
            self.settle(now);
        }
    }

    /// Nothing of a person is forwarded, or it is again.
    pub fn silence(&mut self, seat: Seat, is_silenced: bool) {
        if let Some(sitting) = self.seats.get_mut(&seat) {
            sitting.silence(is_silenced);
        }
    }

    /// A person hears nothing, or everybody again.
    pub fn deafen(&mut self, seat: Seat, is_deaf: bool) {
        if let Some(sitting) = self.seats.get_mut(&seat).filter(|sitting| sitting.is_deaf != is_deaf) {
            sitting.is_deaf = is_deaf;
            sitting.legs.iter_mut().for_each(Leg::cut);
        }
    }

    /// Time has passed: the connections that are over by now.
    pub fn tick(&mut self, now: Instant) -> Vec<Leg> {
        let mut over = Vec::new();
        for sitting in self.seats.values_mut() {
            self.is_urgent |= sitting.voice.settle(now);
            over.extend(sitting.outdated(now, CONNECTING_MAX));
        }
        self.settle(now);
        if now.saturating_duration_since(self.losses_at) >= LOSSES_EVERY {
            self.losses_at = now;
            let of = |sitting: &mut Sitting| sitting.settle_losses(now).unwrap_or(0.0);
            let worst = self.seats.values_mut().map(of).fold(0.0, f64::max);
            self.redundancy.update(worst, now);
        }
        over
    }

    /// Decides who is heard, and gives them their slots.
    pub fn settle(&mut self, now: Instant) {
        let present: Vec<Present<Seat>> =
            self.seats.iter().map(|(seat, sitting)| Present { who: *seat, level: sitting.voice.level() }).collect();
        self.heard.update(&present, now);
        for (seat, sitting) in &mut self.seats {
            let before = sitting.standing.clone();
            sitting.standing.settle(self.heard.members(), *seat);
            // Whoever takes a slot, or takes it again, goes on where the listener's stream in it ended.
            for slot in (0..SLOTS).filter(|slot| before.0[*slot] != sitting.standing.0[*slot]) {
                let outlets = sitting.legs.iter_mut().filter_map(|leg| leg.outlets.get_mut(slot));
                outlets.for_each(|outlet| outlet.numbering.cut());
            }
        }
    }

    /// Tells what has changed since it was told. What finds no room in the queue is told the next time.
    pub fn tell(&mut self, events: &mpsc::Sender<Event>, now: Instant) {
        for (seat, sitting) in &mut self.seats {
            sitting.tell(*seat, events);
        }
        if self.told_red != self.redundancy.is_on()
            && events.try_send(Event::Redundancy(self.number, self.redundancy.is_on())).is_ok()
        {
            self.told_red = self.redundancy.is_on();
        }
        self.tell_speakers(events, now);
    }

    fn tell_speakers(&mut self, events: &mpsc::Sender<Event>, now: Instant) {
        let is_due = self.told_speakers_at.is_none_or(|at| now.saturating_duration_since(at) >= SPEAKERS_EVERY);
        if !is_due && !self.is_urgent {
            return;
        }
        let of = |(seat, sitting): (&Seat, &Sitting)| sitting.voice.level().map(|level| (seat.person, level));
        let mut speakers: Vec<(i32, u8)> = self.seats.iter().filter_map(of).collect();
        speakers.sort_by_key(|(_, level)| *level);
        let same = speakers.len() == self.told_speakers.len()
            && speakers.iter().all(|(person, level)| {
                let near = |(p, l): &(i32, u8)| p == person && l.abs_diff(*level) < LEVEL_STEP;
                self.told_speakers.iter().any(near)
            });
        if same || events.try_send(Event::Speakers(self.number, speakers.clone())).is_ok() {
            self.is_urgent = false;
            if !same {
                self.told_speakers = speakers;
                self.told_speakers_at = Some(now);
            }
        }
    }
}

/// A packet of a speaker: of which stream, how it is coded, and what came before it.
struct Said<'a> {
    source: u64,
    stream: Stream,
    packet: &'a Packet,
    frames: &'a Frames,
}

/// The packet as one connection of a listener gets it: with that slot's numbers, that browser's codecs, and so many earlier frames.
fn forward(leg: &mut Leg, slot: usize, said: &Said, earlier: usize, now: Instant) -> Option<Packet> {
    let Said { source, stream, packet, frames } = said;
    let outlet = leg.outlets.get_mut(slot)?;
    let numbers = outlet.numbering.next(*source, packet.header.sequence_number, packet.header.timestamp, now)?;
    let (payload_type, payload) = if numbers.begins {
        // What was said before was somebody else's turn.
        leg.codecs.alone(stream, &packet.payload)?
    } else {
        leg.codecs.translate(stream, packet, frames, earlier)?
    };
    let header = Header {
        version: 2,
        marker: numbers.begins || packet.header.marker,
        payload_type,
        sequence_number: numbers.sequence,
        timestamp: numbers.timestamp,
        ssrc: outlet.ssrc,
        ..Header::default()
    };
    Some(Packet { header, payload })
}

/// The header that every RTP packet has.
pub const RTP_HEADER_BYTES: usize = 12;

/// What stands in a listener's slots, as it is told.
pub fn persons(standing: &Standing<Seat>) -> [Option<i32>; SLOTS] {
    standing.0.map(|seat| seat.map(|seat| seat.person))
}

/// Changes of connections that are still to be told; more than this nobody needs, as only the last ones count.
pub const CHANGES_MAX: usize = 8;

/// Changes of a seat's connections, in their order.
pub type Changes = VecDeque<Connection>;
