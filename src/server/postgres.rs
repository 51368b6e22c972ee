//! The embedded PostgreSQL: a private cluster in the data directory, run by the installed binaries.
//!
//! `postgresql_embedded` was looked at first: it downloads its own binaries, listens on TCP alone, and cannot run as
//! another user when it is started by root, so this is our own.
//!
//! The server process is our child. A lock file keeps a second instance away; a server left by a crash is taken
//! over; one that dies is started again.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, User};
use rand::RngExt as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The database role and the database.
const NAME: &str = "takings";
/// How long the server may take to answer after its start: crash recovery can be slow on a busy disk.
const START_WAIT: Duration = Duration::from_secs(60);
/// The pause between two looks whether it answers.
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// The longest a Unix socket's path may be.
const SOCKET_PATH_MAX: usize = 100;
/// Whom the server runs as when we are root: PostgreSQL refuses to run as root.
const UNPRIVILEGED_USERS: [&str; 2] = ["postgres", "nobody"];

/// Why there is no database. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server binaries.
    #[error(
        "no PostgreSQL server is installed: install it (Debian: apt-get install postgresql), or set DATABASE_URL to a server of yours"
    )]
    NotInstalled,
    /// Another Takings runs on the data.
    #[error("another Takings is running on {0}: stop it, or set TAKINGS_DATA to another folder")]
    InUse(PathBuf),
    /// The data is of another major version.
    #[error(
        "the database in {folder} was made by PostgreSQL {has}, and only {installed} is installed: install postgresql-{has}, or dump the data there and restore it into a new folder"
    )]
    OtherVersion {
        /// Where it is.
        folder: PathBuf,
        /// The major version that made it.
        has: String,
        /// The major versions that are here.
        installed: String,
    },
    /// Root, and no user to run it as.
    #[error(
        "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as: start Takings as another user"
    )]
    NoUser,
    /// A command failed.
    #[error("{0} failed: {1}")]
    Command(&'static str, String),
    /// It did not answer in time.
    #[error("PostgreSQL did not answer within a minute of its start; its log is {0}")]
    Silent(PathBuf),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, std::io::Error),
}

/// A running embedded server. Stop it with [`Embedded::stop`].
pub struct Embedded {
    cluster: Cluster,
    /// Held as long as we run: a second instance finds it taken.
    _lock: Flock<File>,
    stopping: CancellationToken,
    supervisor: JoinHandle<()>,
}

/// Where a cluster lives and how to reach it.
#[derive(Clone)]
struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    sockets: PathBuf,
    password: String,
    user: Option<(Uid, Gid)>,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |error| EmbeddedError::Io(path, error)
}

/// Starts the cluster in `data`, making it first if there is none.
pub async fn start(data: &Path) -> Result<Embedded, EmbeddedError> {
    let data = prepare_folder(data)?;
    let lock = lock(&data)?;
    let cluster = Cluster::at(&data)?;
    if !cluster.folder.join("PG_VERSION").exists() {
        tracing::info!(folder = %cluster.folder.display(), "making a new database");
        cluster.init().await?;
    }
    let child = match cluster.left_by_a_crash() {
        Some(pid) if cluster.answers().await => {
            tracing::info!(pid = pid.as_raw(), "taking over the database server that an earlier run left");
            None
        }
        _ => Some(cluster.spawn()?),
    };
    cluster.wait().await?;
    cluster.make_database().await?;
    let stopping = CancellationToken::new();
    let supervisor = tokio::spawn(supervise(cluster.clone(), child, stopping.clone()));
    Ok(Embedded { cluster, _lock: lock, stopping, supervisor })
}

/// How to reach the cluster in `data` that a running Takings keeps; `None` when none is running.
pub async fn running(data: &Path) -> Option<PgConnectOptions> {
    let data = [data.to_owned(), closed_folder_substitute(data)].into_iter().find(|d| d.join("postgres").exists())?;
    let cluster = Cluster::at(&data).ok()?;
    (cluster.left_by_a_crash().is_some() && cluster.answers().await).then(|| cluster.options(NAME))
}

impl Embedded {
    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        self.cluster.options(NAME)
    }

    /// Stops the server: no new connections, what is open is rolled back, all is written.
    pub async fn stop(self) {
        self.stopping.cancel();
        let _ = self.supervisor.await;
    }
}

