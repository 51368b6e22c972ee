//! The task that records deliveries: what waits is written together, in one transaction, and answered after its commit.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::live::bus::{Bus, Kind};
use crate::sales::books::{Books, BooksHandle};
use crate::sales::recording::Delivery;
use crate::sales::store;
use crate::server::database::OwnConnection;

/// Deliveries written in one transaction: enough for throughput, few enough that a commit stays within milliseconds.
const BATCH_MAX: usize = 256;
/// Deliveries that may wait: beyond it senders are told to come back rather than kept in memory.
const WAITING_MAX: usize = 4_096;
/// Up to this many are always taken together. Of more that wait, a batch takes half: while it is written, its share of
/// the senders waits, and the other half's next deliveries are being read.
const BATCH_AT_EASE: usize = 32;
/// How long a delivery is retried while the database is away: platforms give up after five seconds.
const RETRY_FOR: Duration = Duration::from_secs(4);
/// The pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Why a delivery was not recorded. It is the sender's to deliver it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// The database did not answer in time, or the server is stopping.
    #[error("the database does not answer at the moment; please deliver again")]
    Unavailable,
    /// Too many deliveries wait.
    #[error("too many deliveries are waiting; please deliver again")]
    Busy,
}

type Waiting = (Delivery, oneshot::Sender<Result<(), NotRecorded>>);

/// A handle to the recording task.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Waiting>,
}

impl Recorder {
    /// Starts the task. It calls `recorded` after each commit, and ends when `shutdown` is cancelled and all that waited
    /// is answered.
    pub fn start(
        db: PgPool,
        bus: Bus,
        books: BooksHandle,
        shutdown: CancellationToken,
        recorded: impl Fn() + Send + 'static,
    ) -> (Recorder, tokio::task::JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(run(db, bus, books, waiting, shutdown, recorded));
        (Recorder { queue }, task)
    }

    /// Records one delivery; returns after its commit.
    pub async fn record(&self, delivery: Delivery) -> Result<(), NotRecorded> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send((delivery, answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotRecorded::Busy,
            mpsc::error::TrySendError::Closed(_) => NotRecorded::Unavailable,
        })?;
        answered.await.unwrap_or(Err(NotRecorded::Unavailable))
    }
}

async fn run(
    db: PgPool,
    bus: Bus,
    books: BooksHandle,
    mut waiting: mpsc::Receiver<Waiting>,
    shutdown: CancellationToken,
    recorded: impl Fn(),
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let commits = Arc::new(Notify::new());
    let teller = tokio::spawn(tell_each(bus.clone(), Arc::clone(&commits)));
    let mut db = OwnConnection::beside(&db);
    loop {
        let wanted = (waiting.len() / 2).clamp(BATCH_AT_EASE, BATCH_MAX);
        tokio::select! {
            taken = waiting.recv_many(&mut batch, wanted) => if taken == 0 { break },
            () = shutdown.cancelled() => waiting.close(),
        }
        if batch.is_empty() {
            match waiting.try_recv() {
                Ok(item) => batch.push(item),
                Err(_) => break,
            }
        }
        let (deliveries, answers): (Vec<Delivery>, Vec<_>) = batch.drain(..).unzip();
        let results = record_batch(&mut db, &books.now(), deliveries).await;
        recorded();
        commits.notify_one();
        for (answer, result) in answers.into_iter().zip(results) {
            // A sender that hung up needs no answer.
            let _ = answer.send(result);
        }
    }
    teller.abort();
    // The last commit may not have been told of.
    bus.tell(Kind::Figures).await;
}

/// Tells the other servers of commits, beside the recordings: several commits in a rush are told at once.
async fn tell_each(bus: Bus, commits: Arc<Notify>) {
    loop {
        commits.notified().await;
        bus.tell(Kind::Figures).await;
    }
}

/// Records a batch. If PostgreSQL refuses it for its content, each delivery is recorded by itself, and the one at
/// fault is kept with its problem.
async fn record_batch(
    db: &mut OwnConnection,
    books: &Books,
    deliveries: Vec<Delivery>,
) -> Vec<Result<(), NotRecorded>> {
    match record_persistently(db, books, &deliveries).await {
        Ok(()) => return vec![Ok(()); deliveries.len()],
        Err(None) => return vec![Err(NotRecorded::Unavailable); deliveries.len()],
        Err(Some(error)) => tracing::warn!(%error, "a batch was refused; its deliveries are recorded one by one"),
    }
    let mut results = Vec::with_capacity(deliveries.len());
    for mut delivery in deliveries {
        let mut result = record_persistently(db, books, std::slice::from_ref(&delivery)).await;
        if let Err(Some(error)) = &result {
            delivery.problem = Some(format!("the database refused it: {error}"));
            delivery.order = None;
            delivery.external_id = None;
            result = record_persistently(db, books, std::slice::from_ref(&delivery)).await;
        }
        results.push(result.map_err(|_| NotRecorded::Unavailable));
    }
    results
}

/// Tries until the database answers or time is up. The error is PostgreSQL's refusal, or `None` when it was away.
async fn record_persistently(
    db: &mut OwnConnection,
    books: &Books,
    deliveries: &[Delivery],
) -> Result<(), Option<sqlx::Error>> {
    let deadline = Instant::now() + RETRY_FOR;
    loop {
        let attempt = db.with(async |db| store::record(db, books, deliveries).await);
        let attempt = tokio::time::timeout_at(deadline, attempt).await;
        match attempt {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if refused_for_content(&error) => return Err(Some(error)),
            Ok(Err(error)) => tracing::debug!(%error, "recording failed; trying again"),
            Err(_) => return Err(None),
        }
        if Instant::now() + RETRY_PAUSE >= deadline {
            return Err(None);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Data exceptions (class 22) and integrity violations (class 23) lie in what was sent; all else is the database's.
fn refused_for_content(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        sqlx::Error::Encode(_) => true,
        _ => false,
    }
}
