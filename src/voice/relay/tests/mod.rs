//! The embedded server, by a client that can say anything.

mod client;
mod limits;
mod malformed;
mod refused;

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use stun::agent::TransactionId;
use stun::attributes::{
    ATTR_CHANNEL_NUMBER, ATTR_DATA, ATTR_EVEN_PORT, ATTR_LIFETIME, ATTR_NONCE, ATTR_REALM,
    ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_REQUESTED_TRANSPORT, ATTR_USERNAME, ATTR_XOR_PEER_ADDRESS, AttrType,
};
use stun::integrity::MessageIntegrity;
use stun::message::{
    BINDING_REQUEST, CLASS_INDICATION, CLASS_REQUEST, Getter as _, METHOD_ALLOCATE, METHOD_BINDING,
    METHOD_CHANNEL_BIND, METHOD_CONNECT, METHOD_CREATE_PERMISSION, METHOD_DATA, METHOD_REFRESH, METHOD_SEND, Message,
    MessageType, Method,
};
use stun::textattrs::TextAttribute;
use stun::xoraddr::XorMappedAddress;
use turn::proto::PROTO_UDP;
use turn::proto::channum::ChannelNumber;
use turn::proto::data::Data;
use turn::proto::reqtrans::RequestedTransport;

use super::*;
use client::{Attributes, Client, Filled, boxed};

const WITHIN: Duration = Duration::from_secs(10);
const RTP: &[u8] = &[0x80; 100];

/// A relay, and the media that it relays to: a socket that the test reads and writes.
struct Site {
    relay: Relay,
    media: UdpSocket,
    clock: Arc<AtomicU64>,
}

impl Site {
    async fn start(change: impl Fn(&mut Config)) -> Site {
        let media = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let port = media.local_addr().expect("an address").port();
        let clock = Arc::new(AtomicU64::new(1_700_000_000));
        let told = Arc::clone(&clock);
        let mut config = Config {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: None,
            media: Place { bind: IpAddr::from([127, 0, 0, 1]), public: None, ports: port..=port, tcp: None },
            external: None,
            stun: Vec::new(),
            limits: Limits::default(),
            now: Arc::new(move || told.load(Ordering::Relaxed)),
        };
        change(&mut config);
        Site { relay: Relay::start(config).await.expect("a relay"), media, clock }
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// A browser with credentials of a person for room 3.
    async fn client(&self, person: i32) -> Client {
        let (servers, _) = self.relay.ice_servers(person, 3, self.now());
        let turn = servers.into_iter().find(|server| server.username.is_some()).expect("a relay");
        Client::new(&self.relay, turn.username.expect("a name"), turn.credential.expect("a password")).await
    }

    fn peer(&self) -> SocketAddr {
        self.media.local_addr().expect("an address")
    }

    async fn hears(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 1500];
        let heard = tokio::time::timeout(WITHIN, self.media.recv_from(&mut buffer)).await.expect("in time");
        let (length, from) = heard.expect("a packet");
        (buffer[..length].to_vec(), from)
    }

    fn has_heard_nothing(&self) -> bool {
        self.media.try_recv(&mut [0; 1500]).is_err()
    }

    async fn ends_all(&self) {
        let ending = async {
            while !self.relay.table().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WITHIN, ending).await.expect("all allocations end");
    }
}

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[tokio::test]
async fn sound_goes_both_ways_and_is_counted() {
    let site = Site::start(|_| {}).await;
    let mut client = site.client(7).await;
    let relayed = client.allocates().await.expect("an allocation");
    client.permits(&[site.peer()]).await.expect("a permission");
    client.indicates(site.peer(), b"by indication").await;
    assert_eq!(site.hears().await, (b"by indication".to_vec(), relayed));
    client.binds(0x4000, site.peer()).await.expect("a channel");
    client.sends(0x4000, RTP).await;
    assert_eq!(site.hears().await, (RTP.to_vec(), relayed));
    site.media.send_to(RTP, relayed).await.expect("sent");
    assert_eq!(client.hears().await[4..], *RTP);

    let table = site.relay.table();
    let [only] = &table[..] else { panic!("{table:?}") };
    assert_eq!((only.person, only.room, only.relayed, only.bytes), (7, 3, relayed, 213));
    assert_eq!(only.client, client.socket.local_addr().expect("an address"));
    assert!(site.relay.is_relayed(7, relayed));
    assert!(!site.relay.is_relayed(8, relayed) && !site.relay.is_relayed(7, site.peer()));

    client.refreshes(0).await.expect("an end");
    assert!(site.relay.table().is_empty() && !site.relay.is_relayed(7, relayed));
    assert_eq!(site.relay.meter(7, 3).bytes, 213);
}

