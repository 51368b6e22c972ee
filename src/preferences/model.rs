//! What a person can choose. Pure.

use serde::Serialize;

/// The loudest sound, in percent.
pub const SOUND_MAX: i16 = 100;

/// What a person has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Preferences {
    /// Whether the page follows what happens by itself.
    pub live: bool,
    /// Whether orders are told in the corner of the page.
    pub toasts: bool,
    /// The loudness of the sound for an order in percent; 0 is none.
    pub sound: i16,
    /// Whether orders of nothing are passed over.
    pub mute_free: bool,
    /// Whether refunds are passed over.
    pub mute_refunds: bool,
    /// Whether the browser's notifications tell of orders while the page is out of sight.
    pub notify: bool,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences { live: true, toasts: true, sound: 0, mute_free: false, mute_refunds: false, notify: false }
    }
}

impl Preferences {
    /// Chooses anew by the name of a choice and its value: `yes` or `no`, or percent. The error is a sentence.
    pub fn choose(&mut self, name: &str, value: &str) -> Result<(), String> {
        if name == "sound" {
            let sound = value.parse().ok().filter(|percent| (0..=SOUND_MAX).contains(percent));
            self.sound = sound.ok_or_else(|| format!("sound is a percentage from 0 to {SOUND_MAX}"))?;
            return Ok(());
        }
        let choice = match name {
            "live" => &mut self.live,
            "toasts" => &mut self.toasts,
            "mute_free" => &mut self.mute_free,
            "mute_refunds" => &mut self.mute_refunds,
            "notify" => &mut self.notify,
            _ => return Err(format!("there is no choice named {name:?}")),
        };
        *choice = match value {
            "yes" => true,
            "no" => false,
            _ => return Err(format!("{name} is yes or no")),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_made_by_name() {
        let mut chosen = Preferences::default();
        for (name, value) in [("live", "no"), ("sound", "40"), ("mute_free", "yes"), ("notify", "yes")] {
            chosen.choose(name, value).expect("a choice");
        }
        let expected = Preferences { live: false, sound: 40, mute_free: true, notify: true, ..Preferences::default() };
        assert_eq!(chosen, expected);
        for (name, value, says) in [
            ("sound", "101", "from 0 to 100"),
            ("sound", "loud", "from 0 to 100"),
            ("live", "maybe", "live is yes or no"),
            ("colour", "yes", "no choice named"),
        ] {
            let sentence = chosen.choose(name, value).expect_err(name);
            assert!(sentence.contains(says), "{sentence}");
        }
        assert_eq!(chosen, expected);
    }
}
