//! The rate per minute as an exact fraction, and completed titles (R2, R3). Pure.

use std::cmp::Ordering;

use crate::money::{self, mean};
use crate::royalties::model::ROYALTY_CURRENCY;

/// Digits after the point of a rate per minute: `$0.01034`.
const DIGITS: u32 = 5;
/// The longest rate that somebody may write, in digits after its point: beyond any statement.
const DIGITS_MAX: usize = 9;

/// Money for a minute: cents, and the minutes that they were paid for. Never rounded but where money comes out.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    minor: i64,
    minutes: i64,
}

impl Rate {
    /// The rate of money that was paid for minutes; none where there are no minutes, or money is below nothing.
    pub fn of(revenue_minor: i64, minutes: i64) -> Option<Rate> {
        (minutes > 0 && revenue_minor >= 0).then_some(Rate { minor: revenue_minor, minutes })
    }

    /// Reads what somebody wrote, in units of the currency for a minute: `0.0095`.
    pub fn parse(text: &str) -> Option<Rate> {
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let is_rate = is_number(whole) && is_number(fraction) && !(whole.is_empty() && fraction.is_empty());
        if !is_rate || whole.len() > 4 || fraction.len() > DIGITS_MAX {
            return None;
        }
        let minutes = 10i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let digits: i64 = format!("{whole}{fraction}").parse().ok()?;
        Rate::of(digits.checked_mul(10i64.pow(ROYALTY_CURRENCY.minor_digits()))?, minutes)
    }

    /// What minutes are worth: cents, rounded half away from zero.
    pub fn times(self, minutes: i64) -> i64 {
        let product = i128::from(self.minor) * i128::from(minutes);
        let half = i128::from(self.minutes) / 2;
        let rounded = (product + if product < 0 { -half } else { half }) / i128::from(self.minutes);
        i64::try_from(rounded).unwrap_or(i64::MAX)
    }

    /// The rate per minute as decimal text of the currency, rounded to five digits: `0.01034`.
    pub fn decimal(self) -> String {
        let scale = 10i128.pow(DIGITS - ROYALTY_CURRENCY.minor_digits());
        let minutes = i128::from(self.minutes);
        let scaled = (i128::from(self.minor) * scale + minutes / 2) / minutes;
        let unit = 10i128.pow(DIGITS);
        format!("{}.{:0width$}", scaled / unit, scaled % unit, width = DIGITS as usize)
    }

    /// The rate per minute for people: `$0.01034`.
    pub fn text(self) -> String {
        format!("{}{}", ROYALTY_CURRENCY.prefix(), self.decimal())
    }

    /// What 1,000 minutes are worth, in cents.
    pub fn per_thousand_minor(self) -> i64 {
        self.times(1_000)
    }

    /// What 1,000 minutes are worth, for people: `$10.34`.
    pub fn per_thousand(self) -> String {
        money::display(self.per_thousand_minor(), ROYALTY_CURRENCY)
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Rate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rate {}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Rate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Rate) -> Ordering {
        let across = |a: &Rate, b: &Rate| i128::from(a.minor) * i128::from(b.minutes);
        across(self, other).cmp(&across(other, self))
    }
}

/// Completed titles: minutes divided by the average length of a title (R3), rounded half up.
pub fn completes(minutes: i64, title_minutes: i32) -> i64 {
    mean(minutes, i64::from(title_minutes)).unwrap_or(0)
}

/// An amount of royalties for people.
pub fn money_text(minor: i64) -> String {
    money::display(minor, ROYALTY_CURRENCY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(minor: i64, minutes: i64) -> Rate {
        Rate::of(minor, minutes).expect("a rate")
    }

    #[test]
    fn the_quarters_of_2025_have_the_rates_of_r2() {
        for (dollars, minutes, per_minute, per_thousand) in [
            (4_822, 429_977, "0.01121", "$11.21"),
            (8_317, 553_075, "0.01504", "$15.04"),
            (14_354, 1_707_582, "0.00841", "$8.41"),
            (9_249, 894_829, "0.01034", "$10.34"),
        ] {
            let rate = rate(dollars * 100, minutes);
            assert_eq!((rate.decimal().as_str(), rate.per_thousand().as_str()), (per_minute, per_thousand));
            assert_eq!(rate.text(), format!("${per_minute}"));
            assert_eq!(rate.times(minutes), dollars * 100);
        }
    }

    #[test]
    fn completes_are_minutes_by_the_length_of_a_title() {
        assert_eq!(completes(894_829, 530), 1_688);
        assert_eq!(completes(265, 530), 1);
        assert_eq!(completes(264, 530), 0);
        assert_eq!(completes(1_000, 0), 0);
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (text, decimal) in [("0.0095", "0.00950"), (".01", "0.01000"), ("1", "1.00000"), ("0.010335", "0.01034")] {
            assert_eq!(Rate::parse(text).map(Rate::decimal).as_deref(), Some(decimal), "{text}");
        }
        for text in ["", ".", "-0.01", "1e3", "0,01", "99999", "0.0000000001", "$1"] {
            assert!(Rate::parse(text).is_none(), "{text}");
        }
        assert!(Rate::of(100, 0).is_none() && Rate::of(-1, 5).is_none());
    }

    proptest! {
        #[test]
        fn a_rate_gives_back_the_money_that_it_is_of(minor in 0i64..1_000_000_000_000, minutes in 1i64..1_000_000_000_000) {
            prop_assert_eq!(rate(minor, minutes).times(minutes), minor);
        }

        #[test]
        fn more_minutes_are_never_worth_less(minor in 0i64..1_000_000, per in 1i64..1_000_000, a in 0i64..1_000_000, b in 0i64..1_000_000) {
            let rate = rate(minor, per);
            prop_assert!(a > b || rate.times(a) <= rate.times(b));
        }

        #[test]
        fn rates_are_in_the_order_of_their_worth(a in 0i64..1_000_000, b in 0i64..1_000_000, c in 1i64..1_000_000, d in 1i64..1_000_000) {
            prop_assert_eq!(rate(a, c).cmp(&rate(b, d)), (a * d).cmp(&(b * c)));
        }
    }
}
