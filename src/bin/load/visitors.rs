//! Page views beside orders, open loop: both are sent when they are due. What page views cost orders is the ratio of orders'
//! latencies with and without them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest};
use crate::contender::Contender;
use crate::fill::empty;
use crate::process::Server;
use crate::report::{Histogram, Report};

/// Connections that orders are posted on: enough that none waits for another.
const POSTERS: u64 = 16;
/// Connections that page views are sent on.
const VIEWERS: u64 = 32;
/// Page views before the clock starts, in seconds: plans are made, caches are filled.
const WARM_SECONDS: u64 = 2;
/// Different visitors: addresses of the network that is kept for measurements.
const VISITORS: u64 = 20_000;
/// Different pages.
const PAGES: u64 = 500;

/// What both sides of a run count.
#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    refused: AtomicU64,
    orders_refused: AtomicU64,
}

/// How much is sent, and for how long.
#[derive(Clone, Copy)]
pub struct Load {
    /// Page views a second.
    pub hits: u64,
    /// Orders a second.
    pub orders: u64,
    /// Seconds.
    pub seconds: u64,
}

/// Measures orders alone, then with page views.
pub async fn run(bench: &Bench, load: Load) -> Outcome<()> {
    let Load { hits, orders, seconds } = load;
    let title = format!("Visitors: {hits} page views a second beside {orders} orders a second, {seconds} s each");
    let columns = [
        "accepted/s",
        "not 202",
        "counted",
        "server cores",
        "CPU µs/view: server",
        "PostgreSQL",
        "orders p50 ms: alone",
        "with",
        "ratio",
        "p99 ms: alone",
        "with",
        "ratio",
        "orders not 200",
    ];
    let mut report = Report::new(&title, &["runs"], &columns);
    let mut runs = Vec::new();
    for _ in 0..bench.repetitions {
        runs.push(once(bench, load).await?);
    }
    report.add(&[&bench.repetitions], &runs);
    report.print();
    Ok(())
}

async fn once(bench: &Bench, load: Load) -> Outcome<Vec<f64>> {
    empty(&bench.db).await?;
    sqlx::query(
        "truncate visitor_days, visitor_hours, visitor_parts, visitor_day_marks, visitor_hour_marks, visitors_now",
    )
    .execute(&bench.db)
    .await?;
    let server = bench.server().await?;
    let counts = Arc::new(Counts::default());
    phase(&server, Load { seconds: WARM_SECONDS, ..load }, &counts, 0).await?;
    let first = load.orders * WARM_SECONDS;
    let before = bench.cpu(&server);
    let alone = phase(&server, Load { hits: 0, ..load }, &counts, first).await?;
    let alone_cpu = bench.cpu(&server);
    let warmed = counts.accepted.swap(0, Relaxed);
    let with = phase(&server, load, &counts, first + load.orders * load.seconds).await?;
    let with_cpu = bench.cpu(&server);
    // What is waiting is counted before the server ends.
    server.stop().await?;
    let counted: Option<i64> =
        sqlx::query_scalar("select sum(views)::bigint from visitor_days").fetch_one(&bench.db).await?;
    let (accepted, refused) = (counts.accepted.load(Relaxed), counts.refused.load(Relaxed));
    let views = accepted.max(1) as f64;
    let more = |with: f64, alone: f64| (with - alone) * 1e6 / views;
    let (p50, p99) =
        ([alone.quantile_ms(0.5), with.quantile_ms(0.5)], [alone.quantile_ms(0.99), with.quantile_ms(0.99)]);
    Ok(vec![
        accepted as f64 / load.seconds as f64,
        refused as f64,
        counted.unwrap_or(0) as f64 - warmed as f64,
        (with_cpu.server - alone_cpu.server) / load.seconds as f64,
        more(with_cpu.server - alone_cpu.server, alone_cpu.server - before.server),
        more(with_cpu.postgres - alone_cpu.postgres, alone_cpu.postgres - before.postgres),
        p50[0],
        p50[1],
        p50[1] / p50[0],
        p99[0],
        p99[1],
        p99[1] / p99[0],
        counts.orders_refused.load(Relaxed) as f64,
    ])
}

/// Sends both for a while; how long orders took from when they were due.
async fn phase(server: &Server, load: Load, counts: &Arc<Counts>, first_order: u64) -> Outcome<Arc<Histogram>> {
    let latencies = Arc::new(Histogram::new());
    let request = OrderRequest::new(&server.address, &Contender::Takings.webhook());
    let mut senders = JoinSet::new();
    let mut clients = Vec::new();
    for _ in 0..POSTERS + VIEWERS {
        clients.push(Client::connect(&server.address).await?);
    }
    let began = Instant::now();
    let due = move |n: u64, rate: u64| began + Duration::from_micros(n * 1_000_000 / rate.max(1));
    for poster in 0..POSTERS {
        let Some(mut client) = clients.pop() else { break };
        let (mut request, counts, latencies) = (request.clone(), Arc::clone(counts), Arc::clone(&latencies));
        senders.spawn(async move {
            for n in (poster..load.orders * load.seconds).step_by(POSTERS as usize) {
                let due = due(n, load.orders);
                let bytes = request.order(first_order + n, None).to_vec();
                tokio::time::sleep_until(due.into()).await;
                match client.send(&bytes).await? {
                    200 => latencies.add(due.elapsed()),
                    _ => _ = counts.orders_refused.fetch_add(1, Relaxed),
                }
            }
            Ok::<_, std::io::Error>(())
        });
    }
    for viewer in 0..VIEWERS {
        let Some(mut client) = clients.pop() else { break };
        let (counts, host) = (Arc::clone(counts), server.address.clone());
        senders.spawn(async move {
            for n in (viewer..load.hits * load.seconds).step_by(VIEWERS as usize) {
                tokio::time::sleep_until(due(n, load.hits).into()).await;
                let counted = match client.send(&view(&host, n)).await? {
                    202 => &counts.accepted,
                    _ => &counts.refused,
                };
                counted.fetch_add(1, Relaxed);
            }
            Ok(())
        });
    }
    while let Some(done) = senders.join_next().await {
        done??;
    }
    Ok(latencies)
}

/// A page view as the script sends it, through a proxy.
fn view(host: &str, n: u64) -> Vec<u8> {
    // Neighbours in time are different visitors and pages.
    let (visitor, page) = (n * 7_919 % VISITORS, n * 31 % PAGES);
    let referrer = if n.is_multiple_of(3) { "search.example" } else { "" };
    let body = format!(r#"{{"h":"shop.example","p":"/books/page-{page}","r":"{referrer}"}}"#);
    format!(
        "POST /v HTTP/1.1\r\nHost: {host}\r\nOrigin: https://shop.example\r\nContent-Type: text/plain;charset=UTF-8\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0\r\n\
         X-Forwarded-For: 198.{}.{}.{}\r\nContent-Length: {}\r\n\r\n{body}",
        18 + visitor / 65_536,
        visitor / 256 % 256,
        visitor % 256,
        body.len()
    )
    .into_bytes()
}
