//! What every recording and every figure of a workspace needs to know: its currency, its calendar, the rates.

use std::sync::Arc;

use crate::exchange::Rates;
use crate::money::Currency;
use crate::period::Calendar;

/// A workspace's settings with the exchange rates. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {
    /// The workspace.
    pub workspace: i32,
    /// The reporting currency.
    pub currency: Currency,
    /// Its zone and first day of the week.
    pub calendar: Calendar,
    /// Exchange rates.
    pub rates: Arc<Rates>,
}
