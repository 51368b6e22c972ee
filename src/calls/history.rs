//! What is kept of calls: samples folded into rows of ten seconds, and what waits to be written. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use chrono::DateTime;

use crate::calls::alerts::Alert;
use crate::calls::model::Means;
use crate::period::Instant;
use crate::voice::monitor::{CallSample, PersonSample, Sample};

/// How long a row is: an hour of a person is 360 of them.
pub const ROW_SECONDS: i64 = 10;
/// Rows that wait for the database at most: ten minutes of 300 people. Beyond what is said here the oldest are dropped.
const ROWS_MAX: usize = 18_000;
/// The same of calls: a day of a hundred rooms in which one call follows the other each half hour.
const CALLS_MAX: usize = 5_000;
/// The same of people in calls: four in each of them.
const PEOPLE_MAX: usize = 20_000;
/// The same of alerts: one of each of those calls.
const ALERTS_MAX: usize = 5_000;

/// A call as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRow {
    /// Its number.
    pub id: i64,
    /// The room's number.
    pub room: i32,
    /// The room's name.
    pub name: String,
    /// When it began.
    pub began_at: Instant,
    /// When it was sampled last.
    pub seen_at: Instant,
    /// When it ended; none while it goes on.
    pub ended_at: Option<Instant>,
}

/// Somebody in a call as they are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonRow {
    /// Their name.
    pub name: String,
    /// When they came first.
    pub joined_at: Instant,
    /// When they were sampled last.
    pub seen_at: Instant,
    /// How long the relay has carried them, in seconds.
    pub relayed_seconds: f64,
    /// How much.
    pub relayed_bytes: i64,
}

/// Somebody for ten seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRow {
    /// The call.
    pub call: i64,
    /// Who.
    pub person: i32,
    /// When the ten seconds began.
    pub at: Instant,
    /// Means of what was measured.
    pub means: Means,
    /// Whether it was relayed at any time.
    pub is_relayed: bool,
}

/// What waits to be written. What is written again takes the place of what was.
#[derive(Debug, Default, PartialEq)]
pub struct Waiting {
    /// Calls by their numbers.
    pub calls: HashMap<i64, CallRow>,
    /// People by call and number.
    pub people: HashMap<(i64, i32), PersonRow>,
    /// Rows of samples, the oldest first.
    pub rows: Vec<SampleRow>,
    /// Alerts by their numbers.
    pub alerts: HashMap<i64, Alert>,
    /// What was dropped since it was asked last.
    pub dropped: Dropped,
}

/// How many were dropped because the database was away for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Calls.
    pub calls: usize,
    /// People in calls.
    pub people: usize,
    /// Rows of samples.
    pub rows: usize,
    /// Alerts.
    pub alerts: usize,
}

impl Waiting {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.people.is_empty() && self.rows.is_empty() && self.alerts.is_empty()
    }

    /// Puts back what could not be written, under what has come in the meantime.
    pub fn put_back(&mut self, old: Waiting) {
        for (id, call) in old.calls {
            self.calls.entry(id).or_insert(call);
        }
        for (key, person) in old.people {
            self.people.entry(key).or_insert(person);
        }
        for (id, alert) in old.alerts {
            self.alerts.entry(id).or_insert(alert);
        }
        let newer = std::mem::replace(&mut self.rows, old.rows);
        self.rows.extend(newer);
        self.bound();
    }

    /// Drops the oldest of what is too much.
    pub fn bound(&mut self) {
        let too_many = self.rows.len().saturating_sub(ROWS_MAX);
        self.rows.drain(..too_many);
        self.dropped.rows += too_many;
        self.dropped.calls += drop_oldest(&mut self.calls, CALLS_MAX, |call| call.seen_at);
        self.dropped.people += drop_oldest(&mut self.people, PEOPLE_MAX, |person| person.seen_at);
        self.dropped.alerts += drop_oldest(&mut self.alerts, ALERTS_MAX, |alert| alert.raised_at);
    }
}

/// Takes the oldest from a map until no more than `most` are left; returns how many those were.
fn drop_oldest<K: Copy + Ord + Hash, V>(map: &mut HashMap<K, V>, most: usize, age: impl Fn(&V) -> Instant) -> usize {
    let too_many = map.len().saturating_sub(most);
    if too_many > 0 {
        let mut keys: Vec<(Instant, K)> = map.iter().map(|(key, value)| (age(value), *key)).collect();
        keys.select_nth_unstable(too_many - 1);
        for (_, key) in &keys[..too_many] {
            map.remove(key);
        }
    }
    too_many
}

