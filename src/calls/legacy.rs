//! The addresses of the page of calls that Takings replaces, in the shapes that they had. `docs/calls.md` lists them.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde_json::{Value, json};

use crate::calls::alerts::Alert;
use crate::calls::model::{CallSettings, Moment, PastPerson};
use crate::calls::past;
use crate::calls::quality::{Quality, quality};
use crate::calls::store;
use crate::calls::told::rounded;
use crate::server::problem::{AdministratorReader, Problem, as_problems};
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

async fn active(_reader: AdministratorReader, State(state): State<AppState>) -> Response {
    answer(&meetings(&state.calls.now()))
}

async fn turn(_reader: AdministratorReader, State(state): State<AppState>) -> Result<Response, Problem> {
    let settings = store::settings(&mut *state.db.acquire().await?, state.books.now().workspace).await?;
    Ok(answer(&turn_stats(&state.calls.now(), settings)))
}

/// A meeting: how it goes now, or the means of one that is over.
async fn meeting(
    _reader: AdministratorReader,
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
    let past = past::read(&mut db, state.books.now().workspace, id, &moment).await?.ok_or_else(none)?;
    let users: Vec<Value> = past.people.iter().map(of_past_person).collect();
    Ok(answer(&json!({
        "meetingId": id.to_string(),
        "roomName": past.call.name,
        "startedAt": past.call.began_at.to_rfc3339(),
        "endedAt": past.call.until().to_rfc3339(),
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
        "users": call.people.iter().map(of_person).collect::<Vec<Value>>(),
    })
}

fn of_person(person: &PersonSample) -> Value {
    json!({
        "userId": person.person.to_string(),
        "userName": person.name,
        "uploadBitrate": rounded(person.up_kbps),
        "downloadBitrate": rounded(person.down_kbps),
        "latency": person.rtt_ms.map(rounded),
        "quality": word(quality(person)),
        "usingRelay": person.is_relayed,
        "packetLoss": person.loss_percent.map(rounded),
    })
}

fn of_past_person(person: &PastPerson) -> Value {
    json!({
        "userId": person.person.to_string(),
        "userName": person.name,
        "uploadBitrate": person.up_kbps.map(rounded),
        "downloadBitrate": person.down_kbps.map(rounded),
        "latency": person.rtt_ms.map(rounded),
        "quality": word(person.score.map(Quality::of)),
        "usingRelay": person.relayed_seconds > 0.0,
        "packetLoss": person.loss_percent.map(rounded),
    })
}

fn word(quality: Option<Quality>) -> &'static str {
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
