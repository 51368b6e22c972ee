//! Names of figures of royalties: what somebody asks when they ask what is behind one. Pure.

use jiff::civil::Date;

use crate::royalties::model::{Origin, quarter_of};

/// Characters of a title in an address at most.
const TITLE_CHARS_MAX: usize = 300;

/// What a figure is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A week, from its first to its last day.
    Week(Date, Date),
    /// The month that begins on a day.
    Month(Date),
    /// The quarter that begins on a day.
    Quarter(Date),
    /// A country in the week that begins on a day.
    Country(Date, String),
    /// A title in all statements.
    Title(String),
}

impl Of {
    /// The name in an address: `week.2025-12-23.2025-12-29`.
    pub fn name(&self) -> String {
        match self {
            Of::Week(first, last) => format!("week.{first}.{last}"),
            Of::Month(first) => format!("month.{first}"),
            Of::Quarter(first) => format!("quarter.{first}"),
            Of::Country(first, country) => format!("country.{first}.{country}"),
            Of::Title(title) => format!("title.{title}"),
        }
    }

    /// Reads an [`Of::name`].
    pub fn parse(name: &str) -> Option<Of> {
        let (kind, rest) = name.split_once('.')?;
        let date = |text: &str| -> Option<Date> { (text.len() == 10).then(|| text.parse().ok()).flatten() };
        let of = match kind {
            "week" => {
                let (first, last) = rest.split_once('.')?;
                Of::Week(date(first)?, date(last)?)
            }
            "month" => Of::Month(date(rest).filter(|first| first.day() == 1)?),
            "quarter" => Of::Quarter(date(rest).filter(|first| quarter_of(*first) == *first)?),
            "country" => {
                let (first, country) = rest.split_once('.')?;
                let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
                Of::Country(date(first)?, is_code.then(|| country.to_owned())?)
            }
            "title" => Of::Title((1..=TITLE_CHARS_MAX).contains(&rest.chars().count()).then(|| rest.to_owned())?),
            _ => return None,
        };
        Some(of)
    }

    /// The page of what is behind it.
    pub fn address(&self) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("of", &self.name()).finish();
        format!("/royalties/figure?{query}")
    }
}

/// The page of the row that a figure is from.
pub fn row_address(origin: Origin) -> String {
    let Origin { import, line } = origin;
    format!("/imports/{import}?line={line}#line-{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in [
            "week.2025-12-23.2025-12-29",
            "month.2025-10-01",
            "quarter.2025-10-01",
            "country.2025-12-23.GB",
            "title.A. B & C?",
        ] {
            assert_eq!(Of::parse(name).map(|of| of.name()).as_deref(), Some(name));
        }
        for name in
            ["", "week.2025-12-23", "month.2025-10-02", "quarter.2025-11-01", "country.2025-12-23.gb", "title.", "x.y"]
        {
            assert_eq!(Of::parse(name), None, "{name}");
        }
        assert_eq!(Of::Title("A & B".into()).address(), "/royalties/figure?of=title.A+%26+B");
        assert_eq!(row_address(Origin { import: 3, line: 7 }), "/imports/3?line=7#line-7");
    }
}
