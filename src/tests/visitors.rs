//! `/v`, `/v.js`, `/v.gif`, `/visitors` and `/api/v1/visitors`: who is counted, once, and what is kept of them.

use std::path::Path;

use chrono::NaiveDate;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use takings::period::sql_date;
use takings::server::database::WORKSPACE;
use takings::visitors::answer::{self, Visited};
use takings::visitors::countries::Countries;

use crate::util::{TestApp, assert_status, at, shopify_order};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1";

/// A page view as the script sends it, through a proxy on this machine, with more headers.
async fn view(app: &TestApp, address: &str, agent: &str, body: &Value, headers: &[(&str, &str)]) -> Response {
    let mut request = app.client.post(app.url("/v")).header("user-agent", agent).header("x-forwarded-for", address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.header("origin", "https://shop.example").body(body.to_string()).send().await.expect("an answer")
}

async fn seen(app: &TestApp, address: &str, path: &str) {
    let body = json!({"h": "shop.example", "p": path, "r": ""});
    assert_status(view(app, address, FIREFOX, &body, &[]).await, StatusCode::ACCEPTED).await;
}

/// What is known at the app's time, from the database.
async fn known(db: &PgPool, app: &TestApp) -> Visited {
    answer::read(&mut db.acquire().await.expect("a connection"), &app.books, app.clock.now()).await.expect("an answer")
}

/// Stops a server, which counts what it has taken, and starts it again.
async fn counted(app: TestApp, db: &PgPool) -> TestApp {
    let now = app.clock.now().to_rfc3339();
    app.stop().await;
    TestApp::again(db, &now).await
}

fn date(text: &str) -> NaiveDate {
    sql_date(text.parse().expect("a date"))
}

async fn salts(db: &PgPool) -> Vec<NaiveDate> {
    sqlx::query_scalar("select day from visitor_salts order by day").fetch_all(db).await.expect("days")
}

#[sqlx::test(migrations = "./migrations")]
async fn visitors_are_counted_once_and_page_views_each_time(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let first = json!({"h": "Shop.example:443", "p": "/books?size=2", "r": "https://www.search.example/find?q=secret"});
    assert_status(view(&app, "192.0.2.1", FIREFOX, &first, &[]).await, StatusCode::ACCEPTED).await;
    seen(&app, "192.0.2.1", "/books").await;
    seen(&app, "192.0.2.1", "/basket").await;
    let other_browser = json!({"h": "shop.example", "p": "/books", "r": "https://shop.example/"});
    assert_status(view(&app, "192.0.2.1", IPHONE, &other_browser, &[]).await, StatusCode::ACCEPTED).await;
    seen(&app, "2001:db8::7", "/").await;
    let order = shopify_order(1, "10.00", "2026-11-21T14:30:07Z");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    let app = counted(app, &db).await;
    let found = known(&db, &app).await;
    assert_eq!((found.now, found.today, found.today_views, found.yesterday), (3, 3, 5, 0));
    let hour = found.hours.last().expect("an hour");
    assert_eq!((hour.window.from, hour.visitors, hour.views), (at("2026-11-21T14:00:00Z"), 3, 5));
    let named = |parts: &[takings::visitors::sums_store::PartSums]| {
        parts.iter().map(|part| (part.name.clone(), part.visitors, part.views)).collect::<Vec<_>>()
    };
    assert_eq!(named(&found.referrers), [("".into(), 2, 4), ("www.search.example".into(), 1, 1)]);
    assert_eq!(named(&found.pages), [("/books".into(), 2, 3), ("/".into(), 1, 1), ("/basket".into(), 0, 1)]);
    assert!(found.countries.is_empty(), "no database names any");
    assert_eq!(found.since, Some(at("2026-11-21T14:30:07Z")));
    // Orders count from the first visitor on, which is this very moment.
    assert_eq!(found.today_orders, 0);
    app.clock.set(at("2026-11-21T14:31:00Z"));
    assert_eq!(known(&db, &app).await.today_orders, 1);
    // Five minutes later nobody is there; a second visit on the same day is by the same visitor.
    app.clock.set(at("2026-11-21T15:10:00Z"));
    seen(&app, "192.0.2.1", "/").await;
    let app = counted(app, &db).await;
    let found = known(&db, &app).await;
    assert_eq!((found.now, found.today, found.today_views), (1, 3, 6));
    let [.., before, now] = &found.hours[..] else { panic!("hours") };
    assert_eq!((before.visitors, now.visitors), (3, 1));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn two_servers_count_a_visitor_once(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let other = app.beside().await;
    for n in 0..20 {
        let address = format!("198.51.100.{n}");
        seen(&app, &address, "/").await;
        seen(&other, &address, "/books").await;
    }
    tokio::join!(app.stop(), other.stop());
    let app = TestApp::again(&db, "2026-11-21T14:30:08Z").await;
    let found = known(&db, &app).await;
    assert_eq!((found.today, found.today_views, found.now), (20, 40, 20));
    assert_eq!(found.hours.last().map(|hour| (hour.visitors, hour.views)), Some((20, 40)));
    assert_eq!(found.pages.iter().map(|page| page.visitors).sum::<i64>(), 20);
    assert_eq!(salts(&db).await, [date("2026-11-21")]);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_day_s_salt_ends_with_it_and_no_address_is_anywhere(db: PgPool) {
    let app = TestApp::start_at(db.clone(), "2026-11-21T23:59:50Z").await;
    seen(&app, "192.0.2.77", "/").await;
    let app = counted(app, &db).await;
    assert_eq!(salts(&db).await, [date("2026-11-21")]);
    app.clock.set(at("2026-11-22T00:02:00Z"));
    seen(&app, "192.0.2.77", "/").await;
    let app = counted(app, &db).await;
    assert_eq!(salts(&db).await, [date("2026-11-22")], "the salt of the day that is over is gone");
    let found = known(&db, &app).await;
    let days: Vec<i64> = found.days.iter().rev().take(2).map(|day| day.visitors).collect();
    assert_eq!(days, [1, 1], "on another day somebody is another visitor");
    // Two days later the marks are gone too; what they added up to stays.
    app.clock.set(at("2026-11-24T12:00:00Z"));
    seen(&app, "192.0.2.78", "/").await;
    let app = counted(app, &db).await;
    let marks: Vec<NaiveDate> =
        sqlx::query_scalar("select day from visitor_day_marks").fetch_all(&db).await.expect("days");
    assert_eq!(marks, [date("2026-11-24")]);
    assert_eq!(known(&db, &app).await.all_days().0, 3);

    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&db)
        .await
        .expect("tables");
    assert!(tables.len() > 30);
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&db)
            .await
            .expect("rows");
        for row in rows {
            assert!(!row.contains("192.0.2.7") && !row.contains("Firefox"), "{table}: {row}");
            assert!(!row.contains("c000024d"), "{table}, as bytes: {row}");
        }
    }
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn who_does_not_want_to_be_counted_is_not_nor_are_robots(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let body = json!({"h": "shop.example", "p": "/", "r": ""});
    for headers in [&[("dnt", "1")][..], &[("sec-gpc", "1")]] {
        assert_status(view(&app, "192.0.2.1", FIREFOX, &body, headers).await, StatusCode::NO_CONTENT).await;
    }
    for agent in ["curl/8.5.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"] {
        assert_status(view(&app, "192.0.2.1", agent, &body, &[]).await, StatusCode::NO_CONTENT).await;
    }
    assert_status(view(&app, "192.0.2.1", FIREFOX, &body, &[("dnt", "0")]).await, StatusCode::ACCEPTED).await;
    let app = counted(app, &db).await;
    assert_eq!(known(&db, &app).await.today_views, 1);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_script_and_the_picture_are_there_for_everybody(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let script = app.client.get(app.url("/v.js")).send().await.expect("an answer");
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    assert!(script.headers()["cache-control"].to_str().expect("text").starts_with("public, max-age="));
    assert_eq!(script.headers().get("set-cookie"), None);
    assert!(assert_status(script, StatusCode::OK).await.len() < 1_000);
    let page = "https://shop.example/books?page=2";
    let picture = app.client.get(app.url("/v.gif")).header("user-agent", FIREFOX).header("referer", page);
    let picture = picture.send().await.expect("an answer");
    assert_eq!(
        (picture.status(), &picture.headers()["content-type"]),
        (StatusCode::OK, &"image/gif".parse().expect("a header"))
    );
    assert_eq!(picture.headers()["cache-control"], "no-store");
    let without_page = app.client.get(app.url("/v.gif")).header("user-agent", FIREFOX).send().await.expect("an answer");
    assert_eq!(without_page.status(), StatusCode::OK);
    let app = counted(app, &db).await;
    let found = known(&db, &app).await;
    assert_eq!((found.today_views, found.pages[0].name.as_str()), (1, "/books"));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_too_large_or_too_often_is_refused_with_a_sentence(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let body = |path: &str, referrer: &str| json!({"h": "shop.example", "p": path, "r": referrer});
    for (sent, status, says) in [
        (json!([]), StatusCode::BAD_REQUEST, "/v.js"),
        (json!({"h": "", "p": "/"}), StatusCode::UNPROCESSABLE_ENTITY, "no host"),
        (body("books", ""), StatusCode::UNPROCESSABLE_ENTITY, "no path"),
        (body("/\0", ""), StatusCode::UNPROCESSABLE_ENTITY, "no path"),
        (body(&format!("/{}", "a".repeat(600)), ""), StatusCode::UNPROCESSABLE_ENTITY, "512 bytes"),
        (
            body("/", &format!("https://a.example/{}", "a".repeat(3_000))),
            StatusCode::UNPROCESSABLE_ENTITY,
            "2048 bytes",
        ),
        (body("/", &"a".repeat(9_000)), StatusCode::PAYLOAD_TOO_LARGE, "8192 bytes"),
    ] {
        let said = assert_status(view(&app, "192.0.2.1", FIREFOX, &sent, &[]).await, status).await;
        assert!(said.contains(says), "{said}");
    }
    let mut last = None;
    for _ in 0..150 {
        last = Some(view(&app, "192.0.2.2", FIREFOX, &body("/", ""), &[]).await);
    }
    let last = last.expect("an answer");
    assert_eq!(last.headers()["retry-after"], "10");
    assert!(assert_status(last, StatusCode::TOO_MANY_REQUESTS).await.contains("this address"));
    seen(&app, "192.0.2.3", "/").await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn days_and_hours_are_the_zone_s_also_when_the_clock_changes(db: PgPool) {
    // The hour from one o'clock is there twice on this day, which has 25 hours.
    let app = TestApp::start_at(db.clone(), "2026-10-25T00:30:00Z").await;
    seen(&app, "192.0.2.1", "/").await;
    let app = counted(app, &db).await;
    app.clock.set(at("2026-10-25T01:30:00Z"));
    seen(&app, "192.0.2.1", "/").await;
    seen(&app, "192.0.2.2", "/").await;
    let app = counted(app, &db).await;
    app.clock.set(at("2026-10-25T23:30:00Z"));
    seen(&app, "192.0.2.3", "/").await;
    let app = counted(app, &db).await;
    let found = known(&db, &app).await;
    assert_eq!((found.today, found.yesterday), (3, 0));
    let hours: Vec<(i64, i64)> = found.hours.iter().map(|hour| (hour.visitors, hour.views)).collect();
    assert_eq!((hours.len(), hours[0], hours[1], hours[23]), (24, (1, 1), (2, 2), (1, 1)));
    // Half past eleven of the day before came 25 hours earlier; half past one the day after compares with the later of two.
    for (now, yesterday) in [
        ("2026-10-26T00:20:00Z", 0),
        ("2026-10-26T01:20:00Z", 1),
        ("2026-10-26T01:40:00Z", 2),
        ("2026-10-26T23:40:00Z", 3),
    ] {
        app.clock.set(at(now));
        assert_eq!(known(&db, &app).await.yesterday, yesterday, "{now}");
    }
    let dates: Vec<String> = known(&db, &app).await.days.iter().map(|day| day.date.to_string()).collect();
    assert_eq!((dates.len(), dates[0].as_str(), dates[29].as_str()), (30, "2026-09-27", "2026-10-26"));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn an_administrator_says_which_hosts_count(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let (viewer, administrator) = (app.cookie_as("vic", "viewer").await, app.cookie_as("ann", "administrator").await);
    let save = async |cookie: &str, hosts: &str| {
        let form = app.client.post(app.url("/visitors/hosts")).header("cookie", cookie);
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("hosts", hosts).finish();
        form.body(body).send().await.expect("an answer")
    };
    assert_status(save(&viewer, "shop.example").await, StatusCode::FORBIDDEN).await;
    let refused =
        assert_status(save(&administrator, "shop.example/books").await, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(refused.contains("is no host"), "{refused}");
    let saved = save(&administrator, "https://shop.example/, www.shop.example").await;
    assert_eq!(saved.headers()["location"], "/visitors?said=saved");
    let page = app.client.get(app.url("/visitors")).header("cookie", &viewer).send().await.expect("an answer");
    let page = assert_status(page, StatusCode::OK).await;
    assert!(page.contains("What counts: shop.example www.shop.example."), "{page}");
    assert!(page.contains("Nobody has been counted yet") && page.contains("/v.js"));
    seen(&app, "192.0.2.1", "/").await;
    let elsewhere = json!({"h": "copy.example", "p": "/", "r": ""});
    assert_status(view(&app, "192.0.2.1", FIREFOX, &elsewhere, &[]).await, StatusCode::ACCEPTED).await;
    let app = counted(app, &db).await;
    assert_eq!(known(&db, &app).await.today_views, 1);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_api_and_the_files_say_what_the_page_says(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    for n in 0..4 {
        seen(&app, &format!("192.0.2.{n}"), "/").await;
    }
    let app = counted(app, &db).await;
    app.clock.set(at("2026-11-21T14:30:09Z"));
    let order = shopify_order(1, "10.00", "2026-11-21T14:30:08Z");
    assert_status(app.shopify("orders/create", order).await, StatusCode::OK).await;
    let token = app.token().await;
    let get = async |path: &str| {
        let answer = app.client.get(app.url(path)).bearer_auth(&token).send().await.expect("an answer");
        assert_status(answer, StatusCode::OK).await
    };
    let told: Value = serde_json::from_str(&get("/api/v1/visitors").await).expect("JSON");
    assert_eq!(
        told["today"],
        json!({"visitors": 4, "views": 4, "visitors_yesterday": 0, "orders": 1, "conversion_percent": "25.0"})
    );
    assert_eq!((&told["now"], &told["since"]), (&json!(4), &json!("2026-11-21T14:30:07+00:00")));
    assert_eq!(told["referrers"], json!([{"name": null, "visitors": 4, "views": 4}]));
    assert_eq!(told["hours"].as_array().map(Vec::len), Some(24));
    assert_eq!(told["days"][29]["date"], json!("2026-11-21"));
    let csv = get("/api/v1/visitors/days.csv?header=plain").await;
    assert!(csv.starts_with("date,visitors,page_views") || csv.starts_with("date,visitors,views,orders,"), "{csv}");
    assert!(csv.contains("2026-11-21,4,4,1,25.0"), "{csv}");
    let page = app.client.get(app.url("/visitors")).header("cookie", app.cookie_of("ada").await).send().await;
    let page = assert_status(page.expect("an answer"), StatusCode::OK).await;
    assert!(page.contains("1 order for 4 visitors") && page.contains("25.0%"), "{page}");
    assert!(page.contains("TAKINGS_COUNTRY_DB"), "how to have countries");
    for path in ["/api/v1/visitors", "/api/v1/visitors/days.csv"] {
        assert_status(app.client.get(app.url(path)).send().await.expect("an answer"), StatusCode::UNAUTHORIZED).await;
    }
    let missing = app.client.get(app.url("/api/v1/visitors/addresses.csv")).bearer_auth(&token).send().await;
    assert!(assert_status(missing.expect("an answer"), StatusCode::NOT_FOUND).await.contains("hours, days, referrers"));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn countries_are_those_of_the_database(db: PgPool) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/fixtures/countries.mmdb");
    let app = TestApp::with_countries(&db, Countries::open(&file).expect("a database")).await;
    for address in ["192.0.2.1", "192.0.2.2", "2001:db8::1", "203.0.113.1"] {
        seen(&app, address, "/").await;
    }
    let app = counted(app, &db).await;
    let found = known(&db, &app).await;
    let countries: Vec<(&str, i64)> =
        found.countries.iter().map(|country| (country.name.as_str(), country.visitors)).collect();
    assert_eq!(countries, [("GB", 2), ("", 1), ("FR", 1)]);
    let file = app.client.get(app.url("/api/v1/visitors/countries.csv?header=plain")).bearer_auth(app.token().await);
    let file = assert_status(file.send().await.expect("an answer"), StatusCode::OK).await;
    assert!(file.contains("United Kingdom,GB,2,2") && file.contains("not known,,1,1"), "{file}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_day_keeps_a_thousand_names_apart_and_counts_all(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    // Each from an address of its own, so that none is sent too often.
    for n in 0..1_100 {
        seen(&app, &format!("198.51.{}.{}", n / 250, n % 250), &format!("/page-{n}")).await;
    }
    let app = counted(app, &db).await;
    let found = known(&db, &app).await;
    assert_eq!((found.today, found.today_views), (1_100, 1_100));
    let names: i64 = sqlx::query_scalar("select count(*) from visitor_parts where kind = 'page'")
        .fetch_one(&db)
        .await
        .expect("a count");
    assert!((1_000..=1_001).contains(&names), "{names}");
    let all: i64 =
        sqlx::query_scalar("select sum(views)::bigint from visitor_parts where kind = 'page' and workspace_id = $1")
            .bind(WORKSPACE)
            .fetch_one(&db)
            .await
            .expect("a sum");
    assert_eq!(all, 1_100);
    app.stop().await;
}
