//! Rates: so much at once, and so much a second from then on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

/// Addresses whose rate is known at once, about 100 bytes each. Beyond them, unknown addresses wait until some have been quiet.
const ADDRESSES_MAX: usize = 4096;

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
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: Rate, now: Instant) -> Bucket {
        Bucket { left: rate.burst, at: now }
    }

    /// Takes `amount`, if there is as much.
    pub fn take(&mut self, amount: f64, rate: Rate, now: Instant) -> bool {
        self.fill(rate, now);
        let is_enough = self.left >= amount;
        if is_enough {
            self.left -= amount;
        }
        is_enough
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + seconds * rate.per_second).min(rate.burst);
        self.at = now;
    }
}

/// A rate for each address, and one for all of them together.
pub struct Buckets {
    each: Rate,
    all: Rate,
    by_address: HashMap<IpAddr, Bucket>,
    together: Bucket,
}

impl Buckets {
    /// Nobody has taken anything.
    pub fn new(each: Rate, all: Rate, now: Instant) -> Buckets {
        Buckets { each, all, by_address: HashMap::new(), together: Bucket::full(all, now) }
    }

    /// Takes one for this address.
    pub fn take(&mut self, address: IpAddr, now: Instant) -> bool {
        let address = network(address);
        if self.by_address.len() >= ADDRESSES_MAX && !self.by_address.contains_key(&address) {
            self.forget_the_quiet(now);
            if self.by_address.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let bucket = self.by_address.entry(address).or_insert_with(|| Bucket::full(self.each, now));
        bucket.take(1.0, self.each, now) && self.together.take(1.0, self.all, now)
    }

    /// Forgets addresses whose rate is whole again.
    pub fn forget_the_quiet(&mut self, now: Instant) {
        let each = self.each;
        self.by_address.retain(|_, bucket| {
            bucket.fill(each, now);
            bucket.left < each.burst
        });
    }
}

/// Somebody with IPv6 has as many addresses as they like, all of one network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RATE: Rate = Rate { burst: 3.0, per_second: 2.0 };

    #[test]
    fn so_much_at_once_and_then_by_the_second() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert!((0..3).all(|_| bucket.take(1.0, RATE, start)));
        assert!(!bucket.take(1.0, RATE, start));
        let later = start + Duration::from_millis(500);
        assert!(bucket.take(1.0, RATE, later));
        assert!(!bucket.take(1.0, RATE, later));
        assert!(!bucket.take(4.0, RATE, later + Duration::from_secs(60)), "never more than the burst");
    }

    #[test]
    fn addresses_do_not_take_from_one_another_and_a_network_of_ipv6_is_one() {
        let now = Instant::now();
        let mut buckets = Buckets::new(RATE, Rate { burst: 7.0, per_second: 0.0 }, now);
        let take = |buckets: &mut Buckets, address: &str| buckets.take(address.parse().expect("an address"), now);
        assert_eq!((0..5).filter(|_| take(&mut buckets, "192.0.2.1")).count(), 3);
        assert!(
            take(&mut buckets, "2001:db8::1") && take(&mut buckets, "2001:db8::2") && take(&mut buckets, "2001:db8::3")
        );
        assert!(!take(&mut buckets, "2001:db8::4"));
        assert!(take(&mut buckets, "192.0.2.2"));
        assert!(!take(&mut buckets, "192.0.2.3"), "all of them together");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let endless = Rate { burst: 1e9, per_second: 0.0 };
        let mut buckets = Buckets::new(RATE, endless, now);
        let taken = (0..10_000u32).filter(|n| buckets.take(IpAddr::V4((*n).into()), now)).count();
        assert_eq!((taken, buckets.by_address.len()), (ADDRESSES_MAX, ADDRESSES_MAX));
        assert!(buckets.take(IpAddr::V4(20_000.into()), now + Duration::from_secs(2)));
        assert_eq!(buckets.by_address.len(), 1);
    }
}
