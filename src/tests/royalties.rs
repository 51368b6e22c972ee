//! Files of royalties: looked at, imported, taken back; and what the pages, the API and the old addresses say of them.

use jiff::civil::Date;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use sqlx::PgPool;
use takings::imports::run::{self, File, ImportError};
use takings::live::bus::Bus;
use takings::royalties::model::Ledger;
use takings::royalties::store as royalties;
use takings::sales::books::Books;
use takings::server::database::{self, WORKSPACE};

use crate::util::{TestApp, assert_status, at};

/// The quarters of 2025 in R2, as monthly files: October is that of the old page.
const MONTHLY: &str = "month,minutes_streamed,revenue\n2025-01,143325,1607.33\n2025-02,143325,1607.33\n2025-03,143327,1607.34\n\
    2025-04,184358,2772.33\n2025-05,184358,2772.33\n2025-06,184359,2772.34\n2025-07,569194,4784.67\n2025-08,569194,4784.67\n\
    2025-09,569194,4784.66\n2025-10,410000,3456.78\n2025-11,242414,2896.11\n2025-12,242415,2896.11\n";
const WEEKLY: &str = "report_week_start,report_week_end,total_minutes,country\n2025-12-23,2025-12-29,145000,\n2025-12-30,2026-01-05,70000,\n";
const COUNTRY: &str = "report_week_start;country;minutes\n2025-12-23;GB;85.000\n2025-12-23;US;60.000,0\n";
const NOW: &str = "2026-02-03T11:14:00Z";

fn file(name: &str, text: &str) -> File {
    File::new(name, text.as_bytes().to_vec())
}

async fn import(db: &PgPool, books: &Books, files: Vec<File>) -> Result<run::Done, ImportError> {
    run::apply(db, &Bus::of_database(db), books, files, None, ("ann", at(NOW))).await
}

async fn stored(db: &PgPool) -> Ledger {
    royalties::whole_ledger(&mut db.acquire().await.expect("a connection"), WORKSPACE).await.expect("statements")
}

async fn undo(db: &PgPool, books: &Books, import: i32) -> Result<(), ImportError> {
    run::undo(db, &Bus::of_database(db), books, import, ("ann", at(NOW))).await
}

#[sqlx::test(migrations = "./migrations")]
async fn files_are_imported_once_and_taken_back_in_their_order(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let files = vec![file("monthly.csv", MONTHLY), file("C:\\reports\\weekly.csv", WEEKLY), file("again.csv", MONTHLY)];
    let done = import(&db, &books, files).await.expect("imported");
    assert_eq!((done.imports.len(), done.rows), (2, 14));
    let first = stored(&db).await;
    let lines: Vec<i32> =
        first.values().filter(|one| one.origin.import == done.imports[0]).map(|one| one.origin.line).collect();
    assert_eq!(lines, (2..=13).collect::<Vec<_>>());
    assert!(matches!(import(&db, &books, vec![file("same.csv", MONTHLY)]).await, Err(ImportError::Nothing)));
    let changed = MONTHLY.replace("2025-12,242415,2896.11", "2025-12,242415,2896.12");
    let second = import(&db, &books, vec![file("changed.csv", &changed)]).await.expect("imported").imports[0];
    assert_ne!(stored(&db).await, first);
    let refused = undo(&db, &books, done.imports[0]).await.expect_err("touched").to_string();
    assert!(
        refused.contains("changed.csv") && refused.contains("12 rows") && refused.contains("January 2025"),
        "{refused}"
    );
    undo(&db, &books, second).await.expect("taken back");
    assert_eq!(stored(&db).await, first);
    assert!(matches!(undo(&db, &books, second).await, Err(ImportError::Gone)));
    undo(&db, &books, done.imports[0]).await.expect("taken back");
    undo(&db, &books, done.imports[1]).await.expect("taken back");
    assert!(stored(&db).await.is_empty());
    import(&db, &books, vec![file("same.csv", MONTHLY)]).await.expect("a file that was taken back is imported again");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_was_seen_is_what_is_applied(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let files = vec![file("monthly.csv", MONTHLY)];
    let today = Date::constant(2026, 2, 3);
    let looked = run::look(&mut db.acquire().await.expect("a connection"), WORKSPACE, files.clone(), today)
        .await
        .expect("looked");
    import(&db, &books, vec![file("one.csv", "month,minutes,revenue\n2025-01,1,1\n")]).await.expect("imported");
    let before = stored(&db).await;
    let applied =
        run::apply(&db, &Bus::of_database(&db), &books, files, Some(&run::digest(&looked)), ("ann", at(NOW))).await;
    assert!(matches!(applied, Err(ImportError::Changed)));
    assert_eq!(stored(&db).await, before);
}

/// A file of some weeks or months; few periods and values, so that files meet.
fn any_file() -> impl Strategy<Value = String> {
    let rows = proptest::collection::btree_map(1u8..7, (0u32..4, 0u32..3, any::<bool>()), 1..6);
    (any::<bool>(), rows).prop_map(|(is_monthly, rows)| {
        let head = if is_monthly { "month,minutes,revenue,status\n" } else { "report_week_start,country,minutes\n" };
        let line = |(n, (minutes, money, flag)): (u8, (u32, u32, bool))| match is_monthly {
            true => format!("2025-0{n},{minutes},{money},{}\n", if flag { "final" } else { "provisional" }),
            false => format!("2025-03-0{n},{},{minutes}\n", if flag { "GB" } else { "US" }),
        };
        head.to_owned() + &rows.into_iter().map(line).collect::<String>()
    })
}

#[sqlx::test(migrations = "./migrations")]
async fn applying_and_taking_back_leaves_what_was_over_any_files(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        let files = proptest::collection::vec(any_file(), 1..6).new_tree(&mut runner).expect("files").current();
        let mut done = Vec::new();
        for (n, text) in files.iter().enumerate() {
            let before = stored(&db).await;
            match import(&db, &books, vec![file(&format!("{n}.csv"), text)]).await {
                Ok(one) => done.push((one.imports[0], before)),
                Err(ImportError::Nothing) => assert_eq!(stored(&db).await, before),
                Err(error) => panic!("{error}: {text}"),
            }
        }
        // Nothing that another file is about can be taken back before it; in their order all can.
        for (import, before) in done.into_iter().rev() {
            undo(&db, &books, import).await.unwrap_or_else(|error| panic!("{error}: {files:?}"));
            assert_eq!(stored(&db).await, before, "{files:?}");
        }
        assert!(stored(&db).await.is_empty());
    }
}

