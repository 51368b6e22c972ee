//! The three addresses of royalties of the page that Takings replaces, in the shapes that they had. `docs/api.md` lists them.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::imports::store as imports;
use crate::money::{self, Change};
use crate::period::{Instant, minus};
use crate::royalties::model::{ROYALTY_CURRENCY, Stage, quarter_name, quarter_of};
use crate::royalties::projection::Projection;
use crate::royalties::read::{self, Wanted};
use crate::royalties::standing::{Month, Quarter};
use crate::royalties::tables::{Royalties, WEEKS};
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;

/// Weeks that `minutes` tells of at most: ten years.
const WEEKS_MAX: usize = 520;

/// The routes, all for reading.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/spotify/minutes", get(minutes))
        .route("/api/spotify/countries", get(countries))
        .route("/api/spotify/quarterly-projection", get(projection))
}

fn answer(body: impl Serialize) -> Result<Response, Problem> {
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

async fn now(state: &AppState) -> Result<Royalties, Problem> {
    let books = state.books.now();
    Ok(read::royalties(&mut *state.db.acquire().await?, &books, state.clock.now(), Wanted::default()).await?)
}

/// The last weeks, the newest first.
async fn minutes(
    _reader: Reader,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let count = match pairs.iter().find(|(name, _)| name == "weeks").map(|(_, value)| value.parse::<usize>()) {
        None => WEEKS,
        Some(Ok(weeks)) if (1..=WEEKS_MAX).contains(&weeks) => weeks,
        Some(_) => {
            return Err(Problem::new(StatusCode::BAD_REQUEST, format!("weeks is a number from 1 to {WEEKS_MAX}")));
        }
    };
    let weeks = now(&state).await?.last_weeks(count).into_iter();
    let rows = weeks.map(|week| json!({ "report_week_start": week.first.to_string(), "total_minutes": week.minutes }));
    answer(rows.collect::<Vec<_>>())
}

/// The countries of the last 8 weeks, the newest week first, then the country with the most minutes.
async fn countries(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let mut rows: Vec<((Date, String), i64)> = now(&state).await?.countries.minutes.into_iter().collect();
    rows.sort_by(|((a, _), more), ((b, _), less)| b.cmp(a).then(less.cmp(more)));
    let rows = rows.into_iter().map(|((first, country), minutes)| {
        json!({ "report_week_start": first.to_string(), "country": country, "minutes": minutes })
    });
    answer(rows.collect::<Vec<_>>())
}

/// The old page's projection of a quarter. Money is a number with two decimals.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    quarter: String,
    year: i16,
    totals: Totals,
    months: Vec<MonthTold>,
    comparison: Comparison,
    avg_weekly_minutes: i64,
    last_updated: Option<String>,
}

#[derive(Serialize)]
struct Totals {
    revenue: Option<Box<RawValue>>,
    minutes: i64,
}

#[derive(Serialize)]
struct MonthTold {
    name: String,
    year: i16,
    revenue: Option<Box<RawValue>>,
    minutes: i64,
    status: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Comparison {
    previous_quarter: String,
    growth: Option<Box<RawValue>>,
    trend: &'static str,
}

/// The newest quarter that anything is known of: files come weeks after the quarter that they are of.
async fn projection(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let books = state.books.now();
    let today = books.calendar.date(state.clock.now());
    let mut db = state.db.acquire().await?;
    let royalties = read::royalties(&mut db, &books, state.clock.now(), Wanted::default()).await?;
    let quarter = royalties.standing.quarters.last().map_or(quarter_of(today), |quarter| quarter.first);
    let last = imports::history(&mut db, books.workspace).await?;
    let last = last.iter().map(|import| import.undone.as_ref().map_or(import.imported_at, |(_, at)| *at)).max();
    answer(told(&royalties, quarter, last))
}

fn told(royalties: &Royalties, quarter: Date, last: Option<Instant>) -> Told {
    let standing = &royalties.standing;
    let known = standing.quarter(quarter);
    let projection = Projection::of(standing, quarter);
    let rate = standing.rate.as_ref().map(|current| current.rate);
    let month = |month: &Month| {
        let (minutes, minor) = match &projection {
            Some(projection) => (projection.month(month).0, Some(projection.month(month).1)),
            None => (month.minutes, month.worth_minor(rate)),
        };
        let (status, source) = match month.stage {
            Some(Stage::Final) => ("actual", "Monthly confirmed data"),
            Some(Stage::Provisional) => ("provisional", "Monthly provisional data"),
            Some(Stage::Estimate) => ("estimated", "Weekly data"),
            None => ("projected", "Recent weekly average"),
        };
        let (name, year) = (month.first.strftime("%B").to_string(), month.first.year());
        MonthTold { name, year, revenue: minor.and_then(dollars), minutes, status, source }
    };
    let brings = |quarter: &Quarter| -> Option<i64> {
        Projection::of(standing, quarter.first).map(|projection| projection.range_minor().1)
    };
    let revenue = brings(&known);
    let earlier = standing.quarter(minus(quarter, 3.months()));
    let change = revenue.zip(earlier.stage().and_then(|_| brings(&earlier)));
    let change = change.map_or(Change::None, |(now, before)| Change::between(now, before));
    let growth = if let Change::PerMille(tenths) = change { raw(crate::export::percent(tenths)) } else { None };
    let trend = match change.direction() {
        1 => "up",
        -1 => "down",
        _ => "flat",
    };
    let weeks = royalties.last_weeks(WEEKS);
    let heard: i64 = weeks.iter().map(|week| week.minutes).sum();
    Told {
        quarter: format!("Q{}", (quarter.month() - 1) / 3 + 1),
        year: quarter.year(),
        totals: Totals {
            revenue: revenue.and_then(dollars),
            minutes: projection.as_ref().map_or(known.minutes(), Projection::minutes),
        },
        months: known.months.iter().map(month).collect(),
        comparison: Comparison { previous_quarter: quarter_name(earlier.first), growth, trend },
        avg_weekly_minutes: money::mean(heard, weeks.len() as i64).unwrap_or(0),
        last_updated: last.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
    }
}

fn dollars(minor: i64) -> Option<Box<RawValue>> {
    raw(money::decimal(minor, ROYALTY_CURRENCY))
}

/// A decimal as a number of JSON, digit by digit.
fn raw(decimal: String) -> Option<Box<RawValue>> {
    RawValue::from_string(decimal).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::royalties::standing::tests::{date, of_2025};

    #[test]
    fn the_last_quarter_of_2025_is_told_as_it_was() {
        let royalties = Royalties::of(&of_2025(), date("2026-01-01"), 530);
        let at = Instant::from_timestamp_millis(1_770_117_240_000).expect("an instant");
        let text = serde_json::to_string(&told(&royalties, date("2025-10-01"), Some(at))).expect("JSON");
        assert!(text.starts_with(r#"{"quarter":"Q4","year":2025,"totals":{"revenue":9249.00,"minutes":894829},"months":[{"name":"October","year":2025,"revenue":3083.00,"minutes":298276,"status":"actual","source":"Monthly confirmed data"},"#), "{text}");
        assert!(text.ends_with(r#""comparison":{"previousQuarter":"Q3 2025","growth":-35.6,"trend":"down"},"avgWeeklyMinutes":0,"lastUpdated":"2026-02-03T11:14:00.000Z"}"#), "{text}");
    }
}
