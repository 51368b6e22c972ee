//! Who is in which room: pure, so that every rule of coming, going and coming back is tested without sockets or sound.

use std::collections::{BTreeMap, BTreeSet};

use crate::period::Instant;
use crate::voice::endings::Endings;
use crate::voice::media::{SLOTS, Seat};
use crate::voice::protocol::{Ending, PersonShown, Reported, RoomShown, State};

/// People in a room at most: more than that is a lecture, and every join is told to all.
pub const ROOM_MAX_PEOPLE: usize = 50;
/// A seat is kept this long without a socket when no sound flows either: a page that is loaded again, or a network that changes, is
/// back sooner, and a closed page is gone before anybody wonders.
pub const KEPT_WITHOUT_BOTH_MS: i64 = 15_000;
/// A seat whose sound flows is kept this long without a socket: a proxy or the page's own thread may be away for minutes.
pub const KEPT_WITHOUT_SOCKET_MS: i64 = 300_000;
/// What a browser measured counts for so long: it measures once a second, and one that says nothing any more measures nothing.
const REPORTED_MS: i64 = 5_000;
/// Colours that there are for people; the same person has the same in the bar.
const COLOURS: i32 = 6;

/// All rooms, by their number.
#[derive(Debug, Default)]
pub struct Rooms {
    rooms: BTreeMap<i32, Room>,
    /// The number of the newest call: the time it began, or one more.
    newest_call: i64,
    /// How seats ended that their pages did not give up.
    endings: Endings,
}

/// A room.
#[derive(Debug, Default)]
pub struct Room {
    /// What it is called.
    pub name: String,
    /// Who is in it, by the time they came.
    pub members: Vec<Member>,
    /// The call that goes on, while somebody is in it.
    pub call: Option<Call>,
    /// Who shows their view.
    pub presenter: Option<i32>,
    /// Where they are: the address within the site, and the card in sight.
    pub view: Option<(String, Option<String>)>,
    /// Whom administrators have muted, until the call is over: leaving and joining again changes nothing.
    pub muted: BTreeSet<i32>,
    /// Whether people send redundantly.
    pub is_redundant: bool,
    /// Who speaks, as it was told last.
    pub speakers: Vec<(i32, u8)>,
}

/// From the first who enters an empty room until the last has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: i64,
    /// Since when.
    pub began_at: Instant,
}

/// Somebody in a room.
#[derive(Debug, Clone)]
pub struct Member {
    /// Their number.
    pub person: i32,
    /// Their name.
    pub name: String,
    /// Which of their calls it is.
    pub epoch: u64,
    /// The hash of what brings the seat back.
    pub resume_hash: Vec<u8>,
    /// Since when.
    pub joined_at: Instant,
    /// The socket that speaks for them.
    pub socket: Option<u64>,
    /// Since when there is none.
    pub alone_since: Option<Instant>,
    /// They muted themselves, or their key to talk is not held.
    pub is_muted: bool,
    /// An administrator muted them.
    pub is_server_muted: bool,
    /// They hear nobody.
    pub is_deaf: bool,
    /// How they are connected.
    pub state: State,
    /// The attempt that connected last.
    pub connected: Option<u32>,
    /// Who stands in which of their slots, as they were told last.
    pub slots: Option<[Option<i32>; SLOTS]>,
    /// What their browser measured last, and when it said so.
    pub reported: Option<(Instant, Reported)>,
}

/// Who wants a seat.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Their number.
    pub person: i32,
    /// Their name.
    pub name: String,
    /// Their socket.
    pub socket: u64,
    /// The number of a new seat.
    pub epoch: u64,
    /// The hash of what brings it back.
    pub resume_hash: Vec<u8>,
}

/// A seat that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub seat: Seat,
    /// The socket that spoke for it.
    pub socket: Option<u64>,
    /// Why.
    pub why: Ending,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSeat {
    /// It is none of the rooms.
    #[error("there is no such room any more")]
    NoRoom,
    /// It is full.
    #[error("this room is full: {ROOM_MAX_PEOPLE} people are in it")]
    Full,
}

