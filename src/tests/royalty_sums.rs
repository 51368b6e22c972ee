//! Sums of statements against the statements themselves, over any imports and undoings; and the quarters of 2025 from files.

use std::collections::BTreeMap;

use jiff::civil::Date;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::PgPool;
use takings::imports::run::{self, Done, File, ImportError};
use takings::live::bus::Bus;
use takings::money::Currency;
use takings::royalties::model::{Ledger, Stage};
use takings::royalties::read::{self, Wanted};
use takings::royalties::standing::Standing;
use takings::royalties::tables::{Royalties, TABLES};
use takings::royalties::{store, sums_store};
use takings::sales::books::Books;
use takings::server::database::{self, WORKSPACE};
use takings::table::Value;

use crate::util::at;

const NOW: &str = "2026-02-03T11:14:00Z";
const MONTHLY: &str = include_str!("fixtures/royalties-2025-monthly.csv");
const WEEKLY: &str = include_str!("fixtures/royalties-2025-weekly.csv");

async fn import(db: &PgPool, books: &Books, name: &str, text: &str) -> Result<Done, ImportError> {
    let file = File::new(name, text.as_bytes().to_vec());
    run::apply(db, &Bus::of_database(db), books, vec![file], None, ("ann", at(NOW))).await
}

async fn stored(db: &PgPool) -> Ledger {
    store::whole_ledger(&mut db.acquire().await.expect("a connection"), WORKSPACE).await.expect("statements")
}

async fn shown(db: &PgPool, books: &Books) -> Royalties {
    let mut db = db.acquire().await.expect("a connection");
    read::royalties(&mut db, books, at(NOW), Wanted::default()).await.expect("royalties")
}

async fn standing(db: &PgPool) -> Standing {
    read::standing(&mut db.acquire().await.expect("a connection"), WORKSPACE).await.expect("a standing")
}

/// What the page says is what all statements say, added up in memory; and no sum that is kept differs.
async fn assert_sums_hold(db: &PgPool, books: &Books, of: &str) {
    let ledger = stored(db).await;
    let (found, slow) =
        (shown(db, books).await, Royalties::of(&ledger, Date::constant(2026, 1, 1), books.completes_minutes));
    assert_eq!(found.standing, slow.standing, "{of}");
    assert_eq!(found.countries, slow.countries, "{of}");
    assert_eq!((&found.titles, found.titles_count), (&slow.titles, slow.titles_count), "{of}");
    let differing = sums_store::differing(&mut db.acquire().await.expect("a connection"), WORKSPACE).await;
    assert_eq!(differing.expect("a count"), 0, "{of}");
}

/// A file of some weeks or months, in all details: few periods, titles and values, so that files meet.
fn any_file() -> impl Strategy<Value = String> {
    let row = (1u8..6, 0usize..3, 0usize..3, 0u32..4, 0u32..3, any::<bool>());
    (0usize..3, proptest::collection::vec(row, 1..7)).prop_map(|(kind, rows)| {
        let head = [
            "month,country,title,minutes,revenue,status\n",
            "report_week_start,report_week_end,country,title,total_minutes\n",
            "report_week_start,country,title,minutes\n",
        ][kind];
        let line = |(n, country, title, minutes, money, flag): (u8, usize, usize, u32, u32, bool)| {
            let (country, title) = (["", "GB", "US"][country], ["", "Emma", "Persuasion"][title]);
            let status = if flag { "final" } else { "provisional" };
            match kind {
                0 => format!("2025-0{n},{country},{title},{minutes},{money},{status}\n"),
                1 => format!("2025-03-0{n},2025-03-1{n},{country},{title},{minutes}\n"),
                _ => format!("2025-03-0{n},{},{title},{minutes}\n", if country.is_empty() { "DE" } else { country }),
            }
        };
        head.to_owned() + &rows.into_iter().map(line).collect::<String>()
    })
}

