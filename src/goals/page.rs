//! `/goals`: goals, notes and milestones, and what the page's forms send.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use crate::access::session::{Visitor, Writer};
use crate::app::{Page, Said, answer};
use crate::goals::model::{Goal, NewNote, Note};
use crate::goals::store;
use crate::goals::view::{GoalFields, GoalLine, GoalsShown, NoteFields, NoteLine, SAYINGS};
use crate::goals::writing::{self, Refused};
use crate::period::Calendar;
use crate::server::form::{Sent, field, said};
use crate::server::state::AppState;

/// A form at most, in bytes: a note of 280 characters, each of four bytes that are written as twelve.
const FORM_MAX_BYTES: usize = 8 * 1024;

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/goals", get(show))
        .route("/goals/set", post(set))
        .route("/goals/remove", post(remove_goal))
        .route("/goals/note", post(write_note))
        .route("/goals/note/remove", post(remove_note))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// What somebody typed: it stands in the page again, beside what is wrong with it.
enum Typed {
    Goal(GoalFields),
    Note(NoteFields),
    /// Nothing but which button.
    Nothing,
}

/// The page. `?date=2026-11-20` begins a note on that day, `?note=3` changes one.
async fn show(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Vec<(String, String)>>,
    parts: Parts,
) -> Response {
    let asked = |name: &str| field(&query, name);
    let page = async {
        let mut page = loaded(&state, &visitor).await?;
        page.said = said(&query, SAYINGS);
        if let Some(date) = asked("date").filter(|date| NewNote::read(date, None, "x").is_ok()) {
            page.note.first = date.to_owned();
        }
        let edited = asked("note").and_then(|id| id.parse::<i32>().ok());
        if let Some(line) = edited.and_then(|id| page.notes.iter().find(|line| line.id == id && line.may_change)) {
            page.note = line.fields();
        }
        Ok::<_, sqlx::Error>(page)
    };
    match page.await {
        Ok(page) => answer(state, parts, StatusCode::OK, Page::Goals(Box::new(page))).await,
        Err(error) => refuse(state, &visitor, parts, Typed::Nothing, error.into()).await,
    }
}

async fn set(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let typed = GoalFields { period: form.text("period"), measure: form.text("measure"), target: form.text("target") };
    let done = async {
        let GoalFields { period, measure, target } = &typed;
        writing::set_goal(&state, &writer(&visitor)?, period, measure, target).await
    };
    let done = done.await.map(|_| "goal-set");
    end(state, &visitor, parts, Typed::Goal(typed), done).await
}

async fn remove_goal(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let done = async { writing::remove_goal(&state, &writer(&visitor)?, &form.text("id")).await };
    let done = done.await.map(|()| "goal-removed");
    end(state, &visitor, parts, Typed::Nothing, done).await
}

/// Writes a note, or changes the one that the form names.
async fn write_note(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let typed =
        NoteFields { id: form.text("id"), first: form.text("first"), last: form.text("last"), text: form.text("text") };
    let done = async {
        let writer = writer(&visitor)?;
        // A field of a form that was left empty.
        let last = Some(typed.last.as_str()).filter(|last| !last.is_empty());
        let note = NewNote::read(&typed.first, last, &typed.text)?;
        match typed.id.as_str() {
            "" => writing::add_note(&state, &writer, &note).await,
            id => writing::change_note(&state, &writer, id, &note).await,
        }
    };
    let done = done.await.map(|_| "note-kept");
    end(state, &visitor, parts, Typed::Note(typed), done).await
}

async fn remove_note(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let done = async { writing::remove_note(&state, &writer(&visitor)?, &form.text("id")).await };
    let done = done.await.map(|()| "note-removed");
    end(state, &visitor, parts, Typed::Nothing, done).await
}

fn writer(visitor: &Visitor) -> Result<Writer, Refused> {
    Writer::of(visitor).ok_or(Refused::NotYours)
}

