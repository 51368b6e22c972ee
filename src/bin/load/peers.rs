//! Takings beside servers that do the same work, in one run one after the other. `benches/peers` has their programs, and says
//! what each does and does not do.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

use crate::Outcome;
use crate::bench::Bench;
use crate::contender::Contender;
use crate::fill;
use crate::goals;
use crate::ingest;
use crate::page::{self, Page};
use crate::report::{Report, medians};
use crate::sockets::{self, Load};

/// The database of the peers' tables.
const DATABASE: &str = "peers";
/// Connections of each peer to PostgreSQL, all of which insert: pg alone would open 10. Takings has 12, and one of them records.
const POOL: u32 = 16;
/// Rows that are written in one statement.
const CHUNK: i64 = 500_000;

/// What is measured beside the peers.
#[derive(Subcommand, Clone)]
pub enum Command {
    /// Orders reaching WebSockets, of which some read little and late
    Sockets {
        /// Sockets that watch
        #[arg(long, default_value_t = 10_000)]
        sockets: usize,
        /// Those of them that read slowly; a tenth without it
        #[arg(long)]
        slow: Option<usize>,
        /// Orders a second
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5_000))]
        rate: u64,
        /// Seconds of each run
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// Signed webhooks, each answered after its commit
    Ingest {
        /// Connections, each with one order under way
        #[arg(long, value_delimiter = ',', default_value = "16,64")]
        connections: Vec<usize>,
        /// Seconds of each run
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// A page's figures, beside straight SQL over the orders
    Page {
        /// Orders in the database, over two years
        #[arg(long, value_delimiter = ',', default_value = "10000000")]
        orders: Vec<i64>,
        /// Viewers at once
        #[arg(long, value_delimiter = ',', default_value = "1,16", value_parser = clap::value_parser!(u32).range(1..=64))]
        viewers: Vec<u32>,
        /// Seconds of each run
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
        seconds: u64,
    },
    /// The three
    All,
}

/// The peers' programs and their database.
pub struct Peers {
    /// Where the programs are.
    pub folder: PathBuf,
    /// How they reach the database, by the variables that PostgreSQL's own clients read.
    pub environment: Vec<(&'static str, String)>,
    /// Their database.
    pub db: PgPool,
}

impl Peers {
    /// Makes their database beside that of Takings.
    pub async fn prepare(bench: &Bench, folder: &Path) -> Outcome<Peers> {
        if !is_installed(folder) {
            let folder = folder.display();
            return Err(format!("the peers' packages are not there: run `npm ci --prefix {folder}` first").into());
        }
        sqlx::query("create database peers").execute(&bench.db).await?;
        let options = bench.options.clone().database(DATABASE);
        let db = PgPoolOptions::new().max_connections(2).connect_with(options).await?;
        let tables = std::fs::read_to_string(folder.join("tables.sql"))?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(tables)).execute(&db).await?;
        let url = bench.options.to_url_lossy();
        let sockets = bench.options.get_socket().ok_or("the database has no Unix socket")?;
        let environment = vec![
            ("PGHOST", sockets.display().to_string()),
            ("PGUSER", bench.options.get_username().to_owned()),
            ("PGPASSWORD", url.password().unwrap_or_default().to_owned()),
            ("PGDATABASE", DATABASE.to_owned()),
            ("POOL", POOL.to_string()),
        ];
        Ok(Peers { folder: folder.canonicalize()?, environment, db })
    }

