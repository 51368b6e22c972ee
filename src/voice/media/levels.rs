//! Who speaks, by the levels that browsers send with their packets (RFC 6464), without decoding anything.

use std::time::{Duration, Instant};

/// No sound at all, in −dBov.
pub const SILENCE: u8 = 127;
/// Sound is loud at −45 dBov or more: speech into a headset lies at −20 to −40, a quiet room below −60.
const LOUD_MAX: u8 = 45;
/// A click of 20 ms is no speech; so much loud sound is, and it is still told well within 200 ms.
const ATTACK: Duration = Duration::from_millis(40);
/// Loud sound after a longer pause begins anew: the pauses within words are shorter.
const PAUSE_MAX: Duration = Duration::from_millis(150);
/// Whoever was loud within this time speaks: pauses between words are shorter, and with the tick of 100 ms the end is told within
/// 800 ms.
const RELEASE: Duration = Duration::from_millis(600);
/// The share of the newest packet in the level that is told: it follows within a few packets and does not flicker.
const SMOOTHING: f32 = 0.2;

/// One person's voice.
#[derive(Debug)]
pub struct Voice {
    loud_since: Option<Instant>,
    last_loud: Option<Instant>,
    is_speaking: bool,
    smoothed: f32,
}

impl Default for Voice {
    fn default() -> Voice {
        Voice { loud_since: None, last_loud: None, is_speaking: false, smoothed: f32::from(SILENCE) }
    }
}

impl Voice {
    /// A packet of this level came. Whether the person begins to speak with it.
    pub fn heard(&mut self, level: u8, now: Instant) -> bool {
        let level = level.min(SILENCE);
        self.smoothed += SMOOTHING * (f32::from(level) - self.smoothed);
        if level > LOUD_MAX {
            return false;
        }
        if self.last_loud.is_none_or(|last| now.saturating_duration_since(last) > PAUSE_MAX) {
            self.loud_since = Some(now);
            // Speech begins at its own level instead of climbing up to it.
            self.smoothed = f32::from(level);
        }
        self.last_loud = Some(now);
        let lasts = self.loud_since.is_some_and(|since| now.saturating_duration_since(since) >= ATTACK);
        let begins = lasts && !self.is_speaking;
        self.is_speaking |= lasts;
        begins
    }

    /// Time has passed. Whether the person has ended with it.
    pub fn settle(&mut self, now: Instant) -> bool {
        let ends = self.is_speaking && self.last_loud.is_none_or(|last| now.saturating_duration_since(last) > RELEASE);
        if ends {
            self.hush();
        }
        ends
    }

    /// Whatever they say, it is not heard any more.
    pub fn hush(&mut self) {
        *self = Voice::default();
    }

    /// The level while the person speaks, in −dBov.
    pub fn level(&self) -> Option<u8> {
        self.is_speaking.then_some(self.smoothed.round() as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 20 ms at these levels; when the person began and ended, in ms.
    fn listen(levels: impl IntoIterator<Item = u8>) -> (Option<u64>, Option<u64>) {
        let (mut voice, start) = (Voice::default(), Instant::now());
        let (mut on, mut off) = (None, None);
        for (n, level) in levels.into_iter().enumerate() {
            let ms = n as u64 * 20;
            let now = start + Duration::from_millis(ms);
            if voice.heard(level, now) {
                on.get_or_insert(ms);
            }
            if ms.is_multiple_of(100) && voice.settle(now) {
                off.get_or_insert(ms);
            }
        }
        (on, off)
    }

    #[test]
    fn speech_is_told_within_200_ms_and_its_end_within_800() {
        let (on, off) = listen([vec![127; 10], vec![30; 50], vec![90; 60]].concat());
        assert!(on.is_some_and(|on| (200..=400).contains(&on)), "{on:?}");
        assert!(off.is_some_and(|off| (1_200 + 400..=1_200 + 800).contains(&off)), "{off:?}");
    }

    #[test]
    fn a_click_and_a_quiet_room_are_no_speech() {
        assert_eq!(listen([vec![127; 10], vec![10; 1], vec![70; 100]].concat()), (None, None));
        assert_eq!(listen(vec![60; 500]), (None, None));
    }

    #[test]
    fn the_pauses_between_words_do_not_end_speech() {
        let word = [vec![25; 10], vec![80; 20]].concat();
        let (on, off) = listen(word.iter().copied().cycle().take(300));
        assert!(on.is_some() && off.is_none());
    }

    #[test]
    fn the_level_is_that_of_the_speech_from_the_beginning() {
        let (mut voice, start) = (Voice::default(), Instant::now());
        assert_eq!(voice.level(), None);
        (0..4).for_each(|n| {
            voice.heard(30, start + Duration::from_millis(20 * n));
        });
        assert_eq!(voice.level(), Some(30));
        voice.hush();
        assert_eq!(voice.level(), None);
    }
}
