//! The server's account of who is here: its own sockets, told to the others through the database, and everyone's, told to all
//! sockets.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::live::bus::{Bus, Kind};
use crate::live::hub::serialise;
use crate::live::presence::model::Present;
use crate::live::presence::store::{self, Entry, Read};
use crate::live::socket::wire;

/// What happens within this while is written together: a page that is opened says a moment later where it is.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// Sockets are told at most this often, and the database at most as often.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// How often a server says that its people are still here.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// A place in words, in characters; the rest is left out.
pub const PLACE_CHARS_MAX: usize = 60;
/// Colours that there are for people.
const COLOURS: i32 = 6;

/// A server's account. Cheap to clone.
#[derive(Clone)]
pub struct Presence(Arc<Account>);

struct Account {
    /// This server among the others.
    server: i64,
    tabs: Mutex<HashMap<u64, Tab>>,
    /// Counts what happens to tabs.
    clock: AtomicU64,
    /// Something happened to a tab of this server.
    changed: Notify,
    /// Another server wrote.
    told: Notify,
    shown: watch::Sender<Arc<Shown>>,
}

/// One socket of a person.
#[derive(Debug, Clone)]
struct Tab {
    person: i32,
    place: String,
    idle: bool,
    /// When that was last another, by the account's own clock.
    moved: u64,
}

/// Everyone who is here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = Presence)]
pub struct Here {
    /// The first hundred: those who are not idle before those who are, by name.
    pub people: Vec<Present>,
    /// How many there are beyond them.
    #[schema(minimum = 0)]
    pub more: i64,
}

/// Everyone who is here, as sockets are told.
#[derive(Debug, Default)]
pub struct Shown {
    /// Who.
    pub here: Here,
    /// The message, as it goes over the wire.
    pub frame: Bytes,
}

/// The message of a socket.
#[derive(Serialize)]
struct Told<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    here: &'a Here,
}

/// What a page says of itself.
#[derive(Deserialize)]
struct Said {
    r#type: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    idle: bool,
}

impl Shown {
    fn of(here: Here) -> Shown {
        let text = serialise(&Told { r#type: "presence", here: &here });
        Shown { frame: wire(text.as_deref()), here }
    }
}

impl Default for Presence {
    fn default() -> Presence {
        Presence(Arc::new(Account {
            server: rand::random(),
            tabs: Mutex::default(),
            clock: AtomicU64::new(0),
            changed: Notify::new(),
            told: Notify::new(),
            shown: watch::Sender::new(Arc::new(Shown::of(Here::default()))),
        }))
    }
}

impl Presence {
    /// Somebody has come, for as long as the seat is kept.
    pub fn enter(&self, person: i32) -> Seat {
        let number = self.0.clock.fetch_add(1, Relaxed);
        self.tabs().insert(number, Tab { person, place: String::new(), idle: false, moved: number });
        self.0.changed.notify_one();
        Seat { presence: self.clone(), number }
    }

    /// Says that another server may have written.
    pub fn look(&self) {
        self.0.told.notify_one();
    }

    /// Everyone who is here, now and whenever it changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Shown>> {
        self.0.shown.subscribe()
    }

    /// Everyone who is here.
    pub fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.0.shown.borrow())
    }

    /// Runs until `shutdown`: writes who is here, reads who is on the other servers, tells the sockets.
    pub async fn run(self, db: PgPool, bus: Bus, workspace: i32, shutdown: CancellationToken) {
        let mut heartbeat = interval(HEARTBEAT_EVERY);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut written, mut is_failing) = (0, false);
        loop {
            let is_ours = tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.0.changed.notified() => true,
                _ = heartbeat.tick() => true,
                () = self.0.told.notified() => false,
            };
            if is_ours {
                tokio::time::sleep(GATHERED_FOR).await;
            }
            let round = async {
                let entries = if is_ours { self.entries() } else { Vec::new() };
                if entries.len() + written > 0 && is_ours {
                    let has_changed = store::write(&db, workspace, self.0.server, &entries).await?;
                    written = entries.len();
                    if has_changed {
                        bus.tell(Kind::Presence).await;
                    }
                }
                let read = store::read(&db, workspace).await?;
                self.find_lost(&read);
                self.show(read);
                Ok::<_, sqlx::Error>(())
            };
            match round.await {
                Ok(()) => is_failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(%error, "who is here cannot be told; it goes on trying");
                    }
                    self.0.changed.notify_one();
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(TOLD_EVERY) => {}
            }
        }
        if written > 0 && store::write(&db, workspace, self.0.server, &[]).await.unwrap_or(false) {
            bus.tell(Kind::Presence).await;
        }
    }

    /// Writes again where somebody of this server is not there: a crash of PostgreSQL empties the table.
    fn find_lost(&self, (people, all): &Read) {
        let is_there = |entry: &Entry| people.iter().any(|(id, ..)| *id == entry.person);
        if *all == people.len() as i64 && !self.entries().iter().all(is_there) {
            self.0.changed.notify_one();
        }
    }

    fn show(&self, (people, all): Read) {
        let more = all - people.len() as i64;
        let person = |(id, name, idle, place): (i32, String, bool, String)| Present {
            initials: initials(&name),
            colour: id.rem_euclid(COLOURS) as u8,
            id,
            name,
            idle,
            place,
        };
        let here = Here { people: people.into_iter().map(person).collect(), more };
        self.0.shown.send_if_modified(|shown| {
            let is_new = shown.here != here;
            if is_new {
                *shown = Arc::new(Shown::of(here));
            }
            is_new
        });
    }

    /// The people of this server: one entry each, however many tabs.
    fn entries(&self) -> Vec<Entry> {
        let mut newest: BTreeMap<i32, Tab> = BTreeMap::new();
        for tab in self.tabs().values() {
            // The tab that is looked at says where; among those that say it, the one that moved last.
            let rank = |tab: &Tab| (!tab.idle, !tab.place.is_empty(), tab.moved);
            let is_newer = |known: &Tab| rank(tab) > rank(known);
            if newest.get(&tab.person).is_none_or(is_newer) {
                newest.insert(tab.person, tab.clone());
            }
        }
        newest.into_values().map(|Tab { person, place, idle, .. }| Entry { person, place, idle }).collect()
    }

    /// Those who poisoned the lock left whole values behind.
    fn tabs(&self) -> MutexGuard<'_, HashMap<u64, Tab>> {
        self.0.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a socket among those who are here.
