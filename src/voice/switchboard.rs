//! Connects sockets, rooms, sound and relay: what happens to one is told to the others here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::access::secret;
use crate::live::socket::wire;
use crate::server::clock::Clock;
use crate::voice::media::{Media, Seat};
use crate::voice::monitor::Sample;
use crate::voice::protocol::{Ending, Joined, RoomShown, Told, Why, You};
use crate::voice::relay::Relay;
use crate::voice::rooms::{Ended, Guest, NoSeat, Rooms};
use crate::voice::sampling::{Gauges, events, sample_every_second};
use crate::voice::store;

/// Messages that wait for a socket at most: one that takes none for longer is closed, and comes back to the present state.
const WAITING_MAX: usize = 128;
/// Sockets of a person at most: tabs whose dock is open.
const SOCKETS_OF_PERSON_MAX: usize = 10;
/// Changes of rooms within this while are told together.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// Numbers of seats stay below what JavaScript holds exactly.
const EPOCH_BITS: u32 = 52;

/// The server's voice. Cheap to clone.
pub struct Switchboard<M>(pub(super) Arc<Shared<M>>);

impl<M> Clone for Switchboard<M> {
    fn clone(&self) -> Self {
        Switchboard(Arc::clone(&self.0))
    }
}

pub(super) struct Shared<M> {
    pub(super) engine: M,
    pub(super) relay: Relay,
    pub(super) clock: Clock,
    db: PgPool,
    workspace: i32,
    state: Mutex<State>,
    /// Something that everybody sees is another.
    changed: Notify,
    pub(super) samples: watch::Sender<Arc<Sample>>,
}

/// What may only change together.
#[derive(Default)]
pub(super) struct State {
    pub(super) rooms: Rooms,
    pub(super) lines: HashMap<u64, Line>,
    pub(super) gauges: Gauges,
    next_line: u64,
}

/// A socket.
pub(super) struct Line {
    pub(super) person: i32,
    is_administrator: bool,
    out: mpsc::Sender<Bytes>,
    pub(super) seat: Option<Seat>,
}

/// Why a socket is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("voice is open in {SOCKETS_OF_PERSON_MAX} pages of yours: close one")]
pub struct TooManySockets;

/// All rooms, as everybody is told: made once, with each one's own part before it.
#[derive(Serialize)]
struct RoomsTold<'a> {
    r#type: &'static str,
    you: You,
    rooms: &'a [RoomShown],
}

impl<M: Media> Switchboard<M> {
    /// Voice with nobody in it. `run` has to run beside it.
    pub fn new(engine: M, relay: Relay, db: PgPool, workspace: i32, clock: Clock) -> Self {
        Switchboard(Arc::new(Shared {
            engine,
            relay,
            clock,
            db,
            workspace,
            state: Mutex::default(),
            changed: Notify::new(),
            samples: watch::Sender::default(),
        }))
    }

    /// Runs until `shutdown`: passes on what the engine says, samples, tells of changed rooms, ends abandoned seats.
    pub async fn run(self, happened: mpsc::Receiver<super::media::Event>, shutdown: CancellationToken) {
        if let Err(error) = self.reload().await {
            tracing::warn!(%error, "the rooms could not be read; they are read again when somebody asks");
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = events(&self, happened) => {}
            () = sample_every_second(&self) => {}
            () = self.tell_changes() => {}
        }
        self.0.engine.close().await;
        self.0.relay.close().await;
    }

    /// The calls as they are, once a second.
    pub fn samples(&self) -> watch::Receiver<Arc<Sample>> {
        self.0.samples.subscribe()
    }

    /// How many people are in rooms.
    pub fn people(&self) -> usize {
        self.state().rooms.people()
    }

    /// Reads again which rooms there are.
    pub async fn reload(&self) -> sqlx::Result<()> {
        let names = store::rooms(&self.0.db, self.0.workspace).await?;
        let ended = self.state().rooms.set(names);
        self.settle(ended).await;
        self.changed();
        Ok(())
    }

