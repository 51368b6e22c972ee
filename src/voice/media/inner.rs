//! The rooms of the engine and the connections of their seats.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use rtc::rtp::Packet;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::connection;
use super::description::{self, CANDIDATES_MAX, Offer, Reached};
use super::leg::{Answered, Leg};
use super::ports::Ports;
use super::room::Room;
use super::seat::Sitting;
use super::tcp::Front;
use super::wire::{Standing, Watcher};
use super::wishes::Wishes;
use super::{Event, Measured, Place, Refused, Seat};

/// Seats on one server: a hundred rooms of ten.
pub const SEATS_MAX: usize = 1_000;
/// How often rooms look at the time: who has ended to speak, which connections are over.
const TICK: Duration = Duration::from_millis(100);
/// Ticks between two looks at what the library knows of a connection: it writes a whole report for the two figures that are shown.
const TICKS_PER_LOOK: u64 = 20;
/// Ports that are tried for a connection, where others use them.
const PORTS_TRIED: usize = 8;

/// All of the engine but its threads.
pub struct Inner {
    place: Place,
    ports: Ports,
    rooms: Mutex<HashMap<i32, Arc<Mutex<Room>>>>,
    seats: AtomicUsize,
    events: mpsc::Sender<Event>,
    is_closed: AtomicBool,
    loss: Option<Loss>,
    front: Option<Front>,
    // What holds for seats, also before their first offer.
    wishes: Wishes,
}

/// Packets to listeners that are lost on purpose.
pub struct Loss {
    percent: u64,
    state: AtomicU64,
}

impl Loss {
    /// So many percent.
    pub fn new(percent: u8) -> Loss {
        // Any number but 0 will do to begin with.
        Loss { percent: u64::from(percent.min(100)), state: AtomicU64::new(0x9E37_79B9_7F4A_7C15) }
    }

    /// The same packets for the same count, by a generator of Marsaglia's.
    fn strikes(&self) -> bool {
        let mut x = self.state.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.state.store(x, Ordering::Relaxed);
        x % 100 < self.percent
    }
}

impl Inner {
    /// Without rooms; listens for TCP on these threads where that is wanted.
    pub fn new(place: Place, loss: Option<Loss>, events: mpsc::Sender<Event>, threads: &Handle) -> io::Result<Inner> {
        Ok(Inner {
            ports: Ports::new(place.ports.clone()),
            front: place.tcp.map(|address| Front::start(address, threads)).transpose()?,
            place,
            rooms: Mutex::default(),
            seats: AtomicUsize::new(0),
            events,
            is_closed: AtomicBool::new(false),
            loss,
            wishes: Wishes::default(),
        })
    }

    /// Nothing of a person is forwarded, or it is again; also before their first offer.
    pub fn silence(&self, seat: Seat, is_silenced: bool) {
        self.wishes.change(seat, |wish| wish.is_silenced = is_silenced);
        self.with_room(seat.room, |room| room.silence(seat, is_silenced));
    }

    /// A person hears nothing, or everybody again; also before their first offer.
    pub fn deafen(&self, seat: Seat, is_deaf: bool) {
        self.wishes.change(seat, |wish| wish.is_deaf = is_deaf);
        self.with_room(seat.room, |room| room.deafen(seat, is_deaf));
    }

    /// What is measured of all seats.
    pub fn measured(&self, now: Instant) -> Vec<(Seat, Measured)> {
        let mut all = Vec::new();
        for room in self.all_rooms() {
            let room = lock(&room);
            all.extend(room.seats.iter().map(|(seat, sitting)| (*seat, sitting.measured(now))));
        }
        all
    }

    /// Takes no more seats, and gives all connections back.
    pub fn end(&self) -> Vec<Leg> {
        self.is_closed.store(true, Ordering::Relaxed);
        let rooms: Vec<_> = lock(&self.rooms).drain().map(|(_, room)| room).collect();
        self.seats.store(0, Ordering::Relaxed);
        let seats = rooms.into_iter().flat_map(|room| std::mem::take(&mut lock(&room).seats).into_values());
        seats.flat_map(|sitting| sitting.legs).collect()
    }

    /// Answers an offer.
    pub async fn offer(self: Arc<Inner>, seat: Seat, attempt: u32, sdp: &str) -> Result<String, Refused> {
        let offer = description::read_offer(sdp)?;
        let over = self.begin_attempt(seat, attempt)?;
        close(over);
        let answered = self.answer(seat, attempt, &offer).await;
        let (answered, answer) = match answered {
            Ok(answered) => answered,
            Err(refused) => {
                self.give_up_empty(seat);
                return Err(refused);
            }
        };
        let leg = Leg::new(attempt, answered, &offer, Instant::now());
        let connection = Arc::clone(&leg.connection);
        let early = match self.add_leg(seat, leg) {
            Ok(early) => early,
            Err(leg) => {
                close(vec![*leg]);
                return Err(Refused::Gone);
            }
        };
        for candidate in early {
            // A way that cannot be read is none; the others may do.
            let _ = connection.add_candidate(&candidate);
        }
        Ok(answer)
    }

