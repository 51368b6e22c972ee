//! How much one person may send: what is over it is dropped and counted, and harms nobody else.

use std::time::Instant;

/// Packets a second: Opus sends 50 (20 ms each), or 100 at its shortest usual length.
const PACKETS_PER_SECOND: f64 = 100.0;
/// Bits a second of Opus: browsers send 32 to 64 kbit/s.
const BITS_PER_SECOND: f64 = 128_000.0;
/// With redundancy each packet holds the one before it as well.
const REDUNDANT_BITS_PER_SECOND: f64 = 2.0 * BITS_PER_SECOND;
/// So many seconds of the rate may come at once: a network that stalled delivers what it kept.
const BURST_SECONDS: f64 = 1.0;

/// What a publisher still may send.
#[derive(Debug)]
pub struct Allowance {
    packets: Bucket,
    bits: Bucket,
    redundant_bits: Bucket,
}

#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: f64,
    at: Instant,
}

impl Allowance {
    /// A full one.
    pub fn new(now: Instant) -> Allowance {
        let bucket = |rate| Bucket { rate, level: rate * BURST_SECONDS, at: now };
        Allowance {
            packets: bucket(PACKETS_PER_SECOND),
            bits: bucket(BITS_PER_SECOND),
            redundant_bits: bucket(REDUNDANT_BITS_PER_SECOND),
        }
    }

    /// Whether a packet of so many bytes may pass; `is_redundant` if it holds the one before it, too.
    pub fn takes(&mut self, bytes: usize, is_redundant: bool, now: Instant) -> bool {
        let bits = if is_redundant { &mut self.redundant_bits } else { &mut self.bits };
        let cost = bytes as f64 * 8.0;
        if bits.filled(now) < cost || self.packets.filled(now) < 1.0 {
            return false;
        }
        bits.level -= cost;
        self.packets.level -= 1.0;
        true
    }
}

impl Bucket {
    fn filled(&mut self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.rate * BURST_SECONDS);
        self.at = now;
        self.level
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
