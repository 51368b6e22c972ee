//! The relay against coturn's own client: the media is reached, and every other peer refused, one after another; and
//! `deploy/coturn.conf` as it is shipped.

use std::net::{IpAddr, SocketAddr};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use takings::voice::media::Place;
use takings::voice::relay::{Config, External, Limits, Relay};
use tokio::net::UdpSocket;
use tokio::process::Command;

use crate::util::programs::{Program, free_port, system};

/// How long coturn's client may take: it gives packets that do not come back some seconds.
const WITHIN: Duration = Duration::from_secs(60);
const NOW: u64 = 1_700_000_000;
/// The two ways of data: channels, and indications.
const WAYS: [&[&str]; 2] = [&[], &["-s"]];

/// Media that sends back what it hears, and its relay.
struct Site {
    relay: Relay,
    media: SocketAddr,
    clock: Arc<AtomicU64>,
}

impl Site {
    async fn start(change: impl Fn(&mut Config)) -> Site {
        let media = echo("127.0.0.1:0", Arc::default()).await;
        let clock = Arc::new(AtomicU64::new(NOW));
        let told = Arc::clone(&clock);
        let mut config = Config {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: None,
            // The client wants the port after its peer's as well.
            media: Place { bind: media.ip(), public: None, ports: media.port()..=media.port() + 1, tcp: None },
            external: None,
            stun: Vec::new(),
            limits: Limits::default(),
            now: Arc::new(move || told.load(Ordering::Relaxed)),
        };
        change(&mut config);
        Site { relay: Relay::start(config).await.expect("a relay"), media, clock }
    }

    fn credentials(&self) -> (String, String) {
        credentials(&self.relay, 7, self.clock.load(Ordering::Relaxed))
    }

    /// What coturn's client says of a peer. What it leaves behind is ended.
    async fn uclient(&self, credentials: &(String, String), peer: SocketAddr, way: &[&str]) -> String {
        let said = uclient(self.relay.address().expect("a server"), credentials, peer, way).await;
        self.relay.end(7, 3).await;
        said
    }
}

fn credentials(relay: &Relay, person: i32, now: u64) -> (String, String) {
    let turn =
        relay.ice_servers(person, 3, now).0.into_iter().find(|server| server.username.is_some()).expect("a relay");
    (turn.username.expect("a name"), turn.credential.expect("a password"))
}

async fn uclient(server: SocketAddr, (name, password): &(String, String), peer: SocketAddr, way: &[&str]) -> String {
    let (port, peer_ip, peer_port) = (server.port().to_string(), peer.ip().to_string(), peer.port().to_string());
    let mut command = Command::new(system("turnutils_uclient"));
    command.args(["-v", "-c", "-n", "10", "-L", "127.0.0.1", "-u", name, "-w", password, "-p", &port]);
    command.args(["-e", &peer_ip, "-r", &peer_port]).args(way).arg(server.ip().to_string());
    let running = command.kill_on_drop(true).output();
    let ended = tokio::time::timeout(WITHIN, running).await.expect("it ends");
    let Output { stdout, stderr, .. } = ended.expect("coturn's client: run .ci/setup");
    String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
}

/// Sends back what it hears, and notes that it has heard something.
async fn echo(address: &str, heard: Arc<AtomicBool>) -> SocketAddr {
    let socket = UdpSocket::bind(address).await.expect("a port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            heard.store(true, Ordering::Relaxed);
            let _ = socket.send_to(&buffer[..length], from).await;
        }
    });
    address
}

/// Packets that did not come back, if it came so far.
fn lost(said: &str) -> Option<u32> {
    let rest = said.split("Total lost packets ").nth(1)?;
    rest.split(' ').next()?.parse().ok()
}

#[tokio::test]
async fn the_media_is_reached_over_channels_and_indications() {
    let site = Site::start(|_| {}).await;
    for way in WAYS {
        let said = site.uclient(&site.credentials(), site.media, way).await;
        assert_eq!(lost(&said), Some(0), "{way:?}: {said}");
    }
    let meter = site.relay.meter(7, 3);
    assert_eq!(meter.bytes, 2 * 2 * 10 * 100, "both ways, there and back");
}

#[tokio::test]
async fn every_other_peer_is_refused() {
    let site = Site::start(|_| {}).await;
    let heard = Arc::new(AtomicBool::new(false));
    // Ports of this machine that answer, so that a packet which came through would be seen.
    let mut beside = echo("127.0.0.1:0", Arc::clone(&heard)).await;
    while beside.port() == site.media.port() + 1 {
        beside = echo("127.0.0.1:0", Arc::clone(&heard)).await;
    }
    let port = site.media.port();
    // A machine may have no IPv6.
    if UdpSocket::bind("[::1]:0").await.is_ok() {
        echo(&format!("[::1]:{port}"), Arc::clone(&heard)).await;
    }
    echo(&format!("127.0.0.2:{port}"), Arc::clone(&heard)).await;
    let others = [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "127.0.0.2",
        "203.0.113.9",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "fe80::1",
        "2001:db8::1",
    ];
    let peers = others.map(|other| SocketAddr::new(other.parse().expect("an address"), port));
    for peer in peers.into_iter().chain([beside]) {
        for way in WAYS {
            // By indication a permission is asked for, and it is for an address: those to other ports are dropped one by one.
            let is_dropped = peer == beside && way == ["-s"];
            // An IPv6 peer needs an IPv6 address to relay from, which there is not.
            let error = if peer.is_ipv6() { "error 508" } else { "error 403" };
            let said = site.uclient(&site.credentials(), peer, way).await;
            let is_refused = if is_dropped { lost(&said) == Some(10) } else { said.contains(error) };
            assert!(is_refused && !heard.load(Ordering::Relaxed), "{peer} {way:?}: {said}");
        }
    }
}

