//! What is measured: the server as a child process, its PostgreSQL, and what they cost.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use takings::sales::books::Books;
use takings::server::database;
use tokio::process::Command;

use crate::peers::Peers;
use crate::process::{Cpu, Process, Server};
use crate::{Options, Outcome};

/// The source that orders come from.
pub const SOURCE: &str = "bench";
/// The secret that signs them.
pub const SECRET: &str = "a secret of the load program";

/// A database with a source and an API token, and how to start servers on it.
pub struct Bench {
    /// The database.
    pub db: PgPool,
    /// How to reach it.
    pub options: PgConnectOptions,
    /// The workspace.
    pub books: Books,
    /// The number of the source.
    pub source: i32,
    /// Runs of each measurement.
    pub repetitions: u32,
    /// How long a flush to disk is made to take.
    pub flush_ms: u32,
    /// The programs to measure beside, where they are wanted.
    pub peers: Option<Peers>,
    /// Where logs and data go.
    pub folder: PathBuf,
    token: String,
    binary: PathBuf,
    postmaster: i32,
}

impl Bench {
    /// Brings the new database to this version, and adds the source and the token with the command line.
    pub async fn prepare(folder: PathBuf, wanted: Options, options: PgConnectOptions) -> Outcome<Bench> {
        let binary = match wanted.server {
            Some(binary) => binary,
            None => std::env::current_exe()?.with_file_name("takings"),
        };
        if !binary.exists() {
            return Err(format!(
                "there is no {}: build it with cargo build --release, or name it with --server",
                binary.display()
            )
            .into());
        }
        let db = PgPoolOptions::new().max_connections(4).connect_with(options.clone()).await?;
        let books = database::open(&db).await?;
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&db).await?;
        let postmaster = Process::read(backend).ok_or("PostgreSQL's processes are not to be seen in /proc")?.parent;
        let mut bench = Bench {
            db,
            options,
            books,
            source: 0,
            repetitions: wanted.repetitions,
            flush_ms: wanted.flush_ms,
            peers: None,
            folder,
            token: String::new(),
            binary,
            postmaster,
        };
        bench.command(&["source", "add", SOURCE, "--platform", "shopify", "--secret", SECRET]).await?;
        let said = bench.command(&["token", "add", SOURCE]).await?;
        bench.token = said.lines().last().unwrap_or_default().trim().to_owned();
        bench.source =
            sqlx::query_scalar("select id from sources where name = $1").bind(SOURCE).fetch_one(&bench.db).await?;
        Ok(bench)
    }

    /// The header that opens the API and the socket.
    pub fn authorization(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    /// Starts the server and waits for it.
    pub async fn server(&self) -> Outcome<Server> {
        Server::start(&self.folder, |address| self.takings(&["serve", "--addr", address])).await
    }

    async fn command(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.takings(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().await?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?);
        }
        Err(format!("takings {} {} failed: {}", arguments[0], arguments[1], String::from_utf8_lossy(&output.stderr))
            .into())
    }

    fn takings(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data").arg(self.folder.join("server"));
        command.env("DATABASE_URL", self.url()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn url(&self) -> String {
        let url = self.options.to_url_lossy();
        match self.flush_ms {
            0 => url.to_string(),
            ms => format!("{url}&options=-c%20commit_delay%3D{}%20-c%20commit_siblings%3D0", ms * 1000),
        }
    }

    /// The peers.
    pub fn peers(&self) -> Outcome<&Peers> {
        self.peers.as_ref().ok_or_else(|| "the peers were not prepared".into())
    }

    /// What stands in a table's title where the disk is slowed down.
    pub fn flush_words(&self) -> String {
        match self.flush_ms {
            0 => String::new(),
            ms => format!(", flush of {ms} ms"),
        }
    }

    /// The machine and the settings that figures depend on.
    pub async fn facts(&self) -> Outcome<String> {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
        let mut connection = self.url().parse::<PgConnectOptions>()?.connect().await?;
        let mut settings = Vec::new();
        for name in [
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "wal_sync_method",
            "commit_delay",
            "commit_siblings",
            "shared_buffers",
            "max_wal_size",
        ] {
            let value: String =
                sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut connection).await?;
            settings.push(format!("{name} {value}"));
        }
        connection.close().await?;
        Ok(format!(
            "Machine: {} cores,{}\nPostgreSQL: {}\nPGOPTIONS: {}\nServer: {}\nMedians of {} runs",
            std::thread::available_parallelism()?,
            model
                .trim_start_matches([' ', '\t', ':'])
                .split_whitespace()
                .fold(String::new(), |all, word| all + " " + word),
            settings.join(", "),
            std::env::var("PGOPTIONS").unwrap_or_else(|_| "not set".into()),
            self.binary.display(),
            self.repetitions,
        ))
    }

    /// Processor time used so far.
    pub fn cpu(&self, server: &Server) -> Cpu {
        let all = Process::all();
        Cpu { server: server.seconds(&all), postgres: self.postgres_seconds(&all) }
    }

    /// The same with this program in the place of the server.
    pub fn cpu_of_self(&self) -> Cpu {
        let all = Process::all();
        let this = std::process::id() as i32;
        let server = all.iter().filter(|p| p.pid == this).map(|p| p.seconds).sum();
        Cpu { server, postgres: self.postgres_seconds(&all) }
    }

    fn postgres_seconds(&self, all: &[Process]) -> f64 {
        let of = |p: &&Process| p.pid == self.postmaster || p.parent == self.postmaster;
        all.iter().filter(of).map(|p| p.seconds).sum()
    }
}
