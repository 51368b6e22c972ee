//! Signed orders over HTTP, closed loop: the next one is sent when the last one was answered, after its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use takings::sales::sums;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest, Signature};
use crate::fill::empty;
use crate::report::{Histogram, Report};

/// Signatures made before the clock starts, for each second of the run; orders beyond are signed while it runs.
const SIGNED_AHEAD_PER_SECOND: u64 = 40_000;

/// What all connections share.
struct Run {
    next: AtomicU64,
    refused: AtomicU64,
    latencies: Histogram,
    signatures: Vec<Signature>,
    deadline: Instant,
}

/// Measures every number of connections.
pub async fn run(bench: &Bench, connections: &[usize], seconds: u64) -> Outcome<()> {
    let title = format!("Ingest: signed orders of 1.6 kB, {seconds} s{}", bench.flush_words());
    let columns = [
        "orders/s",
        "p50 ms",
        "p99 ms",
        "not 200",
        "server CPU µs/order",
        "PostgreSQL CPU µs/order",
        "lost or doubled",
        "sums that differ",
    ];
    let mut report = Report::new(&title, &["connections"], &columns);
    for &connections in connections {
        let mut runs = Vec::new();
        for _ in 0..bench.repetitions {
            runs.push(once(bench, connections, Duration::from_secs(seconds)).await?);
        }
        report.add(&[&connections], &runs);
    }
    report.print();
    Ok(())
}

async fn once(bench: &Bench, connections: usize, span: Duration) -> Outcome<Vec<f64>> {
    // An open quarter of an hour full of the runs before would slow this one down.
    empty(&bench.db).await?;
    let server = bench.server().await?;
    let mut request = OrderRequest::new(&server.address);
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
    let (inexact, differing) = exactness(bench, taken, refused).await?;
    Ok(vec![
        taken as f64 / took,
        run.latencies.quantile_ms(0.5),
        run.latencies.quantile_ms(0.99),
        refused as f64,
        server_cpu,
        postgres_cpu,
        inexact,
        differing,
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

/// Orders that were answered with 200 and are not there, or are there twice; and sums that are not the ledger's. Any
/// is a fault of the program, and no figure counts.
async fn exactness(bench: &Bench, taken: u64, refused: u64) -> Outcome<(f64, f64)> {
    let (orders, sales): (i64, i64) =
        sqlx::query_as("select (select count(*) from orders), (select coalesce(sum(orders), 0)::bigint from ledger)")
            .fetch_one(&bench.db)
            .await?;
    let differing = sums::additions_store::sums_that_differ(&mut *bench.db.acquire().await?, &bench.books).await?;
    // What was refused may have been recorded all the same: its sender would deliver it again.
    let expected = taken as i64..=(taken + refused) as i64;
    if !expected.contains(&orders) || orders != sales || differing != 0 {
        return Err(format!(
            "not exact: {taken} orders were answered with 200 and {refused} otherwise; {orders} are recorded, {sales} are in \
             the ledger, and {differing} sums differ from it"
        )
        .into());
    }
    Ok((0.0, 0.0))
}
