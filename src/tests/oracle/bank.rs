//! The bank's rates, read anew out of the file that ships with the program, and conversion in whole numbers (M1, M7).

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::sync::OnceLock;

use chrono::{Days, NaiveDate};

/// What a rate is counted in: 12 digits after the point.
const RATE_ONE: i128 = 1_000_000_000_000;
/// Days that a rate may be old (M7).
const OLDEST_DAYS: u64 = 7;
/// The currencies of the shops that the bank knows, but for the euro.
const READ: [&str; 3] = ["GBP", "USD", "JPY"];

/// Units of a currency for a euro: the digits, and how many stand after the point.
pub type PerEuro = (i128, u32);

/// Rates by day and currency.
#[derive(Clone, Default)]
pub struct Bank {
    days: BTreeMap<NaiveDate, HashMap<&'static str, PerEuro>>,
}

impl Bank {
    /// The rates of the file.
    pub fn shipped() -> Bank {
        static READ_ONCE: OnceLock<Bank> = OnceLock::new();
        READ_ONCE.get_or_init(Bank::read).clone()
    }

    fn read() -> Bank {
        let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/src/exchange/ecb.gz")).expect("the file");
        let mut text = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("the file is packed text");
        let mut lines = text.lines();
        let mut days: Vec<NaiveDate> = Vec::new();
        for cell in lines.next().expect("a line of days").split(',') {
            days.push(match days.last() {
                None => cell.parse().expect("a date"),
                Some(last) => *last + Days::new(cell.parse().expect("days")),
            });
        }
        let mut bank = Bank::default();
        for line in lines {
            let [code, digits, cells] = line.splitn(3, ':').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let Some(code) = READ.into_iter().find(|known| *known == code) else { continue };
            let mut value = 0i128;
            for (day, cell) in days.iter().zip(cells.split(',')).filter(|(_, cell)| !cell.is_empty()) {
                value += cell.parse::<i128>().expect("a step");
                bank.supply(*day, code, (value, digits.parse().expect("digits")));
            }
        }
        bank
    }

    /// The last day of the file.
    pub fn newest(&self) -> NaiveDate {
        *self.days.keys().next_back().expect("days")
    }

    /// Adds a rate.
    pub fn supply(&mut self, day: NaiveDate, code: &'static str, per_euro: PerEuro) {
        self.days.entry(day).or_default().insert(code, per_euro);
    }

    /// Units of `to` for one of `from`, in trillionths: of the last day, at most a week back, that has both.
    fn rate(&self, from: &str, to: &str, date: NaiveDate) -> Option<i128> {
        if from == to {
            return Some(RATE_ONE);
        }
        (0..=OLDEST_DAYS).find_map(|back| {
            let day = self.days.get(&(date - Days::new(back)))?;
            let per_euro = |code| if code == "EUR" { Some((1, 0)) } else { day.get(code).copied() };
            let ((to, to_digits), (from, from_digits)) = (per_euro(to)?, per_euro(from)?);
            Some(divided(to * 10i128.pow(from_digits) * RATE_ONE, from * 10i128.pow(to_digits)))
        })
    }

    /// A function that converts minor units of `from` at the rate of `date`.
    pub fn converter(&self, from: &str, to: &str, date: NaiveDate) -> Option<impl Fn(i128) -> i128 + use<>> {
        let rate = self.rate(from, to, date)?;
        let (up, down) = (10i128.pow(minor_digits(to)), 10i128.pow(minor_digits(from)));
        Some(move |minor: i128| divided(minor * rate * up, down * RATE_ONE))
    }
}

/// Digits after the point, of the currencies that the shops use (ISO 4217).
pub fn minor_digits(code: &str) -> u32 {
    match code {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

/// `n ÷ d`, halves away from zero; `d` is positive.
pub fn divided(n: i128, d: i128) -> i128 {
    if n < 0 { -((-n * 2 + d) / (d * 2)) } else { (n * 2 + d) / (d * 2) }
}
