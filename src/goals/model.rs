//! Goals and notes: what they are, and how they are read from what somebody wrote. Pure.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::{self, Currency};
use crate::period::{Instant, Period};

/// Characters of a note at most: it stands in a chart's tooltip.
pub const NOTE_CHARS_MAX: usize = 280;
/// Notes in a workspace at most: one a day for some years.
pub const NOTES_MAX: i64 = 2_000;
/// The first and the last day that a note can be about.
pub const NOTE_DAYS: (Date, Date) = (Date::constant(1970, 1, 1), Date::constant(2199, 12, 31));
/// The largest target: far beyond any shop, and its percent is still a number.
const TARGET_MAX: i64 = 1_000_000_000_000_000;

/// The period that a goal is for: whichever is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalPeriod {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
}

impl GoalPeriod {
    /// All of them, the shortest first.
    pub const ALL: [GoalPeriod; 5] =
        [GoalPeriod::Day, GoalPeriod::Week, GoalPeriod::Month, GoalPeriod::Quarter, GoalPeriod::Year];

    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            GoalPeriod::Day => "day",
            GoalPeriod::Week => "week",
            GoalPeriod::Month => "month",
            GoalPeriod::Quarter => "quarter",
            GoalPeriod::Year => "year",
        }
    }

    /// What the running one is called.
    pub fn running(self) -> &'static str {
        match self {
            GoalPeriod::Day => "today",
            GoalPeriod::Week => "this week",
            GoalPeriod::Month => "this month",
            GoalPeriod::Quarter => "this quarter",
            GoalPeriod::Year => "this year",
        }
    }

    /// The name of the running one among the figures of the page.
    pub fn figure(self) -> &'static str {
        if self == GoalPeriod::Day { "today" } else { self.name() }
    }

    /// Reads a [`GoalPeriod::name`].
    pub fn parse(name: &str) -> Option<GoalPeriod> {
        GoalPeriod::ALL.into_iter().find(|period| period.name() == name)
    }

    /// The period of the calendar.
    pub fn period(self) -> Period {
        match self {
            GoalPeriod::Day => Period::Day,
            GoalPeriod::Week => Period::Week,
            GoalPeriod::Month => Period::Month,
            GoalPeriod::Quarter => Period::Quarter,
            GoalPeriod::Year => Period::Year,
        }
    }
}

/// What a goal counts, always of all orders, refunds on their own dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalMeasure {
    /// Total revenue.
    Total,
    /// Net sales.
    Net,
    /// Orders placed.
    Orders,
}

impl GoalMeasure {
    /// All of them.
    pub const ALL: [GoalMeasure; 3] = [GoalMeasure::Total, GoalMeasure::Net, GoalMeasure::Orders];

    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            GoalMeasure::Total => "total",
            GoalMeasure::Net => "net",
            GoalMeasure::Orders => "orders",
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            GoalMeasure::Total => "Revenue",
            GoalMeasure::Net => "Net sales",
            GoalMeasure::Orders => "Orders",
        }
    }

    /// Reads a [`GoalMeasure::name`].
    pub fn parse(name: &str) -> Option<GoalMeasure> {
        GoalMeasure::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

/// A goal as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Its number.
    pub id: i32,
    /// The period that it is for.
    pub period: GoalPeriod,
    /// What it counts.
    pub measure: GoalMeasure,
    /// Minor units of the currency, or orders.
    pub target: i64,
    /// The reporting currency when it was set; `None` for orders.
    pub currency: Option<Currency>,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Instant,
}

impl Goal {
    /// Whether it can be set against figures in a reporting currency.
    pub fn is_of(&self, reporting: Currency) -> bool {
        self.currency.is_none_or(|currency| currency == reporting)
    }

    /// The target for people, `£50,000` or `1,200`.
    pub fn target_text(&self) -> String {
        self.currency.map_or_else(|| money::count(self.target), |currency| whole(self.target, currency))
    }
}

/// An amount without its pennies where it has none.
pub fn whole(minor: i64, currency: Currency) -> String {
    let text = money::display(minor, currency);
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole.to_owned(),
        _ => text,
    }
}

/// A goal that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewGoal {
    /// The period that it is for.
    pub period: GoalPeriod,
    /// What it counts.
    pub measure: GoalMeasure,
    /// Minor units of the reporting currency, or orders.
    pub target: i64,
}

/// Why what somebody wrote is no goal or no note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// No period.
    #[error("the period is one of day, week, month, quarter, year")]
    Period,
    /// No measure.
    #[error("the measure is one of total, net, orders")]
    Measure,
    /// No amount of the reporting currency.
    #[error("the target is an amount of {0} above nothing, such as 50000 or 1250.50")]
    Amount(Currency),
    /// No number of orders.
    #[error("the target is a number of orders above nothing, such as 1200")]
    Orders,
    /// No date.
    #[error("{0:?} is no date: give one such as 2026-11-21")]
    Date(String),
    /// The last day is before the first.
    #[error("the last day is before the first one: swap them")]
    Backwards,
    /// Nothing is written.
    #[error("write what is to be remembered of the day")]
    Empty,
    /// Too much is written.
    #[error("a note has at most {NOTE_CHARS_MAX} characters; this one has {0}")]
    Long(usize),
    /// There are too many notes.
    #[error("there are {NOTES_MAX} notes, which is as many as can be: remove some first")]
    Full,
}

