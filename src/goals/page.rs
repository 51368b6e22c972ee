//! `/goals`: goals, notes and milestones, and what the page's forms send.

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Extension, Form, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use crate::access::session::{Visitor, Writer};
use crate::app::{Page, Said, answer};
use crate::goals::model::{Goal, NOTES_MAX, NewGoal, NewNote, Note, Unwritten};
use crate::goals::routes::announce;
use crate::goals::store;
use crate::goals::view::{GoalFields, GoalLine, GoalsShown, NoteFields, NoteLine, SAYINGS};
use crate::server::state::AppState;

/// A form at most, in bytes: a note of 280 characters, each of four bytes that are written as twelve.
const FORM_MAX_BYTES: usize = 8 * 1024;

type Sent = Vec<(String, String)>;

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

/// Why a form came to nothing.
enum Refused {
    /// Only writers write.
    NotYours,
    /// What it is about is gone, or it could not be read.
    Unreadable,
    /// What was written is none; the page says so.
    Goal(GoalFields, Unwritten),
    /// The same of a note.
    Note(NoteFields, String),
    /// The database refused or was away.
    Away(sqlx::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Refused {
        Refused::Away(error)
    }
}

/// The page. `?date=2026-11-20` begins a note on that day, `?note=3` changes one.
async fn show(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Sent>,
    parts: Parts,
) -> Response {
    let asked = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let said = SAYINGS.iter().find(|(word, _)| asked("said") == Some(word)).map_or("", |(_, sentence)| *sentence);
    let page = async {
        let mut page = loaded(&state, &visitor).await?;
        page.said = said;
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
        Err(error) => refuse(state, &visitor, parts, Refused::Away(error)).await,
    }
}

async fn set(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Result<Form<Sent>, FormRejection>,
) -> Response {
    let done = async {
        let (writer, form) = opened(&visitor, form)?;
        let fields = GoalFields {
            period: sent(&form, "period"),
            measure: sent(&form, "measure"),
            target: sent(&form, "target"),
        };
        let books = state.books.now();
        let goal = NewGoal::read(&fields.period, &fields.measure, &fields.target, books.currency)
            .map_err(|error| Refused::Goal(fields, error))?;
        store::set_goal(&state.db, books.workspace, goal, books.currency, &writer.name, state.clock.now()).await?;
        announce(&state).await?;
        Ok("/goals?said=goal-set")
    };
    end(state.clone(), &visitor, parts, done.await).await
}

async fn remove_goal(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Result<Form<Sent>, FormRejection>,
) -> Response {
    let done = async {
        let (_, form) = opened(&visitor, form)?;
        let id = sent(&form, "id").parse().map_err(|_| Refused::Unreadable)?;
        store::remove_goal(&state.db, state.books.now().workspace, id).await?;
        announce(&state).await?;
        Ok("/goals?said=goal-removed")
    };
    end(state.clone(), &visitor, parts, done.await).await
}

/// Writes a note, or changes the one that the form names.
async fn write_note(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Result<Form<Sent>, FormRejection>,
) -> Response {
    let done = async {
        let (writer, form) = opened(&visitor, form)?;
        let fields = NoteFields {
            id: sent(&form, "id"),
            first: sent(&form, "first"),
            last: sent(&form, "last"),
            text: sent(&form, "text"),
        };
        // A field of a form that was left empty.
        let last = Some(fields.last.as_str()).filter(|last| !last.trim().is_empty());
        let note = NewNote::read(&fields.first, last, &fields.text)
            .map_err(|error| Refused::Note(fields.clone(), error.to_string()))?;
        let (workspace, now) = (state.books.now().workspace, state.clock.now());
        if !fields.id.is_empty() {
            let id = own(&state, &writer, &fields.id).await?;
            store::change_note(&state.db, workspace, id, &note, now).await?;
        } else if store::add_note(&state.db, workspace, &note, (writer.person, &writer.name), now).await?.is_none() {
            let full = format!("there are {NOTES_MAX} notes, which is as many as can be: remove some first");
            return Err(Refused::Note(fields, full));
        }
        announce(&state).await?;
        Ok("/goals?said=note-kept")
    };
    end(state.clone(), &visitor, parts, done.await).await
}

async fn remove_note(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Result<Form<Sent>, FormRejection>,
) -> Response {
    let done = async {
        let (writer, form) = opened(&visitor, form)?;
        let id = own(&state, &writer, &sent(&form, "id")).await?;
        store::remove_note(&state.db, state.books.now().workspace, id).await?;
        announce(&state).await?;
        Ok("/goals?said=note-removed")
    };
    end(state.clone(), &visitor, parts, done.await).await
}

/// Who sent a form, and what it says.
fn opened(visitor: &Visitor, form: Result<Form<Sent>, FormRejection>) -> Result<(Writer, Sent), Refused> {
    let writer = Writer::of(visitor).ok_or(Refused::NotYours)?;
    let Form(form) = form.map_err(|_| Refused::Unreadable)?;
    Ok((writer, form))
}

fn sent(form: &Sent, name: &str) -> String {
    let found = form.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The number of a note that the writer may change.
async fn own(state: &AppState, writer: &Writer, id: &str) -> Result<i32, Refused> {
    let id: i32 = id.parse().map_err(|_| Refused::Unreadable)?;
    let note = store::note(&mut *state.db.acquire().await?, state.books.now().workspace, id).await?;
    let note = note.ok_or(Refused::Unreadable)?;
    if writer.may_change(note.author_id) { Ok(id) } else { Err(Refused::NotYours) }
}

async fn end(state: AppState, visitor: &Visitor, parts: Parts, done: Result<&'static str, Refused>) -> Response {
    match done {
        Ok(address) => Redirect::to(address).into_response(),
        Err(refused) => refuse(state, visitor, parts, refused).await,
    }
}

async fn refuse(state: AppState, visitor: &Visitor, parts: Parts, refused: Refused) -> Response {
    let (status, said) = match refused {
        Refused::Goal(fields, error) => {
            let shown = loaded(&state, visitor).await.map(|page| GoalsShown {
                goal: fields,
                goal_problem: error.to_string(),
                ..page
            });
            return again(state, parts, shown).await;
        }
        Refused::Note(fields, sentence) => {
            let shown =
                loaded(&state, visitor).await.map(|page| GoalsShown { note: fields, note_problem: sentence, ..page });
            return again(state, parts, shown).await;
        }
        Refused::NotYours => (
            StatusCode::FORBIDDEN,
            Said {
                title: "That is not yours to change",
                sentence: "Viewers read, and a note is changed by its author or an administrator. Nothing was changed.",
            },
        ),
        Refused::Unreadable => (
            StatusCode::BAD_REQUEST,
            Said {
                title: "The form could not be read",
                sentence: "Nothing was changed: what it was about may be gone. Go back to the page and look again.",
            },
        ),
        Refused::Away(error) => {
            tracing::warn!(%error, "goals and notes could not be shown or changed");
            (StatusCode::SERVICE_UNAVAILABLE, Said::AWAY)
        }
    };
    answer(state, parts, status, Page::Said(said)).await
}

/// The page again, with what is wrong beside its field.
async fn again(state: AppState, parts: Parts, shown: sqlx::Result<GoalsShown>) -> Response {
    match shown {
        Ok(shown) => answer(state, parts, StatusCode::UNPROCESSABLE_ENTITY, Page::Goals(Box::new(shown))).await,
        Err(error) => {
            tracing::warn!(%error, "goals and notes could not be shown");
            answer(state, parts, StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY)).await
        }
    }
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
fn written(note: &Note, calendar: &crate::period::Calendar) -> String {
    let at = |at| calendar.local(at).strftime("%-d %b %Y %H:%M").to_string();
    let edited = note.edited_at.map(|edited| format!(", changed {}", at(edited))).unwrap_or_default();
    format!("{}, {}{edited}", note.author, at(note.written_at))
}