/// Keeps the server running: starts it again when it dies, stops it when asked.
async fn supervise(cluster: Cluster, mut child: Option<Child>, stopping: CancellationToken) {
    loop {
        let died = async {
            match child.as_mut() {
                Some(child) => drop(child.wait().await),
                // Not our child: look at it from time to time.
                None => {
                    while cluster.left_by_a_crash().is_some() {
                        tokio::time::sleep(LOOK_PAUSE * 10).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stopping.cancelled() => break,
            () = died => {}
        }
        tracing::warn!("the database server ended by itself; starting it again");
        // Its last workers hold the shared memory for a moment: the first tries may be refused.
        tokio::time::sleep(LOOK_PAUSE * 4).await;
        child = cluster.spawn().inspect_err(|error| tracing::error!(%error, "the database server did not start")).ok();
    }
    // SIGINT is PostgreSQL's fast shutdown.
    if let Some(pid) = cluster.left_by_a_crash() {
        let _ = kill(pid, Signal::SIGINT);
    }
    match child.as_mut() {
        Some(child) => drop(child.wait().await),
        None => {
            while cluster.left_by_a_crash().is_some() {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
    }
}

impl Cluster {
    fn at(data: &Path) -> Result<Cluster, EmbeddedError> {
        let folder = data.join("postgres");
        let user = if Uid::effective().is_root() { Some(unprivileged_user()?) } else { None };
        let password = password(&data.join("postgres.password"))?;
        let wanted = data.join("run");
        let too_long = wanted.as_os_str().len() + "/.s.PGSQL.5432.lock".len() > SOCKET_PATH_MAX;
        let sockets =
            if too_long { std::env::temp_dir().join(format!("takings-{:016x}", path_hash(data))) } else { wanted };
        fs::create_dir_all(&sockets).map_err(io(&sockets))?;
        fs::set_permissions(&sockets, Permissions::from_mode(0o700)).map_err(io(&sockets))?;
        if let Some((uid, gid)) = user {
            chown(&sockets, Some(uid.as_raw()), Some(gid.as_raw())).map_err(io(&sockets))?;
        }
        let binaries = binaries(&folder)?;
        Ok(Cluster { binaries, folder, sockets, password, user })
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new().socket(&self.sockets).username(NAME).password(&self.password).database(database)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.current_dir("/").stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    async fn init(&self) -> Result<(), EmbeddedError> {
        fs::create_dir_all(&self.folder).map_err(io(&self.folder))?;
        let password_file = self.sockets.join("password");
        fs::write(&password_file, &self.password).map_err(io(&password_file))?;
        fs::set_permissions(&password_file, Permissions::from_mode(0o600)).map_err(io(&password_file))?;
        if let Some((uid, gid)) = self.user {
            for path in [&self.folder, &password_file] {
                chown(path, Some(uid.as_raw()), Some(gid.as_raw())).map_err(io(path))?;
            }
        }
        let made = self
            .command("initdb")
            .arg("--pgdata")
            .arg(&self.folder)
            .arg("--pwfile")
            .arg(&password_file)
            .args(["--username", NAME, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"])
            .output()
            .await;
        let _ = fs::remove_file(&password_file);
        let output = made.map_err(|error| EmbeddedError::Command("initdb", error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        // What a failed run leaves would be taken for a cluster.
        let _ = fs::remove_dir_all(&self.folder);
        Err(EmbeddedError::Command("initdb", String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    fn spawn(&self) -> Result<Child, EmbeddedError> {
        let log = self.folder.with_extension("log");
        let file = File::options().create(true).append(true).open(&log).map_err(io(&log))?;
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(&self.folder)
            .arg("-k")
            .arg(&self.sockets)
            .args(["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "shared_buffers=128MB"])
            .args(["-c", "max_wal_size=2GB", "-c", "timezone=UTC"])
            .stdout(Stdio::null())
            .stderr(file)
            // Ctrl-C in a terminal reaches the whole group: the server must outlive us until its turn comes.
            .process_group(0);
        command.spawn().map_err(|error| EmbeddedError::Command("postgres", error.to_string()))
    }

    /// The server that runs on the cluster, by its pid file.
    fn left_by_a_crash(&self) -> Option<Pid> {
        let file = fs::read_to_string(self.folder.join("postmaster.pid")).ok()?;
        let pid = Pid::from_raw(file.lines().next()?.trim().parse().ok()?);
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        // A process of that number which is no server of ours only reuses the number.
        String::from_utf8_lossy(&command).contains("postgres").then_some(pid)
    }

    async fn answers(&self) -> bool {
        match self.options("postgres").connect().await {
            Ok(connection) => connection.close().await.is_ok(),
            Err(_) => false,
        }
    }

    async fn wait(&self) -> Result<(), EmbeddedError> {
        let deadline = tokio::time::Instant::now() + START_WAIT;
        while !self.answers().await {
            if tokio::time::Instant::now() > deadline {
                return Err(EmbeddedError::Silent(self.folder.with_extension("log")));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }

    async fn make_database(&self) -> Result<(), EmbeddedError> {
        let failed = |error: sqlx::Error| EmbeddedError::Command("create database", error.to_string());
        let mut connection = self.options("postgres").connect().await.map_err(failed)?;
        let there =
            sqlx::query_scalar!("select exists (select from pg_database where datname = $1) as \"there!\"", NAME);
        if !there.fetch_one(&mut connection).await.map_err(failed)? {
            sqlx::query("create database takings").execute(&mut connection).await.map_err(failed)?;
        }
        connection.close().await.map_err(failed)
    }
}

/// Makes the data directory. As root under a folder that the server's user may not enter (a home directory), the
/// cluster goes to `/var/lib/takings` instead.
fn prepare_folder(data: &Path) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(data).map_err(io(data))?;
    let data = data.canonicalize().map_err(io(data))?;
    let closed = Uid::effective().is_root()
        && data
            .ancestors()
            .skip(1)
            .any(|parent| fs::metadata(parent).is_ok_and(|m| m.permissions().mode() & 0o001 == 0));
    if !closed {
        return Ok(data);
    }
    let substitute = closed_folder_substitute(&data);
    tracing::warn!(
        wanted = %data.display(), used = %substitute.display(),
        "PostgreSQL's user may not enter the data folder; the database is kept elsewhere"
    );
    fs::create_dir_all(&substitute).map_err(io(&substitute))?;
    Ok(substitute)
}

fn closed_folder_substitute(data: &Path) -> PathBuf {
    let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    PathBuf::from(format!("/var/lib/takings/{:016x}", path_hash(&data)))
}

fn path_hash(path: &Path) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn lock(data: &Path) -> Result<Flock<File>, EmbeddedError> {
    let path = data.join("takings.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io(&path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| EmbeddedError::InUse(data.to_owned()))
}

/// The password of the cluster: generated once, readable by us alone.
fn password(path: &Path) -> Result<String, EmbeddedError> {
    let mut text = String::new();
    if let Ok(mut file) = File::open(path) {
        file.read_to_string(&mut text).map_err(io(path))?;
        return Ok(text);
    }
    let text: String = rand::rng().sample_iter(rand::distr::Alphanumeric).take(32).map(char::from).collect();
    let mut file = File::options().create_new(true).write(true).open(path).map_err(io(path))?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(io(path))?;
    file.write_all(text.as_bytes()).map_err(io(path))?;
    Ok(text)
}

fn unprivileged_user() -> Result<(Uid, Gid), EmbeddedError> {
    UNPRIVILEGED_USERS
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| (user.uid, user.gid))
        .ok_or(EmbeddedError::NoUser)
}

/// The folder of the server's binaries: those that made the cluster, or the newest.
fn binaries(cluster: &Path) -> Result<PathBuf, EmbeddedError> {
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    installed.extend(from_path());
    installed.sort();
    let has = fs::read_to_string(cluster.join("PG_VERSION")).map(|text| text.trim().to_owned()).ok();
    let fitting = installed.iter().rev().find(|(major, _)| has.as_ref().is_none_or(|has| *has == major.to_string()));
    match (fitting, has) {
        (Some((_, bin)), _) => Ok(bin.clone()),
        (None, Some(has)) if !installed.is_empty() => {
            let names: Vec<String> = installed.iter().map(|(major, _)| major.to_string()).collect();
            Err(EmbeddedError::OtherVersion { folder: cluster.to_owned(), has, installed: names.join(", ") })
        }
        _ => Err(EmbeddedError::NotInstalled),
    }
}

/// The server on the PATH, with its major version, as `pg_config` tells it.
fn from_path() -> Option<(u32, PathBuf)> {
    let asked = |flag| std::process::Command::new("pg_config").arg(flag).output().ok().filter(|o| o.status.success());
    let bin = PathBuf::from(String::from_utf8(asked("--bindir")?.stdout).ok()?.trim());
    let version = String::from_utf8(asked("--version")?.stdout).ok()?;
    let major = version.split_whitespace().nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    bin.join("initdb").exists().then_some((major, bin))
}
