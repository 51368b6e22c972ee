//! What is measured: the server as a child process, its PostgreSQL, and what they cost.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use takings::sales::books::Books;
use takings::server::database;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::Outcome;
use crate::client::{self, Client};

/// The source that orders come from.
pub const SOURCE: &str = "bench";
/// The secret that signs them.
pub const SECRET: &str = "a secret of the load program";
/// How long the server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// Linux counts a process's time in hundredths of a second, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

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
    token: String,
    binary: PathBuf,
    folder: PathBuf,
    postmaster: i32,
}

/// A running server; killed where it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: String,
    child: Child,
    pid: i32,
}

/// Seconds of processor time used so far.
#[derive(Clone, Copy)]
pub struct Cpu {
    /// By the server.
    pub server: f64,
    /// By PostgreSQL.
    pub postgres: f64,
}

impl Bench {
    /// Brings the new database to this version, and adds the source and the token with the command line.
    pub async fn prepare(
        folder: PathBuf,
        binary: Option<PathBuf>,
        flush_ms: u32,
        repetitions: u32,
        options: PgConnectOptions,
    ) -> Outcome<Bench> {
        let binary = match binary {
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
            repetitions,
            flush_ms,
            token: String::new(),
            binary,
            folder,
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
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = self.folder.join("server.log");
        let file = File::create(&log)?;
        let mut command = self.takings(&["serve", "--addr", &free.to_string()]);
        let child = command.stdout(file.try_clone()?).stderr(file).spawn()?;
        let pid = child.id().ok_or("the server ended at once")? as i32;
        let mut server = Server { address: free.to_string(), child, pid };
        let deadline = Instant::now() + PATIENCE;
        while !server.is_up().await {
            if Instant::now() > deadline || server.child.try_wait()?.is_some() {
                return Err(format!("the server does not answer; it said:\n{}", fs::read_to_string(&log)?).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
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
        self.cpu_with(server.pid)
    }

    /// The same with this program in the place of the server.
    pub fn cpu_of_self(&self) -> Cpu {
        self.cpu_with(std::process::id() as i32)
    }

    fn cpu_with(&self, server: i32) -> Cpu {
        let all = Process::all();
        let of = |wanted: &dyn Fn(&Process) -> bool| all.iter().filter(|p| wanted(p)).map(|p| p.seconds).sum();
        Cpu {
            server: of(&|p| p.pid == server),
            postgres: of(&|p| p.pid == self.postmaster || p.parent == self.postmaster),
        }
    }
}

impl Server {
    async fn is_up(&self) -> bool {
        let Ok(mut client) = Client::connect(&self.address).await else { return false };
        matches!(client.send(&client::get("/healthz", &self.address, "Accept: */*")).await, Ok(200))
    }

    /// Resident memory.
    pub fn rss_kb(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("the server has no memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Stops it as an operator would.
    pub async fn stop(mut self) -> Outcome<()> {
        kill(Pid::from_raw(self.pid), Signal::SIGTERM)?;
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            eprintln!("  the server did not stop within {} s; it is killed", PATIENCE.as_secs());
            self.child.kill().await?;
        }
        Ok(())
    }
}

impl Cpu {
    /// Microseconds used since `before` for each of `n`: by the server and by PostgreSQL.
    pub fn micros_each(self, before: Cpu, n: u64) -> [f64; 2] {
        let each = |seconds: f64| seconds * 1e6 / n.max(1) as f64;
        [each(self.server - before.server), each(self.postgres - before.postgres)]
    }
}

/// A line of `/proc`.
struct Process {
    pid: i32,
    parent: i32,
    /// Its own time, and that of children that ended.
    seconds: f64,
}

impl Process {
    fn read(pid: i32) -> Option<Process> {
        Process::of(Path::new(&format!("/proc/{pid}")))
    }

    fn all() -> Vec<Process> {
        fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| Process::of(&entry.path())).collect()
    }

    fn of(folder: &Path) -> Option<Process> {
        let pid = folder.file_name()?.to_str()?.parse().ok()?;
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        // The name stands in brackets and may hold anything; the state and the parent follow it.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks: f64 = fields.get(11..15)?.iter().filter_map(|n| n.parse::<f64>().ok()).sum();
        Some(Process { pid, parent: fields.get(1)?.parse().ok()?, seconds: ticks / TICKS_PER_SECOND })
    }
}
