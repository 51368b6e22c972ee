//! What happens when rates arrive, fetched or imported: they are kept, and orders that waited for them get theirs.

use chrono::NaiveDate;
use sqlx::PgPool;

use crate::exchange::{Days, currencies, store};
use crate::live::bus::{Bus, Kind};
use crate::sales;
use crate::sales::books::Books;

/// What was new in a file of rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learned {
    /// Days of which a rate was new.
    pub days: usize,
    /// Currencies of which a rate was new.
    pub currencies: usize,
    /// Orders that had been left out and have a rate now.
    pub orders: u64,
}

/// Why rates were not taken.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// No bank knows tomorrow's rate.
    #[error("there are rates of {0} in it, a day that is still to come: nothing was taken")]
    Future(NaiveDate),
    /// The database refused or was away.
    #[error("the database could not be used: {0}")]
    Database(#[from] sqlx::Error),
}

/// Keeps what of `days` is new, and gives orders that were flagged the rate of their own day. `today` is a day's width
/// generous: somewhere it is tomorrow already.
pub async fn learn(db: &PgPool, bus: &Bus, books: &Books, days: Days, today: NaiveDate) -> Result<Learned, LearnError> {
    if let Some(day) = days.keys().next_back().filter(|day| Some(**day) > today.succ_opt()) {
        return Err(LearnError::Future(*day));
    }
    let added = store::add(db, &books.rates.unknown(days)).await?;
    if added.is_empty() {
        return Ok(Learned::default());
    }
    let orders = sales::store::rate_flagged_orders(db, books).await?;
    bus.tell(Kind::Books).await;
    Ok(Learned { days: added.len(), currencies: currencies(&added).len(), orders })
}
