//! `GET /api/v1/events/stream`: what programs are told, and what a returning one is.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::util::{TestApp, assert_status, shopify_order};

const NOW: &str = "2026-11-21T14:00:00Z";
const PATH: &str = "/api/v1/events/stream";

/// The client's end of a stream.
struct Listener {
    answer: Response,
    text: String,
}

/// An event as it came.
#[derive(Debug, PartialEq)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

impl Listener {
    async fn open(request: RequestBuilder) -> Listener {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Listener { answer, text: String::new() }
    }

    /// The next event; `None` when the server ended the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let line = |name: &str| {
                    let lines = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.unwrap_or_default().to_owned()
                };
                let data = serde_json::from_str(&line("data")).expect("JSON");
                let event = Event { id: line("id"), name: line("event"), data };
                self.text = rest.to_owned();
                return Some(event);
            }
            let chunk = self.answer.chunk().await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The numbers of the next events.
    async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            ids.push(self.next().await.expect("open").id);
        }
        ids
    }
}

async fn post(app: &TestApp, ids: std::ops::Range<i64>) {
    for id in ids {
        assert_status(app.shopify("orders/create", shopify_order(id, "10.00", NOW)).await, StatusCode::OK).await;
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_listener_is_told_what_happens_to_orders(db: PgPool) {
    let app = TestApp::start(db).await;
    let mut listener = Listener::open(app.client.get(app.url(PATH)).bearer_auth(app.token().await)).await;
    let connected = listener.next().await.expect("open");
    assert_eq!((connected.name.as_str(), connected.id.as_str()), ("connected", "0"));
    assert_eq!(connected.data, json!({"last_event": 0}));

    let order = |updated_at: &str, status: &str| {
        let mut order: Value = serde_json::from_str(&shopify_order(1, "10.00", NOW)).expect("JSON");
        order["updated_at"] = updated_at.into();
        order["financial_status"] = status.into();
        order.to_string()
    };
    assert_status(app.shopify("orders/create", order(NOW, "pending")).await, StatusCode::OK).await;
    let data = json!({
        "id": "1", "number": "#1", "total": "10.00", "amount": "10.00", "currency": "GBP", "status": "pending", "country": "GB",
        "platform": "shopify", "placed_at": NOW, "what": "order_created",
    });
    let created = Event { id: "1".into(), name: "order_created".into(), data };
    assert_eq!(listener.next().await, Some(created));

    assert_status(app.shopify("orders/paid", order("2026-11-21T14:10:00Z", "paid")).await, StatusCode::OK).await;
    let paid = listener.next().await.expect("open");
    assert_eq!((paid.name.as_str(), &paid.data["status"]), ("payment_received", &json!("paid")));

    let refund = json!({
        "id": 9, "order_id": 1, "created_at": "2026-11-21T14:20:00Z",
        "refund_line_items": [{"subtotal": "4.00", "total_tax": "0.00"}],
        "transactions": [{"kind": "refund", "status": "success", "amount": "4.00", "currency": "GBP"}],
    });
    assert_status(app.shopify("refunds/create", refund.to_string()).await, StatusCode::OK).await;
    let refunded = listener.next().await.expect("open");
    assert_eq!((refunded.name.as_str(), &refunded.data["what"]), ("order_updated", &json!("order_refunded")));
    assert_eq!((&refunded.data["total"], &refunded.data["amount"]), (&json!("10.00"), &json!("-4.00")));
    app.stop().await;
    assert_eq!(listener.next().await, None, "the server says goodbye");
}

#[sqlx::test(migrations = "./migrations")]
async fn a_returning_listener_gets_exactly_what_it_missed(db: PgPool) {
    let app = TestApp::start(db).await;
    post(&app, 1..8).await;
    let returning = app.client.get(app.url(PATH)).bearer_auth(app.token().await);
    let mut listener = Listener::open(returning.header("Last-Event-ID", "3")).await;
    assert_eq!(listener.ids(5).await, ["3", "4", "5", "6", "7"]);
    post(&app, 8..10).await;
    assert_eq!(listener.ids(2).await, ["8", "9"]);
    // A number of another database: from now on.
    let unknown = app.client.get(app.url(&format!("{PATH}?last_event_id=4000"))).bearer_auth(app.token().await);
    let mut listener = Listener::open(unknown).await;
    assert_eq!(listener.ids(1).await, ["9"]);
    post(&app, 10..11).await;
    assert_eq!(listener.ids(1).await, ["10"]);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_stream_is_closed_to_strangers_and_a_browser_may_bring_its_token_in_the_address(db: PgPool) {
    let app = TestApp::start(db).await;
    let refused = async |request: RequestBuilder| {
        assert_status(request.send().await.expect("an answer"), StatusCode::UNAUTHORIZED).await
    };
    let sentence = refused(app.client.get(app.url(PATH))).await;
    assert!(sentence.contains("\"detail\":\"sign in first"), "{sentence}");
    refused(app.client.get(app.url(&format!("{PATH}?token=wrong")))).await;
    let odd = app.client.get(app.url(PATH)).bearer_auth(app.token().await).header("Last-Event-ID", "x");
    assert_status(odd.send().await.expect("an answer"), StatusCode::BAD_REQUEST).await;
    let mut listener = Listener::open(app.client.get(app.url(&format!("{PATH}?token={}", app.token().await)))).await;
    assert_eq!(listener.ids(1).await, ["0"]);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_listener_hears_that_all_is_well_until_its_session_ends(db: PgPool) {
    let app = TestApp::start(db).await;
    let cookie = app.cookie_of("Ada").await;
    let session = cookie.trim_start_matches("takings_session=");
    let open = async |request: RequestBuilder| {
        let mut listener = Listener::open(request).await;
        assert_eq!(listener.next().await.expect("open").name, "connected");
        listener
    };
    let mut stays = open(app.client.get(app.url(PATH)).bearer_auth(app.token().await)).await;
    let mut ends = open(app.client.get(app.url(PATH)).header("Cookie", &cookie)).await;
    takings::access::store::end_session(&app.db, session).await.expect("ended");
    let heartbeat = stays.next().await.expect("open");
    assert_eq!(heartbeat.name, "heartbeat");
    assert_eq!(heartbeat.data, json!({"last_event": 0, "stale": false}));
    assert_eq!(ends.next().await, None);
    app.stop().await;
}
