//! Where a running period will land, or why that is not said, and how good earlier projections were. Pure.

use serde::{Deserialize, Serialize};

/// The running period that is projected to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    /// Today, to midnight.
    Day,
    /// This week.
    Week,
    /// This month.
    Month,
    /// This quarter.
    Quarter,
}

impl Horizon {
    /// All of them, the shortest first.
    pub const ALL: [Horizon; 4] = [Horizon::Day, Horizon::Week, Horizon::Month, Horizon::Quarter];

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Horizon::Day => "Today",
            Horizon::Week => "This week",
            Horizon::Month => "This month",
            Horizon::Quarter => "This quarter",
        }
    }

    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            Horizon::Day => "day",
            Horizon::Week => "week",
            Horizon::Month => "month",
            Horizon::Quarter => "quarter",
        }
    }
}

/// A total that is expected, and the range that 8 of 10 should end in. Minor units; `low <= expected <= high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Range {
    /// 1 of 10 ends below.
    pub low: i64,
    /// What is expected.
    pub expected: i64,
    /// 1 of 10 ends above.
    pub high: i64,
}

impl Range {
    /// The range of a whole of which `part` is certain and this is the rest.
    pub fn after(self, part: i64) -> Range {
        let add = |rest: i64| part.saturating_add(rest);
        Range { low: add(self.low), expected: add(self.expected), high: add(self.high) }
    }

    /// Whether an amount lies inside.
    pub fn holds(self, minor: i64) -> bool {
        self.low <= minor && minor <= self.high
    }
}

/// Why nothing is projected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// The history is too short by this many days.
    Thin(i64),
    /// Of the last twelve weeks, too few days had orders, or nothing was earned.
    Idle,
    /// The shop does not sell on this weekday, or has not sold today though it usually would have by now.
    Closed,
}

impl Hidden {
    /// The reason in a sentence.
    pub fn sentence(self) -> String {
        match self {
            Hidden::Thin(1) => "Needs one more day of sales to learn from.".into(),
            Hidden::Thin(days) => format!("Needs {days} more days of sales to learn from."),
            Hidden::Idle => "Too few sales in the last twelve weeks to learn from.".into(),
            Hidden::Closed => "The shop looks closed today.".into(),
        }
    }
}

/// A range, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// Where the period will land.
    Range(Range),
    /// Why that is not said.
    Hidden(Hidden),
}

/// How the projections of the past year did whose periods have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TrackRecord {
    /// How many there are.
    pub made: i64,
    /// How many periods ended inside their range.
    pub inside: i64,
    /// What half of them missed by at most, in tenths of a percent of what came; `None` without any.
    pub missed_per_mille: Option<i64>,
}

impl TrackRecord {
    /// The share that ended inside their range, in tenths of a percent; about 800 if the ranges are right.
    pub fn inside_per_mille(self) -> Option<i64> {
        crate::money::mean(self.inside.saturating_mul(1000), self.made)
    }

    /// The record in a sentence.
    pub fn sentence(self) -> String {
        match (self.missed_per_mille, self.inside_per_mille()) {
            (Some(missed), Some(_)) => format!(
                "Of {} earlier projections, half missed by at most {}.{}%; {} ended inside their range.",
                self.made,
                missed / 10,
                missed % 10,
                self.inside
            ),
            _ => "No earlier projection has been put to the test yet.".into(),
        }
    }
}

/// Where a running period will land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// Which period.
    pub horizon: Horizon,
    /// The whole period in words.
    pub window: String,
    /// Its first millisecond since 1970, and the first one after it.
    pub window_ms: (i64, i64),
    /// Total revenue of the period so far (M3), minor units of the reporting currency.
    pub so_far: i64,
    /// Where it will land.
    pub outlook: Outlook,
    /// How earlier projections of such periods did.
    pub record: TrackRecord,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_said_in_a_sentence() {
        let record = TrackRecord { made: 40, inside: 33, missed_per_mille: Some(73) };
        assert_eq!(
            record.sentence(),
            "Of 40 earlier projections, half missed by at most 7.3%; 33 ended inside their range."
        );
        assert_eq!(record.inside_per_mille(), Some(825));
        assert_eq!(TrackRecord::default().inside_per_mille(), None);
        assert!(TrackRecord::default().sentence().starts_with("No earlier"));
    }

    #[test]
    fn what_is_certain_is_added_to_the_range_of_the_rest() {
        let range = Range { low: -5, expected: 10, high: 20 }.after(100);
        assert_eq!(range, Range { low: 95, expected: 110, high: 120 });
        assert!(range.holds(95) && range.holds(120) && !range.holds(121));
    }
}
