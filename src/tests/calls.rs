//! `/calls`, `/api/v1/calls` and the old names: who may see them, what they say, what is kept.

use std::sync::Arc;

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::period::Instant;
use takings::voice::monitor::{CallSample, PersonSample, Sample};

use crate::util::{TestApp, assert_status, at};

/// Every address of calls that is read.
const ADDRESSES: [&str; 14] = [
    "/calls",
    "/calls/7",
    "/calls/export.csv",
    "/calls/export.json",
    "/calls/export.pdf",
    "/calls/7/export.csv",
    "/calls/7/export.json",
    "/calls/7/export.pdf",
    "/api/v1/calls/active",
    "/api/v1/calls/7",
    "/api/v1/calls/stats/turn",
    "/api/metrics/meetings/active",
    "/api/metrics/meetings/7",
    "/api/metrics/meetings/stats/turn",
];

pub const NOON: &str = "2026-11-21T12:00:00Z";
pub const NOW: &str = "2026-11-21T14:30:07Z";
/// Longer than any task of the server takes to hear of a sample.
const TRIES: usize = 2_000;

pub fn person(number: i32, name: &str) -> PersonSample {
    PersonSample {
        person: number,
        name: name.into(),
        joined_at: at(NOON),
        up_kbps: 31.25,
        down_kbps: 62.5,
        rtt_ms: Some(24.0),
        jitter_ms: Some(3.0),
        loss_percent: Some(0.2),
        concealed_percent: Some(0.1),
        is_connected: true,
        ..PersonSample::default()
    }
}

pub fn call(id: i64, room: i32, name: &str, people: Vec<PersonSample>) -> CallSample {
    CallSample { id, room, name: name.into(), began_at: at(NOON), people }
}

/// Two calls, so many seconds after noon: one person is relayed, another loses packets.
pub fn two_calls(second: i64) -> Sample {
    let relayed = PersonSample {
        is_relayed: true,
        relayed_seconds: second as f64,
        relayed_bytes: second as u64 * 4_000,
        ..person(2, "Bob <b>")
    };
    let poor = PersonSample { loss_percent: Some(12.0), concealed_percent: Some(11.0), ..person(3, "Cy") };
    Sample {
        at: at(NOON) + TimeDelta::seconds(second),
        calls: vec![call(7, 1, "Sales", vec![person(1, "Ada"), relayed]), call(8, 2, "Support", vec![poor])],
    }
}

pub fn nobody(second: i64) -> Sample {
    Sample { at: at(NOON) + TimeDelta::seconds(second), calls: Vec::new() }
}

impl TestApp {
    pub async fn told(&self, path: &str, token: &str) -> Value {
        let answer = self.client.get(self.url(path)).bearer_auth(token).send().await.expect("an answer");
        serde_json::from_str(&assert_status(answer, StatusCode::OK).await).expect("JSON")
    }

    pub async fn page(&self, path: &str, cookie: &str) -> String {
        let answer = self.client.get(self.url(path)).header("cookie", cookie).send().await.expect("an answer");
        assert_status(answer, StatusCode::OK).await
    }

    pub async fn form(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = self.client.post(self.url(path)).header("cookie", cookie);
        form.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.expect("an answer")
    }

    /// Gives the server samples, and waits until it has looked at each.
    pub async fn sample(&self, token: &str, samples: impl IntoIterator<Item = Sample>) {
        for sample in samples {
            let at: Instant = sample.at;
            self.sampling.send_replace(Arc::new(sample));
            self.until("/api/v1/calls/active", token, |told| {
                told["as_of"].as_str().and_then(|text| text.parse::<Instant>().ok()) == Some(at)
            })
            .await;
        }
    }

