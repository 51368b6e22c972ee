//! The history of rates that ships with the program: its packed form, read and written.
//!
//! `ecb.gz` is one line of days (the first as date, each other as days since the one before), then one line a currency,
//! `CODE:digits:v,v,…`, where each `v` is the change of the rate since the one before in units of the last digit, or
//! empty where the bank gave none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::exchange::{Days, RatesError};
use crate::money::Currency;

const SHIPPED: &[u8] = include_bytes!("ecb.gz");

/// Units of each currency for one euro, by day, in little memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct History {
    days: Vec<NaiveDate>,
    series: BTreeMap<Currency, Series>,
}

#[derive(Debug, PartialEq, Eq)]
struct Series {
    digits: u32,
    /// In units of the last digit, one for each day; 0 where there is no rate.
    values: Vec<i32>,
}

impl History {
    /// The history that ships with the program, unpacked once.
    pub fn shipped() -> Result<Arc<History>, RatesError> {
        static UNPACKED: OnceLock<Arc<History>> = OnceLock::new();
        if let Some(history) = UNPACKED.get() {
            return Ok(Arc::clone(history));
        }
        let mut text = String::new();
        flate2::read::GzDecoder::new(SHIPPED).read_to_string(&mut text)?;
        let history = Arc::new(History::unpack(&text)?);
        Ok(Arc::clone(UNPACKED.get_or_init(|| history)))
    }

    /// Its last day.
    pub fn newest(&self) -> Option<NaiveDate> {
        self.days.last().copied()
    }

    /// The currencies that it has, some of which have ended.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.series.keys().copied()
    }

    /// Units of `currency` for one euro on that very day.
    pub fn per_euro(&self, currency: Currency, day: NaiveDate) -> Option<Decimal> {
        let at = self.days.binary_search(&day).ok()?;
        let series = self.series.get(&currency)?;
        let value = *series.values.get(at)?;
        (value != 0).then(|| Decimal::new(i64::from(value), series.digits))
    }

    /// Reads the packed form.
    pub fn unpack(text: &str) -> Result<History, RatesError> {
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
        Ok(History { days, series })
    }
}

/// Writes the packed form of what [`read`](crate::exchange::ecb::read) read of the bank's `eurofxref-hist.csv`.
pub fn pack(days: &Days) -> String {
    let mut before: Option<NaiveDate> = None;
    let line = days.keys().map(|day| {
        let step = before.map_or_else(|| day.to_string(), |before| (*day - before).num_days().to_string());
        before = Some(*day);
        step
    });
    let mut out = line.collect::<Vec<_>>().join(",");
    let currencies: BTreeSet<Currency> = days.values().flat_map(BTreeMap::keys).copied().collect();
    for currency in currencies {
        let cells: Vec<Option<Decimal>> = days.values().map(|rates| rates.get(&currency).copied()).collect();
        out.push('\n');
        out.push_str(&pack_series(currency, &cells));
    }
    out
}

fn pack_series(currency: Currency, cells: &[Option<Decimal>]) -> String {
    let digits = cells.iter().flatten().map(|rate| rate.normalize().scale()).max().unwrap_or(0);
    let mut before = 0;
    let steps = cells.iter().map(|rate| {
        let Some(mut rate) = *rate else { return String::new() };
        rate.rescale(digits);
        let step = rate.mantissa() - before;
        before = rate.mantissa();
        step.to_string()
    });
    format!("{currency}:{digits}:{}", steps.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ecb;

    #[test]
    fn packing_loses_nothing() {
        let csv = "Date,USD,ISK,\n2026-01-05,1.10,N/A,\n2026-01-02,1.0995,136.5,\n";
        let days = ecb::read(csv.as_bytes()).expect("reads");
        let history = History::unpack(&pack(&days)).expect("unpacks");
        for (day, rates) in &days {
            for (currency, rate) in rates {
                assert_eq!(history.per_euro(*currency, *day), Some(*rate), "{day} {currency}");
            }
        }
        let isk = Currency::parse("ISK").expect("a code");
        assert_eq!(history.per_euro(isk, "2026-01-05".parse().expect("a date")), None);
        assert_eq!(history.newest(), days.last_key_value().map(|(day, _)| *day));
    }

    /// The history is published once a day and restated never: a further file is compared with what is shipped.
    #[test]
    fn the_shipped_history_is_what_the_bank_published() {
        let history = History::shipped().expect("the shipped history is well formed");
        for fixture in [
            &include_bytes!("../tests/fixtures/eurofxref-daily-2015-01-16.xml")[..],
            include_bytes!("../tests/fixtures/eurofxref-daily-2025-05-09.xml"),
            include_bytes!("../tests/fixtures/eurofxref.csv"),
            include_bytes!("../tests/fixtures/eurofxref-hist-slices.csv"),
        ] {
            let days = ecb::read(fixture).expect("reads");
            for (day, rates) in days {
                for (currency, rate) in rates {
                    assert_eq!(history.per_euro(currency, day), Some(rate), "{day} {currency}");
                }
            }
        }
    }
}
