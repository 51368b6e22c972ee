//! Exchange rates: the European Central Bank's reference rates and the conversion that M7 asks for.
//!
//! The history since 1999 ships with the program as `ecb.gz`, made by [`pack`]: one line of days (the first as
//! date, each other as days since the one before), then one line a currency, `CODE:digits:v,v,…`, where each `v` is
//! the change of the rate since the one before in units of the last digit, or empty where the bank gave none.

use std::collections::BTreeMap;
use std::io::Read;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::money::Currency;

/// The oldest rate that may stand for a day, in days: longer gaps mean that the rate has ended (M7).
const OLDEST_RATE_DAYS: i64 = 7;
/// Digits after the point that a cross rate keeps.
const RATE_DIGITS: u32 = 12;
const SHIPPED: &[u8] = include_bytes!("ecb.gz");

/// Units of each currency for one euro, by day.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Rates {
    days: Vec<NaiveDate>,
    series: BTreeMap<Currency, Series>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Series {
    digits: u32,
    /// In units of the last digit, one for each day; 0 where there is no rate.
    values: Vec<i32>,
}

/// Units of one currency for a unit of another, and the banking day it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Multiply by it.
    pub value: Decimal,
    /// The banking day of the rate.
    pub date: NaiveDate,
}

/// Why a file is no rate history.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// The line and what is wrong with it.
    #[error("the rate history cannot be read: {0}")]
    Malformed(String),
    /// It could not be read at all.
    #[error("the rate history cannot be opened")]
    Io(#[from] std::io::Error),
}

impl Rates {
    /// The history that ships with the program.
    pub fn shipped() -> Result<Rates, RatesError> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(SHIPPED).read_to_string(&mut text)?;
        unpack(&text)
    }

    /// Units of `to` for one unit of `from` on the last banking day on or before `date`; `None` when that is more
    /// than a week away (M7). One currency is worth itself on any day.
    pub fn rate(&self, from: Currency, to: Currency, date: NaiveDate) -> Option<Rate> {
        if from == to {
            return Some(Rate { value: Decimal::ONE, date });
        }
        let after = self.days.partition_point(|day| *day <= date);
        self.days[..after]
            .iter()
            .enumerate()
            .rev()
            .take_while(|(_, day)| (date - **day).num_days() <= OLDEST_RATE_DAYS)
            .find_map(|(i, day)| {
                let value = self.per_euro(to, i)?.checked_div(self.per_euro(from, i)?)?;
                let value = value.round_dp_with_strategy(RATE_DIGITS, RoundingStrategy::MidpointAwayFromZero);
                Some(Rate { value, date: *day })
            })
    }

    /// Carries the last banking day's rates on up to `until`. Only for a demo shop, whose orders are of days that the
    /// shipped history does not reach: real orders are flagged instead (M7).
    pub fn carried_until(mut self, until: NaiveDate) -> Rates {
        while let Some(next) = self.days.last().and_then(NaiveDate::succ_opt).filter(|next| *next <= until) {
            self.days.push(next);
            for series in self.series.values_mut() {
                let last = series.values.last().copied().unwrap_or(0);
                series.values.push(last);
            }
        }
        self
    }

    fn per_euro(&self, currency: Currency, day: usize) -> Option<Decimal> {
        if currency == Currency::EUR {
            return Some(Decimal::ONE);
        }
        let series = self.series.get(&currency)?;
        let value = *series.values.get(day)?;
        (value != 0).then(|| Decimal::new(i64::from(value), series.digits))
    }
}

/// Converts minor units at `rate`, rounded half away from zero to `to`'s minor unit.
pub fn convert(minor: i64, from: Currency, to: Currency, rate: Decimal) -> Option<i64> {
    let amount = Decimal::try_new(minor, from.minor_digits()).ok()?.checked_mul(rate)?;
    let scaled = amount.checked_mul(Decimal::from(10i64.pow(to.minor_digits())))?;
    scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).try_into().ok()
}

/// Reads the bank's `eurofxref-hist.csv` (newest first, `N/A` for none) and writes the packed form.
pub fn pack(csv_text: impl Read) -> Result<String, RatesError> {
    let malformed = |what: String| RatesError::Malformed(what);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv_text);
    let header = reader.headers().map_err(|e| malformed(e.to_string()))?.clone();
    let mut rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(|e| malformed(e.to_string()))?;
    rows.reverse();
    let mut lines = vec![Vec::new()];
    let mut before: Option<NaiveDate> = None;
    for row in &rows {
        let day: NaiveDate = row[0].trim().parse().map_err(|_| malformed(format!("{:?} is no date", &row[0])))?;
        lines[0].push(before.map_or_else(|| day.to_string(), |b| (day - b).num_days().to_string()));
        before = Some(day);
    }
    let mut out = lines.remove(0).join(",");
    for (column, code) in header.iter().enumerate().skip(1).filter(|(_, code)| !code.trim().is_empty()) {
        out.push('\n');
        out.push_str(&pack_column(code.trim(), rows.iter().map(|row| row.get(column).unwrap_or("").trim()))?);
    }
    Ok(out)
}