/// Leads back to the page with what it says, one of [`SAYINGS`], or says what was wrong.
async fn end(
    state: AppState,
    visitor: &Visitor,
    parts: Parts,
    typed: Typed,
    done: Result<&'static str, Refused>,
) -> Response {
    match done {
        Ok(word) => Redirect::to(&format!("/goals?said={word}")).into_response(),
        Err(refused) => refuse(state, visitor, parts, typed, refused).await,
    }
}

async fn refuse(state: AppState, visitor: &Visitor, parts: Parts, typed: Typed, refused: Refused) -> Response {
    let (status, said) = match refused {
        Refused::Unwritten(error) => match again(&state, visitor, typed, error.to_string()).await {
            Ok(page) => {
                return answer(state, parts, StatusCode::UNPROCESSABLE_ENTITY, Page::Goals(Box::new(page))).await;
            }
            Err(error) => away(&error),
        },
        Refused::NotYours => (
            StatusCode::FORBIDDEN,
            Said {
                title: "That is not yours to change",
                sentence: "Viewers read, and a note is changed by its author or an administrator. Nothing was changed.",
            },
        ),
        Refused::NoGoal | Refused::NoNote => (StatusCode::BAD_REQUEST, Said::UNREADABLE),
        Refused::Database(error) => away(&error),
    };
    answer(state, parts, status, Page::Said(said)).await
}

fn away(error: &sqlx::Error) -> (StatusCode, Said) {
    tracing::warn!(%error, "goals and notes could not be shown or changed");
    (StatusCode::SERVICE_UNAVAILABLE, Said::AWAY)
}

/// The page with what was typed, and what is wrong beside its field.
async fn again(state: &AppState, visitor: &Visitor, typed: Typed, problem: String) -> sqlx::Result<GoalsShown> {
    let page = loaded(state, visitor).await?;
    Ok(match typed {
        Typed::Goal(goal) => GoalsShown { goal, goal_problem: problem, ..page },
        Typed::Note(note) => GoalsShown { note, note_problem: problem, ..page },
        Typed::Nothing => page,
    })
}

/// The page as things stand, with empty forms.
async fn loaded(state: &AppState, visitor: &Visitor) -> sqlx::Result<GoalsShown> {
    let books = state.books.now();
    let writer = Writer::of(visitor);
    let mut db = state.db.acquire().await?;
    let goals = store::goals(&mut db, books.workspace).await?;
    let notes = store::all_notes(&mut db, books.workspace).await?;
    let found = state.hub.milestones(&mut db).await?;
    drop(db);
    let goal_line = |goal: Goal| GoalLine {
        id: goal.id,
        title: format!("{}, each {}", goal.measure.title(), goal.period.name()),
        target: goal.target_text(),
        note: if goal.is_of(books.currency) {
            String::new()
        } else {
            format!("The reporting currency is {} now: set it again.", books.currency)
        },
        set_by: goal.set_by,
    };
    let note_line = |note: Note| NoteLine {
        id: note.id,
        days: note.days(),
        first: note.first.to_string(),
        last: if note.last == note.first { String::new() } else { note.last.to_string() },
        may_change: writer.as_ref().is_some_and(|writer| writer.may_change(note.author_id)),
        written: written(&note, &books.calendar),
        text: note.text,
    };
    Ok(GoalsShown {
        said: "",
        currency: books.currency.to_string(),
        goals: goals.into_iter().map(goal_line).collect(),
        notes: notes.into_iter().map(note_line).collect(),
        milestones: found.milestones.iter().map(|m| (m.date.clone(), m.title.clone())).collect(),
        goal: GoalFields { period: "month".into(), measure: "total".into(), target: String::new() },
        goal_problem: String::new(),
        note: NoteFields { first: books.calendar.date(state.clock.now()).to_string(), ..NoteFields::default() },
        note_problem: String::new(),
        may_write: writer.is_some(),
    })
}

/// Who wrote a note and when, and when it was changed.
fn written(note: &Note, calendar: &Calendar) -> String {
    let at = |at| calendar.local(at).strftime("%-d %b %Y %H:%M").to_string();
    let edited = note.edited_at.map(|edited| format!(", changed {}", at(edited))).unwrap_or_default();
    format!("{}, {}{edited}", note.author, at(note.written_at))
}
