//! Calls between real clients over loopback.

#[path = "../../bin/load/caller.rs"]
mod caller;
mod losses;
mod trouble;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

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

    /// Takes in what was told meanwhile.
    fn drain(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.so_far.push(event);
        }
    }

    fn forget(&mut self) {
        self.drain();
        self.so_far.clear();
    }
}

fn engine() -> (Sfu, Told) {
    engine_at(place())
}

fn engine_at(place: Place) -> (Sfu, Told) {
    let (sfu, events) = Sfu::start(place).unwrap();
    (sfu, Told { events, so_far: Vec::new() })
}

/// The first and the second person, once the second can hear the first.
async fn two(sfu: &Sfu, told: &mut Told) -> (Caller, Caller) {
    let (a, b) = (join(sfu, seat(1), 1).await, join(sfu, seat(2), 1).await);
    told.slots(seat(2), 1).await;
    told.connected(seat(2), 1).await;
    (a, b)
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
        let next = next.unwrap_or_else(|_| panic!("heard {} of {packets}", heard.len()));
        let (line, packet) = next.expect("the call goes on");
        let (who, n) = number(&packet.payload);
        heard.push((line, who, n));
    }
    heard
}

async fn measured(sfu: &Sfu, seat: Seat) -> Option<Measured> {
    sfu.measured().await.into_iter().find(|(s, _)| *s == seat).map(|(_, measured)| measured)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_hear_one_another_and_are_measured() {
    let (sfu, mut told) = engine();
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
    a.said = a.said.wrapping_add(3);
    talk(a, 1, 60..61, LOUD).await;
    assert_eq!(arrived(&sfu, seat(1), 61).await.up_lost, 3);
    assert!(figures.is_connected && figures.up_bytes > 60 * 80 && figures.down_bytes > 120 * 80, "{figures:?}");
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_silenced_is_not_heard_and_who_is_deaf_hears_nothing_and_nothing_looks_lost_after() {
    let (sfu, mut told) = engine();
    let (mut a, mut b) = two(&sfu, &mut told).await;
    talk(&mut a, 1, 0..10, LOUD).await;
    hear(&mut b, 9).await;
    let last = b.heard.recv().await.unwrap().1.header.sequence_number;
    sfu.silence(seat(1), true);
    told.forget();
    talk(&mut a, 1, 100..110, LOUD).await;
    arrived(&sfu, seat(1), 20).await;
    sfu.silence(seat(1), false);
    talk(&mut a, 1, 200..201, LOUD).await;
    let next = b.heard.recv().await.unwrap().1;
    assert_eq!((number(&next.payload), next.header.sequence_number), ((1, 200), last.wrapping_add(1)));
    assert!(next.header.marker);
    sfu.deafen(seat(2), true);
    talk(&mut a, 1, 300..310, LOUD).await;
    arrived(&sfu, seat(1), 31).await;
    sfu.deafen(seat(2), false);
    talk(&mut a, 1, 400..401, LOUD).await;
    let next = b.heard.recv().await.unwrap().1;
    assert_eq!((number(&next.payload), next.header.sequence_number), ((1, 400), last.wrapping_add(2)));
    sfu.close().await;
}

/// Waits until the engine has had so many packets of a person.
async fn arrived(sfu: &Sfu, seat: Seat, packets: u64) -> Measured {
    let arrives = async {
        loop {
            match measured(sfu, seat).await {
                Some(figures) if figures.up_packets >= packets => return figures,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, arrives).await.expect("they arrive")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_five_are_heard_and_the_loudest_takes_a_slot_without_a_gap() {
    let (sfu, mut told) = engine();
    let mut callers = Vec::new();
    for person in 1..=8 {
        callers.push(join(&sfu, seat(person), 1).await);
        told.connected(seat(person), 1).await;
    }
    let mut listener = callers.remove(7);
    let mut speak = |persons: &[u8], packets: u32| {
        let persons: Vec<u8> = persons.to_vec();
        let taken: Vec<_> = persons.iter().map(|_| callers.remove(0)).collect();
        async move {
            let talking = persons.iter().zip(taken).map(|(who, mut caller)| async move {
                talk(&mut caller, *who, 0..packets, LOUD).await;
                caller
            });
            futures_util::future::join_all(talking).await
        }
    };
    let first = speak(&[1, 2, 3, 4, 5], 60).await;
    told.speakers(&[1, 2, 3, 4, 5]).await;
    told.forget();
    told.speakers(&[]).await;
    let others = speak(&[6, 7], 60).await;
    told.speakers(&[6, 7]).await;
    let mut by_line: [Vec<(u8, u16)>; SLOTS] = Default::default();
    while let Ok(Some((line, packet))) = tokio::time::timeout(Duration::from_millis(300), listener.heard.recv()).await {
        by_line[line].push((number(&packet.payload).0, packet.header.sequence_number));
    }
    for line in &by_line {
        let unbroken = line.windows(2).all(|pair| pair[1].1 == pair[0].1.wrapping_add(1));
        assert!(unbroken, "one stream for whoever stands in the slot: {line:?}");
    }
    let count = |who: u8| by_line.iter().flatten().filter(|(w, _)| *w == who).count();
    assert!((1..=5).all(|who| count(who) >= 55), "{:?}", (1..=7).map(count).collect::<Vec<_>>());
    assert!((6..=7).all(|who| count(who) >= 50), "{:?}", (1..=7).map(count).collect::<Vec<_>>());
    drop((first, others));
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_attempt_takes_over_without_loss_and_the_older_is_closed() {
    let (sfu, mut told) = engine();
    let (mut a, mut b) = two(&sfu, &mut told).await;
    // The speaker connects anew and goes on with the newer connection; the listener misses nothing.
    talk(&mut a, 1, 0..10, LOUD).await;
    let mut again = join(&sfu, seat(1), 2).await;
    told.connected(seat(1), 2).await;
    a.say(payload(1, 10), LOUD, OPUS).await.unwrap();
    arrived(&sfu, seat(1), 11).await;
    talk(&mut again, 1, 11..30, LOUD).await;
    let numbers: Vec<u32> = hear(&mut b, 30).await.into_iter().map(|heard| heard.2).collect();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
    // The listener connects anew: for a while both connections are sent to.
    let mut b_again = join(&sfu, seat(2), 2).await;
    told.connected(seat(2), 2).await;
    talk(&mut again, 1, 30..40, LOUD).await;
    for listener in [&mut b, &mut b_again] {
        let numbers: Vec<u32> = hear(listener, 10).await.into_iter().map(|heard| heard.2).collect();
        assert_eq!(numbers, (30..40).collect::<Vec<_>>());
    }
    // Then the older is closed, and what is said is heard on the newer alone.
    let closed = async { while b.heard.recv().await.is_some() {} };
    let talking = talk(&mut again, 1, 40..120, LOUD);
    tokio::join!(talking, async {
        let _ = tokio::time::timeout(Duration::from_secs(4), closed).await;
    });
    assert_eq!(hear(&mut b_again, 80).await.last().map(|heard| heard.2), Some(119));
    let lost = |event: &Event| matches!(event, Event::Connection(_, Connection::Lost(_))).then_some(());
    assert!(told.so_far.iter().find_map(lost).is_none(), "an older connection that is replaced was not lost");
    // An attempt that is no newer is refused.
    let (late, offer) = Caller::offer(HERE, false).await.unwrap();
    assert_eq!(sfu.offer(seat(2), 2, offer).await, Err(Refused::Gone));
    late.close().await;
    sfu.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_slot_again_goes_on_without_a_gap() {
    let (sfu, mut told) = engine();
    let mut callers = Vec::new();
    for person in 1..=6 {
        callers.push(join(&sfu, seat(person), 1).await);
        told.connected(seat(person), 1).await;
    }
    let mut listener = callers.remove(0);
    let before = told.slots(seat(1), 5).await;
    told.forget();
    for caller in &mut callers {
        talk(caller, 9, 0..5, 127).await;
    }
    // A seventh takes the slot of somebody silent, who talks on unheard, and makes way again.
    let mut seventh = join(&sfu, seat(7), 1).await;
    talk(&mut seventh, 7, 0..30, LOUD).await;
    let with_seventh = |event: &Event| match event {
        Event::Slots(s, slots) if *s == seat(1) && slots.contains(&Some(7)) => Some(*slots),
        _ => None,
    };
    let during = told.find(with_seventh).await;
    let gone = before.iter().flatten().find(|person| !during.contains(&Some(**person))).copied().unwrap();
    let unheard = &mut callers[gone as usize - 2];
    talk(unheard, gone as u8, 0..40, 127).await;
    told.forget();
    sfu.leave(seat(7)).await;
    told.slots(seat(1), 5).await;
    talk(unheard, gone as u8, 40..50, 127).await;
    let mut streams: [Vec<u16>; SLOTS] = Default::default();
    let mut last = None;
    while last != Some((gone as u8, 49)) {
        let (line, packet) = tokio::time::timeout(PATIENCE, listener.heard.recv()).await.expect("heard again").unwrap();
        streams[line].push(packet.header.sequence_number);
        last = Some(number(&packet.payload));
    }
    let is_unbroken = |stream: &Vec<u16>| stream.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
    assert!(streams.iter().all(is_unbroken), "{streams:?}");
    sfu.close().await;
}
