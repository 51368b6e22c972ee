//! The task that writes what calls were, in one transaction a round, on a connection of its own, and deletes what is old in turns
//! of their own: however much that is, it never keeps what waits from being written.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::calls::history::{Dropped, Waiting};
use crate::calls::keeper::Calls;
use crate::calls::write_store as store;
use crate::server::clock::Clock;
use crate::server::database::OwnConnection;
use crate::visitors::writer::is_refused;

/// How often it looks whether anything waits. Rows are complete every ten seconds, so that it mostly has nothing to do; a call
/// that has ended is there at once.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How often what is old is deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
/// How often calls are ended whose server has died.
const END_EVERY: Duration = Duration::from_secs(60);
/// A call that was not sampled for this long has ended: its server has died. One that stops ends its calls itself.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(120);
/// How long what is old is deleted before it is looked whether anything waits.
const FORGET_FOR: Duration = Duration::from_secs(1);
/// How long a transaction may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same of deleting a call: one of many people and hours has hundreds of thousands of rows.
const PATIENCE_TO_FORGET: Duration = Duration::from_secs(30);
/// How long what is left may take when the server stops.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(3);

/// Writes until `stop`, then what is left.
pub async fn run(calls: Calls, db: PgPool, workspace: i32, clock: Clock, stop: CancellationToken) {
    let mut writer =
        Writer { calls, workspace, clock, forgotten_at: None, ended_at: None, is_failing: false, forgets: true };
    let mut db = OwnConnection::beside(&db);
    loop {
        let is_last = tokio::select! {
            () = stop.cancelled() => true,
            () = writer.calls.forget_asked() => {
                writer.forgets = true;
                false
            }
            () = tokio::time::sleep(WRITE_EVERY) => false,
        };
        writer.write(&mut db, if is_last { PATIENCE_AT_THE_END } else { PATIENCE }).await;
        if is_last {
            return;
        }
        writer.end_lost(&mut db).await;
        writer.forget(&mut db).await;
    }
}

struct Writer {
    calls: Calls,
    workspace: i32,
    clock: Clock,
    forgotten_at: Option<Instant>,
    ended_at: Option<Instant>,
    is_failing: bool,
    /// Whether what is old is to be deleted, whenever that was done last.
    forgets: bool,
}

impl Writer {
    async fn write(&mut self, db: &mut OwnConnection, patience: Duration) {
        let waiting = self.calls.waiting();
        if waiting.is_empty() {
            return;
        }
        if waiting.dropped != Dropped::default() {
            let Dropped { calls, people, rows, alerts } = waiting.dropped;
            tracing::warn!(calls, people, rows, alerts, "calls are lost: the database was away for too long");
        }
        let workspace = self.workspace;
        let work = db.with(async |db: &mut PgConnection| store::write(db, workspace, &waiting).await);
        match in_time(patience, work).await {
            Ok(()) => self.is_failing = false,
            Err(error) if is_refused(&error) => {
                let (calls, rows) = (waiting.calls.len(), waiting.rows.len());
                tracing::error!(%error, calls, rows, "figures of calls were refused by the database, and are not kept");
            }
            Err(error) => {
                self.calls.put_back(Waiting { dropped: Dropped::default(), ..waiting });
                self.failed(&error);
            }
        }
    }

    /// Ends calls whose server has died.
    async fn end_lost(&mut self, db: &mut OwnConnection) {
        if !is_due(self.ended_at, END_EVERY) {
            return;
        }
        let (workspace, before) = (self.workspace, self.clock.now() - LOST_AFTER);
        let work = db.with(async |db: &mut PgConnection| store::end_lost(db, workspace, before).await);
        match in_time(PATIENCE, work).await {
            Ok(()) => (self.ended_at, self.is_failing) = (Some(Instant::now()), false),
            Err(error) => self.failed(&error),
        }
    }

    /// Deletes what is old, one call after the other; what is left is deleted in the next turn.
    async fn forget(&mut self, db: &mut OwnConnection) {
        if !self.forgets && !is_due(self.forgotten_at, FORGET_EVERY) {
            return;
        }
        let (workspace, now, begun) = (self.workspace, self.clock.now(), Instant::now());
        self.forgets = true;
        while self.forgets && begun.elapsed() < FORGET_FOR {
            let work = db.with(async |db: &mut PgConnection| store::forget_one(db, workspace, now).await);
            match in_time(PATIENCE_TO_FORGET, work).await {
                Ok(is_more) => self.forgets = is_more,
                Err(error) => return self.failed(&error),
            }
        }
        self.forgotten_at = Some(Instant::now());
    }

    /// Says once that the database is away, until it has been there again.
    fn failed(&mut self, error: &sqlx::Error) {
        if !self.is_failing {
            tracing::warn!(%error, "calls are not kept at the moment; it goes on trying");
        }
        self.is_failing = true;
    }
}

fn is_due(at: Option<Instant>, every: Duration) -> bool {
    at.is_none_or(|at| at.elapsed() >= every)
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