/// What to do next: import a file, or take back the one at a place among those that hold.
#[derive(Debug, Clone)]
enum Deed {
    Import(String),
    Undo(usize),
}

fn any_deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![3 => any_file().prop_map(Deed::Import), 2 => (0usize..8).prop_map(Deed::Undo)];
    proptest::collection::vec(deed, 1..10)
}

#[sqlx::test(migrations = "./migrations")]
async fn imports_and_undoings_in_any_order_leave_sums_that_hold(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let mut runner = TestRunner::deterministic();
    for _ in 0..15 {
        let deeds = any_deeds().new_tree(&mut runner).expect("deeds").current();
        let told = format!("{deeds:#?}");
        // Each import that holds, with what there was before it and after it.
        let mut holding: BTreeMap<i32, (Ledger, Ledger)> = BTreeMap::new();
        for deed in &deeds {
            let before = stored(&db).await;
            match deed {
                Deed::Import(text) => match import(&db, &books, "any.csv", text).await {
                    Ok(done) => drop(holding.insert(done.imports[0], (before, stored(&db).await))),
                    Err(ImportError::Nothing) => assert_eq!(stored(&db).await, before, "{told}"),
                    Err(error) => panic!("{error}: {told}"),
                },
                Deed::Undo(place) => {
                    let Some(import) = holding.keys().nth(place % holding.len().max(1)).copied() else { continue };
                    match run::undo(&db, &Bus::of_database(&db), &books, import, ("ann", at(NOW))).await {
                        Ok(()) => {
                            let (was, made) = holding.remove(&import).expect("an import");
                            let now = stored(&db).await;
                            // What it changed is as it was; what it did not touch is as it is.
                            for key in was.keys().chain(made.keys()).chain(before.keys()) {
                                let is_its = was.get(key) != made.get(key);
                                let expected = if is_its { was.get(key) } else { before.get(key) };
                                assert_eq!(now.get(key), expected, "{key:?}: {told}");
                            }
                        }
                        Err(ImportError::Touched(_)) => assert_eq!(stored(&db).await, before, "{told}"),
                        Err(error) => panic!("{error}: {told}"),
                    }
                }
            }
            assert_sums_hold(&db, &books, &told).await;
        }
        // In their order all can be taken back, and nothing is left.
        for import in holding.into_keys().rev() {
            run::undo(&db, &Bus::of_database(&db), &books, import, ("ann", at(NOW)))
                .await
                .unwrap_or_else(|error| panic!("{error}: {told}"));
        }
        assert!(stored(&db).await.is_empty(), "{told}");
        assert_sums_hold(&db, &books, &told).await;
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn sums_are_made_again_from_statements_alone(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    import(&db, &books, "weekly.csv", WEEKLY).await.expect("imported");
    import(&db, &books, "title.csv", "month,title,minutes,revenue\n2025-01,Emma,10,5.00\n").await.expect("imported");
    import(&db, &books, "country.csv", "report_week_start,country,minutes\n2025-12-22,GB,30\n")
        .await
        .expect("imported");
    let before = shown(&db, &books).await;
    let mut connection = db.acquire().await.expect("a connection");
    for damage in [
        "update royalty_periods set minutes = minutes + 1 where first_day = '2025-06-02'",
        "delete from royalty_periods",
        "truncate royalty_countries",
        "truncate royalty_titles",
        "update royalty_titles set received_minor = received_minor + 1",
    ] {
        sqlx::query(damage).execute(&db).await.expect("damaged");
        assert!(sums_store::differing(&mut connection, WORKSPACE).await.expect("a count") > 0, "{damage}");
        sums_store::renew(&mut connection, WORKSPACE, None).await.expect("made again");
        assert_eq!(sums_store::differing(&mut connection, WORKSPACE).await.expect("a count"), 0, "{damage}");
        let after = shown(&db, &books).await;
        assert_eq!((after.standing, after.titles), (before.standing.clone(), before.titles.clone()), "{damage}");
    }
}

/// The quarters of 2025: minutes, dollars received, the rate, and completes.
const QUARTERS: [(&str, i64, &str, &str, &str); 4] = [
    ("Q4 2025", 894_829, "$9,249.00", "0.01034", "1,688"),
    ("Q3 2025", 1_707_582, "$14,354.00", "0.00841", "3,222"),
    ("Q2 2025", 553_075, "$8,317.00", "0.01504", "1,044"),
    ("Q1 2025", 429_977, "$4,822.00", "0.01121", "811"),
];

#[sqlx::test(migrations = "./migrations")]
async fn the_quarters_of_2025_come_out_of_their_files_whatever_comes_first(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let weekly = import(&db, &books, "weekly.csv", WEEKLY).await.expect("imported").imports[0];
    // Weeks alone: what another program made of the same file, split by day. Nothing of it is received.
    let estimate = standing(&db).await;
    let quarters: Vec<(i64, i64)> =
        estimate.quarters.iter().skip(1).take(4).map(|quarter| (quarter.minutes(), quarter.received_minor())).collect();
    assert_eq!(quarters, [(424_267, 0), (562_660, 0), (1_684_262, 0), (890_775, 0)]);
    let until_september: String = MONTHLY.lines().take(10).map(|line| format!("{line}\n")).collect();
    import(&db, &books, "september.csv", &until_september).await.expect("imported");
    let mixed = standing(&db).await;
    let last = mixed.quarter(Date::constant(2025, 10, 1));
    assert_eq!((last.minutes(), last.stage(), last.received_minor()), (890_775, Some(Stage::Estimate), 0));
    assert_eq!(mixed.rate.as_ref().map(|rate| rate.source.as_str()), Some("Q3 2025"));
    // At Q3's rate, 14,354 dollars for 1,707,582 minutes, each month rounded to the cent.
    assert_eq!(last.estimated_minor(mixed.rate.as_ref().map(|rate| rate.rate)) / 100, 7_487);
    import(&db, &books, "monthly.csv", MONTHLY).await.expect("imported");
    let table = shown(&db, &books).await.quarters().data;
    for (row, (name, minutes, received, rate, completes)) in table.rows.iter().skip(1).zip(QUARTERS) {
        let cell = |column: &str| table.value(row, column).text();
        assert_eq!(table.value(row, "quarter").text(), name);
        assert_eq!(table.value(row, "minutes"), &Value::Count(minutes), "{name}");
        assert_eq!(
            (cell("received"), cell("rate"), cell("completes")),
            (received.into(), rate.into(), completes.into())
        );
    }
    run::undo(&db, &Bus::of_database(&db), &books, weekly, ("ann", at(NOW)))
        .await
        .expect("weeks are taken back below the statements");
    assert_eq!(standing(&db).await.quarters.len(), 4);
    assert_sums_hold(&db, &books, "statements alone").await;
}

#[sqlx::test(migrations = "./migrations")]
async fn dollars_stand_in_the_reporting_currency_with_their_rate(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    import(&db, &books, "monthly.csv", MONTHLY).await.expect("imported");
    let statements = shown(&db, &books).await.statements().data;
    let december = &statements.rows[0];
    let rate = statements.value(december, "exchange_rate").text();
    assert_eq!(statements.value(december, "rate_of").text(), "2025-12-31");
    // 2,896.11 dollars in pence at that rate: in thousands of millionths, rounded by hand.
    let millionths: i64 = rate
        .trim_start_matches("0.")
        .chars()
        .chain("000000".chars())
        .take(6)
        .collect::<String>()
        .parse()
        .expect("a rate");
    let pence = (289_611 * millionths + 500_000) / 1_000_000;
    let Value::Money(minor, Currency::GBP) = *statements.value(december, "converted") else { panic!("no pounds") };
    assert!((minor - pence).abs() <= 1, "{minor} is not {pence} at {rate}");
    assert!(TABLES.iter().any(|(name, _)| *name == "statements"));
}
