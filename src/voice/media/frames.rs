//! What a speaker said just before: kept for a moment, and sent again with what they say now to listeners who lose packets (RFC 2198).

use std::collections::VecDeque;

use bytes::Bytes;

use super::red::{self, Block};

/// Frames before the newest that a listener may be sent once more.
pub const EARLIER_MAX: usize = 2;
/// What is sent at most: below the smallest packet that every network carries (1,280 bytes), with room for all headers.
const PAYLOAD_MAX: usize = 1_100;
/// Frames that are so many ticks of 48 kHz apart, five seconds, have nothing to do with one another.
const FAR: u32 = 5 * 48_000;

/// The newest frames of a stream, the oldest first.
#[derive(Debug, Default)]
pub struct Frames(VecDeque<Frame>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    timestamp: u32,
    payload: Bytes,
}

impl Frames {
    /// Keeps what a packet holds: one frame of Opus, or with redundancy some, of which an earlier one may have been lost. What it holds
    /// of before the first that is kept, as before an unmute, is not to be heard.
    pub fn keep(&mut self, timestamp: u32, payload: &Bytes, is_redundant: bool) {
        let is_far = |frame: &Frame| timestamp.wrapping_sub(frame.timestamp).cast_signed().unsigned_abs() >= FAR;
        if self.0.back().is_some_and(is_far) {
            self.clear();
        }
        if !is_redundant {
            return self.insert(timestamp, payload.clone());
        }
        for Block { before, payload } in red::blocks(payload).unwrap_or_default().into_iter().rev() {
            self.insert(timestamp.wrapping_sub(before), payload);
        }
    }

    fn insert(&mut self, timestamp: u32, payload: Bytes) {
        let at = self.0.iter().rposition(|frame| !is_earlier(timestamp, frame.timestamp));
        let is_known = at.is_some_and(|n| self.0[n].timestamp == timestamp);
        if payload.is_empty() || is_known || (at.is_none() && !self.0.is_empty()) {
            return;
        }
        self.0.insert(at.map_or(0, |n| n + 1), Frame { timestamp, payload });
        if self.0.len() > EARLIER_MAX + 1 {
            self.0.pop_front();
        }
    }

    /// The frame of this time with so many before it, as far as they are known, for a browser that numbers Opus so. None if it is not
    /// known itself.
    pub fn redundant(&self, timestamp: u32, earlier: usize, opus: u8) -> Option<Bytes> {
        let at = self.0.iter().position(|frame| frame.timestamp == timestamp)?;
        let newest = &self.0[at].payload;
        let mut room = PAYLOAD_MAX.saturating_sub(newest.len());
        let mut blocks: Vec<Block> = self
            .0
            .range(..at)
            .rev()
            .take(earlier)
            .map(|frame| Block { before: timestamp.wrapping_sub(frame.timestamp), payload: frame.payload.clone() })
            .take_while(|block| {
                let fits = block.fits() && block.payload.len() <= room;
                room = room.saturating_sub(block.payload.len());
                fits
            })
            .collect();
        blocks.reverse();
        Some(red::packet(&blocks, newest, opus))
    }

    /// Another stream begins, or what was said is not to be heard again.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether a timestamp is before another; they begin anew after the greatest.
fn is_earlier(timestamp: u32, than: u32) -> bool {
    (timestamp.wrapping_sub(than) as i32) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPUS: u8 = 111;

    fn said(byte: u8) -> Bytes {
        Bytes::from(vec![byte; 3])
    }

    /// How long before the newest, in packets of 20 ms, and what.
    fn held(payload: &Bytes) -> Vec<(u32, u8)> {
        red::blocks(payload).unwrap().iter().map(|block| (block.before / 960, block.payload[0])).collect()
    }

    #[test]
    fn a_packet_holds_as_many_before_it_as_are_wanted_and_known() {
        let mut frames = Frames::default();
        let first = u32::MAX - 1_000;
        for n in 0..5u8 {
            frames.keep(first.wrapping_add(960 * u32::from(n)), &said(n), false);
        }
        let last = first.wrapping_add(4 * 960);
        assert_eq!(held(&frames.redundant(last, 2, OPUS).unwrap()), [(2, 2), (1, 3), (0, 4)]);
        assert_eq!(held(&frames.redundant(last, 1, OPUS).unwrap()), [(1, 3), (0, 4)]);
        assert_eq!(held(&frames.redundant(last, 0, OPUS).unwrap()), [(0, 4)]);
        assert_eq!(frames.redundant(last.wrapping_add(960), 2, OPUS), None, "it is not known");
        frames.clear();
        frames.keep(last, &said(4), false);
        assert_eq!(held(&frames.redundant(last, 2, OPUS).unwrap()), [(0, 4)], "there is nothing before it");
    }

    #[test]
    fn what_came_late_or_only_with_a_later_packet_is_sent_again_in_its_place() {
        let mut frames = Frames::default();
        frames.keep(0, &said(0), false);
        // The packet of 960 is lost, the one of 1,920 holds it; that of 2,880 comes after that of 3,840.
        let with_earlier = red::packet(&[Block { before: 960, payload: said(1) }], &said(2), OPUS);
        frames.keep(1_920, &with_earlier, true);
        assert_eq!(held(&frames.redundant(1_920, 2, OPUS).unwrap()), [(2, 0), (1, 1), (0, 2)]);
        frames.keep(3_840, &said(4), false);
        frames.keep(2_880, &said(3), false);
        assert_eq!(held(&frames.redundant(3_840, 2, OPUS).unwrap()), [(2, 2), (1, 3), (0, 4)]);
        assert_eq!(held(&frames.redundant(2_880, 2, OPUS).unwrap()), [(1, 2), (0, 3)]);
    }

    #[test]
    fn what_was_said_before_a_beginning_is_not_kept() {
        let mut frames = Frames::default();
        let with_earlier = |n| red::packet(&[Block { before: 960, payload: said(n - 1) }], &said(n), OPUS);
        frames.keep(1_920, &with_earlier(2), true);
        assert_eq!(held(&frames.redundant(1_920, 2, OPUS).unwrap()), [(0, 2)]);
        frames.keep(2_880, &with_earlier(3), true);
        assert_eq!(held(&frames.redundant(2_880, 2, OPUS).unwrap()), [(1, 2), (0, 3)]);
    }

    #[test]
    fn who_is_silent_for_half_a_day_is_repeated_again() {
        let mut frames = Frames::default();
        // Timestamps begin anew after a day: half of one later looks like before.
        for begin in [0, (1 << 31) + 960] {
            (0..3).for_each(|n| frames.keep(begin + n * 960, &said(n as u8), false));
            assert_eq!(held(&frames.redundant(begin + 1_920, 2, OPUS).unwrap()), [(2, 0), (1, 1), (0, 2)]);
        }
    }

    #[test]
    fn what_is_too_long_ago_or_too_much_is_left_out() {
        let mut frames = Frames::default();
        frames.keep(0, &said(0), false);
        frames.keep(48_000, &said(1), false);
        assert_eq!(held(&frames.redundant(48_000, 2, OPUS).unwrap()), [(0, 1)], "a second of silence lies between");
        let much = Bytes::from(vec![7; 600]);
        (0..3).for_each(|n| frames.keep(96_000 + n * 960, &much, false));
        assert_eq!(frames.redundant(96_000 + 1_920, 2, OPUS).unwrap().len(), 1 + 600);
    }
}
