//! `GET /figures/{file}`: the rows behind a figure as a file, and the reading of what is asked of the inspector.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::DateTime;
use futures_util::stream;
use tokio::sync::Semaphore;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::{Format, Header, Sheet, Wanted, respond};
use crate::period::{Instant, Window};
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, QuestionParameters, in_path, in_query, question, value};
use crate::sales::files::JsonFile;
use crate::sales::inspector::inspect::{After, Asked, By, Rows};
use crate::sales::inspector::store::{Cursor, Posting};
use crate::sales::inspector::words::happening;
use crate::sales::question::Question;
use crate::sales::snapshot::Unanswered;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::table::{Column, Value};

/// Files that are made at once: each holds a connection for as long as its reader takes.
const FILES_MAX: usize = 4;
/// The last moment that a figure can be of: a calendar goes further, but no question does.
const AT_MAX: i64 = 7_258_118_399_999_999;
static FILES: Semaphore = Semaphore::const_new(FILES_MAX);

/// `GET /api/v1/figures/{file}`: the file's name is the figure's with the format's ending, the query the page's.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(file))
}

/// The name of a figure's file.
struct FigureFile;

impl IntoParams for FigureFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The name of the figure, then the format: what the panel on the page says, such as countries.GB.orders.csv.";
        let name = ObjectBuilder::new().schema_type(Type::String);
        let name = name.pattern(Some(r"^[A-Za-z0-9._-]+\.(csv|xlsx|json)$"));
        vec![in_path("file", about).schema(Some(name)).example(Some("today.revenue.csv".into())).build()]
    }
}

/// What the file takes beside the question.
struct FileParameters;

impl IntoParams for FileParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The moment that the figure is of, in microseconds since 1970; without it, now.";
        let at = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(AT_MAX));
        vec![in_query("at", about).schema(Some(at)).build()]
    }
}

/// Reads what a query asks of the inspector; the error is a sentence.
pub fn asked(query: &str) -> Result<Asked, String> {
    let pairs: Vec<_> = form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).collect();
    let question = Question::parse(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
    let question = question.map_err(|error| error.to_string())?;
    let mut asked = Asked { question, ..Asked::default() };
    for (name, value) in &pairs {
        match name.as_ref() {
            "figure" => asked.name = value.clone().into_owned(),
            "at" => asked.at = Some(instant(value)?),
            "by" => {
                asked.by = match value.as_ref() {
                    "time" => By::Time,
                    "amount" => By::Amount,
                    "amount-rising" => By::AmountRising,
                    _ => return Err("by is one of time, amount, amount-rising".into()),
                }
            }
            "after" => asked.after = Some(after(value)?),
            _ => {}
        }
    }
    Ok(asked)
}

/// The moment of an address: microseconds since 1970.
fn instant(text: &str) -> Result<Instant, String> {
    let micros = text.parse().ok().filter(|micros| (0..=AT_MAX).contains(micros));
    let at = micros.and_then(DateTime::from_timestamp_micros);
    at.ok_or_else(|| "at is a number of microseconds since 1970, before the year 2200".into())
}

fn after(text: &str) -> Result<After, String> {
    let wrong = || "after is what the link to the next page says".to_owned();
    match text.split_once('.') {
        Some((at, order)) => {
            let order = order.parse().map_err(|_| wrong())?;
            Ok(After::Posting(Cursor { at: instant(at).map_err(|_| wrong())?, order }))
        }
        None => text.parse().map(After::Rows).map_err(|_| wrong()),
    }
}

/// The beginning of a page, as an address says it.
pub fn after_text(after: After) -> String {
    match after {
        After::Posting(Cursor { at, order }) => format!("{}.{order}", at.timestamp_micros()),
        After::Rows(passed) => passed.to_string(),
    }
}

