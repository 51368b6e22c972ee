//! `/api/v1/royalties`: the tables of royalties as files and for scripts.

use std::convert::Infallible;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::{Format, Header, PAGE_ROWS, Sheet, Wanted, local_time, respond};
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, in_path, in_query, value, words};
use crate::royalties::model::ROYALTY_CURRENCY;
use crate::royalties::rate::Rate;
use crate::royalties::read;
use crate::royalties::tables::TABLES;
use crate::sales::files::JsonFile;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(table))
}

/// The name of a table's file.
struct TableFile;
/// What an address takes beside it.
struct FileParameters;

impl IntoParams for TableFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let formats = [Format::Csv, Format::Xlsx, Format::Json];
        let files = TABLES.iter().flat_map(|(name, _)| formats.map(|format| format!("{name}.{}", format.extension())));
        let files: Vec<String> = files.collect();
        let parameter = in_path("file", "The name of the table, then the format.");
        let parameter = parameter.schema(Some(words(files.iter().map(String::as_str), None)));
        vec![parameter.example(Some("quarters.csv".into())).build()]
    }
}

impl IntoParams for FileParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "`plain` leaves out the facts above the table of a CSV file, for programs.";
        let rate = "Dollars a minute: `rates` says what the quarter brings at it too.";
        let number = utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^[0-9]{1,4}[.][0-9]{1,9}$"))
            .build();
        vec![
            in_query("header", about).schema(Some(words(["full", "plain"], Some("full")))).build(),
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
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !matches!(name.as_str(), "header" | "rate")) {
        return Err(bad(format!("the address takes no {name:?}; it takes header, rate")));
    }
    let header = match value(&pairs, "header") {
        None | Some("full") => Header::Full,
        Some("plain") => Header::Plain,
        Some(_) => return Err(bad("header is one of full, plain".into())),
    };
    let wanted = value(&pairs, "rate").map(|text| {
        Rate::parse(text).ok_or_else(|| bad("rate is dollars a minute as a decimal, such as 0.0105".into()))
    });
    let no_table = || {
        let names: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
        let sentence = format!("there is no such file; there are {}, each .csv, .xlsx or .json", names.join(", "));
        Problem::new(StatusCode::NOT_FOUND, sentence)
    };
    let (name, format) = Format::of_file(&file).ok_or_else(no_table)?;
    let (_, title) = TABLES.iter().find(|(known, _)| *known == name).ok_or_else(no_table)?;
    let (books, now) = (state.books.now(), state.clock.now());
    let royalties = read::royalties(&mut *state.db.acquire().await?, &books, now, wanted.transpose()?).await?;
    let data = royalties.table(name).ok_or_else(no_table)?;
    let mut sheet = Sheet::new(name, title, data.columns.clone())
        .fact("zone", books.calendar.zone_name())
        .fact("currency", ROYALTY_CURRENCY.code())
        .fact("watermark", local_time(&books.calendar, now));
    if let Some(rate) = &royalties.standing.rate {
        sheet = sheet.fact("rate", format!("{} of {}", rate.rate.decimal(), rate.source));
    }
    let sheet = data.money.iter().fold(sheet, |sheet, column| sheet.money(column, ROYALTY_CURRENCY));
    let pages: Vec<_> = data.rows.chunks(PAGE_ROWS as usize).map(|rows| Ok::<_, Infallible>(rows.to_vec())).collect();
    Ok(respond(sheet, stream::iter(pages), Wanted { format, header }).await)
}
