//! Connects sockets, rooms, sound and relay: what happens to one is told to the others here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::access::secret;
use crate::server::clock::Clock;
use crate::voice::media::{Media, Seat};
use crate::voice::monitor::Sample;
use crate::voice::protocol::{Ending, Joined, Told, Why, You};
use crate::voice::relay::Relay;
use crate::voice::rooms::{Ended, Guest, NoSeat};
use crate::voice::sampling::{events, sample_every_second};
use crate::voice::state::{Socket, State, frame};
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

/// Why a socket is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("voice is open in {SOCKETS_OF_PERSON_MAX} pages of yours: close one")]
pub struct TooManySockets;

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
        if state.sockets.values().filter(|socket| socket.person == you.person).count() >= SOCKETS_OF_PERSON_MAX {
            return Err(TooManySockets);
        }
        let number = state.next_socket;
        state.next_socket += 1;
        let socket = Socket { person: you.person, out, seat: None };
        socket.say(frame(&Told::Rooms { you: Some(you), rooms: state.rooms.shown() }));
        state.sockets.insert(number, socket);
        Ok((number, waiting))
    }

    /// A socket is gone: the seat that it leaves behind.
    pub fn close(&self, socket: u64) -> Option<Seat> {
        let now = self.0.clock.now();
        let mut state = self.state();
        // One that could not keep up is out of this list already; its seat is not.
        state.sockets.remove(&socket);
        state.rooms.lose_socket(socket, now)
    }

    /// Whether a seat is kept without a socket.
    pub fn is_left(&self, seat: Seat) -> bool {
        self.state().rooms.member(seat).is_some_and(|member| member.socket.is_none())
    }

    /// Takes a seat for a socket, or takes one back. Who comes back to a seat that was taken away is told so, and gets none.
    pub async fn join(&self, socket: u64, name: String, room: i32, resume: Option<String>) -> Result<(), NoSeat> {
        let resume_secret = secret::generate();
        let mut guest = Guest {
            person: 0,
            name,
            socket,
            epoch: rand::random::<u64>() >> (u64::BITS - EPOCH_BITS),
            resume_hash: secret::hash(&resume_secret),
        };
        let ended = {
            let mut guard = self.state();
            let state = &mut *guard;
            let now = self.0.clock.now();
            let Some(person) = state.sockets.get(&socket).map(|socket| socket.person) else { return Ok(()) };
            guest.person = person;
            let resume = resume.map(|secret| (secret::hash(&secret), secret));
            let back = resume.as_ref().and_then(|(hash, _)| state.rooms.resume(room, &guest, hash));
            match (back, resume) {
                (Some((seat, before)), Some((_, secret))) => {
                    if let Some(before) = before {
                        state.tell(before, &Told::Left { why: Ending::Elsewhere });
                        state.detach(before);
                    }
                    self.seated(state, socket, seat, secret, true);
                    Vec::new()
                }
                (_, resume) => {
                    if let Some(why) = resume.and_then(|(hash, _)| state.rooms.why_ended(person, &hash, now)) {
                        state.tell(socket, &Told::Left { why });
                        return Ok(());
                    }
                    let (seat, ended) = state.rooms.join(room, guest, now)?;
                    for ended in &ended {
                        state.tell_ended(ended);
                    }
                    self.seated(state, socket, seat, resume_secret, false);
                    ended
                }
            }
        };
        self.settle(ended).await;
        self.changed();
        Ok(())
    }

    /// Tells a socket of its seat.
    fn seated(&self, state: &mut State, socket: u64, seat: Seat, resume: String, resumed: bool) {
        let (ice_servers, ttl_seconds) = self.ice_servers(seat);
        if let Some(socket) = state.sockets.get_mut(&socket) {
            socket.seat = Some(seat);
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
        if !resumed {
            // Before the first offer, and with the lock held: what is decided later comes later.
            self.0.engine.silence(seat, member.is_server_muted);
        }
        let view = room.presenter.zip(room.view.clone());
        let (slots, speakers) = (member.slots, room.speakers.clone());
        state.tell(socket, &joined);
        // What was told while there was no socket.
        if let Some(slots) = slots {
            state.tell(socket, &Told::Slots { slots });
        }
        state.tell(socket, &Told::Speakers { speakers });
        if let Some((person, (address, target))) = view {
            state.tell(socket, &Told::View { person, address, target });
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
            let ended = state.rooms.end(seat, why, self.0.clock.now());
            if let Some(ended) = &ended {
                state.tell_ended(ended);
            }
            ended
        };
        self.settle(ended).await;
        self.changed();
    }

    /// Who opened a socket is signed out: they are told so, and heard no more.
    pub async fn sign_out(&self, socket: u64) {
        let seat = self.state().sockets.get(&socket).and_then(|socket| socket.seat);
        match seat {
            Some(seat) => self.end(seat, Ending::SignedOut).await,
            None => self.state().tell(socket, &Told::Left { why: Ending::SignedOut }),
        }
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
    pub(super) fn refuse(&self, socket: u64, why: Why, sentence: impl Into<String>, retry_after_ms: Option<u64>) {
        self.state().refuse(socket, why, sentence, retry_after_ms);
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
            // The same bytes for all. One that cannot keep up is given up.
            let told = frame(&Told::Rooms { you: None, rooms: state.rooms.shown() });
            state.sockets.retain(|_, socket| socket.say(told.clone()));
        }
    }

    /// Those who poisoned the lock left whole values behind.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "switchboard_tests.rs"]
pub(super) mod tests;
