//! `POST /webhooks/…`: signatures, answers, what is kept, what counts.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::sales::sums;
use takings::server::database::WORKSPACE;
use takings::sources::{replay, shopify, store as sources};

use crate::util::{SECRET, TestApp, assert_status, shopify_order};

const NOW: &str = "2026-11-21T14:00:00Z";

async fn kept(app: &TestApp) -> (i64, i64) {
    sqlx::query_as("select count(*), count(problem) from deliveries").fetch_one(&app.db).await.expect("counts")
}

#[sqlx::test(migrations = "./migrations")]
async fn a_signed_order_counts_once_however_often_it_is_delivered(db: PgPool) {
    let app = TestApp::start(db).await;
    for _ in 0..3 {
        assert_status(app.shopify("orders/create", shopify_order(1, "45.67", NOW)).await, StatusCode::OK).await;
    }
    let today = app.overview().await.today.current;
    assert_eq!((today.orders, today.revenue), (1, 4567));
    assert_eq!(kept(&app).await, (3, 0));
    assert_eq!(app.differing_sums().await, 0);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn wrong_signatures_unknown_sources_and_large_bodies_are_refused_and_not_kept(db: PgPool) {
    let app = TestApp::start(db).await;
    let post = |path: &str, signature: &str, body: Vec<u8>| {
        app.client
            .post(app.url(path))
            .header("x-shopify-topic", "orders/create")
            .header("x-shopify-hmac-sha256", signature)
            .body(body)
            .send()
    };
    let body = shopify_order(1, "45.67", NOW).into_bytes();
    let good = shopify::sign(&body, SECRET);
    let wrong = post("/webhooks/shopify/shop", &shopify::sign(&body, "other"), body.clone()).await.expect("an answer");
    assert_status(wrong, StatusCode::UNAUTHORIZED).await;
    let unknown = post("/webhooks/shopify/nowhere", &good, body.clone()).await.expect("an answer");
    assert!(assert_status(unknown, StatusCode::NOT_FOUND).await.contains("source"));
    let large = post("/webhooks/shopify/shop", &good, vec![b' '; 3 * 1024 * 1024]).await.expect("an answer");
    assert_status(large, StatusCode::PAYLOAD_TOO_LARGE).await;
    let unsigned = app.client.post(app.url("/webhooks/standard/own")).body("{}").send().await.expect("an answer");
    assert_status(unsigned, StatusCode::UNAUTHORIZED).await;
    assert_eq!(kept(&app).await, (0, 0));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_old_secret_signs_while_secrets_are_rotated_and_both_header_spellings_work(db: PgPool) {
    sources::add(&db, WORKSPACE, "shop", "shopify", "the old secret").await.expect("a source");
    let app = TestApp::start(db).await;
    for (id, secret, prefix) in [(1, SECRET, "X-Shopify"), (2, "the old secret", "shopify")] {
        let body = shopify_order(id, "10.00", NOW).into_bytes();
        let response = app
            .client
            .post(app.url("/webhooks/shopify/shop"))
            .header(format!("{prefix}-Topic"), "orders/create")
            .header(format!("{prefix}-Hmac-Sha256"), shopify::sign(&body, secret))
            .body(body)
            .send()
            .await
            .expect("an answer");
        assert_status(response, StatusCode::OK).await;
    }
    assert_eq!(app.overview().await.today.current.orders, 2);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_body_that_cannot_be_read_names_its_field_and_is_kept(db: PgPool) {
    let app = TestApp::start(db).await;
    let body = json!({"id": 1, "created_at": NOW, "currency": "GBP", "total_price": "lots"}).to_string();
    let said = assert_status(app.shopify("orders/create", body).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(said.contains("total_price"), "{said}");
    let said =
        assert_status(app.standard(&json!({"type": "order.placed"})).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(said.contains("timestamp"), "{said}");
    assert_eq!(kept(&app).await, (2, 2));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_delivery_that_the_database_refuses_does_not_take_its_neighbours_with_it(db: PgPool) {
    let app = TestApp::start(db).await;
    // PostgreSQL cannot hold a NUL in a text.
    let poison = shopify_order(1, "1.00", NOW).replace("\"#1\"", "\"\\u0000\"");
    let posts = (0..8).map(|i| {
        let body = if i == 3 { poison.clone() } else { shopify_order(100 + i, "10.00", NOW) };
        app.shopify("orders/create", body)
    });
    let answers = futures_util::future::join_all(posts).await;
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
    assert_eq!(app.overview().await.today.current.orders, 7);
    assert_eq!(kept(&app).await, (8, 1));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn real_orders_and_refunds_of_shopify_add_up(db: PgPool) {
    let app = TestApp::start_at(db, "2025-07-02T20:00:00Z").await;
    let deliveries = [
        ("refunds/create", include_str!("fixtures/shopify-refunds_create.json")),
        ("orders/updated", include_str!("fixtures/shopify-orders_updated.json")),
        ("orders/create", include_str!("fixtures/shopify-orders_create_discounted.json")),
        ("orders/create", include_str!("fixtures/shopify-orders_create_euro.json")),
        ("orders/cancelled", include_str!("fixtures/shopify-orders_cancelled.json")),
    ];
    for (topic, body) in deliveries {
        assert_status(app.shopify(topic, body).await, StatusCode::OK).await;
    }
    // In the currencies of the orders: 598.94 − 209.00 and 181.09 US dollars, 238.47 euros; the cancelled one is a test.
    let amounts: Vec<(String, i64)> =
        sqlx::query_as("select currency, sum(amount_minor)::bigint from ledger group by 1 order by 1")
            .fetch_all(&app.db)
            .await
            .expect("sums");
    let standing: String = sqlx::query_scalar("select standing from orders where standing <> 'counted'")
        .fetch_one(&app.db)
        .await
        .expect("one");
    assert_eq!(standing, "test");
    let refunds: i64 =
        sqlx::query_scalar("select sum(amount_minor)::bigint from ledger where kind::text like 'refund%'")
            .fetch_one(&app.db)
            .await
            .expect("a sum");
    assert_eq!(refunds, -20_900);
    assert_eq!(amounts, [("EUR".to_owned(), 23_847), ("USD".to_owned(), 59_894 - 20_900 + 18_109)]);
    assert_eq!(app.differing_sums().await, 0);
    app.stop().await;
}

fn placed(id: &str, data: Value) -> Value {
    let mut order = json!({"id": id, "placed_at": NOW, "currency": "GBP", "gross": "20.00"});
    order.as_object_mut().expect("an object").extend(data.as_object().expect("an object").clone());
    json!({"type": "order.placed", "timestamp": NOW, "data": order})
}

#[sqlx::test(migrations = "./migrations")]
async fn a_refund_lowers_its_own_day_and_a_cancellation_is_reversed_on_its_own(db: PgPool) {
    let app = TestApp::start(db).await;
    let yesterday = "2026-11-20T10:00:00Z";
    let refunded = json!({"placed_at": yesterday, "refunds": [{"id": "R", "refunded_at": NOW, "goods": "5.00"}]});
    assert_status(app.standard(&placed("A", refunded)).await, StatusCode::OK).await;
    let cancelled = json!({"placed_at": yesterday, "cancelled_at": NOW, "shipping": "2.50"});
    assert_status(app.standard(&placed("B", cancelled)).await, StatusCode::OK).await;
    let overview = app.overview().await;
    assert_eq!((overview.yesterday.current.orders, overview.yesterday.current.revenue), (2, 4_250));
    assert_eq!((overview.today.current.orders, overview.today.current.revenue), (0, -500 - 2_250));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn orders_that_do_not_count_are_kept_and_not_summed(db: PgPool) {
    let app = TestApp::start(db).await;
    for status in ["test", "draft", "deleted", "voided", "failed"] {
        assert_status(app.standard(&placed(status, json!({"status": status}))).await, StatusCode::OK).await;
    }
    assert_eq!(app.overview().await.today.current.orders, 0);
    let stored: i64 = sqlx::query_scalar("select count(*) from orders").fetch_one(&app.db).await.expect("a count");
    assert_eq!(stored, 5);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn amounts_are_converted_at_the_day_s_rate_and_flagged_where_there_is_none(db: PgPool) {
    let app = TestApp::start_at(db, "2026-10-25T12:00:00Z").await;
    let order =
        |id: &str, currency: &str| placed(id, json!({"placed_at": "2026-10-25T10:00:00Z", "currency": currency}));
    assert_status(app.standard(&order("A", "USD")).await, StatusCode::OK).await;
    assert_status(app.standard(&order("B", "RUB")).await, StatusCode::OK).await;
    let (rate, date): (String, String) =
        sqlx::query_as("select rate::text, rate_date::text from orders where external_id = 'A'")
            .fetch_one(&app.db)
            .await
            .expect("a rate");
    // Sunday takes Friday's rate.
    assert_eq!(date, "2026-10-23");
    let expected = (20.0 * rate.parse::<f64>().expect("a number") * 100.0).round() as i64;
    let overview = app.overview().await;
    assert_eq!((overview.today.current.orders, overview.today.current.revenue), (1, expected));
    assert_eq!(overview.flagged, 1);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_could_not_be_read_is_read_again_on_replay(db: PgPool) {
    let app = TestApp::start(db).await;
    let nonsense = app.shopify("orders/create", "{}").await;
    assert_status(nonsense, StatusCode::UNPROCESSABLE_ENTITY).await;
    // As an older version would have kept it, which could not read this order yet.
    sqlx::query(
        "insert into deliveries (workspace_id, source_id, received_at, topic, body, problem)
         select 1, id, now(), 'orders/create', convert_to($1, 'UTF8'), 'not understood' from sources where name = 'shop'",
    )
    .bind(shopify_order(7, "45.67", "2026-11-21T12:00:00Z"))
    .execute(&app.db)
    .await
    .expect("kept");
    for recorded in [1, 0] {
        let replayed = replay::replay(&app.db, &app.bus, &app.books).await.expect("replayed");
        assert_eq!((replayed.recorded, replayed.unreadable), (recorded, 1));
        assert_eq!(app.overview().await.today.current.revenue, 4567);
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn sums_are_built_again_from_the_ledger(db: PgPool) {
    let app = TestApp::start(db).await;
    for (id, placed) in [(1, "2026-11-21T12:00:30Z"), (2, "2026-10-25T00:30:00Z")] {
        assert_status(app.shopify("orders/create", shopify_order(id, "10.00", placed)).await, StatusCode::OK).await;
    }
    sqlx::query("update sums_day set orders = orders + 1").execute(&app.db).await.expect("damaged");
    sqlx::query("delete from sums_quarter_hour").execute(&app.db).await.expect("damaged");
    assert_ne!(app.differing_sums().await, 0);
    sums::additions_store::rebuild(&app.db, &app.books).await.expect("built again");
    assert_eq!(app.differing_sums().await, 0);
    assert_eq!(app.overview().await.today.current.orders, 1);
    app.stop().await;
}
