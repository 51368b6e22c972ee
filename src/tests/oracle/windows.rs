//! Which windows a question is about (T3 to T7), resolved by counting dates.

use chrono::{Datelike as _, Days, Months, NaiveDate};

use super::ask::{Asked, Range};
use super::calendar::{At, Period, Stretch, Zone, date_months_before};

/// Points of a chart at most.
const POINTS_MAX: usize = 400;

/// The windows of a question at an instant.
pub struct Windows {
    pub current: Stretch,
    pub earlier: Option<Stretch>,
    /// The points of the chart, each with the one in the same place of the earlier window.
    pub points: Vec<(Stretch, Option<Stretch>)>,
}

/// The dates of a range, from the first to the first one after it.
struct Dates {
    first: NaiveDate,
    after: NaiveDate,
    /// Whether it ends with the present.
    is_running: bool,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// A calendar period, compared with the one before.
    Period(Period),
    /// A number of days up to today, compared with as many before.
    Days(u64),
    /// Dates, compared as T5 says.
    Dates,
    /// Everything, compared with nothing.
    All,
    /// Nothing of it has come yet.
    Ahead,
}

impl Windows {
    /// `since` is the first instant that anything is posted at.
    pub fn of(asked: &Asked, zone: &Zone, now: At, since: Option<At>) -> Windows {
        let dates = dates(&asked.range, zone, now, since);
        if let Kind::Ahead = dates.kind {
            let nothing = (now, now);
            let earlier = (asked.compare != "none").then_some(nothing);
            return Windows { current: nothing, earlier, points: Vec::new() };
        }
        let whole = zone.whole_days(dates.first, dates.after);
        let current = if dates.is_running { (whole.0, now) } else { whole };
        let earlier = earlier(&dates, asked.compare, zone, now);
        let points = points(&dates, asked.bucket, zone, current, earlier);
        Windows { current, earlier, points }
    }
}

fn dates(range: &Range, zone: &Zone, now: At, since: Option<At>) -> Dates {
    let today = zone.date(now);
    let tomorrow = today + Days::new(1);
    let last_days =
        |days| Dates { first: tomorrow - Days::new(days), after: tomorrow, is_running: true, kind: Kind::Days(days) };
    let running = |period| Dates {
        first: zone.first(period, today),
        after: tomorrow,
        is_running: true,
        kind: Kind::Period(period),
    };
    let before = |period| {
        let after = zone.first(period, today);
        let first = zone.first(period, after - Days::new(1));
        Dates { first, after, is_running: false, kind: Kind::Period(period) }
    };
    match range {
        Range::Named("today") => running(Period::Day),
        Range::Named("week") => running(Period::Week),
        Range::Named("month") => running(Period::Month),
        Range::Named("quarter") => running(Period::Quarter),
        Range::Named("year") => running(Period::Year),
        Range::Named("yesterday") => before(Period::Day),
        Range::Named("last-week") => before(Period::Week),
        Range::Named("last-month") => before(Period::Month),
        Range::Named("last-quarter") => before(Period::Quarter),
        Range::Named("last-year") => before(Period::Year),
        Range::Named("7d") => last_days(7),
        Range::Named("28d") => last_days(28),
        Range::Named("30d") => last_days(30),
        Range::Named("90d") => last_days(90),
        Range::Named(name) => {
            assert_eq!(*name, "all");
            let first = since.map_or(today, |since| zone.date(since)).min(today);
            Dates { first, after: tomorrow, is_running: true, kind: Kind::All }
        }
        Range::Dates(first, last) => Dates {
            first: *first,
            after: tomorrow.min(*last + Days::new(1)),
            is_running: *last >= today,
            kind: if *first > today { Kind::Ahead } else { Kind::Dates },
        },
    }
}

fn earlier(dates: &Dates, compare: &str, zone: &Zone, now: At) -> Option<Stretch> {
    let Dates { first, after, is_running, kind } = *dates;
    let to_now = is_running && compare != "period";
    let days_earlier = |days| {
        let to = if to_now { zone.days_before(now, days) } else { zone.midnight(after - Days::new(days)) };
        (zone.midnight(first - Days::new(days)), to)
    };
    let months_earlier = |months| {
        let from = zone.midnight(first - Months::new(months));
        let to = match (to_now, is_running) {
            (true, _) => zone.months_before(now, months),
            (false, true) => zone.midnight(first),
            (false, false) => zone.midnight(date_months_before(after, months).unwrap_or_else(|end| end)),
        };
        (from, to)
    };
    match (compare, kind) {
        ("none", _) | (_, Kind::All) => None,
        ("weekday", _) => Some(days_earlier(364)),
        ("date", _) => {
            // Dates of 29 February become the 28th; where now is one, February ends (T4, T5).
            let year_before = |date: NaiveDate| date - Months::new(12);
            let to = if is_running {
                zone.months_before(now, 12)
            } else {
                zone.midnight(year_before(after - Days::new(1)) + Days::new(1))
            };
            Some((zone.midnight(year_before(first)), to))
        }
        (_, Kind::Period(period)) => {
            let before = zone.first(period, first - Days::new(1));
            let to = if to_now { zone.to_date(period, now)[1].1 } else { zone.midnight(first) };
            Some((zone.midnight(before), to))
        }
        (_, Kind::Days(days)) => Some(days_earlier(days)),
        (_, Kind::Dates | Kind::Ahead) if first.day() == 1 => {
            let last = after - Days::new(1);
            let months = (last.year() - first.year()) * 12 + last.month() as i32 - first.month() as i32 + 1;
            Some(months_earlier(months as u32))
        }
        (_, Kind::Dates | Kind::Ahead) => Some(days_earlier((after - first).num_days() as u64)),
    }
}

/// The chart's points: of the length that is asked for, else by the range's length; longer where they would be too many.
fn points(
    dates: &Dates,
    bucket: Option<&'static str>,
    zone: &Zone,
    current: Stretch,
    earlier: Option<Stretch>,
) -> Vec<(Stretch, Option<Stretch>)> {
    let by_length = match (dates.after - dates.first).num_days() {
        ..=2 => "hour",
        3..=92 => "day",
        93..=400 => "week",
        _ => "month",
    };
    let lengths = ["hour", "day", "week", "month"];
    let asked = bucket.unwrap_or(by_length);
    let mut length = lengths.iter().position(|known| *known == asked).expect("a length");
    let mut points = cut(lengths[length], zone, current, POINTS_MAX + 1);
    while points.len() > POINTS_MAX && length < 3 {
        length += 1;
        points = cut(lengths[length], zone, current, POINTS_MAX + 1);
    }
    if points.len() > POINTS_MAX {
        points = cut("month", zone, current, usize::MAX);
    }
    let before = earlier.map(|earlier| cut(lengths[length], zone, earlier, points.len())).unwrap_or_default();
    points.into_iter().enumerate().map(|(i, point)| (point, before.get(i).copied())).collect()
}

/// Up to `most` parts of a stretch, as they lie in the calendar; the first and the last may be shorter.
pub fn cut(length: &str, zone: &Zone, (from, to): Stretch, most: usize) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut start = from;
    while start < to && out.len() < most {
        let date = zone.date(start);
        let end = match length {
            "hour" => zone.hour_end(start),
            "day" => zone.midnight(date + Days::new(1)),
            "week" => zone.midnight(zone.next(Period::Week, date)),
            _ => zone.midnight(zone.next(Period::Month, date)),
        };
        out.push((start, end.min(to)));
        start = end;
    }
    out
}
