//! The relay for browsers that cannot reach the media themselves: TURN over UDP, inside the server, that relays to our own media
//! and to nobody else; or an external coturn. `docs/voice-relay.md` describes it.

mod credentials;
mod gate;
mod peers;
mod server;
mod strangers;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::RngExt as _;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::credentials::Holder;
use self::gate::{Gate, Keys};
use self::peers::Peers;
use self::server::Server;
use self::table::{Table, locked};
use crate::voice::media::Place;
use crate::voice::protocol::IceServer;
use crate::voice::rate::Rate;

/// How long a credential opens the relay at most, in seconds: long enough to join and to connect anew, short enough to be of no use to
/// anybody else. An allocation that stands outlives it.
pub const CREDENTIAL_SECONDS: u32 = 10 * 60;
/// Allocations of a person at once: a connection, the one that replaces it, and one more interface for each.
pub const ALLOCATIONS_PER_PERSON: usize = 4;
/// Allocations at once: each has a socket and some tasks, and files are 1,024 a process where nothing else is set.
pub const ALLOCATIONS_MAX: usize = 400;
/// Bytes of a credential over all its allocations: five voices without a pause for almost two hours on the worst network, and a usual
/// call for a day. A connection that ends by it is made anew, with another credential.
pub const BYTES_PER_CREDENTIAL: u64 = 1 << 30;
/// Bytes a second of an allocation, both ways together: five voices of 64 kbit/s that are sent three times, and one that is sent twice,
/// are 155,000.
pub const BYTES_PER_SECOND: u32 = 160_000;

/// The time of the day, in seconds since 1970.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What the relay is made from.
#[derive(Clone)]
pub struct Config {
    /// Where the embedded server listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The address that browsers are told, where it is another (behind NAT).
    pub public: Option<IpAddr>,
    /// Where our media is: the only peers.
    pub media: Place,
    /// Another server instead of the embedded one.
    pub external: Option<External>,
    /// More addresses of STUN (`stun:…`).
    pub stun: Vec<String>,
    /// How much is relayed.
    pub limits: Limits,
    /// The server's clock.
    pub now: Now,
}

/// A coturn with `use-auth-secret`.
#[derive(Clone)]
pub struct External {
    /// Its addresses: `turn:…`, `turns:…`.
    pub urls: Vec<String>,
    /// The secret that it shares with us.
    pub secret: String,
    /// The addresses that it relays from, by which its packets are told from direct ones.
    pub relays_from: Vec<IpAddr>,
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("External")
            .field("urls", &self.urls)
            .field("relays_from", &self.relays_from)
            .finish_non_exhaustive()
    }
}

/// How much is relayed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// See `CREDENTIAL_SECONDS`.
    pub credential_seconds: u32,
    /// See `ALLOCATIONS_PER_PERSON`.
    pub allocations_per_person: usize,
    /// See `ALLOCATIONS_MAX`.
    pub allocations: usize,
    /// See `BYTES_PER_CREDENTIAL`.
    pub bytes_per_credential: u64,
    /// See `BYTES_PER_SECOND`.
    pub rate: Rate,
}

impl Default for Limits {
    fn default() -> Limits {
        let per_second = f64::from(BYTES_PER_SECOND);
        Limits {
            credential_seconds: CREDENTIAL_SECONDS,
            allocations_per_person: ALLOCATIONS_PER_PERSON,
            allocations: ALLOCATIONS_MAX,
            bytes_per_credential: BYTES_PER_CREDENTIAL,
            // Two seconds' worth at once, after a pause of the network.
            rate: Rate { burst: 2.0 * per_second, per_second },
        }
    }
}

/// Somebody's way through the embedded relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Whose it is.
    pub person: i32,
    /// The room that it was made for.
    pub room: i32,
    /// The browser's address.
    pub client: SocketAddr,
    /// The address that the media sees.
    pub relayed: SocketAddr,
    /// Bytes in both directions, without TURN's own.
    pub bytes: u64,
    /// When it was made.
    pub since: Instant,
    /// For how long of this time it has carried sound.
    pub carried: Duration,
}

/// What a person has relayed in a room since the server started, allocations that have ended included.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Meter {
    /// Seconds in which sound was carried, for each allocation.
    pub seconds: f64,
    /// Bytes in both directions.
    pub bytes: u64,
}