#[tokio::test]
async fn nothing_goes_without_a_permission() {
    let site = Site::start(|_| {}).await;
    let said = site.uclient(&site.credentials(), site.media, &["-s", "-I"]).await;
    assert_eq!(lost(&said), Some(10), "{said}");
}

#[tokio::test]
async fn expired_and_wrong_credentials_are_refused() {
    let site = Site::start(|_| {}).await;
    let (name, password) = site.credentials();
    let wrong =
        [(name.clone(), "wrong".to_owned()), (name.replace(":7:", ":8:"), password.clone()), ("x".into(), "y".into())];
    for credentials in &wrong {
        let said = site.uclient(credentials, site.media, &[]).await;
        assert!(said.contains("error 400"), "{said}");
    }
    site.clock.fetch_add(601, Ordering::Relaxed);
    let said = site.uclient(&(name, password), site.media, &[]).await;
    assert!(said.contains("error 400"), "{said}");
}

#[tokio::test]
async fn a_person_has_four_allocations() {
    // The client makes two for each that it is asked for.
    let site = Site::start(|_| {}).await;
    let said = site.uclient(&site.credentials(), site.media, &["-m", "2"]).await;
    assert_eq!(lost(&said), Some(0), "{said}");
    let said = site.uclient(&site.credentials(), site.media, &["-m", "3"]).await;
    assert!(said.contains("error 486"), "{said}");
}

#[tokio::test]
async fn a_credential_ends_with_its_bytes() {
    let site = Site::start(|config| config.limits.bytes_per_credential = 700).await;
    let said = site.uclient(&site.credentials(), site.media, &["-s"]).await;
    assert!(lost(&said).is_none_or(|lost| lost > 0), "{said}");
    assert!(site.relay.meter(7, 3).bytes <= 800);
    let said = site.uclient(&site.credentials(), site.media, &["-s"]).await;
    assert!(said.contains("error 486"), "{said}");
}

#[tokio::test]
async fn coturn_as_it_is_shipped_takes_our_credentials_and_reaches_the_media_alone() {
    let media = echo("127.0.0.1:0", Arc::default()).await;
    let heard = Arc::new(AtomicBool::new(false));
    let beside = echo(&format!("127.0.0.2:{}", media.port()), Arc::clone(&heard)).await;
    let (port, tls) = (free_port().await, free_port().await);
    let folder = std::env::temp_dir().join(format!("takings-coturn-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("coturn.conf");
    let replaced = [
        ("listening-ip=192.0.2.20", "listening-ip=127.0.0.1"),
        ("relay-ip=192.0.2.20", "relay-ip=127.0.0.1"),
        ("listening-port=3478", &format!("listening-port={port}")),
        ("tls-listening-port=443", &format!("tls-listening-port={tls}")),
        ("cert=/etc/", "#cert=/etc/"),
        ("pkey=/etc/", "#pkey=/etc/"),
        ("REPLACE-ME", "north"),
        ("allowed-peer-ip=192.0.2.10", "allowed-peer-ip=127.0.0.1\nallow-loopback-peers"),
    ];
    let text = replaced.into_iter().fold(include_str!("../../deploy/coturn.conf").to_owned(), |text, (from, to)| {
        let line = format!("\n{from}");
        let from = if text.matches(&line).count() == 1 { line } else { from.to_owned() };
        assert_eq!(text.matches(&from).count(), 1, "{from}");
        text.replace(&from, &from.replace(from.trim_start(), to))
    });
    std::fs::write(&file, text).expect("a file");
    let mut command = Command::new(system("turnserver"));
    command.arg("-c").arg(&file).arg("-b").arg(folder.join("turndb")).arg("--pidfile").arg(folder.join("pid"));
    let mut coturn = Program::start(&mut command);
    coturn.says("SQLite DB connection success").await;

    let external =
        External { urls: vec![format!("turn:127.0.0.1:{port}")], secret: "north".into(), relays_from: Vec::new() };
    let site = Site::start(|config| config.external = Some(external.clone())).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    // Each as another person: what the client leaves behind counts for a while.
    let said = uclient(server, &credentials(&site.relay, 7, now), media, &["-s"]).await;
    assert_eq!(lost(&said), Some(0), "{said}\n{}", coturn.said());
    let others = [beside.ip(), IpAddr::from([10, 0, 0, 1]), IpAddr::from([203, 0, 113, 9]), IpAddr::from([0, 0, 0, 0])];
    for (person, other) in (8..).zip(others) {
        let peer = SocketAddr::new(other, media.port());
        let said = uclient(server, &credentials(&site.relay, person, now), peer, &["-s"]).await;
        assert!(said.contains("error 403") && !heard.load(Ordering::Relaxed), "{other}: {said}");
    }
    let said = uclient(server, &credentials(&site.relay, 20, now - 700), media, &["-s"]).await;
    assert!(said.contains("error 401") || said.contains("Cannot complete Allocation"), "{said}");
    coturn.kill().await;
    let _ = std::fs::remove_dir_all(&folder);
}
