//! Windows of time in a workspace's zone: their ends are computed on the local calendar, then made instants.
//!
//! Nothing here reads a clock; `now` is always an argument. `jiff` does the calendar and the zones because it can be
//! told to take the later instant in a fold or a gap (T3); instants leave this file as `chrono` values.

use chrono::{DateTime, TimeZone as _, Utc};
use jiff::civil::{Date, DateTime as Local, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

/// An instant in UTC.
pub type Instant = DateTime<Utc>;

/// A half-open window of time, `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// The first instant inside.
    pub from: Instant,
    /// The first instant after.
    pub to: Instant,
}

impl Window {
    /// Whether all of another window lies in this one.
    pub fn holds(&self, other: Window) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// The calendar that a workspace lives by: one zone and one first day of the week (T1).
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    zone_name: String,
    week_start: Weekday,
}

/// The periods that have a comparison to the same point (T7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// Midnight to midnight.
    Day,
    /// Seven days from the workspace's first day of the week.
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months from January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
}

/// A name that is not in the IANA time zone database.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an IANA time zone such as Europe/London")]
pub struct UnknownZone(String);

impl Calendar {
    /// A calendar of the IANA zone `zone`, whose weeks start on `week_start` (1 is Monday, 7 Sunday).
    pub fn new(zone: &str, week_start: i8) -> Result<Calendar, UnknownZone> {
        let known = TimeZone::get(zone).map_err(|_| UnknownZone(zone.to_owned()))?;
        Ok(Calendar {
            zone_name: known.iana_name().unwrap_or(zone).to_owned(),
            zone: known,
            week_start: Weekday::from_monday_one_offset(week_start).unwrap_or(Weekday::Monday),
        })
    }

    /// The IANA name of the zone.
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// The local date of an instant.
    pub fn date(&self, at: Instant) -> Date {
        self.local(at).date()
    }

    /// The local date and time of an instant.
    pub fn local(&self, at: Instant) -> Local {
        self.zone.to_datetime(timestamp(at))
    }

    /// The zone's abbreviation at an instant: `GMT`, `BST`.
    pub fn abbreviation(&self, at: Instant) -> String {
        self.zone.to_offset_info(timestamp(at)).abbreviation().to_owned()
    }

    /// The instant of a local time; the later one in a fold or a gap (T3).
    pub fn instant(&self, local: Local) -> Instant {
        let at = self.zone.to_ambiguous_timestamp(local).later();
        at.map_or(if local.year() < 0 { Instant::MIN_UTC } else { Instant::MAX_UTC }, instant)
    }

    /// The first instant of a local date.
    pub fn midnight(&self, date: Date) -> Instant {
        self.instant(date.to_datetime(Time::midnight()))
    }

    /// The window of a whole local date: 23, 24 or 25 hours.
    pub fn day(&self, date: Date) -> Window {
        Window { from: self.midnight(date), to: self.midnight(plus(date, 1.day())) }
    }

    /// The window of the local dates from `first` up to and including `last`.
    pub fn days(&self, first: Date, last: Date) -> Window {
        Window { from: self.midnight(first), to: self.midnight(plus(last, 1.day())) }
    }

    /// The first date of the period that holds `date`.
    pub fn start(&self, period: Period, date: Date) -> Date {
        match period {
            Period::Day => date,
            Period::Week => minus(date, i64::from(date.weekday().since(self.week_start)).days()),
            Period::Month => date.first_of_month(),
            Period::Quarter => {
                let month = (date.month() - 1) / 3 * 3 + 1;
                Date::new(date.year(), month, 1).unwrap_or(date)
            }
            Period::Year => date.first_of_year(),
        }
    }

    /// The window of the whole period that holds `date`.
    pub fn whole(&self, period: Period, date: Date) -> Window {
        let first = self.start(period, date);
        Window { from: self.midnight(first), to: self.midnight(plus(first, period.span())) }
    }

    /// The running period up to `now`.
    pub fn to_date(&self, period: Period, now: Instant) -> Window {
        Window { from: self.midnight(self.start(period, self.date(now))), to: now }
    }

    /// The period before the running one, up to the same local wall-clock point (T3, T4).
    pub fn same_point_before(&self, period: Period, now: Instant) -> Window {
        let local = self.local(now);
        let first = minus(self.start(period, local.date()), period.span());
        Window { from: self.midnight(first), to: self.shift_back(local, period) }
    }

    /// The same local wall-clock point some calendar months earlier, as in [`Calendar::same_point_before`].
    pub fn months_before(&self, now: Instant, months: i64) -> Instant {
        self.shift_months(self.local(now), months)
    }

    fn shift_back(&self, local: Local, period: Period) -> Instant {
        match period.months() {
            Some(months) => self.shift_months(local, months),
            None => self.instant(minus(local.date(), period.span()).to_datetime(local.time())),
        }
    }

