//! The lanes of a question's watchers: thousands of them are not written to at once but one lane after the other, so that the
//! first does not wait for the last. What a lane has waited for leaves in one piece, as writes are what costs.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast;

/// Sockets of a lane before another one is begun: fewer are written to within five milliseconds.
const LANE_SOCKETS: usize = 500;
/// Lanes of a question at most: more would be woken oftener than it spreads the work.
pub const LANES_MAX: usize = 16;
/// Batches a socket may fall behind before it is served from the database: seconds of a rush, minutes of a quiet day.
const BATCHES_KEPT: usize = 64;

/// One message to every socket, serialised.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The number of the first event in this frame, if it has any.
    pub first_event: Option<i64>,
    /// The number of the last event that is in this frame or before it.
    pub last_event: i64,
    /// With new figures, what they follow on and what they are.
    pub figures: Option<Step>,
    /// For the page, as it goes over the wire.
    pub ours: Bytes,
    /// For clients without a sub-protocol, a message an order, likewise.
    pub legacy: Bytes,
}

/// New figures in a frame, by their versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The figures that the frame says the changes since; `None` where it holds everything.
    pub since: Option<i64>,
    /// The figures that it leads to.
    pub version: i64,
}

/// Frames that leave together.
#[derive(Debug)]
pub struct Batch {
    /// All of them as if they were one.
    pub whole: Frame,
    /// One after the other, for a socket that has some of them.
    pub frames: Vec<Frame>,
}

impl Batch {
    /// Nothing where there is no frame.
    fn of(frames: Vec<Frame>) -> Option<Batch> {
        let whole = match frames.as_slice() {
            [] => return None,
            [one] => one.clone(),
            all => {
                let last = |known: Option<Step>, frame: &Frame| match (known, frame.figures) {
                    (Some(known), Some(step)) => Some(Step { since: known.since, version: step.version }),
                    (known, step) => known.or(step),
                };
                Frame {
                    first_event: all.iter().find_map(|frame| frame.first_event),
                    last_event: all.iter().map(|frame| frame.last_event).max().unwrap_or_default(),
                    figures: all.iter().fold(None, last),
                    ours: joined(all.iter().map(|frame| &frame.ours)),
                    legacy: joined(all.iter().map(|frame| &frame.legacy)),
                }
            }
        };
        Some(Batch { whole, frames })
    }
}

fn joined<'a>(parts: impl Iterator<Item = &'a Bytes>) -> Bytes {
    let mut all = BytesMut::new();
    parts.for_each(|part| all.extend_from_slice(part));
    all.freeze()
}

/// The lanes of a question.
#[derive(Default)]
pub struct Lanes(Mutex<Vec<Lane>>);

struct Lane {
    batches: broadcast::Sender<Arc<Batch>>,
    /// What its sockets are told when it has its turn.
    waiting: Vec<Frame>,
}

impl Lane {
    fn sockets(&self) -> usize {
        self.batches.receiver_count()
    }
}

impl Lanes {
    /// All that is sent from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Batch>> {
        let mut lanes = self.lock();
        let has_room = |lane: &&Lane| lane.sockets() < LANE_SOCKETS || lanes.len() == LANES_MAX;
        if let Some(lane) = lanes.iter().min_by_key(|lane| lane.sockets()).filter(has_room) {
            return lane.batches.subscribe();
        }
        let (batches, receiver) = broadcast::channel(BATCHES_KEPT);
        lanes.push(Lane { batches, waiting: Vec::new() });
        receiver
    }

    /// How many sockets there are.
    pub fn sockets(&self) -> usize {
        self.lock().iter().map(Lane::sockets).sum()
    }

    /// How many lanes there are.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Whether any lane waits for its turn.
    pub fn is_waiting(&self) -> bool {
        self.lock().iter().any(|lane| !lane.waiting.is_empty())
    }

    /// Gives every lane a frame for its next turn.
    pub fn add(&self, frame: &Frame) {
        // Whoever subscribes from now on is greeted with what the frame says.
        self.lock().iter_mut().filter(|lane| lane.sockets() > 0).for_each(|lane| lane.waiting.push(frame.clone()));
    }

    /// Sends what a lane has waited for.
    pub fn send(&self, lane: usize) {
        if let Some(lane) = self.lock().get_mut(lane)
            && let Some(batch) = Batch::of(std::mem::take(&mut lane.waiting))
        {
            // Nobody watching any more is no fault.
            let _ = lane.batches.send(Arc::new(batch));
        }
    }

    /// Those who poisoned the lock left whole lanes behind: each change is one push or one take.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(events: Option<(i64, i64)>, figures: Option<(Option<i64>, i64)>, text: &'static str) -> Frame {
        Frame {
            first_event: events.map(|(first, _)| first),
            last_event: events.map_or(0, |(_, last)| last),
            figures: figures.map(|(since, version)| Step { since, version }),
            ours: Bytes::from_static(text.as_bytes()),
            legacy: Bytes::new(),
        }
    }

    #[test]
    fn a_lane_sends_what_waited_as_one_and_keeps_its_parts() {
        let lanes = Lanes::default();
        let mut watching = lanes.subscribe();
        lanes.add(&frame(Some((5, 6)), None, "a"));
        lanes.add(&frame(None, Some((Some(1), 2)), "b"));
        lanes.add(&frame(Some((7, 7)), Some((Some(2), 3)), "c"));
        assert!(lanes.is_waiting() && watching.try_recv().is_err());
        lanes.send(0);
        let batch = watching.try_recv().expect("a batch");
        assert!(!lanes.is_waiting());
        assert_eq!((batch.whole.first_event, batch.whole.last_event), (Some(5), 7));
        assert_eq!(batch.whole.figures, Some(Step { since: Some(1), version: 3 }));
        assert_eq!((batch.whole.ours.as_ref(), batch.frames.len()), (&b"abc"[..], 3));
        lanes.send(0);
        assert!(watching.try_recv().is_err(), "nothing leaves twice");
    }

    #[test]
    fn thousands_of_sockets_are_spread_over_lanes_and_one_alone_has_one() {
        let lanes = Lanes::default();
        let first = lanes.subscribe();
        assert_eq!((lanes.count(), lanes.sockets()), (1, 1));
        let many: Vec<_> = (1..LANE_SOCKETS * LANES_MAX * 2).map(|_| lanes.subscribe()).collect();
        assert_eq!((lanes.count(), lanes.sockets()), (LANES_MAX, LANE_SOCKETS * LANES_MAX * 2));
        let sizes: Vec<usize> = lanes.lock().iter().map(Lane::sockets).collect();
        assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
        drop((first, many));
        lanes.add(&frame(Some((1, 1)), None, "a"));
        assert!(!lanes.is_waiting(), "nothing waits for nobody");
    }
}
