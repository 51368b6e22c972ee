//! Which datagrams are given to the protocols, before these keep anything of them.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::SLOTS;

/// Addresses of a browser that have passed a check: one for each way that it tries.
const KNOWN_MAX: usize = 40;
/// Datagrams of a handshake: with all its repetitions it needs a third of that, and nothing else is said over DTLS.
const HANDSHAKE_MAX: u32 = 100;
/// Streams of a browser that does not name those that it sends.
const UNNAMED_MAX: usize = SLOTS;
/// Streams of a browser that send reports: one for each audio line, and some to spare.
const REPORTERS_MAX: usize = 2 * SLOTS;

/// What is let in on a connection. The protocols look at no sender once a way is chosen, and keep something of each stream and of each
/// part of a handshake before they know whether it is the browser's at all, for as long as the connection lasts.
#[derive(Debug)]
pub struct Admission {
    // Whose checks were answered, which takes the password.
    known: VecDeque<SocketAddr>,
    handshake: u32,
    // Those that the browser said it sends, or else the first that came.
    sources: Vec<u32>,
    is_named: bool,
    reporters: Vec<u32>,
}

/// What a datagram is, by its first bytes (RFC 7983, RFC 5761).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A check of a way (STUN).
    Check,
    /// Part of a handshake (DTLS).
    Handshake,
    /// A packet of sound (SRTP).
    Sound,
    /// A report of how sound arrives (SRTCP).
    Report,
    /// Nothing that is spoken here.
    Unknown,
}

impl Kind {
    /// Of a datagram.
    pub fn of(datagram: &[u8]) -> Kind {
        match datagram {
            [0..=3, ..] => Kind::Check,
            [20..=63, ..] => Kind::Handshake,
            [128..=191, second, ..] if (64..96).contains(&(second & 0x7f)) => Kind::Report,
            [128..=191, _, ..] => Kind::Sound,
            _ => Kind::Unknown,
        }
    }
}

impl Admission {
    /// For a browser that says it sends these streams.
    pub fn new(sources: &[u32]) -> Admission {
        Admission {
            known: VecDeque::new(),
            handshake: 0,
            sources: sources.to_vec(),
            is_named: !sources.is_empty(),
            reporters: Vec::new(),
        }
    }

    /// A datagram leaves: whose check it says was right may send more than checks.
    pub fn answers(&mut self, to: SocketAddr, datagram: &[u8]) {
        // The answer to a binding request that was right (RFC 8489).
        if datagram.starts_with(&[1, 1]) && !self.known.contains(&to) {
            self.known.truncate(KNOWN_MAX - 1);
            self.known.push_front(to);
        }
    }

    /// Whether a datagram is let in.
    pub fn lets_in(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let stream = |at: usize| datagram.get(at..at + 4)?.first_chunk().copied().map(u32::from_be_bytes);
        match Kind::of(datagram) {
            Kind::Check => true,
            Kind::Unknown => false,
            _ if !self.known.contains(&from) => false,
            Kind::Handshake => {
                self.handshake = self.handshake.saturating_add(1);
                self.handshake <= HANDSHAKE_MAX
            }
            Kind::Sound => {
                let max = if self.is_named { 0 } else { UNNAMED_MAX };
                stream(8).is_some_and(|stream| is_one_of(&mut self.sources, stream, max))
            }
            Kind::Report => stream(4).is_some_and(|stream| is_one_of(&mut self.reporters, stream, REPORTERS_MAX)),
        }
    }
}

/// Whether it is known, or becomes so as there is still room.
fn is_one_of(known: &mut Vec<u32>, stream: u32, max: usize) -> bool {
    let is_known = known.contains(&stream);
    if !is_known && known.len() < max {
        known.push(stream);
        return true;
    }
    is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: [u8; 4] = [1, 1, 0, 0];

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    /// What is let in of a browser at port 1 whose check was right.
    fn admission(sources: &[u32]) -> Admission {
        let mut admission = Admission::new(sources);
        admission.answers(at(1), &RIGHT);
        admission
    }

    fn sound(source: u32) -> Vec<u8> {
        [&[0x80, 111, 0, 1, 0, 0, 0, 0][..], &source.to_be_bytes(), &[1, 2, 3]].concat()
    }

    fn report(source: u32) -> Vec<u8> {
        [&[0x80, 201, 0, 1][..], &source.to_be_bytes()].concat()
    }

    #[test]
    fn a_datagram_is_known_by_its_first_bytes() {
        let kinds =
            [&[0x80, 111, 0][..], &[0x90, 0x80 | 63, 0], &[0x80, 200, 0], &[0, 1, 0], &[22, 254, 253], &[0x80], &[]];
        use Kind::*;
        assert_eq!(kinds.map(Kind::of), [Sound, Sound, Report, Check, Handshake, Unknown, Unknown]);
    }

    #[test]
    fn who_has_passed_no_check_sends_nothing_else() {
        let mut admission = Admission::new(&[7]);
        let handshake = [22, 254, 253, 0];
        assert!(admission.lets_in(at(1), &[0, 1, 0, 0]));
        assert!(!admission.lets_in(at(1), &handshake) && !admission.lets_in(at(1), &sound(7)));
        admission.answers(at(1), &[1, 0x11, 0, 0]);
        assert!(!admission.lets_in(at(1), &handshake), "its check was wrong");
        admission.answers(at(1), &RIGHT);
        assert!(admission.lets_in(at(1), &handshake) && admission.lets_in(at(1), &sound(7)));
        assert!(!admission.lets_in(at(2), &handshake) && !admission.lets_in(at(2), &sound(7)), "it is somebody else");
        (2..2 + KNOWN_MAX as u16).for_each(|port| admission.answers(at(port), &RIGHT));
        assert_eq!(admission.known.len(), KNOWN_MAX);
        assert!(admission.lets_in(at(1 + KNOWN_MAX as u16), &sound(7)) && !admission.lets_in(at(1), &sound(7)));
    }

    #[test]
    fn a_handshake_has_an_end() {
        let mut admission = admission(&[]);
        let taken = (0..1_000).filter(|_| admission.lets_in(at(1), &[22, 254, 253, 0])).count();
        assert_eq!(taken, HANDSHAKE_MAX as usize);
        assert!(admission.lets_in(at(1), &sound(7)));
    }

    #[test]
    fn streams_that_were_not_named_are_left_out_and_reporters_are_few() {
        let mut named = admission(&[7]);
        assert!(named.lets_in(at(1), &sound(7)) && !named.lets_in(at(1), &sound(8)));
        assert!(!named.lets_in(at(1), &sound(7)[..10]), "it is cut off");
        assert_eq!((0..1_000).filter(|source| named.lets_in(at(1), &report(*source))).count(), REPORTERS_MAX);
        assert!(named.lets_in(at(1), &report(3)) && !named.lets_in(at(1), &report(999)));
        let mut unnamed = admission(&[]);
        assert_eq!((0..1_000).filter(|source| unnamed.lets_in(at(1), &sound(*source))).count(), UNNAMED_MAX);
    }
}
