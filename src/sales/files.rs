//! The tables and charts of the page as files: `GET /api/v1/tables/countries.csv`, for the question in the query.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::DateTime;
use futures_util::stream;

use crate::export::{Format, Header, PAGE_ROWS, Sheet, Wanted, respond};
use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::model::Snapshot;
use crate::sales::question::Question;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::table::Data;

/// A query as it stands in the address.
type Pairs = Query<Vec<(String, String)>>;

/// `GET /api/v1/tables/{file}` and `/api/v1/charts/{file}`; the file's name ends in its format.
pub fn routes() -> Router<AppState> {
    Router::new().route("/api/v1/tables/{file}", get(table)).route("/api/v1/charts/{file}", get(chart))
}

/// What of a snapshot can be had as a file: its name, its title, its values.
type Files<'a> = Vec<(&'a str, &'a str, &'a Data)>;

async fn table(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let tables = |snapshot: &Snapshot| {
        let tables = snapshot.tables.iter().filter(|table| !table.data.columns.is_empty());
        find(tables.map(|table| (table.name.as_str(), table.title.as_str(), &table.data)).collect(), &file)
    };
    answer(&state, &file, pairs, tables).await
}

async fn chart(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let charts = |snapshot: &Snapshot| {
        let charts = snapshot.charts.iter();
        find(charts.map(|chart| (chart.name.as_str(), chart.title.as_str(), &chart.data)).collect(), &file)
    };
    answer(&state, &file, pairs, charts).await
}

/// The file without its facts and its rows: the name, the title, and the values.
type Found = (String, String, Data);

/// Answers with what `find` finds in the answer to the question: the same one that the page shows (P3).
async fn answer(
    state: &AppState,
    file: &str,
    Query(pairs): Pairs,
    find: impl Fn(&Snapshot) -> Result<Found, Problem>,
) -> Result<Response, Problem> {
    let bad = |sentence: String| Problem::new(StatusCode::BAD_REQUEST, sentence);
    let question = Question::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).map_err(bad)?;
    let header = header(&pairs).map_err(bad)?;
    let Some((_, format)) = Format::of_file(file) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the file's name ends in .csv, .xlsx or .json"));
    };
    let snapshot = state.hub.snapshot(&question).await?;
    let (name, title, data) = find(&snapshot)?;
    let as_of = instant(snapshot.overview.as_of_ms);
    // The header names the currency of the values, also in the moment after another one was set.
    let books = Books { currency: snapshot.currency, ..state.books.now().as_ref().clone() };
    let sheet = sheet(&name, &title, &data, &books, as_of).fact("filter", question.query());
    let pages: Vec<_> = data.rows.chunks(PAGE_ROWS as usize).map(|rows| Ok::<_, Infallible>(rows.to_vec())).collect();
    Ok(respond(sheet, stream::iter(pages), Wanted { format, header }).await)
}

fn find(files: Files<'_>, file: &str) -> Result<Found, Problem> {
    let wanted = Format::of_file(file).map_or(file, |(name, _)| name);
    match files.iter().find(|(name, ..)| *name == wanted) {
        Some((name, title, data)) => Ok(((*name).to_owned(), (*title).to_owned(), (*data).clone())),
        None => {
            let names: Vec<&str> = files.iter().map(|(name, ..)| *name).collect();
            let sentence = format!("there is no such file; there are {}", names.join(", "));
            Err(Problem::new(StatusCode::NOT_FOUND, sentence))
        }
    }
}

fn sheet(name: &str, title: &str, data: &Data, books: &Books, as_of: Instant) -> Sheet {
    let (from, to) = data.window_ms;
    let window = Window { from: instant(from), to: instant(to) };
    let sheet = Sheet::new(name, title, data.columns.clone()).about(&books.calendar, window, books.currency, as_of);
    data.money.iter().fold(sheet, |sheet, column| sheet.money(column, books.currency))
}

fn header(pairs: &[(String, String)]) -> Result<Header, String> {
    match pairs.iter().find(|(name, _)| name == "header").map(|(_, value)| value.as_str()) {
        None | Some("full") => Ok(Header::Full),
        Some("plain") => Ok(Header::Plain),
        Some(_) => Err("header is one of full, plain".into()),
    }
}

fn instant(milliseconds: i64) -> Instant {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
