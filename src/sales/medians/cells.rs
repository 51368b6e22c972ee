//! Cuts a window into the cells of time that order values are counted in. Pure.

use std::ops::Range;

use chrono::DateTime;

use crate::period::{Instant, Window};
use crate::sales::medians::tree::GRAINS;

const QUARTER_SECONDS: i64 = 15 * 60;

/// Cells one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Their length: 8 ^ grain quarters of an hour.
    pub grain: i16,
    /// Their numbers.
    pub cells: Range<i64>,
}

/// The parts of a window. Added up, those of `ends` by their sign, they are the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Whole quarters of an hour since 1970.
    pub quarters: Range<i64>,
    /// The cells that make them up.
    pub runs: Vec<Run>,
    /// Less than a quarter of an hour each, read from the ledger: what the quarters lack (1), or hold too much (-1). A window's
    /// end is cut from the quarter that it lies in: mostly it is the present, and after it there is nothing to read.
    pub ends: Vec<(i64, Window)>,
}

impl Cut {
    /// Cuts a window.
    pub fn of(window: Window) -> Cut {
        if window.from >= window.to {
            return Cut { quarters: 0..0, runs: Vec::new(), ends: Vec::new() };
        }
        let quarters = quarter_after(window.from)..quarter_after(window.to);
        let end = |sign, from, quarter: i64| (sign, Window { from, to: start(quarter) });
        let ends = [end(1, window.from, quarters.start), end(-1, window.to, quarters.end)];
        Cut {
            runs: runs(quarters.clone()),
            ends: ends.into_iter().filter(|(_, end)| end.from < end.to).collect(),
            quarters,
        }
    }
}

/// The quarter of an hour since 1970, UTC, that holds an instant.
pub fn quarter(at: Instant) -> i64 {
    at.timestamp().div_euclid(QUARTER_SECONDS)
}

/// The first one that does not begin before an instant.
fn quarter_after(at: Instant) -> i64 {
    let quarter = quarter(at);
    if start(quarter) == at { quarter } else { quarter + 1 }
}

fn start(quarter: i64) -> Instant {
    DateTime::from_timestamp(quarter.saturating_mul(QUARTER_SECONDS), 0).unwrap_or(Instant::MAX_UTC)
}

/// The fewest cells that make up some quarters of an hour: what does not fill a longer cell stays in shorter ones.
fn runs(quarters: Range<i64>) -> Vec<Run> {
    let mut out = Vec::new();
    let mut left = quarters;
    for grain in 0..GRAINS {
        let inside = (left.start + 7) >> 3..left.end >> 3;
        if grain + 1 == GRAINS || inside.is_empty() {
            out.push(Run { grain, cells: left });
            break;
        }
        out.push(Run { grain, cells: left.start..inside.start << 3 });
        out.push(Run { grain, cells: inside.end << 3..left.end });
        left = inside;
    }
    out.retain(|run| !run.cells.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Instant {
        Utc.timestamp_opt(seconds, 0).single().expect("an instant")
    }

    proptest! {
        #[test]
        fn cells_and_ends_add_up_to_the_window(from in -5_000_000i64..1_800_000_000, length in prop_oneof![0i64..2_000, 0i64..90_000_000]) {
            let window = Window { from: at(from), to: at(from + length) };
            let cut = Cut::of(window);
            let mut quarters: Vec<Range<i64>> = cut.runs.iter()
                .map(|run| run.cells.start << (3 * run.grain)..run.cells.end << (3 * run.grain))
                .collect();
            quarters.sort_by_key(|part| part.start);
            // No gap and no overlap, and few.
            prop_assert!(quarters.windows(2).all(|pair| pair[0].end == pair[1].start), "{:?}", cut);
            let whole = quarters.first().map_or(0, |q| q.start)..quarters.last().map_or(0, |q| q.end);
            prop_assert!(whole == cut.quarters || whole.is_empty() && cut.quarters.is_empty(), "{:?}", cut);
            let cells: i64 = cut.runs.iter().map(|run| run.cells.end - run.cells.start).sum();
            prop_assert!(cells <= 14 * 4 + length / (4_096 * 900) + 1, "{} cells", cells);
            // And what the ends add and take away is the rest.
            let ends: i64 = cut.ends.iter().map(|(sign, end)| sign * (end.to - end.from).num_seconds()).sum();
            prop_assert_eq!((cut.quarters.end - cut.quarters.start) * 900 + ends, length);
            prop_assert!(cut.ends.iter().all(|(_, end)| end.to - end.from < TimeDelta::minutes(15)));
        }
    }

    #[test]
    fn a_window_that_ends_now_reads_nothing_of_the_past_from_the_ledger() {
        let cut = Cut::of(Window { from: at(1_795_219_200), to: at(1_795_271_407) });
        assert_eq!(cut.ends, [(-1, Window { from: at(1_795_271_407), to: at(1_795_271_400 + 900) })]);
    }
}
