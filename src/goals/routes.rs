//! `/api/v1/goals`, `/api/v1/annotations` and `/api/v1/milestones`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::session::Writer;
use crate::export::local_time;
use crate::goals::milestones::Milestone;
use crate::goals::model::{Goal, GoalMeasure, GoalPeriod, NewNote, Note, Unwritten};
use crate::goals::store;
use crate::goals::writing::{self, Refused};
use crate::money::{Currency, decimal};
use crate::period::Calendar;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(goals, set_goal))
        .routes(routes!(remove_goal))
        .routes(routes!(annotations, add_annotation))
        .routes(routes!(change_annotation, remove_annotation))
        .routes(routes!(milestones))
}

/// A goal: what the running period of its kind should bring.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Goal)]
struct GoalTold {
    /// Its number.
    id: i32,
    /// The period that it is for: whichever is running.
    period: GoalPeriod,
    /// What it counts, always of all orders, refunds on their own dates.
    measure: GoalMeasure,
    /// Decimal text in `currency`, or a number of orders.
    #[schema(example = "50000.00")]
    target: String,
    /// The reporting currency when it was set; null for orders.
    currency: Option<Currency>,
    /// Whether it is of the reporting currency. If not it has to be set again, and is compared with nothing.
    is_compared: bool,
    /// Who set it.
    set_by: String,
    /// When.
    #[schema(format = DateTime)]
    set_at: String,
}

/// All goals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Goals)]
struct GoalList {
    /// The shortest period first. `/api/v1/tables/goals.json` says how far each is.
    goals: Vec<GoalTold>,
}

/// A goal to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"period": "month", "measure": "total", "target": "50000"}))]
struct GoalWanted {
    /// `day`, `week`, `month`, `quarter` or `year`.
    #[schema(value_type = GoalPeriod)]
    period: String,
    /// `total`, `net` or `orders`.
    #[schema(value_type = GoalMeasure)]
    measure: String,
    /// Decimal text in the reporting currency, or a number of orders.
    #[schema(pattern = "^[1-9][0-9]{0,9}$")]
    target: String,
}

/// A note on a day or some days.
#[derive(Debug, Serialize, ToSchema)]
struct Annotation {
    /// Its number.
    id: i32,
    /// The first day that it is about.
    #[schema(format = Date)]
    from: String,
    /// The last one.
    #[schema(format = Date)]
    to: String,
    /// What it says: text, never HTML.
    text: String,
    /// Who wrote it.
    author: String,
    /// When.
    #[schema(format = DateTime)]
    written_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    edited_at: Option<String>,
}

/// All notes.
#[derive(Debug, Serialize, ToSchema)]
struct Annotations {
    /// The newest day first.
    annotations: Vec<Annotation>,
}

/// A note to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from": "2026-11-27", "text": "Black Friday: 20% off"}))]
struct AnnotationWanted {
    /// The first day that it is about, of the workspace's calendar.
    #[schema(format = Date)]
    from: String,
    /// The last one; without it the note is about one day.
    #[serde(default)]
    #[schema(format = Date)]
    to: Option<String>,
    /// What it says.
    #[schema(min_length = 1, max_length = 280)]
    text: String,
}

/// All milestones.
#[derive(Debug, Serialize, ToSchema)]
struct Milestones {
    /// The newest first.
    milestones: Vec<Milestone>,
}

/// The goals
///
/// What the running periods should bring. How far each is stands in the table `goals`.
#[utoipa::path(
    get, path = "/api/v1/goals", operation_id = "goals", tag = "Goals",
    responses((status = OK, body = GoalList, description = "The goals"))
)]
async fn goals(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let books = state.books.now();
    let goals = store::goals(&mut *state.db.acquire().await?, books.workspace).await?;
    let goals = goals.into_iter().map(|goal| goal_told(goal, books.currency, &books.calendar)).collect();
    Ok(Json(GoalList { goals }).into_response())
}

/// Set a goal
///
/// In the place of the goal there is of the same period and measure. Open pages show it at once.
#[utoipa::path(
    post, path = "/api/v1/goals", operation_id = "set_goal", tag = "Goals", request_body = GoalWanted,
    responses((status = OK, body = GoalTold, description = "The goal as it is now"))
)]
async fn set_goal(writer: Writer, State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    let wanted: GoalWanted = read(&body)?;
    let id = writing::set_goal(&state, &writer, &wanted.period, &wanted.measure, &wanted.target).await?;
    let books = state.books.now();
    let all = store::goals(&mut *state.db.acquire().await?, books.workspace).await?;
    let set = all.into_iter().find(|goal| goal.id == id).ok_or(Refused::NoGoal)?;
    Ok(Json(goal_told(set, books.currency, &books.calendar)).into_response())
}

