//! Sums of windows beside plain sums of the ledger, over zones, windows and moments.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use sqlx::PgPool;
use takings::demo::shop::Shop;
use takings::period::{Period, Window};
use takings::sales::recording::Delivery;
use takings::sales::{store, sums};
use takings::server::database;

use crate::util::at;

#[sqlx::test(migrations = "./migrations")]
async fn every_window_is_the_plain_sum_of_its_ledger(db: PgPool) {
    let mut runner = TestRunner::new(Config::default());
    for zone in ["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"] {
        sqlx::query("truncate orders, ledger, sums_minute, sums_quarter_hour, sums_day, sums_quarter_hour_by, sums_day_by, live_events, deliveries")
            .execute(&db)
            .await
            .expect("empty");
        sqlx::query("update workspaces set zone = $1").bind(zone).execute(&db).await.expect("a zone");
        let books = database::books(&db).await.expect("a workspace");
        let until = at("2026-11-21T14:30:07Z");
        let days = |text: &str| text.parse::<jiff::civil::Date>().expect("a date");
        let shop = Shop::new(7);
        let orders = shop.orders(days("2026-09-20"), days("2026-11-22"), &books.calendar, until);
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
            store::record(&db, &books, batch).await.expect("recorded");
        }
        let start = at("2026-09-19T00:00:00Z").timestamp();
        let mut windows: Vec<Window> = (0..80)
            .map(|_| {
                let (from, length) =
                    (0i64..5_400_000, 0i64..5_400_000).new_tree(&mut runner).expect("a window").current();
                let instant = |seconds| chrono::DateTime::from_timestamp(start + seconds, 0).expect("an instant");
                Window { from: instant(from), to: instant(from + length) }
            })
            .collect();
        for period in [Period::Day, Period::Week, Period::Month, Period::Quarter, Period::Year] {
            windows.extend([books.calendar.to_date(period, until), books.calendar.same_point_before(period, until)]);
        }
        let mut connection = db.acquire().await.expect("a connection");
        let sums =
            sums::store::window_sums(&mut connection, &books, &Default::default(), &windows).await.expect("sums");
        for (window, sums) in windows.into_iter().zip(sums) {
            let (orders, total): (i64, i64) = sqlx::query_as(
                "select coalesce(sum(orders), 0)::bigint, coalesce(sum(converted_minor), 0)::bigint from ledger where occurred_at >= $1 and occurred_at < $2",
            )
            .bind(window.from).bind(window.to).fetch_one(&db).await.expect("a plain sum");
            assert_eq!((sums.orders, sums.total()), (orders, total), "{zone} {window:?}");
        }
        assert_eq!(sums::additions_store::sums_that_differ(&mut connection, &books).await.expect("a count"), 0);
    }
}
