//! Exchange rates: the European Central Bank's reference rates and the conversion that M7 asks for.
//!
//! The history since 1999 ships with the program ([`history`]). What the bank published since is fetched ([`fetch`]) or
//! imported from its files ([`ecb`]), and kept in PostgreSQL ([`store`]).

pub mod ecb;
pub mod fetch;
pub mod history;
pub mod learn;
pub mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::exchange::history::History;
use crate::money::Currency;

/// The oldest rate that may stand for a day, in days: longer gaps mean that the rate has ended (M7).
const OLDEST_RATE_DAYS: i64 = 7;
/// Digits after the point that a cross rate keeps.
const RATE_DIGITS: u32 = 12;

/// Units of each currency for one euro, by banking day.
pub type Days = BTreeMap<NaiveDate, BTreeMap<Currency, Decimal>>;

/// All rates that are known.
#[derive(Debug, Default, Clone)]
pub struct Rates {
    shipped: Arc<History>,
    added: Days,
    carried_until: Option<NaiveDate>,
}

/// Units of one currency for a unit of another, and the banking day it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Multiply by it.
    pub value: Decimal,
    /// The banking day of the rate.
    pub date: NaiveDate,
}

/// Why rates cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// What is wrong, and where.
    #[error("the exchange rates cannot be read: {0}")]
    Malformed(String),
    /// They could not be read at all.
    #[error("the exchange rates cannot be opened: {0}")]
    Io(#[from] std::io::Error),
}

impl Rates {
    /// The history that ships with the program.
    pub fn shipped() -> Result<Rates, RatesError> {
        Ok(Rates { shipped: History::shipped()?, ..Rates::default() })
    }

    /// Adds further days. What is known of a day already stays: the bank does not restate a rate, and orders have been
    /// converted at what was known first.
    pub fn with_days(mut self, days: Days) -> Rates {
        for (day, rates) in self.unknown(days) {
            self.added.entry(day).or_default().extend(rates);
        }
        self
    }

    /// What of `days` is not known yet.
    pub fn unknown(&self, mut days: Days) -> Days {
        for (day, rates) in &mut days {
            rates.retain(|currency, _| self.per_euro(*currency, *day).is_none());
        }
        days.retain(|_, rates| !rates.is_empty());
        days
    }

    /// The last day with rates.
    pub fn newest(&self) -> Option<NaiveDate> {
        self.shipped.newest().max(self.added.keys().next_back().copied())
    }

    /// The currencies that have a rate now, the euro among them.
    pub fn known_now(&self) -> BTreeSet<Currency> {
        let all = self.shipped.currencies().chain(currencies(&self.added)).chain([Currency::EUR]);
        let newest = self.newest().unwrap_or(NaiveDate::MIN);
        all.filter(|currency| self.rate(Currency::EUR, *currency, newest).is_some()).collect()
    }

    /// Units of `to` for one unit of `from` on the last banking day on or before `date`; `None` when that is more
    /// than a week away (M7). One currency is worth itself on any day.
    pub fn rate(&self, from: Currency, to: Currency, date: NaiveDate) -> Option<Rate> {
        if from == to {
            return Some(Rate { value: Decimal::ONE, date });
        }
        let carried = self.newest().filter(|newest| *newest < date && self.carried_until >= Some(date));
        let last = carried.unwrap_or(date);
        (0..=OLDEST_RATE_DAYS).find_map(|back| {
            let day = last.checked_sub_signed(TimeDelta::days(back))?;
            let value = self.per_euro(to, day)?.checked_div(self.per_euro(from, day)?)?;
            let value = value.round_dp_with_strategy(RATE_DIGITS, RoundingStrategy::MidpointAwayFromZero);
            Some(Rate { value, date: if carried.is_some() { date } else { day } })
        })
    }

    /// Carries the last banking day's rates on up to `until`. Only for a demo shop, whose orders are of days that the
    /// shipped history does not reach: real orders are flagged instead (M7).
    pub fn carried_until(mut self, until: Option<NaiveDate>) -> Rates {
        self.carried_until = until;
        self
    }

    /// Until when the last rates are carried on, if they are.
    pub fn carried(&self) -> Option<NaiveDate> {
        self.carried_until
    }

    fn per_euro(&self, currency: Currency, day: NaiveDate) -> Option<Decimal> {
        if currency == Currency::EUR {
            return Some(Decimal::ONE);
        }
        let added = || self.added.get(&day)?.get(&currency).copied();
        self.shipped.per_euro(currency, day).or_else(added)
    }
}

/// The currencies of some days.
pub fn currencies(days: &Days) -> BTreeSet<Currency> {
    days.values().flat_map(BTreeMap::keys).copied().collect()
}