    /// Notes that an attempt begins; the first takes the seat. Gives back the connections that have to make room.
    fn begin_attempt(&self, seat: Seat, attempt: u32) -> Result<Vec<Leg>, Refused> {
        let now = Instant::now();
        let mut rooms = lock(&self.rooms);
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(Refused::Gone);
        }
        let is_full = self.seats.load(Ordering::Relaxed) >= SEATS_MAX;
        if is_full && !rooms.get(&seat.room).is_some_and(|room| lock(room).seats.contains_key(&seat)) {
            return Err(Refused::Busy);
        }
        let room = rooms.entry(seat.room).or_insert_with(|| Arc::new(Mutex::new(Room::new(seat.room, now))));
        let mut room = lock(room);
        let sitting = room.seats.entry(seat).or_insert_with(|| {
            self.seats.fetch_add(1, Ordering::Relaxed);
            let mut sitting = Sitting::new(now);
            let wish = self.wishes.of(seat);
            (sitting.is_silenced, sitting.is_deaf) = (wish.is_silenced, wish.is_deaf);
            sitting
        });
        if attempt <= sitting.newest {
            return Err(Refused::Gone);
        }
        sitting.newest = attempt;
        sitting.early.retain(|(of, _)| *of >= attempt);
        let over = sitting.make_room();
        room.settle(now);
        room.tell(&self.events, now);
        Ok(over)
    }

    async fn answer(self: &Arc<Inner>, seat: Seat, attempt: u32, offer: &Offer) -> Result<(Answered, String), Refused> {
        for _ in 0..PORTS_TRIED {
            let port = self.ports.take().ok_or(Refused::Busy)?;
            let udp = SocketAddr::new(self.place.bind, port.number);
            let tcp = self.front.as_ref().map(|front| front.address);
            let watch = Box::new(Watch { inner: Arc::downgrade(self), seat, attempt });
            match connection::answer(offer, udp, tcp, watch).await {
                Ok((connection, answer)) => {
                    let front = self.front.as_ref();
                    let name = description::name(&answer);
                    let route = front.zip(name).map(|(front, name)| front.route(name, &connection.wire));
                    let reached = Reached {
                        bind: self.place.bind,
                        public: self.place.public,
                        tcp: self.front.as_ref().map(|front| front.address),
                    };
                    let told = reached.told(&answer);
                    return Ok((Answered { connection, port, route }, told));
                }
                Err(connection::Failure::Place(error)) => {
                    tracing::debug!("a port for voice is not free: {error}");
                }
                Err(connection::Failure::Offer(error)) => {
                    tracing::debug!("an offer of voice was not taken: {error}");
                    return Err(Refused::Unusable("the library does not take it"));
                }
            }
        }
        Err(Refused::Busy)
    }

    /// Puts the connection into its seat; gives back the candidates that came meanwhile, or the connection if the seat is gone.
    fn add_leg(&self, seat: Seat, leg: Leg) -> Result<Vec<String>, Box<Leg>> {
        let Some(room) = self.room(seat.room) else { return Err(Box::new(leg)) };
        let mut room = lock(&room);
        let Some(sitting) = room.seats.get_mut(&seat).filter(|sitting| sitting.newest == leg.attempt) else {
            return Err(Box::new(leg));
        };
        let early = std::mem::take(&mut sitting.early).into_iter().filter(|(of, _)| *of == leg.attempt);
        let early: Vec<String> = early.map(|(_, candidate)| candidate).take(CANDIDATES_MAX - leg.ways).collect();
        sitting.legs.push(Leg { ways: leg.ways + early.len(), ..leg });
        sitting.was_answered = true;
        Ok(early)
    }

    /// A seat whose first offer could not be answered is none; what was wished for it still holds.
    fn give_up_empty(&self, seat: Seat) {
        let is_new = |room: &mut Room| room.seats.get(&seat).is_some_and(|sitting| !sitting.was_answered);
        if self.with_room(seat.room, is_new) == Some(true) {
            self.vacate(seat);
        }
    }

    /// Tries a way to a browser, or keeps it until its connection is ready.
    pub fn candidate(&self, seat: Seat, attempt: u32, candidate: String) -> Result<(), Refused> {
        description::is_tried(&candidate, true)?;
        let find = |room: &mut Room| {
            let sitting = room.seats.get_mut(&seat).ok_or(Refused::Gone)?;
            match sitting.legs.iter_mut().find(|leg| leg.attempt == attempt) {
                Some(leg) if leg.ways >= CANDIDATES_MAX => Err(Refused::Unusable("it names too many ways")),
                Some(leg) => {
                    leg.ways += 1;
                    Ok(Some((Arc::clone(&leg.connection), candidate.clone())))
                }
                None if attempt >= sitting.newest && sitting.early.len() < CANDIDATES_MAX => {
                    sitting.early.push((attempt, candidate.clone()));
                    Ok(None)
                }
                None => Err(Refused::Gone),
            }
        };
        match self.with_room(seat.room, find).unwrap_or(Err(Refused::Gone))? {
            Some((connection, candidate)) => connection.add_candidate(&candidate),
            None => Ok(()),
        }
    }

    /// A seat is given up: its connections.
    pub fn take_out(&self, seat: Seat) -> Vec<Leg> {
        self.wishes.forget(seat);
        self.vacate(seat)
    }

    fn vacate(&self, seat: Seat) -> Vec<Leg> {
        let now = Instant::now();
        let mut rooms = lock(&self.rooms);
        let Some(room) = rooms.get(&seat.room).cloned() else { return Vec::new() };
        let mut room = lock(&room);
        let Some(sitting) = room.seats.remove(&seat) else { return Vec::new() };
        self.seats.fetch_sub(1, Ordering::Relaxed);
        room.settle(now);
        room.tell(&self.events, now);
        if room.seats.is_empty() {
            rooms.remove(&seat.room);
        }
        sitting.legs
    }

    fn room(&self, number: i32) -> Option<Arc<Mutex<Room>>> {
        lock(&self.rooms).get(&number).cloned()
    }

    /// Does something in a room, and tells what has changed by it.
    pub fn with_room<T>(&self, number: i32, work: impl FnOnce(&mut Room) -> T) -> Option<T> {
        let room = self.room(number)?;
        let mut room = lock(&room);
        let done = work(&mut room);
        room.tell(&self.events, Instant::now());
        Some(done)
    }

    fn all_rooms(&self) -> Vec<Arc<Mutex<Room>>> {
        lock(&self.rooms).values().cloned().collect()
    }

    /// Forwards a packet. What finds no place is dropped and counted.
    fn receive(&self, seat: Seat, attempt: u32, packet: &Packet) {
        let Some(room) = self.room(seat.room) else { return };
        let now = Instant::now();
        let is_lost = || self.loss.as_ref().is_some_and(Loss::strikes);
        let mut room = lock(&room);
        if room.receive(seat, attempt, packet, now, |listener, packet| is_lost() || listener.send(packet, now)) {
            room.tell(&self.events, now);
        }
    }

    /// Looks at the time until the engine is closed.
    pub async fn keep_time(self: Arc<Inner>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut n = 0u64;
        while !self.is_closed.load(Ordering::Relaxed) {
            ticks.tick().await;
            let now = Instant::now();
            n += 1;
            for room in self.all_rooms() {
                let (over, number) = {
                    let mut room = lock(&room);
                    let over = room.tick(now);
                    room.tell(&self.events, now);
                    (over, room.number)
                };
                close(over);
                // Not all rooms at the same tick, so that no second has a peak.
                if n.wrapping_add_signed(number.into()).is_multiple_of(TICKS_PER_LOOK) {
                    look(&room);
                }
            }
        }
    }
}

