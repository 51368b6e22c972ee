//! Cuts a window into the whole days, quarters of an hour and minutes that make it up, so that its sum costs the same
//! however many orders there are.

use chrono::{DurationRound as _, NaiveDate, TimeDelta};
use jiff::ToSpan as _;

use crate::period::{Calendar, Instant, Window, plus, sql_date};

/// The pieces of a window. Added up, those of `moments` by their sign, they are the window.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Whole local days, `[from, to)`.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Whole quarters of an hour in UTC.
    pub quarters: Vec<Window>,
    /// Whole minutes in UTC.
    pub minutes: Vec<Window>,
    /// Less than a minute each, read from the ledger itself: what the minutes lack (1), or hold too much (-1). A
    /// window's end is always cut from the minute that it lies in: mostly it is the present, and after it
    /// there is nothing to read, however many orders the running minute has brought.
    pub moments: Vec<(i32, Window)>,
}

/// Cuts `window` down to minutes.
pub fn pieces(window: Window, calendar: &Calendar) -> Pieces {
    pieces_down_to(TimeDelta::minutes(1), window, calendar)
}

/// The whole quarters of an hour that a window is made of, and the moments that they lack or hold too much, as in
/// [`Pieces::moments`] but up to a quarter of an hour long.
pub fn whole_quarters(window: Window) -> (Window, Vec<(i32, Window)>) {
    let step = TimeDelta::minutes(15);
    let mut out = Pieces::default();
    let (from, to) = (step_after(window.from, step), step_after(window.to.max(window.from), step));
    out.add_moment(1, window.from, from);
    out.add_moment(-1, window.to.max(window.from), to);
    (Window { from, to }, out.moments)
}

/// Cuts `window` down to quarters of an hour: there are no minutes by dimension. The moments are as long as that.
pub fn coarse_pieces(window: Window, calendar: &Calendar) -> Pieces {
    pieces_down_to(TimeDelta::minutes(15), window, calendar)
}

fn pieces_down_to(step: TimeDelta, window: Window, calendar: &Calendar) -> Pieces {
    let mut out = Pieces::default();
    if window.from >= window.to {
        return out;
    }
    let (from, to) = (step_after(window.from, step), step_after(window.to, step));
    out.add_moment(1, window.from, from);
    out.add_moment(-1, window.to, to);
    let first_date = calendar.date(from);
    let first = if calendar.midnight(first_date) >= from { first_date } else { plus(first_date, 1.day()) };
    let last = calendar.date(to);
    if first < last {
        out.days = Some((sql_date(first), sql_date(last)));
        out.cut_quarters(from, calendar.midnight(first));
        out.cut_quarters(calendar.midnight(last), to);
    } else {
        out.cut_quarters(from, to);
    }
    out
}

/// The minute that holds an instant.
pub fn minute(at: Instant) -> Instant {
    at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at)
}

/// The quarter of an hour that holds an instant.
pub fn quarter(at: Instant) -> Instant {
    at.duration_trunc(TimeDelta::minutes(15)).unwrap_or(at)
}

/// The first whole step not before an instant.
fn step_after(at: Instant, step: TimeDelta) -> Instant {
    let floor = at.duration_trunc(step).unwrap_or(at);
    if floor == at { at } else { floor + step }
}

impl Pieces {
    /// Takes whole minutes, by quarters of an hour where there are.
    fn cut_quarters(&mut self, from: Instant, to: Instant) {
        let (floor, until) = (quarter(from), quarter(to));
        let since = if floor == from { floor } else { floor + TimeDelta::minutes(15) };
        if since < until {
            add(&mut self.minutes, from, since);
            add(&mut self.quarters, since, until);
            add(&mut self.minutes, until, to);
        } else {
            add(&mut self.minutes, from, to);
        }
    }

    fn add_moment(&mut self, sign: i32, from: Instant, to: Instant) {
        if from < to {
            self.moments.push((sign, Window { from, to }));
        }
    }
}

fn add(parts: &mut Vec<Window>, from: Instant, to: Instant) {
    if from < to {
        parts.push(Window { from, to });
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_add_up_to_the_window(
            from in 1_500_000_000i64..1_800_000_000, length in 0i64..10_000_000, short in any::<bool>(), coarse in any::<bool>(),
            zone in "Europe/London|Asia/Kathmandu|Australia/Lord_Howe|America/New_York",
        ) {
            let length = if short { length % 200 } else { length };
            let at = |seconds| Utc.timestamp_opt(seconds, 0).single().expect("an instant");
            let calendar = Calendar::new(&zone, 1).expect("a zone");
            let window = Window { from: at(from), to: at(from + length) };
            let cut = if coarse { coarse_pieces(window, &calendar) } else { pieces(window, &calendar) };
            let whole = cut.quarters.iter().chain(&cut.minutes).map(|part| (1, *part));
            let mut parts: Vec<(i32, Window)> = whole.chain(cut.moments.iter().copied()).collect();
            if let Some((first, last)) = cut.days {
                let midnight = |d: NaiveDate| calendar.midnight(d.to_string().parse().expect("a date"));
                parts.push((1, Window { from: midnight(first), to: midnight(last) }));
            }
            // How often each stretch between two ends of parts is counted.
            let mut ends: Vec<Instant> = parts.iter().flat_map(|(_, p)| [p.from, p.to]).chain([window.from, window.to]).collect();
            ends.sort_unstable();
            ends.dedup();
            for stretch in ends.windows(2) {
                let inside = |w: &Window| w.from <= stretch[0] && stretch[1] <= w.to;
                let counted: i32 = parts.iter().filter(|(_, part)| inside(part)).map(|(sign, _)| sign).sum();
                prop_assert_eq!(counted, i32::from(inside(&window)), "{:?}", stretch);
            }
            let step = if coarse { 15 } else { 1 };
            prop_assert!(cut.moments.iter().all(|(_, m)| m.to - m.from < TimeDelta::minutes(step)));
            prop_assert!(!coarse || cut.minutes.is_empty());
            prop_assert!(cut.minutes.iter().map(|m| (m.to - m.from).num_minutes()).sum::<i64>() <= 29);
        }
    }
}
