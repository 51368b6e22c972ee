//! `/calls` and `/calls/{id}`, for administrators: the pages, what their forms send.

use std::future::Future;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use chrono::DateTime;

use crate::access::session::Visitor;
use crate::app::{Page, Said, answer};
use crate::calls::administrator::{Administrator, CallsChanger};
use crate::calls::ask::Filter;
use crate::calls::cost::relay_cost;
use crate::calls::model::CallSettings;
use crate::calls::shown::{self, CallsShown, SettingsFields};
use crate::calls::{files, past, store};
use crate::period::Instant;
use crate::server::form::{Sent, field, said};
use crate::server::state::AppState;
use crate::voice::store::{self as rooms, Unchanged};

/// A form at most, in bytes: two short fields, or a number and a query.
const FORM_MAX_BYTES: usize = 4 * 1024;
/// Calls of the history that the page has at once.
const PAST_SHOWN: i64 = 20;
/// Rooms that can be chosen at most: more than anybody looks through.
const ROOMS_MAX: i64 = 200;
/// What the page says of a form that was sent: the word in its address, and the sentence.
const SAYINGS: &[(&str, &str)] = &[
    ("saved", "The settings are saved."),
    ("seen", "The alert is acknowledged."),
    ("over", "The alert is over already, and put away."),
    ("added", "The room is there: every dock shows it."),
    ("renamed", "The room has its new name."),
    ("removed", "The room is gone, and whoever was in it has left."),
];

type Pairs = Vec<(String, String)>;

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/calls", get(show))
        .route("/calls/acknowledge", post(acknowledge))
        .route("/calls/settings", post(save))
        .route("/calls/rooms/add", post(add_room))
        .route("/calls/rooms/rename", post(rename_room))
        .route("/calls/rooms/remove", post(remove_room))
        .route("/calls/{id}", get(show_one))
        .merge(files::routes())
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// There is no such call.
pub const NO_CALL: Said = Said {
    title: "There is no such call",
    sentence: "It may be older than calls are kept. The page of calls has those that there are.",
};

async fn show(
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<Pairs>,
    parts: Parts,
) -> Response {
    let page = loaded(&state, &query).await.map(|page| CallsShown { said: said(&query, SAYINGS), ..page });
    respond(state, parts, StatusCode::OK, page).await
}

async fn show_one(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path(id): Path<String>,
    Query(query): Query<Pairs>,
    parts: Parts,
) -> Response {
    let person = field(&query, "person").and_then(|person| person.parse::<i32>().ok());
    let read = async {
        let Ok(id) = id.parse::<i64>() else { return Ok(None) };
        let books = state.books.now();
        let moment = state.calls.now();
        let mut db = state.db.acquire().await?;
        let settings = store::settings(&mut db, books.workspace).await?;
        let past = past::read(&mut db, books.workspace, (id, person), &moment).await?;
        Ok::<_, sqlx::Error>(past.map(|past| past.shown(&moment, settings, &books.calendar)))
    };
    let (status, page) = match read.await {
        Ok(Some(call)) => (StatusCode::OK, Page::Call(Box::new(call))),
        Ok(None) => (StatusCode::NOT_FOUND, Page::Said(NO_CALL)),
        Err(error) => away(&error),
    };
    answer(state, parts, status, page).await
}

/// Somebody has seen an alert. It is theirs from now on, also where the database hears of it later.
async fn acknowledge(
    State(state): State<AppState>,
    Administrator(visitor): Administrator,
    parts: Parts,
    form: Sent,
) -> Response {
    let Some(id) = form.get("id").and_then(|id| id.parse::<i64>().ok()) else {
        return answer(state, parts, StatusCode::BAD_REQUEST, Page::Said(Said::UNREADABLE)).await;
    };
    let name = match &visitor {
        Visitor::Person(person) => person.name.as_str(),
        Visitor::Script => "API",
    };
    let done = state.calls.acknowledge(id, name, state.clock.now());
    let word = if done.is_some() { "seen" } else { "over" };
    let back = form.text("back");
    let back: Pairs = form_urlencoded::parse(back.trim_start_matches('?').as_bytes()).into_owned().collect();
    let query = Filter::of(&back).query();
    let joint = if query.is_empty() { '?' } else { '&' };
    Redirect::to(&format!("/calls{query}{joint}said={word}")).into_response()
}

async fn save(State(state): State<AppState>, _changer: CallsChanger, parts: Parts, form: Sent) -> Response {
    let (days, price) = (form.text("days"), form.text("price"));
    match CallSettings::read(&days, &price) {
        Ok(settings) => match store::set_settings(&state.db, state.books.now().workspace, settings).await {
            Ok(()) => {
                state.calls.forget_soon();
                Redirect::to("/calls?said=saved").into_response()
            }
            Err(error) => respond(state, parts, StatusCode::OK, Err(error)).await,
        },
        Err((days_problem, price_problem)) => {
            let settings = SettingsFields { days, days_problem, price, price_problem };
            let page = loaded(&state, &[]).await.map(|page| CallsShown { settings, ..page });
            respond(state, parts, StatusCode::UNPROCESSABLE_ENTITY, page).await
        }
    }
}

