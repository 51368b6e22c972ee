//! Cuts a window into the whole days, quarters of an hour and single entries that make it up, so that its sum costs the same
//! however many orders there are.
//!
//! Zones have been whole quarters of an hour from UTC in all the years that a question can ask about, so that midnights lie
//! between quarters; where one should not, the pieces are right all the same.

use chrono::{DurationRound as _, TimeDelta};
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::period::{Calendar, Instant, Window, plus};

/// What a window is made of. Added up by their signs, the pieces are the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Whole local days, `[first, end)`.
    Days(Date, Date),
    /// Whole quarters of an hour in UTC that lie in the local day.
    Quarters(Date, Window),
    /// Less than a quarter of an hour in the local day, read from the ledger itself.
    Entries(Date, Window),
}

/// Cuts `window` into signed pieces. On the local day `last`, mostly today, a window's end is cut from the whole day: what comes
/// after the present is nothing, however many orders the day has brought.
pub fn cut(window: Window, calendar: &Calendar, last: Date) -> Vec<(i64, Piece)> {
    let mut out = Vec::new();
    let Window { from, to } = window;
    if from >= to {
        return out;
    }
    let (first, end) = (calendar.date(from), calendar.date(to));
    let midnight = calendar.midnight(first);
    if first < end {
        out.push((1, Piece::Days(first, end)));
        add(&mut out, -1, first, midnight, from);
        let midnight = calendar.midnight(end);
        if midnight < to && end == last {
            add_up_to(&mut out, end, to, calendar);
        } else {
            add(&mut out, 1, end, midnight, to);
        }
    } else if end == last && from == midnight {
        add_up_to(&mut out, end, to, calendar);
    } else if end == last {
        let whole = quarter_after(to).min(calendar.midnight(plus(end, 1.day())));
        add(&mut out, 1, end, from, whole);
        add(&mut out, -1, end, to, whole);
    } else {
        add(&mut out, 1, end, from, to);
    }
    out
}

/// A day up to an instant: the whole, less what comes after.
fn add_up_to(out: &mut Vec<(i64, Piece)>, date: Date, to: Instant, calendar: &Calendar) {
    let next = plus(date, 1.day());
    out.push((1, Piece::Days(date, next)));
    add(out, -1, date, to, calendar.midnight(next));
}

/// A stretch within a day: whole quarters of an hour, and the entries at its ends.
fn add(out: &mut Vec<(i64, Piece)>, sign: i64, date: Date, from: Instant, to: Instant) {
    let mut piece = |of: fn(Date, Window) -> Piece, from: Instant, to: Instant| {
        if from < to {
            out.push((sign, of(date, Window { from, to })));
        }
    };
    let (since, until) = (quarter_after(from), quarter(to));
    if since > until {
        piece(Piece::Entries, from, to);
    } else {
        piece(Piece::Entries, from, since);
        piece(Piece::Quarters, since, until);
        piece(Piece::Entries, until, to);
    }
}

/// How long a bucket is that no zone cuts.
pub const QUARTER: TimeDelta = TimeDelta::minutes(15);

/// The quarter of an hour that holds an instant.
pub fn quarter(at: Instant) -> Instant {
    at.duration_trunc(QUARTER).unwrap_or(at)
}

/// The first whole quarter of an hour not before an instant.
fn quarter_after(at: Instant) -> Instant {
    let floor = quarter(at);
    if floor == at { at } else { floor + QUARTER }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::period::minus;

    /// How often each stretch between two ends of pieces is counted: once inside the window, and never outside.
    fn assert_adds_up(window: Window, pieces: &[(i64, Window)]) -> Result<(), TestCaseError> {
        let mut ends: Vec<Instant> =
            pieces.iter().flat_map(|(_, w)| [w.from, w.to]).chain([window.from, window.to]).collect();
        ends.sort_unstable();
        ends.dedup();
        for stretch in ends.windows(2) {
            let inside = |w: &Window| w.from <= stretch[0] && stretch[1] <= w.to;
            let counted: i64 = pieces.iter().filter(|(_, piece)| inside(piece)).map(|(sign, _)| sign).sum();
            prop_assert_eq!(counted, i64::from(inside(&window)), "{:?}", stretch);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn pieces_add_up_to_the_window(
            from in 1_500_000_000i64..1_800_000_000, length in 0i64..10_000_000, short in any::<bool>(), until_last in 0i64..3,
            zone in "Europe/London|Asia/Kathmandu|Australia/Lord_Howe|America/New_York",
        ) {
            let length = if short { length % 200_000 } else { length };
            let at = |seconds| Utc.timestamp_opt(seconds, 0).single().expect("an instant");
            let calendar = Calendar::new(&zone, 1).expect("a zone");
            let window = Window { from: at(from), to: at(from + length) };
            let last = minus(calendar.date(window.to), (1 - until_last).days());
            let cut = cut(window, &calendar, last);
            let pieces: Vec<(i64, Window)> = cut.iter().map(|(sign, piece)| (*sign, match piece {
                Piece::Days(first, end) => Window { from: calendar.midnight(*first), to: calendar.midnight(*end) },
                Piece::Quarters(_, window) | Piece::Entries(_, window) => *window,
            })).collect();
            assert_adds_up(window, &pieces)?;
            for (_, piece) in cut {
                if let Piece::Quarters(date, window) | Piece::Entries(date, window) = piece {
                    let day = calendar.day(date);
                    prop_assert!(day.from <= window.from && window.to <= day.to);
                }
                if let Piece::Entries(_, window) = piece {
                    prop_assert!(quarter_after(window.from + TimeDelta::microseconds(1)) >= window.to);
                }
            }
        }
    }

    #[test]
    fn of_the_last_day_nothing_before_the_present_is_read_but_the_day_itself() {
        let calendar = Calendar::new("Europe/London", 1).expect("a zone");
        let today: Date = "2026-06-10".parse().expect("a date");
        let now = calendar.midnight(today) + TimeDelta::minutes(601);
        let so_far = cut(Window { from: calendar.midnight(minus(today, 3.days())), to: now }, &calendar, today);
        for (_, piece) in so_far {
            match piece {
                Piece::Days(..) => {}
                Piece::Quarters(_, window) | Piece::Entries(_, window) => assert!(window.from >= now),
            }
        }
    }
}
