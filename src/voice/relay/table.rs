//! Who relays: the allocations that stand, what each has carried, and what they may.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::credentials::Holder;
use super::{Allocation, Limits, Meter};
use crate::voice::rate::{Bucket, Rate};

/// Nothing relayed and nothing refreshed for so long: the browser has gone. The library's own lifetime, which a client may ask to
/// be longer.
const IDLE_MAX: Duration = Duration::from_secs(10 * 60);
/// Media that pauses for longer is not relaying meanwhile. Reports (RTCP) come each three seconds, also when nobody speaks.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Channels of an allocation: each is a timer. A browser binds one for each address of the SFU, which has one or two.
const CHANNELS_MAX: usize = 16;
/// Requests of an allocation: some ten when it is made, two in a few minutes from then on.
const REQUESTS: Rate = Rate { burst: 60.0, per_second: 5.0 };
/// Meters of people who relay no longer, about 60 bytes each. The one that ended first is forgotten.
const METERS_MAX: usize = 4096;

/// All allocations. Nothing is awaited while it is locked.
pub struct Table {
    limits: Limits,
    state: Mutex<State>,
    /// Told when a credential has no bytes left.
    pub exhausted: Notify,
}

#[derive(Default)]
struct State {
    standing: HashMap<SocketAddr, Entry>,
    /// What the allocations of a credential carried, those that have ended included.
    spent: HashMap<String, (u64, Arc<AtomicU64>)>,
    ended: HashMap<(i32, i32), Ended>,
    next: u64,
}

struct Entry {
    number: u64,
    holder: Holder,
    username: String,
    relayed: SocketAddr,
    tally: Arc<Tally>,
    channels: HashSet<u16>,
    requests: Bucket,
}

struct Ended {
    at: Instant,
    carried: Duration,
    bytes: u64,
}

/// What an allocation carried. Shared with its socket.
pub struct Tally {
    /// Which allocation.
    pub number: u64,
    since: Instant,
    bytes_max: u64,
    spent: Arc<AtomicU64>,
    counts: Mutex<Counts>,
}

struct Counts {
    bytes: u64,
    carried: Duration,
    media_at: Option<Instant>,
    seen_at: Instant,
    left: Bucket,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It goes on.
    Granted,
    /// It is dropped: too many at once.
    TooFast,
    /// It is dropped: the credential has no bytes left.
    Spent,
}

/// Why an allocation is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The person has as many as one may, or the credential no bytes left.
    Person,
    /// The server has as many as it takes.
    Server,
}

impl Tally {
    /// Counts a packet of either direction.
    pub fn pass(&self, packet: &[u8], now: Instant) -> Passage {
        if self.spent.load(Ordering::Relaxed) >= self.bytes_max {
            return Passage::Spent;
        }
        let mut counts = locked(&self.counts);
        counts.seen_at = now;
        if counts.left.take(packet.len() as f64, now).is_err() {
            return Passage::TooFast;
        }
        counts.bytes += packet.len() as u64;
        if is_media(packet) {
            let since = counts.media_at.map(|at| now.saturating_duration_since(at));
            counts.carried += since.filter(|pause| *pause <= PAUSE_MAX).unwrap_or_default();
            counts.media_at = Some(now);
        }
        self.spent.fetch_add(packet.len() as u64, Ordering::Relaxed);
        Passage::Granted
    }
}

/// RTP and RTCP, by their first byte (RFC 7983): checks of ICE and the handshake come also where no sound does.
fn is_media(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| (128..192).contains(first))
}

impl Table {
    /// Nobody relays.
    pub fn new(limits: Limits) -> Table {
        Table { limits, state: Mutex::default(), exhausted: Notify::new() }
    }

    /// Whether this client has an allocation.
    pub fn stands(&self, client: SocketAddr) -> bool {
        locked(&self.state).standing.contains_key(&client)
    }

