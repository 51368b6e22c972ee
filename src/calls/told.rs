//! Calls that go on, as scripts are told of them: what the API answers, and what the files of JSON hold.

use serde::Serialize;
use utoipa::ToSchema;

use crate::calls::alerts::{Alert, Kind, Severity};
use crate::calls::ask::Filter;
use crate::calls::model::{Moment, RelayCost, dollars};
use crate::calls::quality::{Quality, quality, score};
use crate::export::{local_time, percent};
use crate::period::Calendar;
use crate::voice::monitor::{CallSample, PersonSample};

/// The calls that go on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveCalls)]
pub struct Active {
    /// When they were sampled; null before the first sample.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// Rooms with somebody in them.
    rooms: i64,
    /// People in calls.
    people: i64,
    /// What the relay does.
    relay: Relay,
    /// People by their quality.
    quality: ByQuality,
    /// The calls.
    calls: Vec<CallNow>,
    /// What is the matter, the worst first, then what is over and nobody has acknowledged.
    alerts: Vec<AlertTold>,
}

/// What the relay does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallRelay)]
pub struct Relay {
    /// People in calls.
    people: i64,
    /// Those whom the relay carries, by its own table.
    relayed: i64,
    /// How many of all that is, in percent; null without people.
    #[schema(example = "33.3")]
    relayed_percent: Option<String>,
    /// What it is taken to cost in an hour, in dollars: an estimate.
    #[schema(example = "0.15")]
    estimated_cost_per_hour: String,
    /// What the calls of this month that are kept are taken to have cost, in dollars: an estimate.
    #[schema(example = "3.10")]
    estimated_cost_this_month: String,
    /// At which price for a person and an hour.
    #[schema(example = "0.05")]
    price_per_hour: String,
}

/// People by their quality; those of whom nothing is measured yet are in none.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallQualities)]
struct ByQuality {
    /// Score 90 and more.
    excellent: i64,
    /// Score 80 and more.
    good: i64,
    /// Score 70 and more.
    fair: i64,
    /// Below.
    poor: i64,
}

/// A call that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallNow {
    /// Its number.
    id: i64,
    /// The room's number.
    room_id: i32,
    /// The room's name.
    room: String,
    /// Since when.
    #[schema(format = DateTime)]
    began_at: String,
    /// Who is in it.
    people: Vec<PersonNow>,
}

/// Somebody in a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallPersonNow)]
struct PersonNow {
    /// Their number.
    person_id: i32,
    /// Their name.
    name: String,
    /// Since when.
    #[schema(format = DateTime)]
    joined_at: String,
    /// From them, in kbit/s.
    up_kbps: f64,
    /// To them, in kbit/s.
    down_kbps: f64,
    /// The round trip, in ms.
    latency_ms: Option<f64>,
    /// The jitter of what they hear, in ms.
    jitter_ms: Option<f64>,
    /// The larger of what is lost from them and to them, in percent.
    loss_percent: Option<f64>,
    /// What their browser had to make up, in percent.
    concealed_percent: Option<f64>,
    /// The word for it; null while nothing is measured.
    quality: Option<Quality>,
    /// From 0 to 100.
    score: Option<f64>,
    /// Whether the relay carries them.
    relayed: bool,
    /// How long it has in this call, in seconds.
    relayed_seconds: f64,
    /// How many bytes it has carried for them in this call.
    relayed_bytes: i64,
    /// They muted themselves.
    muted: bool,
    /// An administrator muted them.
    muted_by_administrator: bool,
    /// Whether media is connected.
    connected: bool,
}

/// Something that is or was the matter with somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallAlert)]
pub struct AlertTold {
    /// Its number.
    id: i64,
    /// The call.
    call_id: i64,
    /// The room's number.
    room_id: i32,
    /// The room's name.
    room: String,
    /// Whom it is about.
    person_id: i32,
    /// Their name.
    person: String,
    /// What it is.
    kind: Kind,
    /// The worst that it was.
    severity: Severity,
    /// The worst that was measured: percent of loss, ms of delay, seconds without a connection, or the score.
    worst: f64,
    /// What is the matter, in words.
    sentence: String,
    /// When it was raised.
    #[schema(format = DateTime)]
    raised_at: String,
    /// When it was over; null while it is not.
    #[schema(format = DateTime)]
    cleared_at: Option<String>,
    /// Who has seen it; null while nobody has.
    acknowledged_by: Option<String>,
}

