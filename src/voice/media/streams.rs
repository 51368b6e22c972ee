//! Which streams of a browser are let in, before anything is kept of them.

use std::sync::{Mutex, PoisonError};

use super::SLOTS;

/// Streams of a browser that send reports: one for each audio line, and some to spare.
const REPORTERS_MAX: usize = 2 * SLOTS;

/// Streams that are let in. The library keeps something of each identifier, also before it knows whether a packet is the browser's
/// at all, and for as long as the connection lasts.
#[derive(Debug)]
pub struct Streams {
    sources: Box<[u32]>,
    reporters: Mutex<Vec<u32>>,
}

impl Streams {
    /// Of a browser that says it sends these.
    pub fn new(sources: &[u32]) -> Streams {
        Streams { sources: sources.into(), reporters: Mutex::default() }
    }

    /// Whether a datagram is none of a stream, or of one that is let in.
    pub fn lets_in(&self, datagram: &[u8]) -> bool {
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

/// Whether a datagram is a packet of RTP rather than of RTCP, DTLS or STUN (RFC 7983, RFC 5761).
pub fn is_sound(datagram: &[u8]) -> bool {
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
        let streams = Streams::new(&[7]);
        let sound = |source: u32| [&[0x80, 111, 0, 1, 0, 0, 0, 0][..], &source.to_be_bytes(), &[1, 2, 3]].concat();
        let report = |source: u32| [&[0x80, 201, 0, 1][..], &source.to_be_bytes()].concat();
        assert!(streams.lets_in(&sound(7)) && !streams.lets_in(&sound(8)) && !streams.lets_in(&sound(7)[..10]));
        assert_eq!((0..1_000).filter(|source| streams.lets_in(&report(*source))).count(), REPORTERS_MAX);
        assert!(streams.lets_in(&report(3)) && !streams.lets_in(&report(999)));
        assert!(streams.lets_in(&[0, 1, 0, 0]) && streams.lets_in(&[22, 254, 253]), "STUN and DTLS are not its matter");
        let streams = Streams::new(&[]);
        assert!(streams.lets_in(&sound(8)), "a browser that names none may send any");
    }
}
