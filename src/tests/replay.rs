//! Any replay, reorder or duplicate leaves the same figures: a day of events is shuffled, doubled, dropped and delivered
//! again, also at once, and compared with an account that is kept apart.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use sqlx::PgPool;
use takings::money::{Currency, mean};
use takings::period::{Instant, Window};
use takings::sales::medians::{self, Median};
use takings::sales::order::{Order, Refund, Sale, Standing};
use takings::sales::recording::Delivery;
use takings::sales::{store, sums};
use takings::server::database;

use crate::util::{at, empty};

/// An order's life: what its shop would say at each step.
#[derive(Debug, Clone)]
struct Life {
    id: u32,
    minute: i64,
    gross: i64,
    /// Its price afterwards, and by how many minutes it was placed earlier or later than said at first.
    edited: Option<(i64, i64)>,
    refund: Option<(i64, i64)>,
    cancelled: bool,
    voided: bool,
    test: bool,
}

prop_compose! {
    fn life(id: u32)(minute in 0i64..1440, gross in 1i64..20_000, edited in proptest::option::weighted(0.2, (1i64..20_000, -30i64..30)),
            refund in proptest::option::weighted(0.3, (1i64..600, 1i64..5_000)), cancelled in proptest::bool::weighted(0.1),
            voided in proptest::bool::weighted(0.05), test in proptest::bool::weighted(0.05)) -> Life {
        Life { id, minute, gross, edited, refund, cancelled, voided, test }
    }
}

fn minute(n: i64) -> Instant {
    at("2026-10-24T23:00:00Z") + chrono::Duration::minutes(n)
}

impl Life {
    fn sale(&self, step: i64, gross: i64, placed: i64, cancelled: bool) -> Sale {
        Sale {
            modified_at: minute(self.minute + step),
            placed_at: minute(placed),
            number: None,
            currency: Currency::GBP,
            gross_minor: gross,
            discount_minor: 0,
            shipping_minor: 299,
            tax_minor: 0,
            presentment: None,
            country: None,
            standing: if self.test { Standing::Test } else { Standing::Counted },
            payment: None,
            cancelled_at: cancelled.then(|| minute(self.minute + 700)),
        }
    }

    fn final_gross(&self) -> i64 {
        self.edited.map_or(self.gross, |(gross, _)| gross)
    }

    /// The minute it was placed in, as it is known in the end.
    fn placed(&self) -> i64 {
        self.minute + self.edited.map_or(0, |(_, later)| later)
    }

    fn counts(&self) -> bool {
        !self.test && !self.voided
    }

    /// Everything that is ever said of the order, in the order it happens.
    fn told(&self) -> Vec<Delivery> {
        let mut told = vec![Order::placed(self.sale(0, self.gross, self.minute, false))];
        if self.edited.is_some() {
            told.push(Order::placed(self.sale(1, self.final_gross(), self.placed(), false)));
        }
        if let Some((after, goods)) = self.refund {
            let refund = Refund {
                modified_at: minute(self.minute + after),
                refunded_at: minute(self.minute + after),
                currency: Currency::GBP,
                goods_minor: goods,
                shipping_minor: 0,
                tax_minor: 0,
            };
            told.push(Order { sale: None, refunds: BTreeMap::from([("r".to_owned(), refund)]) });
        }
        if self.cancelled {
            told.push(Order::placed(self.sale(2, self.final_gross(), self.placed(), true)));
        }
        if self.voided {
            let sale = self.sale(3, self.final_gross(), self.placed(), self.cancelled);
            told.push(Order::placed(Sale { standing: Standing::Voided, ..sale }));
        }
        let delivery = |order| Delivery {
            source: 1,
            platform: "shopify".into(),
            received_at: minute(self.minute),
            format: takings::sources::Format::Shopify,
            topic: "t".into(),
            external_id: None,
            body: bytes::Bytes::from_static(b"{}"),
            problem: None,
            order: Some((self.id.to_string(), order)),
        };
        told.into_iter().map(delivery).collect()
    }

