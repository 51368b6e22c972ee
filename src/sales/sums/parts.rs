//! The parts of days that sums are added up from: taken from what is kept, and the others read at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDate;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{Instant, Window, sql_date};
use crate::sales::books::Books;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::{Day, Part, Row, Rows};
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
    /// it is not kept.
    pub async fn of(
        db: &mut PgConnection,
        books: &Books,
        revision: i64,
        last: Date,
        needed: &[(Option<Dimension>, Piece)],
    ) -> sqlx::Result<Parts> {
        let mut known = Parts::default();
        let mut missing = Missing::default();
        for range in day_ranges(needed) {
            missing.days.extend(books.kept.get_days(revision, &range, &mut known.days));
        }
        let mut seen = HashSet::new();
        for (dimension, piece) in needed {
            let Some((date, part, window)) = place(*dimension, piece) else { continue };
            let key = (sql_date(date), part);
            if date == last {
                missing.add(key, window);
            } else if seen.insert(key.clone()) {
                match books.kept.get(revision, key.0, &key.1) {
                    Some(rows) => drop(known.parts.insert(key, rows)),
                    None => missing.add(key.clone(), whole(&key.1, date, window, books)),
                }
            }
        }
        if missing.days.is_empty() && missing.parts.is_empty() {
            return Ok(known);
        }
        let read = missing.read(db, books.workspace).await?;
        let last = sql_date(last);
        books.kept.keep_days(revision, read.days.iter().map(|(day, rows)| (*day, Arc::clone(rows))));
        let over = read.parts.iter().filter(|((date, _), _)| *date != last);
        books.kept.keep(revision, over.map(|((date, part), rows)| (*date, part.clone(), Arc::clone(rows))));
        known.days.extend(read.days);
        known.parts.extend(read.parts);
        Ok(known)
    }

    /// Gives `each` the rows of a piece.
    pub fn rows<'a>(&'a self, dimension: Option<Dimension>, piece: &Piece, mut each: impl FnMut(&'a Row)) {
        if let Piece::Days(first, end) = piece {
            let days = self.days.range((dimension, sql_date(*first))..(dimension, sql_date(*end)));
            days.for_each(|(_, rows)| rows.iter().for_each(&mut each));
        } else if let Some((date, part, Window { from, to })) = place(dimension, piece) {
            let rows: &[Row] = self.parts.get(&(sql_date(date), part)).map_or(&[], |rows| rows);
            let before = |at: Instant| rows.partition_point(|row| row.at < at.timestamp_micros());
            rows[before(from)..before(to)].iter().for_each(each);
        }
    }
}

/// The whole days that are needed, as ranges that do not touch.
fn day_ranges(needed: &[(Option<Dimension>, Piece)]) -> Vec<Range<Day>> {
    let mut ranges: Vec<Range<Day>> = needed
        .iter()
        .filter_map(|(by, piece)| match piece {
            Piece::Days(first, end) => Some((*by, sql_date(*first))..(*by, sql_date(*end))),
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

/// The part that a piece of a day lies in, with its window there.
fn place(dimension: Option<Dimension>, piece: &Piece) -> Option<(Date, Part, Window)> {
    match *piece {
        Piece::Days(..) => None,
        Piece::Quarters(date, window) => Some((date, Part::Quarters(dimension), window)),
        Piece::Entries(date, window) => Some((date, Part::Entries(dimension, quarter(window.from)), window)),
    }
}

/// All of a part, so that it can be kept.
fn whole(part: &Part, date: Date, window: Window, books: &Books) -> Window {
    let day = books.calendar.day(date);
    match part {
        Part::Quarters(_) => day,
        Part::Entries(_, quarter) => Window { from: day.from.max(*quarter), to: day.to.min(*quarter + QUARTER) },
        Part::Values(_) | Part::Hours(_) => window,
    }
}
