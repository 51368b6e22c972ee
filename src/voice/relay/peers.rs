//! Whom the relay reaches: the ports of our own media, and nobody else. The socket of an allocation looks at both directions of
//! each packet, whatever was permitted before.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use tokio::net::UdpSocket;
use turn::relay::RelayAddressGenerator;
use webrtc_util::Conn;

use super::credentials::Holder;
use super::table::{Passage, Table, Tally, locked};
use crate::voice::media::Place;

/// Ports that are tried for an allocation before it is refused: the system may give one that is for media.
const TRIES: usize = 32;

/// The addresses of our media.
#[derive(Debug, Clone)]
pub struct Peers {
    named: IpAddr,
    bound: IpAddr,
    ports: RangeInclusive<u16>,
}

impl Peers {
    /// Those of a place; none if it is not one address and a range of ports.
    pub fn new(place: &Place) -> Option<Peers> {
        let named = place.public.unwrap_or(place.bind);
        let is_one = |address: IpAddr| !address.is_unspecified() && !address.is_multicast();
        let is_range = *place.ports.start() > 0 && !place.ports.is_empty();
        let one_family = named.is_ipv4() == place.bind.is_ipv4();
        let can_be = is_one(named) && is_one(place.bind) && is_range && one_family;
        can_be.then(|| Peers { named, bound: place.bind, ports: place.ports.clone() })
    }

    /// Whether anything may go to this address. An IPv4 address in the clothes of IPv6 is another address.
    pub fn has_address(&self, address: IpAddr) -> bool {
        address == self.named
    }

    /// Whether anything may go there.
    pub fn has(&self, peer: SocketAddr) -> bool {
        self.has_address(peer.ip()) && self.ports.contains(&peer.port())
    }

    /// Where a packet to this peer goes: behind NAT our own public address may not be reachable from inside.
    fn inward(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.has(peer).then(|| SocketAddr::new(self.bound, peer.port()))
    }

    /// The peer that a packet from there is of.
    fn outward(&self, from: SocketAddr) -> Option<SocketAddr> {
        let is_ours = from.ip() == self.bound && self.ports.contains(&from.port());
        is_ours.then(|| SocketAddr::new(self.named, from.port()))
    }
}

/// What an allocation is about to be made for.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// The browser's address.
    pub client: SocketAddr,
    /// Whose credential it showed.
    pub holder: Holder,
}

/// Gives the library its sockets. One request is handled at a time, so the opening is that of the request.
pub struct Sockets {
    /// Whom they reach.
    pub peers: Peers,
    /// Where they are entered.
    pub table: Arc<Table>,
    /// What the request that is handled opens.
    pub opening: Arc<Mutex<Option<Opening>>>,
}

impl Sockets {
    /// A socket beside the media's, on a port that is none of theirs, lest one relay is another's peer.
    async fn bind(&self, requested_port: u16) -> std::io::Result<UdpSocket> {
        if requested_port != 0 {
            // The even one that the library has just looked for, in the same way.
            return UdpSocket::bind((self.peers.bound, requested_port)).await;
        }
        let mut refused = Vec::new();
        for _ in 0..TRIES {
            let socket = UdpSocket::bind((self.peers.bound, 0)).await?;
            if !self.peers.ports.contains(&socket.local_addr()?.port()) {
                return Ok(socket);
            }
            // Held until one is found, so that the system gives another.
            refused.push(socket);
        }
        Err(std::io::ErrorKind::AddrNotAvailable.into())
    }
}

#[async_trait]
impl RelayAddressGenerator for Sockets {
    fn validate(&self) -> Result<(), turn::Error> {
        Ok(())
    }

    async fn allocate_conn(
        &self,
        use_ipv4: bool,
        requested_port: u16,
    ) -> Result<(Arc<dyn Conn + Send + Sync>, SocketAddr), turn::Error> {
        let opening = *locked(&self.opening);
        let refused = |why: &str| turn::Error::Other(why.to_owned());
        let Opening { client, holder } = opening.ok_or_else(|| refused("nothing is being opened"))?;
        if use_ipv4 != self.peers.bound.is_ipv4() {
            return Err(refused("the media has no address of this family"));
        }
        let socket = self.bind(requested_port).await.map_err(|error| refused(&error.to_string()))?;
        let relayed = socket.local_addr().map_err(|error| refused(&error.to_string()))?;
        let tally = self.table.open(holder, client, relayed, Instant::now());
        let (peers, table) = (self.peers.clone(), Arc::clone(&self.table));
        Ok((Arc::new(Relayed { socket, peers, client, tally, table }), relayed))
    }
}

