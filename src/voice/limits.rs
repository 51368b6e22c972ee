//! How much a socket may say.

use std::time::Duration;

use tokio::time::Instant;

/// Frames of a socket a second, in the long run: a pointer moves ten times a second, a connection has some dozen candidates.
const FRAMES_PER_SECOND: f64 = 30.0;
/// Frames at once.
const FRAMES_AT_ONCE: f64 = 90.0;
/// Joins and offers of a socket in a minute: people who change rooms, and connections that are made again every four seconds.
const STARTS_PER_MINUTE: f64 = 30.0;
/// Frames above the rate that are refused before the socket is closed: no browser of ours sends any.
const REFUSED_MAX: u32 = 200;

/// What a socket may still say.
#[derive(Debug)]
pub struct Limits {
    frames: Bucket,
    starts: Bucket,
    refused: u32,
}

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    left: f64,
    size: f64,
    per_second: f64,
    at: Instant,
}

impl Limits {
    /// Nothing has been said yet.
    pub fn new(now: Instant) -> Limits {
        let bucket = |size: f64, per_second: f64| Bucket { left: size, size, per_second, at: now };
        Limits {
            frames: bucket(FRAMES_AT_ONCE, FRAMES_PER_SECOND),
            starts: bucket(STARTS_PER_MINUTE, STARTS_PER_MINUTE / 60.0),
            refused: 0,
        }
    }

    /// Counts a frame, whatever is in it, or says how long to wait.
    pub fn frame(&mut self, now: Instant) -> Result<(), Duration> {
        let taken = self.frames.take(now);
        self.refused += u32::from(taken.is_err());
        taken
    }

    /// Counts a join or an offer likewise.
    pub fn start(&mut self, now: Instant) -> Result<(), Duration> {
        let taken = self.starts.take(now);
        self.refused += u32::from(taken.is_err());
        taken
    }

    /// Whether so much was refused that nobody listens any more.
    pub fn is_exhausted(&self) -> bool {
        self.refused > REFUSED_MAX
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.size);
        self.at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / self.per_second));
        }
        self.left -= 1.0;
        Ok(())
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
        assert_eq!(taken, FRAMES_AT_ONCE as usize);
        assert!(!limits.is_exhausted());
        let second = begin + Duration::from_secs(1);
        let taken = (0..200).filter(|_| limits.frame(second).is_ok()).count();
        assert_eq!(taken, FRAMES_PER_SECOND as usize);
        assert!(limits.is_exhausted(), "{} were refused", 110 + 170);

        let mut limits = Limits::new(begin);
        let taken = (0..60).filter(|_| limits.start(begin).is_ok()).count();
        assert_eq!(taken, STARTS_PER_MINUTE as usize);
        let wait = limits.start(begin).expect_err("too many");
        assert!((1_900..=2_000).contains(&wait.as_millis()), "{wait:?}");
    }
}
