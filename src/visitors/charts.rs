//! The charts of visitors: the last hours and the last days, with page views as the thin line.

use crate::chart::{Chart, ChartPoint};
use crate::period::Calendar;
use crate::visitors::answer::Visited;

/// The last 24 hours by hour.
pub fn hours(visited: &Visited, calendar: &Calendar) -> Chart {
    let clock: Vec<String> =
        visited.hours.iter().map(|hour| calendar.local(hour.window.from).strftime("%H:%M").to_string()).collect();
    let points = visited.hours.iter().zip(&clock).map(|(hour, label)| {
        // In a fold an hour of the same name follows: the zone tells them apart.
        let is_twice = clock.iter().filter(|other| *other == label).count() > 1;
        let zone = if is_twice { format!(" {}", calendar.abbreviation(hour.window.from)) } else { String::new() };
        point(format!("{label}{zone}"), hour.visitors, hour.views)
    });
    chart("visitor_hours", points.collect())
}

/// The last 30 days by day.
pub fn days(visited: &Visited) -> Chart {
    let points = visited.days.iter().map(|day| point(day.date.strftime("%-d %b").to_string(), day.visitors, day.views));
    chart("visitor_days", points.collect())
}

fn point(label: String, visitors: i64, views: i64) -> ChartPoint {
    ChartPoint {
        earlier_label: label.clone(),
        label,
        value: Some(visitors),
        earlier: Some(views),
        ..ChartPoint::default()
    }
}

fn chart(name: &str, points: Vec<ChartPoint>) -> Chart {
    Chart {
        name: name.into(),
        title: "Visitors".into(),
        earlier_title: "Page views".into(),
        points,
        ..Chart::default()
    }
}
