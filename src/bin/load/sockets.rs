//! Orders reaching WebSockets, open loop: orders are posted when they are due, whether or not sockets keep up. Some sockets
//! read little and late; the others may not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest};
use crate::contender::Contender;
use crate::process::{Server, allow_open_files};
use crate::report::Report;
use crate::watch::{Run, watch, watch_late};

/// Connections that orders are posted on: enough that none waits for another.
const POSTERS: u64 = 16;
/// Handshakes under way at once.
const HANDSHAKES: usize = 64;
/// What comes later than this after the last order was due is lost.
const PATIENCE: Duration = Duration::from_secs(15);
/// Files that are open besides the sockets.
const OTHER_FILES: u64 = 300;

/// How many sockets, and what happens meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// All sockets.
    pub sockets: usize,
    /// Those of them that read little and late.
    pub slow: usize,
    /// Orders a second.
    pub rate: u64,
    /// How long orders come.
    pub seconds: u64,
}

/// What is measured, in the order of [`once`]'s figures.
pub const COLUMNS: [&str; 13] = [
    "deliveries",
    "lost",
    "doubled",
    "p50 ms",
    "p99 ms",
    "CPU s",
    "CPU µs/delivery",
    "bytes/delivery",
    "kB/socket",
    "peak MB",
    "slow caught up",
    "orders not taken",
    "client CPU s",
];

/// A tenth of the sockets read slowly, where nobody says otherwise.
pub fn slow_of(sockets: usize, slow: Option<usize>) -> usize {
    slow.unwrap_or(sockets / 10).min(sockets)
}

/// Measures Takings with every number of sockets.
pub async fn run(bench: &Bench, sockets: &[usize], slow: Option<usize>, rate: u64, seconds: u64) -> Outcome<()> {
    let title = format!("WebSockets: {rate} orders a second, {seconds} s{}", bench.flush_words());
    let mut report = Report::new(&title, &["sockets", "slow"], &COLUMNS);
    for &sockets in sockets {
        let load = Load { sockets, slow: slow_of(sockets, slow), rate, seconds };
        let mut runs = Vec::new();
        for _ in 0..bench.repetitions {
            runs.push(once(bench, Contender::Takings, load).await?);
        }
        report.add(&[&sockets, &load.slow], &runs);
    }
    report.print();
    Ok(())
}

/// One run; its figures are those of [`COLUMNS`].
pub async fn once(bench: &Bench, contender: Contender, load: Load) -> Outcome<Vec<f64>> {
    allow_open_files(load.sockets as u64 + OTHER_FILES)?;
    contender.empty(bench).await?;
    let server = contender.start(bench).await?;
    let figures = deliver(bench, contender, &server, load).await;
    server.stop().await?;
    figures
}

/// Posts orders to a server that has none, and follows them to the sockets.
pub async fn deliver(bench: &Bench, contender: Contender, server: &Server, load: Load) -> Outcome<Vec<f64>> {
    let handshake = contender.handshake(bench, server).await?;
    let open = Open { server, handshake: &handshake, hello: contender.hello() };
    // The server has done everything once before its memory is taken as the start.
    open.connect(8, false).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rss_before = server.rss_kb()?;
    let (fast, slow) = (open.connect(load.sockets - load.slow, false).await?, open.connect(load.slow, true).await?);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let rss_after = server.rss_kb()?;

    let orders = load.rate * load.seconds;
    let mut request = OrderRequest::new(&server.address, &contender.webhook());
    let signatures = request.signatures(orders);
    let clients = connect_posters(server).await?;
    let run = Arc::new(Run::new(orders, load.rate));
    // Dropped at the end of this function, which ends the sockets.
    let mut watchers = JoinSet::new();
    for (stream, pending) in fast {
        watchers.spawn(watch(stream, pending, Arc::clone(&run)));
    }
    for (stream, pending) in slow {
        watchers.spawn(watch_late(stream, pending, Arc::clone(&run)));
    }
    let (before, own_before) = (bench.cpu(server).server, bench.cpu_of_self().server);
    let deadline = run.began + Duration::from_secs(load.seconds) + PATIENCE;
    let taken = post(clients, &request, signatures, &run, deadline).await?;
    let expected = orders * (load.sockets - load.slow) as u64;
    let refused = orders - taken;
    while run.received() < expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (cpu, own_cpu) = (bench.cpu(server).server - before, bench.cpu_of_self().server - own_before);
    let (received, bytes) = (run.received(), run.bytes.load(Relaxed));
    count_the_lost(&run, load.sockets - load.slow);
    let caught_up = catch_up(bench, contender, &run, load.slow).await?;
    if run.ended.load(Relaxed) > 0 {
        eprintln!("  {} sockets were ended by the server", run.ended.load(Relaxed));
    }
    let peak_kb = server.peak_kb()?;
    watchers.shutdown().await;
    Ok(vec![
        received as f64,
        expected as f64 - received as f64,
        run.doubled.load(Relaxed) as f64,
        run.latencies.quantile_ms(0.5),
        run.latencies.quantile_ms(0.99),
        cpu,
        cpu * 1e6 / received.max(1) as f64,
        bytes as f64 / received.max(1) as f64,
        rss_after.saturating_sub(rss_before) as f64 / load.sockets.max(1) as f64,
        peak_kb as f64 / 1024.0,
        caught_up as f64,
        refused as f64,
        own_cpu,
    ])
}

