//! When something is to be sent redundantly: loss over some seconds, with hysteresis.

use std::time::{Duration, Instant};

/// More loss than this, in percent, …
const ON_OVER: f64 = 2.0;
/// With more loss than this, two packets in a row are lost so often that each frame is sent three times instead of twice.
const TWICE_OVER: f64 = 5.0;
/// … for so long, asks for redundancy.
const ON_AFTER: Duration = Duration::from_secs(2);
/// Less loss than this, in percent, …
const OFF_BELOW: f64 = 0.5;
/// … for so long, ends it.
const OFF_AFTER: Duration = Duration::from_secs(10);
/// The share of the newest second in the loss: some seconds of 50 packets make a percentage.
const SMOOTHING: f64 = 0.4;
/// A second with fewer packets than this says nothing of loss: it is the silence of DTX.
const PACKETS_MIN: u64 = 25;
/// What somebody told longer ago than this holds no longer.
const STALE: Duration = Duration::from_secs(5);

/// Whether redundancy is asked for.
#[derive(Debug, Default)]
pub struct Redundancy {
    is_on: bool,
    is_twice: bool,
    since: Option<Instant>,
}

impl Redundancy {
    /// The loss is so much now.
    pub fn update(&mut self, percent: f64, now: Instant) {
        self.is_twice = percent > TWICE_OVER;
        let (crosses, after) =
            if self.is_on { (percent < OFF_BELOW, OFF_AFTER) } else { (percent > ON_OVER, ON_AFTER) };
        if !crosses {
            self.since = None;
        } else if now.saturating_duration_since(*self.since.get_or_insert(now)) >= after {
            self.is_on = !self.is_on;
            self.since = None;
        }
    }

    /// Whether it is asked for.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// How many earlier frames a packet is to hold.
    pub fn earlier(&self) -> usize {
        usize::from(self.is_on) + usize::from(self.is_on && self.is_twice)
    }
}

/// Loss in one direction of one person, smoothed.
#[derive(Debug, Default)]
pub struct Loss {
    percent: f64,
    told: Option<Instant>,
}

impl Loss {
    /// The last second lost so much.
    pub fn tell(&mut self, percent: f64, now: Instant) {
        if !percent.is_finite() {
            return;
        }
        self.percent += SMOOTHING * (percent.clamp(0.0, 100.0) - self.percent);
        self.told = Some(now);
    }

    /// What holds.
    pub fn percent(&self, now: Instant) -> Option<f64> {
        self.told.filter(|told| now.saturating_duration_since(*told) < STALE).map(|_| self.percent)
    }
}

/// Gaps in the numbers of a stream that comes in.
#[derive(Debug, Default)]
pub struct Gaps {
    newest: Option<u16>,
    expected: u64,
    received: u64,
    // Of streams before this one.
    lost_before: u64,
    marked: (u64, u64),
}

impl Gaps {
    /// A packet came.
    pub fn count(&mut self, sequence: u16) {
        self.received += 1;
        match self.newest {
            None => {
                self.newest = Some(sequence);
                self.expected += 1;
            }
            Some(newest) => {
                let ahead = sequence.wrapping_sub(newest) as i16;
                if ahead > 0 {
                    self.newest = Some(sequence);
                    self.expected += ahead as u64;
                }
            }
        }
    }

    /// Another stream begins, with numbers of its own.
    pub fn restart(&mut self) {
        *self = Gaps { lost_before: self.lost(), ..Gaps::default() };
    }

    /// Packets that never came, of all streams.
    pub fn lost(&self) -> u64 {
        self.lost_before + self.expected.saturating_sub(self.received)
    }

    /// The loss since it was asked last, in percent; none if too little came to say, which is then kept for the next time.
    pub fn since_last(&mut self) -> Option<f64> {
        let (expected, received) = (self.expected - self.marked.0, self.received - self.marked.1);
        if expected < PACKETS_MIN {
            return None;
        }
        self.marked = (self.expected, self.received);
        Some(100.0 * expected.saturating_sub(received) as f64 / expected as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_on_after_two_seconds_of_loss_and_goes_after_ten_without() {
        let (mut redundancy, start) = (Redundancy::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut tell = |percent, seconds| {
            redundancy.update(percent, at(seconds));
            redundancy.is_on()
        };
        assert!(!tell(5.0, 0) && !tell(5.0, 1) && !tell(1.0, 2) && !tell(5.0, 3) && !tell(5.0, 4));
        assert!(tell(5.0, 5));
        assert!(tell(0.0, 6) && tell(0.0, 15) && tell(1.0, 16) && tell(0.0, 17) && tell(0.0, 26));
        assert!(!tell(0.0, 27));
    }

    #[test]
    fn much_loss_asks_for_two_earlier_frames() {
        let (mut redundancy, start) = (Redundancy::default(), Instant::now());
        let mut earlier = |percent, seconds| {
            redundancy.update(percent, start + Duration::from_secs(seconds));
            redundancy.earlier()
        };
        assert_eq!(
            [earlier(9.0, 0), earlier(9.0, 2), earlier(3.0, 3), earlier(0.0, 4), earlier(0.0, 14)],
            [0, 2, 1, 1, 0]
        );
    }

    #[test]
    fn gaps_are_lost_packets_also_over_the_end_of_the_numbers_and_late_ones_are_not() {
        let mut gaps = Gaps::default();
        (0..100u16).filter(|n| n % 10 != 3).for_each(|n| gaps.count(n.wrapping_add(65_500)));
        assert_eq!(gaps.lost(), 10);
        assert!(gaps.since_last().is_some_and(|percent| (percent - 10.0).abs() < 0.1));
        assert_eq!(gaps.since_last(), None);
        gaps.count(3u16.wrapping_add(65_500));
        assert_eq!(gaps.lost(), 9, "it was only late");
        gaps.restart();
        gaps.count(40_000);
        assert_eq!(gaps.lost(), 9);
    }

    #[test]
    fn loss_is_smoothed_and_grows_stale() {
        let (mut loss, start) = (Loss::default(), Instant::now());
        loss.tell(f64::NAN, start);
        assert_eq!(loss.percent(start), None);
        (0..8).for_each(|n| loss.tell(10.0, start + Duration::from_secs(n)));
        assert!(loss.percent(start + Duration::from_secs(8)).is_some_and(|percent| percent > 9.0));
        assert_eq!(loss.percent(start + Duration::from_secs(13)), None);
    }
}
