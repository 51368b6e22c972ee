//! Who is on the page: `/ws` and `/api/v1/presence`.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::live::bus::Kind;

use crate::util::{Socket, TestApp, assert_status};

fn here(place: &str, idle: bool) -> Value {
    json!({"type": "here", "place": place, "idle": idle})
}

/// Name, place and idle of everyone, as a message says.
fn people(message: &Value) -> Option<Vec<(String, String, bool)>> {
    let people = message["people"].as_array().filter(|_| message["type"] == "presence")?;
    let person = |person: &Value| {
        Some((person["name"].as_str()?.to_owned(), person["place"].as_str()?.to_owned(), person["idle"].as_bool()?))
    };
    people.iter().map(person).collect()
}

/// Waits until a socket is told that these and no others are here.
async fn sees(socket: &mut Socket, expected: &[(&str, &str, bool)]) {
    let expected: Vec<_> =
        expected.iter().map(|(name, place, idle)| (name.to_string(), place.to_string(), *idle)).collect();
    let mut last = None;
    let seen = socket.find(|message| {
        last = people(message).or(last.take());
        last.clone().filter(|people| *people == expected)
    });
    let seen = tokio::time::timeout(Duration::from_secs(30), seen).await.is_ok();
    assert!(seen, "sees {last:?} and not {expected:?}");
}

#[sqlx::test(migrations = "./migrations")]
async fn people_see_one_another_on_two_servers(db: PgPool) {
    let one = TestApp::start(db).await;
    let other = one.beside().await;
    let (ada, bob) = (one.cookie_of("Ada Lovelace").await, one.cookie_of("bob").await);
    let mut of_ada = one.page_of(&ada).await;
    assert_eq!(of_ada.next().await.expect("open")["type"], "snapshot", "the greeting comes first");
    sees(&mut of_ada, &[("Ada Lovelace", "", false)]).await;
    let mut of_bob = other.page_of(&bob).await;
    of_bob.say(&here("Last month: countries", false)).await;
    let both = [("Ada Lovelace", "", false), ("bob", "Last month: countries", false)];
    sees(&mut of_bob, &both).await;
    sees(&mut of_ada, &both).await;

    // Another tab of the same person, on the other server: one entry, at the place that is looked at.
    let mut second = other.page_of(&ada).await;
    second.say(&here("Today", false)).await;
    sees(&mut of_bob, &[("Ada Lovelace", "Today", false), both[1]]).await;
    of_ada.say(&here("", true)).await;
    second.say(&here("Today", true)).await;
    sees(&mut of_bob, &[both[1], ("Ada Lovelace", "Today", true)]).await;
    of_ada.say(&here("This week", false)).await;
    sees(&mut of_bob, &[("Ada Lovelace", "This week", false), both[1]]).await;

    // The API says the same on both, and a program is nobody.
    let mut program = one.socket("", Some("takings.v1")).await;
    sees(&mut program, &[("Ada Lovelace", "This week", false), both[1]]).await;
    let answer = other.client.get(other.url("/api/v1/presence")).bearer_auth(one.token().await).send().await;
    let told: Value =
        serde_json::from_str(&assert_status(answer.expect("an answer"), StatusCode::OK).await).expect("JSON");
    let ada_told = &told["people"][0];
    assert_eq!(told["more"], 0);
    assert_eq!((ada_told["name"].as_str(), ada_told["initials"].as_str()), (Some("Ada Lovelace"), Some("AL")));
    assert!(ada_told["colour"].as_u64().is_some_and(|colour| colour < 6), "{ada_told}");
    let stranger = one.client.get(one.url("/api/v1/presence")).send().await.expect("an answer");
    assert_status(stranger, StatusCode::UNAUTHORIZED).await;

    // Who leaves is gone, also with the server that stops.
    drop(of_bob);
    sees(&mut of_ada, &[("Ada Lovelace", "This week", false)]).await;
    drop(of_ada);
    one.stop().await;
    sees(&mut second, &[("Ada Lovelace", "Today", true)]).await;
    other.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_people_of_a_server_that_died_are_gone_by_themselves(db: PgPool) {
    let app = TestApp::start(db).await;
    let (ada, bob) = (app.cookie_of("Ada").await, app.cookie_of("Bob").await);
    // What a server left behind that has said nothing for a while.
    let left = "insert into presence (workspace_id, server_id, person_id, place, idle, seen_at)
         select 1, 1, id, '', false, now() - interval '22 seconds' from people where name = 'Ada'";
    sqlx::query(left).execute(&app.db).await.expect("left");
    let mut of_bob = app.page_of(&bob).await;
    sees(&mut of_bob, &[("Ada", "", false), ("Bob", "", false)]).await;
    sees(&mut of_bob, &[("Bob", "", false)]).await;
    let kept = async || sqlx::query_scalar::<_, i64>("select count(*) from presence").fetch_one(&app.db).await;
    assert_eq!(kept().await.expect("a count"), 1, "nothing is kept of who died");
    let of_ada = app.page_of(&ada).await;
    sees(&mut of_bob, &[("Ada", "", false), ("Bob", "", false)]).await;
    // PostgreSQL empties the table when it crashes: who is there is there again at once.
    // Four times within 24 s are more often than a server says so by itself.
    for _ in 0..4 {
        sqlx::query("truncate presence").execute(&app.db).await.expect("emptied");
        app.bus.tell(Kind::Presence).await;
        let again = async { while kept().await.expect("a count") < 2 {} };
        tokio::time::timeout(Duration::from_secs(6), again).await.expect("there again");
    }
    drop(of_ada);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn of_a_crowd_a_hundred_are_listed_and_the_others_counted(db: PgPool) {
    let app = TestApp::start(db).await;
    let crowd = "with crowd as (
             insert into people (workspace_id, name, password_hash, role)
             select 1, 'Person ' || to_char(n, 'fm000'), '', 'viewer' from generate_series(1, 120) as n returning id
         )
         insert into presence (workspace_id, server_id, person_id, place, idle) select 1, 1, id, '', false from crowd";
    sqlx::query(crowd).execute(&app.db).await.expect("a crowd");
    let ada = app.cookie_of("Ada").await;
    let mut of_ada = app.page_of(&ada).await;
    let message = of_ada.find(|message| (message["more"].as_i64()? == 21).then(|| message.clone())).await;
    let names: Vec<_> = people(&message).expect("people").into_iter().map(|(name, ..)| name).collect();
    assert_eq!((names.len(), names[0].as_str(), names[99].as_str()), (100, "Ada", "Person 099"));
    // What a page says of itself is no more than a place.
    of_ada.say(&json!({"type": "here", "place": format!("<b>{}", "x".repeat(500)), "idle": false})).await;
    let place = of_ada.find(|message| people(message)?.into_iter().find(|(_, place, _)| !place.is_empty())).await.1;
    assert_eq!(place, format!("<b>{}", "x".repeat(57)));
    app.stop().await;
}
