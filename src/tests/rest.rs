//! `/api/v1/…`: orders one by one, validators, the specification, and refusals.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::util::{TestApp, assert_status, function, shopify_order};

async fn get(app: &TestApp, path: &str) -> Response {
    app.client.get(app.url(path)).bearer_auth(app.token().await).send().await.expect("an answer")
}

async fn get_json(app: &TestApp, path: &str) -> Value {
    serde_json::from_str(&assert_status(get(app, path).await, StatusCode::OK).await).expect("JSON")
}

/// Asserts that an answer is a problem that says so; returns its detail.
async fn assert_problem(answer: Response, status: StatusCode) -> String {
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{}", answer.url());
    let problem: Value = serde_json::from_str(&assert_status(answer, status).await).expect("JSON");
    assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(status.as_u16())));
    assert_eq!(problem["title"].as_str(), status.canonical_reason());
    problem["detail"].as_str().filter(|detail| !detail.is_empty()).expect("a sentence").to_owned()
}

async fn deliver(app: &TestApp, id: i64, total: &str, at: &str) {
    assert_status(app.shopify("orders/create", shopify_order(id, total, at)).await, StatusCode::OK).await;
}

fn numbers(page: &Value) -> Vec<String> {
    let orders = page["orders"].as_array().expect("orders");
    orders.iter().map(|order| order["number"].as_str().expect("a number").to_owned()).collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn paging_walks_all_orders_once_whatever_arrives_meanwhile(db: PgPool) {
    let app = TestApp::start(db).await;
    // Three at the same moment: the walk stops and goes on between them.
    for (id, at) in [
        (1, "2026-11-21T10:00:00Z"),
        (2, "2026-11-21T11:00:00Z"),
        (3, "2026-11-21T11:00:00Z"),
        (4, "2026-11-21T11:00:00Z"),
        (5, "2026-11-21T12:00:00Z"),
        (6, "2026-11-15T12:00:00Z"),
        (7, "2026-11-21T13:00:00Z"),
    ] {
        deliver(&app, id, "10.00", at).await;
    }
    let (mut walked, mut address, mut pages) = (Vec::new(), Some("/api/v1/orders?range=7d&limit=2".to_owned()), 0);
    while let Some(path) = address {
        let answer = get(&app, &path).await;
        let link = answer.headers().get("link").map(|link| link.to_str().expect("text").to_owned());
        let page: Value = serde_json::from_str(&assert_status(answer, StatusCode::OK).await).expect("JSON");
        walked.extend(numbers(&page));
        address = link.map(|link| {
            link.strip_prefix('<').and_then(|l| l.split_once(">; rel=\"next\"")).expect("a link").0.to_owned()
        });
        let next = page["next"].as_str().map(|next| format!("/api/v1/orders?range=7d&limit=2&cursor={next}"));
        assert_eq!(address, next);
        pages += 1;
        deliver(&app, 100 + pages, "1.00", "2026-11-21T14:00:00Z").await;
        app.clock.set(crate::util::at(&format!("2026-11-2{}T14:30:07Z", 1 + pages)));
    }
    assert_eq!(walked, ["#7", "#5", "#4", "#3", "#2", "#1", "#6"]);
    assert_eq!(pages, 4);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_list_holds_the_orders_that_the_figures_count(db: PgPool) {
    let app = TestApp::start(db).await;
    deliver(&app, 1, "10.00", "2026-11-21T10:00:00Z").await;
    let french = shopify_order(2, "20.00", "2026-11-21T11:00:00Z").replace("\"GB\"", "\"FR\"");
    let test = shopify_order(3, "40.00", "2026-11-21T12:00:00Z").replacen('{', "{\"test\":true,", 1);
    for order in [french, test] {
        assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    }
    deliver(&app, 4, "80.00", "2026-10-01T12:00:00Z").await;
    for (query, listed) in [
        ("range=today", &["#2", "#1"][..]),
        ("range=today&country=FR,DE&status=paid", &["#2"]),
        ("range=today&platform=etsy", &[]),
        ("range=today&standing=all", &["#3", "#2", "#1"]),
        ("range=all&source=shop", &["#2", "#1", "#4"]),
        ("from=2026-10-01&to=2026-10-01", &["#4"]),
    ] {
        let page = get_json(&app, &format!("/api/v1/orders?{query}")).await;
        assert_eq!(numbers(&page), listed, "{query}");
        assert_eq!(page["next"], Value::Null);
        if !query.contains("standing") {
            let shown = app.snapshot(&format!("?{query}")).await;
            assert_eq!(shown["overview"]["range"]["current"]["orders"], json!(listed.len()), "{query}");
        }
    }
    let tested = &get_json(&app, "/api/v1/orders?range=today&standing=all").await["orders"][0];
    assert_eq!((&tested["standing"], &tested["amounts"]["total"]), (&json!("test"), &json!("40.00")));
    assert_eq!(tested["reporting_amounts"], Value::Null, "it is in no figure");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn an_order_says_what_it_was_worth_what_went_back_and_how_it_was_heard_of(db: PgPool) {
    let app = TestApp::start_at(db, "2024-06-20T12:00:00Z").await;
    let order = |refunds: Value, modified: &str| {
        json!({"type": "order.updated", "timestamp": modified, "data": {
            "id": "A-1", "number": "#1001", "placed_at": "2024-06-14T12:00:00Z", "modified_at": modified, "currency": "EUR",
            "gross": "40.00", "discount": "4.00", "shipping": "5.00", "country": "IE", "payment": "paid", "refunds": refunds,
        }})
    };
    let refund = json!([{"id": "R-1", "refunded_at": "2024-06-17T09:00:00Z", "goods": "36.00"}]);
    for (refunds, modified) in [(json!([]), "2024-06-14T12:00:05Z"), (refund, "2024-06-17T09:00:00Z")] {
        assert_status(app.standard(&order(refunds, modified)).await, StatusCode::OK).await;
    }
    let page = get_json(&app, "/api/v1/orders").await;
    let order = &page["orders"][0];
    assert_eq!(
        (&order["source"], &order["platform"], &order["external_id"], &order["status"], &order["country"]),
        (&json!("own"), &json!("direct"), &json!("A-1"), &json!("paid"), &json!("IE"))
    );
    assert_eq!(order["placed_at"], json!("2024-06-14T13:00:00+01:00"), "the workspace's zone");
    assert_eq!(
        order["amounts"],
        json!({"gross": "40.00", "discount": "4.00", "shipping": "5.00", "tax": "0.00", "total": "41.00",
            "refunded": "36.00", "cancelled": "0.00", "remaining": "5.00"})
    );
    assert_eq!((&order["currency"], &order["reporting_currency"]), (&json!("EUR"), &json!("GBP")));
    assert_eq!((&order["rate"]["date"], &order["flagged"]), (&json!("2024-06-14"), &json!(false)));
    // Dated to the order, the page's revenue is what is left of it.
    let shown = app.snapshot("?refunds=order").await["overview"]["range"]["current"]["revenue"].as_i64();
    let minor = |amount: &Value| amount.as_str().expect("decimal text").replace('.', "").parse::<i64>().expect("pence");
    assert_eq!(shown, Some(minor(&order["reporting_amounts"]["remaining"])));

    let details = get_json(&app, &format!("/api/v1/orders/{}", order["id"])).await;
    assert_eq!(&details["order"], order);
    let ledger = details["ledger"].as_array().expect("entries");
    let kinds: Vec<&str> = ledger.iter().filter_map(|entry| entry["kind"].as_str()).collect();
    assert_eq!(kinds, ["sale", "discount", "shipping", "refund_goods"]);
    assert_eq!((&ledger[3]["part"], &ledger[3]["amount"]), (&json!("R-1"), &json!("-36.00")));
    assert_eq!(ledger.iter().map(|entry| minor(&entry["reporting_amount"])).sum::<i64>(), shown.expect("revenue"));
    let deliveries = details["deliveries"].as_array().expect("deliveries");
    assert_eq!(deliveries.len(), 2, "both deliveries, the newest first");
    let body = get(&app, deliveries[0]["body"].as_str().expect("an address")).await;
    assert_eq!(body.headers()["x-content-type-options"], "nosniff");
    assert!(body.headers()["content-disposition"].to_str().expect("text").starts_with("attachment;"));
    let raw = assert_status(body, StatusCode::OK).await;
    assert!(raw.contains("\"R-1\""), "{raw}");
    assert_eq!(deliveries[0]["bytes"], json!(raw.len()));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn who_has_the_answer_already_is_told_that_nothing_changed(db: PgPool) {
    let app = TestApp::start(db).await;
    deliver(&app, 1, "10.00", "2026-11-21T10:00:00Z").await;
    let token = app.token().await;
    let ask = |method: Method, path: &str, known: &str| {
        let request = app.client.request(method, app.url(path)).bearer_auth(&token);
        request.header("if-none-match", known.to_owned()).send()
    };
    let tag = |answer: &Response| answer.headers()["etag"].to_str().expect("text").to_owned();
    for path in [
        "/api/v1/tables/countries.csv?header=plain",
        "/api/v1/tables/countries.xlsx",
        "/api/v1/charts/revenue.json",
        "/api/v1/orders",
        "/api/v1/orders/1",
        "/api/v1/deliveries/1/body",
        "/api/v1/openapi.json",
    ] {
        let first = ask(Method::GET, path, "\"another\"").await.expect("an answer");
        assert_eq!(
            (first.status(), &first.headers()["cache-control"]),
            (StatusCode::OK, &"private, no-cache".parse().expect("a header")),
            "{path}"
        );
        let known = tag(&first);
        assert!(known.starts_with('"'), "{path}: a strong tag");
        let head = ask(Method::HEAD, path, "\"another\"").await.expect("an answer");
        assert_eq!((head.status(), tag(&head)), (StatusCode::OK, known.clone()), "{path}");
        for names in [known.clone(), format!("W/{known}"), format!("\"x\", {known}"), "*".to_owned()] {
            let again = ask(Method::GET, path, &names).await.expect("an answer");
            assert_eq!((again.status(), tag(&again)), (StatusCode::NOT_MODIFIED, known.clone()), "{path} {names}");
            assert_eq!(again.text().await.expect("a text"), "");
        }
    }
    // The snapshot says which computation it is of, so it may be another one each time.
    let snapshot = ask(Method::GET, "/api/v1/snapshot", "*").await.expect("an answer");
    assert_eq!((snapshot.status(), tag(&snapshot).is_empty()), (StatusCode::NOT_MODIFIED, false));
    let path = "/api/v1/orders?range=today";
    let before = tag(&ask(Method::GET, path, "").await.expect("an answer"));
    deliver(&app, 2, "10.00", "2026-11-21T11:00:00Z").await;
    let after = ask(Method::GET, path, &before).await.expect("an answer");
    assert_eq!(after.status(), StatusCode::OK, "an order more is another answer");
    let refused = ask(Method::GET, "/api/v1/orders/77", "*").await.expect("an answer");
    assert_eq!((refused.status(), refused.headers().get("etag")), (StatusCode::NOT_FOUND, None));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn every_refusal_is_a_problem_that_says_what_to_do(db: PgPool) {
    let app = TestApp::start(db).await;
    deliver(&app, 1, "10.00", "2026-11-21T10:00:00Z").await;
    deliver(&app, 2, "10.00", "2026-11-21T11:00:00Z").await;
    let next = get_json(&app, "/api/v1/orders?limit=1").await["next"].as_str().expect("a cursor").to_owned();
    let of_another_list = format!("/api/v1/orders?limit=1&country=GB&cursor={next}");
    for (path, status, says) in [
        ("/api/v1/snapshot?range=fortnight", StatusCode::BAD_REQUEST, "range is one of"),
        ("/api/v1/snapshot?contry=GB", StatusCode::BAD_REQUEST, "it takes range, from"),
        ("/api/v1/snapshot?country=GB&country=FR", StatusCode::BAD_REQUEST, "commas"),
        ("/api/v1/snapshot?source=nowhere", StatusCode::UNPROCESSABLE_ENTITY, "no source named nowhere"),
        ("/api/v1/orders?from=2026-02-30&to=2026-03-01", StatusCode::UNPROCESSABLE_ENTITY, "2026-02-30"),
        ("/api/v1/orders?from=2026-03-01", StatusCode::UNPROCESSABLE_ENTITY, "both dates"),
        ("/api/v1/orders?limit=0", StatusCode::BAD_REQUEST, "from 1 to 200"),
        ("/api/v1/orders?limit=201", StatusCode::BAD_REQUEST, "from 1 to 200"),
        ("/api/v1/orders?standing=test", StatusCode::BAD_REQUEST, "counted, all"),
        ("/api/v1/orders?cursor=nonsense", StatusCode::UNPROCESSABLE_ENTITY, "same question"),
        (&of_another_list, StatusCode::UNPROCESSABLE_ENTITY, "same question"),
        ("/api/v1/orders/77", StatusCode::NOT_FOUND, "no order of this number"),
        ("/api/v1/orders/one", StatusCode::NOT_FOUND, "no order of this number"),
        ("/api/v1/deliveries/77/body", StatusCode::NOT_FOUND, "no delivery of this number"),
        ("/api/v1/nothing", StatusCode::NOT_FOUND, "nothing at this address"),
        ("/api/v1/", StatusCode::NOT_FOUND, "nothing at this address"),
        ("/api/nothing", StatusCode::NOT_FOUND, "nothing at this address"),
    ] {
        let said = assert_problem(get(&app, path).await, status).await;
        assert!(said.contains(says), "{path}: {said}");
    }
    for path in
        ["/api/v1/snapshot", "/api/v1/orders", "/api/v1/orders/1", "/api/v1/deliveries/1/body", "/api/v1/openapi.json"]
    {
        let stranger = app.client.get(app.url(path)).send().await.expect("an answer");
        assert_eq!(stranger.headers()["www-authenticate"], "Bearer", "{path}");
        assert!(assert_problem(stranger, StatusCode::UNAUTHORIZED).await.contains("API token"), "{path}");
        let posted = app.client.post(app.url(path)).send().await.expect("an answer");
        assert_eq!(posted.headers()["allow"], "GET,HEAD", "{path}");
        assert!(assert_problem(posted, StatusCode::METHOD_NOT_ALLOWED).await.contains("POST"), "{path}");
        let large = app.client.get(app.url(path)).body(vec![b' '; 100_000]).send().await.expect("an answer");
        assert_problem(large, StatusCode::PAYLOAD_TOO_LARGE).await;
    }
    let form = app.url(&function("sign_in"));
    let asked = app.client.get(&form).send().await.expect("an answer");
    assert_eq!(asked.headers()["allow"], "POST");
    assert_problem(asked, StatusCode::METHOD_NOT_ALLOWED).await;
    let large = app.client.post(&form).body(vec![b' '; 100_000]).send().await.expect("an answer");
    assert_problem(large, StatusCode::PAYLOAD_TOO_LARGE).await;
    let elsewhere = app.client.post(&form).header("origin", "https://evil.example").send().await.expect("an answer");
    assert_problem(elsewhere, StatusCode::FORBIDDEN).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_database_that_is_away_is_a_problem(db: PgPool) {
    let app = TestApp::start(db).await;
    let token = app.token().await;
    app.db.close().await;
    for path in ["/api/v1/snapshot", "/api/v1/orders", "/api/v1/orders/1", "/api/growth/weekly"] {
        let answer = app.client.get(app.url(path)).bearer_auth(&token).send().await.expect("an answer");
        assert!(assert_problem(answer, StatusCode::SERVICE_UNAVAILABLE).await.contains("try again"), "{path}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_the_specification_names_is_there_and_the_page_explains_it(db: PgPool) {
    let app = TestApp::start(db).await;
    let document = get_json(&app, "/api/v1/openapi.json").await;
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    for name in ["tables", "charts"] {
        let path = format!("/api/v1/{name}/{{file}}");
        let parameters = document["paths"][&path]["get"]["parameters"].as_array().expect("parameters");
        let files = parameters.iter().find(|parameter| parameter["name"] == "file").expect("the file");
        for file in files["schema"]["enum"].as_array().expect("files") {
            let path = path.replace("{file}", file.as_str().expect("a name"));
            assert_status(get(&app, &path).await, StatusCode::OK).await;
        }
    }
    let stranger = app.client.get(app.url("/api")).send().await.expect("an answer");
    assert_eq!(stranger.headers()["location"], "/sign-in");
    let cookie = app.cookie_of("ada").await;
    let page = app.client.get(app.url("/api")).header("cookie", cookie).send().await.expect("an answer");
    assert!(page.headers()["content-security-policy"].to_str().expect("text").contains("default-src 'none'"));
    let html = assert_status(page, StatusCode::OK).await;
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(html.contains(path.as_str()), "{path}");
    }
    assert!(html.contains("href=\"/api/v1/openapi.json\"") && html.contains("Authorization: Bearer"));
    app.stop().await;
}
