//! The REST addresses of the page that Takings replaces, in the shapes that they had; the figures are those of the page of
//! today (P3).
//!
//! Money is decimal text. A percent is text with one decimal, and `null` where M8 says that there is none: nothing before, or
//! less than nothing. `docs/api.md` lists the addresses.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::ToSpan as _;
use serde_json::{Value as Answer, json};

use crate::export::percent;
use crate::money::{self, Change, Currency};
use crate::period::minus;
use crate::sales::model::{Figures, Snapshot, Versus};
use crate::sales::question::{Bucket, Comparison, Question, Range};
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::table::{Data, Value};

/// Days that `growth/daily` tells without being asked for a number of them.
const DAYS: i64 = 30;
/// Days that it tells at most: a year. A point each, they are fewer than a chart may have.
const DAYS_MAX: i64 = 365;
/// Countries that `countries` names.
const COUNTRIES_MAX: usize = 10;

/// The routes, all for reading.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/comparison/today-vs-yesterday", get(today))
        .route("/api/comparison/week-vs-lastweek", get(week))
        .route("/api/comparison/month-vs-lastmonth", get(month))
        .route("/api/growth/weekly", get(weekly))
        .route("/api/growth/monthly", get(monthly))
        .route("/api/growth/daily", get(daily))
        .route("/api/revenue/platforms", get(platforms))
        .route("/api/countries", get(countries))
}

type Answered = Result<Response, Problem>;

fn answer(body: Answer) -> Answered {
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// The answer to the default question, the last 30 days: what the page shows first.
async fn snapshot(state: &AppState) -> Result<Arc<Snapshot>, Problem> {
    Ok(state.hub.snapshot(&Question::default()).await?)
}

async fn today(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    let (overview, currency) = (&snapshot.overview, snapshot.currency);
    let mut comparison = differences(&overview.today, currency);
    comparison["currentTime"] = overview.as_of.get(..5).into();
    answer(json!({
        "today": figures(&overview.today.current, currency),
        "yesterday": figures(&overview.today.earlier, currency),
        "yesterdayFullDay": figures(&overview.yesterday.current, currency),
        "comparison": comparison,
    }))
}

async fn week(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    let (versus, currency) = (&snapshot.overview.week, snapshot.currency);
    answer(json!({
        "thisWeek": figures(&versus.current, currency),
        "lastWeek": figures(&versus.earlier, currency),
        "comparison": differences(versus, currency),
    }))
}

async fn month(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    let (versus, currency) = (&snapshot.overview.month, snapshot.currency);
    answer(json!({
        "thisMonth": figures(&versus.current, currency),
        "lastMonth": figures(&versus.earlier, currency),
        "comparison": differences(versus, currency),
    }))
}

async fn weekly(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    let (versus, currency) = (&snapshot.overview.week, snapshot.currency);
    answer(json!({
        "thisWeek": counted(versus.current.orders, versus.current.revenue, currency),
        "lastWeek": counted(versus.earlier.orders, versus.earlier.revenue, currency),
        "comparison": percents(versus),
    }))
}

async fn monthly(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    let (versus, currency) = (&snapshot.overview.month, snapshot.currency);
    answer(json!({
        "thisMonth": counted(versus.current.orders, versus.current.revenue, currency),
        "lastMonth": counted(versus.earlier.orders, versus.earlier.revenue, currency),
        "comparison": percents(versus),
    }))
}

/// A day a row, oldest first; today, so far, is the last one. Days without an order are there too.
async fn daily(_reader: Reader, State(state): State<AppState>, Query(pairs): Query<Vec<(String, String)>>) -> Answered {
    let days = match pairs.iter().find(|(name, _)| name == "days").map(|(_, value)| value.parse::<i64>()) {
        None => DAYS,
        Some(Ok(days)) if (1..=DAYS_MAX).contains(&days) => days,
        Some(_) => {
            let sentence = format!("days is a number from 1 to {DAYS_MAX}");
            return Err(Problem::new(StatusCode::BAD_REQUEST, sentence));
        }
    };
    let last = state.books.now().calendar.date(state.clock.now());
    let first = minus(last, (days - 1).days());
    let question = Question {
        range: Range::Dates(first.to_string(), last.to_string()),
        compare: Comparison::None,
        bucket: Some(Bucket::Day),
        ..Question::default()
    };
    let snapshot = state.hub.snapshot(&question).await?;
    let chart = |name: &str| snapshot.charts.iter().find(|chart| chart.name == name).map(|chart| &chart.data);
    let (Some(revenue), Some(orders)) = (chart("revenue"), chart("orders")) else { return answer(json!([])) };
    let rows = revenue.rows.iter().zip(&orders.rows).map(|(revenue_of, orders_of)| {
        let Value::Time(local, _) = revenue.value(revenue_of, "from") else { return Answer::Null };
        json!({
            "date": local.get(..10),
            "order_count": plain(orders.value(orders_of, "orders")),
            "revenue": plain(revenue.value(revenue_of, "revenue")),
        })
    });
    answer(rows.collect())
}

/// Platforms with an order or a refund in the last 30 days, the one with the most revenue first.
async fn platforms(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    let rows = of_table(&snapshot, "platforms", "code", "platform");
    answer(rows.into_iter().filter(|row| row["order_count"] != json!(0) || !is_zero(&row["revenue"])).collect())
}

/// The countries with the most orders in the last 30 days, by name.
async fn countries(_reader: Reader, State(state): State<AppState>) -> Answered {
    let snapshot = snapshot(&state).await?;
    answer(of_table(&snapshot, "countries", "country", "shipping_country").into_iter().take(COUNTRIES_MAX).collect())
}

/// The rows of a table of the page: its column `named` under the old name, orders and revenue.
fn of_table(snapshot: &Snapshot, table: &str, named: &str, old_name: &str) -> Vec<Answer> {
    let none = Data::default();
    let data = snapshot.tables.iter().find(|known| known.name == table).map_or(&none, |table| &table.data);
    let rows = data.rows.iter().map(|row| {
        json!({
            old_name: plain(data.value(row, named)),
            "order_count": plain(data.value(row, "orders")),
            "revenue": plain(data.value(row, "revenue")),
        })
    });
    rows.collect()
}

/// A value as the old page had it: counts are numbers, money is decimal text.
fn plain(value: &Value) -> Answer {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Money(minor, currency) => money::decimal(*minor, *currency).into(),
        Value::Text(text) => text.as_str().into(),
        _ => Answer::Null,
    }
}