    /// Takes a socket: its number, and what is to be sent to it until that ends.
    pub async fn open(&self, you: You) -> Result<(u64, mpsc::Receiver<Bytes>), TooManySockets> {
        if self.state().rooms.iter().next().is_none() {
            // The database was away at the start.
            let _ = self.reload().await;
        }
        let (out, waiting) = mpsc::channel(WAITING_MAX);
        let mut state = self.state();
        if state.lines.values().filter(|line| line.person == you.person).count() >= SOCKETS_OF_PERSON_MAX {
            return Err(TooManySockets);
        }
        let number = state.next_line;
        state.next_line += 1;
        let line = Line { person: you.person, is_administrator: you.is_administrator, out, seat: None };
        let rooms = state.rooms.shown();
        line.say(frame(&RoomsTold { r#type: "rooms", you, rooms: &rooms }));
        state.lines.insert(number, line);
        Ok((number, waiting))
    }

    /// A socket is gone.
    pub fn close(&self, line: u64) {
        let now = self.0.clock.now();
        let mut state = self.state();
        if let Some(Line { seat: Some(seat), .. }) = state.lines.remove(&line) {
            state.rooms.lose_socket(seat, line, now);
        }
    }

    /// Takes a seat for a socket, or takes one back.
    pub async fn join(&self, line: u64, name: String, room: i32, resume: Option<String>) -> Result<(), NoSeat> {
        let resume_secret = secret::generate();
        let mut guest = Guest {
            person: 0,
            name,
            socket: line,
            epoch: rand::random::<u64>() >> (u64::BITS - EPOCH_BITS),
            resume_hash: secret::hash(&resume_secret),
        };
        let ended = {
            let mut guard = self.state();
            let state = &mut *guard;
            let Some(person) = state.lines.get(&line).map(|line| line.person) else { return Ok(()) };
            guest.person = person;
            let back = resume.as_deref().and_then(|secret| {
                let (seat, before) = state.rooms.resume(room, &guest, &secret::hash(secret))?;
                Some((seat, before, secret.to_owned()))
            });
            let (seat, resumed, resume, ended) = match back {
                Some((seat, before, secret)) => {
                    if let Some(before) = before {
                        state.tell(before, &Told::Left { why: Ending::Elsewhere });
                        state.detach(before);
                    }
                    (seat, true, secret, Vec::new())
                }
                None => {
                    let (seat, ended) = state.rooms.join(room, guest, self.0.clock.now())?;
                    (seat, false, resume_secret, ended)
                }
            };
            for ended in &ended {
                state.tell_ended(ended);
            }
            self.seated(state, line, seat, resume, resumed);
            ended
        };
        self.settle(ended).await;
        self.changed();
        Ok(())
    }

    /// Tells a socket of its seat.
    fn seated(&self, state: &mut State, line: u64, seat: Seat, resume: String, resumed: bool) {
        let (ice_servers, ttl_seconds) = self.ice_servers(seat);
        if let Some(line) = state.lines.get_mut(&line) {
            line.seat = Some(seat);
        }
        let (Some(room), Some(member)) = (state.rooms.room(seat.room), state.rooms.member(seat)) else { return };
        let joined = Told::Joined(Box::new(Joined {
            room: seat.room,
            epoch: seat.epoch,
            resume,
            resumed,
            ice_servers,
            ttl_seconds,
            slots: super::media::SLOTS,
            red: room.is_redundant,
            presenting: room.presenter,
            server_muted: member.is_server_muted,
        }));
        let view = room.presenter.zip(room.view.clone());
        state.tell(line, &joined);
        if let Some((person, (address, target))) = view {
            state.tell(line, &Told::View { person, address, target });
        }
    }

    /// STUN and relay for a seat, and how long the credentials last.
    pub(super) fn ice_servers(&self, seat: Seat) -> (Vec<super::protocol::IceServer>, u32) {
        let now = self.0.clock.now().timestamp();
        self.0.relay.ice_servers(seat.person, seat.room, now.unsigned_abs())
    }

    /// Ends a seat.
    pub async fn end(&self, seat: Seat, why: Ending) {
        let ended = {
            let mut state = self.state();
            let ended = state.rooms.end(seat, why);
            if let Some(ended) = &ended {
                state.tell_ended(ended);
            }
            ended
        };
        self.settle(ended).await;
        self.changed();
    }

    /// Ends what seats had that are no more, and tells their rooms who presents.
    pub(super) async fn settle(&self, ended: impl IntoIterator<Item = Ended>) {
        for ended in ended {
            self.0.engine.leave(ended.seat).await;
            let seat = self.state().rooms.seat_of(ended.seat.person);
            if seat.is_none_or(|seat| seat.room != ended.seat.room) {
                self.0.relay.end(ended.seat.person, ended.seat.room).await;
            }
            let mut state = self.state();
            state.gauges.forget(ended.seat);
            state.tell_ended(&ended);
            let presenting = state.rooms.room(ended.seat.room).map(|room| room.presenter);
            if let Some(person) = presenting {
                state.tell_room(ended.seat.room, None, &Told::Presenting { person });
            }
        }
    }

    /// Says to a socket why something cannot be.
    pub(super) fn refuse(&self, line: u64, why: Why, sentence: impl Into<String>, retry_after_ms: Option<u64>) {
        self.state().refuse(line, why, sentence, retry_after_ms);
    }

    /// Something that everybody sees is another.
    pub(super) fn changed(&self) {
        self.0.changed.notify_one();
    }

    async fn tell_changes(&self) {
        loop {
            self.0.changed.notified().await;
            tokio::time::sleep(GATHERED_FOR).await;
            let mut state = self.state();
            let rooms = state.rooms.shown();
            // The same bytes for all who are told the same: administrators differ from others, and each by their number.
            let mut made: HashMap<(i32, bool), Bytes> = HashMap::new();
            state.lines.retain(|_, line| {
                let you = You { person: line.person, is_administrator: line.is_administrator };
                let told = made
                    .entry((line.person, line.is_administrator))
                    .or_insert_with(|| frame(&RoomsTold { r#type: "rooms", you, rooms: &rooms }));
                line.say(told.clone())
            });
        }
    }

    /// Those who poisoned the lock left whole values behind.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells a socket. One that cannot keep up is given up: it is closed, and comes back by itself.
    pub(super) fn tell(&mut self, line: u64, told: &Told) {
        self.tell_frame(line, frame(told));
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

    fn tell_frame(&mut self, line: u64, told: Bytes) {
        if self.lines.get(&line).is_some_and(|line| !line.say(told)) {
            self.lines.remove(&line);
        }
    }

    /// Tells the socket of a seat that it has ended, once.
    fn tell_ended(&mut self, ended: &Ended) {
        let Some(socket) = ended.socket else { return };
        if self.lines.get(&socket).and_then(|line| line.seat) == Some(ended.seat) {
            self.tell(socket, &Told::Left { why: ended.why });
            self.detach(socket);
        }
    }

    /// A socket speaks for no seat any more.
    fn detach(&mut self, socket: u64) {
        if let Some(line) = self.lines.get_mut(&socket) {
            line.seat = None;
        }
    }

    /// Says to a socket why something cannot be.
    pub(super) fn refuse(&mut self, line: u64, why: Why, sentence: impl Into<String>, retry_after_ms: Option<u64>) {
        self.tell(line, &Told::Refused { why, sentence: sentence.into(), retry_after_ms });
    }
}

impl Line {
    /// Whether there was room for it.
    fn say(&self, told: Bytes) -> bool {
        self.out.try_send(told).is_ok()
    }
}

/// A message as the bytes of the wire.
fn frame(told: &impl Serialize) -> Bytes {
    wire(serde_json::to_string(told).ok().as_deref())
}
