//! The embedded relay against coturn's own client: the media is reached, and every other peer refused, one after another.

use std::net::{IpAddr, SocketAddr};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use takings::voice::media::Place;
use takings::voice::relay::{Config, External, Limits, Relay};
use tokio::net::UdpSocket;
use tokio::process::Command;

use crate::util::programs::{Program, system};

/// How long coturn's client may take: it repeats what is refused for some seconds.
const WITHIN: Duration = Duration::from_secs(60);
/// Packets that it sends.
const PACKETS: u32 = 10;

/// A relay, and media that sends back what it hears.
struct Site {
    relay: Relay,
    media: SocketAddr,
    clock: Arc<AtomicU64>,
}

impl Site {
    async fn start(change: impl Fn(&mut Config)) -> Site {
        let media = echo("127.0.0.1:0", Arc::default()).await;
        let clock = Arc::new(AtomicU64::new(1_700_000_000));
        let told = Arc::clone(&clock);
        let mut config = Config {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: None,
            media: Place { bind: media.ip(), public: None, ports: media.port()..=media.port(), tcp: None },
            external: None,
            stun: Vec::new(),
            limits: Limits::default(),
            now: Arc::new(move || told.load(Ordering::Relaxed)),
        };
        change(&mut config);
        Site { relay: Relay::start(config).await.expect("a relay"), media, clock }
    }

    /// What coturn's client says of a peer, by the way of channels or of indications.
    async fn uclient(&self, peer: SocketAddr, way: &[&str]) -> String {
        let (servers, _) = self.relay.ice_servers(7, 3, self.clock.load(Ordering::Relaxed));
        let turn = servers.into_iter().find(|server| server.username.is_some()).expect("a relay");
        self.uclient_as(&turn.username.expect("a name"), &turn.credential.expect("a password"), peer, way).await
    }

    async fn uclient_as(&self, username: &str, password: &str, peer: SocketAddr, way: &[&str]) -> String {
        let server = self.relay.address().expect("a server");
        let (port, packets) = (server.port().to_string(), PACKETS.to_string());
        let (address, peer_port) = (peer.ip().to_string(), peer.port().to_string());
        let mut command = Command::new(system("turnutils_uclient"));
        command.args(["-v", "-c", "-u", username, "-w", password, "-p", &port, "-e", &address, "-r", &peer_port]);
        command.args(["-n", &packets, "-L", "127.0.0.1"]).args(way).arg(server.ip().to_string());
        let running = command.kill_on_drop(true).output();
        let Output { stdout, stderr, .. } = tokio::time::timeout(WITHIN, running).await.expect("it ends").expect("run .ci/setup");
        String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
    }
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

#[tokio::test]
async fn look() {
    let site = Site::start(|_| {}).await;
    for way in [&[][..], &["-s"]] {
        println!("{}", site.uclient(site.media, way).await);
        println!("=======refused");
        println!("{}", site.uclient(SocketAddr::new([10,0,0,1].into(), site.media.port()), way).await);
        println!("=======refused v6");
        println!("{}", site.uclient(SocketAddr::new("::1".parse::<IpAddr>().unwrap(), site.media.port()), way).await);
    }
}
