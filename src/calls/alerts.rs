//! What is the matter in calls: raised when it lasts, cleared when it has been over for a while, so that a figure at its bound
//! makes no noise. Pure: time is that of the samples.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::calls::quality::{Quality, score};
use crate::period::Instant;
use crate::voice::monitor::{PersonSample, Sample};

/// How long something has to last before it is an alert.
const RAISED_AFTER: TimeDelta = TimeDelta::seconds(3);
/// The same of a connection that is not there: a browser makes another by itself within some seconds.
const DISCONNECTED_AFTER: TimeDelta = TimeDelta::seconds(5);
/// How long it has to be over before the alert is cleared.
const CLEARED_AFTER: TimeDelta = TimeDelta::seconds(10);
/// Alerts that are over stay in sight until somebody acknowledges them, but no longer than this, and no more than so many.
const KEPT_FOR: TimeDelta = TimeDelta::hours(1);
const KEPT_MAX: usize = 50;

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CallAlertKind)]
pub enum Kind {
    /// Packets are lost: more than 5 %.
    Loss,
    /// The round trip is longer than 300 ms.
    Delay,
    /// Media has not been connected for 5 s.
    Disconnected,
    /// The quality is poor, though neither loss nor delay alone says so.
    Quality,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CallAlertSeverity)]
pub enum Severity {
    /// It can be heard.
    Warning,
    /// They can hardly talk.
    Critical,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Loss, Kind::Delay, Kind::Disconnected, Kind::Quality];

    /// Its name in data.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Loss => "loss",
            Kind::Delay => "delay",
            Kind::Disconnected => "disconnected",
            Kind::Quality => "quality",
        }
    }

    /// Of a measured value: the severity where it is one, and whether it is over. In between it stays as it was.
    fn judged(self, value: f64) -> (Option<Severity>, bool) {
        let (raised, critical, over) = match self {
            Kind::Loss => (value > 5.0, value > 10.0, value < 3.0),
            Kind::Delay => (value > 300.0, value > 600.0, value < 250.0),
            Kind::Disconnected => (value > 0.0, value > 0.0, value <= 0.0),
            Kind::Quality => (Quality::of(value) == Quality::Poor, false, value >= 75.0),
        };
        let severity = if critical { Severity::Critical } else { Severity::Warning };
        (raised.then_some(severity), over)
    }

    /// What is measured of somebody; nothing to measure is nothing the matter.
    fn value(self, person: &PersonSample) -> Option<f64> {
        match self {
            Kind::Loss => person.loss_percent.filter(|_| person.is_connected),
            Kind::Delay => person.rtt_ms.filter(|_| person.is_connected),
            Kind::Disconnected => Some(if person.is_connected { 0.0 } else { 1.0 }),
            Kind::Quality => score(person),
        }
    }

    fn raised_after(self) -> TimeDelta {
        if self == Kind::Disconnected { DISCONNECTED_AFTER } else { RAISED_AFTER }
    }

    /// The worse of two values.
    fn worse(self, a: f64, b: f64) -> f64 {
        if self == Kind::Quality { a.min(b) } else { a.max(b) }
    }
}

impl Severity {
    /// Its name in data.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Severity::Warning => "Warning",
            Severity::Critical => "Critical",
        }
    }
}

/// Something that is or was the matter with somebody in a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its number; never that of another.
    pub id: i64,
    /// The call.
    pub call: i64,
    /// The room's number.
    pub room: i32,
    /// The room's name.
    pub room_name: String,
    /// Whom it is about.
    pub person: i32,
    /// Their name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The worst that it was.
    pub severity: Severity,
    /// The worst that was measured: percent, ms, seconds, or the score.
    pub worst: f64,
    /// When it was raised.
    pub raised_at: Instant,
    /// When it was over; none while it is not.
    pub cleared_at: Option<Instant>,
    /// Who has seen it, and when.
    pub acknowledged: Option<(String, Instant)>,
}

