//! The hub: computes each question's answer once per revision, serialises each message once, and hands the same bytes to
//! every socket that asks the same. A socket that falls behind never makes another wait.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::goals;
use crate::goals::milestones::{self, Found};
use crate::live::events::Told;
use crate::live::greeting::Greetings;
use crate::live::lanes::{Batch, Frame, Lanes, Step};
use crate::live::model::{Legacy, Message};
use crate::live::serialised::Serialised;
use crate::live::socket::wire;
use crate::sales::books::BooksHandle;
use crate::sales::model::{Changes, OrderEvent, Snapshot};
use crate::sales::projection::{Projected, projections};
use crate::sales::question::Question;
use crate::sales::snapshot::Unanswered;
use crate::sales::{snapshot, store, tables};
use crate::server::clock::Clock;

/// Changes within a while go out in one piece, as writes are what costs: some ten microseconds of a core for each socket. So
/// much longer for each socket keeps them below half a core, and few watchers hear of an order at once.
const FRAME_EVERY_PER_SOCKET: Duration = Duration::from_micros(20);
/// The while with few sockets: less is not noticed.
const FRAME_EVERY_MIN: Duration = Duration::from_millis(20);
/// The while with ten thousand or more.
const FRAME_EVERY_MAX: Duration = Duration::from_millis(200);
/// Figures are computed at most this often.
const FIGURES_EVERY: Duration = Duration::from_millis(250);
/// Without any order the figures are computed this often all the same: the earlier windows move with the clock, and
/// the message tells watchers that we are alive.
const TICK: Duration = Duration::from_secs(5);
/// Events in one frame; a rush beyond it goes out in the next.
const EVENTS_MAX: i64 = 500;
/// Events that a returning client is sent at most; who missed more gets the snapshot alone.
pub const MISSED_MAX: i64 = 500;
/// Projections are made at most this often: they read half a year of sums, and move slowly.
const PROJECTED_EVERY: Duration = Duration::from_secs(30);
/// Milestones are looked for at most this often: they read the sums of all days.
const MILESTONES_EVERY: Duration = Duration::from_secs(30);
/// Answers kept of each question, so that a page that was served a moment ago is told only what changed since.
const ANSWERS_KEPT: usize = 8;
/// Questions in memory at once, watched or just asked; beyond it those that nobody watches are forgotten.
const TOPICS_MAX: usize = 256;

/// A handle to the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    db: PgPool,
    books: BooksHandle,
    clock: Clock,
    /// The revision of the newest books that an answer was computed with.
    books_met: AtomicI64,
    topics: Mutex<HashMap<Question, Arc<Topic>>>,
    wake: Notify,
    /// Counts the wakes: an answer of an earlier one may be out of date.
    changes: AtomicU64,
    projections: Mutex<Option<(Arc<Projected>, Instant)>>,
    milestones: Mutex<Option<(Arc<Found>, Instant)>>,
    told: Told,
    is_stale: AtomicBool,
    /// The next version of figures. It begins anywhere: a client of another server, or of this one before it was started
    /// again, names no version of ours.
    versions: AtomicI64,
}

/// A question with its newest answers and those who watch it.
struct Topic {
    question: Question,
    lanes: Lanes,
    /// Frames are given to the lanes under this lock: they leave in the order of their answers.
    answers: Mutex<Answers>,
    greetings: Mutex<Greetings>,
    serialised: Mutex<Option<Arc<Serialised>>>,
}

/// The newest answers, the newest one last.
#[derive(Default)]
struct Answers {
    kept: VecDeque<Arc<Snapshot>>,
    /// The count of changes when the newest was computed, and when that was.
    newest: Option<(u64, Instant)>,
}

