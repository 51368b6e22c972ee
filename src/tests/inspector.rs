//! The number inspector: every figure of the page is the sum of its rows, and says what the page says.

use reqwest::StatusCode;
use sqlx::{PgConnection, PgPool};
use takings::demo::shop::Shop;
use takings::period::Instant;
use takings::sales::books::Books;
use takings::sales::inspector::figure::Measured;
use takings::sales::inspector::inspect::{After, Asked, By, Rows, inspect};
use takings::sales::model::{Figures, Snapshot, Versus};
use takings::sales::question::Question;
use takings::sales::recording::Delivery;
use takings::sales::{snapshot, store};
use takings::server::database;
use takings::sources;

use crate::util::{SECRET, TestApp, assert_status, at, shopify_order};

const NOW: &str = "2026-11-21T14:30:07Z";

/// Three weeks of the demo shop, on all its platforms.
async fn shop(db: &PgPool) -> Books {
    let books = database::books(db).await.expect("a workspace");
    let mut ids = std::collections::HashMap::new();
    for platform in ["shopify", "etsy", "woocommerce", "amazon", "ebay", "direct"] {
        sources::store::add(db, books.workspace, platform, platform, SECRET).await.expect("a source");
        let id: i32 = sqlx::query_scalar("select id from sources where name = $1")
            .bind(platform)
            .fetch_one(db)
            .await
            .expect("an id");
        ids.insert(platform, id);
    }
    let days = |text: &str| text.parse::<jiff::civil::Date>().expect("a date");
    let shop = Shop::new(11);
    let orders = shop.orders(days("2026-11-02"), days("2026-11-22"), &books.calendar, at(NOW));
    let deliveries: Vec<Delivery> = orders
        .map(|order| Delivery {
            source: ids[order.platform],
            platform: order.platform.into(),
            received_at: at(NOW),
            order: Some((order.external_id, order.order)),
            ..Delivery::default()
        })
        .collect();
    let mut connection = db.acquire().await.expect("a connection");
    for batch in deliveries.chunks(500) {
        store::record(&mut connection, &books, batch).await.expect("recorded");
    }
    books
}

/// The names of the figures of an answer, with what the page says.
fn figures(answer: &Snapshot) -> Vec<(String, Option<i64>)> {
    let overview = &answer.overview;
    let mut out = Vec::new();
    let mut add = |name: &str, figures: &Figures, before: &str| {
        out.push((format!("{name}.revenue{before}"), Some(figures.revenue)));
        out.push((format!("{name}.orders{before}"), Some(figures.orders)));
        out.push((format!("{name}.average{before}"), figures.average()));
    };
    let periods: [(&str, &Versus); 8] = [
        ("today", &overview.today),
        ("yesterday", &overview.yesterday),
        ("week", &overview.week),
        ("month", &overview.month),
        ("quarter", &overview.quarter),
        ("year", &overview.year),
        ("thirty-days", &overview.thirty_days),
        ("range", &overview.range),
    ];
    for (name, versus) in periods {
        add(name, &versus.current, "");
        add(name, &versus.earlier, ".before");
    }
    for day in &answer.days {
        add(&format!("averages.{}", day.date), &day.figures, "");
    }
    for table in answer.tables.iter().filter(|table| matches!(table.name.as_str(), "countries" | "platforms")) {
        for row in &table.rows {
            out.push((format!("{}.{}.orders", table.name, row.key), row.cells[1].order));
            out.push((format!("{}.{}.revenue", table.name, row.key), row.cells[2].order));
        }
    }
    for chart in &answer.charts {
        for (i, point) in chart.points.iter().enumerate() {
            let name = format!("charts.{}.{i}", chart.name);
            out.extend(point.value.map(|value| (name.clone(), Some(value))));
            out.extend(point.earlier.map(|value| (format!("{name}.before"), Some(value))));
        }
    }
    out
}