fn is_zero(decimal: &Answer) -> bool {
    decimal.as_str().is_none_or(|text| text.bytes().all(|b| b == b'0' || b == b'.'))
}

fn figures(figures: &Figures, currency: Currency) -> Answer {
    json!({ "orders": figures.orders, "revenue": money::decimal(figures.revenue, currency) })
}

fn counted(orders: i64, revenue: i64, currency: Currency) -> Answer {
    json!({ "order_count": orders, "revenue": money::decimal(revenue, currency) })
}

fn percents(versus: &Versus) -> Answer {
    json!({ "ordersPercent": percent_of(versus.orders_change()), "revenuePercent": percent_of(versus.revenue_change()) })
}

fn differences(versus: &Versus, currency: Currency) -> Answer {
    let Versus { current, earlier, .. } = versus;
    let mut comparison = percents(versus);
    comparison["ordersDiff"] = (current.orders - earlier.orders).into();
    comparison["revenueDiff"] = money::decimal(current.revenue - earlier.revenue, currency).into();
    comparison
}

/// A change as text with one decimal; nothing where M8 says no percent. "0.0" would be a claim that nothing changed.
fn percent_of(change: Change) -> Option<String> {
    if let Change::PerMille(tenths) = change { Some(percent(tenths)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_text_with_one_decimal_or_nothing() {
        for (current, earlier, text) in [
            (23, 19, Some("21.1")),
            (104_567, 89_234, Some("17.2")),
            (5, 10, Some("-50.0")),
            (7, 7, Some("0.0")),
            (0, 0, None),
            (5, 0, None),
            (5, -10, None),
        ] {
            assert_eq!(percent_of(Change::between(current, earlier)).as_deref(), text, "{earlier} → {current}");
        }
    }
}