async fn post(app: &TestApp, cookie: &str, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = app.client.post(app.url(path)).header("cookie", cookie).header("content-type", kind);
    request.body(body).send().await.expect("an answer")
}

const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=cut";

/// The body of a form with files and other fields.
fn parts(name: &str, files: &[(&str, &str)], fields: &[(&str, &str)]) -> String {
    let file = |(file, text): &(&str, &str)| {
        format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\r\n{text}\r\n")
    };
    let field = |(name, text): &(&str, &str)| {
        format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    files.iter().map(file).chain(fields.iter().map(field)).collect::<String>() + "--cut--\r\n"
}

async fn html(app: &TestApp, cookie: &str, path: &str) -> String {
    let answer = app.client.get(app.url(path)).header("cookie", cookie).send().await.expect("an answer");
    assert_status(answer, StatusCode::OK).await
}

async fn json(app: &TestApp, path: &str) -> Value {
    let answer = app.client.get(app.url(path)).bearer_auth(app.token().await).send().await.expect("an answer");
    serde_json::from_str(&assert_status(answer, StatusCode::OK).await).expect("JSON")
}

fn location(answer: &Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().expect("an address").to_owned()
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let tag = page.split("<input").find(|tag| tag.contains(&format!("name=\"{name}\""))).expect("a field");
    let value = tag.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.expect("a value").to_owned()
}

#[sqlx::test(migrations = "./migrations")]
async fn people_look_import_and_take_back_without_a_script(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let cookie = app.cookie_of("ann").await;
    let body = parts("files", &[("monthly.csv", MONTHLY), ("<b>page.xls", "<html><table>")], &[]);
    let preview = location(&post(&app, &cookie, "/imports/preview", PARTS, body).await);
    let page = html(&app, &cookie, &preview).await;
    assert!(page.contains("12 new, 0 changed, 0 same, 0 rejected"), "{page}");
    assert!(page.contains("is a web page") && page.contains("&lt;b") && !page.contains("<b>"), "{page}");
    assert!(stored(&app.db).await.is_empty(), "nothing is stored before");
    let drafts: Vec<&str> = preview.split(['?', '&']).filter(|part| part.starts_with("draft=")).collect();
    let form = format!("{}&digest={}", drafts.join("&"), hidden(&page, "digest"));
    assert_eq!(location(&post(&app, &cookie, "/imports/apply", FORM, form.clone()).await), "/imports?said=imported");
    assert_eq!(stored(&app.db).await.len(), 12);
    let again = post(&app, &cookie, "/imports/apply", FORM, form).await;
    assert!(assert_status(again, StatusCode::UNPROCESSABLE_ENTITY).await.contains("choose them again"));
    let page = html(&app, &cookie, "/royalties").await;
    for part in ["$0.01034", "Q4 2025", "$9,249.00", "894,829", "$0.00841 to $0.01504", "What Q1 2026 will bring"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(html(&app, &cookie, "/royalties?rate=0.02").await.contains("0.02000"));
    let viewer = app.cookie_as("vic", "viewer").await;
    assert!(!html(&app, &viewer, "/imports").await.contains("Take it back"));
    assert_eq!(post(&app, &viewer, "/imports/undo", FORM, "id=1").await.status(), StatusCode::FORBIDDEN);
    let id = hidden(&html(&app, &cookie, "/imports").await, "id");
    assert_eq!(location(&post(&app, &cookie, "/imports/undo", FORM, format!("id={id}")).await), "/imports?said=undone");
    assert!(stored(&app.db).await.is_empty());
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn headings_are_explained_once(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let cookie = app.cookie_of("ann").await;
    let text = "Monat;Minuten;Erlös\n2025-10;1.000;10,50\n";
    let preview =
        location(&post(&app, &cookie, "/imports/preview", PARTS, parts("files", &[("m.csv", text)], &[])).await);
    let page = html(&app, &cookie, &preview).await;
    assert!(page.contains("Say what the columns are") && page.contains("such as 1.000"), "{page}");
    let draft = hidden(&page, "draft");
    let half = format!("draft={draft}&column-0=month&column-1=minutes");
    assert_eq!(post(&app, &cookie, "/imports/map", FORM, half).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let whole = format!("draft={draft}&column-0=month&column-1=minutes&column-2=revenue");
    let preview = location(&post(&app, &cookie, "/imports/map", FORM, whole).await);
    assert!(html(&app, &cookie, &preview).await.contains("1 new, 0 changed"));
    let next = parts("files", &[("n.csv", "MONAT;Minuten;Erlös\n2025-11;2.000;20,50\n")], &[]);
    let preview = location(&post(&app, &cookie, "/imports/preview", PARTS, next).await);
    assert!(html(&app, &cookie, &preview).await.contains("2,000 min, $20.50, final"));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn scripts_of_the_old_page_go_on(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    let upload = async |name: &str, text: &str, kind: &str| {
        let body = parts("file", &[(name, text)], &[("reportType", kind)]);
        let request =
            app.client.post(app.url("/api/upload")).bearer_auth(app.token().await).header("content-type", PARTS);
        request.body(body).send().await.expect("an answer")
    };
    let answer = assert_status(upload("monthly.csv", MONTHLY, "monthly").await, StatusCode::OK).await;
    assert_eq!(answer, r#"{"success":true,"message":"File uploaded successfully","rowsInserted":12}"#);
    let answer = assert_status(upload("monthly.csv", MONTHLY, "revenue").await, StatusCode::OK).await;
    assert_eq!(answer, r#"{"success":true,"message":"File uploaded successfully","rowsInserted":0}"#);
    for (text, kind, status, part) in [
        (WEEKLY, "monthly", StatusCode::UNPROCESSABLE_ENTITY, "reportType"),
        (WEEKLY, "yearly", StatusCode::BAD_REQUEST, "monthly, weekly, revenue"),
        ("month,minutes,revenue\n2025-13,1,1\n", "monthly", StatusCode::UNPROCESSABLE_ENTITY, "Line 2, month"),
        ("a,b\n1,2\n", "weekly", StatusCode::UNPROCESSABLE_ENTITY, "headings"),
        ("<html>", "weekly", StatusCode::UNPROCESSABLE_ENTITY, "web page"),
    ] {
        let said = assert_status(upload("f.csv", text, kind).await, status).await;
        assert!(said.contains(part), "{said}");
    }
    let refused =
        app.client.post(app.url("/api/upload")).header("content-type", PARTS).body("").send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let told = json(&app, "/api/spotify/quarterly-projection").await;
    assert_eq!(told["totals"], serde_json::json!({"revenue": 9249.00, "minutes": 894_829}));
    assert_eq!(
        told["months"][0],
        serde_json::json!({
            "name": "October", "year": 2025, "revenue": 3456.78, "minutes": 410_000, "status": "actual", "source": "Monthly confirmed data",
        })
    );
    assert_eq!(told["comparison"], serde_json::json!({"previousQuarter": "Q3 2025", "growth": -35.6, "trend": "down"}));
    assert_eq!(told["lastUpdated"], "2026-02-03T11:14:00.000Z");
    assert_status(upload("weekly.csv", WEEKLY, "weekly").await, StatusCode::OK).await;
    assert_status(upload("country.csv", COUNTRY, "weekly").await, StatusCode::OK).await;
    let weeks = json(&app, "/api/spotify/minutes?weeks=2").await;
    assert_eq!(weeks[1], serde_json::json!({"report_week_start": "2025-12-23", "total_minutes": 145_000}));
    let countries = json(&app, "/api/spotify/countries").await;
    assert_eq!(
        countries[0],
        serde_json::json!({"report_week_start": "2025-12-23", "country": "GB", "minutes": 85_000})
    );
    let bad = app
        .client
        .get(app.url("/api/spotify/minutes?weeks=x"))
        .bearer_auth(app.token().await)
        .send()
        .await
        .expect("an answer");
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn scripts_read_tables_and_take_imports_back(db: PgPool) {
    let app = TestApp::start_at(db, NOW).await;
    import(&app.db, &app.books, vec![file("monthly.csv", MONTHLY), file("weekly.csv", WEEKLY)])
        .await
        .expect("imported");
    let quarters = json(&app, "/api/v1/royalties/quarters.json").await;
    let newest =
        quarters["rows"].as_array().expect("rows").iter().find(|row| row["quarter"] == "Q4 2025").expect("a quarter");
    assert_eq!((newest["received"]["amount"].as_str(), newest["rate"].as_str()), (Some("9249.00"), Some("0.01034")));
    for name in ["months", "rates", "weeks", "countries", "titles", "track_record"] {
        for format in ["csv", "xlsx", "json"] {
            let path = format!("/api/v1/royalties/{name}.{format}?rate=0.01");
            let answer = app.client.get(app.url(&path)).bearer_auth(app.token().await).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
        }
    }
    for (path, status) in [
        ("quarters.pdf", 404),
        ("sales.csv", 404),
        ("quarters.csv?rate=x", 400),
        ("quarters.csv?rate=0", 400),
        ("quarters.csv?colour=red", 400),
    ] {
        let request = app.client.get(app.url(&format!("/api/v1/royalties/{path}"))).bearer_auth(app.token().await);
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), status, "{path}");
    }
    let history = json(&app, "/api/v1/imports").await;
    let id = history["imports"][1]["id"].as_i64().expect("a number");
    assert_eq!(
        (history["imports"][1]["rows_new"].as_i64(), history["imports"][1]["file_name"].as_str()),
        (Some(12), Some("monthly.csv"))
    );
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        let request = app.client.delete(app.url(&format!("/api/v1/imports/{id}"))).bearer_auth(app.token().await);
        assert_status(request.send().await.expect("an answer"), status).await;
    }
    assert_eq!(stored(&app.db).await.len(), 2);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn projections_are_kept_and_held_against_what_came(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let until_september: String = MONTHLY.lines().take(10).map(|line| format!("{line}\n")).collect();
    let weeks =
        "report_week_start,report_week_end,total_minutes\n2025-09-29,2025-10-05,70000\n2025-10-06,2025-10-12,70000\n";
    let files = vec![file("m.csv", &until_september), file("w.csv", weeks)];
    run::apply(&db, &Bus::of_database(&db), &books, files, None, ("ann", at("2025-10-14T09:00:00Z")))
        .await
        .expect("imported");
    let kept =
        royalties::projections(&mut db.acquire().await.expect("a connection"), WORKSPACE).await.expect("projections");
    // 92 days of October to December at 10,000 minutes a day, at the rates of the third, the second and the first quarter.
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].low_minor, kept[0].mid_minor, kept[0].high_minor), (773_356, 773_356, 1_383_472));
    import(&db, &books, vec![file("all.csv", MONTHLY)]).await.expect("imported");
    let now = takings::royalties::read::royalties(
        &mut db.acquire().await.expect("a connection"),
        &books,
        at(NOW),
        Default::default(),
    )
    .await;
    let record = now.expect("royalties").track_record();
    let cells: Vec<String> = record.rows[0].iter().map(takings::table::Value::text).collect();
    assert_eq!(cells[..2], ["Q4 2025", "2025-10-14"]);
    assert_eq!((cells[5].as_str(), cells[7].as_str()), ("$9,249.00", "yes"));
}