/// The socket of an allocation. Its end strikes the allocation from the table.
struct Relayed {
    socket: UdpSocket,
    peers: Peers,
    client: SocketAddr,
    tally: Arc<Tally>,
    table: Arc<Table>,
}

impl Relayed {
    fn passes(&self, packet: &[u8]) -> bool {
        let passage = self.tally.pass(packet, Instant::now());
        if passage == Passage::Spent {
            self.table.exhausted.notify_one();
        }
        passage == Passage::Granted
    }

    fn end(&self) {
        self.table.close(self.client, self.tally.number, Instant::now());
    }
}

impl Drop for Relayed {
    fn drop(&mut self) {
        self.end();
    }
}

#[async_trait]
impl Conn for Relayed {
    /// What may not go, goes nowhere: a datagram has no answer.
    async fn send_to(&self, packet: &[u8], target: SocketAddr) -> Result<usize, webrtc_util::Error> {
        if let Some(to) = self.peers.inward(target)
            && self.passes(packet)
        {
            self.socket.send_to(packet, to).await?;
        }
        Ok(packet.len())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> Result<(usize, SocketAddr), webrtc_util::Error> {
        loop {
            let (length, from) = self.socket.recv_from(buffer).await?;
            if let Some(peer) = self.peers.outward(from)
                && self.passes(buffer.get(..length).unwrap_or_default())
            {
                return Ok((length, peer));
            }
        }
    }

    fn local_addr(&self) -> Result<SocketAddr, webrtc_util::Error> {
        Ok(self.socket.local_addr()?)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        None
    }

    async fn close(&self) -> Result<(), webrtc_util::Error> {
        self.end();
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    // The library never connects an allocation's socket.

    async fn connect(&self, _address: SocketAddr) -> Result<(), webrtc_util::Error> {
        Err(unconnected())
    }

    async fn recv(&self, _buffer: &mut [u8]) -> Result<usize, webrtc_util::Error> {
        Err(unconnected())
    }

    async fn send(&self, _packet: &[u8]) -> Result<usize, webrtc_util::Error> {
        Err(unconnected())
    }
}

fn unconnected() -> webrtc_util::Error {
    std::io::Error::from(std::io::ErrorKind::Unsupported).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bind: &str, public: Option<&str>) -> Place {
        let address = |text: &str| text.parse().expect("an address");
        Place { bind: address(bind), public: public.map(address), ports: 40_000..=40_010, tcp: None }
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_our_media_is_a_peer() {
        let peers = Peers::new(&place("10.0.0.5", Some("192.0.2.5"))).expect("peers");
        assert_eq!(peers.inward(at("192.0.2.5:40000")), Some(at("10.0.0.5:40000")));
        assert_eq!(peers.outward(at("10.0.0.5:40010")), Some(at("192.0.2.5:40010")));
        for other in [
            "192.0.2.5:39999",
            "192.0.2.5:40011",
            "192.0.2.6:40000",
            "10.0.0.5:40000",
            "10.0.0.1:40000",
            "127.0.0.1:40000",
            "0.0.0.0:40000",
            "169.254.169.254:40000",
            "[::1]:40000",
            "[::ffff:192.0.2.5]:40000",
            "[::ffff:127.0.0.1]:40000",
            "[::]:40000",
            "[::192.0.2.5]:40000",
            "[64:ff9b::192.0.2.5]:40000",
            "255.255.255.255:40000",
        ] {
            assert!(!peers.has(at(other)) && peers.inward(at(other)).is_none(), "{other}");
        }
        for other in ["192.0.2.5:40000", "10.0.0.5:39999", "10.0.0.6:40000", "[::ffff:10.0.0.5]:40000"] {
            assert_eq!(peers.outward(at(other)), None, "{other}");
        }
    }

    #[test]
    fn a_place_without_one_address_or_a_range_has_no_peers() {
        assert!(Peers::new(&place("127.0.0.1", None)).is_some());
        assert!(Peers::new(&place("::1", None)).is_some());
        for (bind, public) in
            [("0.0.0.0", None), ("0.0.0.0", Some("192.0.2.5")), ("10.0.0.5", Some("0.0.0.0")), ("::", None)]
        {
            assert!(Peers::new(&place(bind, public)).is_none(), "{bind}");
        }
        assert!(Peers::new(&place("10.0.0.5", Some("2001:db8::5"))).is_none(), "two families");
        assert!(Peers::new(&Place { ports: 0..=0, ..place("127.0.0.1", None) }).is_none());
    }
}
