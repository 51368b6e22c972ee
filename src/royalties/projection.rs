//! What a quarter will bring (R4): what is known, what was heard, and the rest at the recent pace; and how good earlier
//! projections were. Pure.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::money::Change;
use crate::period::minus;
use crate::royalties::model::{Stage, quarter_end};
use crate::royalties::rate::Rate;
use crate::royalties::standing::{CurrentRate, Month, Quarter, Standing};

/// Days of the pace: the last four weeks that are reported.
const PACE_DAYS: i64 = 28;

/// Minutes in days, of the latest that are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Minutes.
    pub minutes: i64,
    /// The days that they are of.
    pub days: i64,
}

impl Pace {
    /// Minutes of so many days at this pace, rounded half up.
    pub fn of_days(self, days: i64) -> i64 {
        let per = i128::from(self.days.max(1));
        i64::try_from((i128::from(self.minutes) * i128::from(days) + per / 2) / per).unwrap_or(i64::MAX)
    }

    /// Minutes of a week at this pace.
    pub fn weekly(self) -> i64 {
        self.of_days(7)
    }
}

/// What a quarter will bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// The quarter as it stands.
    pub quarter: Quarter,
    /// Cents of its final months.
    pub final_minor: i64,
    /// Cents of its provisional months.
    pub provisional_minor: i64,
    /// Minutes that weeks tell of in months without a statement.
    pub heard_minutes: i64,
    /// Days that nothing is known of.
    pub rest_days: i64,
    /// The minutes of these days at the pace.
    pub rest_minutes: i64,
    /// The pace; none where no day and no month is known.
    pub pace: Option<Pace>,
    /// The rates that money is made with.
    pub rate: CurrentRate,
}

impl Projection {
    /// Projects a quarter. None before the first final month, and where days are left without a pace for them.
    pub fn of(standing: &Standing, quarter: Date) -> Option<Projection> {
        let (quarter, rate) = (standing.quarter(quarter), standing.rate.clone()?);
        let open = || quarter.months.iter().filter(|month| month.revenue_minor.is_none());
        let rest_days: i64 = open().map(|month| month.days() - month.days_known).sum();
        let pace = pace(standing, quarter.first);
        if rest_days > 0 && pace.is_none() {
            return None;
        }
        Some(Projection {
            final_minor: quarter.received_minor(),
            provisional_minor: quarter.provisional_minor(),
            heard_minutes: open().map(|month| month.minutes).sum(),
            rest_days,
            rest_minutes: pace.map_or(0, |pace| pace.of_days(rest_days)),
            pace,
            rate,
            quarter,
        })
    }

    /// What the quarter brings if a minute is worth `rate`, in cents.
    pub fn at(&self, rate: Rate) -> i64 {
        self.final_minor + self.provisional_minor + rate.times(self.heard_minutes + self.rest_minutes)
    }

    /// At the lowest rate of the range, at the current one, and at the highest, in cents.
    pub fn range_minor(&self) -> (i64, i64, i64) {
        let (low, high) = self.rate.range();
        (self.at(low), self.at(self.rate.rate), self.at(high))
    }

    /// Minutes of the quarter, those to come with them.
    pub fn minutes(&self) -> i64 {
        self.quarter.minutes() + self.rest_minutes
    }

    /// The minutes of a month, those to come with them, and its worth at the current rate in cents.
    pub fn month(&self, month: &Month) -> (i64, i64) {
        match month.revenue_minor {
            Some(minor) => (month.minutes, minor),
            None => {
                let rest = self.pace.map_or(0, |pace| pace.of_days(month.days() - month.days_known));
                let minutes = month.minutes + rest;
                (minutes, self.rate.rate.times(minutes))
            }
        }
    }
}

/// The pace before the end of a quarter: of the last four reported weeks, or of the last month with a statement.
fn pace(standing: &Standing, quarter: Date) -> Option<Pace> {
    let end = quarter_end(quarter);
    let last = standing.last_day().map(|day| day.min(end));
    let of_weeks = last.and_then(|last| {
        let (minutes, days) = standing.heard(minus(last, (PACE_DAYS - 1).days()), last);
        (days > 0).then_some(Pace { minutes, days })
    });
    let of_months = || {
        let months = standing.quarters.iter().rev().filter(|known| known.first <= quarter);
        let mut stated =
            months.flat_map(|known| known.months.iter().rev()).filter(|month| month.revenue_minor.is_some());
        stated.next().map(|month| Pace { minutes: month.minutes, days: month.days() })
    };
    of_weeks.or_else(of_months)
}

/// A projection as it was made one day, in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The quarter that it is of.
    pub quarter: Date,
    /// The day that it was made.
    pub made_on: Date,
    /// At the lowest rate.
    pub low_minor: i64,
    /// At the rate of that day.
    pub mid_minor: i64,
    /// At the highest rate.
    pub high_minor: i64,
}