#[tokio::test]
async fn the_library_s_own_client_gets_through() {
    use turn::client::{Client as Library, ClientConfig};
    use webrtc_util::Conn as _;
    let site = Site::start(|_| {}).await;
    let (servers, seconds) = site.relay.ice_servers(7, 3, site.now());
    assert_eq!(seconds, 600);
    let address = site.relay.address().expect("a server");
    assert_eq!(servers[0].urls, [format!("stun:{address}")]);
    assert_eq!(servers[1].urls, [format!("turn:{address}?transport=udp")]);
    let config = ClientConfig {
        stun_serv_addr: address.to_string(),
        turn_serv_addr: address.to_string(),
        username: servers[1].username.clone().expect("a name"),
        password: servers[1].credential.clone().expect("a password"),
        realm: String::new(),
        software: String::new(),
        rto_in_ms: 0,
        conn: Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a port")),
        vnet: None,
    };
    let library = Library::new(config).await.expect("a client");
    library.listen().await.expect("listening");
    assert!(library.send_binding_request().await.expect("STUN").ip().is_loopback());
    let relayed = library.allocate().await.expect("an allocation");
    relayed.send_to(RTP, site.peer()).await.expect("sent");
    let (packet, from) = site.hears().await;
    assert_eq!(packet, RTP);
    site.media.send_to(b"answer", from).await.expect("sent");
    let mut buffer = [0; 1500];
    assert_eq!(relayed.recv_from(&mut buffer).await.expect("a packet"), (6, site.peer()));
    assert!(relayed.send_to(RTP, at("127.0.0.1:9")).await.is_ok(), "the address is permitted, the port drops it");
    assert!(relayed.send_to(RTP, at("10.0.0.1:9")).await.is_err());
}

#[tokio::test]
async fn behind_nat_the_public_address_leads_to_the_media_within() {
    let public = IpAddr::from([203, 0, 113, 9]);
    let site = Site::start(|config| config.media.public = Some(public)).await;
    let (servers, _) = site.relay.ice_servers(7, 3, site.now());
    assert!(servers[1].urls[0].starts_with("turn:203.0.113.9:"));
    let mut client = site.client(7).await;
    let relayed = client.allocates().await.expect("an allocation");
    assert_eq!(client.permits(&[site.peer()]).await.err(), Some(403), "loopback is not what browsers are told");
    let told = SocketAddr::new(public, site.peer().port());
    client.binds(0x4000, told).await.expect("a channel");
    client.sends(0x4000, RTP).await;
    assert_eq!(site.hears().await, (RTP.to_vec(), relayed));
    site.media.send_to(RTP, relayed).await.expect("sent");
    assert_eq!(client.hears().await[..4], [0x40, 0, 0, 100], "over the channel of the public address");
}

#[tokio::test]
async fn it_ends_and_gives_its_port_back() {
    let site = Site::start(|_| {}).await;
    let address = site.relay.address().expect("a server");
    let mut client = site.client(7).await;
    let relayed = client.allocates().await.expect("an allocation");
    site.relay.close().await;
    site.relay.close().await;
    assert!(site.relay.table().is_empty());
    let Site { relay, .. } = site;
    drop(relay);
    for port in [address, relayed] {
        let free = async {
            while UdpSocket::bind(port).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WITHIN, free).await.expect("the port is free");
    }
}

#[tokio::test]
async fn an_external_server_is_only_told_of() {
    let urls = vec!["turns:turn.example:443?transport=tcp".to_owned()];
    let external =
        External { urls: urls.clone(), secret: "north".into(), relays_from: vec![IpAddr::from([192, 0, 2, 1])] };
    assert!(!format!("{external:?}").contains("north"));
    let site = Site::start(|config| {
        config.external = Some(external.clone());
        config.stun = vec!["stun:turn.example:3478".into()];
    })
    .await;
    let (servers, _) = site.relay.ice_servers(7, 3, 1_699_999_400);
    assert_eq!((&servers[0].urls[0][..], &servers[1].urls), ("stun:turn.example:3478", &urls));
    assert_eq!(servers[1].username.as_deref(), Some("1700000000:7:3"));
    assert_eq!(servers[1].credential, Some(credentials::password(b"north", "1700000000:7:3")));
    assert_eq!(site.relay.address(), None);
    assert!(site.relay.is_relayed(7, at("192.0.2.1:5000")) && !site.relay.is_relayed(7, at("192.0.2.2:5000")));
    site.relay.close().await;
}
