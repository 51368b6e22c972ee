//! Resolves a question's range into windows: the range itself, what it is compared with, and the points of its chart.

use chrono::TimeDelta;
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::period::{Calendar, Instant, Period, Window, minus, plus};
use crate::sales::question::{Bucket, Comparison, Preset, Question, Range};

/// Days of a chart of hours at most.
const HOURS_UP_TO_DAYS: i64 = 2;
/// Days of a chart of days at most.
const DAYS_UP_TO_DAYS: i64 = 92;
/// Days of a chart of weeks at most.
const WEEKS_UP_TO_DAYS: i64 = 400;
/// Points of a chart at most: a finer bucket than fits is made coarser.
const POINTS_MAX: usize = 400;

/// The windows of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    /// The range in question; it ends now where it is running.
    pub current: Window,
    /// What it is compared with.
    pub earlier: Option<Window>,
    /// Whether it ends with the present.
    pub is_running: bool,
    /// How long a point of its chart is.
    pub bucket: Bucket,
    /// The points of its chart.
    pub points: Vec<Point>,
}

/// A point of a chart: a window, and the one of the earlier range in the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Its name on the axis.
    pub label: String,
    /// The first local date in it: what a click opens.
    pub date: Date,
    /// The window.
    pub current: Window,
    /// The earlier window and its name.
    pub earlier: Option<(String, Window)>,
}

/// The local dates of a range, the last one included, and whether it is running.
struct Dates {
    first: Date,
    last: Date,
    is_running: bool,
    /// The calendar period that it is a part of, for presets of one.
    period: Option<Period>,
}

/// Resolves a question at `now`. `since` is the date of the first order. The error is a date that the calendar lacks.
pub fn resolve(question: &Question, calendar: &Calendar, now: Instant, since: Date) -> Result<Spans, String> {
    let dates = dates(&question.range, calendar, now, since)?;
    let current = cut(calendar, dates.first, dates.last, dates.is_running.then_some(now));
    let earlier = match (&question.range, question.compare) {
        (_, Comparison::None) | (Range::Preset(Preset::All), _) => None,
        (_, compare) => Some(earlier(&dates, compare, calendar, now)),
    };
    let days = days_between(dates.first, dates.last) + 1;
    let bucket = question.bucket.unwrap_or(match days {
        days if days <= HOURS_UP_TO_DAYS => Bucket::Hour,
        days if days <= DAYS_UP_TO_DAYS => Bucket::Day,
        days if days <= WEEKS_UP_TO_DAYS => Bucket::Week,
        _ => Bucket::Month,
    });
    let (bucket, windows) = buckets(bucket, current, calendar);
    let before = earlier.map(|earlier| buckets(bucket, earlier, calendar).1).unwrap_or_default();
    let points = windows.into_iter().enumerate().map(|(i, window)| Point {
        label: label(bucket, window, calendar),
        date: calendar.date(window.from),
        current: window,
        earlier: before.get(i).map(|window| (label(bucket, *window, calendar), *window)),
    });
    let points = points.collect();
    Ok(Spans { current, earlier, is_running: dates.is_running, bucket, points })
}

