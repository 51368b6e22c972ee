//! The command line: serve, demo, import, and what sets a fresh instance up without a browser.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use takings::voice::relay::CREDENTIAL_SECONDS;

mod commands;

/// A company's revenue as it happens.
#[derive(Parser)]
#[command(name = "takings", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where the data is.
#[derive(Args, Clone)]
struct Place {
    /// Folder of the embedded PostgreSQL
    #[arg(long = "data", env = "TAKINGS_DATA", default_value = "./data", global = true)]
    data: PathBuf,
    /// A PostgreSQL server of yours instead of the embedded one: postgres://user:password@host/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// A NATS server over which several servers wake one another: nats://user:password@host:4222, or tls://…; without it
    /// they do so through PostgreSQL
    #[arg(
        long,
        env = "TAKINGS_BUS",
        hide_env_values = true,
        global = true,
        default_value = "",
        hide_default_value = true
    )]
    bus: String,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the page, the webhooks and the live stream
    Serve(Serve),
    /// Fill an empty instance with a demo shop of two years, serve it, and let new orders arrive
    Demo {
        #[command(flatten)]
        serve: Serve,
        /// Seconds between two orders, on average
        #[arg(long, default_value_t = 4.0)]
        pace: f64,
    },
    /// Bring the database to this version and stop
    Migrate,
    /// Check that the sums equal the ledger; there must be no difference
    CheckSums {
        /// Build the sums again from the ledger where they differ
        #[arg(long)]
        rebuild: bool,
    },
    /// Read again the deliveries that were kept because they could not be read
    Replay,
    /// Import from a file
    #[command(subcommand)]
    Import(Import),
    /// Post one signed order to a running server, as a shop would
    SendOrder {
        /// The source that the order comes from; its secret signs it
        #[arg(long)]
        source: String,
        /// The running server
        #[arg(long, default_value = "http://127.0.0.1:3000")]
        server: String,
    },
    /// People who may sign in
    #[command(subcommand)]
    User(User),
    /// API tokens for scripts
    #[command(subcommand)]
    Token(Token),
    /// Sources that orders come from
    #[command(subcommand)]
    Source(Source),
    /// Exchange rates
    #[command(subcommand)]
    Rates(Rates),
    /// Print the specification of the API: OpenAPI 3.1 as JSON
    Openapi,
    /// Reporting currency, zone, first day of the week, and the length of a title
    #[command(subcommand)]
    Settings(Settings),
}

#[derive(Args, Clone)]
struct Serve {
    /// Address and port to serve on
    #[arg(long, env = "TAKINGS_ADDR", default_value = "127.0.0.1:3000")]
    addr: std::net::SocketAddr,
    /// Folder of the European Central Bank's files of rates, which are fetched every few hours; without it none are
    #[arg(long, env = "TAKINGS_RATES_URL", value_parser = folder_address)]
    rates_url: Option<String>,
    /// Database of countries by address (.mmdb), for visitors; without it their countries are not known
    #[arg(long, env = "TAKINGS_COUNTRY_DB")]
    country_db: Option<PathBuf>,
    #[command(flatten)]
    voice: Voice,
}