/// A mean in the making.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.sum += value;
            self.count += 1;
        }
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// Somebody's samples of the running ten seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    slot: i64,
    up: Mean,
    down: Mean,
    rtt: Mean,
    jitter: Mean,
    loss: Mean,
    concealed: Mean,
    score: Mean,
    is_relayed: bool,
}

impl Sums {
    fn add(&mut self, person: &PersonSample) {
        let means = Means::of(person);
        self.up.add(means.up_kbps);
        self.down.add(means.down_kbps);
        self.rtt.add(means.rtt_ms);
        self.jitter.add(means.jitter_ms);
        self.loss.add(means.loss_percent);
        self.concealed.add(means.concealed_percent);
        self.score.add(means.score);
        self.is_relayed |= person.is_relayed;
    }

    fn row(&self, (call, person): (i64, i32)) -> SampleRow {
        let means = Means {
            up_kbps: self.up.value(),
            down_kbps: self.down.value(),
            rtt_ms: self.rtt.value(),
            jitter_ms: self.jitter.value(),
            loss_percent: self.loss.value(),
            concealed_percent: self.concealed.value(),
            score: self.score.value(),
        };
        SampleRow { call, person, at: slot_time(self.slot), means, is_relayed: self.is_relayed }
    }
}

/// The ten seconds that hold an instant.
fn slot(at: Instant) -> i64 {
    at.timestamp().div_euclid(ROW_SECONDS)
}

/// When ten seconds began.
fn slot_time(slot: i64) -> Instant {
    DateTime::from_timestamp(slot * ROW_SECONDS, 0).unwrap_or_default()
}

/// Folds samples into what is written.
#[derive(Debug, Default)]
pub struct Folder {
    /// Calls that go on, with the slot in which they were handed on last.
    calls: BTreeMap<i64, (CallRow, i64)>,
    sums: HashMap<(i64, i32), (Sums, PersonRow)>,
}

impl Folder {
    /// Adds a sample; what is complete goes to `waiting`.
    pub fn add(&mut self, sample: &Sample, waiting: &mut Waiting) {
        let now = slot(sample.at);
        let goes_on = |id: i64| sample.calls.iter().any(|call| call.id == id);
        let ended: Vec<i64> = self.calls.keys().copied().filter(|id| !goes_on(*id)).collect();
        for id in ended {
            if let Some((mut row, _)) = self.calls.remove(&id) {
                row.ended_at = Some(row.seen_at);
                waiting.calls.insert(id, row);
            }
        }
        self.hand_on(sample, now, waiting);
        for call in &sample.calls {
            let row = row_of(call, sample.at);
            if self.calls.get(&call.id).is_none_or(|(_, written)| *written != now) {
                waiting.calls.insert(call.id, row.clone());
            }
            self.calls.insert(call.id, (row, now));
            for person in &call.people {
                let key = (call.id, person.person);
                let row = person_row(person, sample.at);
                if !self.sums.contains_key(&key) {
                    waiting.people.insert(key, row.clone());
                }
                let sums = self.sums.entry(key).or_insert((Sums { slot: now, ..Sums::default() }, row.clone()));
                sums.0.add(person);
                sums.1 = row;
            }
        }
        waiting.bound();
    }

    /// Hands on rows that are complete: their ten seconds are over, or their person has left.
    fn hand_on(&mut self, sample: &Sample, now: i64, waiting: &mut Waiting) {
        let people = sample.calls.iter().flat_map(|call| call.people.iter().map(|person| (call.id, person.person)));
        let present: HashSet<(i64, i32)> = people.collect();
        let (mut rows, people) = (Vec::new(), &mut waiting.people);
        self.sums.retain(|key, (sums, person)| {
            let stays = sums.slot == now && present.contains(key);
            if !stays {
                rows.push(sums.row(*key));
                people.insert(*key, person.clone());
            }
            stays
        });
        rows.sort_by_key(|row| (row.at, row.call, row.person));
        waiting.rows.extend(rows);
    }

    /// The server stops: hands on what there is. Calls end with it, when they were sampled last: whoever comes back to a room
    /// begins another one.
    pub fn stop(&mut self, waiting: &mut Waiting) {
        let mut rows = Vec::with_capacity(self.sums.len());
        for (key, (sums, person)) in self.sums.drain() {
            rows.push(sums.row(key));
            waiting.people.insert(key, person);
        }
        rows.sort_by_key(|row| (row.at, row.call, row.person));
        waiting.rows.extend(rows);
        for (id, (row, _)) in std::mem::take(&mut self.calls) {
            let row = CallRow { ended_at: Some(row.seen_at), ..row };
            waiting.calls.insert(id, row);
        }
        waiting.bound();
    }
}

