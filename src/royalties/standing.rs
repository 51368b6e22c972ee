//! Where royalties stand: weeks, months and quarters added up from statements, and the rate that follows from them (R1, R2).
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::period::plus;
use crate::royalties::model::{
    Ledger, Series, Stage, days, month_of, months_of, quarter_name, quarter_of, share_of_day,
};
use crate::royalties::rate::Rate;
use crate::royalties::totals::{Sources, Total, totals};

/// Quarters whose rates make the range (R2).
const RANGE_QUARTERS: usize = 4;

/// The minutes of a week, of all countries and titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// The first day, as the file says it.
    pub first: Date,
    /// The last day.
    pub last: Date,
    /// Minutes.
    pub minutes: i64,
    /// Where they are from.
    pub sources: Sources,
}

/// A month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// The first day.
    pub first: Date,
    /// How near its money is; `None` where nothing is known of the month.
    pub stage: Option<Stage>,
    /// Minutes of its statement; without one, those of the days that weeks have told of.
    pub minutes: i64,
    /// Cents of its statement; `None` for an estimate.
    pub revenue_minor: Option<i64>,
    /// Days that its minutes are of.
    pub days_known: i64,
    /// Where its statement is from.
    pub sources: Option<Sources>,
}

impl Month {
    /// Days of the month.
    pub fn days(&self) -> i64 {
        let (first, last) = month_of(self.first);
        days(first, last)
    }

    /// What it is worth: its statement, or its minutes at a rate.
    pub fn worth_minor(&self, rate: Option<Rate>) -> Option<i64> {
        self.revenue_minor.or_else(|| self.stage.and(rate).map(|rate| rate.times(self.minutes)))
    }
}

/// A quarter: three months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarter {
    /// The first day.
    pub first: Date,
    /// Its months.
    pub months: [Month; 3],
}

impl Quarter {
    /// What it is called.
    pub fn name(&self) -> String {
        quarter_name(self.first)
    }

    /// The stage of the month that is furthest from money; `None` where nothing is known of some month.
    pub fn stage(&self) -> Option<Stage> {
        self.months.iter().map(|month| month.stage).min().flatten()
    }

    /// Money received: final months alone, in cents. Estimates never enter it.
    pub fn received_minor(&self) -> i64 {
        self.of_stage(Stage::Final).filter_map(|month| month.revenue_minor).sum()
    }

    /// Money of provisional months, in cents.
    pub fn provisional_minor(&self) -> i64 {
        self.of_stage(Stage::Provisional).filter_map(|month| month.revenue_minor).sum()
    }

    /// What the months without a statement are worth so far, in cents.
    pub fn estimated_minor(&self, rate: Option<Rate>) -> i64 {
        self.of_stage(Stage::Estimate).filter_map(|month| month.worth_minor(rate)).sum()
    }

    /// Minutes that are known.
    pub fn minutes(&self) -> i64 {
        self.months.iter().map(|month| month.minutes).sum()
    }

    /// The rate of its final months; only a whole quarter has one that others are measured by.
    pub fn final_rate(&self) -> Option<Rate> {
        (self.stage() == Some(Stage::Final)).then(|| Rate::of(self.received_minor(), self.minutes())).flatten()
    }

    fn of_stage(&self, stage: Stage) -> impl Iterator<Item = &Month> {
        self.months.iter().filter(move |month| month.stage == Some(stage))
    }
}

/// The rate that estimates are made with, and how far it has been from itself (R2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentRate {
    /// Final money by final minutes of the latest final quarter.
    pub rate: Rate,
    /// What it is of: `Q4 2025`, or a month where no quarter is final.
    pub source: String,
    /// The rates of the last four final quarters, the newest first.
    pub quarters: Vec<(String, Rate)>,
}

impl CurrentRate {
    /// The lowest and the highest rate of the last four quarters, and of now.
    pub fn range(&self) -> (Rate, Rate) {
        let rates = || self.quarters.iter().map(|(_, rate)| *rate);
        (rates().fold(self.rate, Rate::min), rates().fold(self.rate, Rate::max))
    }
}