/// Remove a goal
///
/// Open pages show it no more.
#[utoipa::path(
    delete, path = "/api/v1/goals/{id}", operation_id = "remove_goal", tag = "Goals",
    params(("id" = i32, Path, minimum = 1, description = "The goal's number", example = 1)),
    responses((status = NO_CONTENT, description = "It is removed"))
)]
async fn remove_goal(
    writer: Writer,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    writing::remove_goal(&state, &writer, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The notes on days
///
/// What people wrote down about days. The page marks them on its charts.
#[utoipa::path(
    get, path = "/api/v1/annotations", operation_id = "annotations", tag = "Goals",
    responses((status = OK, body = Annotations, description = "The notes"))
)]
async fn annotations(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let books = state.books.now();
    let notes = store::all_notes(&mut *state.db.acquire().await?, books.workspace).await?;
    let annotations = notes.into_iter().map(|note| told(note, &books.calendar)).collect();
    Ok(Json(Annotations { annotations }).into_response())
}

/// Write a note
///
/// Open pages show it at once.
#[utoipa::path(
    post, path = "/api/v1/annotations", operation_id = "add_annotation", tag = "Goals", request_body = AnnotationWanted,
    responses((status = CREATED, body = Annotation, description = "The note"))
)]
async fn add_annotation(writer: Writer, State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    let id = writing::add_note(&state, &writer, &note_wanted(&body)?).await?;
    Ok((StatusCode::CREATED, Json(one(&state, id).await?)).into_response())
}

/// Change a note
///
/// Only its author and administrators change it; a token is an administrator's.
#[utoipa::path(
    put, path = "/api/v1/annotations/{id}", operation_id = "change_annotation", tag = "Goals",
    params(("id" = i32, Path, minimum = 1, description = "The note's number", example = 1)),
    request_body = AnnotationWanted, responses((status = OK, body = Annotation, description = "The note as it is now"))
)]
async fn change_annotation(
    writer: Writer,
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let id = writing::change_note(&state, &writer, &id, &note_wanted(&body)?).await?;
    Ok(Json(one(&state, id).await?).into_response())
}

/// Remove a note
///
/// Only its author and administrators remove it; a token is an administrator's.
#[utoipa::path(
    delete, path = "/api/v1/annotations/{id}", operation_id = "remove_annotation", tag = "Goals",
    params(("id" = i32, Path, minimum = 1, description = "The note's number", example = 1)),
    responses((status = NO_CONTENT, description = "It is removed"))
)]
async fn remove_annotation(
    writer: Writer,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    writing::remove_note(&state, &writer, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the shop has passed
///
/// Round numbers of orders, round amounts of a day and of a month, and the best day, each on the day it was passed; found from
/// the figures as they are now.
#[utoipa::path(
    get, path = "/api/v1/milestones", operation_id = "milestones", tag = "Goals",
    responses((status = OK, body = Milestones, description = "The milestones"))
)]
async fn milestones(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let found = state.hub.milestones(&mut *state.db.acquire().await?).await?;
    Ok(Json(Milestones { milestones: found.milestones.clone() }).into_response())
}

fn goal_told(goal: Goal, reporting: Currency, calendar: &Calendar) -> GoalTold {
    GoalTold {
        id: goal.id,
        period: goal.period,
        measure: goal.measure,
        target: goal.currency.map_or_else(|| goal.target.to_string(), |currency| decimal(goal.target, currency)),
        currency: goal.currency,
        is_compared: goal.is_of(reporting),
        set_at: local_time(calendar, goal.set_at),
        set_by: goal.set_by,
    }
}

fn told(note: Note, calendar: &Calendar) -> Annotation {
    Annotation {
        id: note.id,
        from: note.first.to_string(),
        to: note.last.to_string(),
        text: note.text,
        author: note.author,
        written_at: local_time(calendar, note.written_at),
        edited_at: note.edited_at.map(|at| local_time(calendar, at)),
    }
}

async fn one(state: &AppState, id: i32) -> Result<Annotation, Problem> {
    let books = state.books.now();
    let note = store::note(&state.db, books.workspace, id).await?.ok_or(Refused::NoNote)?;
    Ok(told(note, &books.calendar))
}

fn note_wanted(body: &Bytes) -> Result<NewNote, Problem> {
    let wanted: AnnotationWanted = read(body)?;
    Ok(NewNote::read(&wanted.from, wanted.to.as_deref(), &wanted.text)?)
}

/// Reads a body of JSON.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body is not the JSON that was expected: {error}"))
    })
}

impl From<Unwritten> for Problem {
    fn from(error: Unwritten) -> Problem {
        Refused::Unwritten(error).into()
    }
}

impl From<Refused> for Problem {
    fn from(error: Refused) -> Problem {
        let status = match error {
            Refused::Unwritten(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refused::NoGoal | Refused::NoNote => StatusCode::NOT_FOUND,
            Refused::NotYours => StatusCode::FORBIDDEN,
            Refused::Database(error) => return error.into(),
        };
        Problem::new(status, error.to_string())
    }
}