impl Rooms {
    /// Takes over which rooms there are. People in a room that is gone lose their seats.
    pub fn set(&mut self, names: Vec<(i32, String)>) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.rooms.retain(|id, room| {
            let is_kept = names.iter().any(|(known, _)| known == id);
            if !is_kept {
                ended.extend(room.members.iter().map(|member| member.ended(*id, Ending::Closed)));
            }
            is_kept
        });
        for (id, name) in names {
            self.rooms.entry(id).or_default().name = name;
        }
        ended
    }

    /// All rooms.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Room)> {
        self.rooms.iter().map(|(id, room)| (*id, room))
    }

    /// A room.
    pub fn room(&self, id: i32) -> Option<&Room> {
        self.rooms.get(&id)
    }

    /// A room, to be changed.
    pub fn room_mut(&mut self, id: i32) -> Option<&mut Room> {
        self.rooms.get_mut(&id)
    }

    /// Somebody, if the seat is still theirs.
    pub fn member(&self, seat: Seat) -> Option<&Member> {
        self.rooms.get(&seat.room)?.members.iter().find(|member| member.is(seat))
    }

    /// Somebody to be changed, if the seat is still theirs.
    pub fn member_mut(&mut self, seat: Seat) -> Option<&mut Member> {
        self.rooms.get_mut(&seat.room)?.members.iter_mut().find(|member| member.is(seat))
    }

    /// The seat of a person, wherever it is.
    pub fn seat_of(&self, person: i32) -> Option<Seat> {
        self.rooms.iter().find_map(|(id, room)| {
            room.members.iter().find(|member| member.person == person).map(|member| member.seat(*id))
        })
    }

    /// Brings a seat back to another socket: that of the person and the secret, in that room. The socket that spoke for it before,
    /// if there was another, is told so.
    pub fn resume(&mut self, room: i32, guest: &Guest, secret_hash: &[u8]) -> Option<(Seat, Option<u64>)> {
        let members = &mut self.rooms.get_mut(&room)?.members;
        let member = members
            .iter_mut()
            .find(|member| member.person == guest.person && is_same(&member.resume_hash, secret_hash))?;
        let before = member.socket.replace(guest.socket).filter(|socket| *socket != guest.socket);
        member.alone_since = None;
        Some((member.seat(room), before))
    }

    /// Why the seat ended that the person's secret would bring back, if it was not the page that gave it up.
    pub fn why_ended(&self, person: i32, secret_hash: &[u8], now: Instant) -> Option<Ending> {
        self.endings.why(person, secret_hash, now)
    }

    /// Gives a seat. A seat that the person has elsewhere ends.
    pub fn join(&mut self, room: i32, guest: Guest, now: Instant) -> Result<(Seat, Vec<Ended>), NoSeat> {
        let Some(wanted) = self.rooms.get(&room) else { return Err(NoSeat::NoRoom) };
        let others = wanted.members.iter().filter(|member| member.person != guest.person).count();
        if others >= ROOM_MAX_PEOPLE {
            return Err(NoSeat::Full);
        }
        let before = self.seat_of(guest.person);
        let ended = before.and_then(|seat| self.end(seat, Ending::Elsewhere, now)).into_iter().collect();
        let newest_call = &mut self.newest_call;
        let Some(wanted) = self.rooms.get_mut(&room) else { return Err(NoSeat::NoRoom) };
        wanted.call.get_or_insert_with(|| {
            *newest_call = now.timestamp_millis().max(*newest_call + 1);
            Call { id: *newest_call, began_at: now }
        });
        let Guest { person, name, socket, epoch, resume_hash } = guest;
        let is_server_muted = wanted.muted.contains(&person);
        wanted.members.push(Member {
            person,
            name,
            epoch,
            resume_hash,
            joined_at: now,
            socket: Some(socket),
            alone_since: None,
            is_muted: false,
            is_server_muted,
            is_deaf: false,
            state: State::Connecting,
            connected: None,
            slots: None,
            reported: None,
        });
        Ok((Seat { room, person, epoch }, ended))
    }

    /// Ends a seat; nothing where it has ended already.
    pub fn end(&mut self, seat: Seat, why: Ending, now: Instant) -> Option<Ended> {
        let room = self.rooms.get_mut(&seat.room)?;
        let place = room.members.iter().position(|member| member.is(seat))?;
        let member = room.members.remove(place);
        if room.presenter == Some(seat.person) {
            room.presenter = None;
            room.view = None;
        }
        if room.members.is_empty() {
            *room = Room { name: std::mem::take(&mut room.name), ..Room::default() };
        }
        let ended = member.ended(seat.room, why);
        self.endings.remember(member.person, member.resume_hash, why, now);
        Some(ended)
    }

    /// A socket is gone: the seat that it spoke for, which waits for another.
    pub fn lose_socket(&mut self, socket: u64, now: Instant) -> Option<Seat> {
        let mut members =
            self.rooms.iter_mut().flat_map(|(id, room)| room.members.iter_mut().map(|member| (*id, member)));
        let (id, member) = members.find(|(_, member)| member.socket == Some(socket))?;
        member.socket = None;
        member.alone_since = Some(now);
        Some(member.seat(id))
    }

    /// Ends the seats that nobody has come back to.
    pub fn end_abandoned(&mut self, now: Instant) -> Vec<Ended> {
        let is_abandoned = |member: &Member| {
            let kept_ms = if member.state == State::Connected { KEPT_WITHOUT_SOCKET_MS } else { KEPT_WITHOUT_BOTH_MS };
            member.alone_since.is_some_and(|since| (now - since).num_milliseconds() >= kept_ms)
        };
        let seats: Vec<Seat> = self
            .iter()
            .flat_map(|(id, room)| room.members.iter().filter(|m| is_abandoned(m)).map(move |m| m.seat(id)))
            .collect();
        seats.into_iter().filter_map(|seat| self.end(seat, Ending::Left, now)).collect()
    }

    /// All rooms as everybody sees them.
    pub fn shown(&self) -> Vec<RoomShown> {
        let shown = |(id, room): (i32, &Room)| RoomShown {
            id,
            name: room.name.clone(),
            people: room.members.iter().map(Member::shown).collect(),
        };
        self.iter().map(shown).collect()
    }

    /// The people who are in rooms.
    pub fn people(&self) -> usize {
        self.rooms.values().map(|room| room.members.len()).sum()
    }
}

