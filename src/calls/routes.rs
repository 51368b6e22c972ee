//! `/api/v1/calls`: how the calls go, for scripts.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::calls::ask::Filter;
use crate::calls::cost::relay_cost;
use crate::calls::told::{Active, Relay, active_told, relay_told};
use crate::calls::told_past::{CallTold, call_told};
use crate::calls::{past, store};
use crate::server::form::field;
use crate::server::problem::{CallsReader, Problem};
use crate::server::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(active)).routes(routes!(relay)).routes(routes!(call))
}

/// The calls that go on
///
/// Every room with somebody in it, how each person hears and is heard, and what is the matter. Sampled once a second. For
/// administrators and scripts.
#[utoipa::path(
    get, path = "/api/v1/calls/active", operation_id = "active_calls", tag = "Calls",
    responses((status = OK, body = Active, description = "The calls as of the last sample"))
)]
async fn active(_reader: CallsReader, State(state): State<AppState>) -> Result<Response, Problem> {
    let relay = relay_cost(&state, &mut *state.db.acquire().await?).await?;
    let calendar = &state.books.now().calendar;
    Ok(Json(active_told(&state.calls.now(), &Filter::default(), relay, calendar)).into_response())
}

/// What the relay does
///
/// How many people it carries, and what that is taken to cost in an hour, and has in this month. For administrators and scripts.
#[utoipa::path(
    get, path = "/api/v1/calls/stats/turn", operation_id = "call_relay", tag = "Calls",
    responses((status = OK, body = Relay, description = "The relay as of the last sample"))
)]
async fn relay(_reader: CallsReader, State(state): State<AppState>) -> Result<Response, Problem> {
    let relay = relay_cost(&state, &mut *state.db.acquire().await?).await?;
    Ok(Json(relay_told(&state.calls.now(), relay)).into_response())
}

/// A call
///
/// How it went for everybody or for one person, who was in it, and what was the matter; with how it goes now, where it does. Calls that are over are kept for as many
/// days as the workspace says. For administrators and scripts.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}", operation_id = "call", tag = "Calls",
    params(
        ("id" = i64, Path, minimum = 1, description = "The call's number", example = 1),
        ("person" = Option<i32>, Query, description = "Whose `points` are told: a person's number; without it everybody's"),
    ),
    responses((status = OK, body = CallTold, description = "The call"))
)]
async fn call(
    _reader: CallsReader,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, "there is no call of this number; older ones are deleted");
    let id: i64 = id.parse().map_err(|_| none())?;
    let person = field(&query, "person").map(|person| {
        person.parse::<i32>().map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "person is the number of a person"))
    });
    let person = person.transpose()?;
    let (books, moment) = (state.books.now(), state.calls.now());
    let mut db = state.db.acquire().await?;
    let settings = store::settings(&mut db, books.workspace).await?;
    let past = past::read(&mut db, books.workspace, (id, person), &moment).await?.ok_or_else(none)?;
    Ok(Json(call_told(&past, &moment, settings, &books.calendar)).into_response())
}
