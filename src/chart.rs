//! A chart's content, the same for the picture, the drawing and the table: a series with an earlier one behind it. Pure.

use serde::{Deserialize, Serialize};

use crate::money::{self, Currency};
use crate::table::Data;

/// A series of amounts with the earlier one behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Chart {
    /// Its name on the page.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What the earlier series is; empty where there is none.
    pub earlier_title: String,
    /// A currency for amounts in its minor units; `None` for numbers of things.
    pub currency: Option<Currency>,
    /// The points, oldest first.
    pub points: Vec<ChartPoint>,
    /// The same for programs. It stays on the server.
    #[serde(skip)]
    pub data: Data,
}

/// A point of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct ChartPoint {
    /// Its name on the axis.
    pub label: String,
    /// The value; `None` for what lies ahead.
    pub value: Option<i64>,
    /// The earlier point's name.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub earlier_label: String,
    /// The earlier value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub earlier: Option<i64>,
    /// The address of the page about this point alone; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub address: String,
    /// What is to be remembered of it: notes and milestones; mostly empty.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub mark: String,
}

impl Chart {
    /// A value for people.
    pub fn text(&self, value: Option<i64>) -> String {
        match (value, self.currency) {
            (None, _) => "—".into(),
            (Some(minor), Some(currency)) => money::display(minor, currency),
            (Some(count), None) => money::count(count),
        }
    }

    /// A value as an exact number for drawing: decimal text, "-" where there is none.
    pub fn number(&self, value: Option<i64>) -> String {
        match (value, self.currency) {
            (None, _) => "-".into(),
            (Some(minor), Some(currency)) => money::decimal(minor, currency),
            (Some(count), None) => count.to_string(),
        }
    }

    /// One point in words.
    pub fn say(&self, i: usize) -> String {
        let Some(point) = self.points.get(i) else { return String::new() };
        let mut said = format!("{}: {}", point.label, self.text(point.value));
        if !self.earlier_title.is_empty() {
            let earlier = self.text(point.earlier);
            said = format!("{said}, {} ({}): {earlier}", self.earlier_title, point.earlier_label);
        }
        if point.mark.is_empty() { said } else { format!("{said}. {}", point.mark) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_said_with_the_earlier_one() {
        let point = ChartPoint {
            label: "20 Nov".into(),
            value: Some(104_560),
            earlier_label: "21 Oct".into(),
            ..ChartPoint::default()
        };
        let chart = Chart {
            earlier_title: "before".into(),
            currency: Some(Currency::GBP),
            points: vec![point],
            ..Chart::default()
        };
        assert_eq!(chart.say(0), "20 Nov: £1,045.60, before (21 Oct): —");
        assert_eq!(chart.number(Some(5)), "0.05");
        assert_eq!(Chart::default().say(3), "");
        let mut marked = chart.points[0].clone();
        marked.mark = "Black Friday (ada)".into();
        let chart = Chart { points: vec![marked], ..chart };
        assert_eq!(chart.say(0), "20 Nov: £1,045.60, before (21 Oct): —. Black Friday (ada)");
    }
}
