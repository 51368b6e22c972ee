//! The relay (placeholder until it is merged).

use crate::voice::protocol::IceServer;
use std::net::{IpAddr, SocketAddr};

/// Where.
#[derive(Debug, Clone)]
pub struct Config {
    pub bind: Option<SocketAddr>,
    pub public: Option<IpAddr>,
}

/// The relay.
#[derive(Debug, Clone, Default)]
pub struct Relay;

impl Relay {
    /// Starts.
    pub async fn start(_config: Config) -> std::io::Result<Relay> {
        Ok(Relay)
    }
    /// Servers.
    pub fn ice_servers(&self, _person: i32, _room: i32, _now: u64) -> (Vec<IceServer>, u32) {
        (Vec::new(), 600)
    }
    /// Whether.
    pub fn is_relayed(&self, _person: i32, _remote: SocketAddr) -> bool {
        false
    }
    /// Bytes.
    pub fn carried_bytes(&self, _person: i32, _room: i32) -> u64 {
        0
    }
    /// Ends.
    pub async fn close(&self) {}
}
