//! Where voice is carried, as the command line or a test says it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::server::clock::Clock;
use crate::voice::Voice;
use crate::voice::media::{Event, Place, Sfu};
use crate::voice::relay::{self, External, Limits, Relay};

/// The UDP ports of connections, unless others are named: one for each, so that as many people talk at once. Below those that Linux
/// gives to whoever asks for any port (from 32768).
pub const PORTS: RangeInclusive<u16> = 20_000..=21_999;
/// The port of the relay, unless another is named: that of STUN and TURN (RFC 8656).
pub const RELAY_PORT: u16 = 3_478;

/// Where voice is carried.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address that sockets are bound to.
    pub bind: IpAddr,
    /// The address that browsers are told, where it is another.
    pub public: Option<IpAddr>,
    /// The UDP ports.
    pub ports: RangeInclusive<u16>,
    /// The TCP port of ICE; 0 takes a free one.
    pub tcp_port: u16,
    /// The relay.
    pub relay: RelayConfig,
    /// How long its credentials hold, in seconds: at most [`relay::CREDENTIAL_SECONDS`].
    pub credential_seconds: u32,
    /// How many percent of the packets to listeners are thrown away: to try what a bad network does, never to serve.
    pub drop_percent: u8,
}

/// Which relay browsers use.
#[derive(Debug, Clone)]
pub enum RelayConfig {
    /// The one in this program, on a UDP port; 0 takes a free one.
    Own(u16),
    /// Another, such as coturn.
    External(External),
}

impl Config {
    /// Voice at the address that a server is reached at; free ports but for the connections'.
    pub fn at(bind: IpAddr) -> Config {
        Config {
            bind,
            public: None,
            ports: PORTS,
            tcp_port: 0,
            relay: RelayConfig::Own(0),
            credential_seconds: relay::CREDENTIAL_SECONDS,
            drop_percent: 0,
        }
    }

    /// Binds what is needed, and makes the server's voice with what its engine will say.
    pub async fn start(self, db: PgPool, workspace: i32, clock: Clock) -> io::Result<(Voice, mpsc::Receiver<Event>)> {
        let media = Place {
            bind: self.bind,
            public: self.public,
            ports: self.ports,
            tcp: Some(SocketAddr::new(self.bind, self.tcp_port)),
        };
        let (port, external) = match self.relay {
            RelayConfig::Own(port) => (port, None),
            RelayConfig::External(external) => (0, Some(external)),
        };
        let now = {
            let clock = clock.clone();
            Arc::new(move || clock.now().timestamp().unsigned_abs())
        };
        let mut relay = relay::Config {
            bind: SocketAddr::new(self.bind, port),
            public: self.public,
            media: media.clone(),
            external,
            stun: Vec::new(),
            limits: Limits { credential_seconds: self.credential_seconds, ..Limits::default() },
            now,
        };
        let relay = match Relay::start(relay.clone()).await {
            // Another server of this machine has it: voice works all the same where no firewall stands.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port != 0 => {
                tracing::warn!(port, "the relay's port is taken: it takes a free one; --relay-port names another");
                relay.bind.set_port(0);
                Relay::start(relay).await?
            }
            started => started?,
        };
        let (engine, happened) = match self.drop_percent {
            0 => Sfu::start(media)?,
            percent => Sfu::with_loss(media, percent)?,
        };
        Ok((Voice::new(engine, relay, db, workspace, clock), happened))
    }
}

/// The address to carry voice on for a server that listens on `served`: the same, or where that is all, the one that the way out
/// of this machine begins at. Sockets are bound to one address, as those of all leave loopback out.
pub fn address_of(served: IpAddr) -> IpAddr {
    if !served.is_unspecified() {
        return served;
    }
    // Nothing is sent: connecting a UDP socket asks the system for the way. The address is one of documentation (RFC 5737).
    let way_out = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    way_out.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}
