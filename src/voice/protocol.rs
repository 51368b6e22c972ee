//! What the dock and the server say to one another over `/voice`: one JSON object a message, tagged by `type`. Described in
//! `docs/voice.md`.

use serde::{Deserialize, Serialize};

use crate::voice::media::SLOTS;

/// What a browser says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// Takes a seat in a room, or comes back to the one that `resume` names.
    Join {
        room: i32,
        #[serde(default)]
        resume: Option<String>,
    },
    /// Describes a new connection. Attempts are numbered upwards from 1.
    Offer { epoch: u64, attempt: u32, sdp: String },
    /// A way to reach the browser; none ends them.
    Ice { epoch: u64, attempt: u32, candidate: Option<String> },
    /// Asks for credentials of the relay again: they last at most ten minutes.
    IceServers {},
    /// The microphone is off, or on again.
    Mute { on: bool },
    /// The key to talk is held, or the mode is left (none).
    Ptt { down: Option<bool> },
    /// Hears nobody, or everybody again.
    Deafen { on: bool },
    /// What the browser measured of the last second.
    Stats(Box<Reported>),
    /// An administrator mutes, unmutes or removes somebody of the same room.
    Moderate { person: i32, action: Moderation },
    /// Shows its view to those who follow, or no longer does.
    Present { on: bool },
    /// Where the presenter is: the address within the site, and the card in sight.
    View {
        address: String,
        #[serde(default)]
        target: Option<String>,
    },
    /// Where the pointer is: a card and a place in it in thousandths; none takes it away.
    Pointer { at: Option<Pointed> },
    /// Gives the seat up.
    Leave {},
    /// Is answered with `pong`.
    Ping {},
}

/// What a browser measures of its connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reported {
    /// The round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// The jitter of what it hears, in ms.
    pub jitter_ms: Option<f64>,
    /// Packets lost on the way to it, in percent.
    pub loss_percent: Option<f64>,
    /// Audible samples that had to be made up, in percent.
    pub concealed_percent: Option<f64>,
}

/// What an administrator does to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moderation {
    /// Nobody hears them any more.
    Mute,
    /// They are heard again.
    Unmute,
    /// They are out of the room.
    Remove,
}

/// A place on a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointed {
    /// The card.
    pub target: String,
    /// From its left, in thousandths of its width.
    pub x: u16,
    /// From its top, in thousandths of its height.
    pub y: u16,
    /// The words of the figure or chart point that is meant.
    #[serde(default)]
    pub words: String,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Told {
    /// All rooms and who is in them: when the socket opens, with whose it is, and whenever they change.
    Rooms {
        #[serde(skip_serializing_if = "Option::is_none")]
        you: Option<You>,
        rooms: Vec<RoomShown>,
    },
    /// The seat that was taken, or taken again.
    Joined(Box<Joined>),
    /// The answer to an offer.
    Answer { epoch: u64, attempt: u32, sdp: String },
    /// Credentials of the relay.
    IceServers { ice_servers: Vec<IceServer>, ttl_seconds: u32 },
    /// The media of an attempt is connected, or was lost.
    Connection { attempt: u32, connected: bool },
    /// Who stands in which slot.
    Slots { slots: [Option<i32>; SLOTS] },
    /// Who speaks, loudest first: person and level (RFC 6464).
    Speakers { speakers: Vec<(i32, u8)> },
    /// Send redundantly, or no longer.
    Red { on: bool },
    /// An administrator did this to you.
    Moderated { action: Moderation, by: String },
    /// Somebody presents, or nobody.
    Presenting { person: Option<i32> },
    /// Where the presenter is.
    View { person: i32, address: String, target: Option<String> },
    /// Where somebody points.
    Pointer { person: i32, at: Option<Pointed> },
    /// What was asked cannot be; `retry_after_ms` where trying again helps.
    Refused {
        why: Why,
        sentence: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// The seat has ended.
    Left { why: Ending },
    /// To a ping.
    Pong {},
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There are as many in the room as it takes.
    RoomFull,
    /// There is no such room.
    NoRoom,
    /// They may not, or it cannot be known at the moment whether they may.
    Denied,
    /// Too much at once.
    RateLimited,
    /// It cannot be read, or makes no sense here.
    Unreadable,
    /// The media could not be negotiated.
    Media,
    /// This server carries no voice.
    Off,
}

/// Why a seat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// They left.
    Left,
    /// An administrator removed them.
    Removed,
    /// They joined from another page.
    Elsewhere,
    /// The room was closed.
    Closed,
    /// Their session has ended.
    SignedOut,
}

/// Who a socket is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct You {
    /// Their number.
    pub person: i32,
    /// Whether they may mute and remove others.
    pub is_administrator: bool,
}

/// A room as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomShown {
    /// Its number.
    pub id: i32,
    /// What it is called.
    pub name: String,
    /// Who is in it, by the time they came.
    pub people: Vec<PersonShown>,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonShown {
    /// Their number.
    pub person: i32,
    /// Their name.
    pub name: String,
    /// Its initials.
    pub initials: String,
    /// Their colour, as in the bar.
    pub colour: u8,
    /// They muted themselves.
    pub muted: bool,
    /// An administrator muted them.
    pub server_muted: bool,
    /// They hear nobody.
    pub deafened: bool,
    /// How they are connected.
    pub state: State,
}

/// How somebody is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Media has not come through yet.
    Connecting,
    /// Media flows.
    Connected,
    /// It flowed, and does not now.
    Trouble,
}

/// A seat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Joined {
    /// The room.
    pub room: i32,
    /// Which seat; another one needs another connection.
    pub epoch: u64,
    /// Brings the seat back after the socket or the page was lost.
    pub resume: String,
    /// Whether it is the seat that was asked for.
    pub resumed: bool,
    /// STUN and relay, with credentials.
    pub ice_servers: Vec<IceServer>,
    /// How long the credentials last.
    pub ttl_seconds: u32,
    /// Audio lines of the offer.
    pub slots: usize,
    /// Whether what people say gets lost on its way: send redundantly.
    pub red: bool,
    /// Who presents.
    pub presenting: Option<i32>,
    /// An administrator has muted them.
    pub server_muted: bool,
}

/// A server of ICE, as RTCPeerConnection takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// Addresses.
    pub urls: Vec<String>,
    /// `expiry:person:room`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The HMAC of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}