    /// Takes all orders away, and sets how long a flush takes.
    pub async fn empty(&self, flush_ms: u32) -> Outcome<()> {
        let micros = i64::from(flush_ms) * 1000;
        let siblings = if flush_ms == 0 { 5 } else { 0 };
        let settings = format!(
            "alter database {DATABASE} set commit_delay = {micros}; alter database {DATABASE} set commit_siblings = {siblings};
             truncate shopify_orders"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&self.db).await?;
        sqlx::query("checkpoint").execute(&self.db).await?;
        Ok(())
    }

    /// Fills the emptied table with the orders that [`fill::fill`] makes.
    async fn fill(&self, orders: i64) -> Outcome<()> {
        self.empty(0).await?;
        let mut db = self.db.acquire().await?.detach();
        sqlx::query("set synchronous_commit = off").execute(&mut db).await?;
        for from in (1..=orders).step_by(CHUNK as usize) {
            let to = (from + CHUNK - 1).min(orders);
            sqlx::query(ORDERS).bind(from).bind(to).bind(orders).execute(&mut db).await?;
        }
        for settle in ["vacuum analyze", "checkpoint"] {
            sqlx::raw_sql(settle).execute(&mut db).await?;
        }
        db.close().await?;
        Ok(())
    }
}

/// Whether the peers' packages are there.
pub fn is_installed(folder: &Path) -> bool {
    folder.join("node_modules/.bin/bun").exists() && folder.join("node_modules/ws").exists()
}

/// Measures one of it, or all.
pub async fn run(bench: &Bench, command: Command) -> Outcome<()> {
    match command {
        Command::Sockets { sockets, slow, rate, seconds } => {
            reach(bench, Load { sockets, slow: sockets::slow_of(sockets, slow), rate, seconds }).await
        }
        Command::Ingest { connections, seconds } => record(bench, &connections, seconds).await,
        Command::Page { orders, viewers, seconds } => show(bench, &orders, &viewers, seconds).await,
        Command::All => {
            reach(bench, Load { sockets: 10_000, slow: 1_000, rate: 50, seconds: 60 }).await?;
            record(bench, &[16, 64], 10).await?;
            show(bench, &[10_000_000], &[1, 16], 10).await
        }
    }
}

/// Everything, small and once.
pub async fn quick(bench: &Bench) -> Outcome<()> {
    reach(bench, Load { sockets: 200, slow: 20, rate: 50, seconds: 2 }).await?;
    record(bench, &[16], 2).await?;
    show(bench, &[100_000], &[1], 2).await
}

/// Orders reaching sockets.
async fn reach(bench: &Bench, load: Load) -> Outcome<()> {
    let title = format!(
        "Beside the peers: {} sockets, {} of them slow, {} orders a second, {} s{}",
        load.sockets,
        load.slow,
        load.rate,
        load.seconds,
        bench.flush_words()
    );
    let mut report = Report::new(&title, &["server"], &sockets::COLUMNS);
    let mut runs: [Vec<Vec<f64>>; 4] = Default::default();
    for _ in 0..bench.repetitions {
        for (contender, runs) in Contender::ALL.into_iter().zip(&mut runs) {
            runs.push(sockets::once(bench, contender, load).await?);
        }
    }
    for (contender, runs) in Contender::ALL.into_iter().zip(&runs) {
        report.add(&[&contender.name()], runs);
    }
    report.print();
    goals::of_sockets(load, &runs.map(|runs| medians(&runs))).print();
    Ok(())
}

/// Signed orders.
async fn record(bench: &Bench, connections: &[usize], seconds: u64) -> Outcome<()> {
    let contenders = [Contender::Takings, Contender::Bun, Contender::Ws];
    let title = format!("Beside the peers: signed orders of 1.6 kB, {seconds} s{}", bench.flush_words());
    let mut report = Report::new(&title, &["connections", "server"], &ingest::COLUMNS);
    let mut met = goals::table();
    for &connections in connections {
        let mut runs: [Vec<Vec<f64>>; 3] = Default::default();
        for _ in 0..bench.repetitions {
            for (contender, runs) in contenders.into_iter().zip(&mut runs) {
                runs.push(ingest::once(bench, contender, connections, seconds).await?);
            }
        }
        for (contender, runs) in contenders.into_iter().zip(&runs) {
            report.add(&[&connections, &contender.name()], runs);
        }
        goals::of_ingest(&mut met, connections, &runs.map(|runs| medians(&runs)));
    }
    report.print();
    met.print();
    Ok(())
}

/// A page's figures.
async fn show(bench: &Bench, orders: &[i64], viewers: &[u32], seconds: u64) -> Outcome<()> {
    let columns: Vec<&str> = page::COLUMNS.into_iter().chain(["p50 ms after an order"]).collect();
    let mut report = Report::new("Beside the peers: a page's figures", &["orders", "viewers", "what"], &columns);
    let mut met = goals::table();
    for &n in orders {
        let took = fill::fill(bench, n).await?;
        bench.peers()?.fill(n).await?;
        eprintln!("{n} orders filled in {:.1} s, and the peers' after it", took.as_secs_f64());
        let shown =
            [(Contender::Takings, Page::Whole), (Contender::Takings, Page::Eleven), (Contender::Ws, Page::Eleven)];
        for &viewers in viewers {
            let mut p50 = Vec::new();
            for (contender, page) in shown {
                let server = contender.start(bench).await?;
                let mut runs = Vec::new();
                for _ in 0..bench.repetitions {
                    let mut figures = page::loads(bench, &server, page, viewers as usize, seconds).await?;
                    figures.push(page::after_orders(bench, &server, contender, page).await?);
                    runs.push(figures);
                }
                server.stop().await?;
                report.add(&[&n, &viewers, &format!("{}: {}", contender.name(), page.name())], &runs);
                let figures = medians(&runs);
                p50.push([figures[0], figures[5]]);
            }
            goals::of_page(&mut met, n, viewers, &p50);
        }
    }
    report.print();
    met.print();
    Ok(())
}

const ORDERS: &str = "
    insert into shopify_orders (id, order_number, email, created_at, financial_status, total, subtotal, total_tax, currency,
        shipping_country, customer_id, line_items_count)
    select 7000000000000 + n, n, 'somebody@example.com', now() - interval '730 days' * (1 - n::float8 / $3), 'paid',
        (1000 + n * 7919 % 9000 + 399 + 150 + n % 50) / 100.0, (1000 + n * 7919 % 9000) / 100.0, (150 + n % 50) / 100.0, 'GBP',
        (array['GB', 'US', 'DE', 'FR', 'NL', 'IE', 'ES', 'IT', 'SE', 'CA', 'AU', 'JP'])[1 + n * 31 % 12], n % 1000000, 1
    from generate_series($1::bigint, $2::bigint) n";
