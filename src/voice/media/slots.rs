//! Who is heard: in a small room everybody, in a larger one the five loudest, each in a slot that they keep.

use std::time::{Duration, Instant};

use super::{EVERYBODY_HEARD_MAX, SLOTS};

/// Whoever takes a slot by speaking keeps it at least this long, so that slots do not flicker. Somebody counts as speaking for as
/// long again after their last word: nobody is cut off within a sentence.
const HOLD: Duration = Duration::from_millis(600);
/// So much louder, in dB, must somebody be to take the place of one who speaks as well, or to be the loudest instead: levels of a
/// conversation vary by a few dB all the time.
const MARGIN: u8 = 6;

/// Somebody in the room, and how loud they are while they speak (−dBov).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present<K> {
    /// Who.
    pub who: K,
    /// Their level; none while they do not speak.
    pub level: Option<u8>,
}

/// Who is heard in a room.
#[derive(Debug)]
pub struct Heard<K> {
    members: Vec<Member<K>>,
    dominant: Option<K>,
}

#[derive(Debug)]
struct Member<K> {
    who: K,
    level: Option<u8>,
    // When they took the slot by speaking; none while they only fill it.
    came: Option<Instant>,
    spoke: Option<Instant>,
}

impl<K> Default for Heard<K> {
    fn default() -> Heard<K> {
        Heard { members: Vec::new(), dominant: None }
    }
}

impl<K: Copy + Eq> Heard<K> {
    /// Everybody who is in the room, as they are now.
    pub fn update(&mut self, present: &[Present<K>], now: Instant) {
        self.members.retain_mut(|member| match present.iter().find(|p| p.who == member.who) {
            Some(p) => {
                member.level = p.level;
                if p.level.is_some() {
                    member.spoke = Some(now);
                    member.came.get_or_insert(now);
                }
                true
            }
            None => false,
        });
        self.choose_dominant(present);
        if present.len() <= EVERYBODY_HEARD_MAX {
            for p in present {
                self.admit(p, now);
            }
            return;
        }
        while self.members.len() > SLOTS {
            match self.weakest() {
                Some(n) => self.members.remove(n),
                None => break,
            };
        }
        let mut speaking: Vec<_> = present.iter().filter(|p| p.level.is_some()).collect();
        speaking.sort_by_key(|p| (Some(p.who) != self.dominant, p.level));
        for p in speaking {
            self.compete(p, now);
        }
        for p in present {
            // Free slots are prepared with those who are silent, so that their first word is heard.
            if self.members.len() < SLOTS {
                self.admit(p, now);
            }
        }
    }

    /// Those who are heard.
    pub fn members(&self) -> impl Iterator<Item = K> + Clone {
        self.members.iter().map(|member| member.who)
    }

    fn choose_dominant(&mut self, present: &[Present<K>]) {
        let level_of = |who| present.iter().find(|p| p.who == who).and_then(|p| p.level);
        let loudest =
            present.iter().filter_map(|p| p.level.map(|level| (level, p.who))).min_by_key(|(level, _)| *level);
        let Some((level, who)) = loudest else {
            self.dominant = self.dominant.filter(|who| present.iter().any(|p| p.who == *who));
            return;
        };
        match self.dominant.and_then(level_of) {
            Some(known) if level.saturating_add(MARGIN) > known => {}
            _ => self.dominant = Some(who),
        }
    }

    fn admit(&mut self, p: &Present<K>, now: Instant) {
        if !self.members.iter().any(|member| member.who == p.who) {
            let speaks = p.level.map(|_| now);
            self.members.push(Member { who: p.who, level: p.level, came: speaks, spoke: speaks });
        }
    }

    fn compete(&mut self, p: &Present<K>, now: Instant) {
        if self.members.iter().any(|member| member.who == p.who) {
            return;
        }
        if self.members.len() >= SLOTS {
            let must = self.dominant == Some(p.who);
            let Some(n) = self.weakest() else { return };
            let weakest = &self.members[n];
            let has_stayed = weakest.came.is_none_or(|came| now.saturating_duration_since(came) >= HOLD);
            let gives_way = match (weakest.level, p.level) {
                (None, _) => true,
                (Some(theirs), Some(level)) => level.saturating_add(MARGIN) <= theirs,
                (Some(_), None) => false,
            };
            if !(must || has_stayed && gives_way) {
                return;
            }
            self.members.remove(n);
        }
        self.admit(p, now);
    }

    /// Who would be missed least: the longest silent, then the quietest; never the dominant speaker.
    fn weakest(&self) -> Option<usize> {
        let evictable = self.members.iter().enumerate().filter(|(_, member)| Some(member.who) != self.dominant);
        let rank = |member: &Member<K>| match member.level {
            None => (0, member.spoke, 0),
            Some(level) => (1, None, u8::MAX - level),
        };
        evictable.min_by_key(|(_, member)| rank(member)).map(|(n, _)| n)
    }
}

/// Who stands where for one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<K>(pub [Option<K>; SLOTS]);

impl<K> Default for Standing<K> {
    fn default() -> Standing<K> {
        Standing([const { None }; SLOTS])
    }
}

impl<K: Copy + Eq> Standing<K> {
    /// Gives those who are heard a slot each, except the listener: whoever has one keeps it.
    pub fn settle(&mut self, heard: impl Iterator<Item = K> + Clone, listener: K) {
        for slot in &mut self.0 {
            if slot.is_some_and(|who| who == listener || !heard.clone().any(|h| h == who)) {
                *slot = None;
            }
        }
        for who in heard.filter(|who| *who != listener) {
            if !self.0.contains(&Some(who))
                && let Some(free) = self.0.iter_mut().find(|slot| slot.is_none())
            {
                *free = Some(who);
            }
        }
    }