fn dates(range: &Range, calendar: &Calendar, now: Instant, since: Date) -> Result<Dates, String> {
    let today = calendar.date(now);
    let running = |first, period| Dates { first, last: today, is_running: true, period };
    let last_days = |days: i64| running(minus(today, (days - 1).days()), None);
    let so_far = |period| running(calendar.start(period, today), Some(period));
    let whole_before = |period| {
        let last = minus(calendar.start(period, today), 1.day());
        Dates { first: calendar.start(period, last), last, is_running: false, period: Some(period) }
    };
    Ok(match range {
        Range::Preset(preset) => match preset {
            Preset::Today => so_far(Period::Day),
            Preset::Yesterday => whole_before(Period::Day),
            Preset::Days7 => last_days(7),
            Preset::Days28 => last_days(28),
            Preset::Days30 => last_days(30),
            Preset::Days90 => last_days(90),
            Preset::Week => so_far(Period::Week),
            Preset::LastWeek => whole_before(Period::Week),
            Preset::Month => so_far(Period::Month),
            Preset::LastMonth => whole_before(Period::Month),
            Preset::Quarter => so_far(Period::Quarter),
            Preset::LastQuarter => whole_before(Period::Quarter),
            Preset::Year => so_far(Period::Year),
            Preset::LastYear => whole_before(Period::Year),
            Preset::All => running(since.min(today), None),
        },
        Range::Dates(first, last) => {
            let read = |text: &str| {
                text.parse::<Date>()
                    .ok()
                    .filter(|date| (1990..2200).contains(&date.year()))
                    .ok_or_else(|| format!("{text} is no date between 1990 and 2199: write one such as 2026-11-21"))
            };
            let (first, last) = (read(first)?, read(last)?);
            // What lies ahead is cut off: up to now it is as complete as any running range.
            Dates { first, last: last.min(today.max(first)), is_running: last >= today && first <= today, period: None }
        }
    })
}

fn cut(calendar: &Calendar, first: Date, last: Date, now: Option<Instant>) -> Window {
    let whole = calendar.days(first, last);
    Window { from: whole.from, to: now.map_or(whole.to, |now| whole.to.min(now)) }
}

fn earlier(dates: &Dates, compare: Comparison, calendar: &Calendar, now: Instant) -> Window {
    let now = dates.is_running.then_some(now);
    match compare {
        Comparison::Weekday => shifted_by_days(dates, 364, now, calendar),
        Comparison::Date => {
            let year_before = |date: Date| minus(date, 1.year());
            let to = match now {
                Some(now) => calendar.last_year_by_date(now),
                None => calendar.midnight(plus(year_before(dates.last), 1.day())),
            };
            Window { from: calendar.midnight(year_before(dates.first)), to }
        }
        Comparison::Period | Comparison::SamePoint | Comparison::None => {
            before(dates, now.filter(|_| compare != Comparison::Period), calendar)
        }
    }
}

/// The range right before: of a calendar period the one before it, of ranges that start on the 1st as many months, of others
/// as many days (T5). Up to the same point where `now` is given, else whole.
fn before(dates: &Dates, now: Option<Instant>, calendar: &Calendar) -> Window {
    if let Some(period) = dates.period {
        return match now {
            Some(now) => calendar.same_point_before(period, now),
            None => calendar.whole(period, minus(dates.first, 1.day())),
        };
    }
    let after = plus(dates.last, 1.day());
    let months = (i64::from(after.year()) - i64::from(dates.first.year())) * 12 + i64::from(after.month())
        - i64::from(dates.first.month());
    match now {
        None if !dates.is_running => calendar.range_before(dates.first, dates.last),
        _ if dates.first.day() == 1 && (dates.is_running || after.day() == 1) => {
            // A running range stands for the months that it has begun.
            let months = months + i64::from(after.day() != 1);
            let from = calendar.midnight(minus(dates.first, months.months()));
            let to = now.map_or(calendar.midnight(dates.first), |now| calendar.months_before(now, months));
            Window { from, to }
        }
        now => shifted_by_days(dates, days_between(dates.first, dates.last) + 1, now, calendar),
    }
}

fn shifted_by_days(dates: &Dates, days: i64, now: Option<Instant>, calendar: &Calendar) -> Window {
    let from = calendar.midnight(minus(dates.first, days.days()));
    let to = match now {
        Some(now) => {
            let local = calendar.local(now);
            calendar.instant(minus(local.date(), days.days()).to_datetime(local.time()))
        }
        None => calendar.midnight(minus(plus(dates.last, 1.day()), days.days())),
    };
    Window { from, to }
}