    /// Whether this client has an allocation, made with this username.
    pub fn stands_by(&self, client: SocketAddr, username: &str) -> bool {
        locked(&self.state).standing.get(&client).is_some_and(|entry| entry.username == username)
    }

    /// Whether another allocation may be made.
    pub fn has_room(&self, holder: Holder) -> Result<(), Full> {
        let state = locked(&self.state);
        let of_person = state.standing.values().filter(|entry| entry.holder.person == holder.person).count();
        let is_spent = state.spent.get(&holder.username()).is_some_and(|(_, spent)| self.is_spent(spent));
        if of_person >= self.limits.allocations_per_person || is_spent {
            return Err(Full::Person);
        }
        if state.standing.len() >= self.limits.allocations { Err(Full::Server) } else { Ok(()) }
    }

    fn is_spent(&self, spent: &AtomicU64) -> bool {
        spent.load(Ordering::Relaxed) >= self.limits.bytes_per_credential
    }

    /// Enters an allocation.
    pub fn open(&self, holder: Holder, client: SocketAddr, relayed: SocketAddr, now: Instant) -> Arc<Tally> {
        let mut state = locked(&self.state);
        state.next += 1;
        let number = state.next;
        let username = holder.username();
        let spent =
            Arc::clone(&state.spent.entry(username.clone()).or_insert_with(|| (holder.expiry, Arc::default())).1);
        let left = Bucket::full(self.limits.rate, now);
        let counts = Counts { bytes: 0, carried: Duration::ZERO, media_at: None, seen_at: now, left };
        let bytes_max = self.limits.bytes_per_credential;
        let tally = Arc::new(Tally { number, since: now, bytes_max, spent, counts: Mutex::new(counts) });
        let requests = Bucket::full(REQUESTS, now);
        let (channels, kept) = (HashSet::new(), Arc::clone(&tally));
        state.standing.insert(client, Entry { number, holder, username, relayed, tally: kept, channels, requests });
        tally
    }

    /// Strikes an allocation out; what it carried stays in its person's meter. Does nothing when it is not there any more.
    pub fn close(&self, client: SocketAddr, number: u64, now: Instant) {
        let mut state = locked(&self.state);
        if state.standing.get(&client).is_none_or(|entry| entry.number != number) {
            return;
        }
        let Some(entry) = state.standing.remove(&client) else { return };
        let of = (entry.holder.person, entry.holder.room);
        if state.ended.len() >= METERS_MAX && !state.ended.contains_key(&of) {
            let first = state.ended.iter().min_by_key(|(_, ended)| ended.at).map(|(of, _)| *of);
            first.and_then(|first| state.ended.remove(&first));
        }
        let ended = state.ended.entry(of).or_insert(Ended { at: now, carried: Duration::ZERO, bytes: 0 });
        let counts = locked(&entry.tally.counts);
        ended.at = now;
        ended.carried += counts.carried;
        ended.bytes += counts.bytes;
    }

    /// Takes a request of an allocation from its rate.
    pub fn takes_request(&self, client: SocketAddr, now: Instant) -> bool {
        let mut state = locked(&self.state);
        state.standing.get_mut(&client).is_some_and(|entry| entry.requests.take(1.0, now).is_ok())
    }

    /// Notes that a client keeps its allocation.
    pub fn refreshed(&self, client: SocketAddr, now: Instant) {
        if let Some(entry) = locked(&self.state).standing.get(&client) {
            locked(&entry.tally.counts).seen_at = now;
        }
    }

    /// Whether an allocation may bind this channel: one that it has, or another.
    pub fn takes_channel(&self, client: SocketAddr, channel: u16) -> bool {
        let mut state = locked(&self.state);
        let Some(entry) = state.standing.get_mut(&client) else { return false };
        entry.channels.contains(&channel) || entry.channels.len() < CHANNELS_MAX && entry.channels.insert(channel)
    }