/// Converts minor units at `rate`, rounded half away from zero to `to`'s minor unit.
pub fn convert(minor: i64, from: Currency, to: Currency, rate: Decimal) -> Option<i64> {
    let amount = Decimal::try_new(minor, from.minor_digits()).ok()?.checked_mul(rate)?;
    let scaled = amount.checked_mul(Decimal::from(10i64.pow(to.minor_digits())))?;
    scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> Rates {
        Rates::shipped().expect("the shipped history is well formed")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a code")
    }

    fn rate(from: &str, to: &str, date: &str) -> Option<Rate> {
        rates().rate(currency(from), currency(to), day(date))
    }

    fn rate_is(rates: &Rates, from: &str, to: &str, date: &str) -> Option<(String, String)> {
        let rate = rates.rate(currency(from), currency(to), day(date))?;
        Some((rate.value.to_string(), rate.date.to_string()))
    }

    #[test]
    fn rates_are_those_the_bank_published() {
        let usd = rate("EUR", "USD", "2026-10-30").expect("a rate");
        assert_eq!((usd.value.to_string(), usd.date), ("1.1172".to_owned(), day("2026-10-30")));
        let cross = rate("USD", "GBP", "2026-10-30").expect("a rate");
        assert_eq!(cross.value.to_string(), "0.746330110992");
        assert_eq!(rate("EUR", "USD", "1999-01-04").expect("a rate").value.to_string(), "1.1789");
    }

    #[test]
    fn currencies_that_have_ended_are_not_known_now() {
        let known = rates().known_now();
        assert!(["EUR", "GBP", "USD", "JPY"].iter().all(|code| known.contains(&currency(code))), "{known:?}");
        assert!(!known.contains(&currency("DEM")) && !known.contains(&currency("LTL")), "{known:?}");
    }

    #[test]
    fn a_demo_s_rates_are_carried_on_and_ended_ones_are_not() {
        let carried = rates().carried_until(Some(day("2027-01-31")));
        let rate = |code, date| carried.rate(currency(code), Currency::EUR, day(date));
        assert_eq!(rate("USD", "2027-01-15").map(|rate| rate.date), Some(day("2027-01-15")));
        assert_eq!(rate("USD", "2026-10-31").map(|rate| rate.date), Some(day("2026-10-31")));
        assert_eq!(rate("USD", "2027-02-08"), None);
        assert_eq!(rate("RUB", "2027-01-15"), None);
    }

    #[test]
    fn a_weekend_takes_friday_s_rate() {
        assert_eq!(rate("EUR", "USD", "2026-10-25").expect("a rate").date, day("2026-10-23"));
        // Easter: from Thursday to Tuesday the bank publishes nothing.
        assert_eq!(rate("EUR", "USD", "2026-04-06").expect("a rate").date, day("2026-04-02"));
        // A cross rate takes one banking day for both currencies, the last that has both.
        assert_eq!(rate("HRK", "GBP", "2023-01-05").expect("a rate").date, day("2022-12-30"));
    }

    #[test]
    fn a_rate_stands_for_a_week_and_no_longer() {
        assert_eq!(rate("HRK", "EUR", "2023-01-06").expect("a rate").date, day("2022-12-30"));
        assert_eq!(rate("HRK", "EUR", "2023-01-07"), None);
        assert_eq!(rate("RUB", "EUR", "2022-03-08").expect("a rate").date, day("2022-03-01"));
        assert_eq!(rate("RUB", "EUR", "2022-03-09"), None);
    }

    #[test]
    fn what_has_ended_or_never_began_has_no_rate() {
        assert!(rate("RUB", "GBP", "2022-03-05").is_some());
        for (code, date) in [
            ("RUB", "2022-03-20"),
            ("HRK", "2023-02-01"),
            ("BGN", "2026-02-01"),
            ("ISK", "2012-05-01"),
            ("USD", "1998-12-31"),
            ("XAU", "2020-01-01"),
        ] {
            assert_eq!(rate(code, "GBP", date), None, "{code} {date}");
        }
    }

    #[test]
    fn added_days_go_on_where_the_shipped_history_ends_and_change_nothing_in_it() {
        let xml = "<Envelope><Cube><Cube time='2026-11-03'><Cube currency='USD' rate='1.2'/></Cube>
                   <Cube time='2026-10-30'><Cube currency='USD' rate='9'/><Cube currency='XTS' rate='2'/></Cube></Cube></Envelope>";
        let days = ecb::read(xml.as_bytes()).expect("reads");
        let rates = rates().with_days(days.clone());
        let of = |from, to, date| rate_is(&rates, from, to, date);
        assert_eq!(rates.newest(), Some(day("2026-11-03")));
        assert_eq!(of("EUR", "USD", "2026-11-10"), Some(("1.2".into(), "2026-11-03".into())));
        assert_eq!(of("EUR", "USD", "2026-11-11"), None);
        assert_eq!(of("EUR", "USD", "2026-11-02"), Some(("1.1172".into(), "2026-10-30".into())));
        assert_eq!(of("EUR", "XTS", "2026-10-30"), Some(("2".into(), "2026-10-30".into())));
        // Pounds were not among the rates of 3 November: the cross rate is of the last day that has both.
        assert_eq!(of("USD", "GBP", "2026-11-03").map(|(_, date)| date), Some("2026-10-30".into()));
        assert!(rates.unknown(days).is_empty());
    }

    #[test]
    fn amounts_are_converted_to_the_minor_unit() {
        let yen = currency("JPY");
        assert_eq!(convert(1000, Currency::GBP, yen, Decimal::new(2107, 1)), Some(2107));
        assert_eq!(convert(2107, yen, Currency::GBP, Decimal::new(47, 4)), Some(990));
        assert_eq!(convert(-2107, yen, Currency::GBP, Decimal::new(47, 4)), Some(-990));
    }
}
