//! Changed settings: days cut again, and a reporting currency that is changed beside the running trade.

use chrono::NaiveDate;
use sqlx::PgPool;
use takings::live::bus::Bus;
use takings::money::Currency;
use takings::sales::books::Books;
use takings::sales::recording::Delivery;
use takings::sales::{snapshot, store, sums};
use takings::server::database::{self, WORKSPACE};
use takings::settings::{self, Change, SettingsError, currency};

use crate::util::{TestApp, assert_status, at, demo_orders, empty, shopify_order};

async fn books(db: &PgPool) -> Books {
    database::books(db).await.expect("books")
}

fn to(currency: &str) -> Change {
    Change { currency: Some(currency.into()), ..Change::default() }
}

/// Some weeks of the demo shop, up to days that no rate is known of.
fn deliveries(books: &Books) -> Vec<Delivery> {
    demo_orders("2026-10-10", books, at("2026-11-12T14:30:07Z"))
}

async fn record(db: &PgPool, books: &Books, deliveries: &[Delivery]) {
    for batch in deliveries.chunks(300) {
        store::record(&mut db.acquire().await.expect("a connection"), books, batch).await.expect("recorded");
    }
}

async fn differing_sums(db: &PgPool) -> i64 {
    let mut connection = db.acquire().await.expect("a connection");
    sums::additions_store::sums_that_differ(&mut connection, &books(db).await).await.expect("a count")
}

type Day = (NaiveDate, i64, i64, i64, i64, i64, i64, i64, i64, i64);
type Order = (String, Option<String>, Option<NaiveDate>);
type Entry = (String, String, String, Option<i64>, i64, i64);

/// All that depends on the reporting currency: the sums of the days, the orders' rates, and what each entry is worth.
async fn figures(db: &PgPool) -> (Vec<Day>, Vec<Order>, Vec<Entry>) {
    let days = sqlx::query_as(
        "select bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor, returned_goods_minor,
             returned_shipping_minor, returned_tax_minor, flagged
         from sums_day where orders <> 0 or gross_minor <> 0 or returned_goods_minor <> 0 or flagged <> 0 order by bucket",
    );
    let orders = sqlx::query_as("select external_id, rate::text, rate_date from orders order by external_id");
    let entries = sqlx::query_as(
        "select o.external_id, l.kind::text, l.part, sum(l.converted_minor)::bigint, sum(l.orders), sum(l.flagged)
         from ledger l join orders o on o.id = l.order_id group by 1, 2, 3, l.occurred_at order by 1, 2, 3, l.occurred_at",
    );
    (
        days.fetch_all(db).await.expect("days"),
        orders.fetch_all(db).await.expect("orders"),
        entries.fetch_all(db).await.expect("entries"),
    )
}