/// How sockets are opened.
struct Open<'a> {
    server: &'a Server,
    handshake: &'a [u8],
    hello: &'static [u8],
}

impl Open<'_> {
    async fn connect(&self, sockets: usize, thin: bool) -> Outcome<Vec<(TcpStream, Vec<u8>)>> {
        let mut open = Vec::with_capacity(sockets);
        let mut under_way = JoinSet::new();
        while open.len() < sockets {
            while under_way.len() < HANDSHAKES && open.len() + under_way.len() < sockets {
                let (address, handshake, hello) = (self.server.address.clone(), self.handshake.to_vec(), self.hello);
                under_way.spawn(async move {
                    let client = match thin {
                        true => Client::connect_thin(&address).await?,
                        false => Client::connect(&address).await?,
                    };
                    let (mut stream, pending) = client.upgrade(&handshake).await?;
                    stream.write_all(hello).await?;
                    Ok::<_, std::io::Error>((stream, pending))
                });
            }
            if let Some(done) = under_way.join_next().await {
                open.push(done??);
            }
        }
        Ok(open)
    }
}

async fn connect_posters(server: &Server) -> Outcome<Vec<Client>> {
    let mut clients = Vec::new();
    for _ in 0..POSTERS {
        clients.push(Client::connect(&server.address).await?);
    }
    Ok(clients)
}

/// Posts each order when it is due, or as soon after that as one of the connections is free. Returns how many were taken
/// before the deadline.
async fn post(
    clients: Vec<Client>,
    request: &OrderRequest,
    signatures: Vec<crate::client::Signature>,
    run: &Arc<Run>,
    deadline: Instant,
) -> Outcome<u64> {
    let (signatures, taken) = (Arc::new(signatures), Arc::new(AtomicU64::new(0)));
    let mut posters = JoinSet::new();
    for (first, mut client) in clients.into_iter().enumerate() {
        let (mut request, run) = (request.clone(), Arc::clone(run));
        let (signatures, taken) = (Arc::clone(&signatures), Arc::clone(&taken));
        posters.spawn(async move {
            for n in (first as u64..run.delivered.len() as u64).step_by(POSTERS as usize) {
                tokio::time::sleep_until((run.began + Duration::from_micros(run.due_micros(n))).into()).await;
                if client.send(request.order(n, signatures.get(n as usize))).await? == 200 {
                    taken.fetch_add(1, Relaxed);
                }
            }
            Ok::<_, std::io::Error>(())
        });
    }
    while let Ok(Some(done)) = tokio::time::timeout_at(deadline.into(), posters.join_next()).await {
        done??;
    }
    Ok(taken.load(Relaxed))
}

/// What has not come by now took at least as long as it is due.
fn count_the_lost(run: &Run, sockets: usize) {
    let now = run.began.elapsed().as_micros() as u64;
    for (n, delivered) in run.delivered.iter().enumerate() {
        let missing = (sockets as u64).saturating_sub(u64::from(delivered.load(Relaxed)));
        run.latencies.add_many(now.saturating_sub(run.due_micros(n as u64)), missing);
    }
}

/// Lets the slow read what is left, and says how many have the database's last event then.
async fn catch_up(bench: &Bench, contender: Contender, run: &Run, slow: usize) -> Outcome<u64> {
    let (_, last_event) = contender.recorded(bench).await?;
    run.last_event.store(last_event, Relaxed);
    let deadline = Instant::now() + PATIENCE;
    while run.caught_up.load(Relaxed) < slow as u64 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(run.caught_up.load(Relaxed))
}