/// Asks the library about the connections of a room.
fn look(room: &Mutex<Room>) {
    let connected: Vec<_> = {
        let room = lock(room);
        let legs = room.seats.iter().flat_map(|(seat, sitting)| sitting.legs.iter().map(|leg| (*seat, leg)));
        legs.filter(|(_, leg)| leg.is_connected)
            .map(|(seat, leg)| (seat, leg.attempt, Arc::clone(&leg.connection)))
            .collect()
    };
    for (seat, attempt, connection) in connected {
        let known = connection.known();
        let mut room = lock(room);
        let sitting = room.seats.get_mut(&seat);
        if let Some(leg) = sitting.and_then(|sitting| sitting.legs.iter_mut().find(|leg| leg.attempt == attempt)) {
            leg.known = known;
        }
    }
}

/// Ends connections.
pub fn close(legs: Vec<Leg>) {
    legs.iter().for_each(|leg| leg.connection.close());
}

/// A panic elsewhere leaves rooms as they are: the calls go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands on what happens to a connection.
struct Watch {
    // Weak, as the engine holds the connection that holds this.
    inner: Weak<Inner>,
    seat: Seat,
    attempt: u32,
}

impl Watcher for Watch {
    fn packet(&self, packet: &Packet) {
        if let Some(inner) = self.inner.upgrade() {
            inner.receive(self.seat, self.attempt, packet);
        }
    }

    fn state(&self, state: Standing) {
        let now = Instant::now();
        if let Some(inner) = self.inner.upgrade() {
            inner.with_room(self.seat.room, |room| room.link(self.seat, self.attempt, state, now));
        }
    }
}
