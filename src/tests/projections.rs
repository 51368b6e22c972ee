//! Projections against PostgreSQL: what they learn from, and how they are kept and scored.

use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::PgPool;
use takings::demo::shop::Shop;
use takings::period::{Period, Window, plus};
use takings::sales::books::Books;
use takings::sales::projection::model::{Hidden, Outlook};
use takings::sales::projection::{keep_and_score, project::past_days, projections};
use takings::sales::recording::Delivery;
use takings::sales::{store as sales, sums};
use takings::server::database;

use crate::util::{at, empty};

/// Records what the demo shop sells from a date up to an instant.
async fn sell(db: &PgPool, books: &Books, from: &str, until: &str) {
    let date = |text: &str| text[..10].parse::<Date>().expect("a date");
    let shop = Shop::new(7);
    let orders = shop.orders(date(from), plus(date(until), 1.day()), &books.calendar, at(until));
    let deliveries: Vec<Delivery> = orders
        .map(|order| Delivery {
            source: 1,
            platform: order.platform.into(),
            received_at: at(until),
            order: Some((order.external_id, order.order)),
            ..Delivery::default()
        })
        .collect();
    for batch in deliveries.chunks(1000) {
        sales::record(&mut db.acquire().await.expect("a connection"), books, batch).await.expect("recorded");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn what_a_day_had_come_to_by_now_is_the_sum_of_its_window(db: PgPool) {
    // The days on both sides of a change of the clocks.
    for (zone, now) in [("Europe/London", "2026-10-27T14:30:00Z"), ("Asia/Kathmandu", "2026-10-27T08:00:00Z")] {
        empty(&db).await;
        sqlx::query("update workspaces set zone = $1").bind(zone).execute(&db).await.expect("a zone");
        let books = database::books(&db).await.expect("a workspace");
        sell(&db, &books, "2026-10-20", now).await;
        let mut connection = db.acquire().await.expect("a connection");
        let days = past_days(&mut connection, &books, at(now)).await.expect("days");
        assert!(days.len() >= 7);
        let time = books.calendar.local(at(now)).time();
        for day in days {
            let whole = books.calendar.day(day.date);
            let by_now = Window { from: whole.from, to: books.calendar.instant(day.date.to_datetime(time)) };
            let sums = sums::store::window_sums(&mut connection, &books, &Default::default(), &[whole, by_now])
                .await
                .expect("sums");
            assert_eq!((day.orders, day.revenue), (sums[0].orders, sums[0].total()), "{zone} {day:?}");
            assert_eq!((day.orders_by_now, day.revenue_by_now), (sums[1].orders, sums[1].total()), "{zone} {day:?}");
        }
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn projections_are_kept_at_noon_once_and_scored_when_their_period_has_ended(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    sell(&db, &books, "2026-07-01", "2026-11-18T11:30:00Z").await;
    let mut connection = db.acquire().await.expect("a connection");
    let made = || async {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select period, expected_minor from projections order by made_on, expected_minor")
                .fetch_all(&db)
                .await
                .expect("projections");
        rows
    };
    keep_and_score(&mut connection, &books, at("2026-11-18T11:59:59Z")).await.expect("nothing to do");
    assert_eq!(made().await.len(), 0);
    keep_and_score(&mut connection, &books, at("2026-11-18T12:00:00Z")).await.expect("kept");
    let kept = made().await;
    let periods: Vec<&str> = kept.iter().map(|(period, _)| period.as_str()).collect();
    assert_eq!(periods, ["day", "week", "month", "quarter"]);

    // What comes after noon changes nothing that was kept.
    sell(&db, &books, "2026-11-18", "2026-11-18T22:00:00Z").await;
    keep_and_score(&mut connection, &books, at("2026-11-18T22:00:00Z")).await.expect("kept before");
    assert_eq!(made().await, kept);

    let now = at("2026-11-19T10:00:00Z");
    keep_and_score(&mut connection, &books, now).await.expect("scored");
    let projections = projections(&mut connection, &books, now).await.expect("projections").projections;
    let records: Vec<i64> = projections.iter().map(|projection| projection.record.made).collect();
    assert_eq!(records, [1, 0, 0, 0]);
    let day = books.calendar.day(Date::constant(2026, 11, 18));
    let came =
        sums::store::window_sums(&mut connection, &books, &Default::default(), &[day]).await.expect("sums")[0].total();
    let missed = (kept[0].1 - came).abs() as f64 * 1000.0 / came as f64;
    assert_eq!(projections[0].record.missed_per_mille, Some(missed.round() as i64));
}

#[sqlx::test(migrations = "./migrations")]
async fn a_running_shop_is_projected_from_what_has_come(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let now = "2026-11-18T14:30:07Z";
    let mut connection = db.acquire().await.expect("a connection");
    let empty = projections(&mut connection, &books, at(now)).await.expect("projections").projections;
    assert!(empty.iter().all(|projection| projection.outlook == Outlook::Hidden(Hidden::Thin(28))));

    sell(&db, &books, "2026-07-01", now).await;
    let projections = projections(&mut connection, &books, at(now)).await.expect("projections").projections;
    for (projection, period) in projections.iter().zip([Period::Day, Period::Week, Period::Month, Period::Quarter]) {
        let window = books.calendar.to_date(period, at(now));
        let sums =
            sums::store::window_sums(&mut connection, &books, &Default::default(), &[window]).await.expect("sums");
        assert_eq!(projection.so_far, sums[0].total());
        let Outlook::Range(range) = projection.outlook else { panic!("{projection:?}") };
        assert!(projection.so_far < range.low && range.low < range.expected && range.expected < range.high);
    }
    assert_eq!(projections[1].window, "Mon 16 Nov – Sun 22 Nov");
}
