//! The chart of revenue by weekday and hour: which days it is of, and its points. Pure.

use chrono::NaiveDate;
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::chart::{Chart, ChartPoint};
use crate::period::{Calendar, Instant, Period, Window, minus, sql_date};
use crate::sales::books::Books;
use crate::sales::model::Figures;
use crate::sales::sums::windows::{QUARTER, quarter};
use crate::table::{Column, Data, Value};

/// Days that it is of at most: so its sums cost little, and it shows the habits of now.
const DAYS_MAX: i64 = 92;
/// Hours of a day.
const DAY_HOURS: usize = 24;
/// Hours of a week.
pub const WEEK_HOURS: usize = 7 * DAY_HOURS;
/// Any Monday, for the names of weekdays.
const MONDAY: Date = jiff::civil::date(2024, 1, 1);

/// The part of a range that the chart is of: its last [`DAYS_MAX`] local days at most.
pub fn last_days(range: Window, calendar: &Calendar) -> Window {
    let last = calendar.date(range.to - chrono::TimeDelta::microseconds(1));
    let first = calendar.midnight(minus(last, (DAYS_MAX - 1).days()));
    Window { from: range.from.max(first), to: range.to }
}

/// The first point's hour of the week, Monday 00:00 being 0: the workspace's week begins with it.
fn first_hour(calendar: &Calendar, date: Date) -> usize {
    calendar.start(Period::Week, date).weekday().to_monday_zero_offset() as usize * DAY_HOURS
}

/// The hour of the week that the clocks show, Monday 00:00 being 0.
fn hour_of_week(at: Instant, calendar: &Calendar) -> usize {
    let local = calendar.local(at);
    local.weekday().to_monday_zero_offset() as usize * DAY_HOURS + local.hour() as usize
}

/// A window cut wherever the clocks show another hour: the hours of the week and their parts, in the order of time. A quarter
/// of an hour lies in one hour, as it does in the sums.
pub fn hours(window: Window, calendar: &Calendar) -> Vec<(usize, Window)> {
    let mut hours: Vec<(usize, Window)> = Vec::new();
    let mut from = window.from;
    while from < window.to {
        let to = (quarter(from) + QUARTER).min(window.to);
        let shown = hour_of_week(from, calendar);
        match hours.last_mut() {
            Some((hour, part)) if *hour == shown => part.to = to,
            _ => hours.push((shown, Window { from, to })),
        }
        from = to;
    }
    hours
}

/// The local days that lie whole in a window, and what of it lies outside of them.
pub fn whole_days(window: Window, calendar: &Calendar) -> (Vec<(NaiveDate, Window)>, Vec<Window>) {
    let (mut days, mut ends) = (Vec::new(), Vec::new());
    let mut from = window.from;
    while from < window.to {
        let date = calendar.date(from);
        let day = calendar.day(date);
        let part = Window { from, to: day.to.min(window.to) };
        if part == day {
            days.push((sql_date(date), day));
        } else {
            ends.push(part);
        }
        from = part.to;
    }
    (days, ends)
}

/// What a point of the chart is of: its name, and the parts of the window in which the workspace's clocks showed its hour.
pub fn hours_of(point: usize, window: Window, calendar: &Calendar) -> Option<(String, Vec<Window>)> {
    if point >= WEEK_HOURS {
        return None;
    }
    let place = (first_hour(calendar, calendar.date(window.to)) + point) % WEEK_HOURS;
    let parts = hours(window, calendar).into_iter().filter(|(hour, _)| *hour == place).map(|(_, part)| part);
    let day = MONDAY.saturating_add(((place / DAY_HOURS) as i64).days());
    Some((format!("{}s from {:02}:00", day.strftime("%A"), place % DAY_HOURS), parts.collect()))
}

/// The chart of a window. `hours` are its figures by the hour of the week, Monday 00:00 first; the points begin with the
/// workspace's first weekday.
pub fn chart(window: Window, is_cut: bool, hours: &[Figures], books: &Books) -> Chart {
    let date = books.calendar.date(window.to);
    let (week, first) = (books.calendar.start(Period::Week, date), first_hour(&books.calendar, date));
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

    #[test]
    fn a_point_is_of_its_hours_and_the_points_are_the_window() {
        for (zone, week_start) in [("Europe/London", 1), ("Asia/Kathmandu", 7), ("Australia/Lord_Howe", 6)] {
            let calendar = Calendar::new(zone, week_start).expect("a zone");
            let instant = |text: &str| text.parse().expect("an instant");
            let window = Window { from: instant("2026-10-01T09:07:00Z"), to: instant("2026-11-03T14:30:07Z") };
            let mut parts: Vec<Window> =
                (0..WEEK_HOURS).flat_map(|point| hours_of(point, window, &calendar).expect("a point").1).collect();
            parts.sort_by_key(|part| part.from);
            assert_eq!((parts[0].from, parts[parts.len() - 1].to), (window.from, window.to), "{zone}");
            assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from), "{zone}: without gaps");
        }
        let london = Calendar::new("Europe/London", 1).expect("a zone");
        let sundays =
            Window { from: "2026-10-20T00:00:00Z".parse().unwrap(), to: "2026-11-02T12:00:00Z".parse().unwrap() };
        let (name, parts) = hours_of(6 * 24 + 1, sundays, &london).expect("a point");
        assert_eq!(name, "Sundays from 01:00");
        let minutes: Vec<i64> = parts.iter().map(|part| (part.to - part.from).num_minutes()).collect();
        assert_eq!(minutes, [120, 60], "the clocks showed 01:00 to 02:00 twice on 25 October");
        assert_eq!(hours_of(WEEK_HOURS, sundays, &london), None);
    }
}