/// The rows behind a figure as a file
///
/// Every entry of the ledger that a figure of the page is made of; the column `counted` adds up to it.
#[utoipa::path(
    get, path = "/api/v1/figures/{file}", operation_id = "figure", tag = "Figures",
    params(FigureFile, QuestionParameters, FileParameters),
    responses((status = OK, description = "The file", content(
        (JsonFile = "application/json"), (String = "text/csv"),
        (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )))
)]
async fn file(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Problem> {
    let Some((name, format)) = Format::of_file(&file) else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the file's name ends in .csv, .xlsx or .json"));
    };
    let bad = |sentence: String| Problem::new(StatusCode::BAD_REQUEST, sentence);
    let asked = Asked {
        name: name.to_owned(),
        question: question(&pairs, &["at"])?,
        at: value(&pairs, "at").map(instant).transpose().map_err(bad)?,
        ..Asked::default()
    };
    let Ok(permit) = FILES.try_acquire() else {
        let why = "several files are being made at the moment; try again in a while";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    // All pages are of one view of the database: the file's sum is the figure's, whatever arrives meanwhile.
    let view = state.db.begin_with("begin isolation level repeatable read read only").await;
    let mut db = view.map_err(Unanswered::from)?;
    let rows = Rows::of(&mut db, &state.books.now(), &asked, state.clock.now()).await?;
    let sheet = sheet(&rows, &asked);
    let pages = stream::try_unfold((rows, db, permit), async |(mut rows, mut db, permit)| {
        let page = rows.next(&mut db).await?;
        let values = page.map(|page| page.into_iter().map(|row| values(row, &rows)).collect::<Vec<_>>());
        Ok::<_, sqlx::Error>(values.map(|values| (values, (rows, db, permit))))
    });
    Ok(respond(sheet, pages, Wanted { format, header: Header::Full }).await)
}

fn sheet(rows: &Rows, asked: &Asked) -> Sheet {
    let currency = rows.books.currency;
    let columns = vec![
        Column::text("at", "Counted at"),
        Column::text("order", "Order"),
        Column::number("entry", "Number in the ledger"),
        Column::text("what", "What"),
        Column::text("source", "Source"),
        Column::text("country", "Country"),
        Column::number("amount", "Amount"),
        Column::number("rate", "Rate"),
        Column::text("rate_date", "Rate of"),
        Column::number("orders", "Orders"),
        Column::number("counted", "Counted"),
    ];
    let window = rows.figure.span().unwrap_or(Window { from: rows.as_of, to: rows.as_of });
    Sheet::new(&asked.name, &rows.figure.title, columns)
        .about(&rows.books.calendar, window, currency, rows.as_of)
        .fact("filter", asked.question.query())
        .money_of_each_row("amount")
        .money("counted", currency)
}

fn values(row: Posting, rows: &Rows) -> Vec<Value> {
    let text = |text: Option<String>| text.map_or(Value::Empty, Value::Text);
    let local = rows.books.calendar.local(row.at).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let (rate, date) = match row.rate {
        Some((rate, date)) => (Value::Decimal(rate.to_string()), Value::Date(date.to_string())),
        None => (Value::Empty, Value::Empty),
    };
    let what = happening(&row);
    vec![
        Value::Time(local, row.at.timestamp()),
        Value::Text(row.number),
        Value::Count(row.order),
        Value::Text(what),
        Value::Text(row.source),
        text(row.country),
        row.currency.map_or(Value::Empty, |currency| Value::Money(row.amount, currency)),
        rate,
        date,
        Value::Count(row.orders),
        Value::Money(row.converted, rows.books.currency),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_page_begins_is_said_in_an_address() {
        for query in
            ["figure=today.revenue&after=1763683200000000.17", "figure=a&by=amount&after=50&at=1763683200000000"]
        {
            let asked = asked(query).expect("a question");
            let after = asked.after.map(after_text).expect("a beginning");
            assert!(query.contains(&format!("after={after}")), "{query}");
        }
        for (query, says) in [("by=size", "by is one of"), ("after=x", "after is what"), ("at=now", "at is a number")] {
            assert!(asked(query).expect_err(query).contains(says), "{query}");
        }
    }
}
