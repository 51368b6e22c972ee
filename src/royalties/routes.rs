//! `/api/v1/royalties`: the tables of royalties as files and for scripts.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::{Sheet, Wanted, local_time};
use crate::money::Currency;
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, in_query, takes_only, value};
use crate::rest::files::{file, file_parameter, header_of, header_parameter, table_of};
use crate::royalties::behind::{self, Asked, FILE_ROWS_MAX};
use crate::royalties::figure::Of;
use crate::royalties::model::ROYALTY_CURRENCY;
use crate::royalties::rate::Rate;
use crate::royalties::read;
use crate::royalties::tables::TABLES;
use crate::sales::files::JsonFile;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::table::Data;

/// Titles in a file at most: more than there are audiobooks of any publisher.
const TITLES_IN_FILE_MAX: i64 = 100_000;
/// The file of the rows behind a figure.
const ROWS: (&str, &str) = ("rows", "Rows behind a figure");

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(table)).routes(routes!(figure))
}

/// The name of a table's file.
struct TableFile;
/// What an address takes beside it.
struct FileParameters;

impl IntoParams for TableFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![file_parameter("The name of the table, then the format.", &TABLES.map(|(name, _)| name), "quarters.csv")]
    }
}

impl IntoParams for FileParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let rate = "Dollars a minute: `rates` says what the quarter brings at it too.";
        let number = utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^[0-9]{1,4}[.][0-9]{1,9}$"))
            .build();
        vec![
            header_parameter().build(),
            in_query("rate", rate).schema(Some(number)).example(Some("0.0105".into())).build(),
        ]
    }
}

/// A table of royalties
///
/// The figures of the page, in US dollars. Money received is of final statements alone; estimates stand apart. `months` and
/// `rates` are of the running quarter.
#[utoipa::path(
    get, path = "/api/v1/royalties/{file}", operation_id = "royalties", tag = "Royalties",
    params(TableFile, FileParameters),
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
    let bad = |sentence: String| Problem::new(StatusCode::BAD_REQUEST, sentence);
    takes_only(&pairs, &["header", "rate"])?;
    let header = header_of(&pairs)?;
    let wanted = value(&pairs, "rate")
        .map(|text| rate_of(text).ok_or_else(|| bad("rate is dollars a minute as a decimal, such as 0.0105".into())));
    let (title, name, format) = table_of(&file, &TABLES)?;
    let (books, now) = (state.books.now(), state.clock.now());
    let wanted = read::Wanted { rate: wanted.transpose()?, titles: TITLES_IN_FILE_MAX };
    let royalties = read::royalties(&mut *state.db.acquire().await?, &books, now, wanted).await?;
    let listing = royalties.table(name).ok_or_else(Problem::nothing_here)?;
    let mut sheet = Sheet::new(name, title, listing.data.columns.clone())
        .fact("zone", books.calendar.zone_name())
        .fact("currency", ROYALTY_CURRENCY.code())
        .fact("watermark", local_time(&books.calendar, now));
    if let Some(rate) = &royalties.standing.rate {
        sheet = sheet.fact("rate", format!("{} of {}", rate.rate.decimal(), rate.source));
    }
    Ok(file_of(sheet, listing.data, Wanted { format, header }, books.currency).await)
}

/// A table as a file. What is converted is in the reporting currency.
async fn file_of(sheet: Sheet, data: Data, wanted: Wanted, reporting: Currency) -> Response {
    let currency = |column: &str| if column == "converted" { reporting } else { ROYALTY_CURRENCY };
    let has = |column: &&String| data.columns.iter().any(|known| known.name == **column);
    let sheet = data.money.iter().filter(has).fold(sheet, |sheet, column| sheet.money(column, currency(column)));
    file(sheet, data, wanted).await
}

/// The name of a file of rows.
struct RowsFile;
/// What its address takes beside it.
struct OfParameters;

impl IntoParams for RowsFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![file_parameter("The rows in a format.", &[ROWS.0], "rows.csv")]
    }
}

impl IntoParams for OfParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "The figure: `week.FIRST.LAST`, `month.FIRST`, `quarter.FIRST`, `country.FIRST.CODE` or `title.TITLE`, with dates \
                     such as 2025-12-23. The page's links have them.";
        let name = utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^title[.][A-Za-z0-9]{1,300}$"))
            .build();
        let of = in_query("of", about).required(Required::True).schema(Some(name));
        vec![of.example(Some("title.Emma".into())).build(), header_parameter().build()]
    }
}

/// The rows behind a figure
///
/// The statements that a figure of the page is made of, each with the import and the line that it is from: their sum is the
/// figure. A month without a statement is made of weeks, a quarter of months; these are rows of their own, to ask about again.
#[utoipa::path(
    get, path = "/api/v1/royalties/figure/{file}", operation_id = "royalty_figure", tag = "Royalties",
    params(RowsFile, OfParameters),
    responses((status = OK, description = "The file", content(
        (JsonFile = "application/json"), (String = "text/csv"),
        (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )))
)]
async fn figure(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Problem> {
    let bad = |sentence: String| Problem::new(StatusCode::BAD_REQUEST, sentence);
    let (_, _, format) = table_of(&file, &[ROWS])?;
    takes_only(&pairs, &["of", "header"])?;
    let header = header_of(&pairs)?;
    let of = value(&pairs, "of").and_then(Of::parse).ok_or_else(|| {
        bad("of is week.FIRST.LAST, month.FIRST, quarter.FIRST, country.FIRST.CODE or title.TITLE".into())
    })?;
    let (books, now) = (state.books.now(), state.clock.now());
    let mut db = state.db.acquire().await?;
    let standing = read::standing(&mut db, books.workspace).await?;
    let asked = Asked { standing: &standing, title_minutes: books.completes_minutes, rows_max: FILE_ROWS_MAX };
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "nothing is known of this; the page's tables lead to what is");
    let behind = behind::behind(&mut db, books.workspace, &of, asked).await?.ok_or_else(nothing)?;
    let sheet = Sheet::new("figure", &behind.title, behind.listing.data.columns.clone())
        .fact("zone", books.calendar.zone_name())
        .fact("window", behind.window(&books.calendar))
        .fact("currency", ROYALTY_CURRENCY.code())
        .fact("watermark", local_time(&books.calendar, now));
    Ok(file_of(sheet, behind.listing.data, Wanted { format, header }, books.currency).await)
}

/// A rate as the specification has it: digits on both sides of its point.
fn rate_of(text: &str) -> Option<Rate> {
    let (whole, fraction) = text.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(whole) && is_number(fraction) { Rate::parse(text) } else { None }
}
