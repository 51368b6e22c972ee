//! A server as a child process, and what processes cost, as Linux counts it.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::Outcome;
use crate::client::{Client, get};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
/// Linux counts a process's time in hundredths of a second, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

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

impl Server {
    /// Runs the command made for a free address, and waits until `/healthz` answers there. The server's words go to a file
    /// in `folder`.
    pub async fn start(folder: &Path, command: impl FnOnce(&str) -> Command) -> Outcome<Server> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let log = folder.join("server.log");
        let file = File::create(&log)?;
        let mut command = command(&address);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        let child = command.spawn()?;
        let pid = child.id().ok_or("the server ended at once")? as i32;
        let mut server = Server { address, child, pid };
        let deadline = Instant::now() + PATIENCE;
        while !server.is_up().await {
            if Instant::now() > deadline || server.child.try_wait()?.is_some() {
                return Err(format!("the server does not answer; it said:\n{}", fs::read_to_string(&log)?).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    async fn is_up(&self) -> bool {
        let Ok(mut client) = Client::connect(&self.address).await else { return false };
        matches!(client.send(&get("/healthz", &self.address, "Accept: */*")).await, Ok(200))
    }

    /// Resident memory.
    pub fn rss_kb(&self) -> Outcome<u64> {
        self.memory_kb("VmRSS:")
    }

    /// The most resident memory that it ever had.
    pub fn peak_kb(&self) -> Outcome<u64> {
        self.memory_kb("VmHWM:")
    }

    fn memory_kb(&self, field: &str) -> Outcome<u64> {
        memory_kb(self.pid, field)
    }

    /// Processor time of its process and of what that has started.
    pub fn seconds(&self, all: &[Process]) -> f64 {
        let of = |p: &&Process| p.pid == self.pid || p.parent == self.pid;
        all.iter().filter(of).map(|p| p.seconds).sum()
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

/// A line of a process's status that says how much memory it has.
pub fn memory_kb(pid: i32, field: &str) -> Outcome<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("the process has no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A line of `/proc`.
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// The number of what started it.
    pub parent: i32,
    /// Its own time, and that of children that ended.
    pub seconds: f64,
}

impl Process {
    /// One process.
    pub fn read(pid: i32) -> Option<Process> {
        Process::of(Path::new(&format!("/proc/{pid}")))
    }

    /// All there are.
    pub fn all() -> Vec<Process> {
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

/// Sees to it that this process, and what it starts, may open so many files.
pub fn allow_open_files(wanted: u64) -> Outcome<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted || setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok() {
        return Ok(());
    }
    Err(format!("{wanted} open files are needed and {hard} are allowed: run `ulimit -n {wanted}` as root first").into())
}
