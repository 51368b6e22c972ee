//! The task that writes what calls were, in one transaction a round, on a connection of its own, and deletes what is old.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant as Moment;
use tokio_util::sync::CancellationToken;

use crate::calls::keeper::Calls;
use crate::calls::store;
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
/// A call that was not sampled for this long has ended: a server that is started again takes its calls up within seconds.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(120);
/// Calls that are deleted at once, with their rows: no round takes long.
const FORGOTTEN_AT_ONCE: i64 = 20;
/// How long a round may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(10);
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
        writer.round(&mut db, if is_last { PATIENCE_AT_THE_END } else { PATIENCE }).await;
        if is_last {
            return;
        }
    }
}

struct Writer {
    calls: Calls,
    workspace: i32,
    clock: Clock,
    forgotten_at: Option<Moment>,
    ended_at: Option<Moment>,
    is_failing: bool,
    /// Whether what is old is to be deleted, whenever that was done last.
    forgets: bool,
}

impl Writer {
    async fn round(&mut self, db: &mut OwnConnection, patience: Duration) {
        let is_due = |at: Option<Moment>, every| at.is_none_or(|at| at.elapsed() >= every);
        let (ends, forgets) =
            (is_due(self.ended_at, END_EVERY), self.forgets || is_due(self.forgotten_at, FORGET_EVERY));
        let waiting = self.calls.waiting();
        if waiting.is_empty() && !ends && !forgets {
            return;
        }
        let (workspace, now) = (self.workspace, self.clock.now());
        let work = db.with(async |db: &mut PgConnection| {
            store::write(db, workspace, &waiting).await?;
            if ends {
                store::end_lost(db, workspace, now - LOST_AFTER).await?;
            }
            while forgets && store::forget(db, workspace, now, FORGOTTEN_AT_ONCE).await? {}
            Ok(())
        });
        if waiting.dropped > 0 {
            tracing::warn!(rows = waiting.dropped, "figures of calls were dropped: the database was away for too long");
        }
        match tokio::time::timeout(patience, work).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(()) => {
                self.is_failing = false;
                self.ended_at = if ends { Some(Moment::now()) } else { self.ended_at };
                self.forgotten_at = if forgets { Some(Moment::now()) } else { self.forgotten_at };
                self.forgets = false;
            }
            Err(error) if is_refused(&error) => {
                tracing::error!(%error, rows = waiting.rows.len(), "figures of calls were refused by the database, and are not kept");
            }
            Err(error) => {
                self.calls.put_back(waiting);
                if !self.is_failing {
                    tracing::warn!(%error, "calls are not kept at the moment; it goes on trying");
                }
                self.is_failing = true;
            }
        }
    }
}
