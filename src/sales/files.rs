//! The tables and charts of the page as files: `GET /api/v1/tables/countries.csv`, for the question in the query.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::DateTime;
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::{Format, Sheet, Wanted};
use crate::money::Currency;
use crate::period::{Instant, Window};
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, QuestionParameters, question};
use crate::rest::files::{self, file_parameter, header_of, header_parameter};
use crate::sales::books::Books;
use crate::sales::model::Snapshot;
use crate::sales::question::Royalties;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::table::{Column, Data};

/// The tables that there are.
const TABLES: [&str; 9] =
    ["periods", "countries", "platforms", "average_orders", "averages", "outlook", "goals", "notes", WITH_ROYALTIES];
/// The one that asks for royalties by its name.
const WITH_ROYALTIES: &str = "with_royalties";
/// The charts that there are.
const CHARTS: [&str; 4] = ["revenue", "orders", "hours", "weekdays"];

/// `GET /api/v1/tables/{file}` and `/api/v1/charts/{file}`; the file's name ends in its format.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(table)).routes(routes!(chart))
}

/// What a file takes beside the question.
struct FileParameters;

impl IntoParams for FileParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter().example(Some("plain".into())).build()]
    }
}

/// A table or a chart as JSON.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "facts": {"table": "Countries", "zone": "Europe/London", "currency": "GBP"},
    "columns": [
        {"name": "country", "title": "Country", "numeric": false}, {"name": "revenue", "title": "Revenue", "numeric": true}
    ],
    "rows": [{"country": "France", "revenue": {"amount": "1045.67", "currency": "GBP"}}]
}))]
pub struct JsonFile {
    /// What the figures mean: the table, the zone, the window, the currency, the watermark, the filter.
    facts: BTreeMap<String, String>,
    /// The columns.
    columns: Vec<Column>,
    /// The rows: each column's value by the column's name, null where there is none.
    rows: Vec<BTreeMap<String, JsonCell>>,
}

/// A value in a row.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum JsonCell {
    /// Nothing.
    Empty,
    /// A number of things.
    Count(i64),
    /// Text, a time, a percent or another decimal.
    Text(String),
    /// Money.
    Money {
        /// Decimal text.
        amount: String,
        /// Its currency.
        currency: Currency,
    },
}

/// The name of a table's file.
struct TableFile;
/// The name of a chart's file.
struct ChartFile;

impl IntoParams for TableFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![file_parameter("The name of the table, then the format.", &TABLES, "countries.csv")]
    }
}

impl IntoParams for ChartFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![file_parameter("The name of the chart, then the format.", &CHARTS, "revenue.csv")]
    }
}

/// What of a snapshot can be had as a file: its name, its title, its values.
type Files<'a> = Vec<(&'a str, &'a str, &'a Data)>;

/// A table of the page as a file
///
/// The values of the page, none rounded. `periods`, `averages` and `outlook` are of now, whatever the range; `outlook`, the
/// projections, is there for questions about all orders and their totals.
#[utoipa::path(
    get, path = "/api/v1/tables/{file}", operation_id = "table", tag = "Figures",
    params(TableFile, QuestionParameters, FileParameters),
    responses((status = OK, description = "The file", content(
        (JsonFile = "application/json"), (String = "text/csv"),
        (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )))
)]
async fn table(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Problem> {
    let tables = |snapshot: &Snapshot| {
        let tables = snapshot.tables.iter().filter(|table| !table.data.columns.is_empty());
        find(tables.map(|table| (table.name.as_str(), table.title.as_str(), &table.data)).collect(), &file)
    };
    answer(&state, &file, &pairs, tables).await
}

/// A chart of the page as a file
///
/// The points of a chart, each with the one it is compared with. `hours` is of today, whatever the range.
#[utoipa::path(
    get, path = "/api/v1/charts/{file}", operation_id = "chart", tag = "Figures",
    params(ChartFile, QuestionParameters, FileParameters),
    responses((status = OK, description = "The file", content(
        (JsonFile = "application/json"), (String = "text/csv"),
        (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )))
)]
async fn chart(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Problem> {
    let charts = |snapshot: &Snapshot| {
        let charts = snapshot.charts.iter();
        find(charts.map(|chart| (chart.name.as_str(), chart.title.as_str(), &chart.data)).collect(), &file)
    };
    answer(&state, &file, &pairs, charts).await
}

/// The file without its facts and its rows: the name, the title, and the values.
type Found = (String, String, Data);

/// Answers with what `find` finds in the answer to the question: the same one that the page shows (P3).
async fn answer(
    state: &AppState,
    file: &str,
    pairs: &Pairs,
    find: impl Fn(&Snapshot) -> Result<Found, Problem>,
) -> Result<Response, Problem> {
    let mut question = question(pairs, &["header"])?;
    if file.split('.').next() == Some(WITH_ROYALTIES) {
        question.royalties = Royalties::With;
    }
    let header = header_of(pairs)?;
    let Some((_, format)) = Format::of_file(file) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the file's name ends in .csv, .xlsx or .json"));
    };
    let snapshot = state.hub.snapshot(&question).await?;
    let (name, title, data) = find(&snapshot)?;
    let as_of = instant(snapshot.overview.as_of_ms);
    // The header names the currency of the values, also in the moment after another one was set.
    let books = Books { currency: snapshot.currency, ..state.books.now().as_ref().clone() };
    let sheet = sheet(&name, &title, &data, &books, as_of).fact("filter", question.query());
    Ok(files::file(sheet, data, Wanted { format, header }).await)
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

fn instant(milliseconds: i64) -> Instant {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}
