//! Calls as scripts are told of them: what the API answers, and what the files of JSON hold.

use serde::Serialize;
use utoipa::ToSchema;

use crate::calls::alerts::{Alert, Kind, Severity};
use crate::calls::ask::Filter;
use crate::calls::model::{CallSettings, Moment, PastPerson, PastPoint, RelayCost, dollars};
use crate::calls::past::Past;
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
struct CallNow {
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
struct AlertTold {
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

/// A call with its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallTold {
    /// Its number.
    id: i64,
    /// The room's number.
    room_id: i32,
    /// What the room was called.
    room: String,
    /// When it began.
    #[schema(format = DateTime)]
    began_at: String,
    /// When it ended; null while it goes on.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// How it goes now; null when it is over.
    now: Option<CallNow>,
    /// The word of the mean score; null where nothing was measured.
    quality: Option<Quality>,
    /// The mean score: each ten seconds of each person count the same, as in what follows. Of a call that goes on, as far as it is kept.
    score: Option<f64>,
    /// The mean round trip, in ms.
    latency_ms: Option<f64>,
    /// The mean loss, in percent.
    loss_percent: Option<f64>,
    /// Everybody who was in it, by when they came: means of what was measured, up to the last ten seconds.
    people: Vec<PersonTold>,
    /// Seconds of each of `points`.
    point_seconds: i64,
    /// Whose `points` are; null where they are everybody's.
    points_of: Option<i32>,
    /// How it went, the oldest first: at most 241.
    points: Vec<PointTold>,
    /// What was the matter, the newest first.
    alerts: Vec<AlertTold>,
    /// How long the relay carried its people, in seconds.
    relayed_seconds: f64,
    /// What that is taken to have cost, in dollars: an estimate.
    #[schema(example = "0.01")]
    estimated_relay_cost: String,
}

/// Somebody in a call, over all of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallPerson)]
struct PersonTold {
    /// Their number.
    person_id: i32,
    /// Their name.
    name: String,
    /// When they came first.
    #[schema(format = DateTime)]
    joined_at: String,
    /// When they were there last.
    #[schema(format = DateTime)]
    seen_at: String,
    /// From them, in kbit/s.
    up_kbps: Option<f64>,
    /// To them, in kbit/s.
    down_kbps: Option<f64>,
    /// The round trip, in ms.
    latency_ms: Option<f64>,
    /// The jitter, in ms.
    jitter_ms: Option<f64>,
    /// What was lost, in percent.
    loss_percent: Option<f64>,
    /// What had to be made up, in percent.
    concealed_percent: Option<f64>,
    /// The word of the mean score.
    quality: Option<Quality>,
    /// The mean score.
    score: Option<f64>,
    /// The lowest score of ten seconds.
    lowest_score: Option<f64>,
    /// How long the relay carried them, in seconds.
    relayed_seconds: f64,
    /// How many bytes it has carried for them.
    relayed_bytes: i64,
}

/// Some seconds of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallPoint)]
struct PointTold {
    /// When they began.
    #[schema(format = DateTime)]
    from: String,
    /// People in it.
    people: i64,
    /// From all of them, in kbit/s.
    up_kbps: f64,
    /// To all of them, in kbit/s.
    down_kbps: f64,
    /// The mean round trip, in ms.
    latency_ms: Option<f64>,
    /// The mean loss, in percent.
    loss_percent: Option<f64>,
    /// The mean score.
    score: Option<f64>,
    /// The lowest score.
    lowest_score: Option<f64>,
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

fn call_now(call: &CallSample, filter: &Filter, calendar: &Calendar) -> CallNow {
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

fn alert_told(alert: &Alert, calendar: &Calendar) -> AlertTold {
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

/// A call as scripts are told of it.
pub fn call_told(past: &Past, moment: &Moment, settings: CallSettings, calendar: &Calendar) -> CallTold {
    let call = &past.call;
    let relayed_seconds = past.relayed_seconds();
    CallTold {
        id: call.id,
        room_id: call.room,
        room: call.name.clone(),
        began_at: local_time(calendar, call.began_at),
        ended_at: call.ended_at.map(|at| local_time(calendar, at)),
        quality: call.score.map(|score| Quality::of(score.into())),
        score: call.score.map(|score| rounded(score.into())),
        latency_ms: call.rtt_ms.map(|ms| rounded(ms.into())),
        loss_percent: call.loss_percent.map(|percent| rounded(percent.into())),
        now: moment.call(call.id).map(|live| call_now(live, &Filter::default(), calendar)),
        people: past.people.iter().map(|person| person_told(person, calendar)).collect(),
        point_seconds: past.point_seconds,
        points_of: past.person,
        points: past.points.iter().map(|point| point_told(point, calendar)).collect(),
        alerts: past.alerts.iter().map(|alert| alert_told(alert, calendar)).collect(),
        relayed_seconds: rounded(relayed_seconds),
        estimated_relay_cost: dollars(settings.seconds_micros(relayed_seconds)),
    }
}

fn person_told(person: &PastPerson, calendar: &Calendar) -> PersonTold {
    let means = &person.means;
    PersonTold {
        person_id: person.person,
        name: person.name.clone(),
        joined_at: local_time(calendar, person.joined_at),
        seen_at: local_time(calendar, person.seen_at),
        up_kbps: means.up_kbps.map(rounded),
        down_kbps: means.down_kbps.map(rounded),
        latency_ms: means.rtt_ms.map(rounded),
        jitter_ms: means.jitter_ms.map(rounded),
        loss_percent: means.loss_percent.map(rounded),
        concealed_percent: means.concealed_percent.map(rounded),
        quality: means.quality(),
        score: means.score.map(rounded),
        lowest_score: person.lowest_score.map(rounded),
        relayed_seconds: rounded(person.relayed_seconds),
        relayed_bytes: person.relayed_bytes,
    }
}

fn point_told(point: &PastPoint, calendar: &Calendar) -> PointTold {
    PointTold {
        from: local_time(calendar, point.at),
        people: point.people,
        up_kbps: rounded(point.up_kbps),
        down_kbps: rounded(point.down_kbps),
        latency_ms: point.rtt_ms.map(rounded),
        loss_percent: point.loss_percent.map(rounded),
        score: point.score.map(rounded),
        lowest_score: point.lowest_score.map(rounded),
    }
}

/// To two digits: nothing here is measured more exactly.
pub fn rounded(value: f64) -> f64 {
    if value.is_finite() { (value * 100.0).round() / 100.0 } else { 0.0 }
}
