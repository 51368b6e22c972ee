//! Pages that need no script: an order, the settings.

use reqwest::header::HeaderValue;
use reqwest::{Response, StatusCode};
use serde_json::json;
use sqlx::PgPool;
use takings::server::database::WORKSPACE;
use takings::settings;

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
    assert!(html.contains("<title>Order #1001 · Takings</title>"), "{html}");
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

/// Posts the form of the settings page, with some fields changed.
async fn save(app: &TestApp, cookie: &str, changed: &[(&str, &str)]) -> Response {
    let mut form = vec![
        ("currency_was", "GBP"),
        ("currency", "GBP"),
        ("zone", "Europe/London"),
        ("week_start", "1"),
        ("completes_minutes", "530"),
    ];
    for (name, value) in changed {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = app.client.post(app.url("/settings")).header("cookie", cookie);
    request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.expect("an answer")
}

async fn settings_now(app: &TestApp) -> settings::Settings {
    let mut db = app.db.acquire().await.expect("a connection");
    settings::store::read(&mut db, WORKSPACE).await.expect("settings")
}

#[sqlx::test(migrations = "./migrations")]
async fn the_settings_page_changes_each_setting_and_says_so(db: PgPool) {
    let app = TestApp::start(db).await;
    let cookie = app.cookie_as("grace", "administrator").await;
    let html = assert_status(page(&app, &cookie, "/settings").await, StatusCode::OK).await;
    for says in
        ["GBP – Pound sterling", "value=\"Europe/London\"", "Asia/Kathmandu", "Monday", "value=\"530\"", "USD – "]
    {
        assert!(html.contains(says), "{says}: {html}");
    }
    assert!(!html.contains("http-equiv=\"refresh\"") && !html.contains("DEM"), "{html}");
    let changed = [("zone", " asia/kathmandu"), ("week_start", "7"), ("completes_minutes", "480")];
    let answer = save(&app, &cookie, &changed).await;
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (StatusCode::SEE_OTHER, &HeaderValue::from_static("/settings?said=saved"))
    );
    let now = settings_now(&app).await;
    assert_eq!((now.zone.as_str(), now.week_start, now.completes_minutes), ("Asia/Kathmandu", 7, 480));
    let html = assert_status(page(&app, &cookie, "/settings?said=saved").await, StatusCode::OK).await;
    assert!(html.contains("The settings are saved.") && html.contains("value=\"Asia/Kathmandu\""), "{html}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_no_setting_is_said_beside_its_field_and_changes_nothing(db: PgPool) {
    let app = TestApp::start(db).await;
    let cookie = app.cookie_as("grace", "administrator").await;
    let before = settings_now(&app).await;
    for (field, value, says) in [
        ("currency", "<b>pounds", "&lt;b&gt;pounds&quot; is no currency: give its code of three letters"),
        ("currency", "GBX", "GBX&quot; is no currency"),
        ("zone", "London", "London&quot; is no time zone: give an IANA name, such as Europe/London"),
        ("zone", "", "is no time zone"),
        ("week_start", "8", "the week cannot start on day 8: give 1 for Monday to 7 for Sunday"),
        ("week_start", "Monday", "the week cannot start on day"),
        ("completes_minutes", "0", "a title cannot have 0 minutes: give a number from 1 to 100000"),
        ("completes_minutes", "99999999999", "a title cannot have"),
    ] {
        let answer = save(&app, &cookie, &[("week_start", "3"), (field, value)]).await;
        let html = assert_status(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        let at = html.find(&format!("id=\"{field}-problem\"")).expect("a place for the problem");
        let said = html[at..].replace('"', "&quot;");
        assert!(said.find(says).is_some_and(|place| place < 200), "{field}={value}: {said}");
        assert!(html.contains("Nothing was changed") && !html.contains("<b>pounds"), "{html}");
        assert_eq!(settings_now(&app).await, before, "{field}={value}");
    }
    // All that is wrong is said at once, and what was typed stays.
    let answer = save(&app, &cookie, &[("zone", "Nowhere"), ("completes_minutes", "x")]).await;
    let html = assert_status(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(html.contains("is no time zone") && html.contains("a title cannot have"), "{html}");
    assert!(html.contains("value=\"Nowhere\""), "{html}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn settings_are_changed_by_an_administrator_from_the_own_page_alone(db: PgPool) {
    let app = TestApp::start(db).await;
    let stranger = app.client.get(app.url("/settings")).send().await.expect("an answer");
    assert_eq!(stranger.headers()["location"], "/sign-in");
    assert_eq!(save(&app, "", &[("week_start", "7")]).await.headers()["location"], "/sign-in");
    let analyst = app.cookie_of("ada").await;
    let html = assert_status(page(&app, &analyst, "/settings").await, StatusCode::OK).await;
    assert!(html.contains("Only an administrator changes settings.") && !html.contains(">Save<"), "{html}");
    assert_status(save(&app, &analyst, &[("week_start", "7")]).await, StatusCode::FORBIDDEN).await;
    let administrator = app.cookie_as("grace", "administrator").await;
    let elsewhere = app.client.post(app.url("/settings")).header("cookie", &administrator);
    let elsewhere = elsewhere.header("origin", "https://evil.example").body("week_start=7").send().await;
    assert_status(elsewhere.expect("an answer"), StatusCode::FORBIDDEN).await;
    let large = app.client.post(app.url("/settings")).header("cookie", &administrator);
    let large =
        large.header("content-type", "application/x-www-form-urlencoded").body("zone=".to_owned() + &"x".repeat(9_000));
    assert_status(large.send().await.expect("an answer"), StatusCode::BAD_REQUEST).await;
    assert_eq!(settings_now(&app).await.week_start, 1);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_change_of_the_currency_shows_its_progress_until_it_is_stopped(db: PgPool) {
    let app = TestApp::start_at(db, "2026-10-30T14:30:07Z").await;
    let order = shopify_order(1, "8.34", "2026-10-30T12:00:00Z");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    let cookie = app.cookie_as("grace", "administrator").await;
    // The change takes turns with recordings: as long as the test holds their lock it stands still.
    let mut held = app.db.begin().await.expect("a transaction");
    let asked = "insert into workspace_recomputations (workspace_id, currency, orders_total) values (1, 'EUR', 1234)";
    sqlx::query(asked).execute(&app.db).await.expect("a change");
    settings::store::lock(&mut held, WORKSPACE).await.expect("the lock");
    let html = assert_status(page(&app, &cookie, "/settings").await, StatusCode::OK).await;
    assert!(text(&html).contains("of 1,234 orders are converted into EUR."), "{html}");
    assert!(html.contains("<meta http-equiv=\"refresh\" content=\"3\">") && text(&html).contains("Keep GBP"), "{html}");
    let still = assert_status(page(&app, &cookie, "/settings?follow=no").await, StatusCode::OK).await;
    assert!(!still.contains("http-equiv=\"refresh\""), "{still}");
    // Nobody else works on it: it is gone before the lock is.
    sqlx::query("delete from workspace_recomputations").execute(&app.db).await.expect("forgotten");
    held.rollback().await.expect("the lock is given back");
    let stop = app.client.post(app.url("/settings/keep-currency")).header("cookie", &cookie);
    let stop = stop.header("content-type", "application/x-www-form-urlencoded").body("currency=GBP");
    let stopped = stop.send().await.expect("an answer");
    assert_eq!(stopped.headers()["location"], "/settings?said=stopped");
    let html = assert_status(page(&app, &cookie, "/settings?said=stopped").await, StatusCode::OK).await;
    assert!(html.contains("is stopped") && !html.contains("converted into EUR"), "{html}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_currency_that_was_chosen_on_the_page_is_made_and_other_saves_leave_it_alone(db: PgPool) {
    let app = TestApp::start_at(db, "2026-10-30T14:30:07Z").await;
    let order = shopify_order(1, "8.34", "2026-10-30T12:00:00Z");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    let cookie = app.cookie_as("grace", "administrator").await;
    let mut socket = app.socket("", Some("takings.v1")).await;
    let answer = save(&app, &cookie, &[("currency", "EUR")]).await;
    assert_eq!(answer.headers()["location"], "/settings?said=currency");
    // Somebody whose page still shows pounds saves something else.
    assert_eq!(save(&app, &cookie, &[("week_start", "7")]).await.headers()["location"], "/settings?said=saved");
    socket.find(|m| (m["snapshot"]["currency"] == "EUR").then_some(())).await;
    let now = settings_now(&app).await;
    assert_eq!((now.currency.code(), now.week_start), ("EUR", 7));
    let html = assert_status(page(&app, &cookie, "/settings").await, StatusCode::OK).await;
    assert!(!html.contains("http-equiv=\"refresh\"") && html.contains("name=\"currency_was\" value=\"EUR\""), "{html}");
    app.stop().await;
}