/// Where voice is carried; docs/voice.md says what to open in a firewall.
#[derive(Args, Clone)]
#[command(next_help_heading = "Voice")]
struct Voice {
    /// Carry voice; "off" where another server of this workspace does
    #[arg(long = "voice", env = "TAKINGS_VOICE", default_value = "on", value_parser = ["on", "off"])]
    carried: String,
    /// Address that sound is received and sent on; without it the one of --addr, or the one of the way out
    #[arg(long, env = "TAKINGS_VOICE_ADDRESS")]
    voice_address: Option<IpAddr>,
    /// Address that browsers reach it at, where that is another (behind NAT)
    #[arg(long, env = "TAKINGS_VOICE_PUBLIC")]
    voice_public: Option<IpAddr>,
    /// UDP ports of connections, one each
    #[arg(long, env = "TAKINGS_VOICE_PORTS", default_value = "20000-21999", value_parser = port_range)]
    voice_ports: (u16, u16),
    /// TCP port for browsers that UDP does not reach; 0 takes a free one
    #[arg(long, env = "TAKINGS_VOICE_TCP_PORT", default_value_t = 0)]
    voice_tcp_port: u16,
    /// UDP port of the relay; 0 takes a free one
    #[arg(long, env = "TAKINGS_RELAY_PORT", default_value_t = 3478)]
    relay_port: u16,
    /// A relay of yours instead, such as coturn: turn:host:3478, turns:host:443, several with commas
    #[arg(long, env = "TAKINGS_RELAY_URLS", value_delimiter = ',', value_parser = relay_address)]
    relay_urls: Vec<String>,
    /// The secret that names are signed with there: coturn's static-auth-secret
    #[arg(long, env = "TAKINGS_RELAY_SECRET", hide_env_values = true, default_value = "", hide_default_value = true)]
    relay_secret: String,
    /// The addresses that it relays from, to tell who is relayed; several with commas
    #[arg(long, env = "TAKINGS_RELAY_FROM", value_delimiter = ',')]
    relay_from: Vec<IpAddr>,
    /// Seconds that a browser may use the relay's credentials for a new connection; one that stands outlives them
    #[arg(long, env = "TAKINGS_RELAY_SECONDS", default_value_t = CREDENTIAL_SECONDS, value_parser = clap::value_parser!(u32).range(1..=600))]
    relay_seconds: u32,
    /// Percent of the packets to listeners that are thrown away, to try what a bad network does
    #[arg(long, default_value_t = 0, hide = true, value_parser = clap::value_parser!(u8).range(0..=50))]
    voice_drop_percent: u8,
}