#[sqlx::test(migrations = "./migrations")]
async fn another_zone_cuts_the_days_again_and_recordings_follow_at_once(db: PgPool) {
    let london = books(&db).await;
    let deliveries = deliveries(&london);
    let (before, after) = deliveries.split_at(deliveries.len() / 2);
    record(&db, &london, before).await;
    for zone in ["Asia/Kathmandu", "America/New_York"] {
        let change = Change { zone: Some(zone.into()), week_start: Some(7), ..Change::default() };
        let settings = settings::change(&db, &Bus::of_database(&db), WORKSPACE, change).await.expect("changed");
        assert_eq!((settings.zone.as_str(), settings.week_start), (zone, 7));
        assert_eq!(books(&db).await.calendar.zone_name(), zone);
        assert_eq!(differing_sums(&db).await, 0, "{zone}");
    }
    // With books that are out of date by two zones.
    record(&db, &london, after).await;
    assert_eq!(differing_sums(&db).await, 0);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_setting_that_is_none_changes_nothing(db: PgPool) {
    let before = books(&db).await.revision;
    let change = Change { zone: Some("Europe/Paris".into()), currency: Some("EURO".into()), ..Change::default() };
    let refused = settings::change(&db, &Bus::of_database(&db), WORKSPACE, change).await;
    assert!(matches!(refused, Err(SettingsError::Currency(_))), "{refused:?}");
    let now = books(&db).await;
    assert_eq!((now.calendar.zone_name(), now.revision), ("Europe/London", before));
}

#[sqlx::test(migrations = "./migrations")]
async fn another_currency_leaves_what_recording_everything_in_it_would_have(db: PgPool) {
    let pounds = books(&db).await;
    let deliveries = deliveries(&pounds);
    assert!(deliveries.len() > 1_200, "{} orders are a few batches", deliveries.len());
    // What platforms send again while the change is made: orders that are converted already, changed and unchanged.
    let edited: Vec<Delivery> = deliveries
        .iter()
        .step_by(7)
        .cloned()
        .map(|mut delivery| {
            let sale = delivery.order.as_mut().and_then(|(_, order)| order.sale.as_mut()).expect("a sale");
            sale.modified_at += chrono::TimeDelta::days(40);
            sale.gross_minor += 101;
            delivery
        })
        .collect();
    let (first, then) = deliveries.split_at(deliveries.len() * 4 / 5);

    record(&db, &pounds, first).await;
    let in_pounds = figures(&db).await;
    settings::change(&db, &Bus::of_database(&db), WORKSPACE, to("EUR")).await.expect("asked for");
    for done in [500, 1_000] {
        let progress = currency::step(&db, &pounds).await.expect("a batch").expect("a change is under way");
        assert_eq!((progress.done, progress.total), (done, first.len() as i64));
        // Nothing is seen of it.
        assert!(figures(&db).await == in_pounds);
    }
    record(&db, &pounds, then).await;
    record(&db, &pounds, &edited[..edited.len() / 2]).await;
    assert_eq!(books(&db).await.currency, Currency::GBP);
    // Another process goes on where the first one stopped.
    assert!(currency::run(&db, &books(&db).await, |_| {}).await.expect("made"));
    assert!(!currency::run(&db, &pounds, |_| {}).await.expect("nothing to do"));
    assert_eq!((books(&db).await.currency, differing_sums(&db).await), (Currency::EUR, 0));
    // A process that has not heard of it yet records in the new currency all the same.
    record(&db, &pounds, &edited[edited.len() / 2..]).await;
    assert_eq!(differing_sums(&db).await, 0);
    let changed = figures(&db).await;
    let kept: i64 =
        sqlx::query_scalar("select count(*) from recomputed_entries").fetch_one(&db).await.expect("a count");
    assert_eq!(kept, 0);

    empty(&db).await;
    let euros = books(&db).await;
    record(&db, &euros, &deliveries).await;
    record(&db, &euros, &edited).await;
    let fresh = figures(&db).await;
    assert_eq!(changed.0, fresh.0);
    assert_eq!(changed.1, fresh.1);
    assert_eq!(changed.2, fresh.2);
    assert_eq!(differing_sums(&db).await, 0);
    assert!(fresh.0.iter().any(|day| day.9 > 0), "the last days' orders have no rate");
}

#[sqlx::test(migrations = "./migrations")]
async fn there_and_back_again_is_where_it_began(db: PgPool) {
    let pounds = books(&db).await;
    record(&db, &pounds, &deliveries(&pounds)[..400]).await;
    let before = figures(&db).await;
    for code in ["JPY", "GBP"] {
        settings::change(&db, &Bus::of_database(&db), WORKSPACE, to(code)).await.expect("asked for");
        assert!(currency::run(&db, &books(&db).await, |_| {}).await.expect("made"));
        assert_eq!((books(&db).await.currency.code(), differing_sums(&db).await), (code, 0));
    }
    assert!(figures(&db).await == before);
    // Asked for and taken back before it was made.
    settings::change(&db, &Bus::of_database(&db), WORKSPACE, to("EUR")).await.expect("asked for");
    currency::step(&db, &pounds).await.expect("a batch");
    settings::change(&db, &Bus::of_database(&db), WORKSPACE, to("GBP")).await.expect("taken back");
    assert!(!currency::run(&db, &pounds, |_| {}).await.expect("nothing to do"));
    assert!(figures(&db).await == before);
}

#[sqlx::test(migrations = "./migrations")]
async fn a_running_server_makes_the_change_and_watchers_get_everything_in_the_new_currency(db: PgPool) {
    let app = TestApp::start_at(db, "2026-10-30T14:30:07Z").await;
    let order = shopify_order(1, "8.34", "2026-10-30T12:00:00Z");
    assert_status(app.shopify("orders/create", order).await, reqwest::StatusCode::OK).await;
    let mut socket = app.socket("", Some("takings.v1")).await;
    socket.find(|m| (m["snapshot"]["currency"] == "GBP").then_some(())).await;
    let unwatched = "?range=7d";
    assert_eq!(app.snapshot(unwatched).await["currency"], "GBP");
    // A projection that is still to be scored is of pounds.
    let unscored =
        "insert into projections (workspace_id, period, period_start, period_end, made_on, so_far_minor, low_minor,
         expected_minor, high_minor) values (1, 'month', '2026-10-01', '2026-11-01', '2026-10-29', 0, 1, 2, 3)";
    sqlx::query(unscored).execute(&app.db).await.expect("a projection");
    settings::change(&app.db, &app.bus, WORKSPACE, to("EUR")).await.expect("asked for");
    let euros = socket.find(|m| Some(m["snapshot"].clone()).filter(|snapshot| snapshot["currency"] == "EUR")).await;
    assert_eq!(euros["overview"]["today"]["current"]["revenue"], 1000);
    assert_eq!(app.snapshot(unwatched).await["currency"], "EUR");
    let outlook = euros["tables"].as_array().and_then(|all| all.iter().find(|table| table["name"] == "outlook"));
    assert!(outlook.is_some_and(|table| !table.to_string().contains("GBP")), "{outlook:?}");
    let projections: i64 =
        sqlx::query_scalar("select count(*) from projections").fetch_one(&app.db).await.expect("a count");
    assert_eq!(projections, 0);
    // The test's own books are of before the change: a snapshot makes sure of them all the same.
    let mut connection = app.db.acquire().await.expect("a connection");
    let computed =
        snapshot::compute(&mut connection, &app.books, &Default::default(), app.clock.now()).await.expect("a snapshot");
    assert_eq!((computed.currency, app.books.currency), (Currency::EUR, Currency::GBP));
    drop(connection);
    assert_eq!(app.differing_sums().await, 0);
    app.stop().await;
}
