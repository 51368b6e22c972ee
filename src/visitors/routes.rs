//! `/api/v1/visitors`: visitors for scripts, and their tables as files.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::{Sheet, Wanted, local_time, percent};
use crate::period::Calendar;
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, takes_only};
use crate::rest::files::{self, file_parameter, header_of, header_parameter, table_of};
use crate::sales::files::JsonFile;
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::visitors::answer::{Visited, conversion, visited};
use crate::visitors::sums_store::PartSums;
use crate::visitors::tables::{TABLES, table};

/// Referrers, pages and countries of an answer; the files have more.
const PARTS_TOLD: usize = 50;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(visitors)).routes(routes!(visitor_table))
}

/// Visitors of the shop's pages.
#[derive(Debug, Serialize, ToSchema)]
struct Visitors {
    /// The moment of the figures.
    #[schema(format = DateTime)]
    as_of: String,
    /// When the first visitor was counted; null before that.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Visitors of the last 5 minutes.
    now: i64,
    /// Today so far.
    today: Today,
    /// The last 24 hours, the running one included, the oldest first.
    hours: Vec<HourTold>,
    /// The last 30 days, today included, the oldest first.
    days: Vec<DayTold>,
    /// All of these days.
    thirty_days: AllDays,
    /// Where visitors of these days came from, those with the most visitors first; null is none, or not said.
    referrers: Vec<Part>,
    /// The pages of these days.
    pages: Vec<Part>,
    /// The countries of these days by their ISO 3166 alpha-2 codes, null where it is not known; empty where none are looked up.
    countries: Vec<Part>,
}

/// Today so far.
#[derive(Debug, Serialize, ToSchema)]
struct Today {
    /// Visitors.
    visitors: i64,
    /// Page views.
    views: i64,
    /// Yesterday's visitors up to the same point.
    visitors_yesterday: i64,
    /// Orders, from the first visitor of all on; those of marketplaces, whose pages cannot have the script, are left out.
    orders: i64,
    /// Orders per visitor in percent; null without visitors.
    #[schema(example = "2.5")]
    conversion_percent: Option<String>,
}

/// An hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorHour)]
struct HourTold {
    /// When it began.
    #[schema(format = DateTime)]
    from: String,
    /// Visitors.
    visitors: i64,
    /// Page views.
    views: i64,
}

/// A day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorDay)]
struct DayTold {
    /// The date in the workspace's zone.
    #[schema(format = Date)]
    date: String,
    /// Visitors.
    visitors: i64,
    /// Page views.
    views: i64,
    /// Orders, as of today.
    orders: i64,
    /// Orders per visitor in percent; null without visitors.
    #[schema(example = "2.5")]
    conversion_percent: Option<String>,
}

/// Days added up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorDays)]
struct AllDays {
    /// Visitors of each day, added up: who comes on two days is two.
    visitors: i64,
    /// Page views.
    views: i64,
    /// Orders, as of a day.
    orders: i64,
    /// Orders per visitor in percent; null without visitors.
    #[schema(example = "2.5")]
    conversion_percent: Option<String>,
}

/// A referrer, a page or a country.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorPart)]
struct Part {
    /// Its name.
    name: Option<String>,
    /// Visitors whose first page of a day it was, or whose first page they came to from there.
    visitors: i64,
    /// Page views.
    views: i64,
}

/// Visitors of the shop's pages
///
/// How many there are now, by hour and by day, where they come from, and how many orders there are for them. Counted by the script
/// `/v.js`, without cookies.
#[utoipa::path(
    get, path = "/api/v1/visitors", operation_id = "visitors", tag = "Visitors",
    responses((status = OK, body = Visitors, description = "The figures, of at most two seconds ago"))
)]
async fn visitors(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let visited = visited(&state).await?;
    Ok(Json(told(&visited, &state.books.now().calendar)).into_response())
}

fn told(visited: &Visited, calendar: &Calendar) -> Visitors {
    let percents = |orders, visitors| conversion(orders, visitors).map(percent);
    let (visitors, views, orders) = visited.all_days();
    Visitors {
        as_of: local_time(calendar, visited.at),
        since: visited.since.map(|since| local_time(calendar, since)),
        now: visited.now,
        today: Today {
            visitors: visited.today,
            views: visited.today_views,
            visitors_yesterday: visited.yesterday,
            orders: visited.today_orders,
            conversion_percent: percents(visited.today_orders, visited.today),
        },
        hours: visited
            .hours
            .iter()
            .map(|hour| HourTold {
                from: local_time(calendar, hour.window.from),
                visitors: hour.visitors,
                views: hour.views,
            })
            .collect(),
        days: visited
            .days
            .iter()
            .map(|day| DayTold {
                date: day.date.to_string(),
                visitors: day.visitors,
                views: day.views,
                orders: day.orders,
                conversion_percent: percents(day.orders, day.visitors),
            })
            .collect(),
        thirty_days: AllDays { visitors, views, orders, conversion_percent: percents(orders, visitors) },
        referrers: parts(&visited.referrers),
        pages: parts(&visited.pages),
        countries: parts(&visited.countries),
    }
}

fn parts(parts: &[PartSums]) -> Vec<Part> {
    let part = |part: &PartSums| Part {
        name: Some(part.name.clone()).filter(|name| !name.is_empty()),
        visitors: part.visitors,
        views: part.views,
    };
    parts.iter().take(PARTS_TOLD).map(part).collect()
}

/// The name of a table's file.
struct TableFile;
/// What an address takes beside it.
struct FileParameters;

impl IntoParams for TableFile {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![file_parameter("The name of the table, then the format.", &TABLES.map(|(name, _)| name), "days.csv")]
    }
}

impl IntoParams for FileParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_parameter().build()]
    }
}

/// A table of visitors
///
/// The tables of the page, with more rows of referrers, pages and countries: up to 1,000.
#[utoipa::path(
    get, path = "/api/v1/visitors/{file}", operation_id = "visitor_table", tag = "Visitors",
    params(TableFile, FileParameters),
    responses((status = OK, description = "The file", content(
        (JsonFile = "application/json"), (String = "text/csv"),
        (Bytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )))
)]
async fn visitor_table(
    _reader: Reader,
    State(state): State<AppState>,
    Path(file): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Problem> {
    takes_only(&pairs, &["header"])?;
    let header = header_of(&pairs)?;
    let (title, name, format) = table_of(&file, &TABLES)?;
    let books = state.books.now();
    let visited = visited(&state).await?;
    let data = table(&visited, name, &books.calendar).ok_or_else(Problem::nothing_here)?;
    let sheet = Sheet::new(&format!("visitors-{name}"), title, data.columns.clone())
        .fact("zone", books.calendar.zone_name())
        .fact("watermark", local_time(&books.calendar, visited.at));
    Ok(files::file(sheet, data, Wanted { format, header }).await)
}
