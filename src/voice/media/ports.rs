//! The UDP ports of the connections: each has one of its own out of the configured range.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// Ports that are free. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ports {
    range: RangeInclusive<u16>,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    ports: HashSet<u16>,
    next: u16,
}

/// A port that is taken until this is dropped.
#[derive(Debug)]
pub struct Port {
    /// Its number; 0 for any.
    pub number: u16,
    ports: Ports,
}

impl Ports {
    /// All of the range; `0..=0` means any that the system has.
    pub fn new(range: RangeInclusive<u16>) -> Ports {
        let next = *range.start();
        Ports { range, taken: Arc::new(Mutex::new(Taken { next, ..Taken::default() })) }
    }

    /// The next free one, going round, so that a port rests before it is taken again.
    pub fn take(&self) -> Option<Port> {
        if *self.range.end() == 0 {
            return Some(Port { number: 0, ports: self.clone() });
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in self.range.clone() {
            let number = taken.next;
            taken.next = if number >= *self.range.end() { *self.range.start() } else { number + 1 };
            if taken.ports.insert(number) {
                return Some(Port { number, ports: self.clone() });
            }
        }
        None
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut taken = self.ports.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.ports.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_and_comes_back() {
        let ports = Ports::new(5_000..=5_002);
        let all: Vec<Port> = (0..3).filter_map(|_| ports.take()).collect();
        assert_eq!(all.iter().map(|port| port.number).collect::<Vec<_>>(), [5_000, 5_001, 5_002]);
        assert!(ports.take().is_none());
        drop(all);
        assert_eq!(ports.take().map(|port| port.number), Some(5_000));
        assert_eq!(ports.take().map(|port| port.number), Some(5_001));
    }
}