    /// A local time some months earlier, as an instant. Where the target date does not exist it is the end of the
    /// target month: the next month's first midnight (T4).
    fn shift_months(&self, local: Local, months: i64) -> Instant {
        let date = local.date();
        let target_month = minus(date.first_of_month(), months.months());
        match Date::new(target_month.year(), target_month.month(), date.day()) {
            Ok(target) => self.instant(target.to_datetime(local.time())),
            Err(_) => self.midnight(plus(target_month, 1.month())),
        }
    }

    /// The range compared with the whole local dates `first..=last`: the one right before it. Ranges that start on the 1st
    /// shift by as many calendar months as they have begun, others by their number of days (T5).
    pub fn range_before(&self, first: Date, last: Date) -> Window {
        let after = plus(last, 1.day());
        if first.day() == 1 {
            let months = months_begun(first, last);
            let to = self.shift_months(after.to_datetime(Time::midnight()), months);
            return Window { from: self.midnight(minus(first, months.months())), to };
        }
        let length = first.until(after).map_or(1, |span| i64::from(span.get_days()));
        Window { from: self.midnight(minus(first, length.days())), to: self.midnight(first) }
    }

    /// The same weekday of last year: 364 days earlier (T5).
    pub fn last_year_by_weekday(date: Date) -> Date {
        minus(date, 364.days())
    }

    /// The same point of a year ago by date; 29 February saturates to the end of February (T4).
    pub fn last_year_by_date(&self, now: Instant) -> Instant {
        self.shift_back(self.local(now), Period::Year)
    }

    /// A window in words: `Mon 16 Nov 00:00–14:30 GMT`, `Sun 1 Nov – Sat 21 Nov 14:30 GMT`, `Mon 16 Nov`. The year is said
    /// where it is not that of `now`.
    pub fn words(&self, window: Window, now: Instant) -> String {
        let (from, to) = (self.local(window.from), self.local(window.to));
        let zone = self.abbreviation(window.to);
        let last = self.local(window.to - chrono::Duration::nanoseconds(1)).date();
        let this_year = self.date(now).year();
        let day = |date: Date| {
            let format =
                if from.year() == this_year && last.year() == this_year { "%a %-d %b" } else { "%a %-d %b %Y" };
            date.strftime(format).to_string()
        };
        let starts_whole = from.time() == Time::midnight();
        if to.time() == Time::midnight() && starts_whole {
            return if from.date() == last { day(last) } else { format!("{} – {}", day(from.date()), day(last)) };
        }
        let until = to.strftime("%H:%M");
        if from.date() == to.date() {
            format!("{} {}–{until} {zone}", day(to.date()), from.strftime("%H:%M"))
        } else if starts_whole {
            format!("{} – {} {until} {zone}", day(from.date()), day(to.date()))
        } else {
            format!("{} {} – {} {until} {zone}", day(from.date()), from.strftime("%H:%M"), day(to.date()))
        }
    }
}

impl Period {
    fn months(self) -> Option<i64> {
        match self {
            Period::Day | Period::Week => None,
            Period::Month => Some(1),
            Period::Quarter => Some(3),
            Period::Year => Some(12),
        }
    }

    fn span(self) -> Span {
        match self {
            Period::Day => 1.day(),
            Period::Week => 7.days(),
            Period::Month => 1.month(),
            Period::Quarter => 3.months(),
            Period::Year => 1.year(),
        }
    }
}

/// The IANA names of zones where people live, such as `Europe/London`, for somebody to choose from.
pub fn zone_names() -> Vec<String> {
    let is_place = |name: &str| {
        let (area, _) = name.split_once('/').unwrap_or((name, ""));
        let areas = ["Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
        areas.contains(&area) || name == "UTC"
    };
    let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    names.retain(|name| is_place(name));
    names.sort_unstable();
    names
}

/// A date later by `span`; the calendar's last date where it would go beyond it.
pub fn plus(date: Date, span: Span) -> Date {
    date.saturating_add(span)
}

/// A date earlier by `span`; the calendar's first date where it would go beyond it.
pub fn minus(date: Date, span: Span) -> Date {
    date.saturating_sub(span)
}

/// The calendar months that the dates from `first`, a 1st, up to `last` have begun.
pub fn months_begun(first: Date, last: Date) -> i64 {
    i64::from(last.year() - first.year()) * 12 + i64::from(last.month() - first.month()) + 1
}

/// A `jiff` date as the `chrono` date that SQL speaks.
pub fn sql_date(date: Date) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(i32::from(date.year()), date.month() as u32, date.day() as u32)
        .unwrap_or(chrono::NaiveDate::MIN)
}

/// A date of SQL as the `jiff` date that days are counted with.
pub fn jiff_date(date: chrono::NaiveDate) -> Date {
    use chrono::Datelike as _;
    let year = i16::try_from(date.year()).unwrap_or(i16::MAX);
    Date::new(year, date.month() as i8, date.day() as i8).unwrap_or(Date::MIN)
}

