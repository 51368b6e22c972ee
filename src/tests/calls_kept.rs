//! What is kept of calls: how one went, for how long, and whether a hundred rooms are too many.

use std::time::Instant as Stopwatch;

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::voice::monitor::Sample;

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
        "Excellent, score 91 of 100",
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
async fn a_server_that_stops_writes_what_it_has_and_the_next_one_ends_what_is_lost(db: PgPool) {
    let app = TestApp::sampled(&db, NOON).await;
    let token = app.token().await;
    app.sample(&token, [two_calls(0), two_calls(1)]).await;
    app.stop().await;
    let app = TestApp::again(&db, "2026-11-21T12:01:00Z").await;
    let call = app.told("/api/v1/calls/7", &app.token().await).await;
    assert_eq!((&call["ended_at"], call["points"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
    app.stop().await;
    let app = TestApp::again(&db, "2026-11-21T12:10:00Z").await;
    let token = app.token().await;
    let ended = app.until("/api/v1/calls/7", &token, |told| !told["ended_at"].is_null()).await;
    assert_eq!(ended["ended_at"], "2026-11-21T12:00:01+00:00");
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
    let kept = app
        .until("/api/v1/calls/99", &token, |told| told["points"].as_array().is_some_and(|all| !all.is_empty()))
        .await;
    assert_eq!(kept["people"].as_array().map(Vec::len), Some(3));
    app.stop().await;
}
