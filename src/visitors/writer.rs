//! The task that counts what was handed in: some times a second, in one transaction each, on a connection of its own, so that
//! orders never wait for page views.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use jiff::ToSpan as _;
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;
use tokio::time::Instant as Moment;
use tokio_util::sync::CancellationToken;

use crate::period::{Calendar, jiff_date, minus, sql_date};
use crate::sales::books::BooksHandle;
use crate::server::clock::Clock;
use crate::server::database::OwnConnection;
use crate::visitors::batch::{Batch, Hours, Kind, View};
use crate::visitors::counter::Counter;
use crate::visitors::identity::{Salt, visitor};
use crate::visitors::model::Hit;
use crate::visitors::store;

/// How often it counts: a transaction of a busy second would keep a core for a quarter of it, which orders would notice.
const WRITE_EVERY: Duration = Duration::from_millis(250);
/// How often what is old is deleted, while anything is counted.
const FORGET_EVERY: Duration = Duration::from_secs(1);
/// Page views of one transaction at most: some tens of milliseconds of PostgreSQL's.
const BATCH_MAX: usize = 5_000;
/// How long a transaction may take before it is tried again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what is left may take when the server stops.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(3);
/// How often the log says what was dropped, and what is old is deleted though nothing is counted.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// How long after its end a day's page views are still counted: those that were under way. Then its salt is deleted.
pub const LATE: TimeDelta = TimeDelta::seconds(60);

/// The writer.
pub struct Writer {
    counter: Counter,
    hits: mpsc::Receiver<Hit>,
    books: BooksHandle,
    clock: Clock,
    salts: HashMap<NaiveDate, Salt>,
    /// Taken out of the queue, but not counted yet.
    waiting: Vec<Hit>,
    /// When what is old was deleted last, and the first day that was not over then.
    forgotten: Option<(Moment, NaiveDate)>,
    said_at: Moment,
    failing: bool,
}

impl Writer {
    /// A writer of what a counter is handed; [`Writer::run`] makes it go.
    pub fn new(counter: Counter, hits: mpsc::Receiver<Hit>, books: BooksHandle, clock: Clock) -> Writer {
        Writer {
            counter,
            hits,
            books,
            clock,
            salts: HashMap::new(),
            waiting: Vec::new(),
            forgotten: None,
            said_at: Moment::now(),
            failing: false,
        }
    }

    /// Runs until `stop`; then counts what is left.
    pub async fn run(mut self, db: PgPool, stop: CancellationToken) {
        let mut db = OwnConnection::beside(&db);
        loop {
            let is_last = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(WRITE_EVERY) => false,
            };
            let patience = if is_last { PATIENCE_AT_THE_END } else { PATIENCE };
            while self.round(&mut db, patience).await && !self.hits.is_empty() {}
            self.say(is_last);
            if is_last {
                return;
            }
        }
    }

    /// Counts what there is, up to a batch; whether that went well.
    async fn round(&mut self, db: &mut OwnConnection, patience: Duration) -> bool {
        while self.waiting.len() < BATCH_MAX {
            let Ok(hit) = self.hits.try_recv() else { break };
            self.waiting.push(hit);
        }
        let is_due = self.forgotten.is_none_or(|(at, _)| at.elapsed() >= SAID_EVERY);
        if self.waiting.is_empty() && !is_due {
            return true;
        }
        let outcome = tokio::time::timeout(patience, db.with(async |db| self.write(db).await)).await;
        match outcome.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(()) => {
                self.failing = false;
                return true;
            }
            Err(error) if is_refused(&error) => {
                tracing::error!(%error, hits = self.waiting.len(), "page views were refused by the database and not counted");
                self.counter.drop_some(self.waiting.len() as u64);
                self.waiting.clear();
            }
            Err(error) if !self.failing => {
                tracing::warn!(%error, "visitors are not counted; it goes on trying");
                self.failing = true;
            }
            Err(_) => {}
        }
        false
    }

    async fn write(&mut self, db: &mut PgConnection) -> sqlx::Result<()> {
        let (books, now) = (self.books.now(), self.clock.now());
        let workspace = books.workspace;
        store::wait_for_no_disk(db).await?;
        // A day that is over has no page views to come, and no salt.
        let open = sql_date(books.calendar.date(now - LATE));
        self.salts.retain(|day, _| *day >= open);
        if !self.waiting.is_empty() {
            let hosts = store::hosts(db, workspace).await?;
            let (views, late) = self.views(db, workspace, &books.calendar, &hosts, open).await?;
            if !views.is_empty() {
                store::count(db, workspace, &Batch::new(views)).await?;
            }
            self.counter.drop_some(late);
            self.waiting.clear();
        }
        if self.forgotten.is_none_or(|(at, day)| at.elapsed() >= FORGET_EVERY || day != open) {
            store::forget_salts(db, workspace, open).await?;
            let yesterday = sql_date(minus(jiff_date(open), 1.day()));
            store::forget(db, workspace, now, yesterday).await?;
            self.forgotten = Some((Moment::now(), open));
        }
        Ok(())
    }

    /// What waits, without its addresses, and how many page views come too late: their day is over. Those of hosts that do not
    /// count are left out.
    async fn views(
        &mut self,
        db: &mut PgConnection,
        workspace: i32,
        calendar: &Calendar,
        hosts: &[String],
        open: NaiveDate,
    ) -> sqlx::Result<(Vec<View>, u64)> {
        let (mut views, mut late, mut hours) = (Vec::with_capacity(self.waiting.len()), 0, Hours::of(calendar));
        for hit in &self.waiting {
            if !hosts.is_empty() && !hosts.iter().any(|host| **host == *hit.host) {
                continue;
            }
            let (day, hour) = hours.place(hit.at);
            if day < open {
                late += 1;
                continue;
            }
            let salt = match self.salts.entry(day) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(store::salt(db, workspace, day).await?),
            };
            let visitor = visitor(salt, hit.address, &hit.agent, &hit.host);
            views.push(View { at: hit.at, day, hour, visitor, names: self.names(hit) });
        }
        Ok((views, late))
    }

    fn names(&self, hit: &Hit) -> Vec<(Kind, String)> {
        let referrer = hit.referrer.as_deref().unwrap_or_default().to_owned();
        let mut names = vec![(Kind::Referrer, referrer), (Kind::Page, hit.path.to_string())];
        if self.counter.countries().are_known() {
            names.push((Kind::Country, self.counter.countries().of(hit.address)));
        }
        names
    }

    /// Says once a minute how many page views were dropped; at the end, with those that could not be counted any more.
    fn say(&mut self, is_last: bool) {
        if self.said_at.elapsed() < SAID_EVERY && !is_last {
            return;
        }
        if is_last {
            self.counter.drop_some((self.waiting.len() + self.hits.len()) as u64);
        }
        self.said_at = Moment::now();
        let dropped = self.counter.dropped();
        if dropped > 0 {
            tracing::warn!(dropped, "page views were not counted: more came than could be written in the last minute");
        }
    }
}

/// Whether the database refused what it was given: it would refuse it again.
pub fn is_refused(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        _ => false,
    }
}
