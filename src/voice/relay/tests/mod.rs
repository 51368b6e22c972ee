//! The embedded server, by a client that can say anything.

mod client;

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

/// All that the server knows, and some that it does not.
const METHODS: [Method; 8] = [
    METHOD_BINDING,
    METHOD_ALLOCATE,
    METHOD_REFRESH,
    METHOD_SEND,
    METHOD_CREATE_PERMISSION,
    METHOD_CHANNEL_BIND,
    METHOD_DATA,
    METHOD_CONNECT,
];

/// Attributes that somebody with credentials may fill as they like.
const FILLED: [AttrType; 6] = [
    ATTR_XOR_PEER_ADDRESS,
    ATTR_CHANNEL_NUMBER,
    ATTR_LIFETIME,
    ATTR_DATA,
    ATTR_REQUESTED_TRANSPORT,
    ATTR_REQUESTED_ADDRESS_FAMILY,
];

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
async fn nobody_but_the_media_is_reached() {
    let site = Site::start(|_| {}).await;
    let other = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let beside = other.local_addr().expect("an address");
    let mut client = site.client(7).await;
    let relayed = client.allocates().await.expect("an allocation");
    let port = site.peer().port();
    for address in [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "127.0.0.2",
        "203.0.113.9",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "fe80::1",
        "fd00::1",
    ] {
        let peer = SocketAddr::new(address.parse().expect("an address"), port);
        assert_eq!(client.permits(&[peer]).await.err(), Some(403), "{peer}");
        assert_eq!(client.permits(&[site.peer(), peer]).await.err(), Some(403), "{peer} behind an allowed one");
        assert_eq!(client.binds(0x4001, peer).await.err(), Some(403), "{peer}");
        client.indicates(peer, b"without permission").await;
    }
    assert_eq!(client.binds(0x4001, beside).await.err(), Some(403));
    assert_eq!(client.binds(0x4001, relayed).await.err(), Some(403), "not itself");
    assert_eq!(client.permits(&[]).await.err(), Some(400));
    client.permits(&[site.peer()]).await.expect("a permission");
    client.indicates(beside, b"by the media's permission").await;
    client.sends(0x4001, b"over a channel that was refused").await;
    client.indicates(site.peer(), b"allowed").await;
    assert_eq!(site.hears().await.0, b"allowed", "what was sent before it has been handled");
    assert!(other.try_recv(&mut [0; 1500]).is_err() && site.has_heard_nothing());
    // Back the same: the address has a permission, the port is nobody's.
    other.send_to(b"from beside", relayed).await.expect("sent");
    site.media.send_to(b"from the media", relayed).await.expect("sent");
    assert!(client.hears().await.ends_with(b"from the media\0\0"));
}

#[tokio::test]
async fn credentials_are_ours_and_of_now() {
    let site = Site::start(|_| {}).await;
    let mut wrong = site.client(7).await;
    wrong.key = turn::auth::generate_auth_key(&wrong.username, credentials::REALM, "wrong");
    assert_eq!(wrong.allocates().await.err(), Some(400));
    let mut other = site.client(7).await;
    other.username = other.username.replace(":7:", ":8:");
    assert_eq!(other.allocates().await.err(), Some(400), "another's name");
    let mut longer = site.client(7).await;
    longer.username = longer.username.replacen('1', "9", 1);
    assert_eq!(longer.allocates().await.err(), Some(400), "a later expiry");

    let (mut late, mut early) = (site.client(7).await, site.client(7).await);
    early.allocates().await.expect("an allocation");
    site.clock.fetch_add(600, Ordering::Relaxed);
    site.client(7).await.allocates().await.expect("the last second of the old one, and a new one");
    site.clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(late.allocates().await.err(), Some(400), "expired");
    early.refreshes(600).await.expect("a call is longer than its credential");
    early.permits(&[site.peer()]).await.expect("a permission");
    early.refreshes(0).await.expect("an end");
    assert_eq!(early.allocates().await.err(), Some(400), "expired, and no allocation any more");
}

#[tokio::test]
async fn an_allocation_is_its_maker_s() {
    let site = Site::start(|_| {}).await;
    let mut client = site.client(7).await;
    assert_eq!(client.refreshes(600).await.err(), Some(437), "there is none");
    assert_eq!(client.permits(&[site.peer()]).await.err(), Some(437));
    client.allocates().await.expect("an allocation");
    assert_eq!(client.allocates().await.err(), Some(437), "there is one");
    let other = site.client(8).await;
    (client.username, client.key) = (other.username, other.key);
    assert_eq!(client.refreshes(0).await.err(), Some(441));
    assert_eq!(site.relay.table().len(), 1);
}

#[tokio::test]
async fn the_fifth_allocation_is_refused_until_one_ends() {
    let site = Site::start(|_| {}).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = site.client(7).await;
        client.allocates().await.expect("an allocation");
        clients.push(client);
    }
    let mut fifth = site.client(7).await;
    assert_eq!(fifth.allocates().await.err(), Some(486));
    site.client(8).await.allocates().await.expect("somebody else's");
    clients[0].refreshes(0).await.expect("an end");
    fifth.allocates().await.expect("the fourth");
    site.relay.end(7, 3).await;
    assert_eq!(site.relay.table().iter().map(|allocation| allocation.person).collect::<Vec<_>>(), [8]);
}

