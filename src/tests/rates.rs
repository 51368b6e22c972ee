//! Exchange rates as they arrive: from the bank's files, from its address, and for orders that waited for them.

use axum::Router;
use axum::http::{StatusCode as Status, Uri};
use chrono::NaiveDate;
use reqwest::StatusCode;
use sqlx::PgPool;
use takings::demo::shop::{DemoOrder, Shop};
use takings::exchange::fetch::{FetchError, fetch};
use takings::exchange::learn::{LearnError, Learned, learn};
use takings::exchange::{Days, ecb};
use takings::live::bus::Bus;
use takings::money::Currency;
use takings::sales::books::Books;
use takings::sales::recording::Delivery;
use takings::sales::store::{self, rate_flagged_orders};
use takings::server::{database, http};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::util::{TestApp, assert_status, at, shopify_order};

const NOW: &str = "2026-11-21T14:00:00Z";

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// The bank's XML of some days: pounds and dollars.
fn xml(days: &[(&str, &str, &str)]) -> String {
    let cubes = days.iter().map(|(day, gbp, usd)| {
        format!("<Cube time='{day}'><Cube currency='GBP' rate='{gbp}'/><Cube currency='USD' rate='{usd}'/></Cube>")
    });
    format!("<gesmes:Envelope xmlns:gesmes='g' xmlns='e'><Cube>{}</Cube></gesmes:Envelope>", cubes.collect::<String>())
}

fn days(of: &[(&str, &str, &str)]) -> Days {
    ecb::read(xml(of).as_bytes()).expect("reads")
}

fn order_in(currency: &str, id: i64, total: &str) -> String {
    shopify_order(id, total, NOW).replace("GBP", currency)
}

/// An order in dollars of 20 November 2026.
fn order_in_dollars(books: &Books) -> Delivery {
    let (shop, date) = (Shop::new(3), jiff::civil::date(2026, 11, 20));
    let mut orders = shop.orders(date, jiff::civil::date(2026, 11, 21), &books.calendar, at("2026-11-21T00:00:00Z"));
    let in_dollars = |order: &DemoOrder| order.order.sale.as_ref().is_some_and(|sale| sale.currency.code() == "USD");
    let order = orders.find(in_dollars).expect("an order in dollars");
    Delivery { source: 1, order: Some((order.external_id, order.order)), ..Delivery::default() }
}

/// The rate that was recorded with an order, and its day.
async fn recorded(db: &PgPool, id: &str) -> (Option<String>, Option<NaiveDate>) {
    sqlx::query_as("select rate::text, rate_date from orders where external_id = $1")
        .bind(id)
        .fetch_one(db)
        .await
        .expect("the order")
}

#[sqlx::test(migrations = "./migrations")]
async fn what_is_known_is_not_taken_again(db: PgPool) {
    let today = day("2026-11-21");
    let books = database::books(&db).await.expect("books");
    let shipped = ecb::read(include_bytes!("fixtures/eurofxref-hist-slices.csv")).expect("reads");
    assert_eq!(learn(&db, &Bus::of_database(&db), &books, shipped, today).await.expect("taken"), Learned::default());
    assert_eq!(database::books(&db).await.expect("books").revision, books.revision);

    store::record(&mut db.acquire().await.expect("a connection"), &books, &[order_in_dollars(&books)])
        .await
        .expect("recorded");
    let new = days(&[("2026-11-19", "0.88", "1.12"), ("2026-11-20", "0.89", "1.13")]);
    let learned = learn(&db, &Bus::of_database(&db), &books, new.clone(), today).await.expect("taken");
    assert_eq!(learned, Learned { days: 2, currencies: 2, orders: 1 });
    for _ in 0..2 {
        // The second time with books that know what was taken.
        assert_eq!(
            learn(&db, &Bus::of_database(&db), &books, new.clone(), today).await.expect("taken"),
            Learned::default()
        );
    }

    // A rate that is told differently later is the first one still; what was not told is new.
    let restated = "Date,GBP,CHF\n2026-11-20,0.5,0.93\n";
    let learned = learn(&db, &Bus::of_database(&db), &books, ecb::read(restated.as_bytes()).expect("reads"), today)
        .await
        .expect("taken");
    assert_eq!(learned, Learned { days: 1, currencies: 1, orders: 0 });
    let books = database::books(&db).await.expect("books");
    let rate = |code| books.rates.rate(Currency::EUR, Currency::parse(code).expect("a code"), today);
    assert_eq!(rate("GBP").map(|rate| rate.value.to_string()), Some("0.89".into()));
    assert_eq!(rate("CHF").map(|rate| rate.date), Some(day("2026-11-20")));

    let tomorrow = learn(&db, &Bus::of_database(&db), &books, days(&[("2026-11-23", "0.9", "1.1")]), today).await;
    assert!(matches!(tomorrow, Err(LearnError::Future(_))));
}