/// Those who poisoned a lock left whole values behind: each is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// A hub; [`Hub::run`] makes it go.
    pub fn new(db: PgPool, books: BooksHandle, clock: Clock) -> Hub {
        Hub(Arc::new(Shared {
            db,
            books,
            clock,
            books_met: AtomicI64::new(0),
            topics: Mutex::default(),
            wake: Notify::new(),
            changes: AtomicU64::new(0),
            projections: Mutex::default(),
            milestones: Mutex::default(),
            told: Told::default(),
            is_stale: AtomicBool::new(false),
            versions: AtomicI64::new(i64::from(rand::random::<u32>()) << 20),
        }))
    }

    /// Says that something was recorded.
    pub fn wake(&self) {
        self.0.changes.fetch_add(1, Relaxed);
        self.0.wake.notify_one();
    }

    /// How often something changed; a count, to tell moments apart.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Relaxed)
    }

    /// Where events are told to those who want no figures.
    pub fn told(&self) -> &Told {
        &self.0.told
    }

    /// Whether the database did not answer when it was asked last.
    pub fn is_stale(&self) -> bool {
        self.0.is_stale.load(Relaxed)
    }

    /// Works on the greetings that are kept of a question.
    pub fn with_greetings<T>(&self, question: &Question, work: impl FnOnce(&mut Greetings) -> T) -> T {
        work(&mut lock(&self.topic(question).greetings))
    }

    /// The place of the answer's bytes.
    pub fn with_serialised<T>(&self, question: &Question, work: impl FnOnce(&mut Option<Arc<Serialised>>) -> T) -> T {
        work(&mut lock(&self.topic(question).serialised))
    }

    /// All that is sent about a question from now on.
    pub fn subscribe(&self, question: &Question) -> broadcast::Receiver<Arc<Batch>> {
        self.topic(question).lanes.subscribe()
    }

    /// The answer to a question, from memory where it is of this moment.
    pub async fn snapshot(&self, question: &Question) -> Result<Arc<Snapshot>, Unanswered> {
        let topic = self.topic(question);
        match topic.known(self.changes(), self.books_revision()) {
            Some(known) => Ok(known),
            None => self.compute(question).await,
        }
    }

    /// Computes the answer to a question now, from the database. Those who watch are told in their turn.
    pub async fn compute(&self, question: &Question) -> Result<Arc<Snapshot>, Unanswered> {
        let topic = self.topic(question);
        let answer = self.answer(&topic, &[], 0).await;
        if topic.lanes.is_waiting() {
            self.0.wake.notify_one();
        }
        answer
    }

    /// What changed in the answer since an earlier version of it: `None` where that is too long ago, or another server's.
    pub fn changes_since(&self, question: &Question, version: i64, now: &Snapshot) -> Option<Changes> {
        let topic = self.topic(question);
        let answers = lock(&topic.answers);
        let known = answers.kept.iter().find(|known| known.overview.version == version)?;
        now.changes_since(known)
    }

    /// Computes the answer and sends it to those who watch, with the events.
    async fn answer(&self, topic: &Topic, events: &[OrderEvent], last_event: i64) -> Result<Arc<Snapshot>, Unanswered> {
        let (changes, computed_at) = (self.changes(), Instant::now());
        let mut db = self.0.db.acquire().await?;
        let mut snapshot = self.figures(&mut db, &topic.question).await?;
        while topic.question.is_projected() {
            let projected = self.projections(&mut db, snapshot.overview.books).await?;
            if projected.books == snapshot.overview.books {
                snapshot.overview.landing = tables::landing(&projected.projections, snapshot.currency);
                snapshot.tables.push(tables::outlook(&projected.projections, snapshot.currency));
                goals::tables::project(&mut snapshot, &projected.projections);
                break;
            }
            // Settings or rates changed in between: figures of before do not stand beside projections of after.
            snapshot = self.figures(&mut db, &topic.question).await?;
        }
        if topic.question.filter.is_empty() {
            let found = self.milestones(&mut db).await?;
            // In the moment after settings changed there are none, rather than some of another currency.
            if found.books == snapshot.overview.books {
                goals::tables::add_milestones(&mut snapshot, &found.milestones, &self.0.books.now().calendar);
            }
        }
        drop(db);
        snapshot.overview.version = self.0.versions.fetch_add(1, Relaxed);
        Ok(topic.take_in(Arc::new(snapshot), (changes, computed_at), events, last_event))
    }

    /// The newest books that anything here knows of: an answer may have met them before they were read again.
    fn books_revision(&self) -> i64 {
        self.0.books.now().revision.max(self.0.books_met.load(Relaxed))
    }

    async fn figures(&self, db: &mut PgConnection, question: &Question) -> Result<Snapshot, Unanswered> {
        let snapshot = snapshot::compute(db, &self.0.books.now(), question, self.0.clock.now()).await?;
        self.0.books_met.fetch_max(snapshot.overview.books, Relaxed);
        Ok(snapshot)
    }

    /// Where the running periods will land, as of at most [`PROJECTED_EVERY`] ago where they are of these books; else of
    /// the present ones.
    async fn projections(&self, db: &mut PgConnection, books: i64) -> sqlx::Result<Arc<Projected>> {
        let known = lock(&self.0.projections).clone();
        match known {
            Some((known, made_at)) if known.books == books && made_at.elapsed() < PROJECTED_EVERY => Ok(known),
            _ => {
                let made = Arc::new(projections(db, &self.0.books.now(), self.0.clock.now()).await?);
                *lock(&self.0.projections) = Some((Arc::clone(&made), Instant::now()));
                Ok(made)
            }
        }
    }

    /// What the shop has passed, as of at most [`MILESTONES_EVERY`] ago where it is of the newest books.
    pub async fn milestones(&self, db: &mut PgConnection) -> sqlx::Result<Arc<Found>> {
        let known = lock(&self.0.milestones).clone();
        match known {
            Some((known, made_at)) if known.books == self.books_revision() && made_at.elapsed() < MILESTONES_EVERY => {
                Ok(known)
            }
            _ => {
                let found = Arc::new(milestones::find(db, &self.0.books.now(), self.0.clock.now()).await?);
                *lock(&self.0.milestones) = Some((Arc::clone(&found), Instant::now()));
                Ok(found)
            }
        }
    }

    fn topic(&self, question: &Question) -> Arc<Topic> {
        let mut topics = lock(&self.0.topics);
        if topics.len() >= TOPICS_MAX && !topics.contains_key(question) {
            topics.retain(|_, topic| topic.is_watched());
        }
        let topic = topics.entry(question.clone()).or_insert_with(|| Arc::new(Topic::new(question.clone())));
        Arc::clone(topic)
    }

    /// The events after number `after`, or `None` when there are more than a client is sent, and the number of the last. Also
    /// those that came after the newest figures: the stream may have told the others of them already.
    pub async fn missed(&self, after: i64) -> sqlx::Result<(Option<Vec<OrderEvent>>, i64)> {
        let mut db = self.0.db.acquire().await?;
        let events = store::events_after(&mut db, self.0.books.now().workspace, after, MISSED_MAX + 1).await?;
        if events.len() as i64 > MISSED_MAX {
            return Ok((None, store::cursor(&mut db, self.0.books.now().workspace).await?.last_event));
        }
        let last = events.last().map_or(after, |event| event.sequence);
        Ok((Some(events), last))
    }

    /// The number of the last event there is, whoever recorded it.
    pub async fn newest_event(&self) -> sqlx::Result<i64> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::cursor(&mut db, self.0.books.now().workspace).await?.last_event)
    }

    /// Runs until `shutdown`: waits for a recording or the tick, gathers what is new, and lets the lanes have their turns.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut round = Round { last_event: None, figures_at: Instant::now() - FIGURES_EVERY };
        let mut turn = 0;
        loop {
            let watched = self.watched();
            let is_waiting = watched.iter().any(|topic| topic.lanes.is_waiting());
            let woken = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.0.wake.notified() => Woken::Told,
                () = std::future::ready(()), if is_waiting => Woken::Turn,
                () = tokio::time::sleep(TICK) => Woken::Tick,
            };
            if woken != Woken::Turn {
                self.gather(&mut round, woken == Woken::Tick).await;
            }
            let watched = self.watched();
            let lanes = watched.iter().map(|topic| topic.lanes.count()).max().unwrap_or(1);
            turn = (turn + 1) % lanes;
            watched.iter().for_each(|topic| topic.lanes.send(turn));
            let sockets = watched.iter().map(|topic| topic.lanes.sockets()).sum();
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause(sockets, lanes)) => {}
            }
        }
    }

    /// Gathers what is new, and says when there is more. While the database does not answer, watchers are told that.
    async fn gather(&self, round: &mut Round, ticked: bool) {
        match self.round(round, ticked).await {
            Ok(None) => {}
            Ok(Some(again_after)) => self.wake_after(again_after),
            Err(error) => {
                if !self.0.is_stale.swap(true, Relaxed) {
                    tracing::warn!(%error, "the live stream stands still: the database does not answer");
                }
                for topic in self.watched() {
                    topic.send(round.last_event.unwrap_or(0), None, &Message::stale(), &[]);
                }
                self.wake_after(Duration::from_millis(500));
            }
        }
    }

    /// Sends what is new. Says after how long there is more to send: events beyond a frame, or figures that are not
    /// due yet.
    async fn round(&self, round: &mut Round, ticked: bool) -> Result<Option<Duration>, Unanswered> {
        let mut db = self.0.db.acquire().await?;
        let after = match round.last_event {
            Some(after) => after,
            None => store::cursor(&mut db, self.0.books.now().workspace).await?.last_event,
        };
        let events = store::events_after(&mut db, self.0.books.now().workspace, after, EVENTS_MAX).await?;
        drop(db);
        let last_event = events.last().map_or(after, |event| event.sequence);
        if !events.is_empty() {
            // Also where nobody told of them: a greeting of before is none any more.
            self.0.changes.fetch_add(1, Relaxed);
        }
        self.0.told.tell(&events);
        let is_due = ticked || self.is_stale() || round.figures_at.elapsed() >= FIGURES_EVERY;
        if is_due {
            round.figures_at = Instant::now();
        }
        let watched = self.watched();
        if !is_due && !events.is_empty() {
            // The same bytes for every question.
            if let Some(frame) = frame(last_event, None, &Message::events(events.clone()), &events) {
                watched.iter().for_each(|topic| topic.lanes.add(&frame));
            }
        }
        for topic in watched.iter().filter(|_| is_due) {
            match self.answer(topic, &events, last_event).await {
                Ok(_) => {}
                // What it asks for is gone, a source for instance: its watchers learn it when they come back.
                Err(Unanswered::Question(_)) => topic.send(last_event, None, &Message::events(events.clone()), &events),
                Err(error) => return Err(error),
            }
        }
        round.last_event = Some(last_event);
        self.0.is_stale.store(false, Relaxed);
        Ok(if events.len() as i64 == EVENTS_MAX {
            Some(Duration::ZERO)
        } else {
            (!is_due).then(|| FIGURES_EVERY.saturating_sub(round.figures_at.elapsed()))
        })
    }

    fn watched(&self) -> Vec<Arc<Topic>> {
        lock(&self.0.topics).values().filter(|topic| topic.is_watched()).cloned().collect()
    }

    fn wake_after(&self, pause: Duration) {
        let hub = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            hub.0.wake.notify_one();
        });
    }
}

