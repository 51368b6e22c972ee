//! The live stream against everything at once: two servers over a database of their own, writers, watchers that come and go or
//! read slowly, servers that are killed, a database that dies, clocks that step. Each watcher is a client written from
//! `docs/live.md`; at the end its view is the database's.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use takings::live::model::Message;
use takings::sales::model::{Changes, Snapshot};
use takings::server::clock::Clock;
use takings::server::database;
use takings::server::postgres;
use takings::sources::shopify;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::util::{SECRET, Socket, TestApp, assert_status, at, shopify_order, shopify_refund};

const NOW: &str = "2026-11-21T14:00:00Z";
/// When every order was placed: before whatever the clock shows.
const PLACED: &str = "2026-11-21T09:00:00Z";
/// Projections and milestones, which are made of their own now and then, are no part of this answer.
const QUESTION: &str = "range=7d&platform=shopify";
/// How far the clock may be from [`NOW`], in minutes.
const STEP_MAX: i64 = 180;
const WATCHERS: usize = 5;
const WRITERS: i64 = 3;
/// Orders of a writer. All of them together are fewer than a client is sent when it comes back.
const ORDERS: i64 = 60;
/// What goes wrong meanwhile.
const TROUBLES: i64 = 8;
/// Nothing of this takes longer, on a slow machine either.
const AT_MOST: Duration = Duration::from_secs(240);

/// What all parts of a run know.
struct World {
    seed: u64,
    /// Where the servers are; one of them may be away.
    addresses: Mutex<[Option<String>; 2]>,
    /// Orders that were taken so far.
    taken: watch::Sender<i64>,
    /// The number of the last event once everything has been taken; 0 before.
    last: AtomicI64,
    clock: Clock,
    client: Client,
    token: String,
}

impl World {
    /// Waits until so many orders are taken, or all that there will be.
    async fn until(&self, orders: i64) {
        let mut taken = self.taken.subscribe();
        let _ = taken.wait_for(|taken| *taken >= orders.min(WRITERS * ORDERS)).await;
    }

    fn address(&self, random: &mut StdRng) -> Option<String> {
        let known = self.addresses.lock().expect("addresses");
        known[random.random_range(0..2)].clone()
    }

    fn random(&self, part: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ (part << 32))
    }
}

/// A moment, for what is tried again.
async fn moment() {
    let mut moments = tokio::time::interval(Duration::from_millis(20));
    moments.tick().await;
    moments.tick().await;
}

/// A platform that delivers each order, and a refund of some, until it is taken, through whichever server answers.
async fn write(world: Arc<World>, writer: i64) {
    let mut random = world.random(writer as u64 + 1);
    for n in 0..ORDERS {
        let id = writer * 1_000 + n;
        let total = format!("{}.{:02}", 5 + id % 40, n);
        deliver(&world, &mut random, "orders/create", shopify_order(id, &total, PLACED)).await;
        if n % 7 == 3 {
            deliver(&world, &mut random, "refunds/create", shopify_refund(id, "1.50", PLACED)).await;
        }
        world.taken.send_modify(|taken| *taken += 1);
    }
}

async fn deliver(world: &World, random: &mut StdRng, topic: &str, body: String) {
    loop {
        if let Some(address) = world.address(random) {
            let request = world.client.post(format!("http://{address}/webhooks/shopify/shop"));
            let request = request.header("X-Shopify-Topic", topic);
            let signature = shopify::sign(body.as_bytes(), SECRET);
            let sent = request.header("X-Shopify-Hmac-Sha256", signature).body(body.clone()).send().await;
            if sent.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
        }
        moment().await;
    }
}

/// A client as `docs/live.md` asks for one.
#[derive(Default)]
struct View {
    shown: Option<Snapshot>,
    last_event: i64,
    /// Every event it was told of as new.
    told: Vec<i64>,
}

