//! `GET /ws`: what watchers are told, and what a returning one is.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::live::greeting::Resume;
use takings::live::hub::Hub;
use takings::sales::books::BooksHandle;
use takings::sales::question::Question;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::util::{Socket, TestApp, assert_status, shopify_order};

const NOW: &str = "2026-11-21T14:00:00Z";
const PROTOCOL: Option<&str> = Some("takings.v1");

async fn post(app: &TestApp, ids: std::ops::Range<i64>) {
    for id in ids {
        assert_status(app.shopify("orders/create", shopify_order(id, "10.00", NOW)).await, StatusCode::OK).await;
    }
}

fn sequences(message: &Value) -> Vec<i64> {
    let events = message["events"].as_array();
    events.into_iter().flatten().filter_map(|event| event["sequence"].as_i64()).collect()
}

/// Collects event numbers until `last` has come.
async fn until(socket: &mut Socket, last: i64) -> Vec<i64> {
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        seen.extend(sequences(&socket.next().await.expect("open")));
    }
    seen
}

#[sqlx::test(migrations = "./migrations")]
async fn a_watcher_gets_the_snapshot_and_then_each_order_in_order(db: PgPool) {
    let app = TestApp::start(db).await;
    let mut socket = app.socket("", PROTOCOL).await;
    let first = socket.next().await.expect("a snapshot");
    assert_eq!(first["type"], "snapshot");
    assert_eq!(first["snapshot"]["days"].as_array().map(Vec::len), Some(30));
    post(&app, 1..6).await;
    assert_eq!(until(&mut socket, 5).await, [1, 2, 3, 4, 5]);
    let revenue = socket.find(|m| m["overview"]["today"]["current"]["revenue"].as_i64().filter(|r| *r == 5_000)).await;
    assert_eq!(revenue, 5_000);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_returning_watcher_gets_exactly_what_it_missed(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..8).await;
    let mut socket = app.socket("?last_event=3&revision=0", PROTOCOL).await;
    // With the snapshot, or right after it where the server's newest is older than the last order.
    assert_eq!(until(&mut socket, 7).await, [4, 5, 6, 7]);
    post(&app, 8..10).await;
    assert_eq!(until(&mut socket, 9).await, [8, 9]);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_server_that_is_behind_takes_nothing_away_from_who_comes_to_it(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..3).await;
    // It answers once, and nobody wakes it afterwards.
    let behind = Hub::new(app.db.clone(), BooksHandle::new(app.books.clone()), app.clock.clone());
    let question = Question::default();
    let last_event = |hub: Hub| {
        let question = question.clone();
        async move { hub.snapshot(&question).await.expect("an answer").overview.last_event }
    };
    assert_eq!(last_event(behind.clone()).await, 2);
    post(&app, 3..6).await;
    assert_eq!(last_event(behind.clone()).await, 2);
    for (knows, recent) in [(5, 5), (4, 5), (99, 5)] {
        let resume = Resume { last_event: Some(knows), version: None };
        let greeting = behind.greeting(&question, resume).await.expect("a greeting");
        let told: Value = serde_json::from_slice(&greeting.text).expect("JSON");
        assert_eq!(told["snapshot"]["recent"][0]["sequence"], recent, "for a client that has {knows}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_watcher_that_is_up_to_date_is_not_sent_everything_again(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..3).await;
    let page = app.snapshot("").await;
    let overview = &page["overview"];
    let version = overview["version"].as_i64().expect("a version");
    let query = format!("?last_event={}&version={version}", overview["last_event"]);
    let mut socket = app.socket(&query, PROTOCOL).await;
    let first = socket.next().await.expect("a greeting");
    assert_eq!(first["type"], "changes");
    assert!(first["snapshot"].is_null());
    // From there on it is told what changed, and arrives at what the server says.
    post(&app, 3..4).await;
    let changed = socket.find(|m| m["rows"].as_array().filter(|rows| !rows.is_empty()).cloned()).await;
    assert!(changed.iter().any(|row| row[0] == "countries" && row[1]["key"] == "GB"), "{changed:?}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_question_is_answered_and_kept_up_to_date_on_its_own(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..3).await;
    let mut germany = app.socket("?range=today&country=DE", PROTOCOL).await;
    let orders = |m: &Value| {
        let overview = if m["snapshot"].is_null() { &m["overview"] } else { &m["snapshot"]["overview"] };
        overview["range"]["current"]["orders"].as_i64()
    };
    assert_eq!(germany.find(orders).await, 0);
    let order = shopify_order(9, "10.00", NOW).replace("\"GB\"", "\"DE\"");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    assert_eq!(germany.find(|m| orders(m).filter(|orders| *orders > 0)).await, 1);
    let refused =
        app.client.get(app.url("/api/v1/snapshot?range=fortnight")).bearer_auth(app.token().await).send().await;
    let sentence = assert_status(refused.expect("an answer"), StatusCode::BAD_REQUEST).await;
    assert!(sentence.contains("range is one of"), "{sentence}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_client_without_a_protocol_gets_the_old_page_s_messages(db: PgPool) {
    let app = TestApp::start(db).await;
    let mut socket = app.socket("", None).await;
    // The subscription stands when the server has answered the upgrade and looked at the snapshot once.
    app.client.get(app.url("/readyz")).send().await.expect("ready");
    let body = shopify_order(1_234_567_890, "45.67", NOW);
    assert_status(app.shopify("orders/create", body).await, StatusCode::OK).await;
    let message = socket.next().await.expect("a message");
    assert_eq!(
        message,
        serde_json::json!({"type": "new_order", "data": {"id": 1_234_567_890, "total": "45.67", "currency": "GBP",
        "country": "GB", "created_at": "2026-11-21T14:00:00Z"}})
    );
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_socket_is_closed_to_strangers_and_to_other_sites(db: PgPool) {
    let app = TestApp::start(db).await;
    let connect = async |headers: &[(&'static str, String)]| {
        let mut request = format!("ws://{}/ws", app.address).into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok(_) => 101,
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    };
    let cookie = app.cookie_of("ada").await;
    assert_eq!(connect(&[]).await, 401);
    assert_eq!(connect(&[("cookie", cookie.clone()), ("origin", "https://evil.example".into())]).await, 403);
    assert_eq!(connect(&[("cookie", cookie), ("origin", format!("http://{}", app.address))]).await, 101);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn watchers_are_told_when_the_server_goes_away(db: PgPool) {
    let app = TestApp::start(db).await;
    let mut socket = app.socket("", PROTOCOL).await;
    socket.next().await.expect("a snapshot");
    let ends = async { while socket.next().await.is_some() {} };
    let ((), ()) = tokio::join!(app.stop(), ends);
}

#[sqlx::test(migrations = "./migrations")]
async fn orders_of_long_ago_change_the_figures_without_being_announced(db: PgPool) {
    let app = TestApp::start(db).await;
    let old = shopify_order(1, "10.00", "2026-11-01T10:00:00Z");
    assert_status(app.shopify("orders/create", old).await, StatusCode::OK).await;
    assert_eq!(app.overview().await.month.current.revenue, 1_000);
    assert_eq!(app.overview().await.last_event, 0);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_page_that_no_socket_reaches_asks_and_is_told_what_happens(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..3).await;
    let token = app.token().await;
    let ask = async |query: String| -> Value {
        let answer = app.client.get(app.url(&format!("/live{query}"))).bearer_auth(&token).send().await;
        serde_json::from_str(&assert_status(answer.expect("an answer"), StatusCode::OK).await).expect("JSON")
    };
    let first = ask("?last_event=0".into()).await;
    assert_eq!(first["type"], "snapshot");
    assert_eq!(sequences(&first), [1, 2]);
    // From there on each answer is what came since the one before, and comes when there is something.
    let mut version = first["snapshot"]["overview"]["version"].as_i64().expect("a version");
    let (mut last, mut seen) = (2, Vec::new());
    let asked = async {
        while last < 4 {
            let news = ask(format!("?last_event={last}&version={version}")).await;
            assert_eq!(news["type"], "changes");
            seen.extend(sequences(&news));
            last = seen.last().copied().unwrap_or(last);
            version = news["overview"]["version"].as_i64().unwrap_or(version);
        }
    };
    tokio::join!(asked, post(&app, 3..5));
    assert_eq!(seen, [3, 4]);
    let stranger = app.client.get(app.url("/live")).send().await.expect("an answer");
    assert_status(stranger, StatusCode::UNAUTHORIZED).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_socket_ends_after_the_session_that_opened_it(db: PgPool) {
    let app = TestApp::start(db).await;
    let cookie = app.cookie_of("Ada").await;
    let mut request = format!("ws://{}/ws", app.address).into_client_request().expect("a request");
    request.headers_mut().insert("cookie", cookie.parse().expect("a header"));
    request.headers_mut().insert("sec-websocket-protocol", "takings.v1".parse().expect("a header"));
    let mut socket = Socket::open(request).await;
    assert_eq!(socket.next().await.expect("open")["type"], "snapshot");
    let session = cookie.trim_start_matches("takings_session=");
    takings::access::store::end_session(&app.db, session).await.expect("ended");
    // It is told the time every few seconds until then.
    while socket.next().await.is_some() {}
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_socket_watches_several_questions_each_by_its_name(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..3).await;
    let mut socket = app.socket("", PROTOCOL).await;
    assert_eq!(socket.next().await.expect("open")["snapshot"]["overview"]["today"]["current"]["orders"], 2);
    socket.say(&json!({"type": "watch", "name": "germany", "query": "range=today&country=DE"})).await;
    // The message after its name is the question's.
    let of = async |socket: &mut Socket, name: &str| {
        socket.find(|message| (message["type"] == "of" && message["name"] == name).then_some(())).await;
        socket.next().await.expect("open")
    };
    let orders = |m: &Value| {
        let overview = if m["snapshot"].is_null() { &m["overview"] } else { &m["snapshot"]["overview"] };
        overview["range"]["current"]["orders"].as_i64()
    };
    assert_eq!(orders(&of(&mut socket, "germany").await), Some(0));
    let order = shopify_order(9, "10.00", NOW).replace("\"GB\"", "\"DE\"");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    // Both are told, and neither of the other.
    let (mut germany, mut own, mut is_named) = (None, None, false);
    while (germany, own) != (Some(1), Some(3)) {
        let message = socket.next().await.expect("open");
        match (message["type"] == "of", is_named) {
            (true, _) => is_named = true,
            (false, true) => (germany, is_named) = (orders(&message).or(germany), false),
            (false, false) => own = message["overview"]["today"]["current"]["orders"].as_i64().or(own),
        }
    }
    // Who is up to date is not told again; a name can be given to another question, and let go.
    let version = app.snapshot("?range=week").await["overview"]["version"].clone();
    socket
        .say(&json!({"type": "watch", "name": "germany", "query": "range=week", "last_event": 3, "version": version}))
        .await;
    assert_eq!(of(&mut socket, "germany").await["type"], "changes");
    socket.say(&json!({"type": "unwatch", "name": "germany"})).await;
    for n in 0..8 {
        socket.say(&json!({"type": "watch", "name": n.to_string(), "query": "range=7d"})).await;
        assert_eq!(of(&mut socket, &n.to_string()).await["type"], "snapshot");
    }
    let refused = async |socket: &mut Socket, wish: Value| {
        socket.say(&wish).await;
        socket.find(|m| (m["type"] == "refused").then(|| m["why"].as_str().unwrap_or_default().to_owned())).await
    };
    let sentence = refused(&mut socket, json!({"type": "watch", "name": "more", "query": ""})).await;
    assert!(sentence.contains("8 questions beside its own"), "{sentence}");
    let sentence = refused(&mut socket, json!({"type": "watch", "name": "1", "query": "range=fortnight"})).await;
    assert!(sentence.contains("range is one of"), "{sentence}");
    let sentence = refused(&mut socket, json!({"type": "watch", "name": "1", "query": "source=nowhere"})).await;
    assert!(sentence.contains("no source named nowhere"), "{sentence}");
    let sentence = refused(&mut socket, json!({"type": "watch", "name": "", "query": ""})).await;
    assert!(sentence.contains("1 to 40 characters"), "{sentence}");
    // Who wishes without end is sent away.
    for _ in 0..60 {
        socket.say(&json!({"type": "unwatch", "name": "nothing"})).await;
    }
    while socket.next().await.is_some() {}
    app.stop().await;
}
