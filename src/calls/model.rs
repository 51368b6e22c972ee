//! Calls at a moment as everybody who asks is told of them, and what is kept of those that are over. Pure.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::calls::alerts::{Alert, Severity};
use crate::calls::quality::{Quality, quality, score};
use crate::period::Instant;
use crate::voice::monitor::{CallSample, PersonSample, Sample};

/// Days that calls are kept at most: ten years.
pub const DAYS_MAX: i32 = 3_650;
/// What the relay may be said to cost at most, in millionths of a dollar for a person and an hour: a thousand dollars.
pub const PRICE_MAX_MICROS: i64 = 1_000_000_000;
/// Millionths of a dollar.
const MICROS: i64 = 1_000_000;
/// Milliseconds of an hour.
const HOUR_MS: i128 = 3_600_000;

/// Calls at a moment.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// What was sampled.
    pub sample: Arc<Sample>,
    /// What is the matter, the worst first, then what is over and nobody has acknowledged.
    pub alerts: Vec<Alert>,
    /// What all calls have carried, the oldest first.
    pub carried: Vec<Carried>,
    /// What listeners are told of it: written by the first of them, for all.
    pub events: OnceLock<Events>,
}

/// A moment as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Events {
    /// The calls with their people.
    pub calls: Bytes,
    /// The alerts that go on.
    pub alerts: Bytes,
}

/// What all calls carried for some seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carried {
    /// When the seconds began.
    pub at: Instant,
    /// From the people, in kbit/s.
    pub up_kbps: f64,
    /// To the people, in kbit/s.
    pub down_kbps: f64,
    /// Samples that the two are the means of.
    pub samples: u32,
}

/// What the calls add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Rooms with somebody in them.
    pub rooms: i64,
    /// People.
    pub people: i64,
    /// Those whom the relay carries.
    pub relayed: i64,
    /// Alerts that go on and are critical.
    pub critical: i64,
    /// People by the quality that they have, the best first.
    pub by_quality: [i64; 4],
}

impl Moment {
    /// When it was sampled; none before the first sample.
    pub fn at(&self) -> Option<Instant> {
        (self.sample.at != Instant::default()).then_some(self.sample.at)
    }

    /// Everybody with their call.
    pub fn people(&self) -> impl Iterator<Item = (&CallSample, &PersonSample)> {
        self.sample.calls.iter().flat_map(|call| call.people.iter().map(move |person| (call, person)))
    }

    /// A call by its number.
    pub fn call(&self, id: i64) -> Option<&CallSample> {
        self.sample.calls.iter().find(|call| call.id == id)
    }

    /// What the calls add up to.
    pub fn totals(&self) -> Totals {
        let critical = self.alerts.iter().filter(|alert| alert.is_on() && alert.severity == Severity::Critical).count();
        let mut totals =
            Totals { rooms: self.sample.calls.len() as i64, critical: critical as i64, ..Totals::default() };
        for (_, person) in self.people() {
            totals.people += 1;
            totals.relayed += i64::from(person.is_relayed);
            if let Some(place) = quality(person).and_then(|found| Quality::ALL.iter().position(|one| *one == found)) {
                totals.by_quality[place] += 1;
            }
        }
        totals
    }

    /// What all calls carry now: from the people and to them, in kbit/s.
    pub fn carries(&self) -> (f64, f64) {
        self.people().fold((0.0, 0.0), |(up, down), (_, person)| (up + person.up_kbps, down + person.down_kbps))
    }
}

impl Totals {
    /// People whose quality is known.
    pub fn with_quality(&self) -> i64 {
        self.by_quality.iter().sum()
    }

    /// How many of the people the relay carries, in tenths of a percent.
    pub fn relayed_per_mille(&self) -> Option<i64> {
        crate::money::mean(self.relayed * 1_000, self.people)
    }
}

/// What an administrator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSettings {
    /// How long calls are kept.
    pub days: i32,
    /// What the relay is taken to cost for a person and an hour, in millionths of a dollar.
    pub relay_hour_micros: i64,
}

impl CallSettings {
    /// What so many relayed people cost in an hour, in millionths of a dollar.
    pub fn hour_micros(&self, people: i64) -> i64 {
        people.saturating_mul(self.relay_hour_micros)
    }