impl Alert {
    /// Whether it goes on.
    pub fn is_on(&self) -> bool {
        self.cleared_at.is_none()
    }

    /// Whether somebody has to look at it.
    pub fn is_open(&self) -> bool {
        self.is_on() && self.acknowledged.is_none()
    }

    /// What is the matter, in words.
    pub fn words(&self) -> String {
        let worst = self.worst;
        match self.kind {
            Kind::Loss => format!("{worst:.1} % of the packets are lost"),
            Kind::Delay => format!("the round trip takes {worst:.0} ms"),
            Kind::Disconnected => format!("not connected for {worst:.0} s"),
            Kind::Quality => format!("poor quality, score {worst:.0} of 100"),
        }
    }
}

type Key = (i64, i32, Kind);

/// What is seen of something that may be or may become an alert.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    /// Since when it is the matter without a pause.
    since: Option<Instant>,
    /// Since when it is critical without a pause.
    critical_since: Option<Instant>,
    /// Since when it is over without a pause.
    over_since: Option<Instant>,
    worst: f64,
    /// The place among the alerts, once raised.
    alert: Option<i64>,
}

/// Looks at every sample.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    seen: HashMap<Key, Seen>,
    /// Those that go on, and those that are over and not acknowledged; the newest last.
    alerts: Vec<Alert>,
    last_id: i64,
}

impl Watch {
    /// Looks at a sample; returns the alerts that were raised or have changed. That a connection is gone for one more second is no
    /// change: it is told with the next one.
    pub fn look(&mut self, sample: &Sample) -> Vec<Alert> {
        let before: HashMap<i64, Alert> = self.alerts.iter().map(|alert| (alert.id, alert.clone())).collect();
        let mut present: HashSet<Key> = HashSet::new();
        for call in &sample.calls {
            for person in &call.people {
                // Loss or delay that is an alert already explains poor quality.
                let mut is_explained = false;
                for kind in Kind::ALL {
                    let key = (call.id, person.person, kind);
                    let value = kind.value(person).filter(|_| !(kind == Kind::Quality && is_explained));
                    let (severity, over) = value.map_or((None, true), |value| kind.judged(value));
                    if severity.is_none() && !self.seen.contains_key(&key) {
                        continue;
                    }
                    present.insert(key);
                    let raised = self.step(key, sample.at, severity, over, value.unwrap_or_default());
                    if raised {
                        self.raise(key, sample.at, &call.name, call.room, &person.name);
                    }
                    let is_alert = self.seen.get(&key).is_some_and(|seen| seen.alert.is_some());
                    is_explained |= severity.is_some() || is_alert;
                }
            }
        }
        self.leave(sample.at, &present);
        self.forget(sample.at);
        let is_news = |alert: &&Alert| match before.get(&alert.id) {
            Some(known) if alert.kind == Kind::Disconnected => {
                *known != Alert { worst: known.worst, ..(*alert).clone() }
            }
            known => known != Some(*alert),
        };
        self.alerts.iter().filter(is_news).cloned().collect()
    }

    /// What one sample says of one thing; whether it is an alert from now on.
    fn step(&mut self, key: Key, at: Instant, severity: Option<Severity>, over: bool, value: f64) -> bool {
        let kind = key.2;
        let seen = self.seen.entry(key).or_insert(Seen {
            since: None,
            critical_since: None,
            over_since: None,
            worst: value,
            alert: None,
        });
        let kept = |since: Option<Instant>, holds: bool| if holds { since.or(Some(at)) } else { None };
        seen.since = kept(seen.since, severity.is_some());
        seen.critical_since = kept(seen.critical_since, severity == Some(Severity::Critical));
        seen.over_since = kept(seen.over_since, over);
        if let Some(since) = seen.since {
            let value = if kind == Kind::Disconnected { seconds(at - since) } else { value };
            seen.worst = kind.worse(seen.worst, value);
        }
        let lasts = |since: Option<Instant>, long: TimeDelta| since.is_some_and(|since| at - since >= long);
        let Some(id) = seen.alert else {
            let is_raised = lasts(seen.since, kind.raised_after());
            if !is_raised && seen.since.is_none() {
                self.seen.remove(&key);
            }
            return is_raised;
        };
        let is_critical = lasts(seen.critical_since, kind.raised_after());
        let (worst, is_over) = (seen.worst, lasts(seen.over_since, CLEARED_AFTER));
        if is_over {
            self.seen.remove(&key);
        }
        if let Some(alert) = self.alerts.iter_mut().find(|alert| alert.id == id) {
            alert.worst = worst;
            if is_critical && alert.severity == Severity::Warning {
                // It is another matter than the one that was acknowledged.
                (alert.severity, alert.acknowledged) = (Severity::Critical, None);
            }
            if is_over {
                alert.cleared_at = Some(at);
            }
        }
        false
    }

