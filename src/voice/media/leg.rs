//! One connection of a seat as its room sees it: codecs, streams to the listener, and how it stands.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc::rtp::Packet;

use super::connection::{Connection, Known};
use super::description::Offer;
use super::forward::Renumbering;
use super::frames::Frames;
use super::ports::Port;
use super::red;
use super::tcp::Route;

/// A connection of a seat.
pub struct Leg {
    /// Its number.
    pub attempt: u32,
    /// The connection.
    pub connection: Arc<Connection>,
    /// The port that it occupies for as long as this lives.
    pub _port: Port,
    /// How it is reached over TCP.
    pub _route: Option<Route>,
    /// Whether media can flow.
    pub is_connected: bool,
    /// Whether it has failed for good.
    pub has_failed: bool,
    /// Since when there is an answer.
    pub opened: Instant,
    /// Since when a newer one stands.
    pub superseded: Option<Instant>,
    /// The streams to the listener, by the order of the lines.
    pub outlets: Vec<Outlet>,
    /// How the browser numbers codecs.
    pub codecs: Codecs,
    /// What the library knew of it last.
    pub known: Known,
    /// Ways to the browser that were tried.
    pub ways: usize,
}

/// A connection that was just answered, with what it occupies.
pub struct Answered {
    /// The connection.
    pub connection: Connection,
    /// Its port.
    pub port: Port,
    /// How it is reached over TCP.
    pub route: Option<Route>,
}

/// A stream to a listener.
pub struct Outlet {
    /// Its identifier.
    pub ssrc: u32,
    /// Its numbers.
    pub numbering: Renumbering,
}

/// A browser's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codecs {
    /// Opus.
    pub opus: u8,
    /// Redundant Opus.
    pub red: Option<u8>,
    /// The header extension with the level.
    pub level: Option<u8>,
}

/// How a speaker's packet is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Whether it holds the one before it.
    pub is_redundant: bool,
    /// How the speaker's browser numbers Opus.
    pub opus: u8,
}

impl Leg {
    /// A connection that was just answered.
    pub fn new(attempt: u32, answered: Answered, offer: &Offer, now: Instant) -> Leg {
        let Answered { connection, port, route } = answered;
        let outlet = |ssrc: &u32| Outlet { ssrc: *ssrc, numbering: Renumbering::default() };
        let red = offer.red.as_ref().map(|(red, _)| *red);
        Leg {
            attempt,
            outlets: connection.tracks.iter().map(outlet).collect(),
            connection: Arc::new(connection),
            _port: port,
            _route: route,
            is_connected: false,
            has_failed: false,
            opened: now,
            superseded: None,
            codecs: Codecs { opus: offer.opus, red, level: offer.level },
            known: Known::default(),
            ways: offer.candidates.len(),
        }
    }

    /// What is left out from here on is not to look lost.
    pub fn cut(&mut self) {
        self.outlets.iter_mut().for_each(|outlet| outlet.numbering.cut());
    }
}

impl Codecs {
    /// How a packet of this type is coded; none for what was not agreed.
    pub fn stream(&self, payload_type: u8) -> Option<Stream> {
        let is_redundant = self.red == Some(payload_type);
        (is_redundant || payload_type == self.opus).then_some(Stream { is_redundant, opus: self.opus })
    }

    /// The same without anything that was said before.
    pub fn alone(&self, stream: &Stream, payload: &Bytes) -> Option<(u8, Bytes)> {
        let newest = if stream.is_redundant { red::newest(payload)? } else { payload.clone() };
        Some((self.opus, newest))
    }

    /// A packet's type and payload as this browser takes it, with so many frames before it if its listener loses packets.
    pub fn translate(&self, stream: &Stream, packet: &Packet, frames: &Frames, earlier: usize) -> Option<(u8, Bytes)> {
        let payload = &packet.payload;
        // A redundant stream holds one of them already.
        if let Some(red) = self.red.filter(|_| earlier > usize::from(stream.is_redundant))
            && let Some(payload) = frames.redundant(packet.header.timestamp, earlier, self.opus)
        {
            return Some((red, payload));
        }
        match (stream.is_redundant, self.red) {
            (false, _) | (true, None) => self.alone(stream, payload),
            (true, Some(red)) if stream.opus == self.opus => Some((red, payload.clone())),
            (true, Some(red)) => Some((red, red::renumbered(payload, self.opus)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rtc::rtp::Header;

    use super::*;

    #[test]
    fn a_packet_is_translated_into_the_listener_s_numbers() {
        let speaker = Codecs { opus: 111, red: Some(63), level: Some(1) };
        let redundant = speaker.stream(63).unwrap();
        let payload = Bytes::from_static(&[0x80 | 111, 0x0f, 0, 2, 111, b'a', b'b', b'c']);
        let header = Header { timestamp: 960, ..Header::default() };
        let packet = Packet { header, payload: payload.clone() };
        let mut frames = Frames::default();
        frames.keep(0, &Bytes::from_static(b"ab"), false);
        frames.keep(960, &payload, true);
        let translate = |to: Codecs, stream: &Stream, earlier| to.translate(stream, &packet, &frames, earlier);
        assert_eq!(speaker.stream(9), None);
        let plain = speaker.stream(111).unwrap();
        assert_eq!(translate(speaker, &plain, 0), Some((111, payload.clone())));
        assert_eq!(translate(speaker, &redundant, 0), Some((63, payload.clone())));
        let other = Codecs { opus: 109, red: Some(64), level: None };
        let expected = Bytes::from_static(&[0x80 | 109, 0x0f, 0, 2, 109, b'a', b'b', b'c']);
        assert_eq!(translate(other, &redundant, 1), Some((64, expected.clone())));
        assert_eq!(translate(other, &redundant, 2), Some((64, expected)), "no more is known");
        assert_eq!(other.alone(&redundant, &payload), Some((109, Bytes::from_static(b"c"))));
        let without = Codecs { opus: 96, red: None, level: None };
        assert_eq!(translate(without, &redundant, 2), Some((96, Bytes::from_static(b"c"))));
    }
}
