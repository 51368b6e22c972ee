//! `takings import orders` with real invoices: totals per day and country beside an independent sum over the file.

use std::collections::BTreeMap;
use std::io::Read as _;

use sqlx::PgPool;
use takings::imports::orders::{Mapping, Report, Target, import};
use takings::live::bus::Bus;
use takings::server::database::{self, WORKSPACE};
use takings::sources::store as sources;

use crate::util::at;

const SAMPLE: &[u8] = include_bytes!("fixtures/online-retail-sample.csv.gz");

async fn import_sample(db: &PgPool) -> Report {
    let books = database::books(db).await.expect("a workspace");
    let source = sources::add(db, WORKSPACE, "gifts", "direct", "whsec_AAAA").await.expect("a source");
    let mapping: Mapping = "online-retail".parse().expect("a preset");
    let mut errors = Vec::new();
    let target = Target {
        db,
        bus: &Bus::of_database(db),
        books: &books,
        source_id: source,
        platform: "direct",
        received_at: at("2026-11-21T14:30:07Z"),
    };
    let report = import(&target, Box::new(SAMPLE), &mapping, &mut errors, |_| ()).await;
    assert_eq!(String::from_utf8_lossy(&errors).lines().nth(1), None, "no row is rejected");
    report.expect("imported")
}

/// Pennies by day, and by country as the file names it: a plain reading of the file.
fn plain_sums() -> (BTreeMap<String, i64>, BTreeMap<String, i64>, i64) {
    let mut text = String::new();
    flate2::read::GzDecoder::new(SAMPLE).read_to_string(&mut text).expect("text");
    let (mut days, mut countries, mut orders) = (BTreeMap::new(), BTreeMap::new(), 0);
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let total = cells[cells.len() - 1];
        let (whole, fraction) =
            total.trim_start_matches('-').split_once('.').unwrap_or((total.trim_start_matches('-'), "0"));
        let pennies =
            whole.parse::<i64>().expect("digits") * 100 + format!("{fraction:0<2}").parse::<i64>().expect("digits");
        let signed = if total.starts_with('-') { -pennies } else { pennies };
        *days.entry(cells[1][..10].to_owned()).or_insert(0) += signed;
        *countries.entry(cells[2].to_owned()).or_insert(0) += signed;
        orders += i64::from(cells[0].starts_with(|c: char| c.is_ascii_digit()));
    }
    (days, countries, orders)
}

#[sqlx::test(migrations = "./migrations")]
async fn real_invoices_add_up_per_day_and_country_however_often_they_are_imported(db: PgPool) {
    let (days, countries, orders) = plain_sums();
    for _ in 0..2 {
        import_sample(&db).await;
        let by_day: Vec<(String, i64)> = sqlx::query_as(
            "select bucket::text, (gross_minor + discount_minor + shipping_minor + tax_minor + returned_goods_minor + returned_shipping_minor
                 + returned_tax_minor)::bigint from sums_day order by 1",
        )
        .fetch_all(&db).await.expect("sums");
        assert_eq!(by_day, days.clone().into_iter().collect::<Vec<_>>());
        let counted: i64 =
            sqlx::query_scalar("select sum(orders)::bigint from sums_day").fetch_one(&db).await.expect("a count");
        assert_eq!(counted, orders);
        for (name, code) in
            [("United Kingdom", "GB"), ("Germany", "DE"), ("France", "FR"), ("EIRE", "IE"), ("Netherlands", "NL")]
        {
            let sum: i64 = sqlx::query_scalar(
                "select coalesce(sum(l.converted_minor), 0)::bigint from ledger l join orders o on o.workspace_id = l.workspace_id and o.id = l.order_id where o.country = $1",
            )
            .bind(code).fetch_one(&db).await.expect("a sum");
            assert_eq!(Some(sum), countries.get(name).copied(), "{name}");
        }
    }
}