fn days_between(first: Date, last: Date) -> i64 {
    first.until(last).map_or(0, |span| i64::from(span.get_days()))
}

/// Cuts a window into buckets; coarser ones where they would be too many. The first and the last may be parts.
pub fn buckets(bucket: Bucket, window: Window, calendar: &Calendar) -> (Bucket, Vec<Window>) {
    let mut out = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let to = end(bucket, from, calendar).min(window.to);
        out.push(Window { from, to });
        if out.len() > POINTS_MAX {
            return buckets(coarser(bucket), window, calendar);
        }
        from = to;
    }
    (bucket, out)
}

fn coarser(bucket: Bucket) -> Bucket {
    match bucket {
        Bucket::Hour => Bucket::Day,
        Bucket::Day => Bucket::Week,
        Bucket::Week | Bucket::Month => Bucket::Month,
    }
}

/// Where the bucket that holds `at` ends. Hours are cut from instants: the one that a fold repeats is there twice (T2).
fn end(bucket: Bucket, at: Instant, calendar: &Calendar) -> Instant {
    let date = calendar.date(at);
    match bucket {
        Bucket::Hour => {
            let local = calendar.local(at);
            let into = i64::from(local.minute()) * 60 + i64::from(local.second());
            let next =
                at - TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos())) + TimeDelta::seconds(3600 - into);
            next.min(calendar.midnight(plus(date, 1.day()))).max(at + TimeDelta::seconds(1))
        }
        Bucket::Day => calendar.midnight(plus(date, 1.day())),
        Bucket::Week => calendar.whole(Period::Week, date).to,
        Bucket::Month => calendar.whole(Period::Month, date).to,
    }
}