    /// What so many relayed seconds cost.
    pub fn seconds_micros(&self, seconds: f64) -> i64 {
        // Money is whole: of time, milliseconds are exact enough.
        let milliseconds = (seconds.max(0.0) * 1_000.0).round() as i128;
        let micros = (milliseconds * i128::from(self.relay_hour_micros) + HOUR_MS / 2) / HOUR_MS;
        i64::try_from(micros).unwrap_or(i64::MAX)
    }

    /// Reads what a form has, or says what is wrong with each field: days, then the price.
    pub fn read(days: &str, price: &str) -> Result<CallSettings, (String, String)> {
        let read_days = days.parse::<i32>().ok().filter(|days| (1..=DAYS_MAX).contains(days));
        let read_price = micros(price).filter(|micros| (0..=PRICE_MAX_MICROS).contains(micros));
        let wrong = |is_wrong: bool, sentence: String| if is_wrong { sentence } else { String::new() };
        match (read_days, read_price) {
            (Some(days), Some(relay_hour_micros)) => Ok(CallSettings { days, relay_hour_micros }),
            _ => Err((
                wrong(read_days.is_none(), format!("Calls are kept from 1 to {DAYS_MAX} days.")),
                wrong(
                    read_price.is_none(),
                    "A price is an amount of dollars such as 0.05, with at most six decimals, and at most 1000.".into(),
                ),
            )),
        }
    }
}

/// What the relay is taken to cost: at which price, and for how long it has carried people this month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RelayCost {
    /// With the price.
    pub settings: CallSettings,
    /// Seconds of all people, in the calls of this month that are kept.
    pub month_seconds: f64,
}

impl RelayCost {
    /// What this month has cost, in millionths of a dollar.
    pub fn month_micros(&self) -> i64 {
        self.settings.seconds_micros(self.month_seconds)
    }
}

/// Millionths of what is written as a decimal.
fn micros(text: &str) -> Option<i64> {
    let text = text.strip_prefix('$').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 6 || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * MICROS + fraction)
}

/// Millionths of a dollar as a decimal: at least cents, and no zeros beyond them.
pub fn dollars(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / MICROS, micros % MICROS);
    let zeros = text.len() - text.trim_end_matches('0').len();
    text[..text.len() - zeros.min(4)].to_owned()
}

/// A call that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PastCall {
    /// Its number.
    pub id: i64,
    /// The room's number.
    pub room: i32,
    /// What the room was called.
    pub name: String,
    /// When it began.
    pub began_at: Instant,
    /// When it was sampled last.
    pub seen_at: Instant,
    /// When it ended; none while it goes on.
    pub ended_at: Option<Instant>,
    /// How many people were in it; with what follows added up when it has ended, and before as far as it is written.
    pub people: Option<i32>,
    /// The mean score.
    pub score: Option<f32>,
    /// The mean loss, in percent.
    pub loss_percent: Option<f32>,
    /// The mean round trip, in ms.
    pub rtt_ms: Option<f32>,
    /// How long the relay carried its people, in seconds.
    pub relayed_seconds: Option<f64>,
}

impl PastCall {
    /// Up to when it is known.
    pub fn until(&self) -> Instant {
        self.ended_at.unwrap_or(self.seen_at)
    }
}

/// What is measured of somebody, or means of it; none where nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Means {
    /// From them, in kbit/s.
    pub up_kbps: Option<f64>,
    /// To them, in kbit/s.
    pub down_kbps: Option<f64>,
    /// The round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// The jitter, in ms.
    pub jitter_ms: Option<f64>,
    /// What was lost, in percent.
    pub loss_percent: Option<f64>,
    /// What had to be made up, in percent.
    pub concealed_percent: Option<f64>,
    /// The score of quality.
    pub score: Option<f64>,
}

/// A figure of a person: how data and people call it, what it is measured in, and how many digits are shown.
pub struct Figure {
    /// Its name in data.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is measured in.
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
}

/// The figures of a person, in the order in which they are shown.
pub const FIGURES: [Figure; 6] = [
    Figure { name: "up_kbps", title: "Up", unit: "kbit/s", digits: 0 },
    Figure { name: "down_kbps", title: "Down", unit: "kbit/s", digits: 0 },
    Figure { name: "rtt_ms", title: "Latency", unit: "ms", digits: 0 },
    Figure { name: "jitter_ms", title: "Jitter", unit: "ms", digits: 0 },
    Figure { name: "loss_percent", title: "Loss", unit: "%", digits: 1 },
    Figure { name: "concealed_percent", title: "Made up", unit: "%", digits: 1 },
];

