//! Several servers over one database: whoever takes an order in, all watchers see it, and nobody misses what another server
//! took with it when it ended.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::util::{Socket, TestApp, assert_status, shopify_order};

const NOW: &str = "2026-11-21T14:00:00Z";
const PROTOCOL: Option<&str> = Some("takings.v1");

async fn post(app: &TestApp, id: i64) {
    assert_status(app.shopify("orders/create", shopify_order(id, "10.00", NOW)).await, StatusCode::OK).await;
}

/// The numbers of the events that a socket is told of until `last` has come.
async fn told(socket: &mut Socket, last: i64) -> Vec<i64> {
    let mut seen: Vec<i64> = Vec::new();
    while seen.last() != Some(&last) {
        let message = socket.next().await.expect("open");
        let events = message["events"].as_array().into_iter().flatten();
        seen.extend(events.filter_map(|event| event["sequence"].as_i64()));
    }
    seen
}

/// Waits until a socket is told of that many orders of today.
async fn counts(socket: &mut Socket, orders: i64) {
    let today = |overview: &Value| overview["today"]["current"]["orders"].as_i64();
    let found = |message: &Value| today(&message["overview"]).or_else(|| today(&message["snapshot"]["overview"]));
    socket.find(|message| found(message).filter(|counted| *counted == orders)).await;
}

#[sqlx::test(migrations = "./migrations")]
async fn orders_through_either_server_reach_the_watchers_of_both(db: PgPool) {
    let one = TestApp::start(db).await;
    let other = one.beside().await;
    let mut watchers = [one.socket("?last_event=0", PROTOCOL).await, other.socket("?last_event=0", PROTOCOL).await];
    let through = async |app: &TestApp, ids: std::ops::Range<i64>| {
        for id in ids {
            post(app, id).await;
        }
    };
    tokio::join!(through(&one, 1..11), through(&other, 11..21));
    for watcher in &mut watchers {
        assert_eq!(told(watcher, 20).await, (1..=20).collect::<Vec<_>>());
        counts(watcher, 20).await;
    }
    let figures = async |app: &TestApp| app.snapshot("").await["overview"]["year"].clone();
    assert_eq!(figures(&one).await, figures(&other).await);
    // Who signed in on one is signed in on both, until the session ends anywhere.
    let cookie = one.cookie_of("Ada").await;
    let page = async |app: &TestApp| {
        let answer = app.client.get(app.url("/api/v1/goals")).header("cookie", &cookie).send().await;
        assert_status(answer.expect("an answer"), StatusCode::OK).await
    };
    assert_eq!(page(&one).await, page(&other).await);
    one.stop().await;
    other.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_server_that_dies_takes_nothing_with_it(db: PgPool) {
    let dies = TestApp::start(db).await;
    let stays = dies.beside().await;
    let mut watcher = dies.socket("?last_event=0", PROTOCOL).await;
    for id in 1..6 {
        post(&dies, id).await;
    }
    let seen = told(&mut watcher, 5).await;
    // Orders on their way when it dies: as a platform does, whoever sent one that was not answered sends it again.
    let order = |id: i64| shopify_order(id, "10.00", NOW);
    let url = dies.url("/webhooks/shopify/shop");
    let sent: Vec<_> = (6..30)
        .map(|id| {
            let (client, body) = (dies.client.clone(), order(id));
            let request = client.post(&url).header("X-Shopify-Topic", "orders/create");
            let signature = takings::sources::shopify::sign(body.as_bytes(), crate::util::SECRET);
            tokio::spawn(request.header("X-Shopify-Hmac-Sha256", signature).body(body).send())
        })
        .collect();
    post(&dies, 30).await;
    dies.kill().await;
    let mut again = BTreeSet::new();
    for (id, sent) in (6..).zip(sent) {
        if !sent.await.expect("sent").is_ok_and(|answer| answer.status().is_success()) {
            post(&stays, id).await;
            again.insert(id);
        }
    }
    // The watcher comes back to the other server with what it has, and is told of each order once.
    drop(watcher);
    let mut watcher = stays.socket(&format!("?last_event={}", seen.len()), PROTOCOL).await;
    assert_eq!(told(&mut watcher, 30).await, (6..=30).collect::<Vec<_>>(), "sent again: {again:?}");
    counts(&mut watcher, 30).await;
    assert_eq!(stays.differing_sums().await, 0);
    stays.stop().await;
}
