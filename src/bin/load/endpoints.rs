//! How long each endpoint takes after an order has come, beside straight SQL over the orders of the same database.

use std::time::{Duration, Instant};

use sqlx::{Executor as _, PgConnection};

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest, get};
use crate::contender::Contender;
use crate::fill::fill;
use crate::process::Server;
use crate::report::{Histogram, Report, medians};
use crate::straight::Straight::{self, By, Days, Hours, Median, Newest, One, ToDate, Week};

/// A measurement takes no longer, however slow the answers are, but for those that have to be.
const SPAN: Duration = Duration::from_secs(6);
/// Answers of a measurement at least and at most.
const ANSWERS: std::ops::RangeInclusive<usize> = 3..=21;
/// So long an answer is given to everyone who asks; what comes later is computed anew.
const ANSWERED_FOR: Duration = Duration::from_millis(260);

const DAY: Straight = ToDate("day", "1 day");
const WEEK: Straight = ToDate("week", "1 week");
const MONTH: Straight = ToDate("month", "1 month");
const QUARTER: Straight = ToDate("quarter", "3 months");
const YEAR: Straight = ToDate("year", "1 year");
const MEDIANS: [Straight; 3] = [Median("day", "1 day"), Median("week", "1 week"), Median("month", "1 month")];
const PAGE: [Straight; 14] = [
    DAY,
    WEEK,
    MONTH,
    QUARTER,
    YEAR,
    Days(60),
    Hours,
    Week,
    By("country"),
    By("source_id"),
    MEDIANS[0],
    MEDIANS[1],
    MEDIANS[2],
    Newest,
];

/// Endpoints, each with what it takes straight. One of several addresses is asked for one after the other, after one order.
const ENDPOINTS: [(&str, &[&str], &[Straight]); 21] = [
    ("snapshot", &["/api/v1/snapshot"], &PAGE),
    ("tables/periods", &["/api/v1/tables/periods.json"], &[DAY, WEEK, MONTH, QUARTER, YEAR]),
    ("tables/countries", &["/api/v1/tables/countries.json"], &[By("country")]),
    ("tables/platforms", &["/api/v1/tables/platforms.json"], &[By("source_id")]),
    ("tables/average_orders", &["/api/v1/tables/average_orders.json"], &MEDIANS),
    ("tables/averages", &["/api/v1/tables/averages.json"], &[Days(30)]),
    ("charts/revenue", &["/api/v1/charts/revenue.json"], &[Days(60)]),
    ("charts/hours", &["/api/v1/charts/hours.json"], &[Hours]),
    ("charts/weekdays", &["/api/v1/charts/weekdays.json"], &[Week]),
    ("a country alone", &["/api/v1/snapshot?country=DE"], &[By("country"), Days(60), Hours, Week]),
    ("the year so far", &["/api/v1/charts/revenue.json?range=year"], &[Days(365)]),
    ("a page of orders", &["/api/v1/orders"], &[Newest]),
    ("an order", &["/api/v1/orders/1"], &[One]),
    ("today-vs-yesterday", &["/api/comparison/today-vs-yesterday"], &[DAY]),
    ("week-vs-lastweek", &["/api/comparison/week-vs-lastweek"], &[WEEK]),
    ("month-vs-lastmonth", &["/api/comparison/month-vs-lastmonth"], &[MONTH]),
    ("growth/daily", &["/api/growth/daily"], &[Days(30)]),
    ("revenue/platforms", &["/api/revenue/platforms"], &[By("source_id")]),
    ("countries", &["/api/countries"], &[By("country")]),
    ("the old page's eight", &OLD_PAGE, &[DAY, WEEK, MONTH, WEEK, MONTH, Days(30), By("source_id"), By("country")]),
    (WHOLE_PAGE, &NEW_PAGE, &PAGE),
];

const OLD_PAGE: [&str; 8] = [
    "/api/comparison/today-vs-yesterday",
    "/api/comparison/week-vs-lastweek",
    "/api/comparison/month-vs-lastmonth",
    "/api/growth/weekly",
    "/api/growth/monthly",
    "/api/growth/daily",
    "/api/revenue/platforms",
    "/api/countries",
];
const WHOLE_PAGE: &str = "all of a full page";
const NEW_PAGE: [&str; 11] = [
    "/api/v1/snapshot",
    "/api/v1/tables/periods.json",
    "/api/v1/tables/countries.json",
    "/api/v1/tables/platforms.json",
    "/api/v1/tables/average_orders.json",
    "/api/v1/tables/averages.json",
    "/api/v1/charts/revenue.json",
    "/api/v1/charts/hours.json",
    "/api/v1/charts/orders.json",
    "/api/v1/charts/weekdays.json",
    "/api/v1/orders",
];