    /// Forgets credentials that have expired, and says whose allocations have to end.
    pub fn sweep(&self, now: Instant, unix: u64) -> Vec<SocketAddr> {
        let mut state = locked(&self.state);
        // The second holder of a counter is an allocation.
        state.spent.retain(|_, (expiry, spent)| *expiry >= unix || Arc::strong_count(spent) > 1);
        let is_over = |entry: &Entry| {
            let seen_at = locked(&entry.tally.counts).seen_at;
            now.saturating_duration_since(seen_at) > IDLE_MAX || self.is_spent(&entry.tally.spent)
        };
        state.standing.iter().filter(|(_, entry)| is_over(entry)).map(|(client, _)| *client).collect()
    }

    /// The clients that this keeps.
    pub fn clients(&self, keeps: impl Fn(Holder) -> bool) -> Vec<SocketAddr> {
        let state = locked(&self.state);
        state.standing.iter().filter(|(_, entry)| keeps(entry.holder)).map(|(client, _)| *client).collect()
    }

    /// All allocations, in the order in which they were made.
    pub fn all(&self) -> Vec<Allocation> {
        let state = locked(&self.state);
        let mut entries: Vec<_> = state.standing.iter().collect();
        entries.sort_by_key(|(_, entry)| entry.number);
        entries.into_iter().map(|(client, entry)| shown(*client, entry)).collect()
    }

    /// Whether a person has an allocation whose relayed address is this.
    pub fn is_relayed(&self, person: i32, relayed: SocketAddr) -> bool {
        let state = locked(&self.state);
        state.standing.values().any(|entry| entry.holder.person == person && entry.relayed == relayed)
    }

    /// What a person has relayed in a room.
    pub fn meter(&self, person: i32, room: i32) -> Meter {
        let state = locked(&self.state);
        let ended = state.ended.get(&(person, room)).map(|ended| (ended.carried, ended.bytes)).unwrap_or_default();
        let of = |entry: &&Entry| (entry.holder.person, entry.holder.room) == (person, room);
        let (carried, bytes) = state.standing.values().filter(of).fold(ended, |(carried, bytes), entry| {
            let counts = locked(&entry.tally.counts);
            (carried + counts.carried, bytes + counts.bytes)
        });
        Meter { seconds: carried.as_secs_f64(), bytes }
    }
}

fn shown(client: SocketAddr, entry: &Entry) -> Allocation {
    let counts = locked(&entry.tally.counts);
    Allocation {
        person: entry.holder.person,
        room: entry.holder.room,
        client,
        relayed: entry.relayed,
        bytes: counts.bytes,
        since: entry.tally.since,
        carried: counts.carried,
    }
}

