//! The question that a page, a link, a socket, an export and a script ask: which range, compared with what, of which
//! orders, counted how. One value drives them all; in an address it is a query such as
//! `range=week&compare=weekday&country=GB,IE`. Pure, shared by server and browser.

use serde::{Deserialize, Serialize};

/// Values in one filter.
pub const VALUES_MAX: usize = 50;
/// Characters of a value.
pub const VALUE_CHARS_MAX: usize = 64;

/// What is asked. The default is the last 30 days, to the same point, of all orders.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Question {
    /// Which days.
    pub range: Range,
    /// What they are compared with.
    pub compare: Comparison,
    /// Which orders; an empty list is all.
    pub filter: Filter,
    /// Which revenue.
    pub measure: Measure,
    /// Where refunds and cancellations are dated.
    pub refunds: RefundDate,
    /// Whether royalties are added to the totals.
    pub royalties: Royalties,
    /// How long a point of a chart is; `None` goes by the range's length.
    pub bucket: Option<Bucket>,
}

/// Which orders are asked about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Filter {
    /// Platforms, such as `shopify`.
    pub platforms: Vec<String>,
    /// ISO 3166 alpha-2 codes; [`UNKNOWN`] where the order names none.
    pub countries: Vec<String>,
    /// Sources by name.
    pub sources: Vec<String>,
    /// What the platform says of the payment, such as `paid`; [`UNKNOWN`] where it says nothing.
    pub statuses: Vec<String>,
}

/// The value that stands for "none is known" in a filter.
pub const UNKNOWN: &str = "unknown";

/// Which days are asked about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Range {
    /// By name: it moves with the clock.
    Preset(Preset),
    /// From the first up to and including the last date, `2026-11-21`.
    Dates(String, String),
}

impl Default for Range {
    fn default() -> Range {
        Range::Preset(Preset::Days30)
    }
}

/// Lists the values of an enum that have names in addresses, once for reading and writing them.
macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $type {
            $($(#[$doc])* $variant,)*
        }

        impl $type {
            /// All of them, in the order of a menu.
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            /// The name in an address.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }

            /// The name for people.
            pub fn title(self) -> &'static str {
                match self { $($type::$variant => $title,)* }
            }

            /// Reads a name.
            pub fn parse(name: &str) -> Option<$type> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    };
}

named! {
    /// Ranges by name. Those that run end now; the others are whole.
    Preset {
        /// Today so far.
        Today = "today", "Today";
        /// Yesterday, whole.
        Yesterday = "yesterday", "Yesterday";
        /// Seven days, today included.
        Days7 = "7d", "7 days";
        /// 28 days, today included.
        Days28 = "28d", "28 days";
        /// 30 days, today included.
        Days30 = "30d", "30 days";
        /// 90 days, today included.
        Days90 = "90d", "90 days";
        /// This week so far.
        Week = "week", "This week";
        /// The last whole week.
        LastWeek = "last-week", "Last week";
        /// This month so far.
        Month = "month", "This month";
        /// The last whole month.
        LastMonth = "last-month", "Last month";
        /// This quarter so far.
        Quarter = "quarter", "This quarter";
        /// The last whole quarter.
        LastQuarter = "last-quarter", "Last quarter";
        /// This year so far: the year to date.
        Year = "year", "Year to date";
        /// The last whole year.
        LastYear = "last-year", "Last year";
        /// Since the first order.
        All = "all", "All";
    }
}

named! {
    /// What a range is compared with.
    #[derive(Default)]
    Comparison {
        /// The period before, up to the same local wall-clock point.
        #[default]
        SamePoint = "same-point", "Same point before";
        /// The whole period before.
        Period = "period", "Whole period before";
        /// The same weekdays of last year: 364 days earlier.
        Weekday = "weekday", "Last year, same weekday";
        /// The same dates of last year.
        Date = "date", "Last year, same date";
        /// Nothing.
        None = "none", "No comparison";
    }
}

