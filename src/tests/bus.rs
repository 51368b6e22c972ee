//! The bus over a NATS server: wake-ups go that way alone, and whatever happens to it, nobody misses anything.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;
use takings::live::bus::{Bus, Kind};
use takings::settings::{self, Change};
use tokio::process::Command;

use crate::util::programs::{Program, free_port, nats, system};
use crate::util::{Socket, TestApp, assert_status, database_url, shopify_order};

const NOW: &str = "2026-11-21T14:00:00Z";
const PROTOCOL: Option<&str> = Some("takings.v1");

async fn post(app: &TestApp, id: i64) {
    assert_status(app.shopify("orders/create", shopify_order(id, "10.00", NOW)).await, StatusCode::OK).await;
}

/// The numbers of the events that a socket is told of until `last` has come.
async fn told(socket: &mut Socket, last: i64) -> Vec<i64> {
    let mut seen: Vec<i64> = Vec::new();
    while seen.last() != Some(&last) {
        let message = socket.next().await.expect("open");
        let events = message["events"].as_array().into_iter().flatten();
        seen.extend(events.filter_map(|event| event["sequence"].as_i64()));
    }
    seen
}

#[sqlx::test(migrations = "./migrations")]
async fn wake_ups_go_over_nats_and_not_through_the_database(db: PgPool) {
    let port = free_port().await;
    let nats = nats(port, &["--user", "takings", "--pass", "p@ss:word"]).await;
    let address = format!("nats://takings:p%40ss%3Aword@127.0.0.1:{port}");
    let one = TestApp::start_on(db.clone(), &address).await;
    let other = one.beside_on(&address).await;
    let options = async_nats::ConnectOptions::with_user_and_password("takings".into(), "p@ss:word".into());
    let client = options.connect(format!("nats://127.0.0.1:{port}")).await.expect("connected");
    let mut words = client.subscribe("takings.>").await.expect("subscribed");
    client.flush().await.expect("subscribed");

    let mut watchers = [one.socket("?last_event=0", PROTOCOL).await, other.socket("?last_event=0", PROTOCOL).await];
    // One after the other: by its own looks, every five seconds, a server would take a minute for them.
    let began = Instant::now();
    for id in 1..=12 {
        post(if id % 2 == 0 { &one } else { &other }, id).await;
        for watcher in &mut watchers {
            assert_eq!(told(watcher, id).await, [id]);
        }
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());

    settings::change(&one.db, &one.bus, 1, Change { week_start: Some(7), ..Change::default() }).await.expect("changed");
    let mut kinds = Vec::new();
    while !kinds.contains(&"takings.books".to_owned()) {
        let word = tokio::time::timeout(Duration::from_secs(20), words.next()).await.expect("in time").expect("open");
        assert!(word.payload.is_empty());
        kinds.push(word.subject.to_string());
    }
    assert!(kinds.contains(&"takings.live".to_owned()), "{kinds:?}");
    let listening =
        "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
    let listening: i64 = sqlx::query_scalar(listening).fetch_one(&db).await.expect("a count");
    assert_eq!(listening, 0, "nobody listens in the database");
    one.stop().await;
    other.stop().await;
    nats.kill().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn over_tls_a_server_of_an_authority_of_ones_own_is_believed_and_another_is_not(db: PgPool) {
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, theirs] = ["ours", "theirs"].map(|name| Authority::new(&folder.path().join(name)));
    let port = free_port().await;
    let [key, certificate] = [ours.key(), ours.certificate()];
    let nats = nats(port, &["--tls", "--tlskey", &key, "--tlscert", &certificate]).await;
    let address = |authority: &Authority| format!("tls://127.0.0.1:{port}?ca={}", authority.file());
    let one = TestApp::start_on(db.clone(), &address(&ours)).await;
    let other = one.beside_on(&address(&ours)).await;
    let mut watcher = other.socket("?last_event=0", PROTOCOL).await;
    let began = Instant::now();
    for id in 1..=12 {
        post(&one, id).await;
        assert_eq!(told(&mut watcher, id).await, [id]);
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // Whoever trusts another authority does not speak to it, and looks by itself meanwhile.
    let stranger = async_nats::ConnectOptions::new().add_root_certificates(theirs.file().into());
    let refused = stranger.connect(format!("tls://127.0.0.1:{port}")).await.expect_err("a stranger's server");
    assert!(format!("{refused:?}").contains("InvalidCertificate"), "{refused:?}");
    let apart = one.beside_on(&address(&theirs)).await;
    let mut watcher = apart.socket("?last_event=12", PROTOCOL).await;
    post(&one, 13).await;
    assert_eq!(told(&mut watcher, 13).await, [13]);
    for app in [one, other, apart] {
        app.stop().await;
    }
    nats.kill().await;
}

/// Who signs certificates of servers on this machine; made by OpenSSL, for a day.
struct Authority(std::path::PathBuf);

impl Authority {
    fn new(folder: &std::path::Path) -> Authority {
        std::fs::create_dir(folder).expect("a folder");
        std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1").expect("written");
        let fresh = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1";
        for line in [
            format!("{fresh} -x509 -subj /CN=authority -keyout ca.key -out ca.pem"),
            format!("{fresh} -subj /CN=server -keyout key.pem -out request.pem"),
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile names -out server.pem"
                .into(),
        ] {
            let mut command = std::process::Command::new(system("openssl"));
            let done = command.args(line.split(' ')).current_dir(folder).output().expect("OpenSSL");
            assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Authority(folder.to_owned())
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }

    fn file(&self) -> String {
        self.path("ca.pem")
    }

    fn key(&self) -> String {
        self.path("key.pem")
    }

    fn certificate(&self) -> String {
        self.path("server.pem")
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn nothing_is_lost_doubled_or_out_of_order_while_nats_is_killed_and_comes_back(db: PgPool) {
    let port = free_port().await;
    let address = format!("nats://127.0.0.1:{port}");
    // Before there is any.
    let one = TestApp::start_on(db, &address).await;
    let other = one.beside_on(&address).await;
    let mut watchers = [one.socket("?last_event=0", PROTOCOL).await, other.socket("?last_event=0", PROTOCOL).await];
    let orders = async |app: &TestApp, ids: std::ops::Range<i64>| {
        for id in ids {
            post(app, id).await;
        }
    };
    let rush = async { tokio::join!(orders(&one, 1..121), orders(&other, 121..241)) };
    let faults = async {
        for _ in 0..3 {
            nats(port, &[]).await.kill().await;
        }
        nats(port, &[]).await
    };
    let (_, nats) = tokio::join!(rush, faults);
    for watcher in &mut watchers {
        assert_eq!(told(watcher, 240).await, (1..=240).collect::<Vec<_>>());
    }
    // Both hear it again: what one tells, the other knows long before it would look by itself.
    let heard = nats_heard(port, &[&one, &other]).await;
    let began = Instant::now();
    for id in 241..=250 {
        post(&one, id).await;
        assert_eq!(told(&mut watchers[1], id).await, [id]);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?} {heard}", began.elapsed());
    for watcher in &mut watchers {
        let orders = |overview: &Value| overview["today"]["current"]["orders"].as_i64().filter(|orders| *orders == 250);
        watcher.find(|message| orders(&message["overview"]).or_else(|| orders(&message["snapshot"]["overview"]))).await;
    }
    assert_eq!(one.differing_sums().await, 0);
    one.stop().await;
    other.stop().await;
    nats.kill().await;
}

/// Waits until servers are connected to NATS: a word of each comes through.
async fn nats_heard(port: u16, apps: &[&TestApp]) -> usize {
    let client = async_nats::connect(format!("nats://127.0.0.1:{port}")).await.expect("connected");
    let mut words = client.subscribe("takings.imports").await.expect("subscribed");
    client.flush().await.expect("subscribed");
    for app in apps {
        let heard = async {
            loop {
                app.bus.tell(Kind::Imports).await;
                if tokio::time::timeout(Duration::from_millis(100), words.next()).await.is_ok() {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), heard).await.expect("connected again");
    }
    apps.len()
}

#[sqlx::test(migrations = "./migrations")]
async fn the_program_says_once_that_the_bus_is_away_and_once_that_it_is_back(db: PgPool) {
    let port = free_port().await;
    let database = database_url(&db);
    let serve = |bus: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_takings"));
        command.args(["serve", "--addr", "127.0.0.1:0"]).env("DATABASE_URL", &database).env("TAKINGS_BUS", bus);
        Program::start(command.env_remove("TAKINGS_LOG").env_remove("RUST_LOG"))
    };
    let mut server = serve(&format!("nats://s3cret@127.0.0.1:{port}"));
    server.says("the bus is away").await;
    let nats_server = nats(port, &["--auth", "s3cret"]).await;
    server.says("the bus is back").await;
    nats_server.kill().await;
    server.says("the bus is away").await;
    // A server that lets nobody in is as good as none.
    let closed = nats(port, &["--auth", "another"]).await;
    closed.kill().await;
    let nats_server = nats(port, &["--auth", "s3cret"]).await;
    server.says("the bus is back").await;
    let said = server.said();
    let count = |words: &str| said.matches(words).count();
    assert_eq!((count("the bus is away"), count("the bus is back")), (2, 2), "{said}");
    assert!(!said.contains("s3cret") && said.contains(&format!("127.0.0.1:{port}")), "{said}");
    server.kill().await;
    nats_server.kill().await;

    for (bus, sentence) in [
        ("redis://:s3cret@127.0.0.1", "TAKINGS_BUS names a Redis server"),
        ("nats:127.0.0.1", "TAKINGS_BUS is not of the form nats://"),
    ] {
        let (is_well, said) = serve(bus).ended().await;
        assert!(!is_well && said.contains(sentence) && !said.contains("s3cret"), "{bus}: {said}");
    }
}

#[sqlx::test(migrations = "./migrations")]
async fn a_command_tells_running_servers_over_the_bus(db: PgPool) {
    let port = free_port().await;
    let nats = nats(port, &[]).await;
    let bus = Bus::at(&format!("nats://127.0.0.1:{port}").parse().expect("an address"), &db).await.expect("a bus");
    let client = async_nats::connect(format!("nats://127.0.0.1:{port}")).await.expect("connected");
    let mut words = client.subscribe("takings.>").await.expect("subscribed");
    client.flush().await.expect("subscribed");
    // As a command does: it tells once, with the connection perhaps still being made, and ends.
    bus.tell(Kind::Books).await;
    bus.flush().await;
    drop(bus);
    let word = tokio::time::timeout(Duration::from_secs(20), words.next()).await.expect("in time").expect("open");
    assert_eq!(word.subject.as_str(), "takings.books");
    nats.kill().await;
}
