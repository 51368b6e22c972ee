//! What importing a report would change: row by row against what is stored, with what looks odd. Pure.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::imports::report::Entry;
use crate::money::count;
use crate::period::{minus, plus};
use crate::royalties::model::{Key, Ledger, Origin, Series, Stored};
use crate::royalties::totals::Periods;

/// How many times the usual makes a figure odd.
const ODD_TIMES: i64 = 10;
/// Periods that make something usual.
const USUAL_PERIODS: usize = 3;
/// Warnings that are told; the rest are counted.
const WARNINGS_MAX: usize = 20;

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing was stored of it.
    New,
    /// Something else was.
    Changed,
    /// The same was.
    Same,
    /// A figure that is nearer to money is stored, and stays.
    Outranked,
}

impl Outcome {
    /// The name in data and on the page.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::New => "new",
            Outcome::Changed => "changed",
            Outcome::Same => "same",
            Outcome::Outranked => "rejected",
        }
    }
}

/// A row, and what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The row.
    pub entry: Entry,
    /// What was stored.
    pub old: Option<Stored>,
    /// What becomes of it.
    pub outcome: Outcome,
}

impl Step {
    /// What is stored of it afterwards.
    pub fn after(&self, import: i32) -> Stored {
        let origin = Origin { import, line: i32::try_from(self.entry.line).unwrap_or(i32::MAX) };
        Stored { figure: self.entry.figure, origin }
    }

    /// Whether it changes what is stored.
    pub fn writes(&self) -> bool {
        matches!(self.outcome, Outcome::New | Outcome::Changed)
    }
}

/// What importing a report would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Its rows, in the order of the file.
    pub steps: Vec<Step>,
    /// What looks odd, in sentences.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Compares rows with what is stored of the same keys; `periods` has what is stored around them, and is brought to what it
    /// would be afterwards.
    pub fn of(entries: Vec<Entry>, stored: &Ledger, periods: &mut Periods) -> Plan {
        let steps: Vec<Step> = entries.into_iter().map(|entry| step(entry, stored)).collect();
        let starts = usual_starts(periods);
        for Step { entry, old, .. } in steps.iter().filter(|step| step.writes()) {
            let before = old.map_or(0, |old| old.figure.minutes);
            periods.add(&entry.key, i64::from(old.is_none()), entry.figure.minutes - before);
        }
        let warnings = warnings(&steps, &starts, periods);
        Plan { steps, warnings }
    }

    /// How many rows come to an outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }

    /// Does to a ledger in memory what importing does to the one that is stored.
    pub fn apply(&self, import: i32, ledger: &mut Ledger) {
        for step in self.steps.iter().filter(|step| step.writes()) {
            ledger.insert(step.entry.key.clone(), step.after(import));
        }
    }

    /// Takes that back.
    pub fn undo(&self, ledger: &mut Ledger) {
        for step in self.steps.iter().filter(|step| step.writes()) {
            match step.old {
                Some(old) => ledger.insert(step.entry.key.clone(), old),
                None => ledger.remove(&step.entry.key),
            };
        }
    }
}

/// The days around those of rows that warnings look at.
pub fn reach(entries: &[Entry]) -> Option<(Date, Date)> {
    let first = entries.iter().map(|entry| entry.key.first).min()?;
    let last = entries.iter().map(|entry| entry.key.last).max()?;
    Some((minus(first, 6.months()), plus(last, 6.months())))
}

fn step(entry: Entry, stored: &Ledger) -> Step {
    let old = stored.get(&entry.key).copied();
    let outcome = match old {
        None => Outcome::New,
        Some(old) if old.figure == entry.figure => Outcome::Same,
        Some(old) if entry.figure.stage.may_replace(old.figure.stage) => Outcome::Changed,
        Some(_) => Outcome::Outranked,
    };
    Step { entry, old, outcome }
}

/// The minutes of each period of a series.
type Minutes = BTreeMap<(Date, Date), i64>;

/// The day that the weeks of each series begin on mostly, where any are stored.
fn usual_starts(stored: &Periods) -> [Option<usize>; 3] {
    Series::ALL.map(|series| usual_day(stored.minutes(series).keys().map(|(first, _)| *first)))
}

fn usual_day(firsts: impl Iterator<Item = Date>) -> Option<usize> {
    let mut counts = [0usize; 7];
    firsts.for_each(|first| counts[first.weekday().to_monday_zero_offset() as usize] += 1);
    let most = counts.iter().max().copied().filter(|most| *most > 0)?;
    counts.iter().position(|count| *count == most)
}

