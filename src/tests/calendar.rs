//! The calendar beside a slow reference that asks PostgreSQL, whose `at time zone` takes the later instant too.

use jiff::civil::DateTime;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use sqlx::PgPool;
use takings::period::{Calendar, Instant, Period};

const ZONES: [&str; 7] = [
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
];
/// Cases for each zone and period.
const CASES: usize = 400;

#[sqlx::test]
async fn local_times_become_the_instants_that_postgresql_gives(db: PgPool) {
    let mut runner = TestRunner::new(Config::default());
    for zone in ZONES {
        let calendar = Calendar::new(zone, 1).expect("a zone");
        let (mut locals, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..CASES * 5 {
            let minutes = (0i64..9_500_000).new_tree(&mut runner).expect("a time").current();
            let local: DateTime =
                DateTime::constant(2008, 1, 1, 0, 0, 0, 0).saturating_add(jiff::Span::new().minutes(minutes));
            locals.push(local.to_string());
            ours.push(calendar.instant(local));
        }
        let theirs: Vec<Instant> = sqlx::query_scalar(
            "select l::timestamp at time zone $2 from unnest($1::text[]) with ordinality as t (l, i) order by i",
        )
        .bind(&locals)
        .bind(zone)
        .fetch_all(&db)
        .await
        .expect("instants");
        for ((local, ours), theirs) in locals.iter().zip(ours).zip(theirs) {
            assert_eq!(ours, theirs, "{zone} {local}");
        }
    }
}

#[sqlx::test]
async fn the_same_point_before_is_what_the_calendar_says_when_counted_by_hand(db: PgPool) {
    let mut runner = TestRunner::new(Config::default());
    let periods = [
        (Period::Day, "1 day"),
        (Period::Week, "7 days"),
        (Period::Month, "1 month"),
        (Period::Quarter, "3 months"),
        (Period::Year, "1 year"),
    ];
    for zone in ZONES {
        let calendar = Calendar::new(zone, 1).expect("a zone");
        for (period, interval) in periods {
            let nows: Vec<Instant> = (0..CASES)
                .map(|_| {
                    let seconds = (1_200_000_000i64..1_900_000_000).new_tree(&mut runner).expect("a time").current();
                    chrono::DateTime::from_timestamp(seconds, 0).expect("an instant")
                })
                .collect();
            // Where adding the interval back does not give the day again, the target day does not exist: the end of its month.
            let theirs: Vec<Instant> = sqlx::query_scalar(
                "select case when extract(day from l - $3::text::interval) = extract(day from l) or $3 in ('1 day', '7 days')
                     then (l - $3::text::interval) else date_trunc('month', date_trunc('month', l) - $3::text::interval) + interval '1 month' end at time zone $2
                 from unnest($1::timestamptz[]) with ordinality as t (now, i), lateral (select now at time zone $2 as l) as local order by i",
            )
            .bind(&nows).bind(zone).bind(interval).fetch_all(&db).await.expect("instants");
            for (now, theirs) in nows.into_iter().zip(theirs) {
                assert_eq!(calendar.same_point_before(period, now).to, theirs, "{zone} {period:?} {now}");
            }
        }
    }
}
