//! Goals, notes and milestones: on the page, in the answer that everybody is told, live, and for scripts.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::server::database::{self, WORKSPACE};
use takings::settings::{self, Change, currency};

use crate::util::{TestApp, assert_status, shopify_order};

async fn ask(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> Response {
    let request = app.client.request(method, app.url(path)).bearer_auth(app.token().await);
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    request.send().await.expect("an answer")
}

async fn ask_json(app: &TestApp, method: Method, path: &str, body: Option<Value>, status: StatusCode) -> Value {
    serde_json::from_str(&assert_status(ask(app, method, path, body).await, status).await).expect("JSON")
}

async fn post_form(app: &TestApp, cookie: &str, path: &str, form: &[(&str, &str)]) -> Response {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = app.client.post(app.url(path)).header("cookie", cookie);
    request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.expect("an answer")
}

async fn html(app: &TestApp, cookie: &str, path: &str) -> String {
    let answer = app.client.get(app.url(path)).header("cookie", cookie).send().await.expect("an answer");
    assert_status(answer, StatusCode::OK).await
}

async fn order(app: &TestApp, id: i64, total: &str, at: &str) {
    assert_status(app.shopify("orders/create", shopify_order(id, total, at)).await, StatusCode::OK).await;
}

/// Asks until an answer is so: within a quarter of a second memory may answer with what was.
async fn told(app: &TestApp, query: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let snapshot = app.snapshot(query).await;
            if is_so(&snapshot) {
                return snapshot;
            }
        }
    };
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), asking).await;
    answer.unwrap_or_else(|_| panic!("{query} is never so"))
}

