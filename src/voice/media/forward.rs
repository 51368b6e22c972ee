//! A slot's outgoing stream: packets of whoever speaks in it are renumbered, so that the listener hears one unbroken stream.

use std::time::Instant;

/// Ticks of Opus' clock in a millisecond: its timestamps always count 48 kHz (RFC 7587).
const TICKS_PER_MS: u64 = 48;
/// Time stands still nowhere: a speaker's first packet comes at least one of the usual packets of 20 ms after the last.
const STEP: u32 = 960;

/// What numbers a slot's packets go out with.
#[derive(Debug, Default)]
pub struct Renumbering {
    source: Option<Source>,
    last: Option<Last>,
}

#[derive(Debug)]
struct Source {
    id: u64,
    sequence_offset: u16,
    timestamp_offset: u32,
    newest: u16,
    // How far its numbers have come since it took the slot: what is older than that was never promised to the listener.
    progress: u32,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    sequence: u16,
    timestamp: u32,
    at: Instant,
}

/// Numbers of a packet as the listener sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renumbered {
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp.
    pub timestamp: u32,
    /// Whether a speaker begins, which the marker bit tells the listener's jitter buffer.
    pub begins: bool,
}

impl Renumbering {
    /// The numbers that a packet of `source` goes out with. None for one from before the source took the slot.
    pub fn next(&mut self, source: u64, sequence: u16, timestamp: u32, now: Instant) -> Option<Renumbered> {
        let begins = self.source.as_ref().is_none_or(|known| known.id != source);
        if begins {
            self.source = Some(self.take_over(source, sequence, timestamp, now));
        }
        let known = self.source.as_mut()?;
        let ahead = sequence.wrapping_sub(known.newest) as i16;
        if ahead >= 0 {
            known.newest = sequence;
            known.progress = known.progress.saturating_add(ahead as u32);
        } else if u32::from(ahead.unsigned_abs()) > known.progress {
            return None;
        }
        let sequence = sequence.wrapping_add(known.sequence_offset);
        let timestamp = timestamp.wrapping_add(known.timestamp_offset);
        if ahead >= 0 {
            self.last = Some(Last { sequence, timestamp, at: now });
        }
        Some(Renumbered { sequence, timestamp, begins })
    }

    /// What is left out from here on is not to look lost: the next packet follows the last one that was sent.
    pub fn cut(&mut self) {
        self.source = None;
    }

    fn take_over(&self, id: u64, sequence: u16, timestamp: u32, now: Instant) -> Source {
        let (sequence_offset, timestamp_offset) = match self.last {
            Some(last) => {
                let passed = now.saturating_duration_since(last.at).as_millis() as u64 * TICKS_PER_MS;
                let passed = (passed as u32).max(STEP);
                (
                    last.sequence.wrapping_add(1).wrapping_sub(sequence),
                    last.timestamp.wrapping_add(passed).wrapping_sub(timestamp),
                )
            }
            None => (0, 0),
        };
        Source { id, sequence_offset, timestamp_offset, newest: sequence, progress: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn ms(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn another_speaker_follows_where_the_last_one_ended() {
        let (mut slot, start) = (Renumbering::default(), Instant::now());
        let first = slot.next(1, 65_534, u32::MAX - 500, start).unwrap();
        assert!(first.begins);
        let second = slot.next(1, 65_535, 459, ms(start, 20)).unwrap();
        assert_eq!((second.sequence, second.begins), (first.sequence.wrapping_add(1), false));
        assert_eq!(second.timestamp, first.timestamp.wrapping_add(960));
        let other = slot.next(2, 17, 4, ms(start, 60)).unwrap();
        assert_eq!(other.sequence, second.sequence.wrapping_add(1), "over the end of the numbers");
        assert_eq!(other.timestamp, second.timestamp.wrapping_add(40 * 48), "as much later as it is");
        assert!(other.begins);
    }

    #[test]
    fn packets_that_swap_keep_their_numbers_and_older_ones_than_the_switch_are_left_out() {
        let (mut slot, now) = (Renumbering::default(), Instant::now());
        slot.next(1, 100, 0, now).unwrap();
        slot.next(2, 500, 0, now).unwrap();
        assert_eq!(slot.next(2, 499, 0, now), None, "from before the switch");
        let third = slot.next(2, 502, 1920, now).unwrap();
        let second = slot.next(2, 501, 960, now).unwrap();
        assert_eq!(second.sequence.wrapping_add(1), third.sequence);
        let next = slot.next(3, 9, 9, now).unwrap();
        assert_eq!(next.sequence, third.sequence.wrapping_add(1), "after the newest, not the latest");
    }

    #[test]
    fn a_cut_leaves_no_gap() {
        let (mut slot, now) = (Renumbering::default(), Instant::now());
        let before = slot.next(1, 10, 0, now).unwrap();
        slot.cut();
        let after = slot.next(1, 5_000, 4_000_000, now).unwrap();
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    }

    proptest! {
        #[test]
        fn speakers_that_lose_nothing_make_one_unbroken_stream(
            turns in prop::collection::vec((0u64..4, any::<u16>(), any::<u32>(), 1u16..200), 1..30),
        ) {
            let (mut slot, mut now) = (Renumbering::default(), Instant::now());
            let (mut expected, mut last_timestamp) = (None::<u16>, None::<u32>);
            for (turn, (speaker, first, timestamp, packets)) in turns.into_iter().enumerate() {
                // A speaker who comes again has counted on meanwhile: it is another stream for the slot.
                let source = speaker + 10 * turn as u64;
                for n in 0..packets {
                    now += Duration::from_millis(20);
                    let stamp = timestamp.wrapping_add(u32::from(n) * 960);
                    let sent = slot.next(source, first.wrapping_add(n), stamp, now).unwrap();
                    if let Some(expected) = expected {
                        prop_assert_eq!(sent.sequence, expected);
                    }
                    if let Some(last) = last_timestamp {
                        prop_assert_eq!(sent.timestamp.wrapping_sub(last), 960);
                    }
                    expected = Some(sent.sequence.wrapping_add(1));
                    last_timestamp = Some(sent.timestamp);
                }
            }
        }
    }
}
