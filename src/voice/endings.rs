//! How seats ended that their pages did not give up: such a page is told so when it comes back, and gets no seat unasked.

use std::collections::VecDeque;

use crate::period::Instant;
use crate::voice::protocol::Ending;

/// So long an ending is remembered: as long as a page comes back by itself.
const REMEMBERED_MS: i64 = 15 * 60_000;
/// Endings that are remembered at most: twice as many as there are seats. The oldest are forgotten first.
const REMEMBERED_MAX: usize = 2_000;

/// Endings of the last minutes, the oldest first.
#[derive(Debug, Default)]
pub struct Endings(VecDeque<Past>);

#[derive(Debug)]
struct Past {
    person: i32,
    resume_hash: Vec<u8>,
    why: Ending,
    at: Instant,
}

impl Endings {
    /// A seat has ended. What its page did itself, or nobody wanted, is nothing to be remembered.
    pub fn remember(&mut self, person: i32, resume_hash: Vec<u8>, why: Ending, now: Instant) {
        if !matches!(why, Ending::Removed | Ending::Elsewhere | Ending::SignedOut) {
            return;
        }
        while self.0.len() >= REMEMBERED_MAX || self.0.front().is_some_and(|past| past.is_over(now)) {
            self.0.pop_front();
        }
        self.0.push_back(Past { person, resume_hash, why, at: now });
    }

    /// Why the seat ended that the person's secret would bring back; nothing where that is not known.
    pub fn why(&self, person: i32, resume_hash: &[u8], now: Instant) -> Option<Ending> {
        let is_it = |past: &&Past| (past.person, &*past.resume_hash) == (person, resume_hash) && !past.is_over(now);
        self.0.iter().find(is_it).map(|past| past.why)
    }
}

impl Past {
    fn is_over(&self, now: Instant) -> bool {
        (now - self.at).num_milliseconds() >= REMEMBERED_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_timestamp(1_795_000_000 + seconds, 0).expect("an instant")
    }

    #[test]
    fn an_ending_is_known_to_its_person_for_a_quarter_of_an_hour() {
        let mut endings = Endings::default();
        endings.remember(7, vec![1], Ending::Removed, at(0));
        endings.remember(7, vec![2], Ending::Left, at(0));
        assert_eq!(endings.why(7, &[1], at(899)), Some(Ending::Removed));
        assert_eq!(endings.why(7, &[1], at(900)), None, "it is forgotten");
        assert_eq!(endings.why(8, &[1], at(1)), None, "another person");
        assert_eq!(endings.why(7, &[2], at(1)), None, "who left may come back");
    }

    #[test]
    fn not_more_is_remembered_than_there_is_place_for() {
        let mut endings = Endings::default();
        for number in 0..=REMEMBERED_MAX {
            endings.remember(number as i32, vec![1], Ending::Elsewhere, at(0));
        }
        assert_eq!(endings.0.len(), REMEMBERED_MAX);
        assert_eq!(endings.why(0, &[1], at(0)), None);
        assert_eq!(endings.why(REMEMBERED_MAX as i32, &[1], at(0)), Some(Ending::Elsewhere));
        endings.remember(1, vec![9], Ending::SignedOut, at(900));
        assert_eq!(endings.0.len(), 1, "what is over makes way");
    }
}