/// How good a projection was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The projection.
    pub kept: Kept,
    /// What the quarter brought, in cents.
    pub actual_minor: i64,
    /// How far the projection was off.
    pub off: Change,
    /// Whether what came was within the range.
    pub is_within: bool,
}

/// How good the projections of final quarters were.
pub fn records(kept: &[Kept], standing: &Standing) -> Vec<Record> {
    let record = |kept: &Kept| {
        let quarter = standing.quarter(kept.quarter);
        // Where all of it was known, nothing was projected.
        let is_told = quarter.stage() == Some(Stage::Final) && kept.low_minor != kept.high_minor;
        is_told.then(|| {
            let actual_minor = quarter.received_minor();
            let off = Change::between(kept.mid_minor, actual_minor);
            let is_within = (kept.low_minor..=kept.high_minor).contains(&actual_minor);
            Record { kept: *kept, actual_minor, off, is_within }
        })
    };
    kept.iter().filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::royalties::model::Ledger;
    use crate::royalties::standing::tests::{date, month, of_2025, week};

    fn projected(ledger: &Ledger, quarter: &str) -> Projection {
        Projection::of(&Standing::of(ledger), date(quarter)).expect("a projection")
    }

    #[test]
    fn a_final_quarter_is_what_it_was_at_every_rate() {
        let projection = projected(&of_2025(), "2025-10-01");
        assert_eq!(projection.range_minor(), (924_900, 924_900, 924_900));
        assert_eq!((projection.rest_days, projection.minutes()), (0, 894_829));
    }

    #[test]
    fn the_rest_of_a_quarter_goes_on_at_the_recent_pace_by_days() {
        let mut ledger = of_2025();
        month(&mut ledger, "2026-01-01", 2_000, 200_000, Stage::Final);
        for first in ["2026-01-26", "2026-02-02", "2026-02-09", "2026-02-16"] {
            week(&mut ledger, first, "", 70_000);
        }
        let projection = projected(&ledger, "2026-01-01");
        // 1 to 22 February are heard at 10,000 a day; 6 days of February and 31 of March are left.
        assert_eq!((projection.heard_minutes, projection.rest_days, projection.rest_minutes), (220_000, 37, 370_000));
        assert_eq!(projection.pace.map(Pace::weekly), Some(70_000));
        // 590,000 minutes at 14354/1707582, 9249/894829 and 8317/553075 dollars, and 2,000 dollars.
        assert_eq!(projection.range_minor(), (695_956, 809_827, 1_087_227));
        assert_eq!(projection.at(Rate::parse("0.01").expect("a rate")), 790_000);
        assert_eq!(projection.month(&projection.quarter.months[1]), (280_000, 289_409));
    }

    #[test]
    fn a_quarter_before_its_first_week_goes_at_the_pace_of_the_one_before() {
        let mut ledger = of_2025();
        week(&mut ledger, "2025-12-22", "", 70_000);
        assert_eq!(projected(&ledger, "2026-01-01").rest_minutes, 900_000);
        assert_eq!(projected(&of_2025(), "2026-01-01").rest_days, 90);
        assert_eq!(Projection::of(&Standing::default(), date("2026-01-01")), None);
    }

    #[test]
    fn projections_are_held_against_what_came() {
        let kept = |made_on, low, mid, high| Kept {
            quarter: date("2025-10-01"),
            made_on: date(made_on),
            low_minor: low,
            mid_minor: mid,
            high_minor: high,
        };
        let all = [kept("2025-10-20", 900_000, 1_000_000, 1_200_000), kept("2025-11-20", 700_000, 800_000, 900_000)];
        let found = records(&all, &Standing::of(&of_2025()));
        let told: Vec<(Change, bool)> = found.iter().map(|record| (record.off, record.is_within)).collect();
        assert_eq!(told, [(Change::PerMille(81), true), (Change::PerMille(-135), false)]);
        assert!(records(&all, &Standing::default()).is_empty());
        // What was known in full when it was said is no projection.
        assert!(records(&[kept("2026-02-01", 924_900, 924_900, 924_900)], &Standing::of(&of_2025())).is_empty());
    }

    proptest! {
        #[test]
        fn the_current_rate_lies_within_the_range(minutes in 0i64..10_000_000, weeks in 1i64..12) {
            let mut ledger = of_2025();
            for n in 0..weeks {
                let first = crate::period::plus(date("2026-01-05"), (n * 7).days());
                week(&mut ledger, &first.to_string(), "", minutes);
            }
            let (low, mid, high) = projected(&ledger, "2026-01-01").range_minor();
            prop_assert!(low <= mid && mid <= high);
        }
    }
}
