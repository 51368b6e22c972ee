//! What it takes to fill a page with figures: eleven GETs on six connections, as the page that Takings replaces asked and a
//! browser sends them; and of Takings also its own page, which comes with its figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use takings::access::store::{begin_session, put_person};
use takings::server::database::WORKSPACE;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::bench::Bench;
use crate::client::{Client, OrderRequest, get};
use crate::contender::Contender;
use crate::process::Server;
use crate::report::Histogram;

/// What the old page asked.
const ELEVEN: [&str; 11] = [
    "/api/comparison/today-vs-yesterday",
    "/api/comparison/week-vs-lastweek",
    "/api/comparison/month-vs-lastmonth",
    "/api/growth/weekly",
    "/api/growth/monthly",
    "/api/growth/daily?days=30",
    "/api/spotify/minutes?weeks=12",
    "/api/spotify/countries",
    "/api/spotify/quarterly-projection",
    "/api/revenue/platforms",
    "/api/countries",
];
/// Connections of a browser to one host.
const CONNECTIONS: usize = 6;
/// After so long without a question, Takings computes an answer anew.
const ANSWERED_FOR: Duration = Duration::from_millis(260);
/// Loads after an order, each.
const AFTER_AN_ORDER: usize = 15;
/// Such loads end when this has passed, but for the first three.
const SPAN: Duration = Duration::from_secs(10);

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The eleven GETs.
    Eleven,
    /// The page that Takings sends, with all figures in it.
    Whole,
}

/// What is measured, in the order of [`loads`]' figures.
pub const COLUMNS: [&str; 5] = ["p50 ms", "p99 ms", "loads/s", "server CPU ms/load", "PostgreSQL CPU ms/load"];

impl Page {
    /// As tables name it.
    pub fn name(self) -> &'static str {
        match self {
            Page::Eleven => "11 GETs",
            Page::Whole => "the page",
        }
    }

    /// Its requests to a server.
    pub async fn requests(self, bench: &Bench, server: &Server) -> Outcome<Vec<Vec<u8>>> {
        // No hash fits it: nobody signs in with a password.
        let person = put_person(&bench.db, WORKSPACE, "load", "", "viewer").await?;
        let session = begin_session(&bench.db, WORKSPACE, person).await?;
        let cookie = format!("Cookie: takings_session={session}");
        let addresses: &[&str] = if self == Page::Eleven { &ELEVEN } else { &["/"] };
        Ok(addresses.iter().map(|address| get(address, &server.address, &cookie)).collect())
    }
}

/// A browser.
struct Viewer {
    connections: [Client; CONNECTIONS],
    requests: Arc<Vec<Vec<u8>>>,
}

impl Viewer {
    async fn new(server: &Server, requests: &Arc<Vec<Vec<u8>>>) -> Outcome<Viewer> {
        let at = &server.address;
        let connect = || Client::connect(at);
        let (a, b, c, d, e, f) = tokio::try_join!(connect(), connect(), connect(), connect(), connect(), connect())?;
        Ok(Viewer { connections: [a, b, c, d, e, f], requests: Arc::clone(requests) })
    }

    /// Asks everything and waits for it.
    async fn load(&mut self) -> Outcome<Duration> {
        let (began, next) = (Instant::now(), AtomicUsize::new(0));
        let [a, b, c, d, e, f] = &mut self.connections;
        let ask = |client| take_turns(client, &self.requests, &next);
        tokio::try_join!(ask(a), ask(b), ask(c), ask(d), ask(e), ask(f))?;
        Ok(began.elapsed())
    }
}

/// Sends the next request that nobody has sent, until there is none.
async fn take_turns(client: &mut Client, requests: &[Vec<u8>], next: &AtomicUsize) -> Outcome<()> {
    while let Some(request) = requests.get(next.fetch_add(1, Relaxed)) {
        let address = || String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_owned();
        match client.send(request).await {
            Ok(200) => {}
            Ok(status) => return Err(format!("{} was answered with {status}", address()).into()),
            // Without the list of hashed files that `make build` leaves beside it, a server renders no page.
            Err(error) => return Err(format!("{}: {error}; is the server of `make build`?", address()).into()),
        }
    }
    Ok(())
}

/// Loads for a while, each viewer one page after the other, with nothing new in between; its figures are those of [`COLUMNS`].
pub async fn loads(bench: &Bench, server: &Server, page: Page, viewers: usize, seconds: u64) -> Outcome<Vec<f64>> {
    let requests = Arc::new(page.requests(bench, server).await?);
    let mut browsers = Vec::new();
    for _ in 0..viewers {
        browsers.push(Viewer::new(server, &requests).await?);
    }
    // What is asked first reads what is not in memory yet.
    if let Some(first) = browsers.first_mut() {
        first.load().await?;
    }
    let (before, began, latencies) = (bench.cpu(server), Instant::now(), Arc::new(Histogram::new()));
    let deadline = began + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for mut browser in browsers {
        let latencies = Arc::clone(&latencies);
        tasks.spawn(async move {
            while Instant::now() < deadline {
                latencies.add(browser.load().await?);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let (took, count) = (began.elapsed().as_secs_f64(), latencies.count());
    let [server_cpu, postgres_cpu] = bench.cpu(server).micros_each(before, count);
    let (p50, p99) = (latencies.quantile_ms(0.5), latencies.quantile_ms(0.99));
    Ok(vec![p50, p99, count as f64 / took, server_cpu / 1000.0, postgres_cpu / 1000.0])
}

/// The median load by one viewer where an order has come before each, and nobody has asked since for longer than an answer
/// is kept, in milliseconds.
pub async fn after_orders(bench: &Bench, server: &Server, contender: Contender, page: Page) -> Outcome<f64> {
    let requests = Arc::new(page.requests(bench, server).await?);
    let (mut viewer, latencies) = (Viewer::new(server, &requests).await?, Histogram::new());
    let mut order = OrderRequest::new(&server.address, &contender.webhook());
    let mut poster = Client::connect(&server.address).await?;
    let recorded = contender.recorded(bench).await?.0 as u64;
    let began = Instant::now();
    for n in 0..AFTER_AN_ORDER {
        if n >= 3 && began.elapsed() > SPAN {
            break;
        }
        tokio::time::sleep(ANSWERED_FOR).await;
        if poster.send(order.order(recorded + 1 + n as u64, None)).await? != 200 {
            return Err("an order was not taken".into());
        }
        latencies.add(viewer.load().await?);
    }
    Ok(latencies.quantile_ms(0.5))
}