/// Where royalties stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Weeks, the oldest first.
    pub weeks: Vec<Week>,
    /// Quarters from the first that anything is known of to the last, the oldest first.
    pub quarters: Vec<Quarter>,
    /// The rate; none before the first final month.
    pub rate: Option<CurrentRate>,
    days: BTreeMap<Date, i64>,
}

impl Standing {
    /// Adds statements up.
    pub fn of(ledger: &Ledger) -> Standing {
        Standing::of_totals(&totals(ledger, Series::Weekly), &totals(ledger, Series::Monthly))
    }

    /// The same of what weeks and months add up to, each in order.
    pub fn of_totals(weekly: &[Total], monthly: &[Total]) -> Standing {
        let weeks = weeks(weekly);
        let days = days_of(&weeks);
        let statements: BTreeMap<Date, Total> = monthly.iter().map(|total| (total.first, *total)).collect();
        let mut known: BTreeSet<Date> = statements.keys().copied().map(quarter_of).collect();
        known.extend(days.keys().copied().map(quarter_of));
        let mut quarters = Vec::new();
        let mut next = known.first().copied();
        while let Some(first) = next.filter(|first| known.last().is_some_and(|last| first <= last)) {
            quarters.push(Quarter { first, months: months_of(first).map(|month| month_at(month, &statements, &days)) });
            next = Some(plus(first, 3.months())).filter(|next| *next > first);
        }
        let rate = current_rate(&quarters);
        Standing { weeks, quarters, rate, days }
    }

    /// The quarter that begins on `first`; one of which nothing is known where there is none.
    pub fn quarter(&self, first: Date) -> Quarter {
        let none = |first| Month { first, stage: None, minutes: 0, revenue_minor: None, days_known: 0, sources: None };
        let found = self.quarters.iter().find(|quarter| quarter.first == first).copied();
        found.unwrap_or_else(|| Quarter { first, months: months_of(first).map(none) })
    }

    /// The last day that weeks tell of.
    pub fn last_day(&self) -> Option<Date> {
        self.days.last_key_value().map(|(day, _)| *day)
    }

    /// Minutes of the days from `first` to `last` that weeks tell of, and how many days these are.
    pub fn heard(&self, first: Date, last: Date) -> (i64, i64) {
        if first > last {
            return (0, 0);
        }
        self.days.range(first..=last).fold((0, 0), |(minutes, days), (_, day)| (minutes + day, days + 1))
    }

    /// The weeks that tell of the days from `first` to `last`, the oldest first: each with how many of these days are its own,
    /// and their minutes. They add up to [`Standing::heard`].
    pub fn shares(&self, first: Date, last: Date) -> Vec<(Week, i64, i64)> {
        let touching = || self.weeks.iter().filter(|week| week.first <= last && week.last >= first);
        let mut owners: BTreeMap<Date, (usize, i64)> = BTreeMap::new();
        for (at, week) in touching().enumerate() {
            let length = days(week.first, week.last);
            let all = (0..length).map(|n| (plus(week.first, n.days()), (at, share_of_day(week.minutes, n, length))));
            owners.extend(all.filter(|(day, _)| (first..=last).contains(day)));
        }
        let share = |(at, week): (usize, &Week)| {
            let own = owners.values().filter(|(owner, _)| *owner == at);
            let (days, minutes) = own.fold((0, 0), |(days, minutes), (_, share)| (days + 1, minutes + share));
            (*week, days, minutes)
        };
        touching().enumerate().map(share).filter(|(_, days, _)| *days > 0).collect()
    }
}

fn weeks(totals: &[Total]) -> Vec<Week> {
    let week = |total: &Total| Week {
        first: total.first,
        last: total.last,
        minutes: total.figure.minutes,
        sources: total.sources,
    };
    totals.iter().map(week).collect()
}

/// Minutes of each day. A day in two weeks counts once, as part of the week that begins later.
fn days_of(weeks: &[Week]) -> BTreeMap<Date, i64> {
    let mut all = BTreeMap::new();
    for week in weeks {
        let length = days(week.first, week.last);
        for n in 0..length {
            all.insert(plus(week.first, n.days()), share_of_day(week.minutes, n, length));
        }
    }
    all
}

