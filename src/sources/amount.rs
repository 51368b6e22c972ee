//! Amounts as platforms write them: decimal text, or a JSON number whose digits are kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::money::{Currency, parse_minor};
use crate::sources::Unreadable;

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
        parse_minor(&digits, currency).map_err(|error| Unreadable::field(field, error))
    }
}