fn row_of(call: &CallSample, at: Instant) -> CallRow {
    CallRow {
        id: call.id,
        room: call.room,
        name: call.name.clone(),
        began_at: call.began_at,
        seen_at: at,
        ended_at: None,
    }
}

fn person_row(person: &PersonSample, at: Instant) -> PersonRow {
    PersonRow {
        name: person.name.clone(),
        joined_at: person.joined_at,
        seen_at: at,
        relayed_seconds: person.relayed_seconds.max(0.0),
        relayed_bytes: i64::try_from(person.relayed_bytes).unwrap_or(i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn sample(second: i64, people: &[(i32, f64, Option<f64>)]) -> Sample {
        let noon: Instant = "2026-11-21T12:00:00Z".parse().expect("an instant");
        let person = |&(person, up_kbps, rtt_ms): &(i32, f64, Option<f64>)| PersonSample {
            person,
            name: format!("person {person}"),
            up_kbps,
            rtt_ms,
            is_connected: true,
            ..PersonSample::default()
        };
        let people: Vec<PersonSample> = people.iter().map(person).collect();
        let call = CallSample { id: 7, room: 1, name: "Sales".into(), began_at: noon, people };
        let calls = if call.people.is_empty() { Vec::new() } else { vec![call] };
        Sample { at: noon + TimeDelta::seconds(second), calls }
    }

    #[test]
    fn ten_seconds_are_a_row_of_means() {
        let (mut folder, mut waiting) = (Folder::default(), Waiting::default());
        for second in 0..10 {
            folder.add(&sample(second, &[(1, 30.0 + second as f64, (second % 2 == 0).then_some(40.0))]), &mut waiting);
        }
        assert_eq!(waiting.rows, [], "the ten seconds are not over");
        assert_eq!((waiting.calls.len(), waiting.people.len()), (1, 1));
        folder.add(&sample(10, &[(1, 99.0, None)]), &mut waiting);
        let [row] = &waiting.rows[..] else { panic!("a row: {:?}", waiting.rows) };
        assert_eq!((row.call, row.person, row.at), (7, 1, sample(0, &[]).at));
        assert_eq!((row.means.up_kbps, row.means.rtt_ms, row.means.jitter_ms), (Some(34.5), Some(40.0), None));
    }

    #[test]
    fn who_leaves_and_a_call_that_ends_are_written_at_once() {
        let (mut folder, mut waiting) = (Folder::default(), Waiting::default());
        folder.add(&sample(0, &[(1, 30.0, None), (2, 20.0, None)]), &mut waiting);
        folder.add(&sample(1, &[(1, 30.0, None)]), &mut waiting);
        assert_eq!(waiting.rows.iter().map(|row| row.person).collect::<Vec<_>>(), [2]);
        folder.add(&sample(2, &[]), &mut waiting);
        assert_eq!(waiting.rows.len(), 2);
        assert_eq!(waiting.calls[&7].ended_at, Some(sample(1, &[]).at), "it ended when somebody was seen last");
        let (mut folder, mut waiting) = (Folder::default(), Waiting::default());
        folder.add(&sample(0, &[(1, 30.0, None)]), &mut waiting);
        folder.stop(&mut waiting);
        assert_eq!(waiting.rows.len(), 1);
        assert_eq!(waiting.calls[&7].ended_at, Some(sample(0, &[]).at), "a server that stops ends its calls");
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_newer_stays() {
        let (mut folder, mut waiting) = (Folder::default(), Waiting::default());
        folder.add(&sample(0, &[(1, 30.0, None)]), &mut waiting);
        let mut old = std::mem::take(&mut waiting);
        folder.add(&sample(1, &[]), &mut waiting);
        let row = waiting.rows[0].clone();
        old.rows = vec![SampleRow { person: 9, ..row.clone() }; ROWS_MAX];
        let call = old.calls[&7].clone();
        // Older than the one that goes on, all but one of them.
        let second = |n: i64| call.began_at + TimeDelta::seconds(n - CALLS_MAX as i64 - 1);
        old.calls = (0..CALLS_MAX as i64)
            .map(|n| (n + 100, CallRow { id: n + 100, seen_at: second(n), ..call.clone() }))
            .collect();
        waiting.put_back(old);
        assert_eq!((waiting.rows.len(), waiting.calls.len()), (ROWS_MAX, CALLS_MAX));
        assert_eq!(waiting.dropped, Dropped { rows: 1, calls: 1, ..Dropped::default() });
        assert!(!waiting.calls.contains_key(&100) && waiting.calls.contains_key(&101), "the oldest goes");
        assert_eq!(waiting.rows.last(), Some(&row));
        assert!(waiting.calls[&7].ended_at.is_some());
    }
}
