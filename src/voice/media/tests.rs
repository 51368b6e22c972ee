//! Calls between real clients over loopback.

#[path = "../../bin/load/caller.rs"]
mod caller;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Connection, Event, Measured, Media as _, Place, Refused, SLOTS, Seat, Sfu};
use caller::{Caller, OPUS, RED};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Whatever is waited for comes well within this.
const PATIENCE: Duration = Duration::from_secs(8);
const LOUD: u8 = 30;

fn place() -> Place {
    Place { bind: HERE, public: None, ports: 0..=0, tcp: None }
}

fn seat(person: i32) -> Seat {
    Seat { room: 1, person, epoch: 1 }
}

async fn join(sfu: &Sfu, seat: Seat, attempt: u32) -> Caller {
    let (mut caller, offer) = Caller::offer(HERE, false).await.unwrap();
    let answer = sfu.offer(seat, attempt, offer).await.unwrap();
    tokio::time::timeout(PATIENCE, caller.connect(answer)).await.expect("connects").unwrap();
    caller
}

/// What the engine has told.
struct Told {
    events: mpsc::Receiver<Event>,
    so_far: Vec<Event>,
}

impl Told {
    fn new(events: mpsc::Receiver<Event>) -> Told {
        Told { events, so_far: Vec::new() }
    }

    /// Waits until something is found in what was told.
    async fn find<T>(&mut self, mut find: impl FnMut(&Event) -> Option<T>) -> T {
        if let Some(found) = self.so_far.iter().find_map(&mut find) {
            return found;
        }
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the engine goes on");
                let found = find(&event);
                self.so_far.push(event);
                if let Some(found) = found {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("it is told")
    }

    async fn connected(&mut self, seat: Seat, attempt: u32) {
        let wanted = Event::Connection(seat, Connection::Connected(attempt));
        self.find(|event| (*event == wanted).then_some(())).await;
    }

    /// Who stands in the slots of a listener, once there are so many.
    async fn slots(&mut self, listener: Seat, people: usize) -> [Option<i32>; SLOTS] {
        let find = |event: &Event| match event {
            Event::Slots(s, slots) if *s == listener && slots.iter().flatten().count() == people => Some(*slots),
            _ => None,
        };
        self.find(find).await
    }

    /// Waits until exactly these speak.
    async fn speakers(&mut self, persons: &[i32]) {
        let find = |event: &Event| match event {
            Event::Speakers(_, speakers) => {
                let mut told: Vec<i32> = speakers.iter().map(|(person, _)| *person).collect();
                told.sort_unstable();
                (told == persons).then_some(())
            }
            _ => None,
        };
        self.find(find).await;
    }

    fn forget(&mut self) {
        while self.events.try_recv().is_ok() {}
        self.so_far.clear();
    }
}

/// Talks at the usual pace, the number of each packet as its payload.
async fn talk(caller: &mut Caller, who: u8, packets: std::ops::Range<u32>, level: u8) {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    for n in packets {
        pace.tick().await;
        caller.say(payload(who, n), level, OPUS).await.unwrap();
    }
}

fn payload(who: u8, n: u32) -> Bytes {
    let mut bytes = vec![who; 80];
    bytes[1..5].copy_from_slice(&n.to_be_bytes());
    Bytes::from(bytes)
}

fn number(payload: &Bytes) -> (u8, u32) {
    (payload[0], u32::from_be_bytes(payload[1..5].try_into().unwrap()))
}

/// The next packets that a caller hears: line, speaker and number.
async fn hear(caller: &mut Caller, packets: usize) -> Vec<(usize, u8, u32)> {
    let mut heard = Vec::new();
    while heard.len() < packets {
        let next = tokio::time::timeout(PATIENCE, caller.heard.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("heard {} of {packets}", heard.len())).expect("the call goes on");
        let (who, n) = number(&next.packet.payload);
        heard.push((next.line, who, n));
    }
    heard
}

async fn measured(sfu: &Sfu, seat: Seat) -> Option<Measured> {
    sfu.measured().await.into_iter().find(|(s, _)| *s == seat).map(|(_, measured)| measured)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_hear_one_another_and_are_measured() {
    let (sfu, events) = Sfu::start(place()).unwrap();
    let mut told = Told::new(events);
    let mut callers = Vec::new();
    for person in 1..=3 {
        callers.push(join(&sfu, seat(person), 1).await);
        told.connected(seat(person), 1).await;
    }
    let slots = told.slots(seat(1), 2).await;
    let [a, b, c] = callers.as_mut_slice() else { panic!() };
    tokio::join!(talk(a, 1, 0..60, LOUD), talk(b, 2, 0..60, LOUD), talk(c, 3, 0..60, 127));
    let heard = hear(a, 120).await;
    for speaker in [2, 3] {
        let line = slots.iter().position(|slot| *slot == Some(speaker)).unwrap();
        let of = |heard: &&(usize, u8, u32)| (heard.0, i32::from(heard.1)) == (line, speaker);
        let numbers: Vec<u32> = heard.iter().filter(of).map(|heard| heard.2).collect();
        assert_eq!(numbers, (0..60).collect::<Vec<_>>(), "on the line of their slot, in order, all of them");
    }
    hear(b, 120).await;
    hear(c, 120).await;
    told.speakers(&[1, 2]).await;
    told.forget();
    told.speakers(&[]).await;
    let figures = measured(&sfu, seat(1)).await.unwrap();
    assert_eq!((figures.up_packets, figures.up_lost, figures.dropped), (60, 0, 0));
    assert!(figures.is_connected && figures.up_bytes > 60 * 80 && figures.down_bytes > 120 * 80, "{figures:?}");
    sfu.close().await;
}