/// The rows of one of the answer's tables: the texts of their cells, by their key.
fn rows(snapshot: &Value, table: &str) -> Vec<(String, Vec<String>)> {
    let tables = snapshot["tables"].as_array().expect("tables");
    let table = tables.iter().find(|known| known["name"] == table).expect("the table");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let row = |row: &Value| {
        let cells = row["cells"].as_array().expect("cells");
        (text(&row["key"]), cells.iter().map(|cell| text(&cell["text"])).collect())
    };
    table["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn marks(snapshot: &Value, chart: &str) -> Vec<(String, String)> {
    let charts = snapshot["charts"].as_array().expect("charts");
    let chart = charts.iter().find(|known| known["name"] == chart).expect("the chart");
    let points = chart["points"].as_array().expect("points").iter();
    let marked =
        points.filter_map(|point| Some((point["label"].as_str()?.to_owned(), point["mark"].as_str()?.to_owned())));
    marked.collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn goals_are_set_against_the_running_period_and_open_pages_hear_of_it(db: PgPool) {
    let app = TestApp::start(db).await;
    order(&app, 1, "620.00", "2026-11-21T10:00:00Z").await;
    let mut socket = app.socket("", Some("takings.v1")).await;
    socket.find(|m| m["snapshot"].is_object().then_some(())).await;
    for (period, measure, target) in [("month", "total", "1000"), ("day", "orders", "3"), ("week", "net", "500.50")] {
        let goal = json!({"period": period, "measure": measure, "target": target});
        ask_json(&app, Method::POST, "/api/v1/goals", Some(goal), StatusCode::OK).await;
    }
    // New rows come as changes, like those of an order.
    let row = socket.find(|m| {
        let rows = m["rows"].as_array()?;
        rows.iter().find(|row| row[0] == "goals" && row[1]["key"] == "month.revenue").cloned()
    });
    assert_eq!(row.await[1]["cells"][3]["text"], "62% of £1,000");
    let goals = |snapshot: &Value| {
        let rows = rows(snapshot, "goals");
        rows.into_iter().map(|(key, cells)| (key, cells[1].clone(), cells[3].clone())).collect::<Vec<_>>()
    };
    let goal = |key: &str, so_far: &str, progress: &str| (key.to_owned(), so_far.to_owned(), progress.to_owned());
    let set = told(&app, "", |snapshot| goals(snapshot).len() == 3).await;
    assert_eq!(
        goals(&set),
        [
            goal("today.orders", "1", "33% of 3"),
            goal("week.revenue", "£620.00", "123% of £500.50 net"),
            goal("month.revenue", "£620.00", "62% of £1,000"),
        ]
    );
    // Whatever else is asked of the page, a goal is of total revenue of all orders.
    assert_eq!(goals(&app.snapshot("?range=last-year&measure=net&refunds=order").await), goals(&set));
    assert_eq!(rows(&app.snapshot("?country=GB").await, "goals"), []);
    let month = |snapshot: &Value| goals(snapshot)[2].clone();
    order(&app, 2, "379.99", "2026-11-21T11:00:00Z").await;
    let nearly = told(&app, "", |snapshot| month(snapshot).1 == "£999.99").await;
    assert_eq!(month(&nearly).2, "99% of £1,000", "it is not reached yet");
    order(&app, 3, "0.01", "2026-11-21T12:00:00Z").await;
    let reached = told(&app, "", |snapshot| month(snapshot).1 == "£1,000.00").await;
    assert_eq!(month(&reached).2, "100% of £1,000");
    // The same goal again takes the place of the one before.
    let again = json!({"period": "month", "measure": "total", "target": "2000"});
    let goal = ask_json(&app, Method::POST, "/api/v1/goals", Some(again), StatusCode::OK).await;
    assert_eq!(
        (&goal["target"], &goal["currency"], &goal["set_by"]),
        (&json!("2000.00"), &json!("GBP"), &json!("API"))
    );
    let goals = ask_json(&app, Method::GET, "/api/v1/goals", None, StatusCode::OK).await;
    assert_eq!(goals["goals"].as_array().map(Vec::len), Some(3));
    let path = format!("/api/v1/goals/{}", goal["id"]);
    assert_status(ask(&app, Method::DELETE, &path, None).await, StatusCode::NO_CONTENT).await;
    assert_status(ask(&app, Method::DELETE, &path, None).await, StatusCode::NOT_FOUND).await;
    // A row that is gone cannot be said in parts.
    let without = socket.find(|m| {
        let rows = m["snapshot"].is_object().then(|| rows(&m["snapshot"], "goals"))?;
        (rows.len() == 2).then_some(())
    });
    without.await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_goal_of_another_currency_is_compared_with_nothing_until_it_is_set_again(db: PgPool) {
    let app = TestApp::start_at(db, "2026-10-30T14:30:07Z").await;
    order(&app, 1, "100.00", "2026-10-30T10:00:00Z").await;
    for measure in ["total", "orders"] {
        let goal = json!({"period": "day", "measure": measure, "target": "200"});
        ask_json(&app, Method::POST, "/api/v1/goals", Some(goal), StatusCode::OK).await;
    }
    settings::change(&app.db, &app.bus, WORKSPACE, Change { currency: Some("EUR".into()), ..Change::default() })
        .await
        .expect("asked for");
    let books = database::books(&app.db).await.expect("books");
    while currency::run(&app.db, &books, |_| {}).await.expect("made") {}
    let answer = told(&app, "", |snapshot| snapshot["currency"] == "EUR").await;
    let rows = rows(&answer, "goals");
    assert_eq!(rows[0].1[1..], ["—", "£200", "set it again: the currency is another", ""]);
    assert_eq!(rows[1].1[3], "0% of 200", "orders have no currency");
    let told = ask_json(&app, Method::GET, "/api/v1/goals", None, StatusCode::OK).await;
    assert_eq!((&told["goals"][0]["is_compared"], &told["goals"][1]["is_compared"]), (&json!(false), &json!(true)));
    let page = html(&app, &app.cookie_of("ada").await, "/goals").await;
    assert!(page.contains("The reporting currency is EUR now: set it again."), "{page}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn notes_are_marked_on_their_day_and_in_the_list(db: PgPool) {
    let app = TestApp::start(db).await;
    order(&app, 1, "10.00", "2026-11-10T10:00:00Z").await;
    let mut socket = app.socket("?range=7d", Some("takings.v1")).await;
    socket.find(|m| m["snapshot"].is_object().then_some(())).await;
    let text = "<script>alert(1)</script> & \"sale\"";
    let note = json!({"from": "2026-11-18", "to": "2026-11-20", "text": text});
    let made = ask_json(&app, Method::POST, "/api/v1/annotations", Some(note), StatusCode::CREATED).await;
    assert_eq!((&made["from"], &made["to"], &made["text"]), (&json!("2026-11-18"), &json!("2026-11-20"), &json!(text)));
    let point =
        socket.find(|m| m["points"].as_array()?.iter().find(|point| point[2]["mark"].is_string()).cloned()).await;
    assert_eq!(point[2]["mark"], format!("{text} (API)"));
    let snapshot = told(&app, "?range=7d", |snapshot| !marks(snapshot, "orders").is_empty()).await;
    for chart in ["revenue", "orders"] {
        assert_eq!(marks(&snapshot, chart), [("18 Nov".to_owned(), format!("{text} (API)"))], "{chart}");
    }
    // A range that begins within it shows it on its first point; one that it is not in does not.
    assert_eq!(marks(&app.snapshot("?from=2026-11-19&to=2026-11-21").await, "orders")[0].0, "19 Nov");
    assert!(marks(&app.snapshot("?from=2026-11-01&to=2026-11-17").await, "orders").is_empty());
    let before = rows(&app.snapshot("?from=2026-11-11&to=2026-11-17").await, "notes");
    assert_eq!(before, []);
    let listed = rows(&snapshot, "notes");
    assert_eq!(listed[0].1, ["18 Nov 2026 – 20 Nov 2026", "note", text, "API"]);
    let cookie = app.cookie_of("ada").await;
    for path in ["/", "/goals"] {
        let page = html(&app, &cookie, path).await;
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert"), "{path}");
    }
    let changed = json!({"from": "2026-11-19", "text": "Postal strike"});
    let path = format!("/api/v1/annotations/{}", made["id"]);
    let changed = ask_json(&app, Method::PUT, &path, Some(changed), StatusCode::OK).await;
    assert_eq!((&changed["to"], changed["edited_at"].is_string()), (&json!("2026-11-19"), true));
    let mark = [("19 Nov".to_owned(), "Postal strike (API)".to_owned())];
    told(&app, "?range=7d", |snapshot| marks(snapshot, "revenue") == mark).await;
    assert_status(ask(&app, Method::DELETE, &path, None).await, StatusCode::NO_CONTENT).await;
    told(&app, "?range=7d", |snapshot| marks(snapshot, "revenue").is_empty()).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn milestones_are_found_and_marked(db: PgPool) {
    let app = TestApp::start(db).await;
    for (id, total, at) in [
        (1, "10.00", "2026-11-01T10:00:00Z"),
        (2, "1200.00", "2026-11-10T10:00:00Z"),
        (3, "5600.00", "2026-11-18T10:00:00Z"),
        (4, "7000.00", "2026-11-21T10:00:00Z"),
    ] {
        order(&app, id, total, at).await;
    }
    let found = ask_json(&app, Method::GET, "/api/v1/milestones", None, StatusCode::OK).await;
    let titles = |found: &Value| -> Vec<String> {
        let all = found["milestones"].as_array().expect("milestones").iter();
        all.map(|m| format!("{} {}", m["date"].as_str().expect("a date"), m["title"].as_str().expect("a title")))
            .collect()
    };
    assert_eq!(
        titles(&found),
        [
            "2026-11-18 First day above £5,000",
            "2026-11-18 Best day so far: £5,600.00",
            "2026-11-10 First day above £1,000",
        ]
    );
    let snapshot = app.snapshot("?range=7d").await;
    assert_eq!(
        marks(&snapshot, "revenue"),
        [("18 Nov".to_owned(), "First day above £5,000 · Best day so far: £5,600.00".to_owned())]
    );
    assert!(marks(&snapshot, "orders").is_empty());
    assert_eq!(rows(&snapshot, "notes").len(), 2);
    assert!(rows(&app.snapshot("?range=7d&country=GB").await, "notes").is_empty(), "they are of all orders");
    let page = html(&app, &app.cookie_of("ada").await, "/goals").await;
    assert!(page.contains("First day above £1,000"), "{page}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_page_s_forms_set_goals_and_keep_notes_and_say_what_is_wrong(db: PgPool) {
    let app = TestApp::start(db).await;
    let ada = app.cookie_of("ada").await;
    let location = |answer: &Response| answer.headers()["location"].to_str().expect("text").to_owned();
    let goal = [("period", "month"), ("measure", "total"), ("target", "50,000")];
    assert_eq!(location(&post_form(&app, &ada, "/goals/set", &goal).await), "/goals?said=goal-set");
    let page = html(&app, &ada, "/goals?said=goal-set").await;
    assert!(page.contains("The goal is set.") && page.contains("£50,000") && page.contains("ada"), "{page}");
    let wrong = [("period", "month"), ("measure", "total"), ("target", "<i>lots")];
    let page = assert_status(post_form(&app, &ada, "/goals/set", &wrong).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(
        page.contains("the target is an amount of GBP above nothing") && page.contains("value=\"&lt;i&gt;lots\""),
        "{page}"
    );
    let note = [("id", ""), ("first", "2026-11-20"), ("last", ""), ("text", "Newsletter <b>sent</b>")];
    assert_eq!(location(&post_form(&app, &ada, "/goals/note", &note).await), "/goals?said=note-kept");
    let backwards = [("first", "2026-11-20"), ("last", "2026-11-19"), ("text", "x")];
    let page =
        assert_status(post_form(&app, &ada, "/goals/note", &backwards).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(page.contains("the last day is before the first one"), "{page}");
    let page = html(&app, &ada, "/goals?note=1").await;
    assert!(
        page.contains("value=\"Newsletter &lt;b&gt;sent&lt;/b&gt;\"") && page.contains("Keep the change"),
        "{page}"
    );
    assert!(
        html(&app, &ada, "/goals?date=2026-11-05")
            .await
            .contains("name=\"first\" type=\"date\" required value=\"2026-11-05\"")
    );

    // Somebody else's note is theirs, or an administrator's; a viewer writes nothing.
    let changed = [("id", "1"), ("first", "2026-11-20"), ("last", ""), ("text", "Mine now")];
    let (brian, grace) = (app.cookie_of("brian").await, app.cookie_as("grace", "administrator").await);
    let viewer = app.cookie_as("vera", "viewer").await;
    assert!(!html(&app, &brian, "/goals").await.contains("Change the note"));
    for cookie in [&brian, &viewer] {
        assert_status(post_form(&app, cookie, "/goals/note", &changed).await, StatusCode::FORBIDDEN).await;
        assert_status(post_form(&app, cookie, "/goals/note/remove", &[("id", "1")]).await, StatusCode::FORBIDDEN).await;
    }
    assert_status(post_form(&app, &viewer, "/goals/set", &goal).await, StatusCode::FORBIDDEN).await;
    assert_eq!(location(&post_form(&app, &ada, "/goals/note", &changed).await), "/goals?said=note-kept");
    assert!(html(&app, &ada, "/goals").await.contains("Mine now"));
    assert_eq!(
        location(&post_form(&app, &grace, "/goals/note/remove", &[("id", "1")]).await),
        "/goals?said=note-removed"
    );
    assert!(!html(&app, &ada, "/goals").await.contains("Mine now"));
    assert_eq!(location(&post_form(&app, &ada, "/goals/remove", &[("id", "1")]).await), "/goals?said=goal-removed");
    assert_eq!(location(&post_form(&app, "", "/goals/set", &goal).await), "/sign-in");
    told(&app, "", |snapshot| rows(snapshot, "goals").is_empty()).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_scripts_send_wrong_is_a_problem_that_says_so(db: PgPool) {
    let app = TestApp::start(db).await;
    for (method, path, body, status, says) in [
        (Method::POST, "/api/v1/goals", json!({"period": "month"}), 400, "missing field"),
        (
            Method::POST,
            "/api/v1/goals",
            json!({"period": "era", "measure": "total", "target": "5"}),
            422,
            "one of day, week",
        ),
        (
            Method::POST,
            "/api/v1/goals",
            json!({"period": "day", "measure": "total", "target": "0"}),
            422,
            "above nothing",
        ),
        (Method::POST, "/api/v1/annotations", json!({"from": "soon", "text": "x"}), 422, "is no date"),
        (Method::POST, "/api/v1/annotations", json!({"from": "2026-11-20", "to": "", "text": "x"}), 422, "is no date"),
        (Method::POST, "/api/v1/annotations", json!({"from": "2026-11-20", "text": " "}), 422, "write what"),
        (Method::POST, "/api/v1/annotations", json!({"from": "2026-11-20", "text": "x".repeat(281)}), 422, "281"),
        (
            Method::POST,
            "/api/v1/annotations",
            json!({"from": "2026-11-20", "text": "x", "html": "y"}),
            400,
            "unknown field",
        ),
        (Method::POST, "/api/v1/annotations", json!({"text": "x".repeat(20_000)}), 413, "larger"),
        (Method::PUT, "/api/v1/annotations/7", json!({"from": "2026-11-20", "text": "x"}), 404, "no note"),
        (Method::DELETE, "/api/v1/annotations/x", json!({}), 404, "no note"),
        (Method::DELETE, "/api/v1/goals/7", json!({}), 404, "no goal"),
    ] {
        let answer = ask(&app, method, path, Some(body)).await;
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let problem: Value = serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON");
        assert_eq!(problem["status"], status, "{path}: {problem}");
        assert!(
            status == 413 || problem["detail"].as_str().is_some_and(|detail| detail.contains(says)),
            "{path}: {problem}"
        );
    }
    let viewer = app.cookie_as("vera", "viewer").await;
    let goal = json!({"period": "day", "measure": "total", "target": "5"}).to_string();
    let refused = app.client.post(app.url("/api/v1/goals")).header("cookie", &viewer).body(goal.clone()).send().await;
    assert_status(refused.expect("an answer"), StatusCode::FORBIDDEN).await;
    let stranger = app.client.post(app.url("/api/v1/goals")).body(goal).send().await;
    assert_status(stranger.expect("an answer"), StatusCode::UNAUTHORIZED).await;
    let read = app.client.get(app.url("/api/v1/goals")).header("cookie", &viewer).send().await;
    assert_status(read.expect("an answer"), StatusCode::OK).await;
    app.stop().await;
}
