//! `load`: measures the release build under load, each time from an empty database of its own.
//! `docs/benchmarks.md` says how to run it and what its figures mean.

mod backtest;
mod bench;
mod caller;
mod calls;
mod client;
mod contender;
mod endpoints;
mod fill;
mod frames;
mod goals;
mod ingest;
mod page;
mod peers;
mod process;
mod report;
mod royalties;
mod snapshot;
mod sockets;
mod straight;
mod visitors;
mod voice;
mod voice_engine;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use bench::Bench;
use peers::Peers;
use report::Report;

/// An error is a sentence for whoever runs the program.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measure Takings under load: the release server with a PostgreSQL of its own, on loopback alone
#[derive(Parser)]
#[command(name = "load", arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// What holds for every measurement.
#[derive(clap::Args, Clone)]
struct Options {
    /// The server's binary; without it, the takings beside this program
    #[arg(long, global = true)]
    server: Option<PathBuf>,
    /// Where the database is made and removed again; 10 million orders take 10 GB
    #[arg(long, global = true, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// The programs of the peers, with their packages
    #[arg(long, global = true, default_value = "benches/peers")]
    peers: PathBuf,
    /// Pretend that a flush to disk takes this many milliseconds (commit_delay)
    #[arg(long, global = true, default_value_t = 0)]
    flush_ms: u32,
    /// Runs of each measurement; the tables show their medians
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    repetitions: u32,
}

#[derive(Subcommand, Clone)]
enum Command {
    /// The page's snapshot: computed from the database, and served from memory
    Snapshot {
        /// Orders in the database, over two years
        #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
        orders: Vec<i64>,
        /// Viewers at once
        #[arg(long, value_delimiter = ',', default_value = "1,16,64", value_parser = clap::value_parser!(u32).range(1..=80))]
        viewers: Vec<u32>,
        /// Seconds of each run
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
        seconds: u64,
    },
    /// Each endpoint after an order, beside straight SQL over the orders
    Endpoints {
        /// Orders in the database, over two years
        #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
        orders: Vec<i64>,
    },
    /// Signed webhooks, each answered after its commit
    Ingest {
        /// Connections, each with one order under way
        #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
        connections: Vec<usize>,
        /// Seconds of each run
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// Orders reaching WebSockets
    Sockets {
        /// Sockets that watch
        #[arg(long, value_delimiter = ',', default_value = "1000,5000")]
        sockets: Vec<usize>,
        /// Those of them that read little and late; a tenth without it
        #[arg(long)]
        slow: Option<usize>,
        /// Orders a second
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5_000))]
        rate: u64,
        /// Seconds of each run
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// The forms that live messages could have: as they are, deflated, in binary
    Frames {
        /// Orders a second
        #[arg(long, value_delimiter = ',', default_value = "1,50", value_parser = clap::value_parser!(u64).range(1..=500))]
        rates: Vec<u64>,
        /// Seconds of each run
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// The same work by other servers: Express with ws, with Socket.IO, and Bun
    Peers {
        #[command(subcommand)]
        what: peers::Command,
    },
    /// A weekly file of royalties, parsed, previewed and applied by this program
    Royalties {
        /// Rows of the file
        #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        rows: Vec<u32>,
    },
    /// Page views of a shop's visitors, and what they cost orders
    Visitors {
        /// Page views a second
        #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        hits: u64,
        /// Orders a second beside them
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5_000))]
        orders: u64,
        /// Seconds without page views, and with them
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// The server's memory on an empty database
    Idle,
    /// Calls of real WebRTC clients, with the engine of voice alone in a process of its own; needs neither server nor database
    Voice {
        /// Rooms
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=300))]
        rooms: i32,
        /// People in each room
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(2..=50))]
        people: i32,
        /// Those of each room who talk all the time
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=5))]
        talking: i32,
        /// Seconds of each run
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
        seconds: u64,
        /// Instead: so many who join and leave one after the other, and what memory they leave behind
        #[arg(long)]
        joins: Option<u32>,
    },
    /// Orders reaching WebSockets beside calls that the same server carries, and without them
    Calls {
        /// Rooms, each with one who talks all the time
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=150))]
        rooms: i32,
        /// People in each room
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(2..=50))]
        people: i32,
        /// Sockets that watch
        #[arg(long, default_value_t = 1_000)]
        sockets: usize,
        /// Orders a second
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5_000))]
        rate: u64,
        /// Seconds of each run
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=120))]
        seconds: u64,
    },
    /// The engine of voice, for the measurement above it
    #[command(hide = true)]
    VoiceEngine,
    /// Projections on the real invoices of a gift shop; needs neither server nor database
    Backtest,
    /// Everything, ingest also with a flush of 1 ms
    All {
        /// Small and once: whether it works, not how fast
        #[arg(long)]
        quick: bool,
    },
}

