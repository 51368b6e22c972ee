//! How long the page's snapshot takes: computed from the database, and served from memory over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use takings::money::Currency;
use takings::sales::medians::fold;
use takings::sales::order::{Order, Sale, Standing};
use takings::sales::recording::Delivery;
use takings::sales::{snapshot, store, sums};
use takings::server::database;
use takings::sources::Format;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, get};
use crate::fill::fill;
use crate::report::{Histogram, Report, medians};

/// Beyond this many orders, recomputing all sums would take longer than measuring.
const CHECKED_MAX: i64 = 1_000_000;
/// Where the orders go that are recorded between two computations.
const COUNTRIES: [&str; 8] = ["GB", "US", "DE", "CA", "AU", "FR", "IE", "NL"];

/// Measures every number of orders with every number of viewers.
pub async fn run(bench: &Bench, orders: &[i64], viewers: &[u32], seconds: u64) -> Outcome<()> {
    let labels = ["orders", "viewers"];
    let mut computed = Report::new(
        "Snapshot, computed after an order",
        &labels,
        &["p50 ms", "p99 ms", "a second", "server* CPU µs", "PostgreSQL CPU µs"],
    );
    let mut served = Report::new(
        "Snapshot, from memory over HTTP",
        &labels,
        &["p50 ms", "p99 ms", "a second", "server CPU µs", "PostgreSQL CPU µs"],
    );
    let span = Duration::from_secs(seconds);
    let mut p50 = Vec::new();
    for &n in orders {
        let took = fill(bench, n).await?;
        eprintln!("{n} orders filled in {:.1} s", took.as_secs_f64());
        if n <= CHECKED_MAX
            && sums::additions_store::sums_that_differ(&mut *bench.db.acquire().await?, &bench.books).await? != 0
        {
            return Err("the filled sums differ from the ledger".into());
        }
        for &viewers in viewers {
            let mut runs = Vec::new();
            for _ in 0..bench.repetitions {
                runs.push(compute(bench, viewers, span).await?);
            }
            computed.add(&[&n, &viewers], &runs);
            p50.push(((n, viewers), medians(&runs)[0]));
        }
        for &viewers in viewers {
            let mut runs = Vec::new();
            for _ in 0..bench.repetitions {
                runs.push(serve(bench, viewers, span).await?);
            }
            served.add(&[&n, &viewers], &runs);
        }
    }
    computed.print();
    println!("\n\\* the load program itself: the computation runs in it.");
    served.print();
    growth(&p50, orders, viewers);
    Ok(())
}

fn growth(p50: &[((i64, u32), f64)], orders: &[i64], viewers: &[u32]) {
    let (Some(&least), Some(&most)) = (orders.iter().min(), orders.iter().max()) else { return };
    let of = |key| p50.iter().find(|(known, _)| *known == key).map_or(f64::NAN, |(_, ms)| *ms);
    let mut report = Report::new(&format!("Computed p50 at {most} orders ÷ at {least}"), &["viewers"], &["ratio"]);
    for &viewers in viewers {
        report.add(&[&viewers], &[vec![of((most, viewers)) / of((least, viewers))]]);
    }
    report.print();
}

/// Computes on `viewers` connections at once, each time after an order was recorded.
async fn compute(bench: &Bench, viewers: u32, span: Duration) -> Outcome<Vec<f64>> {
    let pool = PgPoolOptions::new()
        .min_connections(viewers)
        .max_connections(viewers)
        .connect_with(database::tuned(bench.options.clone()))
        .await?;
    let shutdown = CancellationToken::new();
    let folding = tokio::spawn(fold::run(bench.db.clone(), bench.books.workspace, shutdown.clone()));
    // Plans and pages are warm, as in a server that runs.
    compute_until(&pool, bench, viewers, Instant::now() + span / 5).await?;
    let before = (bench.cpu_of_self(), Instant::now());
    let latencies = compute_until(&pool, bench, viewers, Instant::now() + span).await?;
    let cpu = bench.cpu_of_self().micros_each(before.0, latencies.count());
    let outcome = figures(&latencies, before.1.elapsed(), cpu);
    shutdown.cancel();
    folding.await?;
    pool.close().await;
    Ok(outcome)
}

