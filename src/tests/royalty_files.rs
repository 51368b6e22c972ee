//! Files of royalties over HTTP: sent one by one by the page's script, imported by scripts, opened row by row; and pages that
//! hear of it.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::util::{TestApp, assert_status};

const MONTHLY: &str = include_str!("fixtures/royalties-2025-monthly.csv");
const NOW: &str = "2026-02-03T11:14:00Z";

async fn ask(app: &TestApp, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = app.client.request(method, app.url(path)).bearer_auth(app.token().await);
    request.body(body).send().await.expect("an answer")
}

async fn json_of(answer: Response, status: StatusCode) -> Value {
    serde_json::from_str(&assert_status(answer, status).await).expect("JSON")
}

async fn page(app: &TestApp, cookie: &str, path: &str, status: StatusCode) -> String {
    let answer = app.client.get(app.url(path)).header("cookie", cookie).send().await.expect("an answer");
    assert_status(answer, status).await
}

#[sqlx::test(migrations = "./migrations")]
async fn scripts_look_at_a_file_and_import_exactly_that(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let text = format!("{MONTHLY}2026-13,1,1\n");
    let preview =
        json_of(ask(&app, Method::POST, "/api/v1/imports/preview?name=m.csv", text.clone()).await, StatusCode::OK)
            .await;
    assert_eq!(
        (&preview["kind"], &preview["rows_new"], &preview["rows_rejected"]),
        (&json!("monthly"), &json!(12), &json!(1))
    );
    assert_eq!(preview["differences"][9]["after"], "410,000 min, $3,456.78, final");
    assert!(preview["rejected"][0].as_str().is_some_and(|said| said.starts_with("Line 14, month")), "{preview}");
    assert_eq!(preview["imported_before"], Value::Null);
    let digest = preview["digest"].as_str().expect("a digest");
    let other = "/api/v1/imports?name=m.csv&seen=00000000000000000000000000000000";
    let said = json_of(ask(&app, Method::POST, other, text.clone()).await, StatusCode::CONFLICT).await;
    assert!(said["detail"].as_str().is_some_and(|said| said.contains("look at the files again")), "{said}");
    let path = format!("/api/v1/imports?name=m.csv&seen={digest}");
    let done = json_of(ask(&app, Method::POST, &path, text.clone()).await, StatusCode::CREATED).await;
    assert_eq!((&done["import"]["rows_new"], &done["import"]["imported_by"]), (&json!(12), &json!("API")));
    assert_eq!(done["rejected"].as_array().map(Vec::len), Some(1));
    let said =
        json_of(ask(&app, Method::POST, "/api/v1/imports?name=again.csv", text).await, StatusCode::CONFLICT).await;
    assert!(said["detail"].as_str().is_some_and(|said| said.contains("This very file was imported by API")), "{said}");
    for (path, body, status) in [
        ("/api/v1/imports", "", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/imports", "a,b\n1,2\n", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/imports?name=x&colour=red", MONTHLY, StatusCode::BAD_REQUEST),
        ("/api/v1/imports/preview?seen=x", MONTHLY, StatusCode::BAD_REQUEST),
    ] {
        assert_status(ask(&app, Method::POST, path, body).await, status).await;
    }
    let unsigned = app.client.post(app.url("/api/v1/imports")).body(MONTHLY).send().await.expect("an answer");
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let viewer = app.cookie_as("vic", "viewer").await;
    let viewed = app.client.post(app.url("/api/v1/imports")).header("cookie", viewer).body(MONTHLY).send().await;
    assert_eq!(viewed.expect("an answer").status(), StatusCode::FORBIDDEN);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn files_have_a_limit_of_their_own(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    // More than other addresses of the API take, and refused for what it says, not for its size.
    let long = format!("{MONTHLY}{}", "\n".repeat(100_000));
    json_of(ask(&app, Method::POST, "/api/v1/imports/preview", long).await, StatusCode::OK).await;
    let said =
        json_of(ask(&app, Method::POST, "/api/v1/goals", " ".repeat(20_000)).await, StatusCode::PAYLOAD_TOO_LARGE)
            .await;
    assert_eq!(said["status"], 413);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_figure_leads_to_the_row_of_the_file_that_it_is_from(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let cookie = app.cookie_of("ann").await;
    ask(&app, Method::POST, "/api/v1/imports?name=monthly.csv", MONTHLY).await;
    let weeks =
        "report_week_start,report_week_end,total_minutes\n2025-12-29,2026-01-04,70000\n2026-01-05,2026-01-11,77000\n";
    ask(&app, Method::POST, "/api/v1/imports?name=weeks.csv", weeks).await;
    let countries = "report_week_start,country,minutes\n2026-01-05,GB,40000\n2026-01-05,US,37000\n";
    ask(&app, Method::POST, "/api/v1/imports?name=countries.csv", countries).await;
    let royalties = page(&app, &cookie, "/royalties", StatusCode::OK).await;
    for (figure, parts) in [
        ("quarter.2025-10-01", vec!["$9,249.00", "894,829", "October 2025", "month.2025-10-01"]),
        ("month.2025-10-01", vec!["$3,456.78", "410,000", "monthly.csv", "/imports/1?line=11#line-11"]),
        // 4 of the 7 days of the week across the year's end, and the whole next one.
        ("month.2026-01-01", vec!["117,000", "40,000", "There is no statement of this month yet"]),
        ("week.2026-01-05.2026-01-11", vec!["77,000", "weeks.csv", "/imports/2?line=3#line-3", "Worth, estimated"]),
        ("country.2026-01-05.GB", vec!["40,000", "countries.csv", "United Kingdom"]),
    ] {
        assert!(royalties.contains(&format!("?of={figure}")), "{figure}: {royalties}");
        let shown = page(&app, &cookie, &format!("/royalties/figure?of={figure}"), StatusCode::OK).await;
        for part in parts {
            assert!(shown.contains(part), "{figure} does not say {part}: {shown}");
        }
    }
    for nothing in ["week.2020-01-06.2020-01-12", "month.2020-01-01", "title.Emma", "quarter.2025-10-02", "x"] {
        page(&app, &cookie, &format!("/royalties/figure?of={nothing}"), StatusCode::NOT_FOUND).await;
    }
    let row = page(&app, &cookie, "/imports/1?line=11", StatusCode::OK).await;
    assert!(row.contains("id=\"line-11\" aria-current=\"true\"") && row.contains("October 2025"), "{row}");
    page(&app, &cookie, "/imports/99", StatusCode::NOT_FOUND).await;
    page(&app, &cookie, "/imports/x", StatusCode::NOT_FOUND).await;
    // The rows of a figure add up to it.
    for (figure, column, sum) in [
        ("month.2026-01-01", "counted", 117_000),
        ("quarter.2025-10-01", "minutes", 894_829),
        ("week.2026-01-05.2026-01-11", "minutes", 77_000),
    ] {
        let path = format!("/api/v1/royalties/figure/rows.json?of={figure}");
        let rows = json_of(ask(&app, Method::GET, &path, "").await, StatusCode::OK).await;
        let all = rows["rows"].as_array().expect("rows").iter().map(|row| row[column].as_i64().expect("a number"));
        assert_eq!(all.sum::<i64>(), sum, "{figure}");
    }
    for (path, status) in [
        ("rows.csv?of=month.2025-10-01", StatusCode::OK),
        ("rows.xlsx?of=title.Emma", StatusCode::NOT_FOUND),
        ("rows.csv", StatusCode::BAD_REQUEST),
        ("rows.csv?of=x", StatusCode::BAD_REQUEST),
        ("rows.pdf?of=month.2025-10-01", StatusCode::NOT_FOUND),
        ("rows.csv?of=month.2025-10-01&colour=red", StatusCode::BAD_REQUEST),
    ] {
        let path = format!("/api/v1/royalties/figure/{path}");
        assert_eq!(ask(&app, Method::GET, &path, "").await.status(), status, "{path}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_page_s_script_sends_files_one_by_one(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let (cookie, viewer) = (app.cookie_of("ann").await, app.cookie_as("vic", "viewer").await);
    let send = async |cookie: &str, body: &'static str| {
        let request = app.client.post(app.url("/imports/files?name=m.csv")).header("cookie", cookie);
        request.body(body).send().await.expect("an answer")
    };
    let kept = json_of(send(&cookie, MONTHLY).await, StatusCode::OK).await;
    let draft = kept["draft"].as_str().expect("a draft");
    let shown = page(&app, &cookie, &format!("/imports/preview?draft={draft}"), StatusCode::OK).await;
    assert!(shown.contains("m.csv") && shown.contains("12 new, 0 changed"), "{shown}");
    let refused = json_of(send(&viewer, MONTHLY).await, StatusCode::FORBIDDEN).await;
    assert!(refused["detail"].as_str().is_some_and(|said| said.contains("Viewers read")), "{refused}");
    json_of(send(&cookie, "").await, StatusCode::UNPROCESSABLE_ENTITY).await;
    // Who may not import is offered no field for files.
    for (cookie, is_offered) in [(&cookie, true), (&viewer, false)] {
        for path in ["/royalties", "/imports"] {
            assert_eq!(page(&app, cookie, path, StatusCode::OK).await.contains("data-upload"), is_offered, "{path}");
        }
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_page_hears_of_every_import(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let cookie = app.cookie_of("ann").await;
    assert!(page(&app, &cookie, "/royalties", StatusCode::OK).await.contains("data-changes=\"0\""));
    let mut stream =
        app.client.get(app.url("/royalties/changes")).header("cookie", &cookie).send().await.expect("a stream");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut heard = String::new();
    let mut until = async |part: &str| {
        while !heard.contains(part) {
            let more = stream.chunk().await.expect("bytes").expect("it goes on");
            heard.push_str(std::str::from_utf8(&more).expect("text"));
        }
    };
    until("event: changes\ndata: 0\n").await;
    ask(&app, Method::POST, "/api/v1/imports", MONTHLY).await;
    until("data: 1\n").await;
    ask(&app, Method::DELETE, "/api/v1/imports/1", "").await;
    until("data: 2\n").await;
    // The stream ends with the server, which does not wait for it.
    app.stop().await;
}
