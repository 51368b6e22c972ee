//! Revenue by weekday and hour: its cells are the range, whatever the zone, the filter and the clocks.

use serde_json::Value;
use sqlx::PgPool;
use takings::demo::shop::Shop;
use takings::sales::question::Question;
use takings::sales::recording::Delivery;
use takings::sales::{snapshot, store};
use takings::server::database;

use crate::util::{TestApp, assert_status, at, empty, shopify_order};

/// The questions of ranges within 92 days: without a filter, by one dimension, by two, of each measure.
const QUESTIONS: &[&str] = &[
    "",
    "range=90d",
    "range=today",
    "range=last-month&refunds=order",
    "range=90d&measure=net",
    "range=90d&country=DE,GB",
    "range=90d&status=paid&refunds=order",
    "from=2026-10-20&to=2026-10-30&country=GB&status=paid",
];

#[sqlx::test(migrations = "./migrations")]
async fn the_cells_add_up_to_the_range(db: PgPool) {
    for (zone, week_start) in [("Europe/London", 1i16), ("Asia/Kathmandu", 7), ("Australia/Lord_Howe", 6)] {
        empty(&db).await;
        sqlx::query("update workspaces set zone = $1, week_start = $2")
            .bind(zone)
            .bind(week_start)
            .execute(&db)
            .await
            .expect("settings");
        let books = database::books(&db).await.expect("a workspace");
        // Orders are dated beyond the present too: the running quarter of an hour has some that do not count yet.
        let (now, until) = (at("2026-11-21T14:22:07Z"), at("2026-11-21T14:45:00Z"));
        let days = |text: &str| text.parse::<jiff::civil::Date>().expect("a date");
        let shop = Shop::new(7);
        let orders = shop.orders(days("2026-10-02"), days("2026-11-22"), &books.calendar, until);
        let deliveries: Vec<Delivery> = orders
            .map(|order| Delivery {
                source: 1,
                platform: order.platform.into(),
                received_at: until,
                order: Some((order.external_id, order.order)),
                ..Delivery::default()
            })
            .collect();
        for batch in deliveries.chunks(1000) {
            store::record(&mut db.acquire().await.expect("a connection"), &books, batch).await.expect("recorded");
        }
        // All of them once: those of two dimensions read the ledger.
        let asked = if zone == "Europe/London" { QUESTIONS } else { &QUESTIONS[..3] };
        for query in asked {
            let question = Question::parse(query.split('&').filter_map(|pair| pair.split_once('='))).expect(query);
            let mut connection = db.acquire().await.expect("a connection");
            let answer = snapshot::compute(&mut connection, &books, &question, now).await.expect("an answer");
            let chart = answer.charts.iter().find(|chart| chart.name == "weekdays").expect("the chart");
            let cells: i64 = chart.points.iter().filter_map(|point| point.value).sum();
            assert_eq!(cells, answer.overview.range.current.revenue, "{zone} {query}");
            // At Lord Howe the day is an hour old, in which nobody may have bought.
            assert!(cells != 0 || query == &"range=today", "{zone} {query}: nothing to compare");
        }
    }
}

/// What the chart says at an hour, in pence.
fn cell(snapshot: &Value, label: &str) -> Option<i64> {
    let chart = snapshot["charts"].as_array()?.iter().find(|chart| chart["name"] == "weekdays")?;
    chart["points"].as_array()?.iter().find(|point| point["label"] == label)?["value"].as_i64()
}

#[sqlx::test(migrations = "./migrations")]
async fn an_hour_counts_as_what_the_clock_showed(db: PgPool) {
    let app = TestApp::start(db).await;
    // On Sunday 25 October 2026 London's clocks show 01:30 twice.
    for (id, total, placed_at) in [
        (1, "1.00", "2026-10-25T00:30:00Z"),
        (2, "0.20", "2026-10-25T01:30:00Z"),
        (3, "40.00", "2026-10-26T01:30:00Z"),
        (4, "5.00", "2026-11-21T14:29:59Z"),
    ] {
        assert_status(app.shopify("orders/create", shopify_order(id, total, placed_at)).await, reqwest::StatusCode::OK)
            .await;
    }
    let shown = app.snapshot("").await;
    assert_eq!(cell(&shown, "Sun 01:00"), Some(120));
    assert_eq!(cell(&shown, "Mon 01:00"), Some(4_000));
    assert_eq!(cell(&shown, "Sat 14:00"), Some(500));
    assert_eq!(cell(&shown, "Mon 00:00"), Some(0));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_long_range_is_cut_and_says_so(db: PgPool) {
    let app = TestApp::start(db).await;
    for (id, placed_at) in [(1, "2026-02-03T10:00:00Z"), (2, "2026-11-20T10:00:00Z")] {
        assert_status(
            app.shopify("orders/create", shopify_order(id, "10.00", placed_at)).await,
            reqwest::StatusCode::OK,
        )
        .await;
    }
    let title = |snapshot: &Value| {
        let charts = snapshot["charts"].as_array().expect("charts");
        let chart = charts.iter().find(|chart| chart["name"] == "weekdays").expect("the chart");
        chart["title"].as_str().expect("a title").to_owned()
    };
    let year = app.snapshot("?range=year").await;
    assert_eq!(title(&year), "Revenue by weekday and hour, the last 92 days of the range");
    assert_eq!((cell(&year, "Tue 10:00"), cell(&year, "Fri 10:00")), (Some(0), Some(1_000)));
    assert_eq!(title(&app.snapshot("?range=90d").await), "Revenue by weekday and hour");
    app.stop().await;
}