fn pack_column<'a>(code: &str, cells: impl Iterator<Item = &'a str> + Clone) -> Result<String, RatesError> {
    let parsed = cells
        .map(|cell| match cell {
            "N/A" | "" => Ok(None),
            number => number.parse::<Decimal>().map(Some),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| RatesError::Malformed(format!("{code}: {e}")))?;
    let digits = parsed.iter().flatten().map(|rate| rate.normalize().scale()).max().unwrap_or(0);
    let mut before = 0i64;
    let steps = parsed.into_iter().map(|rate| {
        let Some(mut rate) = rate else { return String::new() };
        rate.rescale(digits);
        let units = rate.mantissa() as i64;
        let step = units - before;
        before = units;
        step.to_string()
    });
    Ok(format!("{code}:{digits}:{}", steps.collect::<Vec<_>>().join(",")))
}

/// Reads the packed form.
pub fn unpack(text: &str) -> Result<Rates, RatesError> {
    let malformed = |what: &str| RatesError::Malformed(what.to_owned());
    let mut lines = text.lines();
    let mut days: Vec<NaiveDate> = Vec::new();
    for cell in lines.next().unwrap_or_default().split(',') {
        let day = match days.last() {
            None => cell.parse().map_err(|_| malformed("the first day"))?,
            Some(last) => *last + chrono::Duration::days(cell.parse().map_err(|_| malformed("a day"))?),
        };
        days.push(day);
    }
    let mut series = BTreeMap::new();
    for line in lines {
        let mut fields = line.splitn(3, ':');
        let mut field = || fields.next().ok_or_else(|| malformed("a currency's line"));
        let currency = Currency::parse(field()?).ok_or_else(|| malformed("a currency's code"))?;
        let digits = field()?.parse().map_err(|_| malformed("a currency's digits"))?;
        let mut value = 0i32;
        let values = field()?.split(',').map(|step| match step {
            "" => Ok(0),
            step => {
                value += step.parse::<i32>().map_err(|_| malformed("a rate"))?;
                Ok(value)
            }
        });
        series.insert(currency, Series { digits, values: values.collect::<Result<_, RatesError>>()? });
    }
    Ok(Rates { days, series })
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

    fn rate(from: &str, to: &str, date: &str) -> Option<Rate> {
        let currency = |code| Currency::parse(code).expect("a code");
        rates().rate(currency(from), currency(to), day(date))
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
    fn a_demo_s_rates_are_carried_on_and_ended_ones_are_not() {
        let carried = rates().carried_until(day("2027-01-31"));
        let rate = |code| carried.rate(Currency::parse(code).expect("a code"), Currency::EUR, day("2027-01-15"));
        assert_eq!(rate("USD").map(|rate| rate.date), Some(day("2027-01-15")));
        assert_eq!(rate("RUB"), None);
    }

    #[test]
    fn a_weekend_takes_friday_s_rate() {
        assert_eq!(rate("EUR", "USD", "2026-10-25").expect("a rate").date, day("2026-10-23"));
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
    fn amounts_are_converted_to_the_minor_unit() {
        let yen = Currency::parse("JPY").expect("a code");
        assert_eq!(convert(1000, Currency::GBP, yen, Decimal::new(2107, 1)), Some(2107));
        assert_eq!(convert(2107, yen, Currency::GBP, Decimal::new(47, 4)), Some(990));
        assert_eq!(convert(-2107, yen, Currency::GBP, Decimal::new(47, 4)), Some(-990));
    }

    #[test]
    fn packing_loses_nothing() {
        let csv = "Date,USD,ISK,\n2026-01-05,1.10,N/A,\n2026-01-02,1.0995,136.5,\n";
        let unpacked = unpack(&pack(csv.as_bytes()).expect("packs")).expect("unpacks");
        let rate = |code, date| unpacked.rate(Currency::EUR, Currency::parse(code).expect("a code"), day(date));
        assert_eq!(rate("USD", "2026-01-05").expect("a rate").value, Decimal::new(110, 2));
        assert_eq!(rate("ISK", "2026-01-05").expect("a rate").date, day("2026-01-02"));
    }
}