/// The relay. Cheap to clone; it ends with `close`, or with its last clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    table: Arc<Table>,
    secret: Vec<u8>,
    urls: Vec<String>,
    stun: Vec<String>,
    relays_from: Vec<IpAddr>,
    credential_seconds: u32,
    server: Option<Arc<Server>>,
    running: Mutex<Option<JoinHandle<()>>>,
    stopping: CancellationToken,
    _stops_when_dropped: DropGuard,
}

impl Relay {
    /// Starts the embedded server, unless there is an external one.
    pub async fn start(config: Config) -> io::Result<Relay> {
        let Config { bind, public, media, external, mut stun, limits, now } = config;
        let credential_seconds = limits.credential_seconds.min(CREDENTIAL_SECONDS);
        let table = Arc::new(Table::new(limits));
        let (stopping, running) = (CancellationToken::new(), Mutex::new(None));
        let _stops_when_dropped = stopping.clone().drop_guard();
        if let Some(External { urls, secret, relays_from }) = external {
            let secret = secret.into_bytes();
            return Ok(Relay(Arc::new(Inner {
                table,
                secret,
                urls,
                stun,
                relays_from,
                credential_seconds,
                server: None,
                running,
                stopping,
                _stops_when_dropped,
            })));
        }
        let unusable = || io::Error::new(io::ErrorKind::InvalidInput, "media has no address and ports to relay to");
        let peers = Peers::new(&media).ok_or_else(unusable)?;
        let secret = rand::rng().random::<[u8; 32]>().to_vec();
        let socket = UdpSocket::bind(bind).await?;
        let keys = Arc::new(Keys { secret: secret.clone(), now, table: Arc::clone(&table) });
        let server = Arc::new(Server::new(socket, Gate::new(keys, peers, Instant::now()), Arc::clone(&table))?);
        let place = place_told(server.address(), public.or(media.public), media.bind);
        stun.insert(0, format!("stun:{place}"));
        let urls = vec![format!("turn:{place}?transport=udp")];
        *locked(&running) = Some(tokio::spawn(Arc::clone(&server).run(stopping.clone())));
        let (relays_from, server) = (Vec::new(), Some(server));
        Ok(Relay(Arc::new(Inner {
            table,
            secret,
            urls,
            stun,
            relays_from,
            credential_seconds,
            server,
            running,
            stopping,
            _stops_when_dropped,
        })))
    }

    /// What a browser is given for a room, and for how many seconds it holds.
    pub fn ice_servers(&self, person: i32, room: i32, now_unix: u64) -> (Vec<IceServer>, u32) {
        let seconds = self.0.credential_seconds;
        let username = Holder { expiry: now_unix + u64::from(seconds), person, room }.username();
        let credential = credentials::password(&self.0.secret, &username);
        let mut servers = Vec::new();
        if !self.0.stun.is_empty() {
            servers.push(IceServer { urls: self.0.stun.clone(), username: None, credential: None });
        }
        servers.push(IceServer { urls: self.0.urls.clone(), username: Some(username), credential: Some(credential) });
        (servers, seconds)
    }

    /// All allocations of the embedded server.
    pub fn table(&self) -> Vec<Allocation> {
        self.0.table.all()
    }

    /// What a person has relayed in a room over the embedded server. Some thousand people who relay no longer are remembered.
    pub fn meter(&self, person: i32, room: i32) -> Meter {
        self.0.table.meter(person, room)
    }

    /// Whether what the media sees of a person comes through the relay.
    pub fn is_relayed(&self, person: i32, remote: SocketAddr) -> bool {
        self.0.table.is_relayed(person, remote) || self.0.relays_from.contains(&remote.ip())
    }

    /// Ends a person's allocations for a room: they left, or were removed. An external server lets them run out.
    pub async fn end(&self, person: i32, room: i32) {
        if let Some(server) = &self.0.server {
            server.end(|holder| (holder.person, holder.room) == (person, room)).await;
        }
    }

    /// Where the embedded server listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.server.as_ref().map(|server| server.address())
    }

    /// Ends all allocations and the server. Its port is free when the last clone is gone.
    pub async fn close(&self) {
        self.0.stopping.cancel();
        let running = locked(&self.0.running).take();
        if let Some(running) = running
            && let Err(error) = running.await
        {
            tracing::error!(%error, "the relay ended with an error");
        }
    }
}

/// The host and port that browsers are told.
fn place_told(bound: SocketAddr, public: Option<IpAddr>, media: IpAddr) -> SocketAddr {
    let own = if bound.ip().is_unspecified() { media } else { bound.ip() };
    SocketAddr::new(public.unwrap_or(own), bound.port())
}