/// The calls that go on, with those people who are asked for.
pub fn active_told(moment: &Moment, filter: &Filter, relay: RelayCost, calendar: &Calendar) -> Active {
    let totals = moment.totals();
    let [excellent, good, fair, poor] = totals.by_quality;
    let calls = moment.sample.calls.iter().map(|call| call_now(call, filter, calendar));
    Active {
        as_of: moment.at().map(|at| local_time(calendar, at)),
        rooms: totals.rooms,
        people: totals.people,
        relay: relay_told(moment, relay),
        quality: ByQuality { excellent, good, fair, poor },
        calls: calls.filter(|call| !call.people.is_empty() || filter.is_all()).collect(),
        alerts: moment.alerts.iter().map(|alert| alert_told(alert, calendar)).collect(),
    }
}

/// What the relay does.
pub fn relay_told(moment: &Moment, relay: RelayCost) -> Relay {
    let settings = relay.settings;
    let totals = moment.totals();
    Relay {
        people: totals.people,
        relayed: totals.relayed,
        relayed_percent: totals.relayed_per_mille().map(percent),
        estimated_cost_per_hour: dollars(settings.hour_micros(totals.relayed)),
        estimated_cost_this_month: dollars(relay.month_micros()),
        price_per_hour: dollars(settings.relay_hour_micros),
    }
}

/// A call as it goes, with those people who are asked for.
pub fn call_now(call: &CallSample, filter: &Filter, calendar: &Calendar) -> CallNow {
    let asked = call.people.iter().filter(|person| filter.takes(call, person));
    CallNow {
        id: call.id,
        room_id: call.room,
        room: call.name.clone(),
        began_at: local_time(calendar, call.began_at),
        people: asked.map(|person| person_now(person, calendar)).collect(),
    }
}

fn person_now(person: &PersonSample, calendar: &Calendar) -> PersonNow {
    PersonNow {
        person_id: person.person,
        name: person.name.clone(),
        joined_at: local_time(calendar, person.joined_at),
        up_kbps: rounded(person.up_kbps),
        down_kbps: rounded(person.down_kbps),
        latency_ms: person.rtt_ms.map(rounded),
        jitter_ms: person.jitter_ms.map(rounded),
        loss_percent: person.loss_percent.map(rounded),
        concealed_percent: person.concealed_percent.map(rounded),
        quality: quality(person),
        score: score(person).map(rounded),
        relayed: person.is_relayed,
        relayed_seconds: rounded(person.relayed_seconds),
        relayed_bytes: i64::try_from(person.relayed_bytes).unwrap_or(i64::MAX),
        muted: person.is_muted,
        muted_by_administrator: person.is_server_muted,
        connected: person.is_connected,
    }
}

/// What is the matter.
pub fn alert_told(alert: &Alert, calendar: &Calendar) -> AlertTold {
    AlertTold {
        id: alert.id,
        call_id: alert.call,
        room_id: alert.room,
        room: alert.room_name.clone(),
        person_id: alert.person,
        person: alert.name.clone(),
        kind: alert.kind,
        severity: alert.severity,
        worst: rounded(alert.worst),
        sentence: alert.words(),
        raised_at: local_time(calendar, alert.raised_at),
        cleared_at: alert.cleared_at.map(|at| local_time(calendar, at)),
        acknowledged_by: alert.acknowledged.as_ref().map(|(by, _)| by.clone()),
    }
}

/// To two digits: nothing here is measured more exactly.
pub fn rounded(value: f64) -> f64 {
    if value.is_finite() { (value * 100.0).round() / 100.0 } else { 0.0 }
}
