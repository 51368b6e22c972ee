//! Signed orders over HTTP, closed loop: the next one is sent when the last one was answered, after its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use takings::sales::sums;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest, Signature};
use crate::contender::Contender;
use crate::report::{Histogram, Report};

/// Signatures made before the clock starts, for each second of the run; orders beyond are signed while it runs.
const SIGNED_AHEAD_PER_SECOND: u64 = 40_000;

/// What is measured, in the order of [`once`]'s figures.
pub const COLUMNS: [&str; 6] =
    ["orders/s", "p50 ms", "p99 ms", "not 200", "server CPU µs/order", "PostgreSQL CPU µs/order"];

/// What all connections share.
struct Run {
    next: AtomicU64,
    refused: AtomicU64,
    latencies: Histogram,
    signatures: Vec<Signature>,
    deadline: Instant,
}

/// Measures Takings with every number of connections.
pub async fn run(bench: &Bench, connections: &[usize], seconds: u64) -> Outcome<()> {
    let title = format!("Ingest: signed orders of 1.6 kB, {seconds} s{}", bench.flush_words());
    let mut report = Report::new(&title, &["connections"], &COLUMNS);
    for &connections in connections {
        let mut runs = Vec::new();
        for _ in 0..bench.repetitions {
            runs.push(once(bench, Contender::Takings, connections, seconds).await?);
        }
        report.add(&[&connections], &runs);
    }
    report.print();
    Ok(())
}

/// One run; its figures are those of [`COLUMNS`].
pub async fn once(bench: &Bench, contender: Contender, connections: usize, seconds: u64) -> Outcome<Vec<f64>> {
    let span = Duration::from_secs(seconds);
    // An open quarter of an hour full of the runs before would slow this one down.
    contender.empty(bench).await?;
    let server = contender.start(bench).await?;
    let mut request = OrderRequest::new(&server.address, &contender.webhook());
    let signatures = request.signatures(SIGNED_AHEAD_PER_SECOND * span.as_secs());
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(&server.address).await?);
    }
    let (before, began) = (bench.cpu(&server), Instant::now());
    let run = Arc::new(Run {
        next: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        latencies: Histogram::new(),
        signatures,
        deadline: began + span,
    });
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(post(client, request.clone(), Arc::clone(&run)));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let took = began.elapsed().as_secs_f64();
    let (taken, refused) = (run.latencies.count(), run.refused.load(Relaxed));
    let [server_cpu, postgres_cpu] = bench.cpu(&server).micros_each(before, taken);
    server.stop().await?;
    check(bench, contender, taken, refused).await?;
    Ok(vec![
        taken as f64 / took,
        run.latencies.quantile_ms(0.5),
        run.latencies.quantile_ms(0.99),
        refused as f64,
        server_cpu,
        postgres_cpu,
    ])
}

async fn post(mut client: Client, mut request: OrderRequest, run: Arc<Run>) -> Outcome<()> {
    while Instant::now() < run.deadline {
        let n = run.next.fetch_add(1, Relaxed);
        let bytes = request.order(n, run.signatures.get(n as usize));
        let sent = Instant::now();
        match client.send(bytes).await? {
            200 => run.latencies.add(sent.elapsed()),
            _ => _ = run.refused.fetch_add(1, Relaxed),
        }
    }
    Ok(())
}

/// Every order that was answered with 200 is there once, and Takings' sums are those of its ledger; else no figure counts.
async fn check(bench: &Bench, contender: Contender, taken: u64, refused: u64) -> Outcome<()> {
    let (orders, _) = contender.recorded(bench).await?;
    // What was refused may have been recorded all the same: its sender would deliver it again.
    if !(taken as i64..=(taken + refused) as i64).contains(&orders) {
        let name = contender.name();
        return Err(format!(
            "{name} is not exact: {taken} orders were answered with 200 and {refused} otherwise; {orders} are recorded"
        )
        .into());
    }
    if contender != Contender::Takings {
        return Ok(());
    }
    let sales: i64 =
        sqlx::query_scalar("select coalesce(sum(orders), 0)::bigint from ledger").fetch_one(&bench.db).await?;
    let differing = sums::additions_store::sums_that_differ(&mut *bench.db.acquire().await?, &bench.books).await?;
    if orders != sales || differing != 0 {
        return Err(format!(
            "not exact: {orders} orders are recorded, {sales} are in the ledger, and {differing} sums differ from it"
        )
        .into());
    }
    Ok(())
}