async fn sum_of_rows(db: &mut PgConnection, books: &Books, asked: &Asked, now: Instant) -> Option<i64> {
    let mut rows = Rows::of(db, books, asked, now).await.expect("rows");
    let (mut minor, mut orders) = (0, 0);
    while let Some(page) = rows.next(db).await.expect("a page") {
        minor += page.iter().map(|row| row.converted).sum::<i64>();
        orders += page.iter().map(|row| row.orders).sum::<i64>();
    }
    match rows.figure.measured {
        Measured::Revenue => Some(minor),
        Measured::Orders => Some(orders),
        Measured::Average => takings::money::mean(minor, orders),
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn every_figure_of_the_page_is_the_sum_of_its_rows(db: PgPool) {
    let books = shop(&db).await;
    let mut connection = db.acquire().await.expect("a connection");
    let mut walked = 0;
    for query in [
        "range=7d",
        "range=today&measure=net",
        "range=month&refunds=order&country=GB,US",
        "range=week&platform=etsy&status=paid",
    ] {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let question = Question::parse(pairs).expect("a question");
        let now = at(NOW);
        let answer = snapshot::compute(&mut connection, &books, &question, now).await.expect("an answer");
        for (name, shown) in figures(&answer) {
            // Once is enough: they are the same windows as others'.
            let is_like_others =
                ["averages", "charts.orders", "charts.weekdays"].iter().any(|like| name.starts_with(like));
            if query != "range=7d" && is_like_others {
                continue;
            }
            let asked = Asked { name: name.clone(), question: question.clone(), ..Asked::default() };
            let explained = inspect(&mut connection, &books, &asked, now).await.expect("an explanation");
            assert_eq!(explained.value, shown, "{query} {name}");
            let parts: i64 = explained.parts.iter().map(|(_, minor)| minor).sum();
            if explained.figure.measured == Measured::Revenue {
                assert_eq!(Some(parts), shown, "{query} {name}: the parts");
            }
            let rows = sum_of_rows(&mut connection, &books, &asked, now).await;
            assert_eq!(rows, shown, "{query} {name}: the rows");
            walked += 1;
        }
    }
    assert!(walked > 400, "{walked} figures");
}

#[sqlx::test(migrations = "./migrations")]
async fn rows_are_paged_in_the_order_asked_for_and_none_is_left_out(db: PgPool) {
    let books = shop(&db).await;
    let mut connection = db.acquire().await.expect("a connection");
    for by in [By::Time, By::Amount, By::AmountRising] {
        let mut asked = Asked { name: "month.revenue".into(), by, ..Asked::default() };
        let (mut rows, mut value) = (Vec::new(), None);
        loop {
            let page = inspect(&mut connection, &books, &asked, at(NOW)).await.expect("a page");
            value = value.or(page.value);
            rows.extend(page.rows);
            asked.after = page.next;
            match page.next {
                None => break,
                Some(After::Posting(_)) => assert_eq!(by, By::Time),
                Some(After::Rows(_)) => assert_ne!(by, By::Time),
            }
        }
        assert_eq!(Some(rows.iter().map(|row| row.converted).sum::<i64>()), value, "{by:?}");
        assert!(rows.iter().any(|row| row.converted < 0), "a refund is among them");
        let in_order = match by {
            By::Time => rows.is_sorted_by(|a, b| (a.at, a.order) > (b.at, b.order)),
            By::Amount => rows.is_sorted_by(|a, b| a.converted >= b.converted),
            By::AmountRising => rows.is_sorted_by(|a, b| a.converted <= b.converted),
        };
        assert!(in_order, "{by:?}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_figure_says_what_was_left_out_and_which_rates_it_used(db: PgPool) {
    let app = TestApp::start_at(db, "2024-06-14T14:30:07Z").await;
    let posted = [
        shopify_order(1, "10.00", "2024-06-14T09:00:00Z"),
        shopify_order(2, "20.00", "2024-06-14T10:00:00Z").replace("\"GBP\"", "\"USD\""),
        shopify_order(3, "30.00", "2024-06-14T11:00:00Z").replace("\"GBP\"", "\"XTS\""),
        shopify_order(4, "40.00", "2024-06-14T12:00:00Z").replace("\"id\":4", "\"id\":4,\"test\":true"),
    ];
    for body in posted {
        assert_status(app.shopify("orders/create", body).await, StatusCode::OK).await;
    }
    let mut connection = app.db.acquire().await.expect("a connection");
    let asked = Asked { name: "today.revenue".into(), ..Asked::default() };
    let found = inspect(&mut connection, &app.books, &asked, app.clock.now()).await.expect("an explanation");
    assert_eq!(found.left_out, [("test".to_owned(), 1)]);
    assert_eq!((found.sums.orders, found.sums.flagged), (2, 1));
    let [rate] = &found.rates[..] else { panic!("one rate: {:?}", found.rates) };
    assert_eq!((rate.currency.as_str(), rate.date.to_string().as_str()), ("USD", "2024-06-14"));
    let panel = takings::sales::inspector::words::panel(&asked, &found);
    let html = format!("{panel:?}");
    for says in
        ["Revenue, today", "1 test orders, 1 without an exchange rate", "no rate", "/orders/1", "2024-06-13T23:00:00Z"]
    {
        assert!(html.contains(says), "{says}: {html}");
    }
    drop(connection);
    let url = app.url("/api/v1/figures/today.revenue.csv");
    let csv = app.client.get(&url).bearer_auth(app.token().await).send().await.expect("an answer");
    let csv = assert_status(csv, StatusCode::OK).await;
    assert!(csv.contains("Europe/London") && csv.contains("#1,") && !csv.contains("#4,"), "{csv}");
    assert!(csv.lines().nth(1).is_some(), "{csv}");
    assert_status(app.client.get(&url).send().await.expect("an answer"), StatusCode::UNAUTHORIZED).await;
    let nothing = app.client.get(app.url("/api/v1/figures/profit.csv")).bearer_auth(app.token().await);
    let sentence = assert_status(nothing.send().await.expect("an answer"), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(sentence.contains("there is no figure named profit"), "{sentence}");
    app.stop().await;
}
