//! A naive calendar of one zone (T1 to T4): dates are counted by hand, and zones come from another library than the program's.

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::{
    DateTime, Datelike as _, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _,
};
use chrono::{Offset as _, Timelike as _, Utc};
use chrono_tz::Tz;

/// An instant.
pub type At = DateTime<Utc>;
/// From the first instant up to but not including the last.
pub type Stretch = (At, At);

/// The periods of T7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// A zone and the day that its weeks start on, 1 to 7 from Monday.
pub struct Zone {
    pub tz: Tz,
    pub week_start: i64,
    midnights: RefCell<HashMap<NaiveDate, At>>,
}

impl Zone {
    pub fn new(tz: Tz, week_start: i64) -> Zone {
        Zone { tz, week_start, midnights: RefCell::default() }
    }

    pub fn local(&self, at: At) -> NaiveDateTime {
        at.with_timezone(&self.tz).naive_local()
    }

    pub fn date(&self, at: At) -> NaiveDate {
        self.local(at).date()
    }

    /// The instant of a local time: the later of two; one that is skipped is as late as if the clock had not been changed (T3).
    pub fn instant(&self, local: NaiveDateTime) -> At {
        let known = |local: NaiveDateTime| match self.tz.from_local_datetime(&local) {
            MappedLocalTime::Single(at) => Some(at.to_utc()),
            MappedLocalTime::Ambiguous(one, other) => Some(one.to_utc().max(other.to_utc())),
            MappedLocalTime::None => None,
        };
        let mut before = local;
        loop {
            match known(before) {
                Some(at) => return at + (local - before),
                None => before -= TimeDelta::minutes(15),
            }
        }
    }

    pub fn midnight(&self, date: NaiveDate) -> At {
        *self.midnights.borrow_mut().entry(date).or_insert_with(|| self.instant(date.and_time(Default::default())))
    }

    pub fn whole_days(&self, first: NaiveDate, after: NaiveDate) -> Stretch {
        (self.midnight(first), self.midnight(after))
    }

    /// The same local time `days` days earlier.
    pub fn days_before(&self, at: At, days: u64) -> At {
        self.instant(self.local(at) - Days::new(days))
    }

    /// The same local time `months` months earlier, or the end of that month where it has no such day (T4).
    pub fn months_before(&self, at: At, months: u32) -> At {
        let local = self.local(at);
        match date_months_before(local.date(), months) {
            Ok(date) => self.instant(date.and_time(local.time())),
            Err(end) => self.midnight(end),
        }
    }

    /// The first date of the period that holds `date`.
    pub fn first(&self, period: Period, date: NaiveDate) -> NaiveDate {
        let first_of = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).expect("a first of a month");
        match period {
            Period::Day => date,
            Period::Week => {
                let mut first = date;
                while i64::from(first.weekday().number_from_monday()) != self.week_start {
                    first = first - Days::new(1);
                }
                first
            }
            Period::Month => first_of(date.month()),
            Period::Quarter => first_of([1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10][date.month0() as usize]),
            Period::Year => first_of(1),
        }
    }

    /// The first date of the period after the one that holds `date`.
    pub fn next(&self, period: Period, date: NaiveDate) -> NaiveDate {
        let first = self.first(period, date);
        match period.months() {
            0 => first + Days::new(period.days()),
            months => first + Months::new(months),
        }
    }

    /// The period that holds `now`, and the one before up to the same point (T4, T7).
    pub fn to_date(&self, period: Period, now: At) -> [Stretch; 2] {
        let first = self.first(period, self.date(now));
        let before = self.first(period, first - Days::new(1));
        let to = match period.months() {
            0 => self.days_before(now, period.days()),
            months => self.months_before(now, months),
        };
        [(self.midnight(first), now), (self.midnight(before), to)]
    }

    /// Where the hour that holds `at` ends: where the clock shows another hour or another date, or is changed (T2).
    pub fn hour_end(&self, at: At) -> At {
        let shown = |at: At| {
            let local = at.with_timezone(&self.tz);
            (local.date_naive(), local.hour(), local.offset().fix())
        };
        let here = shown(at);
        let mut end = at;
        loop {
            end = DateTime::from_timestamp((end.timestamp().div_euclid(900) + 1) * 900, 0).expect("an instant");
            if shown(end) != here {
                return end;
            }
        }
    }
}

impl Period {
    pub fn months(self) -> u32 {
        match self {
            Period::Day | Period::Week => 0,
            Period::Month => 1,
            Period::Quarter => 3,
            Period::Year => 12,
        }
    }

    fn days(self) -> u64 {
        if self == Period::Week { 7 } else { 1 }
    }
}

/// The same day of the month `months` months earlier, or else the first of the month after that one (T4).
pub fn date_months_before(date: NaiveDate, months: u32) -> Result<NaiveDate, NaiveDate> {
    let target = date.with_day(1).expect("a first") - Months::new(months);
    target.with_day(date.day()).ok_or(target + Months::new(1))
}
