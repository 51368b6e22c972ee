//! Rates: so much at once, and so much a second from then on (token buckets).

use std::time::{Duration, Instant};

/// A rate: what may come at once, and what is added each second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// At once.
    pub burst: f64,
    /// Each second.
    pub per_second: f64,
}

/// What is left of a rate.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    rate: Rate,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: Rate, now: Instant) -> Bucket {
        Bucket { rate, left: rate.burst, at: now }
    }

    /// Takes `amount`, if there is as much; else how long to wait for it.
    pub fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        self.wait(amount, now)?;
        self.left -= amount;
        Ok(())
    }

    /// How long to wait until there is as much, if there is not.
    pub fn wait(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if self.left >= amount {
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((amount - self.left) / self.rate.per_second).unwrap_or(Duration::MAX))
    }

    /// Whether nothing is taken from it.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.left >= self.rate.burst
    }

    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + seconds * self.rate.per_second).min(self.rate.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_at_once_and_then_by_the_second() {
        let start = Instant::now();
        let mut bucket = Bucket::full(Rate { burst: 3.0, per_second: 2.0 }, start);
        assert!((0..3).all(|_| bucket.take(1.0, start).is_ok()));
        assert_eq!(bucket.take(1.0, start), Err(Duration::from_millis(500)));
        let later = start + Duration::from_millis(500);
        assert_eq!((bucket.take(1.0, later), bucket.is_full(later)), (Ok(()), false));
        assert!(bucket.take(1.0, later).is_err());
        let much_later = later + Duration::from_secs(60);
        assert!(bucket.wait(4.0, much_later).is_err(), "never more than the burst");
        assert!(bucket.wait(3.0, much_later).is_ok() && bucket.is_full(much_later));
        let mut never = Bucket::full(Rate { burst: 0.0, per_second: 0.0 }, start);
        assert_eq!(never.take(1.0, start), Err(Duration::MAX));
    }
}