    fn raise(&mut self, key: Key, at: Instant, room_name: &str, room: i32, name: &str) {
        let (call, person, kind) = key;
        let Some(seen) = self.seen.get_mut(&key) else { return };
        // By the time, so that a server that was started again gives no number twice.
        let id = at.timestamp_micros().max(self.last_id + 1);
        let is_critical = seen.critical_since.is_some_and(|since| at - since >= kind.raised_after());
        seen.alert = Some(id);
        self.last_id = id;
        self.alerts.push(Alert {
            id,
            call,
            room,
            room_name: room_name.to_owned(),
            person,
            name: name.to_owned(),
            kind,
            severity: if is_critical { Severity::Critical } else { Severity::Warning },
            worst: seen.worst,
            raised_at: at,
            cleared_at: None,
            acknowledged: None,
        });
    }

    /// Whoever has left has nothing the matter any more.
    fn leave(&mut self, at: Instant, present: &HashSet<Key>) {
        let alerts = &mut self.alerts;
        self.seen.retain(|key, seen| {
            let stays = present.contains(key);
            if !stays && let Some(alert) = alerts.iter_mut().find(|alert| Some(alert.id) == seen.alert) {
                alert.cleared_at = Some(at);
            }
            stays
        });
    }

    fn forget(&mut self, at: Instant) {
        let is_kept = |alert: &Alert| match alert.cleared_at {
            None => true,
            // One more look, so that who is told of changes hears of the end.
            Some(cleared) if alert.acknowledged.is_some() => cleared == at,
            Some(cleared) => at - cleared < KEPT_FOR,
        };
        self.alerts.retain(is_kept);
        let over = self.alerts.iter().filter(|alert| !alert.is_on()).count();
        let mut too_many = over.saturating_sub(KEPT_MAX);
        self.alerts.retain(|alert| {
            let goes = too_many > 0 && !alert.is_on() && alert.cleared_at != Some(at);
            too_many -= usize::from(goes);
            !goes
        });
    }

    /// The alerts that go on, the critical and the newest first, then those that are over and nobody has acknowledged.
    pub fn alerts(&self) -> Vec<Alert> {
        let in_sight = self.alerts.iter().filter(|alert| alert.is_on() || alert.acknowledged.is_none());
        let mut alerts: Vec<Alert> = in_sight.cloned().collect();
        alerts.sort_by_key(|alert| (!alert.is_on(), std::cmp::Reverse((alert.severity, alert.raised_at, alert.id))));
        alerts
    }

    /// Somebody has seen it.
    pub fn acknowledge(&mut self, id: i64, by: &str, at: Instant) -> Option<Alert> {
        let alert = self.alerts.iter_mut().find(|alert| alert.id == id)?;
        if alert.acknowledged.is_none() {
            alert.acknowledged = Some((by.to_owned(), at));
        }
        let acknowledged = alert.clone();
        self.alerts.retain(|alert| alert.is_on() || alert.acknowledged.is_none());
        Some(acknowledged)
    }
}

fn seconds(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1_000.0
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
