//! Cuts a window into the whole days, the quarters of an hour and the bare moments that make it up, so that its sum
//! costs the same however many orders there are.

use chrono::{DurationRound as _, NaiveDate, TimeDelta};
use jiff::ToSpan as _;

use crate::period::{Calendar, Instant, Window, plus, sql_date};

/// The pieces of a window; they join without gap or overlap.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Whole local days, `[from, to)`.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Whole quarters of an hour in UTC.
    pub quarters: Vec<Window>,
    /// Less than a quarter of an hour each: read from the ledger itself.
    pub moments: Vec<Window>,
}

/// Cuts `window`.
pub fn pieces(window: Window, calendar: &Calendar) -> Pieces {
    let mut out = Pieces::default();
    let first_date = calendar.date(window.from);
    let first = if calendar.midnight(first_date) >= window.from { first_date } else { plus(first_date, 1.day()) };
    let last = calendar.date(window.to);
    if first < last {
        out.days = Some((sql_date(first), sql_date(last)));
        out.cut_quarters(Window { from: window.from, to: calendar.midnight(first) });
        out.cut_quarters(Window { from: calendar.midnight(last), to: window.to });
    } else {
        out.cut_quarters(window);
    }
    out
}

/// The quarter of an hour that holds an instant.
pub fn quarter(at: Instant) -> Instant {
    at.duration_trunc(TimeDelta::minutes(15)).unwrap_or(at)
}

impl Pieces {
    fn cut_quarters(&mut self, window: Window) {
        let floor = quarter(window.from);
        let from = if floor == window.from { floor } else { floor + TimeDelta::minutes(15) };
        let to = quarter(window.to);
        if from < to {
            self.quarters.push(Window { from, to });
            self.add_moment(window.from, from);
            self.add_moment(to, window.to);
        } else {
            self.add_moment(window.from, window.to);
        }
    }

    fn add_moment(&mut self, from: Instant, to: Instant) {
        if from < to {
            self.moments.push(Window { from, to });
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_join_without_gap_or_overlap(
            from in 1_500_000_000i64..1_800_000_000, length in 0i64..10_000_000,
            zone in "Europe/London|Asia/Kathmandu|Australia/Lord_Howe|America/New_York",
        ) {
            let at = |seconds| Utc.timestamp_opt(seconds, 0).single().expect("an instant");
            let calendar = Calendar::new(&zone, 1).expect("a zone");
            let window = Window { from: at(from), to: at(from + length) };
            let cut = pieces(window, &calendar);
            let mut parts: Vec<Window> = cut.quarters.iter().chain(&cut.moments).copied().collect();
            if let Some((first, last)) = cut.days {
                let midnight = |d: NaiveDate| calendar.midnight(d.to_string().parse().expect("a date"));
                parts.push(Window { from: midnight(first), to: midnight(last) });
            }
            parts.sort_by_key(|part| part.from);
            let mut end = window.from;
            for part in parts {
                prop_assert_eq!(part.from, end);
                end = part.to;
            }
            prop_assert_eq!(end, window.to);
            prop_assert!(cut.moments.iter().all(|m| m.to - m.from < TimeDelta::minutes(15) || cut.quarters.is_empty()));
        }
    }
}