impl View {
    fn take(&mut self, message: Message) {
        let fresh: Vec<_> = message.events.into_iter().filter(|event| event.sequence > self.last_event).collect();
        let newest = message.snapshot.as_ref().map(|snapshot| snapshot.overview.last_event);
        self.told.extend(fresh.iter().map(|event| event.sequence));
        let last = fresh.last().map(|event| event.sequence);
        self.last_event = newest.into_iter().chain(last).fold(self.last_event, i64::max);
        if let Some(snapshot) = message.snapshot {
            self.shown = Some(*snapshot);
        }
        let Some(shown) = &mut self.shown else { return };
        if let Some(overview) = message.overview {
            shown.apply(Changes { overview: *overview, points: message.points, rows: message.rows });
        }
        shown.add_events(&fresh);
    }

    /// Whether it holds all that will come: the last event, in figures of what the clock shows in the end.
    fn is_settled(&self, world: &World) -> bool {
        let (last, now) = (world.last.load(SeqCst), world.clock.now().timestamp_millis());
        let is_last = |shown: &Snapshot| shown.overview.last_event == last && shown.overview.as_of_ms == now;
        last > 0 && self.last_event == last && self.shown.as_ref().is_some_and(is_last)
    }

    fn query(&self) -> String {
        let version = self.shown.as_ref().map_or(0, |shown| shown.overview.version);
        format!("?last_event={}&version={version}&{QUESTION}", self.last_event)
    }
}

/// Watches through one server after the other, each for some messages; now and then it does not read for a while. Ends with
/// the view that it has when everything was told.
async fn follow(world: Arc<World>, watcher: usize) -> View {
    let mut random = world.random(100 + watcher as u64);
    // It begins at the beginning, so nothing may be missing from what it is told.
    let mut view = View::default();
    loop {
        let Some(address) = world.address(&mut random) else {
            moment().await;
            continue;
        };
        let Some(mut socket) = Socket::try_open(&address, &view.query(), &world.token).await else {
            moment().await;
            continue;
        };
        let stays = random.random_range(1..60);
        let pauses_at = random.random_bool(0.3).then(|| random.random_range(0..stays));
        for n in 0..stays {
            if pauses_at == Some(n) {
                let taken = *world.taken.borrow();
                world.until(taken + random.random_range(5..40)).await;
            }
            let Some(message) = socket.next().await else { break };
            // Who is here is another matter.
            if message["type"] != "presence" {
                view.take(serde_json::from_value(message).expect("a message"));
            }
            if view.is_settled(&world) {
                return view;
            }
        }
    }
}

