//! The files of calls: CSV with the columns of the page that Takings replaces, JSON, and PDF with the charts.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

use crate::app::{Page, answer};
use crate::calls::administrator::Administrator;
use crate::calls::ask::Filter;
use crate::calls::cost::relay_cost;
use crate::calls::legacy;
use crate::calls::model::{Means, Moment, PastPerson};
use crate::calls::page::{NO_CALL, away};
use crate::calls::past::Past;
use crate::calls::report;
use crate::calls::told::active_told;
use crate::calls::told_past::call_told;
use crate::calls::{past, store};
use crate::export::pdf;
use crate::server::state::AppState;

/// Reports that are drawn at once: each takes a core and the memory of its pages.
const DRAWN_AT_ONCE: usize = 2;
/// The columns of the page that Takings replaces, exactly.
const COLUMNS: [&str; 8] = [
    "Meeting ID",
    "User ID",
    "Upload (kbps)",
    "Download (kbps)",
    "Latency (ms)",
    "Quality",
    "Using TURN",
    "Packet Loss (%)",
];

/// The routes.
pub fn routes() -> Router<AppState> {
    let router = Format::ALL.into_iter().fold(Router::new(), |router, format| {
        let handler = move |state: State<AppState>, reader: Administrator, query: Query<Pairs>, parts: Parts| {
            live(format, state, reader, query, parts)
        };
        router.route(&format!("/calls/export.{}", format.extension()), get(handler))
    });
    router.route("/calls/{id}/{file}", get(one))
}

/// A format of these files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    Pdf,
}

impl Format {
    const ALL: [Format; 3] = [Format::Csv, Format::Json, Format::Pdf];

    fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Pdf => "pdf",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
            Format::Pdf => "application/pdf",
        }
    }
}

type Pairs = Vec<(String, String)>;

/// Why there is no file.
enum Failed {
    Database(sqlx::Error),
    NoCall,
    Unmade(String),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Failed {
        Failed::Database(error)
    }
}

async fn live(
    format: Format,
    State(state): State<AppState>,
    _administrator: Administrator,
    Query(query): Query<Pairs>,
    parts: Parts,
) -> Response {
    let filter = Filter::of(&query);
    let made = async {
        let (books, moment) = (state.books.now(), state.calls.now());
        let relay = relay_cost(&state, &mut *state.db.acquire().await?).await?;
        let calendar = &books.calendar;
        match format {
            Format::Csv => csv(active_rows(&moment, &filter)),
            Format::Json => json(&active_told(&moment, &filter, relay, calendar)),
            Format::Pdf => drawn(report::live(&moment, &filter, relay, calendar)).await,
        }
    };
    let made = made.await;
    end(state, parts, "calls", format, made).await
}

async fn one(
    State(state): State<AppState>,
    _administrator: Administrator,
    Path((id, file)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let format = Format::ALL.into_iter().find(|format| file == format!("export.{}", format.extension()));
    let (Some(format), Ok(id)) = (format, id.parse::<i64>()) else {
        return answer(state, parts, StatusCode::NOT_FOUND, Page::Said(NO_CALL)).await;
    };
    let made = async {
        let (books, moment) = (state.books.now(), state.calls.now());
        let mut db = state.db.acquire().await?;
        let settings = store::settings(&mut db, books.workspace).await?;
        let past = past::read(&mut db, books.workspace, (id, None), &moment).await?.ok_or(Failed::NoCall)?;
        drop(db);
        match format {
            Format::Csv => csv(past_rows(&past)),
            Format::Json => json(&call_told(&past, &moment, settings, &books.calendar)),
            Format::Pdf => drawn(report::past(&past, &moment, settings, &books.calendar)).await,
        }
    };
    let made = made.await;
    end(state, parts, &format!("call-{id}"), format, made).await
}

async fn end(state: AppState, parts: Parts, name: &str, format: Format, made: Result<Vec<u8>, Failed>) -> Response {
    let (status, page) = match made {
        Ok(bytes) => return download(name, format, bytes),
        Err(Failed::Database(error)) => away(&error),
        Err(Failed::NoCall) => (StatusCode::NOT_FOUND, Page::Said(NO_CALL)),
        Err(Failed::Unmade(cause)) => {
            tracing::error!(cause, "a file of calls could not be made");
            let sentence = "The file could not be made. The log of the server says why.";
            return (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response();
        }
    };
    answer(state, parts, status, page).await
}

fn download(name: &str, format: Format, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.extension());
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"))),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    (headers, bytes).into_response()
}

/// Drawing takes a while of a core: other requests go on meanwhile, and no more than [`DRAWN_AT_ONCE`] are drawn at a time.
async fn drawn(report: pdf::Report) -> Result<Vec<u8>, Failed> {
    static TURNS: Semaphore = Semaphore::const_new(DRAWN_AT_ONCE);
    let _turn = TURNS.acquire().await.map_err(|error| Failed::Unmade(error.to_string()))?;
    let drawing = tokio::task::spawn_blocking(move || pdf::pdf(&report));
    let drawn = drawing.await.map_err(|error| Failed::Unmade(error.to_string()))?;
    drawn.map_err(|error| Failed::Unmade(error.to_string()))
}

fn json(told: &impl serde::Serialize) -> Result<Vec<u8>, Failed> {
    serde_json::to_vec_pretty(told).map_err(|error| Failed::Unmade(error.to_string()))
}

type Record = [String; 8];

/// Numbers and fixed words alone: nothing that a spreadsheet could take for a formula.
fn csv(rows: impl Iterator<Item = Record>) -> Result<Vec<u8>, Failed> {
    let failed = |error: csv::Error| Failed::Unmade(error.to_string());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    for row in rows {
        writer.write_record(row).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Failed::Unmade(error.to_string()))
}

fn active_rows<'a>(moment: &'a Moment, filter: &'a Filter) -> impl Iterator<Item = Record> + 'a {
    let asked = moment.people().filter(|(call, person)| filter.takes(call, person));
    asked.map(|(call, person)| record(call.id, person.person, &Means::of(person), person.is_relayed))
}

fn past_rows(past: &Past) -> impl Iterator<Item = Record> + '_ {
    let record = |person: &PastPerson| record(past.call.id, person.person, &person.means, person.relayed_seconds > 0.0);
    past.people.iter().map(record)
}

fn record(call: i64, person: i32, means: &Means, is_relayed: bool) -> Record {
    let text = |value: Option<f64>, digits: usize| {
        value.filter(|value| value.is_finite()).map_or(String::new(), |value| format!("{value:.digits$}"))
    };
    [
        call.to_string(),
        person.to_string(),
        text(means.up_kbps, 1),
        text(means.down_kbps, 1),
        text(means.rtt_ms, 0),
        legacy::word(means.quality()).to_owned(),
        if is_relayed { "Yes" } else { "No" }.to_owned(),
        text(means.loss_percent, 2),
    ]
}