impl Means {
    /// As somebody is sampled.
    pub fn of(person: &PersonSample) -> Means {
        Means {
            up_kbps: Some(person.up_kbps),
            down_kbps: Some(person.down_kbps),
            rtt_ms: person.rtt_ms,
            jitter_ms: person.jitter_ms,
            loss_percent: person.loss_percent,
            concealed_percent: person.concealed_percent,
            score: score(person),
        }
    }

    /// The values of [`FIGURES`].
    pub fn figures(&self) -> [Option<f64>; 6] {
        [self.up_kbps, self.down_kbps, self.rtt_ms, self.jitter_ms, self.loss_percent, self.concealed_percent]
    }

    /// The word of the score.
    pub fn quality(&self) -> Option<Quality> {
        self.score.map(Quality::of)
    }
}

/// Somebody in a call that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PastPerson {
    /// Their number.
    pub person: i32,
    /// Their name.
    pub name: String,
    /// When they came first.
    pub joined_at: Instant,
    /// When they were sampled last.
    pub seen_at: Instant,
    /// Means over the time that they were in it.
    pub means: Means,
    /// The lowest score of ten seconds.
    pub lowest_score: Option<f64>,
    /// How long the relay carried them, in seconds.
    pub relayed_seconds: f64,
    /// How much.
    pub relayed_bytes: i64,
}

/// A call over some seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct PastPoint {
    /// When the seconds began.
    pub at: Instant,
    /// People in it.
    pub people: i64,
    /// From all of them, in kbit/s.
    pub up_kbps: f64,
    /// To all of them, in kbit/s.
    pub down_kbps: f64,
    /// The mean round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// The mean loss, in percent.
    pub loss_percent: Option<f64>,
    /// The mean score.
    pub score: Option<f64>,
    /// The lowest score.
    pub lowest_score: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_say_what_is_wrong() {
        assert_eq!(CallSettings::read("30", "0.05"), Ok(CallSettings { days: 30, relay_hour_micros: 50_000 }));
        assert_eq!(CallSettings::read("1", "$12"), Ok(CallSettings { days: 1, relay_hour_micros: 12_000_000 }));
        assert_eq!(CallSettings::read("3650", "0").map(|read| read.relay_hour_micros), Ok(0));
        for (days, price, wrong) in [
            ("0", "0.05", (true, false)),
            ("thirty", "1000.01", (true, true)),
            ("30", "", (false, true)),
            ("30", "0.0000001", (false, true)),
            ("30", "-1", (false, true)),
            ("30", "1e3", (false, true)),
            ("30", "$$5", (false, true)),
        ] {
            let (of_days, of_price) = CallSettings::read(days, price).expect_err(days);
            assert_eq!((!of_days.is_empty(), !of_price.is_empty()), wrong, "{days:?} {price:?}");
        }
    }

    #[test]
    fn what_the_relay_costs_is_an_amount() {
        let settings = CallSettings { days: 30, relay_hour_micros: 50_000 };
        assert_eq!(dollars(settings.hour_micros(3)), "0.15");
        assert_eq!(dollars(settings.seconds_micros(90.0)), "0.00125");
        for (micros, text) in [(0, "0.00"), (12_000_000, "12.00"), (1_500_000, "1.50"), (1, "0.000001")] {
            assert_eq!(dollars(micros), text);
        }
    }

    #[test]
    fn a_moment_adds_up() {
        let person = |person, is_relayed, rtt| PersonSample {
            person,
            is_relayed,
            rtt_ms: Some(rtt),
            is_connected: true,
            up_kbps: 30.0,
            down_kbps: 60.0,
            ..PersonSample::default()
        };
        let people = vec![person(1, true, 20.0), person(2, false, 3_000.0), PersonSample::default()];
        let call = CallSample { id: 1, room: 1, name: "Sales".into(), began_at: Instant::default(), people };
        let moment =
            Moment { sample: Arc::new(Sample { at: Instant::default(), calls: vec![call] }), ..Moment::default() };
        let totals = moment.totals();
        assert_eq!((totals.rooms, totals.people, totals.relayed, totals.by_quality), (1, 3, 1, [1, 0, 0, 1]));
        assert_eq!((totals.with_quality(), totals.relayed_per_mille()), (2, Some(333)));
        assert_eq!((moment.carries(), moment.at()), ((60.0, 120.0), None));
    }
}