async fn compute_until(pool: &PgPool, bench: &Bench, viewers: u32, deadline: Instant) -> Outcome<Arc<Histogram>> {
    let latencies = Arc::new(Histogram::new());
    let mut tasks = JoinSet::new();
    for _ in 0..viewers {
        let (mut db, books, latencies) = (pool.acquire().await?, bench.books.clone(), Arc::clone(&latencies));
        let source = bench.source;
        tasks.spawn(async move {
            while Instant::now() < deadline {
                store::record(&mut db, &books, &[order(source)]).await?;
                let asked = Instant::now();
                snapshot::compute(&mut db, &books, &Default::default(), Utc::now()).await?;
                latencies.add(asked.elapsed());
            }
            Ok(())
        });
    }
    finish(tasks).await?;
    Ok(latencies)
}

/// An order of now, other than all before.
fn order(source: i32) -> Delivery {
    static NUMBER: AtomicI64 = AtomicI64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = Utc::now();
    let sale = Sale {
        modified_at: now,
        placed_at: now,
        number: None,
        currency: Currency::GBP,
        gross_minor: 1_000 + number % 9_000,
        discount_minor: 0,
        shipping_minor: 295,
        tax_minor: 0,
        presentment: None,
        country: Some(COUNTRIES[number as usize % COUNTRIES.len()].into()),
        standing: Standing::Counted,
        payment: Some("paid".into()),
        cancelled_at: None,
    };
    Delivery {
        source,
        platform: "shopify".into(),
        received_at: now,
        format: Format::Shopify,
        topic: "orders/create".into(),
        external_id: None,
        body: Bytes::new(),
        problem: None,
        order: Some((
            format!("now-{}-{number}", now.timestamp_micros()),
            Order { sale: Some(sale), ..Order::default() },
        )),
    }
}

/// Asks a server on `viewers` connections at once.
async fn serve(bench: &Bench, viewers: u32, span: Duration) -> Outcome<Vec<f64>> {
    let server = bench.server().await?;
    let request = get("/api/v1/snapshot", &server.address, &bench.authorization());
    ask_until(&server.address, &request, viewers, Instant::now() + span / 5).await?;
    let before = (bench.cpu(&server), Instant::now());
    let latencies = ask_until(&server.address, &request, viewers, Instant::now() + span).await?;
    let cpu = bench.cpu(&server).micros_each(before.0, latencies.count());
    let outcome = figures(&latencies, before.1.elapsed(), cpu);
    server.stop().await?;
    Ok(outcome)
}

async fn ask_until(address: &str, request: &[u8], viewers: u32, deadline: Instant) -> Outcome<Arc<Histogram>> {
    let latencies = Arc::new(Histogram::new());
    let mut tasks = JoinSet::new();
    for _ in 0..viewers {
        let (mut client, request, latencies) =
            (Client::connect(address).await?, request.to_vec(), Arc::clone(&latencies));
        tasks.spawn(async move {
            while Instant::now() < deadline {
                let asked = Instant::now();
                match client.send(&request).await? {
                    200 => latencies.add(asked.elapsed()),
                    status => return Err(format!("the snapshot was answered with {status}").into()),
                }
            }
            Ok(())
        });
    }
    finish(tasks).await?;
    Ok(latencies)
}

fn figures(latencies: &Histogram, took: Duration, cpu: [f64; 2]) -> Vec<f64> {
    let a_second = latencies.count() as f64 / took.as_secs_f64();
    vec![latencies.quantile_ms(0.5), latencies.quantile_ms(0.99), a_second, cpu[0], cpu[1]]
}

async fn finish(mut tasks: JoinSet<Outcome<()>>) -> Outcome<()> {
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
