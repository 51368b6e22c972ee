//! How much one person may send: what is over it is dropped and counted, and harms nobody else.

use std::time::Instant;

use crate::voice::rate::{Bucket, Rate};

/// Packets: Opus sends 50 a second (20 ms each), or 100 at its shortest usual length.
const PACKETS: Rate = a_second(100.0);
/// Bits of Opus: browsers send 32 to 64 kbit/s.
const BITS: Rate = a_second(128_000.0);
/// With redundancy each packet holds the one before it as well.
const REDUNDANT_BITS: Rate = a_second(2.0 * 128_000.0);

/// A second's worth may come at once: a network that stalled delivers what it kept.
const fn a_second(amount: f64) -> Rate {
    Rate { burst: amount, per_second: amount }
}

/// What a publisher still may send.
#[derive(Debug)]
pub struct Allowance {
    packets: Bucket,
    bits: Bucket,
    redundant_bits: Bucket,
}

impl Allowance {
    /// A full one.
    pub fn new(now: Instant) -> Allowance {
        Allowance {
            packets: Bucket::full(PACKETS, now),
            bits: Bucket::full(BITS, now),
            redundant_bits: Bucket::full(REDUNDANT_BITS, now),
        }
    }

    /// Whether a packet of so many bytes may pass; `is_redundant` if it holds the one before it, too.
    pub fn takes(&mut self, bytes: usize, is_redundant: bool, now: Instant) -> bool {
        let bits = if is_redundant { &mut self.redundant_bits } else { &mut self.bits };
        let cost = bytes as f64 * 8.0;
        bits.wait(cost, now).is_ok() && self.packets.take(1.0, now).is_ok() && bits.take(cost, now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Packets that pass within ten seconds, of so many a second of so many bytes.
    fn passing(per_second: u64, bytes: usize, is_redundant: bool) -> u64 {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        (0..10 * per_second)
            .filter(|n| {
                let now = start + Duration::from_micros(n * 1_000_000 / per_second);
                allowance.takes(bytes, is_redundant, now)
            })
            .count() as u64
    }

    #[test]
    fn what_browsers_send_passes() {
        assert_eq!(passing(50, 160, false), 500, "64 kbit/s");
        assert_eq!(passing(100, 150, false), 1_000, "packets of 10 ms");
        assert_eq!(passing(50, 330, true), 500, "redundant");
    }

    #[test]
    fn more_is_held_to_the_rate_and_a_burst() {
        assert!((1_000..=1_105).contains(&passing(1_000, 20, false)), "packets");
        let bytes = passing(90, 1_000, false) * 1_000;
        assert!((150_000..=177_000).contains(&bytes), "{bytes} bytes");
        let bytes = passing(90, 1_000, true) * 1_000;
        assert!((310_000..=353_000).contains(&bytes), "{bytes} redundant bytes");
    }
}