    /// The account kept apart: revenue of the order within a window, by plain reading of the rules.
    fn revenue(&self, window: Window) -> i64 {
        if !self.counts() {
            return 0;
        }
        let inside = |at: Instant| window.from <= at && at < window.to;
        let (placed, total) = (minute(self.placed()), self.final_gross() + 299);
        let cancelled = self.cancelled.then(|| minute(self.minute + 700));
        let refund = self
            .refund
            .map(|(after, goods)| (minute(self.minute + after), goods))
            .filter(|(at, _)| cancelled.is_none_or(|c| *at <= c))
            .map(|(at, goods)| (at.max(placed), goods));
        let mut sum = if inside(placed) { total } else { 0 };
        if let Some((_, goods)) = refund.filter(|(at, _)| inside(*at)) {
            sum -= goods;
        }
        if cancelled.is_some_and(inside) {
            sum -= total - refund.map_or(0, |(_, goods)| goods);
        }
        sum
    }
}

fn windows() -> Vec<Window> {
    // The day of the clock change in London, 25 hours, cut at odd places.
    [(0, 1440), (0, 60), (61, 122), (7, 1439), (500, 501), (0, 3000)]
        .map(|(a, b)| Window { from: minute(a), to: minute(b) })
        .to_vec()
}

/// The values of the orders of a window, sorted.
fn placed_in(lives: &[Life], window: Window) -> Vec<i64> {
    let inside = |life: &&Life| window.from <= minute(life.placed()) && minute(life.placed()) < window.to;
    let placed = lives.iter().filter(|life| life.counts()).filter(inside);
    let mut values: Vec<i64> = placed.map(|life| life.final_gross() + 299).collect();
    values.sort_unstable();
    values
}

async fn check(db: &PgPool, lives: &[Life]) {
    let books = database::books(db).await.expect("a workspace");
    let mut connection = db.acquire().await.expect("a connection");
    let sums = sums::store::window_sums(&mut connection, &books, &Default::default(), &windows()).await.expect("sums");
    for (window, sums) in windows().into_iter().zip(sums) {
        let expected: i64 = lives.iter().map(|life| life.revenue(window)).sum();
        assert_eq!(sums.total(), expected, "{window:?}");
        assert_eq!(sums.orders, placed_in(lives, window).len() as i64, "{window:?}");
    }
    let revision = store::cursor(&mut connection, books.workspace).await.expect("a cursor").revision;
    let medians = medians::medians(&mut connection, &books, revision, &windows()).await.expect("medians");
    for (window, median) in windows().into_iter().zip(medians) {
        let values = placed_in(lives, window);
        let (n, half) = (values.len(), values.len() / 2);
        let middle = if n == 0 { None } else { mean(values[half] + values[half - usize::from(n % 2 == 0)], 2) };
        assert_eq!(median, Median { orders: n as i64, value_minor: middle }, "{window:?}");
    }
    assert_eq!(sums::additions_store::sums_that_differ(&mut connection, &books).await.expect("a count"), 0);
}

#[sqlx::test(migrations = "./migrations")]
async fn shuffled_doubled_and_redelivered_events_leave_the_same_figures(db: PgPool) {
    let books = database::books(&db).await.expect("a workspace");
    let mut runner = TestRunner::new(Config::default());
    for round in 0..12u32 {
        let lives: Vec<Life> = (0..60).map(|id| life(id).new_tree(&mut runner).expect("a life").current()).collect();
        empty(&db).await;
        let told: Vec<Delivery> = lives.iter().flat_map(Life::told).collect();
        // Some are lost at first, all come twice in the end, in any order, in batches of any size, from four senders at once.
        let shuffled =
            Just([told.clone(), told.iter().skip(round as usize).step_by(3).cloned().collect(), told].concat())
                .prop_shuffle();
        let deliveries = shuffled.new_tree(&mut runner).expect("an order").current();
        let senders = deliveries.chunks(deliveries.len().div_ceil(4)).map(|part| {
            let (db, books, part) = (db.clone(), books.clone(), part.to_vec());
            tokio::spawn(async move {
                for (i, batch) in part.chunks(1 + round as usize * 3).enumerate() {
                    store::record(&mut db.acquire().await.expect("a connection"), &books, batch)
                        .await
                        .expect("recorded");
                    if i % 3 == 0 {
                        medians::store::fold(&db, books.workspace).await.expect("folded");
                    }
                }
            })
        });
        for sender in senders.collect::<Vec<_>>() {
            sender.await.expect("sent");
        }
        check(&db, &lives).await;
        while medians::store::fold(&db, books.workspace).await.expect("folded") {}
        check(&db, &lives).await;
        let (events, last): (i64, i64) =
            sqlx::query_as("select count(*), coalesce(max(sequence) - min(sequence) + 1, 0) from live_events")
                .fetch_one(&db)
                .await
                .expect("events");
        assert_eq!(events, last, "live events are numbered without gaps");
    }
}
