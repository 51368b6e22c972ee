//! Resolves a question's range into windows: the range itself, what it is compared with, and the points of its chart.

use chrono::TimeDelta;
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::period::{Calendar, Instant, Period, Window, minus, months_begun, plus};
use crate::sales::question::{Bucket, Comparison, Preset, Question, Range};

/// Days of a chart of hours at most.
const HOURS_UP_TO_DAYS: i64 = 2;
/// Days of a chart of days at most.
const DAYS_UP_TO_DAYS: i64 = 92;
/// Days of a chart of weeks at most.
const WEEKS_UP_TO_DAYS: i64 = 400;
/// Points of a chart at most: a finer bucket than fits is made coarser. Months are not: two centuries of dates that can be
/// asked about have 2,520.
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
    kind: Kind,
}

/// What a range is compared by.
#[derive(Clone, Copy)]
enum Kind {
    /// A calendar period, compared with the one before it.
    Period(Period),
    /// Days up to today, compared with as many before them.
    LastDays,
    /// Dates, compared by calendar or by days (T5).
    Dates,
    /// Dates of which none has come yet.
    Ahead,
}

/// Resolves a question at `now`. `since` is the date of the first order. The error is a date that the calendar lacks.
pub fn resolve(question: &Question, calendar: &Calendar, now: Instant, since: Date) -> Result<Spans, String> {
    let dates = dates(&question.range, calendar, now, since)?;
    let nothing = Window { from: now, to: now };
    let current = match dates.kind {
        Kind::Ahead => nothing,
        _ => cut(calendar, dates.first, dates.last, dates.is_running.then_some(now)),
    };
    let earlier = match (&question.range, question.compare) {
        (_, Comparison::None) | (Range::Preset(Preset::All), _) => None,
        // Both are cut at the same point (T6): nothing has come yet, so nothing is beside it.
        _ if matches!(dates.kind, Kind::Ahead) => Some(nothing),
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
    // Of the same length, also where the earlier window has more of them than a chart.
    let before = earlier.map(|earlier| parts(bucket, earlier, calendar).take(windows.len()).collect());
    let before: Vec<Window> = before.unwrap_or_default();
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
    let running = |first, kind| Dates { first, last: today, is_running: true, kind };
    let last_days = |days: i64| running(minus(today, (days - 1).days()), Kind::LastDays);
    let so_far = |period| running(calendar.start(period, today), Kind::Period(period));
    let whole_before = |period| {
        let last = minus(calendar.start(period, today), 1.day());
        Dates { first: calendar.start(period, last), last, is_running: false, kind: Kind::Period(period) }
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
            Preset::All => running(since.min(today), Kind::LastDays),
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
            let kind = if first > today { Kind::Ahead } else { Kind::Dates };
            Dates { first, last: last.min(today.max(first)), is_running: last >= today && first <= today, kind }
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

/// The range right before: of a calendar period the one before it, of dates that start on the 1st as many months as they have
/// begun, of others as many days (T5). Up to the same point where `now` is given, else whole.
fn before(dates: &Dates, now: Option<Instant>, calendar: &Calendar) -> Window {
    match dates.kind {
        Kind::Period(period) => match now {
            Some(now) => calendar.same_point_before(period, now),
            None => calendar.whole(period, minus(dates.first, 1.day())),
        },
        Kind::Dates | Kind::Ahead if !dates.is_running => calendar.range_before(dates.first, dates.last),
        Kind::Dates | Kind::Ahead if dates.first.day() == 1 => {
            let months = months_begun(dates.first, dates.last);
            let from = calendar.midnight(minus(dates.first, months.months()));
            let to = now.map_or(calendar.midnight(dates.first), |now| calendar.months_before(now, months));
            Window { from, to }
        }
        _ => shifted_by_days(dates, days_between(dates.first, dates.last) + 1, now, calendar),
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
fn buckets(bucket: Bucket, window: Window, calendar: &Calendar) -> (Bucket, Vec<Window>) {
    let most = if bucket == Bucket::Month { usize::MAX } else { POINTS_MAX };
    let out: Vec<Window> = parts(bucket, window, calendar).take(most.saturating_add(1)).collect();
    if out.len() > most { buckets(coarser(bucket), window, calendar) } else { (bucket, out) }
}

/// The buckets that make up a window.
pub fn parts(bucket: Bucket, window: Window, calendar: &Calendar) -> impl Iterator<Item = Window> {
    let mut from = window.from;
    std::iter::from_fn(move || {
        let part = Window { from, to: end(bucket, from, calendar).min(window.to) };
        from = part.to;
        (part.from < window.to).then_some(part)
    })
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
    fn dates_from_the_1st_on_shift_by_calendar_running_or_over() {
        for (now, to, earlier_to) in [
            ("2026-04-07T13:30:00Z", "2026-04-07T13:30:00Z", "2026-03-07T14:30:00Z"),
            ("2026-05-10T13:30:00Z", "2026-04-07T23:00:00Z", "2026-03-08T00:00:00Z"),
        ] {
            let got = spans("from=2026-04-01&to=2026-04-07", "Europe/London", now);
            assert_eq!(got.current, Window { from: at("2026-03-31T23:00:00Z"), to: at(to) }, "{now}");
            let earlier = Window { from: at("2026-03-01T00:00:00Z"), to: at(earlier_to) };
            assert_eq!(got.earlier, Some(earlier), "{now}");
        }
    }

    #[test]
    fn days_up_to_today_are_compared_with_as_many_before_also_from_a_1st_on() {
        let got = spans("range=7d", "Europe/London", "2026-12-07T14:30:00Z");
        let earlier = Window { from: at("2026-11-24T00:00:00Z"), to: at("2026-11-30T14:30:00Z") };
        assert_eq!(got.earlier, Some(earlier));
    }

    #[test]
    fn dates_that_lie_ahead_have_nothing_yet() {
        let got = spans("from=2026-11-23&to=2026-11-25", "Europe/London", "2026-11-21T14:30:00Z");
        assert!(got.current.from == got.current.to && got.points.is_empty());
        assert_eq!(got.earlier, Some(got.current));
    }

    #[test]
    fn a_point_stands_beside_one_of_the_same_length() {
        // March so far has 230 hours; all of February has more than a chart.
        let got = spans("range=month&compare=period&bucket=hour", "Europe/London", "2026-03-10T13:30:00Z");
        assert_eq!((got.bucket, got.points.len()), (Bucket::Hour, 230));
        let (label, window) = got.points[25].earlier.clone().expect("a point");
        assert_eq!((label.as_str(), window.from), ("01:00", at("2026-02-02T01:00:00Z")));
        assert_eq!(window.to - window.from, TimeDelta::hours(1));
    }

    #[test]
    fn there_is_a_point_for_each_month_of_as_many_years_as_can_be_asked_about() {
        let got = spans("from=1990-01-01&to=2026-11-21", "Europe/London", "2026-11-21T14:30:00Z");
        assert_eq!((got.bucket, got.points.len()), (Bucket::Month, 443));
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
