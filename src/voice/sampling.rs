//! What the engine says, passed on; and once a second what is measured, for the page of calls.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::voice::media::{Connection, Event, Measured, Media, Seat};
use crate::voice::monitor::{CallSample, PersonSample, Sample};
use crate::voice::protocol::{State as How, Told};
use crate::voice::rooms::Member;
use crate::voice::state::State;
use crate::voice::switchboard::Switchboard;

/// How often is measured.
const SAMPLED_EVERY: Duration = Duration::from_secs(1);
/// Seconds over which loss is counted: of one second's fifty packets a single lost one would be two percent.
const LOSS_SECONDS: usize = 5;

/// What is remembered of seats between two samples.
#[derive(Debug, Default)]
pub(super) struct Gauges(HashMap<Seat, Gauge>);

/// What is remembered of one.
#[derive(Debug, Default)]
struct Gauge {
    at: Option<Instant>,
    up_bytes: u64,
    down_bytes: u64,
    /// Packets and lost packets, of the last seconds, as counted then.
    packets: VecDeque<(u64, u64)>,
    relayed: Duration,
    /// What the relay had carried for the person before this call.
    relayed_before: Option<u64>,
}

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
                member.state = if connected { How::Connected } else { How::Trouble };
                let socket = member.socket;
                if let (false, None) = (connected, socket) {
                    // Nothing flows from now on: the shorter wait begins now.
                    member.alone_since = Some(voice.0.clock.now());
                }
                if let Some(socket) = socket {
                    state.tell(socket, &Told::Connection { attempt, connected });
                }
                drop(state);
                voice.changed();
            }
            Event::Slots(seat, slots) => {
                if let Some(socket) = state.rooms.member(seat).and_then(|member| member.socket) {
                    state.tell(socket, &Told::Slots { slots });
                }
            }
            Event::Speakers(room, speakers) => state.tell_room(room, None, &Told::Speakers { speakers }),
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
        let sample = sample(voice, &measured);
        voice.0.samples.send_replace(Arc::new(sample));
        let ended = voice.state().rooms.end_abandoned(voice.0.clock.now());
        if !ended.is_empty() {
            voice.settle(ended).await;
            voice.changed();
        }
    }
}

fn sample<M: Media>(voice: &Switchboard<M>, measured: &HashMap<Seat, Measured>) -> Sample {
    let (at, now) = (voice.0.clock.now(), Instant::now());
    let mut guard = voice.state();
    let State { rooms, gauges, .. } = &mut *guard;
    let calls = rooms.iter().filter_map(|(id, room)| {
        let call = room.call?;
        let people = room.members.iter().map(|member| {
            let seat = Seat { room: id, person: member.person, epoch: member.epoch };
            let nothing = Measured::default();
            let measured = measured.get(&seat).unwrap_or(&nothing);
            let is_relayed = measured.remote.is_some_and(|remote| voice.0.relay.is_relayed(member.person, remote));
            let carried = voice.0.relay.meter(member.person, id).bytes;
            gauges.0.entry(seat).or_default().person(member, measured, is_relayed, carried, now)
        });
        let people = people.collect();
        Some(CallSample { id: call.id, room: id, name: room.name.clone(), began_at: call.began_at, people })
    });
    let mut calls: Vec<CallSample> = calls.collect();
    calls.sort_by_key(|call| call.id);
    Sample { at, calls }
}

impl Gauges {
    /// A seat has ended.
    pub(super) fn forget(&mut self, seat: Seat) {
        self.0.remove(&seat);
    }
}

impl Gauge {
    fn person(
        &mut self,
        member: &Member,
        measured: &Measured,
        is_relayed: bool,
        carried: u64,
        now: Instant,
    ) -> PersonSample {
        let passed = self.at.replace(now).map_or(Duration::ZERO, |before| now.duration_since(before));
        let relayed_before = *self.relayed_before.get_or_insert(carried);
        if is_relayed {
            self.relayed += passed;
        }
        let kbps = |bytes: u64, before: &mut u64| {
            let more = bytes.saturating_sub(std::mem::replace(before, bytes));
            if passed.is_zero() { 0.0 } else { more as f64 * 8.0 / 1_000.0 / passed.as_secs_f64() }
        };
        let reported = &member.reported;
        let up_loss = self.up_loss_percent(measured.up_packets, measured.up_lost);
        let losses = [up_loss, measured.down_loss_percent.or(reported.loss_percent)];
        PersonSample {
            person: member.person,
            name: member.name.clone(),
            joined_at: member.joined_at,
            up_kbps: kbps(measured.up_bytes, &mut self.up_bytes),
            down_kbps: kbps(measured.down_bytes, &mut self.down_bytes),
            rtt_ms: measured.rtt_ms.or(reported.rtt_ms),
            jitter_ms: reported.jitter_ms,
            loss_percent: losses.into_iter().flatten().reduce(f64::max),
            concealed_percent: reported.concealed_percent,
            is_relayed,
            relayed_seconds: self.relayed.as_secs_f64(),
            relayed_bytes: carried.saturating_sub(relayed_before),
            is_muted: member.is_muted,
            is_server_muted: member.is_server_muted,
            is_connected: measured.is_connected,
            silent_ms: measured.silent_ms,
        }
    }

    /// What was lost on the way from the person in the last seconds, in percent; none where nothing was sent.
    fn up_loss_percent(&mut self, packets: u64, lost: u64) -> Option<f64> {
        self.packets.push_back((packets, lost));
        if self.packets.len() > LOSS_SECONDS + 1 {
            self.packets.pop_front();
        }
        let (packets_before, lost_before) = *self.packets.front()?;
        let lost = lost.saturating_sub(lost_before);
        let sent = packets.saturating_sub(packets_before) + lost;
        (sent > 0).then(|| lost as f64 * 100.0 / sent as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_of_the_last_seconds() {
        let mut gauge = Gauge::default();
        assert_eq!(gauge.up_loss_percent(0, 0), None);
        assert_eq!(gauge.up_loss_percent(45, 5), Some(10.0));
        for second in 1..=6 {
            gauge.up_loss_percent(45 + second * 50, 5);
        }
        assert_eq!(gauge.up_loss_percent(45 + 7 * 50, 5), Some(0.0), "the loss is over");
    }
}
