//! `/api/…`: the addresses of the page that Takings replaces, and tables and charts as files.

use std::io::Cursor;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::server::database::WORKSPACE;
use takings::sources::{shopify, store as sources};

use crate::util::{SECRET, TestApp, assert_status, shopify_order};

/// The addresses of the old page.
const OLD: &[&str] = &[
    "/api/comparison/today-vs-yesterday",
    "/api/comparison/week-vs-lastweek",
    "/api/comparison/month-vs-lastmonth",
    "/api/growth/weekly",
    "/api/growth/monthly",
    "/api/growth/daily",
    "/api/revenue/platforms",
    "/api/countries",
];

/// A server with five orders: two today, two yesterday of which one is later than now, one last week.
async fn with_orders(db: PgPool) -> TestApp {
    let app = TestApp::start(db).await;
    for (id, total, at, country) in [
        (1, "10.01", "2026-11-21T14:00:00Z", "GB"),
        (2, "20.00", "2026-11-21T09:00:00Z", "FR"),
        (3, "15.00", "2026-11-20T10:00:00Z", "GB"),
        (4, "40.00", "2026-11-20T20:00:00Z", "GB"),
        (5, "20.00", "2026-11-12T10:00:00Z", "GB"),
    ] {
        let order = shopify_order(id, total, at).replace("\"GB\"", &format!("\"{country}\""));
        assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    }
    app
}

async fn get(app: &TestApp, path: &str) -> Response {
    app.client.get(app.url(path)).bearer_auth(app.token().await).send().await.expect("an answer")
}

async fn get_json(app: &TestApp, path: &str) -> Value {
    let answer = get(app, path).await;
    let kept = if path.starts_with("/api/v1/") { "private, no-cache" } else { "no-store" };
    assert_eq!(answer.headers()["cache-control"], kept, "{path}");
    serde_json::from_str(&assert_status(answer, StatusCode::OK).await).expect("JSON")
}

