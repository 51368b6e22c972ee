//! Money as integer minor units with a currency, and the one function that decides a percent change.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Currencies whose minor unit is not a hundredth, with the digits after their point. ISO 4217, list one.
const UNUSUAL_MINOR_DIGITS: &[(&str, u32)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Signs that stand for one currency alone; all others are written with their code.
const SIGNS: &[(&str, &str)] =
    &[("GBP", "£"), ("EUR", "€"), ("USD", "$"), ("JPY", "¥"), ("INR", "₹"), ("KRW", "₩"), ("ILS", "₪")];

impl Currency {
    /// Pounds sterling, the reporting currency of a new workspace.
    pub const GBP: Currency = Currency(*b"GBP");
    /// The euro, through which every cross rate of the European Central Bank goes.
    pub const EUR: Currency = Currency(*b"EUR");
    /// The dollar of the United States, which royalties are paid in.
    pub const USD: Currency = Currency(*b"USD");

    /// Reads a code in any case; `None` unless it is three ASCII letters.
    pub fn parse(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.trim().as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Currency(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The code, such as `GBP`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the point: 2 for pounds, 0 for yen, 3 for Kuwaiti dinars.
    pub fn minor_digits(&self) -> u32 {
        UNUSUAL_MINOR_DIGITS.iter().find(|(code, _)| *code == self.code()).map_or(2, |(_, digits)| *digits)
    }

    /// What is written before an amount: a sign, or the code and a space.
    pub fn prefix(self) -> String {
        match SIGNS.iter().find(|(code, _)| *code == self.code()) {
            Some((_, sign)) => (*sign).to_owned(),
            None => format!("{}\u{a0}", self.code()),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Currency::parse(&code)
            .ok_or_else(|| serde::de::Error::custom(format!("{code:?} is not a currency code of three letters")))
    }
}

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a decimal number.
    #[error("{0:?} is not a decimal amount such as 45.67")]
    NotDecimal(String),
    /// More digits after the point than the currency has.
    #[error("{0:?} has more decimal places than {1} has")]
    TooPrecise(String, Currency),
    /// Beyond what 64 bits of minor units hold.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// Reads decimal text (`"45.67"`, `"-0.5"`, `"264.8"`) as minor units of `currency`, exactly: no rounding, no
/// floating point. Further digits are allowed only when they are zeros.
pub fn parse_minor(text: &str, currency: Currency) -> Result<i64, AmountError> {
    let not_decimal = || AmountError::NotDecimal(text.chars().take(40).collect());
    let trimmed = text.trim();
    let (negative, unsigned) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !all_digits || whole.is_empty() && fraction.is_empty() {
        return Err(not_decimal());
    }
    let digits = currency.minor_digits() as usize;
    let (kept, dropped) = fraction.split_at(fraction.len().min(digits));
    if dropped.bytes().any(|b| b != b'0') {
        return Err(AmountError::TooPrecise(text.to_owned(), currency));
    }
    let too_large = || AmountError::TooLarge(text.chars().take(40).collect());
    let mut minor: i64 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', digits - kept.len())) {
        minor = minor.checked_mul(10).and_then(|m| m.checked_add(i64::from(digit - b'0'))).ok_or_else(too_large)?;
    }
    Ok(if negative { -minor } else { minor })
}

/// Writes minor units as plain decimal text: `4567` pounds become `45.67`.
pub fn decimal(minor: i64, currency: Currency) -> String {
    let digits = currency.minor_digits() as usize;
    let sign = if minor < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Writes minor units for people: `£1,045.67`, `−£4.20`, `¥26,400`, `CHF 12.00`.
pub fn display(minor: i64, currency: Currency) -> String {
    let plain = decimal(minor.saturating_abs(), currency);
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
    let sign = if minor < 0 { "\u{2212}" } else { "" };
    let grouped = group_thousands(whole);
    match fraction {
        Some(fraction) => format!("{sign}{}{grouped}.{fraction}", currency.prefix()),
        None => format!("{sign}{}{grouped}", currency.prefix()),
    }
}

/// Writes a count for people: `12,345`.
pub fn count(number: i64) -> String {
    let sign = if number < 0 { "\u{2212}" } else { "" };
    format!("{sign}{}", group_thousands(&number.unsigned_abs().to_string()))
}

fn group_thousands(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `numerator ÷ denominator`, rounded half away from zero; `None` when the denominator is zero (M6: "—", not 0).
pub fn mean(numerator: i64, denominator: i64) -> Option<i64> {
    if denominator == 0 {
        return None;
    }
    let (n, d) = (i128::from(numerator), i128::from(denominator));
    let half = if (n < 0) == (d < 0) { d.abs() / 2 } else { -(d.abs() / 2) };
    let signed_half = if d < 0 { -half } else { half };
    i64::try_from((n + signed_half) / d).ok()
}

/// How a figure stands against an earlier one (M8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Nothing before and nothing now: shown as "—".
    None,
    /// Nothing before, something now.
    New,
    /// Tenths of a percent: 172 is +17.2 %.
    PerMille(i64),
    /// The earlier figure was negative: only the difference can be said, in the figure's own unit.
    Absolute(i64),
}

impl Change {
    /// Decides a change, for every figure in Takings. Rounds to a tenth of a percent, half away from zero.
    pub fn between(current: i64, previous: i64) -> Change {
        match (previous, current) {
            (0, 0) => Change::None,
            (0, c) if c > 0 => Change::New,
            (p, c) if p <= 0 => Change::Absolute(c.saturating_sub(p)),
            (p, c) => {
                let difference = (i128::from(c) - i128::from(p)) * 1000;
                let half = if difference < 0 { -i128::from(p) / 2 } else { i128::from(p) / 2 };
                Change::PerMille(((difference + half) / i128::from(p)).clamp(i64::MIN as i128, i64::MAX as i128) as i64)
            }
        }
    }

    /// −1, 0 or 1: down, level, up.
    pub fn direction(self) -> i8 {
        match self {
            Change::None => 0,
            Change::New => 1,
            Change::PerMille(n) | Change::Absolute(n) => n.signum() as i8,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a code")
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, code, minor) in [
            ("45.67", "GBP", 4567),
            ("195.66", "USD", 19566),
            ("264.8", "EUR", 26480),
            ("0.0", "EUR", 0),
            ("-16.20", "USD", -1620),
            ("26400", "JPY", 26400),
            ("1.234", "KWD", 1234),
            ("29.00", "JPY", 29),
            ("92233720368547758.07", "GBP", i64::MAX),
            (".5", "GBP", 50),
            ("7.", "GBP", 700),
        ] {
            assert_eq!(parse_minor(text, currency(code)), Ok(minor), "{text} {code}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_a_sentence() {
        for text in ["", "-", ".", "1e5", "1,50", "NaN", "£3", "0x10", "--1", "1.2.3"] {
            assert!(matches!(parse_minor(text, Currency::GBP), Err(AmountError::NotDecimal(_))), "{text}");
        }
        assert!(matches!(parse_minor("1.005", Currency::GBP), Err(AmountError::TooPrecise(..))));
        assert!(matches!(parse_minor("92233720368547758.08", Currency::GBP), Err(AmountError::TooLarge(_))));
    }

    #[test]
    fn amounts_are_shown_by_their_currency_s_rules() {
        assert_eq!(display(104_567, Currency::GBP), "£1,045.67");
        assert_eq!(display(-420, Currency::GBP), "\u{2212}£4.20");
        assert_eq!(display(26_400, currency("JPY")), "¥26,400");
        assert_eq!(display(1_200, currency("CHF")), "CHF\u{a0}12.00");
        assert_eq!(display(5, Currency::GBP), "£0.05");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn change_is_decided_as_m8_says() {
        assert_eq!(Change::between(0, 0), Change::None);
        assert_eq!(Change::between(5, 0), Change::New);
        assert_eq!(Change::between(-5, 0), Change::Absolute(-5));
        assert_eq!(Change::between(5, -10), Change::Absolute(15));
        assert_eq!(Change::between(23, 19), Change::PerMille(211));
        assert_eq!(Change::between(104_567, 89_234), Change::PerMille(172));
        assert_eq!(Change::between(-10, 10), Change::PerMille(-2000));
    }

    #[test]
    fn a_mean_of_nothing_is_nothing() {
        assert_eq!(mean(100, 0), None);
        assert_eq!(mean(100, 3), Some(33));
        assert_eq!(mean(200, 3), Some(67));
        assert_eq!(mean(-5, 2), Some(-3));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn minor_digits_are_those_of_iso_4217() {
        use iso_currency::IntoEnumIterator;
        for known in iso_currency::Currency::iter() {
            if let Some(digits) = known.exponent() {
                assert_eq!(currency(known.code()).minor_digits(), u32::from(digits), "{}", known.code());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in any::<i64>().prop_filter("min", |m| *m != i64::MIN), code in "GBP|JPY|KWD|EUR") {
            let c = currency(&code);
            prop_assert_eq!(parse_minor(&decimal(minor, c), c), Ok(minor));
        }

        #[test]
        fn a_change_has_the_sign_of_its_difference(current in -1_000_000i64..1_000_000, previous in -1_000_000i64..1_000_000) {
            let sign = Change::between(current, previous).direction();
            prop_assert!(sign == 0 || i64::from(sign) == (current - previous).signum());
        }
    }
}