/// Why the hub goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// Something was recorded, or is due.
    Told,
    /// A lane waits for its turn.
    Turn,
    /// Nothing happened for a while.
    Tick,
}

/// How long it takes from one lane's turn to the next one's. All of them have a turn in the time that changes are gathered.
fn pause(sockets: usize, lanes: usize) -> Duration {
    let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
    let all = FRAME_EVERY_PER_SOCKET.saturating_mul(sockets).clamp(FRAME_EVERY_MIN, FRAME_EVERY_MAX);
    all / u32::try_from(lanes.max(1)).unwrap_or(1)
}

/// Where the stream stands.
struct Round {
    last_event: Option<i64>,
    figures_at: Instant,
}

impl Topic {
    fn new(question: Question) -> Topic {
        Topic {
            question,
            lanes: Lanes::default(),
            answers: Mutex::default(),
            greetings: Mutex::default(),
            serialised: Mutex::default(),
        }
    }

    fn is_watched(&self) -> bool {
        self.lanes.sockets() > 0
    }

    /// The newest answer, where it is of this moment and of these books: the hub keeps it so while it is watched.
    fn known(&self, changes: u64, books: i64) -> Option<Arc<Snapshot>> {
        let answers = lock(&self.answers);
        let (counted, computed_at) = answers.newest?;
        let age = computed_at.elapsed();
        let is_of_now = self.is_watched() || age < FIGURES_EVERY || counted == changes && age < TICK;
        answers.kept.back().filter(|newest| is_of_now && newest.overview.books >= books).cloned()
    }

