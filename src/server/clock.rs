//! The clock of the server. Tests set it; nothing else in the program asks the time of the day.

use std::sync::{Arc, Mutex};

use chrono::Utc;

use crate::period::Instant;

/// Tells the time: the system's, or what a test set. Cheap to clone.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<Mutex<Instant>>>);

impl Clock {
    /// A clock that stands at `now` until it is set again.
    pub fn fixed(now: Instant) -> Clock {
        Clock(Some(Arc::new(Mutex::new(now))))
    }

    /// Moves a fixed clock; the system's clock is not ours to move.
    pub fn set(&self, now: Instant) {
        if let Some(mut fixed) = self.0.as_ref().and_then(|fixed| fixed.lock().ok()) {
            *fixed = now;
        }
    }

    /// The time, to the microsecond that PostgreSQL keeps.
    pub fn now(&self) -> Instant {
        let now = self.0.as_ref().and_then(|fixed| fixed.lock().ok().map(|now| *now)).unwrap_or_else(Utc::now);
        crate::sales::snapshot::watermark(now)
    }
}
