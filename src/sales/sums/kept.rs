//! What is kept in memory of sums between answers. Most of a page is about days that are over: they are read once, and again
//! only after a recording has changed them.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;

use crate::period::Instant;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::store::Slice;

/// Rows that are kept at most, of some 130 bytes each.
const ROWS_MAX: usize = 150_000;
/// Whoever is so many recordings behind forgets everything instead of asking what they changed.
pub const BEHIND_MAX: i64 = 5_000;

/// Of which orders sums are, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Of {
    /// Of all orders together, or by the values of a dimension: there are tables of these.
    Tables(Option<Dimension>),
    /// Of orders that two dimensions name: they are read from the ledger.
    Ledger(Arc<Combination>),
}

/// Orders that two dimensions name.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Combination {
    /// Which orders.
    pub slice: Slice,
    /// By what; `None` is all in one.
    pub by: Option<Dimension>,
}

/// What is kept of a local day beside what the tables hold of its whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// The whole day, where no table holds it.
    Whole(Arc<Combination>),
    /// Each quarter of an hour, in their order.
    Quarters(Of),
    /// The entries of the ledger in the quarter of an hour that begins then, in their order.
    Entries(Of, Instant),
    /// The orders placed in the quarter of an hour that begins then, in their order: of their sums, one and its value as placed.
    Values(Instant),
    /// Each hour of the week, of a slice.
    Hours(Slice),
}

/// What sums are kept by: all orders together, and each dimension.
pub const BY: [Option<Dimension>; 4] =
    [None, Some(Dimension::Country), Some(Dimension::Source), Some(Dimension::Status)];

/// A whole local day, of all orders together or by value.
pub type Day = (Option<Dimension>, NaiveDate);

/// Sums of a moment and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The quarter of an hour's, entry's or order's microsecond since 1970; of [`Part::Hours`] the hour of the week; of a day nothing.
    pub at: i64,
    /// The dimension's value; empty for all orders together.
    pub value: Arc<str>,
    /// What they come to.
    pub sums: Sums,
}

/// The rows of a part.
pub type Rows = Arc<[Row]>;

/// Days by their parts. They belong to books: in another zone or currency they are others.
///
/// What was read as of one recording holds as of another if none between them changed the day.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Days>);

#[derive(Debug, Default)]
struct Days {
    /// The recording up to which it is known what changed, and the one since which.
    known: i64,
    since: i64,
    /// The last recording that changed a day.
    changed: HashMap<NaiveDate, i64>,
    whole: BTreeMap<Day, Rows>,
    parts: HashMap<NaiveDate, HashMap<Part, Rows>>,
    rows: usize,
}

impl Kept {
    /// The recording after which it is not known what changed up to `revision`: [`Kept::learn`] has to be told before parts are
    /// taken or kept.
    pub fn unknown_after(&self, revision: i64) -> Option<i64> {
        let mut days = self.lock();
        if revision - days.known > BEHIND_MAX || days.known == 0 {
            days.forget(revision);
        }
        (days.known < revision).then_some(days.known)
    }

    /// Tells which days recordings up to `revision` have changed. None named by a recording: any.
    pub fn learn(&self, revision: i64, changes: impl IntoIterator<Item = (i64, Vec<NaiveDate>)>) {
        let mut days = self.lock();
        for (at, changed) in changes {
            if changed.is_empty() {
                days.forget(at);
            }
            for date in changed {
                days.drop_day(date);
                let last = days.changed.entry(date).or_insert(at);
                *last = at.max(*last);
            }
        }
        days.known = days.known.max(revision);
    }

    /// Adds the whole days of a range that are kept as of `revision` to `found`. Returns the others.
    pub fn get_days(&self, revision: i64, range: &Range<Day>, found: &mut BTreeMap<Day, Rows>) -> Vec<Day> {
        let kept = self.lock();
        let days = kept.whole.range(range.clone()).filter(|((_, date), _)| kept.holds(revision, *date));
        found.extend(days.map(|(day, rows)| (*day, Arc::clone(rows))));
        let dates = range.start.1.iter_days().take_while(|date| *date < range.end.1);
        dates.map(|date| (range.start.0, date)).filter(|day| !found.contains_key(day)).collect()
    }

    /// Keeps whole days, likewise.
    pub fn keep_days(&self, revision: i64, read: impl IntoIterator<Item = (Day, Rows)>) {
        let mut days = self.lock();
        for (day, rows) in read {
            if days.holds(revision, day.1) {
                days.make_room(rows.len());
                let replaced = days.whole.insert(day, rows);
                days.rows -= replaced.map_or(0, |rows| rows.len());
            }
        }
    }

    /// A part of a day as of `revision`, if it is kept.
    pub fn get(&self, revision: i64, date: NaiveDate, part: &Part) -> Option<Rows> {
        let days = self.lock();
        days.holds(revision, date).then(|| days.parts.get(&date)?.get(part).cloned()).flatten()
    }

