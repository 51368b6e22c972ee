//! What of voice may only change together, and how sockets are told of it.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::live::socket::wire;
use crate::voice::gauges::Gauges;
use crate::voice::media::Seat;
use crate::voice::protocol::{Told, Why};
use crate::voice::rooms::{Ended, Rooms};

/// What may only change together.
#[derive(Default)]
pub(super) struct State {
    pub(super) rooms: Rooms,
    pub(super) sockets: HashMap<u64, Socket>,
    pub(super) gauges: Gauges,
    pub(super) next_socket: u64,
}

/// A socket: whose it is, and which seat it speaks for.
pub(super) struct Socket {
    pub(super) person: i32,
    pub(super) out: mpsc::Sender<Bytes>,
    pub(super) seat: Option<Seat>,
}

impl State {
    /// Tells a socket. One that cannot keep up is given up: it is closed, and comes back by itself.
    pub(super) fn tell(&mut self, socket: u64, told: &Told) {
        self.tell_frame(socket, frame(told));
    }

    /// Tells everybody in a room, but for one person.
    pub(super) fn tell_room(&mut self, room: i32, but: Option<i32>, told: &Told) {
        let Some(room) = self.rooms.room(room) else { return };
        let told = frame(told);
        let sockets = room.members.iter().filter(|member| Some(member.person) != but);
        let sockets: Vec<u64> = sockets.filter_map(|member| member.socket).collect();
        for socket in sockets {
            self.tell_frame(socket, told.clone());
        }
    }

    fn tell_frame(&mut self, socket: u64, told: Bytes) {
        if self.sockets.get(&socket).is_some_and(|socket| !socket.say(told)) {
            self.sockets.remove(&socket);
        }
    }

    /// Tells the socket of a seat that it has ended, once.
    pub(super) fn tell_ended(&mut self, ended: &Ended) {
        let Some(socket) = ended.socket else { return };
        if self.sockets.get(&socket).and_then(|socket| socket.seat) == Some(ended.seat) {
            self.tell(socket, &Told::Left { why: ended.why });
            self.detach(socket);
        }
    }

    /// A socket speaks for no seat any more.
    pub(super) fn detach(&mut self, socket: u64) {
        if let Some(socket) = self.sockets.get_mut(&socket) {
            socket.seat = None;
        }
    }

    /// Says to a socket why something cannot be.
    pub(super) fn refuse(&mut self, socket: u64, why: Why, sentence: impl Into<String>, retry_after_ms: Option<u64>) {
        self.tell(socket, &Told::Refused { why, sentence: sentence.into(), retry_after_ms });
    }
}

impl Socket {
    /// Whether there was room for it.
    pub(super) fn say(&self, told: Bytes) -> bool {
        self.out.try_send(told).is_ok()
    }
}

/// A message as the bytes of the wire.
pub(super) fn frame(told: &Told) -> Bytes {
    wire(serde_json::to_string(told).ok().as_deref())
}
