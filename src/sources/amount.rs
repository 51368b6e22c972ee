//! Amounts as platforms write them: decimal text, or a JSON number whose digits are kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::money::{Currency, parse_minor};
use crate::sources::Unreadable;

/// An amount at most, in minor units: beyond any order, and the sum of all that a body can hold still fits 64 bits.
const AMOUNT_MAX_MINOR: u64 = 10_000_000_000_000;

/// An amount written as text (`"195.66"`) or as a number (`195.66`): its digits as they stand, never a float.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Amount<'a>(#[serde(borrow)] &'a RawValue);

impl Amount<'_> {
    /// The amount in minor units of `currency`. `field` is named when it can't be read.
    pub fn minor(&self, field: &'static str, currency: Currency) -> Result<i64, Unreadable> {
        let text = self.0.get();
        let digits: Cow<'_, str> = match text {
            "null" => Cow::Borrowed("0"),
            quoted if quoted.starts_with('"') => {
                serde_json::from_str(quoted).map_err(|error| Unreadable::json(&error))?
            }
            number => Cow::Borrowed(number),
        };
        let minor = parse_minor(&digits, currency).map_err(|error| Unreadable::field(field, error))?;
        if minor.unsigned_abs() > AMOUNT_MAX_MINOR {
            return Err(Unreadable::field(field, "it is larger than any order"));
        }
        Ok(minor)
    }
}
