//! What royalties add to the sales of some days: the worth of each month in the reporting currency, shared out by day. Pure.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::period::{minus, plus};
use crate::royalties::model::{Stage, days, month_of, months_of, quarter_of};
use crate::royalties::standing::{Month, Standing};

/// What royalties of some days are worth, in minor units of the reporting currency, by how far they are from money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Included {
    /// Of final months.
    pub received: i64,
    /// Of provisional months.
    pub provisional: i64,
    /// Of days that weeks tell of, at the current rate.
    pub estimated: i64,
    /// Days that nothing is known of, or that have no rate.
    pub days_unknown: i64,
}

impl Included {
    /// All of it.
    pub fn total(&self) -> i64 {
        self.received.saturating_add(self.provisional).saturating_add(self.estimated)
    }

    /// What the days from `first` to `last` are worth; nothing where `first` is after `last`. `convert` makes the reporting
    /// currency of cents at the rate of a day. A month is converted whole, as on the page of royalties, at the rate of its last
    /// day, or of `today` where it still runs, and its days share it: those of a statement alike, those of an estimate by their
    /// minutes. So the days of a month add up to the month.
    pub fn of(
        standing: &Standing,
        (first, last): (Date, Date),
        today: Date,
        convert: impl Fn(i64, Date) -> Option<i64>,
    ) -> Included {
        let mut sum = Included::default();
        let mut quarter = quarter_of(first);
        while quarter <= last {
            for month in standing.quarter(quarter).months {
                let (from, to) = month_of(month.first);
                let (from, to) = (from.max(first), to.min(last));
                if from <= to {
                    sum.add(standing, &month, (from, to), today, &convert);
                }
            }
            let [.., third] = months_of(quarter);
            quarter = plus(third, 1.month());
        }
        sum
    }

    fn add(
        &mut self,
        standing: &Standing,
        month: &Month,
        (from, to): (Date, Date),
        today: Date,
        convert: &impl Fn(i64, Date) -> Option<i64>,
    ) {
        let rate = standing.rate.as_ref().map(|current| current.rate);
        let (_, month_end) = month_of(month.first);
        let worth = month.worth_minor(rate).and_then(|minor| convert(minor, month_end.min(today)));
        let Some((stage, worth)) = month.stage.zip(worth) else {
            self.days_unknown += days(from, to);
            return;
        };
        // What the days before `date` weigh: days of a statement are alike, those of an estimate weigh their minutes.
        let before = |date: Date| match stage {
            Stage::Estimate => standing.heard(month.first, minus(date, 1.day())).0,
            _ => days(month.first, date) - 1,
        };
        let whole = before(plus(month_end, 1.day()));
        let until = |date: Date| part(worth, before(date), whole);
        let share = until(plus(to, 1.day())) - until(from);
        match stage {
            Stage::Final => self.received += share,
            Stage::Provisional => self.provisional += share,
            Stage::Estimate => {
                self.estimated += share;
                self.days_unknown += days(from, to) - standing.heard(from, to).1;
            }
        }
    }
}

fn part(worth: i64, weight: i64, whole: i64) -> i64 {
    i64::try_from(i128::from(worth) * i128::from(weight) / i128::from(whole.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::royalties::standing::tests::{date, month, of_2025, week};

    fn included(standing: &Standing, first: &str, last: &str) -> Included {
        Included::of(standing, (date(first), date(last)), date("2026-02-20"), |minor, _| Some(minor))
    }

    #[test]
    fn each_part_of_a_range_says_how_far_it_is_from_money() {
        let mut ledger = of_2025();
        month(&mut ledger, "2026-01-01", 3_100, 300_000, Stage::Provisional);
        week(&mut ledger, "2026-02-02", "", 70_000);
        let standing = Standing::of(&ledger);
        // The fourth quarter of R2, a tenth of January's statement a day, a week of February at Q4's rate.
        assert_eq!(
            included(&standing, "2025-10-01", "2025-12-31"),
            Included { received: 924_900, ..Included::default() }
        );
        let found = included(&standing, "2025-10-01", "2026-02-20");
        let rate = standing.rate.as_ref().expect("a rate").rate;
        let estimated = rate.times(70_000);
        assert_eq!(found, Included { received: 924_900, provisional: 310_000, estimated, days_unknown: 13 });
        assert_eq!(found.total(), 924_900 + 310_000 + estimated);
        assert_eq!(included(&standing, "2026-01-10", "2026-01-10").provisional, 10_000);
        assert_eq!(included(&standing, "2026-02-02", "2026-02-02").estimated, estimated / 7);
        assert_eq!(included(&standing, "2026-02-02", "2026-02-01"), Included::default());
    }

    #[test]
    fn days_without_a_rate_are_unknown_and_never_nothing() {
        let standing = Standing::of(&of_2025());
        let days = (date("2025-10-01"), date("2025-10-31"));
        let found = Included::of(&standing, days, date("2026-02-20"), |_, _| None);
        assert_eq!(found, Included { days_unknown: 31, ..Included::default() });
        assert_eq!(included(&Standing::default(), "2025-10-01", "2025-10-31").days_unknown, 31);
    }

    proptest! {
        #[test]
        fn days_add_up_to_their_range_wherever_it_is_cut(cut in 0i64..200, minutes in 1i64..10_000_000) {
            let mut ledger = of_2025();
            month(&mut ledger, "2026-01-01", 1_234, minutes, Stage::Provisional);
            week(&mut ledger, "2026-01-26", "", minutes);
            week(&mut ledger, "2026-02-02", "", minutes / 3);
            let standing = Standing::of(&ledger);
            let (first, last) = (date("2025-09-15"), date("2026-04-02"));
            let cut = plus(first, cut.days()).min(last);
            let of = |days| Included::of(&standing, days, last, |minor, _| minor.checked_mul(77).map(|n| n / 100));
            let (all, left, right) = (of((first, last)), of((first, minus(cut, 1.day()))), of((cut, last)));
            prop_assert_eq!(left.total() + right.total(), all.total());
            prop_assert_eq!(left.days_unknown + right.days_unknown, all.days_unknown);
        }
    }
}
