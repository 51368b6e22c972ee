//! A call with its history, as scripts are told of it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::calls::ask::Filter;
use crate::calls::model::{CallSettings, Moment, PastPerson, PastPoint, dollars};
use crate::calls::past::Past;
use crate::calls::quality::Quality;
use crate::calls::told::{AlertTold, CallNow, alert_told, call_now, rounded};
use crate::export::local_time;
use crate::period::Calendar;

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
