//! The parts of days that sums are added up from: taken from what is kept, and the others read at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDate;
use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{Instant, Window, sql_date};
use crate::sales::books::Books;
use crate::sales::sums::kept::{Day, Of, Part, Row, Rows};
use crate::sales::sums::parts_store::Missing;
use crate::sales::sums::windows::{Piece, QUARTER, quarter};

/// The rows that pieces of windows are made of.
#[derive(Default)]
pub struct Parts {
    pub(super) days: BTreeMap<Day, Rows>,
    pub(super) parts: HashMap<(NaiveDate, Part), Rows>,
}

impl Parts {
    /// Those of `needed`, as of `revision`. Of the day `last`, which mostly is still under way, only what is asked for is read, and
    /// less than its whole is not kept.
    pub async fn of(
        db: &mut PgConnection,
        books: &Books,
        revision: i64,
        last: Date,
        needed: &[(Of, Piece)],
    ) -> sqlx::Result<Parts> {
        let mut known = Parts::default();
        let mut missing = Missing::default();
        for range in day_ranges(needed) {
            missing.days.extend(books.kept.get_days(revision, &range, &mut known.days));
        }
        let last = sql_date(last);
        let is_kept = |date: NaiveDate, part: &Part| date != last || matches!(part, Part::Whole(_));
        let mut seen = HashSet::new();
        for (of, piece) in needed {
            for (date, part, window) in places(of, piece, books) {
                let key = (date, part);
                if !is_kept(date, &key.1) {
                    missing.add(key, window);
                } else if seen.insert(key.clone()) {
                    match books.kept.get(revision, key.0, &key.1) {
                        Some(rows) => drop(known.parts.insert(key, rows)),
                        None => missing.add(key.clone(), whole(&key.1, window, books)),
                    }
                }
            }
        }
        if missing.days.is_empty() && missing.parts.is_empty() {
            return Ok(known);
        }
        let read = missing.read(db, books.workspace).await?;
        books.kept.keep_days(revision, read.days.iter().map(|(day, rows)| (*day, Arc::clone(rows))));
        let kept = read.parts.iter().filter(|((date, part), _)| is_kept(*date, part));
        books.kept.keep(revision, kept.map(|((date, part), rows)| (*date, part.clone(), Arc::clone(rows))));
        known.days.extend(read.days);
        known.parts.extend(read.parts);
        Ok(known)
    }

    /// Gives `each` the rows of a piece.
    pub fn rows<'a>(&'a self, of: &Of, piece: &Piece, books: &Books, mut each: impl FnMut(&'a Row)) {
        if let (Of::Tables(dimension), Piece::Days(first, end)) = (of, piece) {
            let days = self.days.range((*dimension, sql_date(*first))..(*dimension, sql_date(*end)));
            return days.for_each(|(_, rows)| rows.iter().for_each(&mut each));
        }
        for (date, part, Window { from, to }) in places(of, piece, books) {
            let key = (date, part);
            let rows: &[Row] = self.parts.get(&key).map_or(&[], |rows| rows);
            let before = |at: Instant| rows.partition_point(|row| row.at < at.timestamp_micros());
            let within = if matches!(key.1, Part::Whole(_)) { 0..rows.len() } else { before(from)..before(to) };
            rows[within].iter().for_each(&mut each);
        }
    }
}

/// The whole days that are needed of tables, as ranges that do not touch.
fn day_ranges(needed: &[(Of, Piece)]) -> Vec<Range<Day>> {
    let mut ranges: Vec<Range<Day>> = needed
        .iter()
        .filter_map(|(of, piece)| match (of, piece) {
            (Of::Tables(by), Piece::Days(first, end)) => Some((*by, sql_date(*first))..(*by, sql_date(*end))),
            _ => None,
        })
        .collect();
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let touches = next.start <= range.end;
        if touches {
            range.end = range.end.max(next.end);
        }
        touches
    });
    ranges
}

/// The parts that a piece lies in, each with its window there; whole days of tables are none.
fn places(of: &Of, piece: &Piece, books: &Books) -> Vec<(NaiveDate, Part, Window)> {
    match (of, *piece) {
        (Of::Tables(_), Piece::Days(..)) => Vec::new(),
        (Of::Ledger(combination), Piece::Days(first, end)) => first
            .series(1.day())
            .take_while(|date| *date < end)
            .map(|date| (sql_date(date), Part::Whole(Arc::clone(combination)), books.calendar.day(date)))
            .collect(),
        (of, Piece::Quarters(date, window)) => vec![(sql_date(date), Part::Quarters(of.clone()), window)],
        (of, Piece::Entries(date, window)) => {
            vec![(sql_date(date), Part::Entries(of.clone(), quarter(window.from)), window)]
        }
    }
}

/// All of a part that `window` lies in, so that it can be kept.
fn whole(part: &Part, window: Window, books: &Books) -> Window {
    let day = books.calendar.day(books.calendar.date(window.from));
    match part {
        Part::Quarters(_) => day,
        Part::Entries(_, quarter) => Window { from: day.from.max(*quarter), to: day.to.min(*quarter + QUARTER) },
        Part::Whole(_) | Part::Values(_) | Part::Hours(_) => window,
    }
}