/// What is behind a lock. Nothing panics while it is held; if it did, the counts would still be counts.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTP: [u8; 100] = [0x80; 100];
    const CHECK: [u8; 100] = [0; 100];

    fn holder(person: i32) -> Holder {
        Holder { expiry: 1000, person, room: 3 }
    }

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn table(change: impl Fn(&mut Limits)) -> Table {
        let mut limits = Limits::default();
        change(&mut limits);
        Table::new(limits)
    }

    #[test]
    fn media_is_metered_by_the_time_in_which_it_flows() {
        let (table, start) = (table(|_| {}), Instant::now());
        let tally = table.open(holder(7), at(1), at(2), start);
        for second in [0, 1, 2, 60, 61] {
            assert_eq!(tally.pass(&RTP, start + Duration::from_secs(second)), Passage::Granted);
        }
        tally.pass(&CHECK, start + Duration::from_secs(64));
        assert_eq!(table.meter(7, 3), Meter { seconds: 3.0, bytes: 600 });
        table.close(at(1), tally.number, start);
        table.close(at(1), tally.number, start);
        assert_eq!(table.meter(7, 3), Meter { seconds: 3.0, bytes: 600 });
        assert_eq!(table.meter(7, 4), Meter::default());
        table.open(holder(7), at(1), at(2), start).pass(&CHECK, start);
        assert_eq!(table.meter(7, 3).bytes, 700, "what has ended and what stands");
    }

    #[test]
    fn an_allocation_ends_only_by_its_own_number() {
        let (table, now) = (table(|_| {}), Instant::now());
        let first = table.open(holder(7), at(1), at(2), now);
        table.close(at(1), first.number, now);
        table.open(holder(7), at(1), at(3), now);
        table.close(at(1), first.number, now);
        assert!(table.stands(at(1)) && table.is_relayed(7, at(3)));
        assert!(!table.is_relayed(7, at(2)) && !table.is_relayed(8, at(3)));
    }

    #[test]
    fn a_person_and_the_server_have_so_many() {
        let (table, now) = (table(|limits| limits.allocations = 6), Instant::now());
        for port in 1..=4 {
            assert_eq!(table.has_room(holder(7)), Ok(()));
            table.open(holder(7), at(port), at(100 + port), now);
        }
        assert_eq!(table.has_room(holder(7)), Err(Full::Person));
        table.open(holder(8), at(5), at(105), now);
        table.open(holder(9), at(6), at(106), now);
        assert_eq!(table.has_room(holder(8)), Err(Full::Server));
    }

    #[test]
    fn a_credential_has_so_many_bytes_over_all_its_allocations() {
        let (table, now) = (table(|limits| limits.bytes_per_credential = 250), Instant::now());
        let first = table.open(holder(7), at(1), at(2), now);
        first.pass(&RTP, now);
        first.pass(&RTP, now);
        table.close(at(1), first.number, now);
        drop(first);
        assert!(table.sweep(now, 1000).is_empty());
        let second = table.open(holder(7), at(3), at(4), now);
        assert_eq!(second.pass(&RTP, now), Passage::Granted);
        assert_eq!(second.pass(&RTP, now), Passage::Spent);
        assert_eq!(table.sweep(now, 1000), [at(3)]);
        assert_eq!(table.has_room(holder(7)), Err(Full::Person));
        assert_eq!(table.has_room(Holder { expiry: 1001, ..holder(7) }), Ok(()), "another credential");
    }

    #[test]
    fn counters_of_expired_credentials_and_silent_allocations_go() {
        let (table, now) = (table(|_| {}), Instant::now());
        let tally = table.open(holder(7), at(1), at(2), now);
        let late = now + IDLE_MAX + Duration::from_secs(1);
        assert_eq!(table.sweep(late, 5000), [at(1)]);
        table.refreshed(at(1), late);
        assert!(table.sweep(late, 5000).is_empty());
        assert_eq!(locked(&table.state).spent.len(), 1, "an allocation still counts by it");
        table.close(at(1), tally.number, late);
        drop(tally);
        table.sweep(late, 5000);
        assert!(locked(&table.state).spent.is_empty());
    }

    #[test]
    fn packets_channels_and_requests_are_bounded() {
        let (table, now) = (table(|_| {}), Instant::now());
        let tally = table.open(holder(7), at(1), at(2), now);
        let passed = (0..10_000).filter(|_| tally.pass(&RTP, now) == Passage::Granted).count();
        assert_eq!(passed, (Limits::default().rate.burst / 100.0) as usize);
        assert_eq!((0..100).filter(|n| table.takes_channel(at(1), 0x4000 + n)).count(), CHANNELS_MAX);
        assert!(table.takes_channel(at(1), 0x4000));
        assert_eq!((0..100).filter(|_| table.takes_request(at(1), now)).count(), REQUESTS.burst as usize);
    }

    #[test]
    fn meters_of_the_past_are_bounded() {
        let (table, start) = (table(|_| {}), Instant::now());
        for person in 0..5000 {
            let now = start + Duration::from_millis(person as u64);
            let tally = table.open(holder(person), at(1), at(2), now);
            tally.pass(&RTP, now);
            table.close(at(1), tally.number, now);
        }
        assert_eq!(locked(&table.state).ended.len(), METERS_MAX);
        assert_eq!((table.meter(0, 3).bytes, table.meter(4999, 3).bytes), (0, 100));
    }
}