fn warnings(steps: &[Step], starts: &[Option<usize>; 3], after: &Periods) -> Vec<String> {
    let mut told = Vec::new();
    for (series, usual) in Series::ALL.into_iter().zip(starts) {
        let of_series = || steps.iter().filter(|step| step.entry.key.series == series && step.writes());
        let mut written: Vec<(Date, Date)> =
            of_series().map(|step| (step.entry.key.first, step.entry.key.last)).collect();
        written.sort_unstable();
        written.dedup();
        if written.is_empty() {
            continue;
        }
        let all = after.minutes(series);
        if series != Series::Monthly {
            told.extend(other_starts(&written, *usual));
            told.extend(overlaps(&written, &all));
        }
        told.extend(gaps(&written, &all));
        told.extend(odd_minutes(&written, &all));
    }
    let more = told.len().saturating_sub(WARNINGS_MAX);
    told.truncate(WARNINGS_MAX);
    if more > 0 {
        told.push(format!("There are {more} more such warnings."));
    }
    told
}

/// Weeks that begin on another day than those that are stored, or than most of the file.
fn other_starts(written: &[(Date, Date)], stored: Option<usize>) -> Option<String> {
    let starts = stored.or_else(|| usual_day(written.iter().map(|(first, _)| *first)))?;
    let usual_day = Weekday::from_monday_zero_offset(i8::try_from(starts).ok()?).ok()?;
    let others: Vec<&(Date, Date)> = written.iter().filter(|(first, _)| first.weekday() != usual_day).collect();
    let (first, _) = others.first()?;
    let (usual_day, day) = (day_name(usual_day), day_name(first.weekday()));
    Some(format!(
        "{} weeks do not begin on a {usual_day} as the others do: the week of {first} begins on a {day}.",
        others.len()
    ))
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// Whether a period is among those that are written, which are in order.
fn has(written: &[(Date, Date)], period: &(Date, Date)) -> bool {
    written.binary_search(period).is_ok()
}

fn overlaps(written: &[(Date, Date)], all: &Minutes) -> Vec<String> {
    let mut told = Vec::new();
    let periods: Vec<&(Date, Date)> = all.keys().collect();
    for pair in periods.windows(2) {
        let (earlier, later) = (pair[0], pair[1]);
        if later.0 <= earlier.1 && (has(written, earlier) || has(written, later)) {
            let days = "a day of both counts once, as one of the later week";
            told.push(format!("{} to {} overlaps {} to {}: {days}.", earlier.0, earlier.1, later.0, later.1));
        }
    }
    told
}

fn gaps(written: &[(Date, Date)], all: &Minutes) -> Vec<String> {
    let mut told = Vec::new();
    let periods: Vec<&(Date, Date)> = all.keys().collect();
    for pair in periods.windows(2) {
        let (earlier, later) = (pair[0], pair[1]);
        let (first, last) = (plus(earlier.1, 1.day()), minus(later.0, 1.day()));
        if first <= last && (has(written, earlier) || has(written, later)) {
            told.push(format!("There is a gap: nothing is known of {first} to {last}."));
        }
    }
    told
}

/// Minutes ten times as many as usual, or a tenth of them.
fn odd_minutes(written: &[(Date, Date)], all: &Minutes) -> Vec<String> {
    let mut told = Vec::new();
    let mut sorted: Vec<i64> = all.values().copied().collect();
    sorted.sort_unstable();
    for period in written {
        let Some(minutes) = all.get(period) else { continue };
        // The middle of the others, its own place left out.
        let (middle, own) = ((sorted.len() - 1) / 2, sorted.partition_point(|known| known < minutes));
        let usual = sorted.get(if middle < own { middle } else { middle + 1 }).filter(|usual| **usual > 0);
        let Some(usual) = usual.filter(|_| sorted.len() > USUAL_PERIODS) else { continue };
        let times = if *minutes >= usual.saturating_mul(ODD_TIMES) {
            "ten times the usual or more"
        } else if minutes.saturating_mul(ODD_TIMES) <= *usual {
            "a tenth of the usual or less"
        } else {
            continue;
        };
        let (minutes, usual) = (count(*minutes), count(*usual));
        told.push(format!("{} to {} has {minutes} minutes, {times}: others have about {usual}.", period.0, period.1));
    }
    told
}

/// What a key is of, for people: `2025-12-23 to 2025-12-29, GB`.
pub fn words(key: &Key) -> String {
    let period = match key.series {
        Series::Monthly => key.first.strftime("%B %Y").to_string(),
        Series::Weekly | Series::Country => format!("{} to {}", key.first, key.last),
    };
    let parts = [period.as_str(), &key.country, &key.title];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::imports::report::read;
    use crate::royalties::model::{Figure, Stage};

    /// A plan against a ledger in memory.
    fn plan(entries: Vec<Entry>, stored: &Ledger) -> Plan {
        Plan::of(entries, stored, &mut Periods::of(stored))
    }

    fn entries(text: &str) -> Vec<Entry> {
        read(text.as_bytes(), &[], Date::constant(2026, 1, 20)).expect("a report").entries
    }

    fn weeks(rows: &[(&str, &str, i64)]) -> Vec<Entry> {
        let lines = rows.iter().map(|(first, last, minutes)| format!("{first},{last},{minutes}\n"));
        entries(&format!("report_week_start,report_week_end,total_minutes\n{}", lines.collect::<String>()))
    }

    #[test]
    fn rows_are_new_changed_the_same_or_outranked() {
        let head = "month,minutes,revenue,status\n";
        let mut ledger = Ledger::new();
        let first = plan(entries(&format!("{head}2025-10,5,1,final\n2025-11,5,1,provisional\n")), &ledger);
        assert_eq!(first.count(Outcome::New), 2);
        first.apply(1, &mut ledger);
        let text = format!("{head}2025-10,5,1,final\n2025-11,6,2,final\n2025-12,1,1,\n2025-10,5,1,\n");
        let second = plan(entries(&text), &ledger);
        let outcomes: Vec<Outcome> = second.steps.iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes, [Outcome::Same, Outcome::Changed, Outcome::New]);
        let before = ledger.clone();
        second.apply(2, &mut ledger);
        let late = plan(entries(&format!("{head}2025-10,9,9,provisional\n")), &ledger);
        assert_eq!(late.count(Outcome::Outranked), 1);
        late.apply(3, &mut ledger);
        second.undo(&mut ledger);
        assert_eq!(ledger, before);
    }

    #[test]
    fn what_looks_odd_is_said() {
        let mut ledger = Ledger::new();
        let usual = [
            ("2025-12-01", "2025-12-07", 70_000),
            ("2025-12-08", "2025-12-14", 80_000),
            ("2025-12-15", "2025-12-21", 75_000),
        ];
        let usual_plan = plan(weeks(&usual), &ledger);
        assert_eq!(usual_plan.warnings, Vec::<String>::new());
        usual_plan.apply(1, &mut ledger);
        let said = |rows: &[(&str, &str, i64)]| plan(weeks(rows), &ledger).warnings.join("\n");
        let overlap = said(&[("2025-12-16", "2025-12-22", 70_000)]);
        assert!(overlap.contains("overlaps") && overlap.contains("Tuesday"), "{overlap}");
        let gap = said(&[("2025-12-29", "2026-01-04", 70_000)]);
        assert_eq!(gap, "There is a gap: nothing is known of 2025-12-22 to 2025-12-28.");
        let ten = said(&[("2025-12-22", "2025-12-28", 750_000)]);
        assert!(ten.contains("750,000 minutes, ten times"), "{ten}");
        assert!(said(&[("2025-12-22", "2025-12-28", 7_500)]).contains("a tenth"));
        assert_eq!(said(&[("2025-12-15", "2025-12-21", 75_000)]), "");
    }

    fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
        let figure = (0i64..5, 0i64..3, any::<bool>());
        proptest::collection::btree_map(0i64..12, figure, 0..8).prop_map(|rows| {
            let entry = |(n, (minutes, money, is_final)): (i64, (i64, i64, bool))| {
                let first = plus(Date::constant(2025, 1, 1), n.months());
                let (first, last) = crate::royalties::model::month_of(first);
                let key = Key { series: Series::Monthly, first, last, country: "".into(), title: "".into() };
                let stage = if is_final { Stage::Final } else { Stage::Provisional };
                Entry { line: n as u32 + 2, key, figure: Figure { minutes, revenue_minor: Some(money), stage } }
            };
            rows.into_iter().map(entry).collect()
        })
    }

    proptest! {
        #[test]
        fn undoing_what_was_done_last_leaves_what_was(files in proptest::collection::vec(any_entries(), 1..8)) {
            let (mut ledger, mut done) = (Ledger::new(), Vec::new());
            for (n, entries) in files.iter().enumerate() {
                let mut periods = Periods::of(&ledger);
                let made = Plan::of(entries.clone(), &ledger, &mut periods);
                done.push((made.clone(), ledger.clone()));
                made.apply(n as i32 + 1, &mut ledger);
                for series in Series::ALL {
                    prop_assert_eq!(periods.minutes(series), Periods::of(&ledger).minutes(series));
                }
                prop_assert_eq!(plan(entries.clone(), &ledger).count(Outcome::New), 0);
                prop_assert_eq!(plan(entries.clone(), &ledger).count(Outcome::Changed), 0);
            }
            for (plan, before) in done.into_iter().rev() {
                plan.undo(&mut ledger);
                prop_assert_eq!(&ledger, &before);
            }
        }
    }
}