    /// Asks until the answer is as wanted.
    pub async fn until(&self, path: &str, token: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..TRIES {
            let answer = self.client.get(self.url(path)).bearer_auth(token).send().await.expect("an answer");
            last = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
            if is_so(&last) {
                return last;
            }
        }
        panic!("{path} never was as wanted: {last}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn calls_are_for_administrators_and_scripts(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let token = app.token().await;
    app.sample(&token, [two_calls(0)]).await;
    let mut cookies = Vec::new();
    for role in ["viewer", "analyst", "administrator"] {
        cookies.push(app.cookie_as(role, role).await);
    }
    for path in ADDRESSES {
        let is_page = !path.starts_with("/api/");
        let stranger = app.client.get(app.url(path)).send().await.expect("an answer").status();
        assert_eq!(stranger, if is_page { StatusCode::SEE_OTHER } else { StatusCode::UNAUTHORIZED }, "{path}");
        let script = app.client.get(app.url(path)).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(script.status(), StatusCode::OK, "{path}");
        for (cookie, status) in cookies.iter().zip([StatusCode::FORBIDDEN, StatusCode::FORBIDDEN, StatusCode::OK]) {
            let answer = app.client.get(app.url(path)).header("cookie", cookie).send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{path}");
            let said = answer.bytes().await.expect("a body");
            let said = String::from_utf8_lossy(&said);
            assert!(status == StatusCode::OK || said.contains("alls are for administrators"), "{path}: {said}");
            assert!(status == StatusCode::OK || !said.contains("Ada"), "{path}: {said}");
        }
    }
    for (path, fields) in
        [("/calls/acknowledge", [("id", "1"), ("back", "")]), ("/calls/settings", [("days", "1"), ("price", "1")])]
    {
        assert_status(app.form(path, &cookies[1], &fields).await, StatusCode::FORBIDDEN).await;
        assert_eq!(app.form(path, "", &fields).await.status(), StatusCode::SEE_OTHER);
    }
    // A token reads, and changes nothing that holds for everybody.
    for (path, body) in [
        ("/calls/settings", "days=1&price=1"),
        ("/calls/rooms/add", "name=Mine"),
        ("/calls/rooms/rename", "room=1&name=Mine"),
        ("/calls/rooms/remove", "room=1"),
    ] {
        let script = app.client.post(app.url(path)).bearer_auth(&token);
        let script = script.header("content-type", "application/x-www-form-urlencoded").body(body);
        let refused = assert_status(script.send().await.expect("an answer"), StatusCode::FORBIDDEN).await;
        assert!(refused.contains("Only an administrator changes settings"), "{path}: {refused}");
        assert_status(app.form(path, &cookies[1], &[]).await, StatusCode::FORBIDDEN).await;
    }
    let rooms: i64 = sqlx::query_scalar("select count(*) from voice_rooms where name = 'Team room'")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(rooms, 1);
    let stream = |cookie: &str| app.client.get(app.url("/api/v1/calls/stream")).header("cookie", cookie).send();
    assert_status(stream(&cookies[1]).await.expect("an answer"), StatusCode::FORBIDDEN).await;
    let stranger = app.client.get(app.url("/api/v1/calls/stream")).send().await.expect("an answer");
    assert_status(stranger, StatusCode::UNAUTHORIZED).await;
    for path in
        ["/api/v1/calls/99", "/api/v1/calls/seven", "/api/metrics/meetings/99", "/calls/99", "/calls/7/export.xlsx"]
    {
        let missing = app.client.get(app.url(path)).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(missing.status(), StatusCode::NOT_FOUND, "{path}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_sample_is_on_the_page_in_the_api_and_in_the_files(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    let empty = app.page("/calls", &cookie).await;
    assert!(empty.contains("Nobody is in a call") && empty.contains("No call has been sampled yet."), "{empty}");
    assert_eq!(app.told("/api/v1/calls/active", &token).await["as_of"], Value::Null);

    app.sample(&token, [two_calls(1_200)]).await;
    let page = app.page("/calls", &cookie).await;
    for words in [
        "21 Nov 12:20:00 GMT",
        "94 kbit/s up, 188 kbit/s down",
        "33.3% of all",
        "$0.05",
        "Bob &lt;b&gt;",
        "Relayed",
        "2 people, for 20 min",
        "People by quality: Excellent 2, Good 0, Fair 0, Poor 1.",
        "Nothing is the matter.",
        "data-every=\"1\"",
        "data-address=\"/calls\"",
        "<span class=\"sr-only\">",
        "/vendor/calls.css?v=",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Bob <b>"));
    let told = app.told("/api/v1/calls/active", &token).await;
    assert_eq!((&told["rooms"], &told["people"]), (&json!(2), &json!(3)));
    assert_eq!(told["quality"], json!({"excellent": 2, "good": 0, "fair": 0, "poor": 1}));
    let bob = &told["calls"][0]["people"][1];
    assert_eq!(
        (&bob["relayed"], &bob["relayed_seconds"], &bob["quality"]),
        (&json!(true), &json!(1200.0), &json!("excellent"))
    );
    let relay = json!({"people": 3, "relayed": 1, "relayed_percent": "33.3", "estimated_cost_per_hour": "0.05",
        "estimated_cost_this_month": "0.00", "price_per_hour": "0.05"});
    assert_eq!(app.told("/api/v1/calls/stats/turn", &token).await, relay);

    // The columns of the old page, to the letter.
    let csv = app.page("/calls/export.csv", &cookie).await;
    assert_eq!(
        csv,
        "Meeting ID,User ID,Upload (kbps),Download (kbps),Latency (ms),Quality,Using TURN,Packet Loss (%)\r\n\
         7,1,31.2,62.5,24,excellent,No,0.20\r\n7,2,31.2,62.5,24,excellent,Yes,0.20\r\n8,3,31.2,62.5,24,poor,No,12.00\r\n"
    );
    let asked = app.page("/calls/export.csv?relayed=yes", &cookie).await;
    assert_eq!(asked.lines().count(), 2, "{asked}");
    let exported: Value =
        serde_json::from_str(&app.page("/calls/export.json?search=sales", &cookie).await).expect("JSON");
    assert_eq!((exported["calls"].as_array().map(Vec::len), &exported["people"]), (Some(1), &json!(3)));
    let pdf = app.client.get(app.url("/calls/export.pdf")).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(pdf.headers()["content-disposition"], "attachment; filename=\"calls.pdf\"");
    assert!(pdf.bytes().await.expect("a body").starts_with(b"%PDF-"));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_page_shows_who_is_asked_for(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    app.sample(&token, [two_calls(0)]).await;
    for (query, shown, hidden) in [
        ("?search=ada", &["Ada"][..], &["Cy"][..]),
        ("?search=SUPPORT", &["Cy"], &["Ada"]),
        ("?quality=poor", &["Cy", "1 of 3 people."], &["Ada"]),
        ("?relayed=yes", &["Bob", " checked"], &["Ada", "Cy"]),
        ("?room=2", &["Cy"], &["Ada"]),
        ("?search=%22%3E%3Cscript%3E", &["Nobody in a call is as asked for."], &["\"><script>", "Ada"]),
    ] {
        let page = app.page(&format!("/calls{query}"), &cookie).await;
        let people =
            page.split("id=\"people\"").nth(1).and_then(|rest| rest.split("</section>").next()).expect("the people");
        assert!(shown.iter().all(|words| page.contains(words)), "{query}: {page}");
        assert!(hidden.iter().all(|words| !people.contains(words)), "{query}: {people}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_old_names_answer_as_they_did_and_stream(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let token = app.token().await;
    app.sample(&token, [two_calls(0)]).await;
    let active = app.told("/api/metrics/meetings/active", &token).await;
    let cy = json!({"userId": "3", "userName": "Cy", "uploadBitrate": 31.25, "downloadBitrate": 62.5, "latency": 24.0, "quality": "poor",
        "usingRelay": false, "packetLoss": 12.0});
    assert_eq!((&active[1]["meetingId"], &active[1]["users"]), (&json!("8"), &json!([cy])));
    assert_eq!(app.told("/api/metrics/meetings/8", &token).await, active[1]);
    assert_eq!(
        app.told("/api/metrics/meetings/stats/turn", &token).await,
        json!({"totalUsers": 3, "turnUsers": 1, "turnPercentage": 33.3, "estimatedCostPerHour": 0.05})
    );
    let url = app.url(&format!("/api/v1/calls/stream?token={token}"));
    let mut stream = app.client.get(url).send().await.expect("an answer");
    let mut text = String::new();
    let mut next = async || loop {
        if let Some((event, rest)) = text.split_once("\n\n") {
            let (name, data) = event.split_once("\ndata: ").expect("an event");
            let told = (name.to_owned(), serde_json::from_str::<Value>(data).expect("JSON"));
            text = rest.to_owned();
            return told;
        }
        let piece = stream.chunk().await.expect("bytes").expect("it is open");
        text.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
    };
    let (metrics, alerts) = ("event: meeting:metrics:update", "event: meeting:alerts");
    assert_eq!(next().await, (metrics.to_owned(), active));
    assert_eq!(next().await, (alerts.to_owned(), json!([])));
    for second in 1..=3 {
        app.sampling.send_replace(Arc::new(two_calls(second)));
        assert_eq!(next().await.0, metrics, "once a sample");
    }
    let (name, told) = next().await;
    assert_eq!((name.as_str(), &told[0]["type"], &told[0]["severity"]), (alerts, &json!("loss"), &json!("critical")));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn an_alert_is_raised_acknowledged_and_kept(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    app.sample(&token, (0..3).map(two_calls)).await;
    assert_eq!(app.told("/api/v1/calls/active", &token).await["alerts"], json!([]), "it has not lasted");
    app.sample(&token, [two_calls(3)]).await;
    let told = app.told("/api/v1/calls/active", &token).await;
    let [alert] = &told["alerts"].as_array().expect("alerts")[..] else { panic!("{told}") };
    assert_eq!(
        (&alert["kind"], &alert["severity"], &alert["person"]),
        (&json!("loss"), &json!("critical"), &json!("Cy"))
    );
    let page = app.page("/calls", &cookie).await;
    assert!(page.contains("Cy: 12.0 % of the packets are lost") && page.contains("1 alert is open."), "{page}");
    let id = alert["id"].to_string();
    let done = app.form("/calls/acknowledge", &cookie, &[("id", &id), ("back", "?quality=poor&evil=1")]).await;
    assert_eq!(done.headers()["location"], "/calls?quality=poor&said=seen");
    let page = app.page("/calls?said=seen", &cookie).await;
    assert!(page.contains("Seen by ann at 14:30:07") && page.contains("No alert is open."), "{page}");
    let unreadable = app.form("/calls/acknowledge", &cookie, &[("id", "first")]).await;
    assert_status(unreadable, StatusCode::BAD_REQUEST).await;
    let over = app.form("/calls/acknowledge", &cookie, &[("id", "12345")]).await;
    assert_eq!(over.headers()["location"], "/calls?said=over");
    // Whoever leaves takes it along; the call has it for ever.
    app.sample(&token, [nobody(4)]).await;
    assert_eq!(app.told("/api/v1/calls/active", &token).await["alerts"], json!([]));
    let kept = app.until("/api/v1/calls/8", &token, |told| !told["alerts"][0]["cleared_at"].is_null()).await;
    assert_eq!((&kept["alerts"][0]["acknowledged_by"], &kept["alerts"][0]["worst"]), (&json!("ann"), &json!(12.0)));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn rooms_are_added_renamed_and_removed(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let (ann, vic) = (app.cookie_as("ann", "administrator").await, app.cookie_as("vic", "viewer").await);
    let names = async || -> Vec<String> {
        sqlx::query_scalar("select name from voice_rooms order by id").fetch_all(&app.db).await.expect("names")
    };
    for path in ["/calls/rooms/add", "/calls/rooms/rename", "/calls/rooms/remove"] {
        let tried = app.form(path, &vic, &[("room", "1"), ("name", "Mine")]).await;
        assert_status(tried, StatusCode::FORBIDDEN).await;
    }
    assert_eq!(names().await, ["Team room"]);
    let added = app.form("/calls/rooms/add", &ann, &[("name", " <Sales> ")]).await;
    assert_eq!(added.headers()["location"], "/calls?said=added");
    let renamed = app.form("/calls/rooms/rename", &ann, &[("room", "2"), ("name", "Support")]).await;
    assert_eq!(renamed.headers()["location"], "/calls?said=renamed");
    for (path, fields, says) in [
        ("/calls/rooms/add", [("room", ""), ("name", "Support")], "Another room has this name."),
        ("/calls/rooms/rename", [("room", "1"), ("name", "")], "A room&#x27;s name has 1 to 60 characters."),
        ("/calls/rooms/remove", [("room", "99"), ("name", "")], "There is no such room any more."),
        ("/calls/rooms/rename", [("room", "99"), ("name", "Kitchen")], "There is no such room any more."),
    ] {
        let refused = assert_status(app.form(path, &ann, &fields).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert!(refused.contains(says) || refused.contains(&says.replace("&#x27;", "'")), "{says}: {refused}");
        assert!(refused.contains("data-address=\"/calls\""), "its figures are at another address: {refused}");
        if says.starts_with("There") {
            // Of no room in the list: it stands above them all.
            let before = refused.split(says).next().unwrap_or_default();
            assert!(before.ends_with("<p role=\"alert\" class=\"problem\">"), "{refused}");
        }
    }
    let page = app.page("/calls", &ann).await;
    assert!(page.contains("Remove Support for good") && page.contains("<summary"), "it asks first: {page}");
    let removed = app.form("/calls/rooms/remove", &ann, &[("room", "1")]).await;
    assert_eq!(removed.headers()["location"], "/calls?said=removed");
    assert_eq!(names().await, ["Support"]);
    app.stop().await;
}
