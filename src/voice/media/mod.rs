//! What carries the sound: negotiates with browsers, forwards their packets, says who speaks. Behind a trait, so that another
//! library may take its place.

mod admission;
mod connection;
mod description;
mod forward;
mod frames;
mod inner;
mod leg;
mod levels;
mod limits;
mod ports;
mod red;
mod redundancy;
mod room;
mod seat;
mod sfu;
mod slots;
mod tcp;
#[cfg(test)]
mod tests;
mod wire;
mod wishes;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

pub use inner::SEATS_MAX;
pub use sfu::Sfu;

/// Voices that a listener can hear at once: the audio lines of every offer.
pub const SLOTS: usize = 5;
/// An offer at most, in bytes.
pub const SDP_MAX_BYTES: usize = 32 * 1024;
/// Up to so many people in a room hear everybody; in a larger one, the loudest.
pub const EVERYBODY_HEARD_MAX: usize = 6;

/// A person's place in a call. A person who joins again without resuming has another epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat {
    /// The room's number.
    pub room: i32,
    /// The person's number.
    pub person: i32,
    /// Which of their calls.
    pub epoch: u64,
}

/// Where media is received and sent.
#[derive(Debug, Clone)]
pub struct Place {
    /// The address that sockets are bound to: a concrete one, as browsers are told it.
    pub bind: IpAddr,
    /// The address that browsers are told, where it is another (behind NAT).
    pub public: Option<IpAddr>,
    /// The UDP ports, one for each connection; `0..=0` takes any that are free.
    pub ports: RangeInclusive<u16>,
    /// Where ICE over TCP is listened for, if at all: one port for all connections, told with the public address where there is one;
    /// port 0 takes a free one.
    pub tcp: Option<SocketAddr>,
}

/// Why media cannot be negotiated. The sentence is for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The description is not one of ours: too long, not audio, too many lines, unreadable.
    #[error("the browser's description of its sound cannot be used: {0}")]
    Unusable(&'static str),
    /// No port is free, or the library failed.
    #[error("the server has no place for another connection at the moment; it is tried again")]
    Busy,
    /// There is no such seat or attempt any more.
    #[error("this connection has ended; join again")]
    Gone,
}

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Media flows over the attempt of this number.
    Connected(u32),
    /// Nothing has been heard on it for a while, or ICE has failed: the browser is expected to make another.
    Lost(u32),
}

/// What the engine has to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A connection came or went.
    Connection(Seat, Connection),
    /// Who stands in which slot of a listener, by the order of the lines in the offer.
    Slots(Seat, [Option<i32>; SLOTS]),
    /// Who speaks in a room, loudest first: person and level in −dBov (RFC 6464: 0 is loudest, 127 silence). At most five times a
    /// second a room, and at once when somebody begins.
    Speakers(i32, Vec<(i32, u8)>),
    /// What people say gets lost on its way to the server, so a room's people should send redundantly (RFC 2198), or no longer does.
    Redundancy(i32, bool),
}

/// What the server measures of a seat. Counts are since the seat was taken, over all its connections.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// Bytes of RTP that came from the person.
    pub up_bytes: u64,
    /// Bytes of RTP that went to the person.
    pub down_bytes: u64,
    /// Packets that came from the person.
    pub up_packets: u64,
    /// Packets that were lost on their way from the person, by gaps of the sequence.
    pub up_lost: u64,
    /// Packets dropped by a limit or a queue that was full.
    pub dropped: u64,
    /// The round trip by ICE or RTCP, in ms.
    pub rtt_ms: Option<f64>,
    /// Lost on the way to the person, by their last report, in percent.
    pub down_loss_percent: Option<f64>,
    /// Since the last packet of the person, in ms.
    pub silent_ms: Option<u64>,
    /// Whether a connection stands.
    pub is_connected: bool,
    /// The address that the chosen pair of candidates sends to, for looking into the relay's table.
    pub remote: Option<SocketAddr>,
}

/// An engine. Cheap to clone; its events come over a bounded queue that `start` hands out.
pub trait Media: Clone + Send + Sync + 'static {
    /// Takes an offer of a seat's browser and answers it. The first offer takes the seat into its room. Attempts are numbered by the
    /// browser, upwards: the older connection goes on until the newer stands, and is closed then.
    fn offer(&self, seat: Seat, attempt: u32, sdp: String) -> impl Future<Output = Result<String, Refused>> + Send;
    /// A candidate of the browser for an attempt.
    fn candidate(
        &self,
        seat: Seat,
        attempt: u32,
        candidate: String,
    ) -> impl Future<Output = Result<(), Refused>> + Send;
    /// Nothing of this person is forwarded while it holds: until it is taken back or they leave, and also before their first offer.
    fn silence(&self, seat: Seat, is_silenced: bool);
    /// The person hears nothing while it holds, likewise: nothing is sent to them.
    fn deafen(&self, seat: Seat, is_deaf: bool);
    /// What the person's browser says it lost of the last second, in percent; how much they are sent once more follows it.
    fn note_loss(&self, seat: Seat, percent: f64);
    /// The seat is given up; its connections end.
    fn leave(&self, seat: Seat) -> impl Future<Output = ()> + Send;
    /// What is known of all seats.
    fn measured(&self) -> impl Future<Output = Vec<(Seat, Measured)>> + Send;
    /// Ends everything.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
