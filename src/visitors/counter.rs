//! Where page views are handed in: a queue with a bound, and what did not fit into it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use crate::visitors::answer::Visited;
use crate::visitors::countries::Countries;
use crate::visitors::limit::Limits;
use crate::visitors::model::Hit;

/// Page views that wait to be counted: ten seconds of a large shop's. With the longest paths and names that is 30 MB.
const QUEUE_MAX: usize = 20_000;
/// How long figures stay in memory: whoever looks meanwhile gets the same.
const ANSWER_KEPT: Duration = Duration::from_secs(2);

/// Takes page views. Cheap to clone.
#[derive(Clone)]
pub struct Counter(Arc<Shared>);

struct Shared {
    queue: mpsc::Sender<Hit>,
    dropped: AtomicU64,
    limits: Limits,
    countries: Countries,
    /// The newest figures; whoever makes them anew lets others wait for them.
    answer: Mutex<Option<(Arc<Visited>, Instant)>>,
}

impl Counter {
    /// A counter, and what it is handed, for the writer.
    pub fn new(countries: Countries) -> (Counter, mpsc::Receiver<Hit>) {
        let (queue, hits) = mpsc::channel(QUEUE_MAX);
        let shared = Shared {
            queue,
            dropped: AtomicU64::new(0),
            limits: Limits::default(),
            countries,
            answer: Mutex::default(),
        };
        (Counter(Arc::new(shared)), hits)
    }

    /// How many page views an address may send.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Where countries are found.
    pub fn countries(&self) -> &Countries {
        &self.0.countries
    }

    /// Takes a page view, at once; whether there was room for it.
    pub fn take(&self, hit: Hit) -> bool {
        let is_taken = self.0.queue.try_send(hit).is_ok();
        if !is_taken {
            self.drop_some(1);
        }
        is_taken
    }

    /// Says that page views were not counted.
    pub fn drop_some(&self, hits: u64) {
        self.0.dropped.fetch_add(hits, Relaxed);
    }

    /// How many were not counted since it was asked last.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.swap(0, Relaxed)
    }

    /// The figures of at most [`ANSWER_KEPT`] ago, or those that `make` finds.
    pub async fn answer<E>(&self, make: impl Future<Output = Result<Visited, E>>) -> Result<Arc<Visited>, E> {
        let mut kept = self.0.answer.lock().await;
        match kept.as_ref() {
            Some((answer, made_at)) if made_at.elapsed() < ANSWER_KEPT => Ok(Arc::clone(answer)),
            _ => {
                let answer = Arc::new(make.await?);
                *kept = Some((Arc::clone(&answer), Instant::now()));
                Ok(answer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_counted() {
        let (counter, mut hits) = Counter::new(Countries::default());
        let hit = Hit {
            at: "2026-11-21T14:30:07Z".parse().expect("an instant"),
            address: "192.0.2.1".parse().expect("an address"),
            agent: "Mozilla/5.0".into(),
            host: "shop.example".into(),
            path: "/".into(),
            referrer: None,
        };
        assert!((0..QUEUE_MAX).all(|_| counter.take(hit.clone())));
        assert!(!counter.take(hit.clone()) && !counter.take(hit.clone()));
        assert_eq!((counter.dropped(), counter.dropped()), (2, 0));
        hits.try_recv().expect("one");
        assert!(counter.take(hit));
    }
}