#[tokio::test]
async fn pairs_of_ports_and_too_many_channels_are_refused() {
    let site = Site::start(|_| {}).await;
    let mut client = site.client(7).await;
    let ports = |first: u8| -> Attributes {
        vec![Box::new(RequestedTransport { protocol: PROTO_UDP }), Box::new(Filled(ATTR_EVEN_PORT, vec![first]))]
    };
    assert_eq!(client.asks(METHOD_ALLOCATE, || ports(0x80)).await.err(), Some(508));
    client.asks(METHOD_ALLOCATE, || ports(0)).await.expect("an even port alone");
    let table = site.relay.table();
    assert_eq!((table.len(), table[0].relayed.port() % 2), (1, 0));
    assert_eq!(client.binds(0x3fff, site.peer()).await.err(), Some(400));
    client.binds(0x4000, site.peer()).await.expect("a channel");
    for number in 0x4001..0x4010 {
        assert_eq!(client.binds(number, site.peer()).await.err(), Some(400), "the peer has a channel");
    }
    assert_eq!(client.binds(0x4010, site.peer()).await.err(), Some(508));
}

#[tokio::test]
async fn the_last_byte_ends_it() {
    let site = Site::start(|config| config.limits.bytes_per_credential = 250).await;
    let mut client = site.client(7).await;
    client.allocates().await.expect("an allocation");
    client.binds(0x4000, site.peer()).await.expect("a channel");
    for _ in 0..3 {
        client.sends(0x4000, RTP).await;
        site.hears().await;
    }
    client.sends(0x4000, RTP).await;
    site.ends_all().await;
    assert!(site.has_heard_nothing());
    assert_eq!(site.relay.meter(7, 3).bytes, 300);
    assert_eq!(client.allocates().await.err(), Some(486), "the same credential");
    site.clock.fetch_add(1, Ordering::Relaxed);
    site.client(7).await.allocates().await.expect("another credential");
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

#[tokio::test]
async fn strangers_are_answered_at_a_rate() {
    let site = Site::start(|_| {}).await;
    let client = site.client(7).await;
    let mut message = Message::new();
    message.build(&[Box::new(TransactionId::new()), Box::new(BINDING_REQUEST)]).expect("a message");
    for _ in 0..1000 {
        client.socket.send(&message.raw).await.expect("sent");
        tokio::task::yield_now().await;
    }
    // Somebody else's address would be needed for more; this one's next answer is a second's twentieth away.
    let mut answers = 0;
    while tokio::time::timeout(Duration::from_millis(300), client.socket.recv(&mut [0; 1500])).await.is_ok() {
        answers += 1;
    }
    assert!((50..=300).contains(&answers), "{answers}");
    let mut mapped = XorMappedAddress::default();
    let answer = client.asks_once(BINDING_REQUEST.method, Vec::new(), false).await;
    mapped.get_from(&answer).expect("an address");
    assert_eq!(mapped.port, client.socket.local_addr().expect("an address").port());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever comes, the server goes on.
    #[test]
    fn it_survives_what_is_malformed(
        changes in prop::collection::vec((0..METHODS.len(), 0usize..200, any::<u8>()), 100),
        cut in 0usize..200,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let site = Site::start(|_| {}).await;
            let mut client = site.client(7).await;
            client.allocates().await.expect("an allocation");
            client.binds(0x4000, site.peer()).await.expect("a channel");
            for (method, place, value) in changes {
                let class = if METHODS[method] == METHOD_SEND { CLASS_INDICATION } else { CLASS_REQUEST };
                let mut message = Message::new();
                message.build(&[
                    Box::new(TransactionId::new()),
                    Box::new(MessageType::new(METHODS[method], class)),
                    Box::new(Filled(FILLED[place % FILLED.len()], vec![value; place % 24])),
                    boxed(site.peer()),
                    Box::new(ChannelNumber(0x4000)),
                    Box::new(Data(vec![value; 40])),
                    Box::new(TextAttribute::new(ATTR_USERNAME, client.username.clone())),
                    Box::new(TextAttribute::new(ATTR_REALM, credentials::REALM.to_owned())),
                    Box::new(TextAttribute::new(ATTR_NONCE, client.nonce.clone())),
                    Box::new(MessageIntegrity(client.key.clone())),
                ]).expect("a message");
                let length = message.raw.len();
                if value % 3 == 0 {
                    message.raw[place % length] = value;
                }
                let end = if value % 4 == 0 { cut.min(length) } else { length };
                client.socket.send(&message.raw[..end]).await.expect("sent");
                tokio::task::yield_now().await;
            }
            // A server that runs ends its allocation; one that has panicked does not.
            site.relay.close().await;
            assert!(site.relay.table().is_empty());
        });
    }
}
