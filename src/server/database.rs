//! The pool of connections, the migrations, and the workspace's settings.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::sales::books::{Books, BooksError};
use crate::settings;

/// The one workspace of an instance. Every table of facts has it in its key, so several are possible later.
pub const WORKSPACE: i32 = 1;
/// Connections: one writes, one computes snapshots, one listens, the rest serve sign-in and pages.
const CONNECTIONS_MAX: u32 = 12;
/// How long a request waits for a connection before it is told that the database is away.
const CONNECTION_WAIT: Duration = Duration::from_secs(3);

/// No question here runs long enough to earn back its compilation, nor a plan of its own each time: planning took longer than
/// answering. A plan for all times knows nothing of what is asked, so it is told: each question is answered through an
/// index, row by row. Without it, plans made while tables are empty read them whole as they grow, and with tens of
/// millions of entries the planner takes "between two instants" for a large part of them and reads them all.
const PLANNER: [(&str, &str); 5] = [
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// Takes [`PLANNER`] back until the transaction ends: work on whole tables is planned as such.
pub async fn plan_in_bulk(tx: &mut PgConnection) -> sqlx::Result<()> {
    let plain = "set local plan_cache_mode = auto; set local enable_seqscan = on; set local enable_hashjoin = on;
        set local enable_mergejoin = on";
    sqlx::raw_sql(plain).execute(tx).await?;
    Ok(())
}

/// Why the workspace could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database refused or was away.
    #[error("the database could not be used: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed; its transaction was rolled back.
    #[error("the database could not be brought to this version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The workspace's settings cannot be used.
    #[error(transparent)]
    Books(#[from] BooksError),
}

/// A pool that connects when it is first used, and again after the database was away.
pub fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(CONNECTION_WAIT)
        .connect_lazy_with(tuned(options))
}

/// How the server connects.
pub fn tuned(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("takings").options(PLANNER)
}

/// A connection that one task keeps: what PostgreSQL has planned and read in it stays warm. Taken from the pool, each
/// question in a row would go to another one.
pub struct OwnConnection {
    options: Arc<PgConnectOptions>,
    connection: Option<PgConnection>,
}

impl OwnConnection {
    /// One to the database of `pool`, made when it is first used.
    pub fn beside(pool: &PgPool) -> OwnConnection {
        OwnConnection { options: pool.connect_options(), connection: None }
    }

    /// The connection. If `work` on it fails, or is given up half-way, the next call makes a new one.
    pub async fn with<T>(&mut self, work: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> sqlx::Result<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options).await?,
        };
        let done = work(&mut connection).await?;
        self.connection = Some(connection);
        Ok(done)
    }
}

/// Brings the database to this version, under an advisory lock, and reads the workspace's settings.
pub async fn open(db: &PgPool) -> Result<Books, OpenError> {
    sqlx::migrate!().run(db).await?;
    books(db).await
}

/// The workspace's settings.
pub async fn books(db: &PgPool) -> Result<Books, OpenError> {
    let mut connection = db.acquire().await?;
    Ok(settings::store::books(&mut connection, WORKSPACE, None).await?)
}

/// Whether the database answers.
pub async fn answers(db: &PgPool) -> sqlx::Result<()> {
    sqlx::query!("select 1 as one").fetch_one(db).await?;
    Ok(())
}