    /// Keeps parts that were read as of `revision`. Where there are too many, all others are forgotten.
    pub fn keep(&self, revision: i64, read: impl IntoIterator<Item = (NaiveDate, Part, Rows)>) {
        let mut days = self.lock();
        for (date, part, rows) in read {
            if days.holds(revision, date) {
                days.make_room(rows.len());
                let replaced = days.parts.entry(date).or_default().insert(part, rows);
                days.rows -= replaced.map_or(0, |rows| rows.len());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Days> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Days {
    /// Whether what is kept of a day holds as of `revision`, and what was read then may be kept.
    fn holds(&self, revision: i64, date: NaiveDate) -> bool {
        (self.since..=self.known).contains(&revision) && self.changed.get(&date).is_none_or(|last| *last <= revision)
    }

    fn make_room(&mut self, rows: usize) {
        if self.rows + rows > ROWS_MAX {
            self.whole.clear();
            self.parts.clear();
            self.rows = 0;
        }
        self.rows += rows;
    }

    fn drop_day(&mut self, date: NaiveDate) {
        let whole = BY.iter().filter_map(|by| self.whole.remove(&(*by, date)));
        let parts = self.parts.remove(&date).into_iter().flat_map(HashMap::into_values);
        self.rows -= whole.chain(parts).map(|rows| rows.len()).sum::<usize>();
    }

    fn forget(&mut self, revision: i64) {
        let revision = revision.max(self.known);
        *self = Days { known: revision, since: revision, ..Days::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Part = Part::Quarters(Of::Tables(None));

    fn date(days: i64) -> NaiveDate {
        NaiveDate::default() + chrono::TimeDelta::days(days)
    }

    fn rows(orders: i64) -> Rows {
        Arc::from([Row { at: 0, value: "".into(), sums: Sums { orders, ..Sums::default() } }])
    }

    #[test]
    fn a_day_is_kept_until_a_recording_changes_it() {
        let kept = Kept::default();
        assert_eq!(kept.unknown_after(7), None);
        kept.keep(7, [(date(0), PART, rows(1)), (date(1), PART, rows(2))]);
        assert_eq!(kept.unknown_after(8), Some(7));
        assert_eq!(kept.get(8, date(0), &PART), None, "nobody knows what recording 8 changed");
        kept.learn(8, [(8, vec![date(1)])]);
        assert_eq!(kept.get(8, date(0), &PART), Some(rows(1)));
        assert_eq!(kept.get(8, date(1), &PART), None);
        assert_eq!(kept.get(8, date(0), &Part::Quarters(Of::Tables(Some(Dimension::Country)))), None);
    }

    #[test]
    fn whole_days_are_kept_by_their_range() {
        let kept = Kept::default();
        kept.unknown_after(7);
        let country = Some(Dimension::Country);
        kept.keep_days(7, [((None, date(0)), rows(1)), ((None, date(2)), rows(2)), ((country, date(1)), rows(3))]);
        let mut found = BTreeMap::new();
        let missing = kept.get_days(7, &((None, date(0))..(None, date(4))), &mut found);
        assert_eq!(missing, [(None, date(1)), (None, date(3))]);
        assert_eq!(found, BTreeMap::from([((None, date(0)), rows(1)), ((None, date(2)), rows(2))]));
        kept.learn(8, [(8, vec![date(2)])]);
        let mut found = BTreeMap::new();
        assert_eq!(kept.get_days(8, &((None, date(2))..(None, date(3))), &mut found), [(None, date(2))]);
        assert!(kept.get_days(8, &((country, date(1))..(country, date(2))), &mut found).is_empty());
    }

    #[test]
    fn who_looks_at_an_older_view_gets_nothing_newer_and_leaves_nothing_older() {
        let kept = Kept::default();
        kept.unknown_after(7);
        kept.learn(9, [(9, vec![date(1)])]);
        kept.keep(9, [(date(0), PART, rows(1)), (date(1), PART, rows(2))]);
        assert_eq!(kept.unknown_after(8), None);
        assert_eq!(kept.get(8, date(0), &PART), Some(rows(1)));
        assert_eq!(kept.get(8, date(1), &PART), None);
        kept.keep(8, [(date(1), PART, rows(3))]);
        assert_eq!(kept.get(9, date(1), &PART), Some(rows(2)));
        assert_eq!(kept.get(6, date(0), &PART), None, "what changed before 7 was never known");
    }

    #[test]
    fn a_recording_that_may_have_changed_any_day_leaves_none_and_so_does_one_far_ahead() {
        let kept = Kept::default();
        kept.unknown_after(1);
        kept.keep(1, [(date(0), PART, rows(1))]);
        kept.learn(2, [(2, Vec::new())]);
        assert_eq!(kept.get(2, date(0), &PART), None);
        kept.keep(2, [(date(0), PART, rows(1))]);
        assert_eq!(kept.unknown_after(3 + BEHIND_MAX), None);
        assert_eq!(kept.get(3 + BEHIND_MAX, date(0), &PART), None);
    }

    #[test]
    fn there_are_never_too_many() {
        let kept = Kept::default();
        kept.unknown_after(1);
        let many: Rows = (0..ROWS_MAX as i64 - 1).map(|at| Row { at, ..rows(1)[0].clone() }).collect();
        kept.keep(1, [(date(0), PART, Arc::clone(&many)), (date(0), PART, many), (date(1), PART, rows(1))]);
        assert!(kept.get(1, date(0), &PART).is_some());
        kept.keep(1, [(date(2), PART, rows(1))]);
        assert_eq!(kept.get(1, date(0), &PART), None);
        assert!(kept.get(1, date(2), &PART).is_some());
    }
}