#[sqlx::test(migrations = "./migrations")]
async fn an_order_without_a_rate_is_left_out_until_its_rate_comes_and_then_keeps_it(db: PgPool) {
    let app = TestApp::start(db).await;
    assert_status(app.shopify("orders/create", order_in("USD", 1, "22.60")).await, StatusCode::OK).await;
    assert_status(app.shopify("orders/create", order_in("RUB", 2, "10.00")).await, StatusCode::OK).await;
    let before = app.overview().await;
    assert_eq!((before.flagged, before.today.current.orders, before.today.current.revenue), (2, 0, 0));

    let today = day("2026-11-21");
    let fresh = days(&[("2026-11-20", "0.90", "1.13")]);
    let learned = learn(&app.db, &app.bus, &app.books, fresh, today).await.expect("taken");
    // The running server may have been the one to give the order its rate.
    assert_eq!((learned.days, learned.currencies), (1, 2));
    rate_flagged_orders(&app.db, &app.books).await.expect("looked at");
    let after = app.overview().await;
    assert_eq!((after.flagged, after.today.current.orders, after.today.current.revenue), (1, 1, 1800));
    assert!(after.revision > before.revision);
    assert_eq!(app.differing_sums().await, 0);
    let rate = recorded(&app.db, "1").await;
    assert_eq!(rate.1, Some(day("2026-11-20")));

    // A further rate, of the order's own day even, does not convert it again.
    learn(&app.db, &app.bus, &app.books, days(&[("2026-11-21", "0.10", "1.13")]), today).await.expect("taken");
    assert_eq!(rate_flagged_orders(&app.db, &app.books).await.expect("looked at"), 0);
    assert_eq!(recorded(&app.db, "1").await, rate);
    assert_eq!(app.overview().await.today.current.revenue, 1800);

    // A recording knows of new rates at once, whatever the server has heard of.
    assert_status(app.shopify("orders/create", order_in("USD", 3, "11.30")).await, StatusCode::OK).await;
    assert_eq!(recorded(&app.db, "3").await.1, Some(today));
    assert_eq!(app.overview().await.today.current.revenue, 1900);
    assert_eq!(app.differing_sums().await, 0);
    app.stop().await;
}

/// What a bank answers, and what that is for us.
type Answer = (Status, String, fn(&FetchError) -> bool);

/// A bank on a free port: its address, and what it was asked for.
async fn bank(
    answer: impl Fn(&str) -> (Status, String) + Clone + Send + Sync + 'static,
) -> (String, mpsc::Receiver<String>) {
    let (asked, questions) = mpsc::channel(16);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}/stats/", listener.local_addr().expect("an address"));
    let app = Router::new().fallback(move |uri: Uri| async move {
        asked.send(uri.path().to_owned()).await.expect("the test listens");
        answer(uri.path())
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, questions)
}

#[sqlx::test(migrations = "./migrations")]
async fn the_server_fetches_what_it_lacks_and_tells_watchers(db: PgPool) {
    let (address, mut questions) = bank(|_| (Status::OK, xml(&[("2026-11-20", "0.90", "1.13")]))).await;
    let app = TestApp::start_with(db, "2026-11-21T14:30:07Z", None).await;
    let mut socket = app.socket("", Some("takings.v1")).await;
    assert_status(app.shopify("orders/create", order_in("USD", 1, "22.60")).await, StatusCode::OK).await;
    socket.find(|m| m["overview"]["flagged"].as_i64().filter(|flagged| *flagged == 1)).await;
    // Another server on the same database fetches; the first hears of it.
    let other = TestApp::start_with(app.db.clone(), "2026-11-21T14:30:08Z", Some(address)).await;
    assert_eq!(questions.recv().await.as_deref(), Some("/stats/eurofxref-hist-90d.xml"));
    let figures = |m: &serde_json::Value| m["overview"]["today"]["current"]["revenue"].as_i64().filter(|r| *r == 1800);
    assert_eq!(socket.find(figures).await, 1800);
    assert_eq!(app.overview().await.flagged, 0);
    other.stop().await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn the_small_file_is_enough_from_one_day_to_the_next(db: PgPool) {
    let (address, mut questions) = bank(|_| (Status::OK, xml(&[("2026-11-20", "0.90", "1.13")]))).await;
    let client = http::client().build().expect("a client");
    for (file, new) in [("/stats/eurofxref-hist-90d.xml", 1), ("/stats/eurofxref-daily.xml", 0)] {
        let books = database::books(&db).await.expect("books");
        let learned =
            fetch(&client, &address, &db, &Bus::of_database(&db), &books, day("2026-11-21")).await.expect("fetched");
        assert_eq!(learned.days, new);
        assert_eq!(questions.recv().await.as_deref(), Some(file));
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn an_answer_that_is_no_rates_changes_nothing(db: PgPool) {
    let books = database::books(&db).await.expect("books");
    let client = http::client().build().expect("a client");
    let answers: [Answer; 4] = [
        (Status::SERVICE_UNAVAILABLE, xml(&[("2026-11-20", "0.90", "1.13")]), |e| {
            matches!(e, FetchError::Unreachable(..))
        }),
        (Status::OK, "<html>Maintenance</html>".into(), |e| matches!(e, FetchError::Unreadable(..))),
        (Status::OK, " ".repeat((1 << 20) + 1), |e| matches!(e, FetchError::TooLarge(_))),
        (Status::OK, xml(&[("2099-01-01", "0.90", "1.13")]), |e| matches!(e, FetchError::Kept(LearnError::Future(_)))),
    ];
    for (status, body, expected) in answers {
        let (address, mut questions) = bank(move |_| (status, body.clone())).await;
        let error = fetch(&client, &address, &db, &Bus::of_database(&db), &books, day("2026-11-21"))
            .await
            .expect_err("no rates");
        assert!(expected(&error), "{error}");
        assert!(questions.recv().await.is_some());
    }
    let kept: i64 = sqlx::query_scalar("select count(*) from exchange_rates").fetch_one(&db).await.expect("a count");
    assert_eq!(kept, 0);
}
