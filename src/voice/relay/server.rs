//! The embedded server: one task that reads its socket, asks the gate, and lets the library handle what passes.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use turn::allocation::allocation_manager::{Manager, ManagerConfig};
use turn::allocation::five_tuple::FiveTuple;
use turn::proto::PROTO_UDP;
use turn::server::request::Request;

use super::credentials::{Holder, REALM};
use super::gate::{Gate, Verdict};
use super::peers::{Opening, Sockets};
use super::table::{Table, locked};

/// A datagram at most: what an Ethernet frame carries. Browsers send less.
const DATAGRAM_MAX: usize = 1500;
/// How often what is over is looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// A nonce is remembered for so long. Whoever comes with an older one is given another.
const NONCE_KEPT: Duration = Duration::from_secs(10 * 60);
/// While there are more nonces than this (some 150 bytes each), they are remembered for `NONCE_KEPT_IN_A_FLOOD` only: at the rate
/// that the gate lets through, 12,000.
const NONCES_CALM: usize = 8192;
/// See `NONCES_CALM`.
const NONCE_KEPT_IN_A_FLOOD: Duration = Duration::from_secs(60);
/// How long a channel lasts without being bound again (RFC 8656).
const CHANNEL_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The embedded server.
pub struct Server {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    gate: Gate,
    table: Arc<Table>,
    manager: Arc<Manager>,
    opening: Arc<Mutex<Option<Opening>>>,
    nonces: Arc<tokio::sync::Mutex<HashMap<String, tokio::time::Instant>>>,
}

impl Server {
    /// A server on a socket, that does not run yet.
    pub fn new(socket: UdpSocket, gate: Gate, table: Arc<Table>) -> io::Result<Server> {
        let opening = Arc::new(Mutex::new(None));
        let sockets = Sockets { peers: gate.peers.clone(), table: Arc::clone(&table), opening: Arc::clone(&opening) };
        let config = ManagerConfig { relay_addr_generator: Box::new(sockets), alloc_close_notify: None };
        let (address, manager) = (socket.local_addr()?, Arc::new(Manager::new(config)));
        Ok(Server { socket: Arc::new(socket), address, gate, table, manager, opening, nonces: Arc::default() })
    }

    /// Runs until it is stopped, and ends all allocations then.
    pub async fn run(self: Arc<Server>, stopping: CancellationToken) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => break,
                _ = sweep.tick() => self.sweep().await,
                () = self.table.exhausted.notified() => self.end_what_is_over().await,
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((length, from)) => self.handle(buffer.get(..length).unwrap_or_default(), from).await,
                    Err(error) => {
                        tracing::warn!(%error, "the relay's socket could not be read");
                        // An error that stays must not keep the processor busy.
                        sweep.tick().await;
                    }
                },
            }
        }
        self.end(|_| true).await;
    }

    async fn handle(&self, datagram: &[u8], from: SocketAddr) {
        match self.gate.judge(datagram, from, Instant::now()) {
            Verdict::Dropped => {}
            Verdict::Answered(answer) => drop(self.socket.send_to(&answer, from).await),
            Verdict::Handled(opening) => {
                *locked(&self.opening) = opening;
                // Addresses are not logged: neither are candidates.
                if let Err(error) = self.request(datagram, from).handle_request().await {
                    tracing::debug!(%error, "a datagram was refused by the relay");
                }
                *locked(&self.opening) = None;
            }
        }
    }

    fn request(&self, datagram: &[u8], from: SocketAddr) -> Request {
        let keys = Arc::clone(&self.gate.keys);
        let mut request = Request::new(Arc::<UdpSocket>::clone(&self.socket), from, Arc::clone(&self.manager), keys);
        request.buff = datagram.to_vec();
        request.nonces = Arc::clone(&self.nonces);
        request.realm = REALM.to_owned();
        request.channel_bind_timeout = CHANNEL_LIFETIME;
        request
    }

    async fn sweep(&self) {
        self.end_what_is_over().await;
        self.gate.sweep(Instant::now());
        let mut nonces = self.nonces.lock().await;
        let kept = if nonces.len() > NONCES_CALM { NONCE_KEPT_IN_A_FLOOD } else { NONCE_KEPT };
        nonces.retain(|_, made| made.elapsed() < kept);
    }

    async fn end_what_is_over(&self) {
        for client in self.table.sweep(Instant::now(), (self.gate.keys.now)()) {
            self.delete(client).await;
        }
    }

    /// Ends the allocations of these holders.
    pub async fn end(&self, ends: impl Fn(Holder) -> bool) {
        for client in self.table.clients(ends) {
            self.delete(client).await;
        }
    }

    async fn delete(&self, client: SocketAddr) {
        // The library names the socket's own address as the second of the five.
        let five_tuple = FiveTuple { protocol: PROTO_UDP, src_addr: client, dst_addr: self.address };
        self.manager.delete_allocation(&five_tuple).await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