/// The records of a CSV file for programs, the names of the columns first.
async fn csv(app: &TestApp, path: &str) -> Vec<Vec<String>> {
    let text = assert_status(get(app, path).await, StatusCode::OK).await;
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// What `=SUM` of a column of money says, in minor units.
fn sum(records: &[Vec<String>], column: &str) -> i64 {
    let place = records[0].iter().position(|name| name == column).expect(column);
    let minor = |text: &String| text.replace('.', "").parse::<i64>().expect("pounds and pence");
    records[1..].iter().map(|record| minor(&record[place])).sum()
}

#[sqlx::test(migrations = "./migrations")]
async fn comparisons_are_as_they_were(db: PgPool) {
    let app = with_orders(db).await;
    assert_eq!(
        get_json(&app, "/api/comparison/today-vs-yesterday").await,
        json!({
            "today": {"orders": 2, "revenue": "30.01"},
            "yesterday": {"orders": 1, "revenue": "15.00"},
            "yesterdayFullDay": {"orders": 2, "revenue": "55.00"},
            "comparison": {
                "currentTime": "14:30", "ordersDiff": 1, "ordersPercent": "100.0", "revenueDiff": "15.01",
                "revenuePercent": "100.1",
            },
        })
    );
    assert_eq!(
        get_json(&app, "/api/comparison/week-vs-lastweek").await,
        json!({
            "thisWeek": {"orders": 4, "revenue": "85.01"},
            "lastWeek": {"orders": 1, "revenue": "20.00"},
            "comparison": {
                "ordersDiff": 3, "ordersPercent": "300.0", "revenueDiff": "65.01", "revenuePercent": "325.1",
            },
        })
    );
    // Nothing last month: there is no percent of it (M8).
    assert_eq!(
        get_json(&app, "/api/comparison/month-vs-lastmonth").await,
        json!({
            "thisMonth": {"orders": 5, "revenue": "105.01"},
            "lastMonth": {"orders": 0, "revenue": "0.00"},
            "comparison": {
                "ordersDiff": 5, "ordersPercent": null, "revenueDiff": "105.01", "revenuePercent": null,
            },
        })
    );
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn growth_platforms_and_countries_are_as_they_were(db: PgPool) {
    let app = with_orders(db).await;
    assert_eq!(
        get_json(&app, "/api/growth/weekly").await,
        json!({
            "thisWeek": {"order_count": 4, "revenue": "85.01"},
            "lastWeek": {"order_count": 1, "revenue": "20.00"},
            "comparison": {"ordersPercent": "300.0", "revenuePercent": "325.1"},
        })
    );
    let monthly = get_json(&app, "/api/growth/monthly").await;
    assert_eq!(monthly["thisMonth"], json!({"order_count": 5, "revenue": "105.01"}));
    assert_eq!(monthly["comparison"], json!({"ordersPercent": null, "revenuePercent": null}));
    assert_eq!(
        get_json(&app, "/api/growth/daily?days=3").await,
        json!([
            {"date": "2026-11-19", "order_count": 0, "revenue": "0.00"},
            {"date": "2026-11-20", "order_count": 2, "revenue": "55.00"},
            {"date": "2026-11-21", "order_count": 2, "revenue": "30.01"},
        ])
    );
    assert_eq!(get_json(&app, "/api/growth/daily").await.as_array().map(Vec::len), Some(30));
    let year = get_json(&app, "/api/growth/daily?days=365").await;
    assert_eq!((year[0]["date"].as_str(), year.as_array().map(Vec::len)), (Some("2025-11-22"), Some(365)));
    assert_eq!(
        get_json(&app, "/api/revenue/platforms").await,
        json!([{"platform": "shopify", "order_count": 5, "revenue": "105.01"}])
    );
    assert_eq!(
        get_json(&app, "/api/countries").await,
        json!([
            {"shipping_country": "United Kingdom", "order_count": 4, "revenue": "85.01"},
            {"shipping_country": "France", "order_count": 1, "revenue": "20.00"},
        ])
    );
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn who_has_no_token_and_who_asks_wrongly_are_told_the_problem(db: PgPool) {
    let app = TestApp::start(db).await;
    for path in OLD.iter().chain(&["/api/v1/tables/countries.csv", "/api/v1/charts/revenue.csv"]) {
        let answer = app.client.get(app.url(path)).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{path}");
        let problem: Value =
            serde_json::from_str(&assert_status(answer, StatusCode::UNAUTHORIZED).await).expect("JSON");
        assert_eq!((&problem["type"], &problem["title"]), (&json!("about:blank"), &json!("Unauthorized")));
        assert_eq!(problem["status"], json!(401));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("API token")), "{problem}");
    }
    for (path, status, says) in [
        ("/api/growth/daily?days=0", StatusCode::BAD_REQUEST, "from 1 to 365"),
        ("/api/growth/daily?days=366", StatusCode::BAD_REQUEST, "from 1 to 365"),
        ("/api/growth/daily?days=many", StatusCode::BAD_REQUEST, "from 1 to 365"),
        ("/api/v1/tables/countries.csv?range=fortnight", StatusCode::BAD_REQUEST, "range is one of"),
        ("/api/v1/tables/countries.csv?header=none", StatusCode::BAD_REQUEST, "full, plain"),
        ("/api/v1/tables/towns.csv", StatusCode::NOT_FOUND, "periods, countries, platforms, average_orders, averages"),
        ("/api/v1/charts/costs.csv", StatusCode::NOT_FOUND, "revenue, orders, hours, weekdays"),
        ("/api/v1/tables/countries.pdf", StatusCode::NOT_FOUND, ".csv, .xlsx or .json"),
    ] {
        let answer = get(&app, path).await;
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        assert!(assert_status(answer, status).await.contains(says), "{path}");
    }
    let cookie = app.cookie_of("ada").await;
    let signed_in = app.client.get(app.url(OLD[0])).header("cookie", cookie).send().await.expect("an answer");
    assert_status(signed_in, StatusCode::OK).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_sum_of_an_exported_column_is_the_figure_on_the_page(db: PgPool) {
    let app = with_orders(db).await;
    for query in ["", "range=week", "range=today&country=GB", "range=all&platform=shopify", "measure=net&range=month"] {
        let shown = app.snapshot(&format!("?{query}")).await;
        let figure = shown["overview"]["range"]["current"]["revenue"].as_i64().expect("minor units");
        for file in ["tables/countries", "tables/platforms", "charts/revenue", "charts/weekdays"] {
            let records = csv(&app, &format!("/api/v1/{file}.csv?header=plain&{query}")).await;
            assert_eq!(sum(&records, "revenue_gbp"), figure, "{file}?{query}");
        }
    }
    let averages = csv(&app, "/api/v1/tables/averages.csv?header=plain").await;
    assert_eq!((averages.len(), sum(&averages, "revenue_gbp")), (31, 10_501));
    let earlier = csv(&app, "/api/v1/tables/countries.csv?header=plain&range=today").await;
    assert_eq!(sum(&earlier[..2], "revenue_before_gbp"), 0, "{earlier:?}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_median_stands_beside_the_average_and_follows_the_filter(db: PgPool) {
    let app = with_orders(db).await;
    let figures = async |query: &str| -> Vec<String> {
        let records = csv(&app, &format!("/api/v1/tables/average_orders.csv?header=plain{query}")).await;
        records[1..].iter().map(|record| record[..8].join("|")).collect()
    };
    assert_eq!(
        figures("").await,
        [
            "Today|2|1|15.01|15.00|0.1|15.01|15.00",
            "This week|4|1|21.25|20.00|6.3|17.50|20.00",
            "This month|5|0|21.00|||20.00|",
            "This range|5|0|21.00|||20.00|",
        ]
    );
    assert_eq!(figures("&country=GB").await[1], "This week|3|1|21.67|20.00|8.4|15.00|20.00");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_file_states_what_its_figures_mean(db: PgPool) {
    let app = with_orders(db).await;
    let answer = get(&app, "/api/v1/tables/countries.csv?range=today&compare=none").await;
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"countries.csv\"");
    let text = assert_status(answer, StatusCode::OK).await;
    assert_eq!(
        text.trim_start_matches('\u{feff}').lines().collect::<Vec<_>>(),
        [
            "table,Countries,,,,,,",
            "zone,Europe/London,,,,,,",
            "window,Sat 21 Nov 00:00–14:30 GMT,,,,,,",
            "from,2026-11-21T00:00:00+00:00,,,,,,",
            "before,2026-11-21T14:30:07+00:00,,,,,,",
            "currency,GBP,,,,,,",
            "watermark,2026-11-21T14:30:07+00:00,,,,,,",
            "filter,range=today&compare=none,,,,,,",
            ",,,,,,,",
            "code,country,orders,revenue_gbp,share,orders_before,revenue_before_gbp,revenue_change",
            "FR,France,1,20.00,66.6,,,",
            "GB,United Kingdom,1,10.01,33.4,,,",
        ]
    );
    let json = get_json(&app, "/api/v1/tables/periods.json").await;
    let pounds = |amount: &str| json!({"amount": amount, "currency": "GBP"});
    assert_eq!(
        json["rows"][0],
        json!({
            "period": "Today", "orders": 2, "orders_before": 1, "orders_change": "100.0",
            "revenue": pounds("30.01"), "revenue_before": pounds("15.00"), "revenue_change": "100.1",
            "average": pounds("15.01"), "average_before": pounds("15.00"), "average_change": "0.1",
            "window": "Sat 21 Nov 00:00–14:30 GMT", "window_before": "Fri 20 Nov 00:00–14:30 GMT",
        })
    );
    assert_eq!(json["facts"]["from"], "2026-01-01T00:00:00+00:00");
    let hours = csv(&app, "/api/v1/charts/hours.csv?header=plain").await;
    assert_eq!(hours[15], ["2026-11-21T14:00:00+00:00", "10.01", "2026-11-20T14:00:00+00:00", "0.00"]);
    assert_eq!(hours[24], ["", "", "2026-11-20T23:00:00+00:00", "0.00"]);
    let weekdays = csv(&app, "/api/v1/charts/weekdays.csv?header=plain&range=week").await;
    assert_eq!(weekdays[1], ["Monday", "0", "0", "0.00"]);
    assert_eq!(weekdays[5 * 24 + 15], ["Saturday", "14", "1", "10.01"]);
    let outlook = get_json(&app, "/api/v1/tables/outlook.json").await;
    assert_eq!(outlook["facts"]["window"], "Thu 1 Oct – Thu 31 Dec");
    assert_eq!(outlook["rows"][0]["so_far"], pounds("30.01"));
    assert_eq!(outlook["rows"][0]["expected"], Value::Null);
    assert!(outlook["rows"][0]["hidden"].as_str().is_some_and(|why| why.contains("more days")), "{outlook}");
    let answer = get(&app, "/api/v1/tables/platforms.xlsx").await;
    let bytes = answer.bytes().await.expect("a file");
    let mut workbook = calamine::open_workbook_from_rs::<calamine::Xlsx<_>, _>(Cursor::new(bytes)).expect("a workbook");
    let sheet = calamine::Reader::worksheet_range(&mut workbook, "Table").expect("a worksheet");
    assert_eq!(sheet.get_value((1, 3)).and_then(calamine::DataType::as_f64), Some(105.01));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_old_webhook_delivers_to_the_one_shop(db: PgPool) {
    let app = TestApp::start(db).await;
    let deliver = |id: i64, secret: &str| {
        let body = shopify_order(id, "45.67", "2026-11-21T14:00:00Z").into_bytes();
        app.client
            .post(app.url("/webhook/shopify"))
            .header("x-shopify-topic", "orders/create")
            .header("x-shopify-hmac-sha256", shopify::sign(&body, secret))
            .body(body)
            .send()
    };
    assert_status(deliver(1, SECRET).await.expect("an answer"), StatusCode::OK).await;
    assert_status(deliver(2, "another").await.expect("an answer"), StatusCode::UNAUTHORIZED).await;
    assert_eq!(app.overview().await.today.current.orders, 1);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_old_webhook_does_not_guess_among_shops(db: PgPool) {
    sources::add(&db, WORKSPACE, "second", "shopify", SECRET).await.expect("a source");
    let app = TestApp::start(db).await;
    let answer = app.client.post(app.url("/webhook/shopify")).body("{}").send().await.expect("an answer");
    assert!(assert_status(answer, StatusCode::CONFLICT).await.contains("/webhooks/shopify/NAME"));
    app.stop().await;
}
