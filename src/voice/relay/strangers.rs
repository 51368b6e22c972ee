//! How often those may knock who are nobody yet: a rate for each address, and one for all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use crate::voice::rate::{Bucket, Rate};

/// Addresses whose rate is known at once, about 100 bytes each. Beyond them, unknown addresses wait until some have been quiet.
const ADDRESSES_MAX: usize = 4096;

/// A rate for each address, and one for all of them together.
pub struct Strangers {
    each: Rate,
    by_address: HashMap<IpAddr, Bucket>,
    together: Bucket,
}

impl Strangers {
    /// Nobody has taken anything.
    pub fn new(each: Rate, all: Rate, now: Instant) -> Strangers {
        Strangers { each, by_address: HashMap::new(), together: Bucket::full(all, now) }
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
        bucket.take(1.0, now).is_ok() && self.together.take(1.0, now).is_ok()
    }

    /// Forgets addresses whose rate is whole again.
    pub fn forget_the_quiet(&mut self, now: Instant) {
        self.by_address.retain(|_, bucket| !bucket.is_full(now));
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
    fn addresses_do_not_take_from_one_another_and_a_network_of_ipv6_is_one() {
        let now = Instant::now();
        let mut strangers = Strangers::new(RATE, Rate { burst: 7.0, per_second: 0.0 }, now);
        let take = |strangers: &mut Strangers, address: &str| strangers.take(address.parse().expect("an address"), now);
        assert_eq!((0..5).filter(|_| take(&mut strangers, "192.0.2.1")).count(), 3);
        assert!(
            take(&mut strangers, "2001:db8::1")
                && take(&mut strangers, "2001:db8::2")
                && take(&mut strangers, "2001:db8::3")
        );
        assert!(!take(&mut strangers, "2001:db8::4"));
        assert!(take(&mut strangers, "192.0.2.2"));
        assert!(!take(&mut strangers, "192.0.2.3"), "all of them together");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let endless = Rate { burst: 1e9, per_second: 0.0 };
        let mut strangers = Strangers::new(RATE, endless, now);
        let taken = (0..10_000u32).filter(|n| strangers.take(IpAddr::V4((*n).into()), now)).count();
        assert_eq!((taken, strangers.by_address.len()), (ADDRESSES_MAX, ADDRESSES_MAX));
        assert!(strangers.take(IpAddr::V4(20_000.into()), now + Duration::from_secs(2)));
        assert_eq!(strangers.by_address.len(), 1);
    }
}