impl Command {
    /// Whether the peers take part: with everything, where their packages are there.
    fn needs_peers(&self, programs: &Path) -> bool {
        match self {
            Command::Peers { .. } => true,
            Command::All { .. } => peers::is_installed(programs),
            _ => false,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match (&cli.command, tokio::runtime::Builder::new_multi_thread().enable_all().build()) {
        (Command::Backtest, _) => backtest::run(),
        (Command::VoiceEngine, Ok(runtime)) => voice_engine::serve(&runtime),
        (Command::Voice { joins: Some(joins), .. }, Ok(runtime)) => runtime.block_on(voice::joins(*joins)),
        (&Command::Voice { rooms, people, talking, seconds, .. }, Ok(runtime)) => {
            let load = voice::Load { rooms, people, talking, seconds };
            runtime.block_on(voice::run(load, cli.options.repetitions))
        }
        (_, Ok(runtime)) => runtime.block_on(measure(cli)),
        (_, Err(error)) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command on a new cluster. Whatever happens to it, the cluster is stopped and removed.
async fn measure(cli: Cli) -> Outcome<()> {
    let folder = cli.options.folder.join(format!("takings-load-{}", std::process::id()));
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let postgres = takings::server::postgres::start(&folder.join("database")).await?;
    let options = postgres.options();
    let mut work = tokio::spawn({
        let folder = folder.clone();
        async move {
            let programs = cli.options.peers.clone();
            let mut bench = Bench::prepare(folder, cli.options, options).await?;
            if cli.command.needs_peers(&programs) {
                bench.peers = Some(Peers::prepare(&bench, &programs).await?);
            }
            println!("{}", bench.facts().await?);
            run(bench, cli.command).await
        }
    });
    let outcome = tokio::select! {
        done = &mut work => done.unwrap_or_else(|panic| Err(panic.into())),
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("ended".into()),
    };
    // The server is killed where its handle is dropped; work that was done is not waited for twice.
    if !work.is_finished() {
        work.abort();
        let _ = work.await;
    }
    postgres.stop().await;
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

async fn run(mut bench: Bench, command: Command) -> Outcome<()> {
    match command {
        Command::Snapshot { orders, viewers, seconds } => snapshot::run(&bench, &orders, &viewers, seconds).await,
        Command::Endpoints { orders } => endpoints::run(&bench, &orders).await,
        Command::Ingest { connections, seconds } => ingest::run(&bench, &connections, seconds).await,
        Command::Sockets { sockets, slow, rate, seconds } => sockets::run(&bench, &sockets, slow, rate, seconds).await,
        Command::Frames { rates, seconds } => frames::run(&bench, &rates, seconds).await,
        Command::Peers { what } => peers::run(&bench, what).await,
        Command::Royalties { rows } => royalties::run(&bench, &rows).await,
        Command::Visitors { hits, orders, seconds } => {
            visitors::run(&bench, visitors::Load { hits, orders, seconds }).await
        }
        Command::Idle => idle(&bench).await,
        Command::Calls { rooms, people, sockets, rate, seconds } => {
            let talking = voice::Load { rooms, people, talking: 1, seconds };
            let orders = sockets::Load { sockets, slow: 0, rate, seconds };
            calls::run(&bench, talking, orders).await
        }
        // These need neither server nor database, and have been answered before.
        Command::Voice { .. } | Command::VoiceEngine | Command::Backtest => Ok(()),
        Command::All { quick } => {
            if quick {
                bench.repetitions = 1;
            }
            let (orders, viewers, connections, watchers): (&[i64], &[u32], &[usize], &[usize]) = if quick {
                (&[10_000, 100_000], &[1, 16], &[1, 16], &[200])
            } else {
                (&[10_000, 1_000_000, 10_000_000], &[1, 16, 64], &[1, 16, 64], &[1_000, 5_000])
            };
            let seconds = |full| if quick { 2 } else { full };
            idle(&bench).await?;
            ingest::run(&bench, connections, seconds(10)).await?;
            bench.flush_ms = 1;
            ingest::run(&bench, connections, seconds(10)).await?;
            bench.flush_ms = 0;
            sockets::run(&bench, watchers, None, 50, seconds(20)).await?;
            snapshot::run(&bench, orders, viewers, seconds(5)).await?;
            endpoints::run(&bench, orders).await?;
            let rows: &[u32] = if quick { &[10_000] } else { &[10_000, 100_000, 1_000_000] };
            royalties::run(&bench, rows).await?;
            visitors::run(&bench, visitors::Load { hits: 2_000, orders: 50, seconds: seconds(30) }).await?;
            calls_beside_orders(&bench, quick).await?;
            match (&bench.peers, quick) {
                (Some(_), true) => peers::quick(&bench).await,
                (Some(_), false) => peers::run(&bench, peers::Command::All).await,
                (None, _) => {
                    println!("\nThe peers are left out: their packages are not there (npm ci --prefix benches/peers).");
                    Ok(())
                }
            }
        }
    }
}

/// Calls alone and beside orders.
async fn calls_beside_orders(bench: &Bench, quick: bool) -> Outcome<()> {
    let seconds = if quick { 2 } else { 20 };
    let (rooms, sockets) = if quick { (3, 50) } else { (100, 1_000) };
    let load = voice::Load { rooms, people: 3, talking: 1, seconds };
    voice::run(load, bench.repetitions).await?;
    voice::run(voice::Load { rooms: 1, people: if quick { 8 } else { 50 }, talking: 3, seconds }, bench.repetitions)
        .await?;
    voice::joins(if quick { 20 } else { 1_000 }).await?;
    calls::run(bench, load, sockets::Load { sockets, slow: 0, rate: 50, seconds }).await
}

async fn idle(bench: &Bench) -> Outcome<()> {
    let mut report = Report::new("Idle server, empty database", &["seconds after the start"], &["RSS MB"]);
    let mut runs = Vec::new();
    for _ in 0..bench.repetitions {
        fill::empty(&bench.db).await?;
        let server = bench.server().await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        runs.push(vec![server.rss_kb()? as f64 / 1024.0]);
        server.stop().await?;
    }
    report.add(&[&5], &runs);
    report.print();
    Ok(())
}
