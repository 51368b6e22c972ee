//! What the switchboard does with an engine that only writes down what it is asked.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;

use super::*;
use crate::access::model::Person;
use crate::period::Instant;
use crate::server::database;
use crate::voice::media::{Measured, Place, Refused};
use crate::voice::protocol::{Moderation, Said};
use crate::voice::relay::{Config, External, Limits};

/// Where the relay of these tests relays from.
pub const RELAY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));

/// A wish for a seat: "silence" or "deafen", and whether it holds.
type Wish = (Seat, &'static str, bool);

/// What an engine was asked.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<Wish>>>);

impl Media for Asked {
    async fn offer(&self, _: Seat, _: u32, _: String) -> Result<String, Refused> {
        Ok(String::new())
    }
    async fn candidate(&self, _: Seat, _: u32, _: String) -> Result<(), Refused> {
        Ok(())
    }
    fn silence(&self, seat: Seat, is_silenced: bool) {
        self.0.lock().expect("a list").push((seat, "silence", is_silenced));
    }
    fn deafen(&self, seat: Seat, is_deaf: bool) {
        self.0.lock().expect("a list").push((seat, "deafen", is_deaf));
    }
    fn note_loss(&self, _: Seat, _: f64) {}
    async fn leave(&self, _: Seat) {}
    async fn measured(&self) -> Vec<(Seat, Measured)> {
        Vec::new()
    }
    async fn close(&self) {}
}

impl Asked {
    fn last(&self, what: &str) -> Option<(Seat, bool)> {
        let asked = self.0.lock().expect("a list");
        asked.iter().rev().find(|(_, asked, _)| *asked == what).map(|(seat, _, is)| (*seat, *is))
    }
}

pub fn at(seconds: i64) -> Instant {
    Instant::from_timestamp(1_795_000_000 + seconds, 0).expect("an instant")
}

/// Voice with a room of number 1, an engine that does nothing, a relay elsewhere, and a database that is away.
pub async fn voice() -> Switchboard<Asked> {
    let media = Place { bind: Ipv4Addr::LOCALHOST.into(), public: None, ports: 0..=0, tcp: None };
    let external = External { urls: Vec::new(), secret: "secret".into(), relays_from: vec![RELAY] };
    let relay = Relay::start(Config {
        bind: (Ipv4Addr::LOCALHOST, 0).into(),
        public: None,
        media,
        external: Some(external),
        stun: Vec::new(),
        limits: Limits::default(),
        now: Arc::new(|| 0),
    });
    let db = database::pool(PgConnectOptions::new().host("127.0.0.1").port(1));
    let voice =
        Switchboard::new(Asked::default(), relay.await.expect("a relay"), db, database::WORKSPACE, Clock::fixed(at(0)));
    voice.state().rooms.set(vec![(1, "Team".into())]);
    voice
}

pub fn person(id: i32, role: &str) -> Person {
    Person { id, name: format!("person {id}"), role: role.into() }
}

pub struct Page {
    pub number: u64,
    waiting: mpsc::Receiver<Bytes>,
}

impl Page {
    /// A page of somebody with a seat in the room, and what brings the seat back.
    pub async fn in_room(voice: &Switchboard<Asked>, person: i32) -> (Page, Seat, String) {
        let mut page = Page::open(voice, person).await;
        voice.join(page.number, format!("person {person}"), 1, None).await.expect("a seat");
        let joined = page.told("joined").expect("joined");
        let seat = voice.state().rooms.seat_of(person).expect("a seat");
        (page, seat, joined["resume"].as_str().expect("a secret").to_owned())
    }

    pub async fn open(voice: &Switchboard<Asked>, person: i32) -> Page {
        let (number, waiting) = voice.open(You { person, is_administrator: false }).await.expect("a socket");
        Page { number, waiting }
    }

    /// The next message of a kind, of those that have been told.
    pub fn told(&mut self, kind: &str) -> Option<Value> {
        while let Ok(bytes) = self.waiting.try_recv() {
            let begin = bytes.iter().position(|byte| *byte == b'{').expect("an object");
            let message: Value = serde_json::from_slice(&bytes[begin..]).expect("JSON");
            if message["type"] == kind {
                return Some(message);
            }
        }
        None
    }
}

#[tokio::test]
async fn a_page_that_cannot_keep_up_keeps_its_seat_no_longer_than_another() {
    let voice = voice().await;
    let (page, _, _) = Page::in_room(&voice, 7).await;
    for _ in 0..=WAITING_MAX {
        voice.hear(page.number, &person(7, "analyst"), Said::Ping {}).await;
    }
    voice.close(page.number);
    assert!(voice.state().rooms.end_abandoned(at(14)).is_empty());
    assert_eq!(voice.state().rooms.end_abandoned(at(15)).len(), 1);
}

#[tokio::test]
async fn who_is_muted_is_silenced_before_their_first_offer() {
    let voice = voice().await;
    let (admin, _, _) = Page::in_room(&voice, 1).await;
    let (page, seat, _) = Page::in_room(&voice, 7).await;
    let administrator = person(1, "administrator");
    for (action, expected) in [(Moderation::Unmute, false), (Moderation::Mute, true)] {
        voice.hear(admin.number, &administrator, Said::Moderate { person: 7, action }).await;
        assert_eq!(voice.0.engine.last("silence"), Some((seat, expected)));
    }
    // Leaving and joining again takes nothing back: the engine knows before anything is offered.
    voice.hear(page.number, &person(7, "analyst"), Said::Leave {}).await;
    let (page, again, _) = Page::in_room(&voice, 7).await;
    assert_ne!(again, seat);
    assert_eq!(voice.0.engine.last("silence"), Some((again, true)));
    // An offer asks nothing that was decided.
    let asked = voice.0.engine.0.lock().expect("a list").len();
    let offer = Said::Offer { epoch: again.epoch, attempt: 1, sdp: String::new() };
    voice.hear(page.number, &person(7, "analyst"), offer).await;
    assert_eq!(voice.0.engine.0.lock().expect("a list").len(), asked);
    voice.hear(page.number, &person(7, "analyst"), Said::Deafen { on: true }).await;
    assert_eq!(voice.0.engine.last("deafen"), Some((again, true)));
}
