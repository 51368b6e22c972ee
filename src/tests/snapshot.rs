//! Sums of windows beside plain sums of the ledger, over zones, windows and moments.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use takings::money::mean;
use takings::period::{Period, Window};
use takings::sales::books::Books;
use takings::sales::medians::{self, Median};
use takings::sales::order::{Order, Sale, Standing};
use takings::sales::question::{Filter, Measure, Preset, Question, Range, RefundDate};
use takings::sales::recording::Delivery;
use takings::sales::snapshot::compute;
use takings::sales::sums::additions::Dimension;
use takings::sales::sums::store::{Asked, Slice};
use takings::sales::{store, sums};
use takings::server::database::{self, WORKSPACE};
use takings::sources;

use crate::util::{SECRET, at, demo_orders, empty};

#[sqlx::test(migrations = "./migrations")]
async fn every_window_is_the_plain_sum_of_its_ledger(db: PgPool) {
    let mut runner = TestRunner::new(Config::default());
    for zone in ["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"] {
        empty(&db).await;
        sqlx::query("update workspaces set zone = $1").bind(zone).execute(&db).await.expect("a zone");
        let books = database::books(&db).await.expect("a workspace");
        let until = at("2026-11-21T14:30:07Z");
        let deliveries = demo_orders("2026-09-20", &books, until);
        for batch in deliveries.chunks(1000) {
            store::record(&mut db.acquire().await.expect("a connection"), &books, batch).await.expect("recorded");
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
        for (window, sums) in windows.iter().zip(sums) {
            let (orders, total): (i64, i64) = sqlx::query_as(
                "select coalesce(sum(orders), 0)::bigint, coalesce(sum(converted_minor), 0)::bigint from ledger where occurred_at >= $1 and occurred_at < $2",
            )
            .bind(window.from).bind(window.to).fetch_one(&db).await.expect("a plain sum");
            assert_eq!((sums.orders, sums.total()), (orders, total), "{zone} {window:?}");
        }
        medians_are_those_of_the_sorted_values(&db, &books, &windows).await;
        let some: Vec<Window> = windows.iter().step_by(16).copied().collect();
        // Once is enough, in the zone whose days begin at a quarter to.
        if zone == "Asia/Kathmandu" {
            slices_are_plain_sums(&db, &books, &some).await;
        }
        assert_eq!(sums::additions_store::sums_that_differ(&mut connection, &books).await.expect("a count"), 0);
    }
}

/// Medians from the tree, from what is not in it yet, and from a tree that was built again.
async fn medians_are_those_of_the_sorted_values(db: &PgPool, books: &Books, windows: &[Window]) {
    let mut connection = db.acquire().await.expect("a connection");
    let mut expected = Vec::new();
    for window in windows {
        let values: Vec<i64> = sqlx::query_scalar(
            "select sum(converted_minor)::bigint as value from ledger
             where occurred_at >= $1 and occurred_at < $2 and kind in ('sale', 'discount', 'shipping', 'tax')
             group by order_id having sum(orders) = 1 order by value",
        )
        .bind(window.from)
        .bind(window.to)
        .fetch_all(db)
        .await
        .expect("values");
        expected.push(middle(&values));
    }
    let revision = store::cursor(&mut connection, books.workspace).await.expect("a cursor").revision;
    let found = medians::medians(&mut connection, books, revision, windows).await.expect("medians");
    assert_eq!(found, expected, "{} before folding", books.calendar.zone_name());
    while medians::store::fold(db, books.workspace).await.expect("folded") {}
    let found = medians::medians(&mut connection, books, revision, windows).await.expect("medians");
    assert_eq!(found, expected, "{} after folding", books.calendar.zone_name());
    assert_eq!(medians::store::counts_that_differ(&mut connection, books.workspace).await.expect("a count"), 0);
    medians::store::rebuild(&mut connection, books.workspace).await.expect("built again");
    let found = medians::medians(&mut connection, books, revision, windows).await.expect("medians");
    assert_eq!(found, expected, "{} built again", books.calendar.zone_name());
}

/// The median of sorted values.
fn middle(values: &[i64]) -> Median {
    let (n, half) = (values.len(), values.len() / 2);
    let middle = if n == 0 { None } else { mean(values[half] + values[half - usize::from(n % 2 == 0)], 2) };
    Median { orders: n as i64, value_minor: middle }
}

#[sqlx::test(migrations = "./migrations")]
async fn what_turned_out_otherwise_leaves_no_country_and_no_day_behind(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    sources::store::add(&db, WORKSPACE, "shop", "shopify", SECRET).await.expect("a source");
    let told = |id: &str, day: &str, modified: &str, country: &str, standing| {
        let sale = Sale {
            modified_at: at(modified),
            placed_at: at(day),
            number: None,
            currency: books.currency,
            gross_minor: 1_000,
            discount_minor: 0,
            shipping_minor: 0,
            tax_minor: 0,
            presentment: None,
            country: Some(country.into()),
            standing,
            payment: None,
            cancelled_at: None,
        };
        Delivery { source: 1, order: Some((id.into(), Order::placed(sale))), ..Delivery::default() }
    };
    for delivery in [
        told("1", "2026-11-02T09:00:00Z", "2026-11-02T09:00:00Z", "FR", Standing::Counted),
        told("1", "2026-11-02T09:00:00Z", "2026-11-02T10:00:00Z", "FR", Standing::Test),
        told("2", "2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z", "DE", Standing::Counted),
        told("2", "2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z", "GB", Standing::Counted),
    ] {
        store::record(&mut db.acquire().await.expect("a connection"), &books, &[delivery]).await.expect("recorded");
    }
    let all = Question { range: Range::Preset(Preset::All), ..Question::default() };
    let mut connection = db.acquire().await.expect("a connection");
    let answer = compute(&mut connection, &books, &all, at("2026-11-21T14:30:07Z")).await.expect("an answer");
    let countries = answer.tables.iter().find(|table| table.name == "countries").expect("countries");
    assert_eq!(countries.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["GB"]);
    assert_eq!(answer.charts[0].points[0].label, "00:00");
    assert_eq!(answer.overview.range.window, "Fri 20 Nov – Sat 21 Nov 14:30 GMT");
}

#[sqlx::test(migrations = "./migrations")]
async fn what_another_server_records_is_in_the_next_answer(db: PgPool) {
    let here = database::books(&db).await.expect("a workspace");
    let there = database::books(&db).await.expect("a workspace");
    sources::store::add(&db, WORKSPACE, "shop", "shopify", SECRET).await.expect("a source");
    let until = at("2026-11-21T14:30:07Z");
    let mut deliveries = demo_orders("2026-11-01", &there, until);
    // In any order, so that days change that are long over.
    deliveries.sort_by_cached_key(|delivery| Sha256::digest(format!("{:?}", delivery.order)).to_vec());
    let germany = Filter { countries: vec!["DE".into()], ..Filter::default() };
    let questions = [Question::default(), Question { filter: germany, ..Question::default() }];
    let mut connection = db.acquire().await.expect("a connection");
    for (minutes, batch) in (0i64..).zip(deliveries.chunks(deliveries.len() / 40)) {
        store::record(&mut connection, &there, batch).await.expect("recorded");
        let now = until + chrono::TimeDelta::minutes(minutes);
        for question in &questions {
            let kept = compute(&mut connection, &here, question, now).await.expect("an answer");
            let fresh = database::books(&db).await.expect("a workspace");
            let read = compute(&mut connection, &fresh, question, now).await.expect("an answer");
            assert_eq!(kept, read, "batch {minutes}");
        }
    }
}

/// Sums of some orders, by one dimension, by another, and by two, beside plain sums over the orders.
async fn slices_are_plain_sums(db: &PgPool, books: &Books, windows: &[Window]) {
    let some = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
    let slices = [
        Slice { countries: some(&["GB", "unknown"]), ..Slice::default() },
        Slice { statuses: some(&["paid"]), ..Slice::default() },
        Slice { countries: some(&["DE", "US"]), sources: some(&["1"]), ..Slice::default() },
        Slice { sources: some(&["2"]), ..Slice::default() },
    ];
    let mut connection = db.acquire().await.expect("a connection");
    for slice in &slices {
        let sums = sums::store::window_sums(&mut connection, books, slice, windows).await.expect("sums");
        let revision = store::cursor(&mut connection, books.workspace).await.expect("a cursor").revision;
        let by_country = [Asked { slice, by: Some(Dimension::Country), windows }];
        let by_country =
            sums::store::answers(&mut connection, books, revision, &by_country).await.expect("sums").remove(0);
        let few: Vec<(Window, i64)> = windows.iter().map(|window| (*window, 1)).collect();
        let medians = medians::filtered::medians(&mut connection, books, slice, &few).await.expect("medians");
        for (i, (window, sums)) in windows.iter().zip(sums).enumerate() {
            let values: Vec<i64> = sqlx::query_scalar(
                "select sum(l.converted_minor)::bigint as value from ledger l join orders o on o.id = l.order_id
                 where l.occurred_at >= $1 and l.occurred_at < $2 and l.kind in ('sale', 'discount', 'shipping', 'tax')
                   and ($3::text[] is null or coalesce(o.country, 'unknown') = any($3))
                   and ($4::text[] is null or o.source_id::text = any($4))
                   and ($5::text[] is null or coalesce(o.payment, 'unknown') = any($5))
                 group by l.order_id having sum(l.orders) = 1 order by value",
            )
            .bind(window.from)
            .bind(window.to)
            .bind(&slice.countries)
            .bind(&slice.sources)
            .bind(&slice.statuses)
            .fetch_all(db)
            .await
            .expect("values");
            assert_eq!(medians[i], Some(middle(&values)), "{slice:?} {window:?}");
            let plain: (i64, i64, i64) = sqlx::query_as(
                "select coalesce(sum(l.orders) filter (where l.occurred_at >= $1 and l.occurred_at < $2), 0)::bigint,
                     coalesce(sum(l.converted_minor) filter (where l.occurred_at >= $1 and l.occurred_at < $2), 0)::bigint,
                     coalesce(sum(l.converted_minor) filter (where o.placed_at >= $1 and o.placed_at < $2), 0)::bigint
                 from ledger l join orders o on o.id = l.order_id
                 where ($3::text[] is null or coalesce(o.country, 'unknown') = any($3))
                   and ($4::text[] is null or o.source_id::text = any($4))
                   and ($5::text[] is null or coalesce(o.payment, 'unknown') = any($5))",
            )
            .bind(window.from)
            .bind(window.to)
            .bind(&slice.countries)
            .bind(&slice.sources)
            .bind(&slice.statuses)
            .fetch_one(db)
            .await
            .expect("a plain sum");
            let on_its_date = sums.revenue(Measure::Total, RefundDate::Refund);
            let on_its_order = sums.revenue(Measure::Total, RefundDate::Order);
            assert_eq!((sums.orders, on_its_date, on_its_order), plain, "{slice:?} {window:?}");
            let parts = by_country.iter().filter(|(of, ..)| *of == i).map(|(.., part)| part.total()).sum::<i64>();
            assert_eq!(parts, on_its_date, "{slice:?} {window:?}");
        }
    }
}
