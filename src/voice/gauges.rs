//! What is remembered of people between two samples of their calls.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::period;
use crate::voice::media::{Measured, Seat};
use crate::voice::monitor::PersonSample;
use crate::voice::rooms::Member;

/// Seconds over which loss is counted: of one second's fifty packets a single lost one would be two percent.
const LOSS_SECONDS: usize = 5;
/// Of fewer packets in that time loss is no percentage: it is the silence of DTX, of which some two a second are sent.
const LOSS_PACKETS_MIN: u64 = 50;

/// What is remembered between two samples.
#[derive(Debug, Default)]
pub struct Gauges {
    seats: HashMap<Seat, Gauge>,
    /// By call and person: whoever leaves and comes back is in the same call.
    relayed: HashMap<(i64, i32), Carried>,
}

/// How a person is relayed at the moment.
#[derive(Debug, Clone, Copy)]
pub struct Relayed {
    /// The call that they are in.
    pub call: i64,
    /// Whether they are.
    pub is_now: bool,
    /// What the relay has carried for them in the room, in all calls.
    pub bytes: u64,
}

/// What is remembered of a seat.
#[derive(Debug, Default)]
struct Gauge {
    at: Option<Instant>,
    up_bytes: u64,
    down_bytes: u64,
    /// Packets and lost packets, of the last seconds, as counted then.
    packets: VecDeque<(u64, u64)>,
}

/// What the relay has done for a person in a call.
#[derive(Debug)]
struct Carried {
    time: Duration,
    /// What it had carried before.
    bytes_before: u64,
}

impl Gauges {
    /// A seat has ended.
    pub fn forget(&mut self, seat: Seat) {
        self.seats.remove(&seat);
    }

    /// Calls that are over are forgotten.
    pub fn keep_calls(&mut self, is_on: impl Fn(i64) -> bool) {
        self.relayed.retain(|(call, _), _| is_on(*call));
    }

    /// Somebody in a call, at a time of the day and of the clock that only goes forward.
    pub fn person(
        &mut self,
        seat: Seat,
        member: &Member,
        measured: &Measured,
        relayed: Relayed,
        (at, now): (period::Instant, Instant),
    ) -> PersonSample {
        let gauge = self.seats.entry(seat).or_default();
        let passed = gauge.at.replace(now).map_or(Duration::ZERO, |before| now.duration_since(before));
        let carried = self.relayed.entry((relayed.call, member.person));
        let carried = carried.or_insert(Carried { time: Duration::ZERO, bytes_before: relayed.bytes });
        if relayed.is_now {
            carried.time += passed;
        }
        let kbps = |bytes: u64, before: &mut u64| {
            let more = bytes.saturating_sub(std::mem::replace(before, bytes));
            if passed.is_zero() { 0.0 } else { more as f64 * 8.0 / 1_000.0 / passed.as_secs_f64() }
        };
        let reported = member.measures(at);
        let up_loss = gauge.up_loss_percent(measured.up_packets, measured.up_lost);
        let losses = [up_loss, measured.down_loss_percent.or(reported.loss_percent)];
        PersonSample {
            person: member.person,
            name: member.name.clone(),
            joined_at: member.joined_at,
            up_kbps: kbps(measured.up_bytes, &mut gauge.up_bytes),
            down_kbps: kbps(measured.down_bytes, &mut gauge.down_bytes),
            rtt_ms: measured.rtt_ms.or(reported.rtt_ms),
            jitter_ms: reported.jitter_ms,
            loss_percent: losses.into_iter().flatten().reduce(f64::max),
            up_loss_percent: up_loss,
            concealed_percent: reported.concealed_percent,
            is_relayed: relayed.is_now,
            relayed_seconds: carried.time.as_secs_f64(),
            relayed_bytes: relayed.bytes.saturating_sub(carried.bytes_before),
            is_muted: member.is_muted,
            is_server_muted: member.is_server_muted,
            is_connected: measured.is_connected,
            silent_ms: measured.silent_ms,
        }
    }
}

impl Gauge {
    /// What was lost on the way from the person in the last seconds, in percent; none where too little was sent to say so.
    fn up_loss_percent(&mut self, packets: u64, lost: u64) -> Option<f64> {
        self.packets.push_back((packets, lost));
        if self.packets.len() > LOSS_SECONDS + 1 {
            self.packets.pop_front();
        }
        let (packets_before, lost_before) = *self.packets.front()?;
        let lost = lost.saturating_sub(lost_before);
        let sent = packets.saturating_sub(packets_before) + lost;
        (sent >= LOSS_PACKETS_MIN).then(|| lost as f64 * 100.0 / sent as f64)
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

    #[test]
    fn a_packet_lost_of_the_silence_of_somebody_muted_is_no_percentage() {
        let mut gauge = Gauge::default();
        gauge.up_loss_percent(0, 0);
        assert_eq!(gauge.up_loss_percent(12, 1), None);
    }
}