fn timestamp(at: Instant) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at.timestamp_micros()) * 1000).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn instant(at: Timestamp) -> Instant {
    Utc.timestamp_micros(at.as_microsecond()).single().unwrap_or(Instant::MIN_UTC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn london() -> Calendar {
        Calendar::new("Europe/London", 1).expect("a zone")
    }

    fn at(text: &str) -> Instant {
        DateTime::parse_from_rfc3339(text).expect("an instant").with_timezone(&Utc)
    }

    /// The golden vectors of the specification: `now`, the period, the end of the earlier window in UTC.
    #[test]
    fn golden_vectors_same_point() {
        for (now, period, end) in [
            ("2026-10-25T14:30:00Z", Period::Day, "2026-10-24T13:30:00Z"),
            ("2026-03-29T13:30:00Z", Period::Day, "2026-03-28T14:30:00Z"),
            ("2026-03-31T13:30:00Z", Period::Month, "2026-03-01T00:00:00Z"),
            ("2026-10-26T01:30:00Z", Period::Day, "2026-10-25T01:30:00Z"),
            ("2026-10-26T01:30:00Z", Period::Week, "2026-10-19T00:30:00Z"),
            ("2026-05-31T13:30:00Z", Period::Quarter, "2026-03-01T00:00:00Z"),
            ("2028-02-29T14:30:00Z", Period::Year, "2027-03-01T00:00:00Z"),
        ] {
            assert_eq!(london().same_point_before(period, at(now)).to, at(end), "{now} {period:?}");
        }
    }

    #[test]
    fn golden_vector_of_a_whole_month_and_of_last_year() {
        let (first, last) = (Date::constant(2026, 3, 1), Date::constant(2026, 3, 31));
        let before = london().range_before(first, last);
        assert_eq!((before.from, before.to), (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z")));
        assert_eq!(Calendar::last_year_by_weekday(Date::constant(2026, 11, 27)), Date::constant(2025, 11, 28));
        assert_eq!(london().last_year_by_date(at("2028-02-29T14:30:00Z")), at("2027-03-01T00:00:00Z"));
    }

    #[test]
    fn days_last_23_24_or_25_hours() {
        let hours = |y, m, d| {
            let day = london().day(Date::constant(y, m, d));
            (day.to - day.from).num_hours()
        };
        assert_eq!((hours(2026, 3, 29), hours(2026, 10, 25), hours(2026, 11, 21)), (23, 25, 24));
    }

    #[test]
    fn windows_are_said_in_words() {
        let calendar = london();
        let today = calendar.to_date(Period::Day, at("2026-11-16T14:30:07Z"));
        let now = at("2026-11-16T14:30:07Z");
        assert_eq!(calendar.words(today, now), "Mon 16 Nov 00:00–14:30 GMT");
        assert_eq!(calendar.words(calendar.to_date(Period::Month, now), now), "Sun 1 Nov – Mon 16 Nov 14:30 GMT");
        assert_eq!(calendar.words(calendar.day(Date::constant(2026, 11, 16)), now), "Mon 16 Nov");
        let year_before = calendar.days(Date::constant(2025, 1, 1), Date::constant(2025, 12, 31));
        assert_eq!(calendar.words(year_before, now), "Wed 1 Jan 2025 – Wed 31 Dec 2025");
    }

    #[test]
    fn weeks_start_where_the_workspace_says() {
        let sunday = Calendar::new("Europe/London", 7).expect("a zone");
        let date = Date::constant(2026, 11, 21);
        assert_eq!(london().start(Period::Week, date), Date::constant(2026, 11, 16));
        assert_eq!(sunday.start(Period::Week, date), Date::constant(2026, 11, 15));
    }

    #[test]
    fn zones_to_choose_from_are_zones() {
        let names = zone_names();
        assert!(
            names.iter().any(|name| name == "Europe/London") && names.iter().all(|name| Calendar::new(name, 1).is_ok())
        );
        assert!(!names.iter().any(|name| name.starts_with("Etc/") || name == "GB"));
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        assert!(Calendar::new("Europe/Nowhere", 1).is_err());
    }

    const ZONES: [&str; 7] = [
        "Europe/London",
        "America/New_York",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/Sao_Paulo",
    ];

    proptest! {
        #[test]
        fn the_earlier_window_ends_within_the_earlier_period(
            seconds in 1_100_000_000i64..2_000_000_000, zone in 0usize..7, period in 0usize..5,
        ) {
            let calendar = Calendar::new(ZONES[zone], 1).expect("a zone");
            let period = [Period::Day, Period::Week, Period::Month, Period::Quarter, Period::Year][period];
            let now = Utc.timestamp_opt(seconds, 0).single().expect("an instant");
            let running = calendar.to_date(period, now);
            let before = calendar.same_point_before(period, now);
            prop_assert!(before.from <= before.to, "{before:?}");
            prop_assert!(before.to <= running.from, "{before:?} {running:?}");
            prop_assert!(running.from <= now);
        }

        #[test]
        fn days_join_without_gap_or_overlap(days in 0i64..9000, zone in 0usize..7) {
            let calendar = Calendar::new(ZONES[zone], 1).expect("a zone");
            let date = plus(Date::constant(2005, 1, 1), days.days());
            prop_assert_eq!(calendar.day(date).to, calendar.day(plus(date, 1.day())).from);
        }
    }
}
