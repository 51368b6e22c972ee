//! How much a socket may say.

use std::time::{Duration, Instant};

use super::rate::{Bucket, Rate};

/// Frames of a socket: a pointer moves ten times a second, a connection has some dozen candidates.
const FRAMES: Rate = Rate { burst: 90.0, per_second: 30.0 };
/// Joins and offers of a socket in a minute: people who change rooms, and connections that are made again every four seconds.
const STARTS: Rate = Rate { burst: 30.0, per_second: 30.0 / 60.0 };
/// Frames above the rate that are refused before the socket is closed: no browser of ours sends any.
const REFUSED_MAX: u32 = 200;

/// What a socket may still say.
#[derive(Debug)]
pub struct Limits {
    frames: Bucket,
    starts: Bucket,
    refused: u32,
}

impl Limits {
    /// Nothing has been said yet.
    pub fn new(now: Instant) -> Limits {
        Limits { frames: Bucket::full(FRAMES, now), starts: Bucket::full(STARTS, now), refused: 0 }
    }

    /// Counts a frame, whatever is in it, or says how long to wait.
    pub fn frame(&mut self, now: Instant) -> Result<(), Duration> {
        let taken = self.frames.take(1.0, now);
        self.refused += u32::from(taken.is_err());
        taken
    }

    /// Counts a join or an offer likewise.
    pub fn start(&mut self, now: Instant) -> Result<(), Duration> {
        let taken = self.starts.take(1.0, now);
        self.refused += u32::from(taken.is_err());
        taken
    }

    /// Whether so much was refused that nobody listens any more.
    pub fn is_exhausted(&self) -> bool {
        self.refused > REFUSED_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_may_say_so_much_and_no_more() {
        let begin = Instant::now();
        let mut limits = Limits::new(begin);
        let taken = (0..200).filter(|_| limits.frame(begin).is_ok()).count();
        assert_eq!(taken, FRAMES.burst as usize);
        assert!(!limits.is_exhausted());
        let second = begin + Duration::from_secs(1);
        let taken = (0..200).filter(|_| limits.frame(second).is_ok()).count();
        assert_eq!(taken, FRAMES.per_second as usize);
        assert!(limits.is_exhausted(), "{} were refused", 110 + 170);

        let mut limits = Limits::new(begin);
        let taken = (0..60).filter(|_| limits.start(begin).is_ok()).count();
        assert_eq!(taken, STARTS.burst as usize);
        let wait = limits.start(begin).expect_err("too many");
        assert!((1_900..=2_000).contains(&wait.as_millis()), "{wait:?}");
    }
}