pub struct Seat {
    presence: Presence,
    number: u64,
}

impl Seat {
    /// Takes in what a page says of itself; what is none of it is left alone.
    pub fn heard(&self, text: &str) {
        let Ok(said) = serde_json::from_str::<Said>(text) else { return };
        if said.r#type != "here" {
            return;
        }
        let place: String = said.place.trim().chars().filter(|c| !c.is_control()).take(PLACE_CHARS_MAX).collect();
        let now = self.presence.0.clock.fetch_add(1, Relaxed);
        let mut tabs = self.presence.tabs();
        let Some(tab) = tabs.get_mut(&self.number) else { return };
        if (tab.place.as_str(), tab.idle) != (place.as_str(), said.idle) {
            (tab.place, tab.idle, tab.moved) = (place, said.idle, now);
            self.presence.0.changed.notify_one();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.presence.tabs().remove(&self.number);
        self.presence.0.changed.notify_one();
    }
}

/// The first letters of the first and the last word of a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let (first, last) = (words.next(), words.next_back());
    let letters = first.into_iter().chain(last).filter_map(|word| word.chars().next());
    letters.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, expected) in
            [("ada", "A"), ("Ada Lovelace", "AL"), (" ada de  lovelace ", "AL"), ("ädé", "Ä"), ("", "")]
        {
            assert_eq!(initials(name), expected);
        }
    }

    #[tokio::test]
    async fn several_tabs_are_one_person_who_is_where_they_look() {
        let presence = Presence::default();
        let seats = [presence.enter(7), presence.enter(7), presence.enter(9)];
        let said = |seat: &Seat, place: &str, idle: bool| {
            seat.heard(&format!(r#"{{"type":"here","place":"{place}","idle":{idle}}}"#));
        };
        said(&seats[0], "Today", false);
        said(&seats[1], "Last week", true);
        let entry = |person, place: &str, idle| Entry { person, place: place.into(), idle };
        assert_eq!(presence.entries(), [entry(7, "Today", false), entry(9, "", false)]);
        said(&seats[0], "Today", true);
        assert_eq!(presence.entries()[0], entry(7, "Today", true), "all tabs are idle, this one since last");
        said(&seats[1], "Last week", false);
        assert_eq!(presence.entries()[0], entry(7, "Last week", false));
        drop(seats);
        assert_eq!(presence.entries(), []);
    }

    #[tokio::test]
    async fn what_a_page_says_is_bounded_and_what_is_none_is_left_alone() {
        let presence = Presence::default();
        let seat = presence.enter(7);
        for text in
            ["", "{", "[]", r#"{"type":"there","place":"x"}"#, r#"{"place":"x"}"#, r#"{"type":"here","place":7}"#]
        {
            seat.heard(text);
            assert_eq!(presence.entries()[0].place, "", "{text}");
        }
        seat.heard(&format!(r#"{{"type":"here","place":" \u0007{}"}}"#, "ü".repeat(200)));
        assert_eq!(presence.entries()[0].place, "ü".repeat(PLACE_CHARS_MAX));
    }
}
