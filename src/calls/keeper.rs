//! What the server knows of its calls: the newest sample, what is the matter, and what waits to be written. Fed once a second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::calls::alerts::{Alert, Watch};
use crate::calls::history::{Folder, Waiting};
use crate::calls::model::{Carried, Moment};
use crate::calls::store;
use crate::period::Instant;
use crate::voice::monitor::Sample;

/// Points of the chart of what is carried: a quarter of an hour of ten seconds each.
const CARRIED_MAX: usize = 90;
/// How long the month's sum is said before it is read again.
const MONTH_KNOWN_FOR: Duration = Duration::from_secs(30);
/// Seconds of a point.
pub const CARRIED_SECONDS: i64 = 10;

/// The calls of this server. Cheap to clone.
#[derive(Clone, Default)]
pub struct Calls(Arc<Inner>);

struct Inner {
    now: watch::Sender<Arc<Moment>>,
    looking: Mutex<Looking>,
    waiting: Mutex<Waiting>,
    /// Somebody wants what is old deleted now.
    forget: Notify,
    /// The month whose relayed seconds were read last, when that was, and how many they are.
    month: tokio::sync::Mutex<Option<(Instant, tokio::time::Instant, f64)>>,
}

/// What is made of one sample after the other.
#[derive(Default)]
struct Looking {
    watch: Watch,
    folder: Folder,
    carried: VecDeque<Carried>,
}

impl Default for Inner {
    fn default() -> Inner {
        Inner {
            now: watch::channel(Arc::default()).0,
            looking: Mutex::default(),
            waiting: Mutex::default(),
            forget: Notify::new(),
            month: tokio::sync::Mutex::default(),
        }
    }
}

/// A task that panicked has left nothing half-done here: each sample is looked at anew.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Calls {
    /// The newest moment.
    pub fn now(&self) -> Arc<Moment> {
        self.0.now.borrow().clone()
    }

    /// All moments from now on; who is slow gets the newest alone.
    pub fn moments(&self) -> watch::Receiver<Arc<Moment>> {
        self.0.now.subscribe()
    }

    /// Takes samples until the server stops, then hands on what is not complete.
    pub async fn run(self, mut samples: watch::Receiver<Arc<Sample>>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                changed = samples.changed() => {
                    // Who samples has ended: nothing changes any more.
                    if changed.is_err() {
                        stop.cancelled().await;
                        break;
                    }
                    let sample = samples.borrow_and_update().clone();
                    self.take(sample);
                }
            }
        }
        let mut looking = held(&self.0.looking);
        let mut waiting = held(&self.0.waiting);
        // As they are at the end: seconds without a connection are not told one by one.
        waiting.alerts.extend(looking.watch.alerts().into_iter().map(|alert| (alert.id, alert)));
        looking.folder.stop(&mut waiting);
    }

    fn take(&self, sample: Arc<Sample>) {
        let mut looking = held(&self.0.looking);
        let changed = looking.watch.look(&sample);
        {
            let mut waiting = held(&self.0.waiting);
            waiting.alerts.extend(changed.into_iter().map(|alert| (alert.id, alert)));
            looking.folder.add(&sample, &mut waiting);
        }
        let moment = Moment { sample, ..Moment::default() };
        let (up, down) = moment.carries();
        carry(&mut looking.carried, moment.sample.at, up, down);
        self.publish(&looking, moment.sample);
    }

    fn publish(&self, looking: &Looking, sample: Arc<Sample>) {
        let carried = looking.carried.iter().copied().collect();
        let alerts = looking.watch.alerts();
        self.0.now.send_replace(Arc::new(Moment { sample, alerts, carried, ..Moment::default() }));
    }

    /// Somebody has seen an alert; none where there is none of this number.
    pub fn acknowledge(&self, id: i64, by: &str, at: Instant) -> Option<Alert> {
        let mut looking = held(&self.0.looking);
        let alert = looking.watch.acknowledge(id, by, at)?;
        held(&self.0.waiting).alerts.insert(id, alert.clone());
        let sample = self.now().sample.clone();
        self.publish(&looking, sample);
        Some(alert)
    }

    /// What waits to be written; nothing waits then.
    pub(super) fn waiting(&self) -> Waiting {
        std::mem::take(&mut held(&self.0.waiting))
    }

    /// It could not be written.
    pub(super) fn put_back(&self, waiting: Waiting) {
        held(&self.0.waiting).put_back(waiting);
    }

    /// How long the relay has carried people since a month began, in seconds: read once in a while for all who look, since a month
    /// may have tens of thousands of calls.
    pub async fn month_seconds(&self, db: &mut PgConnection, workspace: i32, began: Instant) -> sqlx::Result<f64> {
        let mut month = self.0.month.lock().await;
        if let Some((known, at, seconds)) = *month
            && known == began
            && at.elapsed() < MONTH_KNOWN_FOR
        {
            return Ok(seconds);
        }
        let seconds = store::relayed_since(db, workspace, began).await?;
        *month = Some((began, tokio::time::Instant::now(), seconds));
        Ok(seconds)
    }

    /// Has what is old deleted soon.
    pub fn forget_soon(&self) {
        self.0.forget.notify_one();
    }

    pub(super) async fn forget_asked(&self) {
        self.0.forget.notified().await;
    }
}

/// Adds what is carried to its ten seconds.
fn carry(carried: &mut VecDeque<Carried>, at: Instant, up_kbps: f64, down_kbps: f64) {
    let from = at.timestamp().div_euclid(CARRIED_SECONDS) * CARRIED_SECONDS;
    let from = chrono::DateTime::from_timestamp(from, 0).unwrap_or_default();
    match carried.back_mut().filter(|last| last.at == from) {
        Some(last) => {
            let (before, after) = (f64::from(last.samples), f64::from(last.samples + 1));
            last.up_kbps = (last.up_kbps * before + up_kbps) / after;
            last.down_kbps = (last.down_kbps * before + down_kbps) / after;
            last.samples += 1;
        }
        None => carried.push_back(Carried { at: from, up_kbps, down_kbps, samples: 1 }),
    }
    while carried.len() > CARRIED_MAX {
        carried.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_is_carried_is_a_mean_of_ten_seconds_for_a_quarter_of_an_hour() {
        let noon: Instant = "2026-11-21T12:00:00Z".parse().expect("an instant");
        let mut carried = VecDeque::new();
        for second in 0..1_200 {
            carry(&mut carried, noon + TimeDelta::seconds(second), second as f64, 2.0);
        }
        assert_eq!(carried.len(), CARRIED_MAX);
        let last = carried.back().expect("a point");
        assert_eq!((last.at, last.samples), (noon + TimeDelta::seconds(1_190), 10));
        assert!((last.up_kbps - 1_194.5).abs() < 0.001 && (last.down_kbps - 2.0).abs() < 0.001);
    }

    #[tokio::test]
    async fn a_sample_is_a_moment_and_the_end_is_no_spin() {
        let (sender, receiver) = watch::channel(Arc::new(Sample::default()));
        let (calls, stop) = (Calls::default(), CancellationToken::new());
        let mut moments = calls.moments();
        let running = tokio::spawn(calls.clone().run(receiver, stop.clone()));
        let at: Instant = "2026-11-21T12:00:00Z".parse().expect("an instant");
        sender.send_replace(Arc::new(Sample { at, ..Sample::default() }));
        moments.changed().await.expect("a moment");
        assert_eq!((calls.now().at(), calls.now().carried.len()), (Some(at), 1));
        drop(sender);
        stop.cancel();
        running.await.expect("an end");
    }
}