named! {
    /// Which revenue is summed (M3).
    #[derive(Default)]
    Measure {
        /// What order totals say, less what was paid back.
        #[default]
        Total = "total", "Total";
        /// Gross sales less discounts and refunded goods.
        Net = "net", "Net";
    }
}

named! {
    /// Where refunds and cancellations are dated (M5).
    #[derive(Default)]
    RefundDate {
        /// When the money went back: closed months never change.
        #[default]
        Refund = "refund", "On the refund's date";
        /// When the order was placed.
        Order = "order", "On the order's date";
    }
}

named! {
    /// Whether totals hold royalties beside sales.
    #[derive(Default)]
    Royalties {
        /// Sales alone.
        #[default]
        Without = "without", "Left out";
        /// Sales and royalties, with the part that is estimate.
        With = "with", "Added to totals";
    }
}

named! {
    /// How long one point of a chart is.
    Bucket {
        /// An hour.
        Hour = "hour", "Hours";
        /// A local day.
        Day = "day", "Days";
        /// A week.
        Week = "week", "Weeks";
        /// A month.
        Month = "month", "Months";
    }
}

/// Why a query is no question, in a sentence for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoQuestion {
    /// A value is none of those that it can be.
    #[error("{0}")]
    Value(String),
    /// Each value can be, but not beside the others.
    #[error("{0}")]
    Together(String),
}

impl Question {
    /// Reads the pairs of a query; those of other names are left alone.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Question, NoQuestion> {
        let mut question = Question::default();
        let (mut from, mut to) = (None, None);
        for (name, value) in pairs {
            match name {
                "range" => {
                    question.range = Range::Preset(one_of(Preset::parse, Preset::ALL, Preset::name, name, value)?)
                }
                "compare" => {
                    question.compare = one_of(Comparison::parse, Comparison::ALL, Comparison::name, name, value)?
                }
                "measure" => question.measure = one_of(Measure::parse, Measure::ALL, Measure::name, name, value)?,
                "refunds" => {
                    question.refunds = one_of(RefundDate::parse, RefundDate::ALL, RefundDate::name, name, value)?
                }
                "royalties" => {
                    question.royalties = one_of(Royalties::parse, Royalties::ALL, Royalties::name, name, value)?
                }
                "bucket" => question.bucket = Some(one_of(Bucket::parse, Bucket::ALL, Bucket::name, name, value)?),
                "platform" => question.filter.platforms = values(name, value)?,
                "country" => question.filter.countries = values(name, value)?,
                "source" => question.filter.sources = values(name, value)?,
                "status" => question.filter.statuses = values(name, value)?,
                "from" => from = Some(date(name, value)?),
                "to" => to = Some(date(name, value)?),
                _ => {}
            }
        }
        match (from, to) {
            (None, None) => {}
            (Some(from), Some(to)) if from <= to => question.range = Range::Dates(from, to),
            (Some(from), Some(to)) => {
                return Err(NoQuestion::Together(format!("from ({from}) is after to ({to}): swap them")));
            }
            _ => {
                let sentence = "from and to belong together: give both dates, or neither";
                return Err(NoQuestion::Together(sentence.into()));
            }
        }
        Ok(question)
    }

    /// The question as a query, without what is the default; empty for the default question.
    pub fn query(&self) -> String {
        let mut out = Vec::new();
        let mut add = |name: &str, value: &str| out.push(format!("{name}={value}"));
        match &self.range {
            Range::Preset(Preset::Days30) => {}
            Range::Preset(preset) => add("range", preset.name()),
            Range::Dates(from, to) => {
                add("from", from);
                add("to", to);
            }
        }
        if self.compare != Comparison::default() {
            add("compare", self.compare.name());
        }
        let Filter { platforms, countries, sources, statuses } = &self.filter;
        for (name, values) in
            [("platform", platforms), ("country", countries), ("source", sources), ("status", statuses)]
        {
            if !values.is_empty() {
                add(name, &values.join(","));
            }
        }
        if self.measure != Measure::default() {
            add("measure", self.measure.name());
        }
        if self.refunds != RefundDate::default() {
            add("refunds", self.refunds.name());
        }
        if self.royalties != Royalties::default() {
            add("royalties", self.royalties.name());
        }
        if let Some(bucket) = self.bucket {
            add("bucket", bucket.name());
        }
        out.join("&")
    }

    /// The address of the page that answers it.
    pub fn address(&self) -> String {
        match self.query() {
            query if query.is_empty() => "/".into(),
            query => format!("/?{query}"),
        }
    }

    /// Whether projections belong to its answer: they are made of all orders' total.
    pub fn is_projected(&self) -> bool {
        self.filter.is_empty() && self.measure == Measure::Total && self.refunds == RefundDate::Refund
    }

    /// Whether totals hold royalties: these are of no platform, country, source or payment, so a filter leaves them out.
    pub fn adds_royalties(&self) -> bool {
        self.royalties == Royalties::With && self.filter.is_empty()
    }

    /// The same question of another range.
    pub fn with_range(&self, range: Range) -> Question {
        Question { range, bucket: None, ..self.clone() }
    }
}

