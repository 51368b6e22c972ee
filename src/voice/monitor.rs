//! The calls of this server as they are, once a second: what the page of calls, its history and its alerts are made of.

use chrono::{DateTime, Utc};

/// All calls at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// When.
    pub at: DateTime<Utc>,
    /// The calls that go on, by when they began.
    pub calls: Vec<CallSample>,
}

/// A call: from the first person who enters a room until the last has left it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSample {
    /// The call's number; never that of another.
    pub id: i64,
    /// The room's number.
    pub room: i32,
    /// The room's name.
    pub name: String,
    /// Since when.
    pub began_at: DateTime<Utc>,
    /// Who is in it.
    pub people: Vec<PersonSample>,
}

/// Somebody in a call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PersonSample {
    /// Their number.
    pub person: i32,
    /// Their name.
    pub name: String,
    /// Since when they are in it.
    pub joined_at: DateTime<Utc>,
    /// From them, in kbit/s, of the last second; measured by the server.
    pub up_kbps: f64,
    /// To them, in kbit/s, of the last second; measured by the server.
    pub down_kbps: f64,
    /// The round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// The jitter of what they hear, in ms, by their browser.
    pub jitter_ms: Option<f64>,
    /// The larger of what is lost from them and to them, in percent, of the last seconds.
    pub loss_percent: Option<f64>,
    /// Of these, what is lost from them on its way to the server, which all others miss.
    pub up_loss_percent: Option<f64>,
    /// Audible samples that their browser had to make up, in percent.
    pub concealed_percent: Option<f64>,
    /// Whether media goes through the relay, by the relay's own table.
    pub is_relayed: bool,
    /// How long it has in this call, in seconds.
    pub relayed_seconds: f64,
    /// How many bytes it has carried for them in this call.
    pub relayed_bytes: u64,
    /// They muted themselves.
    pub is_muted: bool,
    /// An administrator muted them.
    pub is_server_muted: bool,
    /// Whether media is connected.
    pub is_connected: bool,
    /// Since the last packet from them, in ms; none before the first. With DTX and muted microphones silence is normal.
    pub silent_ms: Option<u64>,
}