fn label(bucket: Bucket, window: Window, calendar: &Calendar) -> String {
    let local = calendar.local(window.from);
    match bucket {
        Bucket::Hour => local.strftime("%H:%M").to_string(),
        Bucket::Day | Bucket::Week => local.strftime("%-d %b").to_string(),
        Bucket::Month => local.strftime("%b %Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn spans(query: &str, zone: &str, now: &str) -> Spans {
        let question = Question::parse(query.split('&').filter_map(|pair| pair.split_once('='))).expect("a question");
        let calendar = Calendar::new(zone, 1).expect("a zone");
        resolve(&question, &calendar, at(now), Date::constant(2024, 1, 1)).expect("dates")
    }

    /// Golden vectors in Europe/London: the query, now, the window and the earlier window in UTC.
    #[test]
    fn ranges_and_comparisons() {
        for (query, now, current, earlier) in [
            (
                "range=month",
                "2026-03-31T13:30:00Z",
                ("2026-03-01T00:00:00Z", "2026-03-31T13:30:00Z"),
                Some(("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")),
            ),
            (
                "range=month&compare=period",
                "2026-03-10T13:30:00Z",
                ("2026-03-01T00:00:00Z", "2026-03-10T13:30:00Z"),
                Some(("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")),
            ),
            (
                "from=2026-03-01&to=2026-03-31",
                "2026-04-10T13:30:00Z",
                ("2026-03-01T00:00:00Z", "2026-03-31T23:00:00Z"),
                Some(("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")),
            ),
            (
                "from=2026-03-01&to=2026-03-31",
                "2026-03-31T13:30:00Z",
                ("2026-03-01T00:00:00Z", "2026-03-31T13:30:00Z"),
                Some(("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")),
            ),
            (
                "range=today&compare=weekday",
                "2026-11-27T14:30:00Z",
                ("2026-11-27T00:00:00Z", "2026-11-27T14:30:00Z"),
                Some(("2025-11-28T00:00:00Z", "2025-11-28T14:30:00Z")),
            ),
            (
                "range=year&compare=date",
                "2028-02-29T14:30:00Z",
                ("2028-01-01T00:00:00Z", "2028-02-29T14:30:00Z"),
                Some(("2027-01-01T00:00:00Z", "2027-03-01T00:00:00Z")),
            ),
            (
                "from=2028-02-29&to=2028-02-29&compare=date",
                "2028-04-01T00:00:00Z",
                ("2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
                Some(("2027-02-28T00:00:00Z", "2027-03-01T00:00:00Z")),
            ),
            (
                "range=7d",
                "2026-10-26T01:30:00Z",
                ("2026-10-19T23:00:00Z", "2026-10-26T01:30:00Z"),
                Some(("2026-10-12T23:00:00Z", "2026-10-19T00:30:00Z")),
            ),
            (
                "range=last-week&compare=none",
                "2026-11-21T14:30:00Z",
                ("2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"),
                None,
            ),
            ("range=all", "2026-11-21T14:30:00Z", ("2024-01-01T00:00:00Z", "2026-11-21T14:30:00Z"), None),
        ] {
            let got = spans(query, "Europe/London", now);
            let window = |(from, to): (&str, &str)| Window { from: at(from), to: at(to) };
            assert_eq!(got.current, window(current), "{query}");
            assert_eq!(got.earlier, earlier.map(window), "{query}");
        }
    }

    #[test]
    fn the_hour_that_a_fold_repeats_is_there_twice() {
        let got = spans("from=2026-10-25&to=2026-10-25", "Europe/London", "2026-11-21T14:30:00Z");
        assert_eq!((got.bucket, got.points.len()), (Bucket::Hour, 25));
        let labels: Vec<&str> = got.points[..4].iter().map(|point| point.label.as_str()).collect();
        assert_eq!(labels, ["00:00", "01:00", "01:00", "02:00"]);
        assert_eq!(spans("from=2026-03-29&to=2026-03-29", "Europe/London", "2026-11-21T14:30:00Z").points.len(), 23);
        assert_eq!(spans("range=yesterday", "Asia/Kathmandu", "2026-11-21T14:30:00Z").points.len(), 24);
    }

    #[test]
    fn a_date_that_the_calendar_lacks_is_refused() {
        let question =
            Question { range: Range::Dates("2026-02-30".into(), "2026-03-01".into()), ..Question::default() };
        let calendar = Calendar::new("Europe/London", 1).expect("a zone");
        let refused = resolve(&question, &calendar, at("2026-11-21T14:30:00Z"), Date::constant(2024, 1, 1));
        assert!(refused.expect_err("no date").contains("2026-02-30"));
    }

    proptest! {
        #[test]
        fn points_join_and_the_earlier_window_lies_before(
            seconds in 1_500_000_000i64..1_800_000_000, preset in 0..Preset::ALL.len(), compare in 0..Comparison::ALL.len(),
            bucket in proptest::option::of(0..Bucket::ALL.len()),
            zone in "Europe/London|Asia/Kathmandu|Australia/Lord_Howe|America/New_York|America/Sao_Paulo",
        ) {
            let calendar = Calendar::new(&zone, 1).expect("a zone");
            let now = Utc.timestamp_opt(seconds, 0).single().expect("an instant");
            let question = Question {
                range: Range::Preset(Preset::ALL[preset]),
                compare: Comparison::ALL[compare],
                bucket: bucket.map(|i| Bucket::ALL[i]),
                ..Question::default()
            };
            let spans = resolve(&question, &calendar, now, Date::constant(2016, 2, 29)).expect("dates");
            let mut end = spans.current.from;
            for point in &spans.points {
                prop_assert_eq!(point.current.from, end);
                prop_assert!(point.current.from < point.current.to);
                end = point.current.to;
            }
            prop_assert_eq!(end, spans.current.to);
            prop_assert!(spans.points.len() <= POINTS_MAX);
            if let Some(earlier) = spans.earlier {
                prop_assert!(earlier.from <= earlier.to && earlier.to <= spans.current.to && earlier.from < spans.current.from);
            }
        }
    }
}