impl NewGoal {
    /// Reads a goal: names, and the target as decimal text, with or without commas.
    pub fn read(period: &str, measure: &str, target: &str, reporting: Currency) -> Result<NewGoal, Unwritten> {
        let period = GoalPeriod::parse(period).ok_or(Unwritten::Period)?;
        let measure = GoalMeasure::parse(measure).ok_or(Unwritten::Measure)?;
        let digits = target.replace(',', "");
        let (target, wrong) = match measure {
            GoalMeasure::Orders => (digits.trim().parse().ok(), Unwritten::Orders),
            _ => (money::parse_minor(&digits, reporting).ok(), Unwritten::Amount(reporting)),
        };
        let target = target.filter(|target| (1..=TARGET_MAX).contains(target)).ok_or(wrong)?;
        Ok(NewGoal { period, measure, target })
    }
}

/// A note as it is stored: text, never HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its number.
    pub id: i32,
    /// The first day that it is about.
    pub first: Date,
    /// The last one, which may be the same.
    pub last: Date,
    /// What it says.
    pub text: String,
    /// Who wrote it; `None` for a script.
    pub author_id: Option<i32>,
    /// Their name.
    pub author: String,
    /// When.
    pub written_at: Instant,
    /// When it was changed last.
    pub edited_at: Option<Instant>,
}

impl Note {
    /// Its days in words: `20 Nov 2026`, `20 Nov 2026 – 23 Nov 2026`.
    pub fn days(&self) -> String {
        let day = |date: Date| date.strftime("%-d %b %Y").to_string();
        if self.first == self.last { day(self.first) } else { format!("{} – {}", day(self.first), day(self.last)) }
    }
}

/// A note that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// The first day that it is about.
    pub first: Date,
    /// The last one.
    pub last: Date,
    /// What it says, in one line.
    pub text: String,
}

impl NewNote {
    /// Reads a note; without a last day it is about one.
    pub fn read(first: &str, last: Option<&str>, text: &str) -> Result<NewNote, Unwritten> {
        let date = |text: &str| {
            let date: Option<Date> = text.trim().parse().ok();
            date.filter(|date| (NOTE_DAYS.0..=NOTE_DAYS.1).contains(date))
                .ok_or_else(|| Unwritten::Date(text.chars().take(20).collect()))
        };
        let first = date(first)?;
        let last = last.map_or(Ok(first), date)?;
        if last < first {
            return Err(Unwritten::Backwards);
        }
        // One line without control characters: it stands in tables, tooltips and files.
        let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = printable.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.chars().count() {
            0 => Err(Unwritten::Empty),
            1..=NOTE_CHARS_MAX => Ok(NewNote { first, last, text }),
            long => Err(Unwritten::Long(long)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read_as_people_write_them() {
        let read = |period, measure, target| NewGoal::read(period, measure, target, Currency::GBP);
        let goal = |period, measure, target| Ok(NewGoal { period, measure, target });
        assert_eq!(read("month", "total", "50,000"), goal(GoalPeriod::Month, GoalMeasure::Total, 5_000_000));
        assert_eq!(read("day", "net", " 12.50"), goal(GoalPeriod::Day, GoalMeasure::Net, 1_250));
        assert_eq!(read("year", "orders", "1,200"), goal(GoalPeriod::Year, GoalMeasure::Orders, 1_200));
        assert_eq!(read("decade", "total", "1"), Err(Unwritten::Period));
        assert_eq!(read("day", "profit", "1"), Err(Unwritten::Measure));
        for target in ["", "0", "-5", "£50", "1.234", "99999999999999999999", "1e9"] {
            assert_eq!(read("day", "total", target), Err(Unwritten::Amount(Currency::GBP)), "{target}");
        }
        for target in ["", "0", "-5", "1.5", "99999999999999999999"] {
            assert_eq!(read("day", "orders", target), Err(Unwritten::Orders), "{target}");
        }
    }

    #[test]
    fn notes_are_one_line_about_some_days() {
        let read = NewNote::read;
        let note = read("2026-11-20", None, " Black\n\tFriday <b>sale</b>\u{7}").expect("a note");
        assert_eq!((note.text.as_str(), note.first), ("Black Friday <b>sale</b>", note.last));
        assert_eq!(read("2026-11-20", Some("2026-11-19"), "x"), Err(Unwritten::Backwards));
        assert_eq!(read("2026-11-20", Some(""), "x"), Err(Unwritten::Date(String::new())));
        assert_eq!(read("2026-02-30", None, "x"), Err(Unwritten::Date("2026-02-30".into())));
        assert_eq!(read("9999-01-01", None, "x"), Err(Unwritten::Date("9999-01-01".into())));
        assert_eq!(read("2026-11-20", None, " \n"), Err(Unwritten::Empty));
        assert_eq!(read("2026-11-20", None, &"é".repeat(281)), Err(Unwritten::Long(281)));
        assert!(read("2026-11-20", None, &"é".repeat(280)).is_ok());
    }

    #[test]
    fn a_round_target_has_no_pennies() {
        assert_eq!(whole(5_000_000, Currency::GBP), "£50,000");
        assert_eq!(whole(5_000_050, Currency::GBP), "£50,000.50");
    }
}