async fn add_room(State(state): State<AppState>, _changer: CallsChanger, parts: Parts, form: Sent) -> Response {
    let name = form.text("name");
    let done = async { rooms::add_room(&state.db, state.books.now().workspace, &name).await.map(|_| "added") };
    change_room(&state, parts, Some((None, &name)), done).await
}

async fn rename_room(State(state): State<AppState>, _changer: CallsChanger, parts: Parts, form: Sent) -> Response {
    let (room, name) = (form.text("room").parse().unwrap_or_default(), form.text("name"));
    let done =
        async { rooms::rename_room(&state.db, state.books.now().workspace, room, &name).await.map(|()| "renamed") };
    change_room(&state, parts, Some((Some(room), &name)), done).await
}

async fn remove_room(State(state): State<AppState>, _changer: CallsChanger, parts: Parts, form: Sent) -> Response {
    let room = form.text("room").parse().unwrap_or_default();
    let done = async { rooms::remove_room(&state.db, state.books.now().workspace, room).await.map(|()| "removed") };
    change_room(&state, parts, None, done).await
}

/// Changes the rooms and tells the docks, or says what is wrong: beside what was typed of which room, and above all of them where
/// nothing was typed or the room is gone.
async fn change_room(
    state: &AppState,
    parts: Parts,
    typed: Option<(Option<i32>, &str)>,
    done: impl Future<Output = Result<&'static str, Unchanged>>,
) -> Response {
    match done.await {
        Ok(word) => {
            if let Some(voice) = &state.voice
                && let Err(error) = voice.reload().await
            {
                tracing::warn!(%error, "the rooms are changed; docks hear of it when voice is started again");
            }
            Redirect::to(&format!("/calls?said={word}")).into_response()
        }
        Err(Unchanged::Away(error)) => respond(state.clone(), parts, StatusCode::OK, Err(error)).await,
        Err(problem) => {
            let page = loaded(state, &[]).await.map(|mut page| {
                match typed.filter(|_| !matches!(problem, Unchanged::Gone)) {
                    Some((room, typed)) => {
                        page.rooms_form.typed = Some((room, typed.to_owned(), sentence(&problem)));
                    }
                    None => page.rooms_form.problem = sentence(&problem),
                }
                page
            });
            respond(state.clone(), parts, StatusCode::UNPROCESSABLE_ENTITY, page).await
        }
    }
}

/// A problem as a sentence of a page.
fn sentence(problem: &Unchanged) -> String {
    let text = problem.to_string();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// The page as things stand, with who is asked for.
async fn loaded(state: &AppState, query: &[(String, String)]) -> sqlx::Result<CallsShown> {
    let books = state.books.now();
    let (workspace, calendar) = (books.workspace, &books.calendar);
    let filter = Filter::of(query);
    let before =
        field(query, "before").and_then(|before| before.parse().ok()).and_then(DateTime::from_timestamp_micros);
    let mut db = state.db.acquire().await?;
    let relay = relay_cost(state, &mut db).await?;
    let mut ended = store::ended(&mut db, workspace, filter.room, before, PAST_SHOWN + 1).await?;
    let known = store::rooms(&mut db, workspace, ROOMS_MAX).await?;
    drop(db);
    let all = rooms::rooms(&state.db, workspace).await?;
    let mut page = shown::live(&state.calls.now(), &filter, relay, calendar);
    let has_more = ended.len() as i64 > PAST_SHOWN;
    ended.truncate(PAST_SHOWN as usize);
    page.past = shown::past(&ended, calendar);
    if let (true, Some(last)) = (has_more, ended.last()) {
        page.older = older(&filter, last.began_at);
    }
    for (id, name) in known {
        if !page.choices.iter().any(|(known, _)| *known == id) {
            page.choices.push((id, name));
        }
    }
    page.rooms_form.rooms = all;
    page.choices.sort_by_key(|(id, name)| (name.to_lowercase(), *id));
    Ok(page)
}

/// Where the calls before these are.
fn older(filter: &Filter, before: Instant) -> String {
    let query = filter.query();
    let joint = if query.is_empty() { '?' } else { '&' };
    format!("/calls{query}{joint}before={}#history", before.timestamp_micros())
}

/// The database is away.
pub fn away(error: &sqlx::Error) -> (StatusCode, Page) {
    tracing::warn!(%error, "calls could not be shown or changed");
    (StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY))
}

async fn respond(state: AppState, parts: Parts, status: StatusCode, page: sqlx::Result<CallsShown>) -> Response {
    let (status, page) = match page {
        Ok(page) => (status, Page::Calls(Box::new(page))),
        Err(error) => away(&error),
    };
    answer(state, parts, status, page).await
}
