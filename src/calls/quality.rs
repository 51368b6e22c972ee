//! How good a call is to listen to: a number from 0 to 100 out of delay, jitter and loss, and a word for it. Pure.
//!
//! A simplified form of the E-model, as ITU-T describes it in Recommendation G.107: from the best that a call can be, what delay
//! takes away and what loss takes away are subtracted. The words stand where that recommendation puts its categories of how
//! satisfied users are; the delay that is noticed is that of Recommendation G.114.

use serde::{Deserialize, Serialize};

use crate::voice::monitor::PersonSample;

/// A call in which nothing is delayed and nothing is lost.
const BEST: f64 = 93.2;
/// Delay that is there on any way, in ms: packets of 20 ms, the codec's look-ahead, and the browser's smallest buffer.
const ALWAYS_MS: f64 = 40.0;
/// What each ms of delay on one way takes away.
const PER_MS: f64 = 0.024;
/// From this delay on, in ms, people notice that answers come late, and each ms takes away more.
const NOTICED_MS: f64 = 177.3;
const PER_NOTICED_MS: f64 = 0.11;
/// The buffer of a browser holds about so many times the jitter.
const BUFFERED: f64 = 2.0;
/// All that loss could take away, and the percent of loss at which half of it is gone: Opus makes up single packets well.
const LOSS_TAKES: f64 = 95.0;
const HALF_GONE_AT: f64 = 10.0;
/// Of what is lost from somebody, the part that counts although their browser has nothing to make up: redundancy brings back the rest, but
/// for whom that is so nobody says.
const HEARD_BY_OTHERS: f64 = 0.5;
/// From these scores on: everybody very satisfied, satisfied, some not satisfied. Below, many are not.
const EXCELLENT_FROM: f64 = 90.0;
const GOOD_FROM: f64 = 80.0;
const FAIR_FROM: f64 = 70.0;

/// A word for a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CallQuality)]
pub enum Quality {
    /// As in one room: 90 and more.
    Excellent,
    /// Nothing that disturbs: 80 and more.
    Good,
    /// Some is noticed: 70 and more.
    Fair,
    /// It is hard to follow.
    Poor,
}

impl Quality {
    /// All of them, the best first.
    pub const ALL: [Quality; 4] = [Quality::Excellent, Quality::Good, Quality::Fair, Quality::Poor];

    /// The word of a score.
    pub fn of(score: f64) -> Quality {
        match score {
            score if score >= EXCELLENT_FROM => Quality::Excellent,
            score if score >= GOOD_FROM => Quality::Good,
            score if score >= FAIR_FROM => Quality::Fair,
            _ => Quality::Poor,
        }
    }

    /// Its name in data and addresses.
    pub fn name(self) -> &'static str {
        match self {
            Quality::Excellent => "excellent",
            Quality::Good => "good",
            Quality::Fair => "fair",
            Quality::Poor => "poor",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Quality> {
        Quality::ALL.into_iter().find(|quality| quality.name() == name)
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Quality::Excellent => "Excellent",
            Quality::Good => "Good",
            Quality::Fair => "Fair",
            Quality::Poor => "Poor",
        }
    }
}

/// The score of somebody; none while they are not connected or nothing is measured yet.
pub fn score(person: &PersonSample) -> Option<f64> {
    let is_measured = person.rtt_ms.is_some() || person.loss_percent.is_some() || person.concealed_percent.is_some();
    if !person.is_connected || !is_measured {
        return None;
    }
    let known = |value: Option<f64>| value.filter(|value| value.is_finite()).unwrap_or(0.0).max(0.0);
    let delay = ALWAYS_MS + known(person.rtt_ms) / 2.0 + known(person.jitter_ms) * BUFFERED;
    let late = PER_MS * delay + PER_NOTICED_MS * (delay - NOTICED_MS).max(0.0);
    // What redundancy has brought back disturbs nobody: where the browser says what it had to make up, that counts.
    let heard = match person.concealed_percent {
        Some(_) => known(person.concealed_percent).max(known(person.up_loss_percent) * HEARD_BY_OTHERS),
        None => known(person.loss_percent),
    };
    Some((BEST - late - LOSS_TAKES * heard / (heard + HALF_GONE_AT)).clamp(0.0, 100.0))
}

/// The word for how it is for somebody.
pub fn quality(person: &PersonSample) -> Option<Quality> {
    score(person).map(Quality::of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(rtt: f64, jitter: f64, loss: f64, concealed: Option<f64>) -> PersonSample {
        PersonSample {
            rtt_ms: Some(rtt),
            jitter_ms: Some(jitter),
            loss_percent: Some(loss),
            concealed_percent: concealed,
            is_connected: true,
            ..PersonSample::default()
        }
    }

    #[test]
    fn words_stand_where_people_hear_a_difference() {
        for (rtt, jitter, loss, concealed, word) in [
            (20.0, 2.0, 0.0, Some(0.0), Quality::Excellent),
            (100.0, 5.0, 0.0, Some(0.0), Quality::Excellent),
            (250.0, 10.0, 0.2, Some(0.1), Quality::Good),
            (40.0, 5.0, 1.0, Some(1.0), Quality::Good),
            (40.0, 5.0, 2.0, Some(2.0), Quality::Fair),
            (400.0, 20.0, 0.0, Some(0.0), Quality::Fair),
            (600.0, 20.0, 0.0, Some(0.0), Quality::Poor),
            (40.0, 5.0, 6.0, Some(6.0), Quality::Poor),
            // Redundancy has brought most of it back.
            (40.0, 5.0, 12.0, Some(0.4), Quality::Good),
            (40.0, 5.0, 3.0, None, Quality::Poor),
        ] {
            let found = quality(&person(rtt, jitter, loss, concealed));
            assert_eq!(
                found,
                Some(word),
                "{rtt} ms, {jitter} ms, {loss} %, {concealed:?}: {:?}",
                score(&person(rtt, jitter, loss, concealed))
            );
        }
        for (up_loss, word) in [(3.0, Quality::Fair), (6.0, Quality::Poor)] {
            let spoken = PersonSample { up_loss_percent: Some(up_loss), ..person(40.0, 5.0, up_loss, Some(0.0)) };
            assert_eq!(quality(&spoken), Some(word), "the others miss {up_loss} %");
        }
        assert!(Quality::ALL.into_iter().all(|quality| Quality::named(quality.name()) == Some(quality)));
        assert_eq!(Quality::named("splendid"), None);
    }

    #[test]
    fn nothing_is_said_where_nothing_is_measured() {
        assert_eq!(score(&PersonSample { is_connected: true, ..PersonSample::default() }), None);
        assert_eq!(score(&PersonSample { is_connected: false, ..person(20.0, 1.0, 0.0, None) }), None);
    }

    proptest! {
        #[test]
        fn worse_is_never_better(rtt in 0.0..3_000.0, jitter in 0.0..500.0, loss in 0.0..100.0, more in 0.0..50.0) {
            let before = score(&person(rtt, jitter, loss, None)).expect("a score");
            prop_assert!((0.0..=100.0).contains(&before));
            for worse in [person(rtt + more, jitter, loss, None), person(rtt, jitter + more, loss, None), person(rtt, jitter, loss + more, None)] {
                prop_assert!(score(&worse).expect("a score") <= before);
            }
        }

        #[test]
        fn nonsense_is_a_score_all_the_same(value in any::<f64>()) {
            let found = score(&person(value, value, value, Some(value))).expect("a score");
            prop_assert!((0.0..=100.0).contains(&found));
        }
    }
}