impl Room {
    /// An administrator mutes somebody in it, or no longer does.
    pub fn mute(&mut self, person: i32, is_muted: bool) {
        if is_muted {
            self.muted.insert(person);
        } else {
            self.muted.remove(&person);
        }
        for member in self.members.iter_mut().filter(|member| member.person == person) {
            member.is_server_muted = is_muted;
        }
    }

    /// The seat of somebody in it.
    pub fn seat_of(&self, id: i32, person: i32) -> Option<Seat> {
        self.members.iter().find(|member| member.person == person).map(|member| member.seat(id))
    }
}

impl Member {
    /// An attempt stands. Or it has ended, and with it what is heard, unless another stands by now.
    pub fn connection(&mut self, attempt: u32, is_connected: bool, now: Instant) {
        if is_connected {
            (self.connected, self.state) = (Some(attempt), State::Connected);
        } else if self.connected.is_none_or(|connected| connected == attempt) {
            self.state = State::Trouble;
            if self.socket.is_none() {
                // Nothing flows from now on: the shorter wait begins now.
                self.alone_since = Some(now);
            }
        }
    }

    /// What their browser measures, as far as it says so still.
    pub fn measures(&self, now: Instant) -> Reported {
        let of_now = self.reported.as_ref().filter(|(at, _)| (now - at).num_milliseconds() < REPORTED_MS);
        of_now.map(|(_, reported)| reported.clone()).unwrap_or_default()
    }

    fn is(&self, seat: Seat) -> bool {
        (self.person, self.epoch) == (seat.person, seat.epoch)
    }

    fn seat(&self, room: i32) -> Seat {
        Seat { room, person: self.person, epoch: self.epoch }
    }

    fn ended(&self, room: i32, why: Ending) -> Ended {
        Ended { seat: self.seat(room), socket: self.socket, why }
    }

    fn shown(&self) -> PersonShown {
        PersonShown {
            person: self.person,
            name: self.name.clone(),
            initials: crate::live::presence::initials(&self.name),
            colour: self.person.rem_euclid(COLOURS) as u8,
            muted: self.is_muted,
            server_muted: self.is_server_muted,
            deafened: self.is_deaf,
            state: self.state,
        }
    }
}

/// Whether two hashes are the same, in a time that does not depend on where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}

#[cfg(test)]
#[path = "rooms_tests.rs"]
mod tests;