#[derive(Subcommand)]
enum Rates {
    /// Load files of the European Central Bank: XML or CSV, plain or gzip; docs/rates.md says which
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Settings {
    /// Print the settings
    Show,
    /// Change settings; what is not named stays
    Set {
        /// The reporting currency, such as GBP; every order is converted again at the rate of its own day
        #[arg(long)]
        currency: Option<String>,
        /// The IANA zone that cuts the days, such as Europe/London
        #[arg(long)]
        zone: Option<String>,
        /// The first day of the week: 1 is Monday, 7 Sunday
        #[arg(long)]
        week_start: Option<i16>,
        /// The average length of a title in minutes, for completes
        #[arg(long)]
        completes_minutes: Option<i32>,
    },
}

#[derive(Subcommand)]
enum Import {
    /// Orders from a CSV file, plain or gzip; docs/import-orders.md describes the columns
    Orders {
        /// The file
        file: PathBuf,
        /// The source that the orders are kept under; it is added if there is none of this name
        #[arg(long)]
        source: String,
        /// Which column is what: id=Order,placed_at=Date,total=Total,… or a preset: online-retail
        #[arg(long)]
        map: String,
        /// Rows that could not be read go here, with the reason
        #[arg(long, default_value = "rejected.errors.csv")]
        errors: PathBuf,
    },
    /// Statements of royalties from CSV files and spreadsheets; docs/import-royalties.md describes them
    Royalties {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Import them; without it, only what they would change is printed
        #[arg(long)]
        apply: bool,
    },
}

#[derive(Subcommand)]
enum User {
    /// Add someone, or give them a new password; it is read from TAKINGS_PASSWORD or the terminal
    Add {
        /// The name to sign in with
        name: String,
        /// What they may do
        #[arg(long, default_value = "administrator", value_parser = ["viewer", "analyst", "administrator"])]
        role: String,
    },
    /// Print a link that signs someone in once
    Link {
        /// Who
        name: String,
    },
}

#[derive(Subcommand)]
enum Token {
    /// Make an API token and print it; an earlier one of this name ends
    Add {
        /// What it is for
        name: String,
    },
}

#[derive(Subcommand)]
enum Source {
    /// Add a source and print its address and secret; for one that exists, rotate its secret
    Add {
        /// The name in its address: small letters, digits and hyphens
        name: String,
        /// Where its orders are placed
        #[arg(long, default_value = "shopify", value_parser = ["shopify", "etsy", "woocommerce", "amazon", "ebay", "direct"])]
        platform: String,
        /// The secret that deliveries are signed with; without it one is made
        #[arg(long, env = "TAKINGS_SOURCE_SECRET", hide_env_values = true)]
        secret: Option<String>,
    },
}

/// Ports as 20000-21999.
fn port_range(text: &str) -> Result<(u16, u16), String> {
    let ends = text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    ends.filter(|(first, last)| 1024 <= *first && first <= last)
        .ok_or_else(|| "give the first and the last port, from 1024 upwards: 20000-21999".to_owned())
}

/// The address of a relay as browsers take it.
fn relay_address(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("turn:").or_else(|| text.strip_prefix("turns:"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') => Ok(text.to_owned()),
        _ => Err("give it as turn:host:port or turns:host:port".to_owned()),
    }
}

/// The address of a folder on the web; nothing is one too, so that the variable can be left empty.
fn folder_address(text: &str) -> Result<String, String> {
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    if text.is_empty() || is_address && !text.ends_with(".xml") {
        return Ok(text.to_owned());
    }
    Err("give the folder that the files are in: https://www.ecb.europa.eu/stats/eurofxref/".to_owned())
}

/// Libraries of WebRTC, which say addresses of browsers: nobody is to read those.
const SILENT: [&str; 4] = ["webrtc", "rtc", "turn", "stun"];

/// What is logged, and where to. The libraries of WebRTC are silent, whatever is set: a target that is longer would win over any
/// directive for theirs, so they are left out apart from the chosen filter.
fn log(chosen: EnvFilter, to: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) -> impl Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer().with_writer(to).with_target(false);
    tracing_subscriber::registry().with(filter_fn(|said| !is_silent(said.target()))).with(chosen).with(lines)
}

/// Whether a target is one of the silent libraries, or of the crates that they are made of: `rtc_ice::agent`.
fn is_silent(target: &str) -> bool {
    let library = target.split(['_', ':', '-']).next().unwrap_or(target);
    SILENT.contains(&library)
}

fn filter() -> EnvFilter {
    let chosen = EnvFilter::try_from_env("TAKINGS_LOG");
    chosen.unwrap_or_else(|_| "takings=info,sqlx=error,async_nats=off,warn".into())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    log(filter(), std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("takings: the system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("takings: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lines").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_library_that_knows_addresses_of_browsers_is_heard_whatever_is_set() {
        for chosen in ["trace", "rtc_ice=debug", "rtc_ice::agent=trace,webrtc=trace,turn::server=trace,stun=trace"] {
            let lines = Lines::default();
            let to = lines.clone();
            let log = log(format!("{chosen},takings=info").parse().expect("a filter"), move || to.clone());
            tracing::subscriber::with_default(log, || {
                tracing::error!(target: "rtc_ice", "192.0.2.1");
                tracing::debug!(target: "rtc_ice::agent::selector", "192.0.2.1");
                tracing::error!(target: "webrtc::peer_connection", "192.0.2.1");
                tracing::error!(target: "turn::server", "192.0.2.1");
                tracing::error!(target: "stun", "192.0.2.1");
                tracing::info!(target: "takings::voice", "carried");
            });
            let lines = String::from_utf8(lines.0.lock().expect("lines").clone()).expect("text");
            assert!(lines.contains("carried"), "{chosen}: {lines}");
            assert!(!lines.contains("192.0.2.1"), "{chosen}: {lines}");
        }
    }
}
