//! What is kept of calls: how one went, for how long, and whether a hundred rooms are too many.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant as Stopwatch;

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::voice::monitor::{CallSample, PersonSample, Sample};

use crate::calls::{NOON, NOW, call, nobody, person, two_calls};
use crate::util::{TestApp, assert_status, at};

#[sqlx::test(migrations = "./migrations")]
async fn a_call_that_is_over_can_be_looked_at_again(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    app.sample(&token, (0..25).map(two_calls)).await;
    let live = app.page("/calls/7", &cookie).await;
    assert!(live.contains("It goes on") && live.contains("data-every=\"2\""), "{live}");
    app.sample(&token, [nobody(25)]).await;
    let told = app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    assert_eq!((&told["ended_at"], &told["now"]), (&json!("2026-11-21T12:00:24+00:00"), &Value::Null));
    let points = told["points"].as_array().expect("points");
    let of_points: Vec<Value> =
        points.iter().map(|point| json!([point["from"], point["people"], point["up_kbps"]])).collect();
    let expected =
        ["12:00:00", "12:00:10", "12:00:20"].map(|time| json!([format!("2026-11-21T{time}+00:00"), 2, 62.5]));
    assert_eq!(of_points, expected);
    let bob = &told["people"][1];
    assert_eq!(
        (&bob["name"], &bob["relayed_seconds"], &bob["relayed_bytes"]),
        (&json!("Bob <b>"), &json!(24.0), &json!(96_000))
    );
    assert_eq!((&bob["quality"], &told["estimated_relay_cost"]), (&json!("excellent"), &json!("0.000333")));

    let page = app.page("/calls/7", &cookie).await;
    for words in [
        "It is over",
        "21 Nov 2026 12:00:00–12:00:24 GMT, 24 s",
        "Excellent, 91 of 100",
        "Bob &lt;b&gt;",
        "How the quality went",
        "12:00:20: 91",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("data-every"), "nothing changes any more");
    let list = app.page("/calls", &cookie).await;
    assert!(list.contains("href=\"/calls/7\"") && list.contains("href=\"/calls/8\""), "{list}");
    let of_room = app.page("/calls?room=2", &cookie).await;
    assert!(!of_room.contains("href=\"/calls/7\"") && of_room.contains("href=\"/calls/8\""), "{of_room}");
    let csv = app.page("/calls/7/export.csv", &cookie).await;
    assert!(csv.ends_with("7,1,31.2,62.5,24,excellent,No,0.20\r\n7,2,31.2,62.5,24,excellent,Yes,0.20\r\n"), "{csv}");
    let old = app.told("/api/metrics/meetings/7", &token).await;
    assert_eq!(
        (&old["endedAt"], &old["users"][0]["quality"]),
        (&json!("2026-11-21T12:00:24+00:00"), &json!("excellent"))
    );
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_server_that_stops_ends_its_calls_and_writes_what_it_has(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let token = app.token().await;
    app.sample(&token, [two_calls(0), two_calls(1)]).await;
    app.stop().await;
    let app = TestApp::again(&db, "2026-11-21T12:00:30Z").await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    let call = app.told("/api/v1/calls/7", &token).await;
    assert_eq!(call["ended_at"], "2026-11-21T12:00:01+00:00", "it ended with its server");
    assert_eq!(call["points"].as_array().map(Vec::len), Some(1));
    assert!(app.page("/calls", &cookie).await.contains("href=\"/calls/7\""));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_call_whose_server_died_ended_when_it_was_sampled_last(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let token = app.token().await;
    app.sample(&token, [two_calls(0), two_calls(11)]).await;
    until_kept(&db, "select count(*) > 0 from call_samples").await;
    app.kill().await;
    let app = TestApp::again(&db, "2026-11-21T12:01:00Z").await;
    let token = app.token().await;
    let call = app.told("/api/metrics/meetings/7", &token).await;
    assert_eq!(call["endedAt"], Value::Null, "its server may still be there");
    app.stop().await;
    let app = TestApp::again(&db, "2026-11-21T12:10:00Z").await;
    let token = app.token().await;
    let ended = app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    assert_eq!(ended["ended_at"], "2026-11-21T12:00:11+00:00");
    app.stop().await;
}

/// Asks the database until it says yes.
async fn until_kept(db: &PgPool, question: &'static str) {
    for _ in 0..20_000 {
        if sqlx::query_scalar::<_, bool>(question).fetch_one(db).await.expect("an answer") {
            return;
        }
    }
    panic!("never: {question}");
}

/// One person in one call, who loses so much.
fn lossy(second: i64, loss: f64) -> Sample {
    let ada = PersonSample { loss_percent: Some(loss), concealed_percent: Some(loss), ..person(1, "Ada") };
    Sample { at: at(NOON) + TimeDelta::seconds(second), calls: vec![call(7, 1, "Sales", vec![ada])] }
}

#[sqlx::test(migrations = "./migrations")]
async fn an_alert_that_became_critical_is_not_kept_as_seen(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    app.sample(&token, (0..4).map(|second| lossy(second, 6.0))).await;
    let told = app.told("/api/v1/calls/active", &token).await;
    assert_eq!(told["alerts"][0]["severity"], "warning");
    let id = told["alerts"][0]["id"].to_string();
    let done = app.form("/calls/acknowledge", &cookie, &[("id", &id), ("back", "")]).await;
    assert_eq!(done.headers()["location"], "/calls?said=seen");
    until_kept(&db, "select count(*) > 0 from call_alerts where acknowledged_by = 'ann'").await;
    app.sample(&token, (4..9).map(|second| lossy(second, 15.0)).chain([nobody(9)])).await;
    app.stop().await;
    let app = TestApp::again(&db, "2026-11-21T12:01:00Z").await;
    let kept = app.told("/api/v1/calls/7", &app.token().await).await;
    let alert = &kept["alerts"][0];
    assert_eq!((&alert["severity"], &alert["acknowledged_by"]), (&json!("critical"), &Value::Null), "{alert}");
    assert!(!alert["cleared_at"].is_null());
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_call_has_one_score_wherever_it_is_said(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    // Ada is there for ten minutes and hears well, Bob for ten seconds and hardly hears anything.
    let bob = PersonSample { loss_percent: Some(14.0), concealed_percent: Some(14.0), ..person(2, "Bob") };
    let sample = |n: i64| {
        let people = if n == 0 { vec![person(1, "Ada"), bob.clone()] } else { vec![person(1, "Ada")] };
        Sample { at: at(NOON) + TimeDelta::seconds(n * 10), calls: vec![call(7, 1, "Sales", people)] }
    };
    app.sample(&token, (0..60).map(sample)).await;
    let live = app.until("/api/v1/calls/7", &token, |told| told["points"].as_array().map(Vec::len) == Some(59)).await;
    let live = live["score"].as_f64().expect("a score");
    app.sample(&token, [nobody(601)]).await;
    let told = app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    let score = told["score"].as_f64().expect("a score");
    let of_bob = told["people"][1]["score"].as_f64().expect("a score");
    assert!(score > 89.0 && of_bob < 45.0, "{score}, {of_bob}");
    assert!((score - live).abs() < 0.1, "{live} while it went on, {score} after it");
    let (page, list) = (app.page("/calls/7", &cookie).await, app.page("/calls", &cookie).await);
    assert!(page.contains(&format!(", {score:.0} of 100")), "{page}");
    let row = list.split("href=\"/calls/7\"").nth(1).and_then(|rest| rest.split("</tr>").next()).expect("the row");
    assert!(row.contains(&format!(">{score:.0}<")), "{row}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_could_not_be_written_is_written_later(db: PgPool) {
    // As a database that is away: it refuses without saying that the rows were wrong. A number that was taken stays taken.
    for statement in [
        "create sequence tries",
        "create function is_away() returns trigger language plpgsql as
         $$ begin perform nextval('tries'); raise exception 'away'; end $$",
        "create trigger is_away before insert on calls for each row execute function is_away()",
    ] {
        sqlx::query(statement).execute(&db).await.expect("made");
    }
    let app = TestApp::sampled(&db, NOON).await;
    let token = app.token().await;
    app.sample(&token, [two_calls(0), two_calls(11), nobody(12)]).await;
    until_kept(&db, "select last_value > 1 from tries").await;
    let missing = app.client.get(app.url("/api/v1/calls/7")).bearer_auth(&token).send().await.expect("an answer");
    assert_status(missing, StatusCode::NOT_FOUND).await;
    sqlx::query("drop trigger is_away on calls").execute(&db).await.expect("dropped");
    let kept = app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    assert_eq!((&kept["people"][0]["name"], &kept["points"][0]["people"]), (&json!("Ada"), &json!(2)));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_call_is_looked_at_for_one_person_and_printed(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    app.sample(&token, [two_calls(0), two_calls(36), nobody(37)]).await;
    app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    let page = app.page("/calls/7", &cookie).await;
    assert!(page.contains("href=\"/calls/7?person=2\""), "{page}");
    let page = app.page("/calls/7?person=1", &cookie).await;
    assert!(page.contains("for <strong>Ada<") && page.contains("Show everybody"), "{page}");
    let told = app.told("/api/v1/calls/7?person=1", &token).await;
    assert_eq!((&told["points_of"], &told["points"][0]["people"]), (&json!(1), &json!(1)));
    assert_eq!(told["points"][0]["up_kbps"], 31.25);
    let unreadable = app.client.get(app.url("/api/v1/calls/7?person=ada")).bearer_auth(&token);
    assert_status(unreadable.send().await.expect("an answer"), StatusCode::BAD_REQUEST).await;
    app.stop().await;
    // Bob was relayed for 36 s at 0.05 $ an hour; another server has not read the month yet.
    let app = TestApp::again(&db, "2026-11-21T12:01:00Z").await;
    let relay = app.told("/api/v1/calls/stats/turn", &token).await;
    assert_eq!(relay["estimated_cost_this_month"], "0.0005");
    assert!(app.page("/calls", &cookie).await.contains("$0.0005"));

    let file = app.client.get(app.url("/calls/7/export.pdf")).header("cookie", &cookie).send().await;
    let Some(text) = text_of(&file.expect("an answer").bytes().await.expect("a body")) else { return };
    let words = ["Sales, 21 Nov 2026 12:00", "Excellent, 91 of 100", "Bob <b>", "How it went", "estimate $0.0005"];
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
    app.stop().await;
}

/// The text of a PDF; nothing where poppler is not installed.
fn text_of(pdf: &[u8]) -> Option<String> {
    let mut poppler = Command::new("pdftotext");
    poppler.args(["-layout", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut poppler = poppler.spawn().ok()?;
    poppler.stdin.take().expect("a pipe").write_all(pdf).expect("written");
    Some(String::from_utf8(poppler.wait_with_output().expect("an end").stdout).expect("UTF-8"))
}

#[sqlx::test(migrations = "./migrations")]
async fn calls_before_those_that_are_shown_are_a_step_away(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    let begun = |n: i64| CallSample {
        began_at: at(NOON) - TimeDelta::seconds(n),
        ..call(n, n as i32 % 2 + 1, &format!("Room {n}"), vec![person(n as i32, "Ada")])
    };
    let all = Sample { at: at(NOON), calls: (1..=45).map(begun).collect() };
    app.sample(&token, [all, nobody(1)]).await;
    app.until("/api/v1/calls/45", &token, |told| !told["ended_at"].is_null()).await;
    for (first, pages) in [("/calls", vec![20, 20, 5]), ("/calls?room=1", vec![20, 2])] {
        let (mut address, mut seen) = (first.to_owned(), Vec::new());
        for many in pages {
            let page = app.page(&address, &cookie).await;
            let history = page.split("id=\"history\"").nth(1).and_then(|rest| rest.split("</section>").next());
            let links =
                history.expect("the history").split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            let (calls, others): (Vec<&str>, Vec<&str>) = links.partition(|link| link.starts_with("/calls/"));
            assert_eq!(calls.len(), many, "{address}: {calls:?}");
            seen.extend(calls.iter().map(|call| (*call).to_owned()));
            address = others.first().map_or(String::new(), |link| link.replace("&amp;", "&").replace("#history", ""));
        }
        assert_eq!(address, "", "there are no others");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "each once: {seen:?}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn calls_are_kept_for_as_many_days_as_an_administrator_says(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    app.sample(&token, [two_calls(0), two_calls(11), nobody(12)]).await;
    app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    let refused = app.form("/calls/settings", &cookie, &[("days", "0"), ("price", "cheap")]).await;
    let refused = assert_status(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(
        refused.contains("Calls are kept from 1 to 3650 days.") && refused.contains("value=\"cheap\""),
        "{refused}"
    );
    let saved = app.form("/calls/settings", &cookie, &[("days", "2"), ("price", "0.125")]).await;
    assert_eq!(saved.headers()["location"], "/calls?said=saved");
    assert_eq!(app.told("/api/v1/calls/stats/turn", &token).await["price_per_hour"], "0.125");
    app.stop().await;
    for (now, kept) in [("2026-11-23T11:59:00Z", true), ("2026-11-23T12:01:00Z", false)] {
        let app = TestApp::again(&db, now).await;
        let (token, gone) = (app.token().await, |told: &Value| told["status"] == 404);
        if kept {
            assert_eq!(app.told("/api/v1/calls/7", &token).await["id"], 7);
        } else {
            app.until("/api/v1/calls/7", &token, gone).await;
        }
        app.stop().await;
    }
    let rows: i64 =
        sqlx::query_scalar("select (select count(*) from call_samples) + (select count(*) from call_people)")
            .fetch_one(&db)
            .await
            .expect("a count");
    assert_eq!(rows, 0, "with all that was in them");
}

#[sqlx::test(migrations = "./migrations")]
async fn a_hundred_rooms_of_three_are_quick_and_light(db: PgPool) {
    let app = TestApp::sampled(&db, NOW).await;
    let (token, cookie) = (app.token().await, app.cookie_as("ann", "administrator").await);
    let people = |room: i32| (0..3).map(|n| person(room * 3 + n, &format!("Person {}", room * 3 + n))).collect();
    let calls = |second: i64| Sample {
        at: at(NOON) + TimeDelta::seconds(second),
        calls: (0..100).map(|room| call(room.into(), room, &format!("Room {room}"), people(room))).collect(),
    };
    app.sample(&token, (0..12).map(calls)).await;
    let begun = Stopwatch::now();
    let page = app.page("/calls", &cookie).await;
    let took = begun.elapsed();
    assert!(page.contains("Person 299"));
    assert!(page.len() < 300_000, "{} bytes", page.len());
    // Without optimisation, on a busy machine; a release build takes a tenth.
    assert!(took.as_millis() < 1_000, "{took:?}");
    let told = app.told("/api/v1/calls/active", &token).await;
    assert_eq!((&told["rooms"], &told["people"]), (&json!(100), &json!(300)));
    // What is written of many calls may come in two rounds.
    app.until("/api/v1/calls/99", &token, |told| {
        let of = |list: &str| told[list].as_array().map_or(0, Vec::len);
        of("points") > 0 && of("people") == 3
    })
    .await;
    app.stop().await;
}
