//! What holds for seats whether or not they have a connection: who is silenced, and who is deaf.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{SEATS_MAX, Seat};

/// Seats that something holds for: as many as there are, and as many that are about to be.
const WISHES_MAX: usize = 2 * SEATS_MAX;

/// What holds for a seat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// Nothing of the person is forwarded.
    pub is_silenced: bool,
    /// Nothing is sent to the person.
    pub is_deaf: bool,
}

/// What holds for all of them.
#[derive(Debug, Default)]
pub struct Wishes(Mutex<HashMap<Seat, Wish>>);

impl Wishes {
    /// What holds for a seat.
    pub fn of(&self, seat: Seat) -> Wish {
        self.lock().get(&seat).copied().unwrap_or_default()
    }

    /// Something else holds from now on.
    pub fn change(&self, seat: Seat, change: impl FnOnce(&mut Wish)) {
        let mut wishes = self.lock();
        let mut wish = wishes.get(&seat).copied().unwrap_or_default();
        change(&mut wish);
        if wish == Wish::default() {
            wishes.remove(&seat);
        } else if wishes.len() < WISHES_MAX || wishes.contains_key(&seat) {
            wishes.insert(seat, wish);
        }
    }

    /// The seat is given up.
    pub fn forget(&self, seat: Seat) {
        self.lock().remove(&seat);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Seat, Wish>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
