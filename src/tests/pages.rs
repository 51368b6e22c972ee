//! Pages that need no script: an order.

use reqwest::{Response, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::util::{TestApp, assert_status, shopify_order};

async fn page(app: &TestApp, cookie: &str, path: &str) -> Response {
    app.client.get(app.url(path)).header("cookie", cookie).send().await.expect("an answer")
}

/// What a page says, without its elements.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut in_element = false;
    for letter in html.chars() {
        match letter {
            '<' => in_element = true,
            '>' => in_element = false,
            _ if in_element => {}
            _ => out.push(letter),
        }
    }
    out
}

#[sqlx::test(migrations = "./migrations")]
async fn an_order_s_page_has_its_ledger_and_its_deliveries_and_adds_up(db: PgPool) {
    let app = TestApp::start_at(db, "2024-06-20T12:00:00Z").await;
    let order = |refunds: serde_json::Value, modified: &str| {
        json!({"type": "order.updated", "timestamp": modified, "data": {
            "id": "A-1", "number": "#1001", "placed_at": "2024-06-14T12:00:00Z", "modified_at": modified, "currency": "EUR",
            "gross": "40.00", "discount": "4.00", "shipping": "5.00", "country": "IE", "payment": "<script>alert(1)</script>",
            "refunds": refunds,
        }})
    };
    let refund = json!([{"id": "R-1", "refunded_at": "2024-06-17T09:00:00Z", "goods": "36.00"}]);
    for (refunds, modified) in [(json!([]), "2024-06-14T12:00:05Z"), (refund, "2024-06-17T09:00:00Z")] {
        assert_status(app.standard(&order(refunds, modified)).await, StatusCode::OK).await;
    }
    let cookie = app.cookie_of("ada").await;
    let answer = page(&app, &cookie, "/orders/1").await;
    assert!(answer.headers()["content-security-policy"].to_str().expect("text").contains("default-src 'none'"));
    assert_eq!(answer.headers()["cache-control"], "no-store", "it holds personal data");
    let html = assert_status(answer, StatusCode::OK).await;
    assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    let said = text(&html);
    for says in [
        "Order #1001",
        "own · Direct",
        "Ireland (IE)",
        "Fri 14 Jun 2024 13:00:00 BST",
        "2024-06-14 12:00:00 UTC",
        "Mon 17 Jun 2024 10:00:00 BST",
        "the rate of 2024-06-14",
        "It counts in the figures.",
        "as an order, and in revenue",
        "R-1",
        "order.updated",
        "\"gross\": \"40.00\"",
        "/api/v1/orders/1",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }
    // The parts, the ledger and what the page counts are the same money.
    for says in ["€41.00", "\u{2212}€36.00", ">€5.00<"] {
        assert!(html.contains(says), "{says}");
    }
    let shown = app.snapshot("?refunds=order").await["overview"]["range"]["current"]["revenue"].as_i64();
    let left = takings::money::display(shown.expect("revenue"), takings::money::Currency::GBP);
    assert!(html.contains("data-total=\"own\">€5.00<"), "{html}");
    assert!(html.contains(&format!("data-total=\"reporting\">{left}<")), "{left}: {html}");
    let (first, second) = (said.find("The body of delivery 1"), said.find("The body of delivery 2"));
    assert!(first.is_some() && first < second, "in the order of arrival");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn an_order_s_page_is_for_who_is_signed_in_and_says_what_does_not_count(db: PgPool) {
    let app = TestApp::start(db).await;
    let test = shopify_order(3, "40.00", "2026-11-21T12:00:00Z").replacen('{', "{\"test\":true,", 1);
    assert_status(app.shopify("orders/create", test).await, StatusCode::OK).await;
    let stranger = app.client.get(app.url("/orders/1")).send().await.expect("an answer");
    assert_eq!(
        (stranger.status(), &stranger.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/sign-in".parse().expect("a header"))
    );
    let cookie = app.cookie_of("ada").await;
    let html = assert_status(page(&app, &cookie, "/orders/1").await, StatusCode::OK).await;
    assert!(html.contains("A test order: it is in no figure.") && html.contains("It has no entries"), "{html}");
    for path in ["/orders/77", "/orders/0", "/orders/one", "/orders/99999999999999999999"] {
        let html = assert_status(page(&app, &cookie, path).await, StatusCode::NOT_FOUND).await;
        assert!(html.contains("No order has this number."), "{path}: {html}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn an_order_without_a_rate_says_that_it_is_left_out(db: PgPool) {
    let app = TestApp::start_at(db, "2024-06-14T14:30:07Z").await;
    let order = shopify_order(3, "30.00", "2024-06-14T11:00:00Z").replace("\"GBP\"", "\"XTS\"");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    let cookie = app.cookie_of("ada").await;
    let html = assert_status(page(&app, &cookie, "/orders/1").await, StatusCode::OK).await;
    let said = text(&html);
    assert!(said.contains("left out: no exchange rate is known for its currency and day"), "{said}");
    assert!(html.contains("data-total=\"reporting\">£0.00<"), "{html}");
    app.stop().await;
}