    /// The slot of a speaker.
    pub fn of(&self, who: K) -> Option<usize> {
        self.0.iter().position(|slot| *slot == Some(who))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(levels: &[Option<u8>]) -> Vec<Present<i32>> {
        levels.iter().enumerate().map(|(who, level)| Present { who: who as i32, level: *level }).collect()
    }

    fn members(heard: &Heard<i32>) -> Vec<i32> {
        let mut members: Vec<i32> = heard.members().collect();
        members.sort_unstable();
        members
    }

    #[test]
    fn up_to_six_hear_one_another() {
        let (mut heard, now) = (Heard::default(), Instant::now());
        heard.update(&room(&[None; 6]), now);
        assert_eq!(members(&heard), [0, 1, 2, 3, 4, 5]);
        let mut standing = Standing::default();
        standing.settle(heard.members(), 2);
        let mut others: Vec<i32> = standing.0.iter().flatten().copied().collect();
        others.sort_unstable();
        assert_eq!(others, [0, 1, 3, 4, 5]);
    }

    #[test]
    fn of_more_the_loudest_are_heard_and_who_falls_silent_makes_place() {
        let (mut heard, start) = (Heard::default(), Instant::now());
        let mut levels = [None; 9];
        heard.update(&room(&levels), start);
        assert_eq!(members(&heard).len(), SLOTS);
        let later = start + HOLD;
        (4..9).for_each(|who| levels[who] = Some(30));
        heard.update(&room(&levels), later);
        assert_eq!(members(&heard), [4, 5, 6, 7, 8]);
        // A sixth who is as loud waits, one who is much louder does not, and takes the quietest's place.
        levels[0] = Some(30);
        levels[6] = Some(35);
        heard.update(&room(&levels), later + HOLD);
        assert_eq!(members(&heard), [4, 5, 6, 7, 8]);
        levels[0] = Some(20);
        heard.update(&room(&levels), later + HOLD);
        assert_eq!(members(&heard), [0, 4, 5, 7, 8]);
        // Who has just come keeps the slot for a moment, and who has fallen silent gives way.
        levels[1] = Some(32);
        levels[8] = None;
        heard.update(&room(&levels), later + HOLD);
        assert_eq!(members(&heard), [0, 1, 4, 5, 7]);
        levels[1] = None;
        levels[2] = Some(32);
        heard.update(&room(&levels), later + HOLD + HOLD / 2);
        assert_eq!(members(&heard), [0, 1, 4, 5, 7]);
        heard.update(&room(&levels), later + 2 * HOLD);
        assert_eq!(members(&heard), [0, 2, 4, 5, 7]);
    }

    #[test]
    fn the_loudest_stays_through_a_pause() {
        let (mut heard, start) = (Heard::default(), Instant::now());
        let mut levels = [Some(40); 8];
        levels[7] = Some(10);
        heard.update(&room(&levels), start);
        assert!(members(&heard).contains(&7));
        levels[7] = None;
        levels.iter_mut().take(7).for_each(|level| *level = None);
        heard.update(&room(&levels), start + 10 * HOLD);
        assert!(members(&heard).contains(&7), "nobody else has spoken since");
    }

    proptest! {
        #[test]
        fn whatever_happens_slots_are_few_stable_and_the_loudest_is_heard(
            steps in prop::collection::vec((prop::collection::vec(prop::option::weighted(0.6, prop::option::weighted(0.4, 0u8..=45)), 12), 10u64..400), 1..60),
        ) {
            let (mut heard, mut now) = (Heard::default(), Instant::now());
            let mut standings: Vec<Standing<i32>> = vec![Standing::default(); 12];
            let mut was_dominant = None;
            for (people, ms) in steps {
                now += Duration::from_millis(ms);
                let present: Vec<Present<i32>> = people.iter().enumerate()
                    .filter_map(|(who, level)| level.map(|level| Present { who: who as i32, level })).collect();
                heard.update(&present, now);
                let members = members(&heard);
                let mut unique = members.clone();
                unique.dedup();
                prop_assert_eq!(&unique, &members, "nobody twice");
                prop_assert!(members.iter().all(|who| present.iter().any(|p| p.who == *who)));
                if present.len() <= EVERYBODY_HEARD_MAX {
                    prop_assert_eq!(members.len(), present.len());
                } else {
                    prop_assert_eq!(members.len(), SLOTS);
                }
                if let Some(dominant) = heard.dominant {
                    prop_assert!(members.contains(&dominant));
                }
                // Whoever was dominant and is still the loudest by far was not thrown out.
                if let Some(was) = was_dominant && present.iter().any(|p| p.who == was) && heard.dominant == Some(was) {
                    prop_assert!(members.contains(&was));
                }
                was_dominant = heard.dominant;
                for listener in &present {
                    let standing = &mut standings[listener.who as usize];
                    let before = standing.clone();
                    standing.settle(heard.members(), listener.who);
                    for who in &members {
                        if *who == listener.who {
                            prop_assert_eq!(standing.of(*who), None);
                        } else {
                            prop_assert!(standing.of(*who).is_some());
                            if let Some(slot) = before.of(*who) {
                                prop_assert_eq!(standing.of(*who), Some(slot), "they keep their slot");
                            }
                        }
                    }
                }
            }
        }
    }
}
