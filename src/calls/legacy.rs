//! The addresses of the page of calls that Takings replaces, in the shapes that they had. `docs/calls.md` lists them.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use crate::calls::alerts::Alert;
use crate::calls::model::{CallSettings, Means, Moment, PastPerson};
use crate::calls::past;
use crate::calls::quality::Quality;
use crate::calls::store;
use crate::calls::told::rounded;
use crate::server::problem::{CallsReader, Problem, as_problems};
use crate::server::state::AppState;
use crate::voice::monitor::{CallSample, PersonSample};

/// The routes, all for reading.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/metrics/meetings/active", get(active))
        .route("/api/metrics/meetings/stats/turn", get(turn))
        .route("/api/metrics/meetings/{id}", get(meeting))
        .layer(middleware::from_fn(as_problems))
}

fn answer(body: &Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn active(_reader: CallsReader, State(state): State<AppState>) -> Response {
    answer(&meetings(&state.calls.now()))
}

async fn turn(_reader: CallsReader, State(state): State<AppState>) -> Result<Response, Problem> {
    let settings = store::settings(&mut *state.db.acquire().await?, state.books.now().workspace).await?;
    Ok(answer(&turn_stats(&state.calls.now(), settings)))
}

/// A meeting: how it goes now, or the means of one that is over.
async fn meeting(
    _reader: CallsReader,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, "there is no meeting of this number");
    let id: i64 = id.parse().map_err(|_| none())?;
    let moment = state.calls.now();
    if let Some(call) = moment.call(id) {
        return Ok(answer(&of_call(call)));
    }
    let mut db = state.db.acquire().await?;
    let past = past::read(&mut db, state.books.now().workspace, (id, None), &moment).await?.ok_or_else(none)?;
    let users: Vec<Value> = past.people.iter().map(of_past).collect();
    Ok(answer(&json!({
        "meetingId": id.to_string(),
        "roomName": past.call.name,
        "startedAt": past.call.began_at.to_rfc3339(),
        "endedAt": past.call.ended_at.map(|at| at.to_rfc3339()),
        "users": users,
    })))
}

/// All meetings that go on.
pub fn meetings(moment: &Moment) -> Value {
    moment.sample.calls.iter().map(of_call).collect()
}

fn of_call(call: &CallSample) -> Value {
    json!({
        "meetingId": call.id.to_string(),
        "roomName": call.name,
        "startedAt": call.began_at.to_rfc3339(),
        "users": call.people.iter().map(of_present).collect::<Vec<Value>>(),
    })
}

fn of_present(person: &PersonSample) -> Value {
    of_person(person.person, &person.name, &Means::of(person), person.is_relayed)
}

fn of_past(person: &PastPerson) -> Value {
    of_person(person.person, &person.name, &person.means, person.relayed_seconds > 0.0)
}

fn of_person(number: i32, name: &str, means: &Means, is_relayed: bool) -> Value {
    json!({
        "userId": number.to_string(),
        "userName": name,
        "uploadBitrate": means.up_kbps.map(rounded),
        "downloadBitrate": means.down_kbps.map(rounded),
        "latency": means.rtt_ms.map(rounded),
        "quality": word(means.quality()),
        "usingRelay": is_relayed,
        "packetLoss": means.loss_percent.map(rounded),
    })
}

/// A quality in the words of the old names.
pub fn word(quality: Option<Quality>) -> &'static str {
    quality.map_or("unknown", Quality::name)
}

/// What the relay does; numbers, as they were.
pub fn turn_stats(moment: &Moment, settings: CallSettings) -> Value {
    let totals = moment.totals();
    json!({
        "totalUsers": totals.people,
        "turnUsers": totals.relayed,
        "turnPercentage": totals.relayed_per_mille().unwrap_or(0) as f64 / 10.0,
        "estimatedCostPerHour": settings.hour_micros(totals.relayed) as f64 / 1_000_000.0,
    })
}

/// Alerts that go on.
pub fn alerts(moment: &Moment) -> Value {
    moment.alerts.iter().filter(|alert| alert.is_on()).map(of_alert).collect()
}

fn of_alert(alert: &Alert) -> Value {
    json!({
        "id": alert.id.to_string(),
        "meetingId": alert.call.to_string(),
        "userId": alert.person.to_string(),
        "userName": alert.name,
        "type": alert.kind.name(),
        "severity": alert.severity.name(),
        "message": format!("{}: {}", alert.name, alert.words()),
        "timestamp": alert.raised_at.to_rfc3339(),
        "acknowledged": alert.acknowledged.is_some(),
    })
}
