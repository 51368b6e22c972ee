//! Royalties in the dashboard's total: what they add, what is said of them, and when.

use serde_json::Value;
use sqlx::PgPool;
use takings::imports::run::{self, File};

use crate::util::{TestApp, assert_status, at, shopify_order};

const NOW: &str = "2026-02-03T11:14:00Z";
const MONTHLY: &str = include_str!("fixtures/royalties-2025-monthly.csv");
const QUARTER: &str = "from=2025-10-01&to=2025-12-31";

async fn import(app: &TestApp, name: &str, text: &'static str) {
    let request = app.client.post(app.url(&format!("/api/v1/imports?name={name}"))).bearer_auth(app.token().await);
    assert_status(request.body(text).send().await.expect("an answer"), reqwest::StatusCode::CREATED).await;
}

async fn file(app: &TestApp, path: &str) -> Value {
    let answer = app.client.get(app.url(path)).bearer_auth(app.token().await).send().await.expect("an answer");
    serde_json::from_str(&assert_status(answer, reqwest::StatusCode::OK).await).expect("JSON")
}

fn pence(value: &Value) -> i64 {
    value["amount"].as_str().expect("an amount").replace('.', "").parse().expect("pence")
}

#[sqlx::test(migrations = "./migrations")]
async fn the_total_of_a_quarter_is_its_sales_and_what_the_page_of_royalties_says(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    app.shopify("orders/create", shopify_order(1, "100.00", "2025-11-20T12:00:00Z")).await;
    import(&app, "monthly.csv", MONTHLY).await;
    let quarters = file(&app, "/api/v1/royalties/quarters.json").await;
    let received = pence(&quarters["rows"].as_array().expect("rows")[0]["converted"]);
    let snapshot = app.snapshot(&format!("?{QUARTER}&royalties=with")).await;
    let total = &snapshot["overview"]["total"];
    assert_eq!(total["minor"].as_i64(), Some(10_000 + received));
    let words = total["words"].as_str().expect("words");
    assert!(words.starts_with("£100.00 of sales + £") && words.ends_with("of royalties received."), "{words}");
    // Both quarters are final: the one before had no sales.
    let before = pence(&quarters["rows"].as_array().expect("rows")[1]["converted"]);
    assert_eq!(total["earlier"].as_i64(), Some(before));
    // Sales themselves are what they were.
    assert_eq!(snapshot["overview"]["range"]["current"]["revenue"], 10_000);
    let rows = file(&app, &format!("/api/v1/tables/with_royalties.json?{QUARTER}")).await;
    let range = rows["rows"].as_array().expect("rows").last().expect("the range").clone();
    assert_eq!((pence(&range["revenue"]), pence(&range["received"])), (10_000, received));
    assert_eq!((pence(&range["total"]), &range["days_unknown"]), (10_000 + received, &Value::from(0)));
}

#[sqlx::test(migrations = "./migrations")]
async fn estimates_are_named_and_days_to_come_are_not_nothing(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    import(&app, "monthly.csv", MONTHLY).await;
    import(&app, "weekly.csv", "report_week_start,report_week_end,total_minutes\n2026-01-05,2026-01-11,70000\n").await;
    let total =
        app.snapshot("?range=month&from=2026-01-01&to=2026-01-31&royalties=with").await["overview"]["total"].clone();
    let words = total["words"].as_str().expect("words");
    assert!(
        words.contains("of estimated royalties") && words.ends_with("Royalties of 24 days are not known yet."),
        "{words}"
    );
    assert_eq!(
        total["earlier"],
        Value::Null,
        "a month that waits for its statements is not less than one that has them"
    );
    let year = app.snapshot("?range=week&royalties=with").await["overview"]["total"]["words"].clone();
    assert_eq!(year, "£0.00 of sales. Royalties of these days are not known yet.");
}

#[sqlx::test(migrations = "./migrations")]
async fn without_the_switch_and_under_a_filter_there_are_none(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    import(&app, "monthly.csv", MONTHLY).await;
    for query in [format!("?{QUARTER}"), format!("?{QUARTER}&royalties=with&country=GB")] {
        let snapshot = app.snapshot(&query).await;
        assert_eq!(snapshot["overview"]["total"], Value::Null, "{query}");
    }
    let filtered = file(&app, &format!("/api/v1/tables/with_royalties.json?{QUARTER}&country=GB")).await;
    assert_eq!(filtered["rows"], Value::Array(Vec::new()));
}

#[sqlx::test(migrations = "./migrations")]
async fn an_import_reaches_those_who_watch_the_total(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let mut socket = app.socket(&format!("?{QUARTER}&royalties=with"), Some("takings.v1")).await;
    socket.find(|message| message["snapshot"].as_object().map(|_| ())).await;
    let sent = File::new("monthly.csv", MONTHLY.into());
    run::apply(&app.db, &app.bus, &app.books, vec![sent], None, ("ann", at(NOW))).await.expect("imported");
    let total = |message: &Value| message["overview"]["total"]["minor"].as_i64().filter(|minor| *minor > 0);
    assert!(socket.find(total).await > 500_000, "Q4's dollars in pence");
}