    /// Keeps an answer and sends what changed since the one before; the whole where that cannot be said in parts. Returns the
    /// newest answer, which may be another's that was computed later and came first.
    fn take_in(
        &self,
        fresh: Arc<Snapshot>,
        computed: (u64, Instant),
        events: &[OrderEvent],
        last_event: i64,
    ) -> Arc<Snapshot> {
        let mut answers = lock(&self.answers);
        let before = answers.kept.back().cloned();
        // By when they were computed, not by the time they tell: a clock that is set back must not hold the figures up.
        let newest_at = answers.newest.map(|(_, computed_at)| computed_at);
        let is_newer = |before: &&Arc<Snapshot>| {
            (before.overview.revision, newest_at) > (fresh.overview.revision, Some(computed.1))
        };
        if let Some(newer) = before.as_ref().filter(is_newer) {
            if !events.is_empty() {
                self.send(last_event, None, &Message::events(events.to_vec()), events);
            }
            return Arc::clone(newer);
        }
        let version = fresh.overview.version;
        let changes = before.and_then(|before| Some((before.overview.version, fresh.changes_since(&before)?)));
        match changes {
            Some((since, changes)) => {
                let step = Step { since: Some(since), version };
                self.send(last_event, Some(step), &Message::changes(changes, events.to_vec()), events);
            }
            None if self.is_watched() => {
                let step = Step { since: None, version };
                let mut whole = fresh.as_ref().clone();
                // It may know of events that are told in the next round: whoever took them for told would leave them out then.
                whole.overview.last_event = whole.overview.last_event.min(last_event);
                self.send(last_event, Some(step), &Message::snapshot(whole, events.to_vec()), events);
            }
            None => {}
        }
        answers.newest = Some(computed);
        answers.kept.push_back(Arc::clone(&fresh));
        if answers.kept.len() > ANSWERS_KEPT {
            answers.kept.pop_front();
        }
        fresh
    }

    fn send(&self, last_event: i64, figures: Option<Step>, message: &Message, events: &[OrderEvent]) {
        if let Some(frame) = self.is_watched().then(|| frame(last_event, figures, message, events)).flatten() {
            self.lanes.add(&frame);
        }
    }
}

fn frame(last_event: i64, figures: Option<Step>, message: &Message, events: &[OrderEvent]) -> Option<Frame> {
    let first_event = events.first().map(|event| event.sequence);
    let ours = wire([serialise(message)?.as_str()]);
    Some(Frame { first_event, last_event, figures, ours, legacy: legacy(events) })
}

/// What clients without a sub-protocol are told of events, as it goes over the wire.
pub fn legacy(events: &[OrderEvent]) -> Bytes {
    let messages: Vec<String> = events.iter().filter_map(Legacy::of).filter_map(|old| serialise(&old)).collect();
    wire(messages.iter().map(String::as_str))
}

/// A message as its text.
pub fn serialise<T: serde::Serialize>(message: &T) -> Option<String> {
    serde_json::to_string(message)
        .inspect_err(|error| tracing::error!(%error, "a live message could not be written"))
        .ok()
}
