//! What the engine says, passed on; and once a second what is measured, for the page of calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::voice::gauges::Relayed;
use crate::voice::media::{Connection, Event, Measured, Media, Seat};
use crate::voice::monitor::{CallSample, Sample};
use crate::voice::protocol::Told;
use crate::voice::state::State;
use crate::voice::switchboard::Switchboard;

/// How often is measured.
const SAMPLED_EVERY: Duration = Duration::from_secs(1);
/// Passes on what the engine says, until there is no engine.
pub(super) async fn events<M: Media>(voice: &Switchboard<M>, mut happened: mpsc::Receiver<Event>) {
    while let Some(event) = happened.recv().await {
        let mut state = voice.state();
        match event {
            Event::Connection(seat, connection) => {
                let (attempt, connected) = match connection {
                    Connection::Connected(attempt) => (attempt, true),
                    Connection::Lost(attempt) => (attempt, false),
                };
                let Some(member) = state.rooms.member_mut(seat) else { continue };
                member.connection(attempt, connected, voice.0.clock.now());
                if let Some(socket) = member.socket {
                    state.tell(socket, &Told::Connection { attempt, connected });
                }
                drop(state);
                voice.changed();
            }
            Event::Slots(seat, slots) => {
                let Some(member) = state.rooms.member_mut(seat) else { continue };
                member.slots = Some(slots);
                if let Some(socket) = member.socket {
                    state.tell(socket, &Told::Slots { slots });
                }
            }
            Event::Speakers(number, speakers) => {
                if let Some(room) = state.rooms.room_mut(number) {
                    room.speakers.clone_from(&speakers);
                }
                state.tell_room(number, None, &Told::Speakers { speakers });
            }
            Event::Redundancy(room, on) => {
                if let Some(room) = state.rooms.room_mut(room) {
                    room.is_redundant = on;
                }
                state.tell_room(room, None, &Told::Red { on });
            }
        }
    }
}

/// Measures once a second, and ends the seats that nobody came back to.
pub(super) async fn sample_every_second<M: Media>(voice: &Switchboard<M>) {
    let mut ticks = interval(SAMPLED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let measured: HashMap<Seat, Measured> = voice.0.engine.measured().await.into_iter().collect();
        let sample = sample(voice, &measured, Instant::now());
        voice.0.samples.send_replace(Arc::new(sample));
        let ended = voice.state().rooms.end_abandoned(voice.0.clock.now());
        if !ended.is_empty() {
            voice.settle(ended).await;
            voice.changed();
        }
    }
}

fn sample<M: Media>(voice: &Switchboard<M>, measured: &HashMap<Seat, Measured>, now: Instant) -> Sample {
    let at = voice.0.clock.now();
    let mut guard = voice.state();
    let State { rooms, gauges, .. } = &mut *guard;
    let calls = rooms.iter().filter_map(|(id, room)| {
        let call = room.call?;
        let people = room.members.iter().map(|member| {
            let seat = Seat { room: id, person: member.person, epoch: member.epoch };
            let nothing = Measured::default();
            let measured = measured.get(&seat).unwrap_or(&nothing);
            let relayed = Relayed {
                call: call.id,
                is_now: measured.remote.is_some_and(|remote| voice.0.relay.is_relayed(member.person, remote)),
                bytes: voice.0.relay.meter(member.person, id).bytes,
            };
            gauges.person(seat, member, measured, relayed, (at, now))
        });
        let people = people.collect();
        Some(CallSample { id: call.id, room: id, name: room.name.clone(), began_at: call.began_at, people })
    });
    let mut calls: Vec<CallSample> = calls.collect();
    calls.sort_by_key(|call| call.id);
    gauges.keep_calls(|id| calls.binary_search_by_key(&id, |call| call.id).is_ok());
    Sample { at, calls }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::media::Connection;
    use crate::voice::protocol::{Ending, Said};
    use crate::voice::switchboard::tests::{Page, RELAY, person, voice};

    #[tokio::test]
    async fn who_comes_back_to_a_page_is_told_what_was_missed() {
        let voice = voice().await;
        let (page, seat, resume) = Page::in_room(&voice, 7).await;
        let (mut other, _, _) = Page::in_room(&voice, 8).await;
        voice.close(page.number);
        let (happens, happened) = mpsc::channel(8);
        for event in [
            Event::Connection(seat, Connection::Connected(1)),
            Event::Slots(seat, [Some(8), None, None, None, None]),
            Event::Speakers(1, vec![(8, 30)]),
        ] {
            happens.send(event).await.expect("a place");
        }
        drop(happens);
        events(&voice, happened).await;
        assert_eq!(other.told("speakers").expect("told")["speakers"], serde_json::json!([]), "nobody at first");
        assert_eq!(other.told("speakers").expect("told")["speakers"], serde_json::json!([[8, 30]]));

        let mut page = Page::open(&voice, 7).await;
        voice.join(page.number, "Ada".into(), 1, Some(resume)).await.expect("a seat");
        assert_eq!(page.told("joined").expect("told")["resumed"], true);
        assert_eq!(page.told("slots").expect("told")["slots"], serde_json::json!([8, null, null, null, null]));
        assert_eq!(page.told("speakers").expect("told")["speakers"], serde_json::json!([[8, 30]]));
    }

    #[tokio::test]
    async fn relayed_time_is_that_of_the_call_also_for_who_left_in_between() {
        let voice = voice().await;
        let (page, seat, _) = Page::in_room(&voice, 7).await;
        let (_other, _, _) = Page::in_room(&voice, 8).await;
        let through_relay = |seat: Seat| {
            let remote = Some((RELAY, 50_000).into());
            HashMap::from([(seat, Measured { remote, ..Measured::default() })])
        };
        let begin = Instant::now();
        let sampled = |seat: Seat, second: u64| {
            let sample = sample(&voice, &through_relay(seat), begin + Duration::from_secs(second));
            let people = &sample.calls[0].people;
            people.iter().find(|one| one.person == 7).map(|one| one.relayed_seconds)
        };
        assert_eq!(sampled(seat, 0), Some(0.0));
        assert_eq!(sampled(seat, 60), Some(60.0));
        voice.hear(page.number, &person(7, "analyst"), Said::Leave {}).await;
        assert_eq!(sampled(seat, 90), None);
        let (_page, again, _) = Page::in_room(&voice, 7).await;
        assert_ne!(again, seat);
        assert_eq!(sampled(again, 100), Some(60.0), "not a second of the pause");
        assert_eq!(sampled(again, 110), Some(70.0));

        // Another call is another.
        for one in [7, 8] {
            let seat = voice.state().rooms.seat_of(one).expect("a seat");
            voice.end(seat, Ending::Left).await;
        }
        sample(&voice, &HashMap::new(), begin + Duration::from_secs(120));
        let (_page, anew, _) = Page::in_room(&voice, 7).await;
        sampled(anew, 130);
        assert_eq!(sampled(anew, 140), Some(10.0));
    }
}
