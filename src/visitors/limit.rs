//! How many page views one address may send: enough for an office, too few to fill a shop with visitors that are none.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Page views of one address in a window. A busy office or a school behind one address stays below.
pub const HITS_MAX: u32 = 100;
/// How long a window is. With it ends all that is remembered of addresses.
pub const WINDOW: Duration = Duration::from_secs(10);
/// Addresses in memory; while there are more, new ones are let through, as the queue has a bound of its own.
const ADDRESSES_MAX: usize = 100_000;

/// Counts by address.
#[derive(Default)]
pub struct Limits(Mutex<Window>);

#[derive(Default)]
struct Window {
    began: Option<Instant>,
    hits: HashMap<IpAddr, u32>,
}

impl Limits {
    /// Counts a page view of an address at a moment; whether it may pass.
    pub fn pass(&self, address: IpAddr, now: Instant) -> bool {
        // Who poisoned the lock left a count behind at most.
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.is_none_or(|began| now.duration_since(began) >= WINDOW) {
            window.began = Some(now);
            window.hits.clear();
        }
        let is_full = window.hits.len() >= ADDRESSES_MAX;
        match window.hits.get_mut(&network(address)) {
            Some(hits) => {
                *hits = hits.saturating_add(1);
                *hits <= HITS_MAX
            }
            None if is_full => true,
            None => {
                window.hits.insert(network(address), 1);
                true
            }
        }
    }
}

/// Whoever has an address of version 6 has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_waits_for_the_next_window() {
        let (limits, now) = (Limits::default(), Instant::now());
        assert!((0..HITS_MAX).all(|_| limits.pass(address("192.0.2.1"), now)));
        assert!(!limits.pass(address("192.0.2.1"), now));
        assert!(limits.pass(address("192.0.2.2"), now), "another address has its own");
        assert!(limits.pass(address("192.0.2.1"), now + WINDOW));
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let (limits, now) = (Limits::default(), Instant::now());
        let of = |n: u32| address(&format!("2001:db8::{n:x}"));
        assert!((0..HITS_MAX).all(|n| limits.pass(of(n), now)));
        assert!(!limits.pass(of(7_000), now));
        assert!(limits.pass(address("2001:db8:0:1::1"), now));
    }
}