/// A folder that ends with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Kills the database; whoever keeps it starts it again.
fn kill_database(folder: &Folder) {
    let file = fs::read_to_string(folder.0.join("postgres/postmaster.pid")).unwrap_or_default();
    if let Some(pid) = file.lines().next().and_then(|line| line.trim().parse().ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Starts another server over the database of one that may be gone; waits until the database answers.
async fn again(app: &TestApp) -> TestApp {
    while database::answers(&app.db).await.is_err() {
        moment().await;
    }
    app.beside().await
}

/// One thing after the other goes wrong, each after some more orders.
async fn trouble(world: Arc<World>, folder: Arc<Folder>, clock: Clock, mut apps: [Option<TestApp>; 2]) -> [TestApp; 2] {
    let mut random = world.random(99);
    for n in 0..TROUBLES {
        world.until((n + 1) * WRITERS * ORDERS / (TROUBLES + 1)).await;
        match (n + random.random_range(0..2)) % 4 {
            0 | 1 => {
                let place = random.random_range(0..2);
                world.addresses.lock().expect("addresses")[place] = None;
                if let Some(dies) = apps[place].take() {
                    let born = again(&dies).await;
                    dies.kill().await;
                    world.addresses.lock().expect("addresses")[place] = Some(born.address.clone());
                    apps[place] = Some(born);
                }
            }
            2 => kill_database(&folder),
            _ => clock.set(at(NOW) + TimeDelta::minutes(random.random_range(-STEP_MAX..STEP_MAX))),
        }
    }
    apps.map(|app| app.expect("a server"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_each_watcher_ends_with_what_the_database_has() {
    let seed = rand::random();
    println!("the seed of this run: {seed}");
    tokio::time::timeout(AT_MOST, run(seed)).await.expect("in time");
}

async fn run(seed: u64) {
    let folder = Arc::new(Folder(std::env::temp_dir().join(format!("takings-test-{}-model", std::process::id()))));
    fs::create_dir_all(&folder.0).expect("a folder");
    let embedded = postgres::start(&folder.0).await.expect("a database");
    let db = database::pool(embedded.options());
    database::open(&db).await.expect("tables");
    let one = TestApp::start_at(db, NOW).await;
    let other = one.beside().await;
    let token = one.token().await;
    let clock = one.clock.clone();
    let world = Arc::new(World {
        seed,
        addresses: Mutex::new([Some(one.address.clone()), Some(other.address.clone())]),
        taken: watch::Sender::new(0),
        last: AtomicI64::new(0),
        clock: clock.clone(),
        client: one.client.clone(),
        token: token.clone(),
    });
    let mut watchers = JoinSet::new();
    (0..WATCHERS).for_each(|n| drop(watchers.spawn(follow(Arc::clone(&world), n))));
    let mut writers = JoinSet::new();
    (0..WRITERS).for_each(|n| drop(writers.spawn(write(Arc::clone(&world), n))));
    let troubled = tokio::spawn(trouble(Arc::clone(&world), Arc::clone(&folder), clock, [Some(one), Some(other)]));
    while let Some(written) = writers.join_next().await {
        written.expect("written");
    }
    let [one, other] = troubled.await.expect("the last of the troubles");
    while database::answers(&one.db).await.is_err() {
        moment().await;
    }
    let last: i64 =
        sqlx::query_scalar("select max(sequence) from live_events").fetch_one(&one.db).await.expect("a number");
    world.last.store(last, SeqCst);
    let expected = truth(&one, &world).await;
    assert_eq!(differences(&truth(&other, &world).await, &expected), [""; 0], "both servers say the same");
    while let Some(view) = watchers.join_next().await {
        let view = view.expect("a view");
        assert_eq!(view.told, (1..=last).collect::<Vec<_>>(), "each event once, in order, none missing");
        let shown = serde_json::to_value(view.shown.expect("a snapshot")).expect("JSON");
        assert_eq!(differences(&plain(shown), &expected), [""; 0], "a view is what the database has");
    }
    let orders: BTreeSet<i64> = (0..WRITERS).flat_map(|w| (0..ORDERS).map(move |n| w * 1_000 + n)).collect();
    assert_eq!(expected["overview"]["year"]["current"]["orders"], orders.len());
    assert_eq!(one.differing_sums().await, 0);
    one.stop().await;
    other.stop().await;
    embedded.stop().await;
}

/// What a server says once it has met the last event: an answer of the API may be a moment old.
async fn truth(app: &TestApp, world: &World) -> Value {
    loop {
        let request = app.client.get(app.url(&format!("/api/v1/snapshot?{QUESTION}"))).bearer_auth(&world.token);
        let text = assert_status(request.send().await.expect("an answer"), StatusCode::OK).await;
        let said: Value = serde_json::from_str(&text).expect("JSON");
        let of = [&said["overview"]["last_event"], &said["overview"]["as_of_ms"]].map(Value::as_i64);
        if of == [Some(world.last.load(SeqCst)), Some(world.clock.now().timestamp_millis())] {
            return plain(said);
        }
        moment().await;
    }
}

/// A snapshot without what each server counts for itself.
fn plain(mut snapshot: Value) -> Value {
    for name in ["version", "books"] {
        snapshot["overview"][name] = Value::Null;
    }
    snapshot
}

/// Where two values differ, and how.
fn differences(one: &Value, other: &Value) -> Vec<String> {
    let of =
        |name: String, a: &Value, b: &Value| differences(a, b).into_iter().map(move |path| format!("{name}.{path}"));
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            a.iter().flat_map(|(name, value)| of(name.clone(), value, b.get(name).unwrap_or(&Value::Null))).collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().flat_map(|(n, (a, b))| of(n.to_string(), a, b)).collect()
        }
        _ if one == other => Vec::new(),
        _ => vec![format!("{one} is not {other}")],
    }
}