impl Filter {
    /// Whether all orders are asked about.
    pub fn is_empty(&self) -> bool {
        self.platforms.is_empty() && self.countries.is_empty() && self.sources.is_empty() && self.statuses.is_empty()
    }
}

fn one_of<T: Copy>(
    parse: fn(&str) -> Option<T>,
    all: &[T],
    name_of: fn(T) -> &'static str,
    name: &str,
    value: &str,
) -> Result<T, NoQuestion> {
    parse(value).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|value| name_of(*value)).collect();
        NoQuestion::Value(format!("{name} is one of {}", known.join(", ")))
    })
}

/// A list of values, sorted and without doubles, so that equal questions have equal addresses.
fn values(name: &str, text: &str) -> Result<Vec<String>, NoQuestion> {
    let mut out: Vec<String> = text.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    let fine = |value: &String| {
        value.len() <= VALUE_CHARS_MAX && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if out.len() > VALUES_MAX || !out.iter().all(fine) {
        let sentence = format!("{name} is up to {VALUES_MAX} names of letters, digits, - and _, with commas between");
        return Err(NoQuestion::Value(sentence));
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// A date of the form `2026-11-21`; whether the calendar has it, the server says.
fn date(name: &str, text: &str) -> Result<String, NoQuestion> {
    let fine = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if fine { Ok(text.to_owned()) } else { Err(NoQuestion::Value(format!("{name} is a date such as 2026-11-21"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Question, NoQuestion> {
        Question::parse(query.split('&').filter_map(|pair| pair.split_once('=')))
    }

    #[test]
    fn a_question_and_its_address_are_the_same_thing() {
        for query in [
            "",
            "range=last-month",
            "from=2026-01-01&to=2026-01-31&compare=weekday",
            "range=all&compare=none&platform=etsy,shopify&country=GB,unknown&source=my-shop&status=paid&measure=net&refunds=order&royalties=with&bucket=week",
        ] {
            assert_eq!(parse(query).expect("a question").query(), query);
        }
        assert_eq!(parse("country=US,GB,US").expect("a question").query(), "country=GB,US");
        assert_eq!(parse("utm_source=x&range=30d").expect("a question").address(), "/");
    }

    #[test]
    fn what_is_no_question_is_said_in_a_sentence() {
        for (query, says) in [
            ("range=fortnight", "range is one of today, yesterday"),
            ("from=2026-02-01&to=2026-01-01", "swap them"),
            ("from=2026-02-01", "belong together"),
            ("from=yesterday&to=today", "from is a date"),
            ("country=<b>", "country is up to 50 names"),
        ] {
            let sentence = parse(query).expect_err(query).to_string();
            assert!(sentence.contains(says), "{query}: {sentence}");
        }
    }
}
