//! The chart of revenue by weekday and hour: which days it is of, and its points. Pure.

use jiff::ToSpan as _;

use crate::chart::{Chart, ChartPoint};
use crate::period::{Calendar, Period, Window, minus};
use crate::sales::books::Books;
use crate::sales::model::Figures;
use crate::table::{Column, Data, Value};

/// Days that it is of at most: so its sums cost little, and it shows the habits of now.
const DAYS_MAX: i64 = 92;
/// Hours of a day.
const DAY_HOURS: usize = 24;

/// The part of a range that the chart is of: its last [`DAYS_MAX`] local days at most.
pub fn last_days(range: Window, calendar: &Calendar) -> Window {
    let last = calendar.date(range.to - chrono::TimeDelta::microseconds(1));
    let first = calendar.midnight(minus(last, (DAYS_MAX - 1).days()));
    Window { from: range.from.max(first), to: range.to }
}

/// The chart of a window. `hours` are its figures by the hour of the week, Monday 00:00 first; the points begin with the
/// workspace's first weekday.
pub fn chart(window: Window, is_cut: bool, hours: &[Figures], books: &Books) -> Chart {
    let week = books.calendar.start(Period::Week, books.calendar.date(window.to));
    let first = week.weekday().to_monday_zero_offset() as usize * DAY_HOURS;
    // Names of days and hours as a week has them that no clock change falls in.
    let slots = (0..hours.len()).map(|i| {
        let day = week.saturating_add(((i / DAY_HOURS) as i64).days());
        (day, i % DAY_HOURS, hours[(first + i) % hours.len()])
    });
    let points = slots.clone().map(|(day, hour, figures)| ChartPoint {
        label: format!("{} {hour:02}:00", day.strftime("%a")),
        value: Some(figures.revenue),
        ..ChartPoint::default()
    });
    let rows = slots.map(|(day, hour, figures)| {
        vec![
            Value::Text(day.strftime("%A").to_string()),
            Value::Count(hour as i64),
            Value::Count(figures.orders),
            Value::Money(figures.revenue, books.currency),
        ]
    });
    let columns = vec![
        Column::text("weekday", "Weekday"),
        Column::number("hour", "Hour"),
        Column::number("orders", "Orders"),
        Column::number("revenue", "Revenue"),
    ];
    let data = Data::new(columns, &["revenue"], rows.collect());
    let until = if is_cut { format!(", the last {DAYS_MAX} days of the range") } else { String::new() };
    Chart {
        name: "weekdays".into(),
        title: format!("Revenue by weekday and hour{until}"),
        currency: Some(books.currency),
        points: points.collect(),
        data: Data { window_ms: (window.from.timestamp_millis(), window.to.timestamp_millis()), ..data },
        ..Chart::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_range_is_cut_to_its_last_days() {
        let calendar = Calendar::new("Europe/London", 1).expect("a zone");
        let window = |from: &str, to: &str| Window {
            from: from.parse().expect("an instant"),
            to: to.parse().expect("an instant"),
        };
        // 22 August to 21 November are 92 days; the clocks go back in between.
        let long = window("2026-01-01T00:00:00Z", "2026-11-21T14:30:07Z");
        assert_eq!(last_days(long, &calendar), window("2026-08-21T23:00:00Z", "2026-11-21T14:30:07Z"));
        let whole = window("2025-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        assert_eq!(last_days(whole, &calendar), window("2025-11-01T00:00:00Z", "2026-02-01T00:00:00Z"));
        let short = window("2026-11-01T00:00:00Z", "2026-11-21T14:30:07Z");
        assert_eq!(last_days(short, &calendar), short);
    }
}