fn month_at(first: Date, statements: &BTreeMap<Date, Total>, all: &BTreeMap<Date, i64>) -> Month {
    let (_, last) = month_of(first);
    if let Some(Total { figure, sources, .. }) = statements.get(&first) {
        return Month {
            first,
            stage: Some(figure.stage),
            minutes: figure.minutes,
            revenue_minor: figure.revenue_minor,
            days_known: days(first, last),
            sources: Some(*sources),
        };
    }
    let heard = all.range(first..=last);
    let (minutes, days_known) = heard.fold((0, 0), |(minutes, days), (_, day)| (minutes + day, days + 1));
    let stage = (days_known > 0).then_some(Stage::Estimate);
    Month { first, stage, minutes, revenue_minor: None, days_known, sources: None }
}

fn current_rate(quarters: &[Quarter]) -> Option<CurrentRate> {
    let whole = quarters.iter().rev().filter_map(|quarter| Some((quarter.name(), quarter.final_rate()?)));
    let quarters_final: Vec<(String, Rate)> = whole.take(RANGE_QUARTERS).collect();
    let of_month = || {
        let months = quarters.iter().rev().flat_map(|quarter| quarter.months.iter().rev());
        let mut finals = months.filter(|month| month.stage == Some(Stage::Final));
        finals.find_map(|month| {
            let rate = Rate::of(month.revenue_minor?, month.minutes)?;
            Some((month.first.strftime("%B %Y").to_string(), rate))
        })
    };
    let (source, rate) = quarters_final.first().cloned().or_else(of_month)?;
    Some(CurrentRate { rate, source, quarters: quarters_final })
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::royalties::model::{Figure, Key, Origin, Stored};

    /// A date from text.
    pub fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    /// A monthly statement, in dollars.
    pub fn month(ledger: &mut Ledger, first: &str, dollars: i64, minutes: i64, stage: Stage) {
        let (first, last) = month_of(date(first));
        let key = Key { series: Series::Monthly, first, last, country: "".into(), title: "".into() };
        put(ledger, key, Figure { minutes, revenue_minor: Some(dollars * 100), stage });
    }

    /// A weekly report from a first day, of a country or of all.
    pub fn week(ledger: &mut Ledger, first: &str, country: &str, minutes: i64) {
        let first = date(first);
        let last = plus(first, 6.days());
        let key = Key { series: Series::Weekly, first, last, country: country.into(), title: "".into() };
        put(ledger, key, Figure { minutes, revenue_minor: None, stage: Stage::Estimate });
    }

    fn put(ledger: &mut Ledger, key: Key, figure: Figure) {
        ledger.insert(key, Stored { figure, origin: Origin { import: 1, line: 2 } });
    }

    /// The quarters of 2025 in R2, as months: what is left of a quarter is its last month.
    pub fn of_2025() -> Ledger {
        let mut ledger = Ledger::new();
        for (quarter, dollars, minutes) in [
            ("2025-01-01", 4_822, 429_977),
            ("2025-04-01", 8_317, 553_075),
            ("2025-07-01", 14_354, 1_707_582),
            ("2025-10-01", 9_249, 894_829),
        ] {
            let [a, b, c] = months_of(date(quarter)).map(|first| first.to_string());
            month(&mut ledger, &a, dollars / 3, minutes / 3, Stage::Final);
            month(&mut ledger, &b, dollars / 4, minutes / 4, Stage::Final);
            month(
                &mut ledger,
                &c,
                dollars - dollars / 3 - dollars / 4,
                minutes - minutes / 3 - minutes / 4,
                Stage::Final,
            );
        }
        ledger
    }

    #[test]
    fn the_rate_after_2025_is_that_of_its_last_quarter() {
        let standing = Standing::of(&of_2025());
        let rate = standing.rate.expect("a rate");
        assert_eq!((rate.source.as_str(), rate.rate.decimal().as_str()), ("Q4 2025", "0.01034"));
        let (low, high) = rate.range();
        assert_eq!((low.decimal().as_str(), high.decimal().as_str()), ("0.00841", "0.01504"));
        let received: Vec<i64> = standing.quarters.iter().map(Quarter::received_minor).collect();
        assert_eq!(received, [482_200, 831_700, 1_435_400, 924_900]);
    }

    #[test]
    fn a_month_of_a_quarter_that_runs_leaves_the_rate_alone() {
        let mut ledger = of_2025();
        month(&mut ledger, "2026-01-01", 9_000, 100_000, Stage::Final);
        assert_eq!(Standing::of(&ledger).rate.map(|rate| rate.source).as_deref(), Some("Q4 2025"));
        let mut first = Ledger::new();
        month(&mut first, "2026-01-01", 1_000, 100_000, Stage::Final);
        month(&mut first, "2026-02-01", 900, 100_000, Stage::Provisional);
        let rate = Standing::of(&first).rate.expect("a rate");
        assert_eq!((rate.source.as_str(), rate.rate.decimal().as_str()), ("January 2026", "0.01000"));
    }

    #[test]
    fn a_week_across_two_months_is_split_by_day() {
        let mut ledger = Ledger::new();
        week(&mut ledger, "2025-09-29", "", 70_000);
        let standing = Standing::of(&ledger);
        let months: Vec<(i64, i64)> = standing
            .quarters
            .iter()
            .flat_map(|quarter| quarter.months)
            .filter(|month| month.stage.is_some())
            .map(|month| (month.minutes, month.days_known))
            .collect();
        assert_eq!(months, [(20_000, 2), (50_000, 5)]);
    }

    #[test]
    fn final_replaces_the_estimate_of_exactly_its_month() {
        let mut ledger = of_2025();
        ledger.retain(|key, _| key.first < date("2025-10-01"));
        week(&mut ledger, "2025-09-29", "", 70_000);
        week(&mut ledger, "2025-10-06", "", 70_000);
        let quarter = |ledger: &Ledger| Standing::of(ledger).quarter(date("2025-10-01"));
        let estimate = quarter(&ledger);
        assert_eq!((estimate.received_minor(), estimate.minutes()), (0, 120_000));
        assert_eq!(estimate.months[0].stage, Some(Stage::Estimate));
        // September is final: of its two days in the week nothing is counted twice.
        assert_eq!(Standing::of(&ledger).quarter(date("2025-07-01")).minutes(), 1_707_582);
        month(&mut ledger, "2025-10-01", 3_000, 300_000, Stage::Provisional);
        assert_eq!((quarter(&ledger).received_minor(), quarter(&ledger).provisional_minor()), (0, 300_000));
        month(&mut ledger, "2025-10-01", 3_456, 410_000, Stage::Final);
        assert_eq!((quarter(&ledger).received_minor(), quarter(&ledger).minutes()), (345_600, 410_000));
    }

    #[test]
    fn parts_are_not_added_to_their_sum_and_overlaps_count_once() {
        let mut ledger = Ledger::new();
        week(&mut ledger, "2025-10-06", "GB", 30);
        week(&mut ledger, "2025-10-06", "US", 40);
        assert_eq!(Standing::of(&ledger).weeks[0].minutes, 70);
        week(&mut ledger, "2025-10-06", "", 100);
        assert_eq!(Standing::of(&ledger).weeks[0].minutes, 100);
        week(&mut ledger, "2025-10-07", "", 700);
        let standing = Standing::of(&ledger);
        let (first, last) = (date("2025-10-01"), date("2025-10-31"));
        assert_eq!(standing.heard(first, last), (14 + 700, 8));
        let shares: Vec<(i64, i64)> =
            standing.shares(first, last).iter().map(|(_, days, minutes)| (*days, *minutes)).collect();
        assert_eq!(shares, [(1, 14), (7, 700)]);
    }

    proptest! {
        #[test]
        fn weeks_without_statements_add_up_whatever_months_they_touch(
            starts in proptest::collection::btree_map(0i32..60, 0i64..1_000_000, 0..20),
        ) {
            let mut ledger = Ledger::new();
            for (n, minutes) in &starts {
                let first = plus(date("2025-01-06"), (i64::from(*n) * 7).days());
                week(&mut ledger, &first.to_string(), "", *minutes);
            }
            let standing = Standing::of(&ledger);
            let total: i64 = standing.quarters.iter().map(Quarter::minutes).sum();
            prop_assert_eq!(total, starts.values().sum::<i64>());
            prop_assert_eq!(standing.quarters.iter().map(Quarter::received_minor).sum::<i64>(), 0);
        }
    }
}