/// Measures every endpoint with every number of orders.
pub async fn run(bench: &Bench, orders: &[i64]) -> Outcome<()> {
    let mut report = Report::new(
        "Endpoints, each after an order",
        &["orders", "endpoint"],
        &["p50 ms", "slowest ms", "straight SQL p50 ms", "ratio"],
    );
    let mut whole = Vec::new();
    for &n in orders {
        let took = fill(bench, n).await?;
        eprintln!("{n} orders filled in {:.1} s", took.as_secs_f64());
        let server = bench.server().await?;
        let mut asking = Asking::new(bench, &server).await?;
        let mut straight = bench.db.acquire().await?.detach();
        for (name, addresses, questions) in ENDPOINTS {
            let mut runs = Vec::new();
            for _ in 0..bench.repetitions {
                let [p50, slowest] = asking.measure(addresses).await?;
                let sql = ask_straight(&mut straight, questions).await?;
                runs.push(vec![p50, slowest, sql, p50 / sql]);
            }
            report.add(&[&n, &name], &runs);
            if name == WHOLE_PAGE {
                whole.push((n, medians(&runs)[0]));
            }
        }
        server.stop().await?;
    }
    report.print();
    if let (Some((least, first)), Some((most, last))) = (whole.first(), whole.last()) {
        println!("\n{WHOLE_PAGE}, p50 at {most} orders ÷ at {least}: {:.2}", last / first);
    }
    Ok(())
}

/// A connection that asks, and orders that come in between.
struct Asking {
    client: Client,
    host: String,
    authorization: String,
    order: OrderRequest,
    sent: u64,
}

impl Asking {
    async fn new(bench: &Bench, server: &Server) -> Outcome<Asking> {
        Ok(Asking {
            client: Client::connect(&server.address).await?,
            host: server.address.clone(),
            authorization: bench.authorization(),
            order: OrderRequest::new(&server.address, &Contender::Takings.webhook()),
            sent: 0,
        })
    }

    /// Asks, each time after an order was taken and nobody has asked for a while; p50 and the slowest in milliseconds.
    async fn measure(&mut self, addresses: &[&str]) -> Outcome<[f64; 2]> {
        let requests: Vec<Vec<u8>> =
            addresses.iter().map(|address| get(address, &self.host, &self.authorization)).collect();
        let latencies = Histogram::new();
        // The first answers of an endpoint make its plans.
        for warm in [true, false] {
            let began = Instant::now();
            for n in 0..*ANSWERS.end() {
                if n >= *ANSWERS.start() && (warm || began.elapsed() > SPAN) {
                    break;
                }
                tokio::time::sleep(ANSWERED_FOR).await;
                self.sent += 1;
                if self.client.send(self.order.order(self.sent, None)).await? != 200 {
                    return Err("an order was not taken".into());
                }
                let asked = Instant::now();
                for (address, request) in addresses.iter().zip(&requests) {
                    let status = self.client.send(request).await?;
                    if status != 200 {
                        return Err(format!("{address} answered with {status}").into());
                    }
                }
                if !warm {
                    latencies.add(asked.elapsed());
                }
            }
        }
        Ok([latencies.quantile_ms(0.5), latencies.quantile_ms(1.0)])
    }
}

/// The median time of the questions one after the other, in milliseconds.
async fn ask_straight(db: &mut PgConnection, questions: &[Straight]) -> Outcome<f64> {
    let latencies = Histogram::new();
    let began = Instant::now();
    for n in 0..=*ANSWERS.end() {
        if n > *ANSWERS.start() && began.elapsed() > SPAN {
            break;
        }
        let asked = Instant::now();
        for question in questions {
            db.fetch_all(sqlx::query(question.sql())).await?;
        }
        // The first one reads what is not in memory yet.
        if n > 0 {
            latencies.add(asked.elapsed());
        }
    }
    Ok(latencies.quantile_ms(0.5))
}
