//! The charts of calls and the tables that say the same.

use crate::calls::keeper::CARRIED_SECONDS;
use crate::calls::model::{Carried, PastPoint};
use crate::calls::shown::{clock, decimal};
use crate::chart::{Chart, ChartPoint};
use crate::period::Calendar;
use crate::table::{Column, Data, Value};

fn chart(name: &str, [title, earlier_title]: [&str; 2], points: Vec<ChartPoint>) -> Chart {
    Chart { name: name.into(), title: title.into(), earlier_title: earlier_title.into(), points, ..Chart::default() }
}

fn point(label: String, value: Option<f64>, earlier: Option<f64>) -> ChartPoint {
    let whole = |value: Option<f64>| value.filter(|value| value.is_finite()).map(|value| value.round() as i64);
    ChartPoint {
        earlier_label: label.clone(),
        label,
        value: whole(value),
        earlier: whole(earlier),
        ..ChartPoint::default()
    }
}

/// What all calls have carried in the last quarter of an hour.
pub fn carried(carried: &[Carried], calendar: &Calendar) -> Chart {
    let points = carried.iter().map(|c| point(clock(calendar, c.at), Some(c.down_kbps), Some(c.up_kbps)));
    chart("carried", ["Down, kbit/s", "Up, kbit/s"], points.collect())
}

/// The same as a table, the newest first.
pub fn carried_table(carried: &[Carried], calendar: &Calendar) -> Data {
    let columns = vec![
        Column::text("from", "From"),
        Column::number("down_kbps", "Down, kbit/s"),
        Column::number("up_kbps", "Up, kbit/s"),
    ];
    let rows = carried
        .iter()
        .rev()
        .map(|c| vec![Value::Text(clock(calendar, c.at)), decimal(Some(c.down_kbps), 0), decimal(Some(c.up_kbps), 0)]);
    let mut data = Data::new(columns, &[], rows.collect());
    if let (Some(first), Some(last)) = (carried.first(), carried.last()) {
        data.window_ms = (first.at.timestamp_millis(), last.at.timestamp_millis() + CARRIED_SECONDS * 1_000);
    }
    data
}

/// How the quality of a call went.
pub fn scores(points: &[PastPoint], calendar: &Calendar) -> Chart {
    let points = points.iter().map(|p| point(clock(calendar, p.at), p.score, p.lowest_score));
    chart("scores", ["Score, mean of all", "Score, lowest"], points.collect())
}

/// What a call carried.
pub fn bandwidth(points: &[PastPoint], calendar: &Calendar) -> Chart {
    let points = points.iter().map(|p| point(clock(calendar, p.at), Some(p.down_kbps), Some(p.up_kbps)));
    chart("bandwidth", ["Down, kbit/s", "Up, kbit/s"], points.collect())
}

type PointColumn = (&'static str, &'static str, fn(&PastPoint) -> Value);

const PEOPLE: PointColumn = ("people", "People", |p| Value::Count(p.people));
const QUALITY: [PointColumn; 4] = [
    ("score", "Score", |p| decimal(p.score, 0)),
    ("lowest_score", "Lowest score", |p| decimal(p.lowest_score, 0)),
    ("loss_percent", "Loss, %", |p| decimal(p.loss_percent, 1)),
    ("rtt_ms", "Latency, ms", |p| decimal(p.rtt_ms, 0)),
];
const BANDWIDTH: [PointColumn; 2] = [
    ("up_kbps", "Up, kbit/s", |p| decimal(Some(p.up_kbps), 0)),
    ("down_kbps", "Down, kbit/s", |p| decimal(Some(p.down_kbps), 0)),
];

/// How the quality of a call went, as a table, the oldest first.
pub fn scores_table(points: &[PastPoint], calendar: &Calendar) -> Data {
    table_of(points, calendar, [PEOPLE].into_iter().chain(QUALITY).collect())
}

/// What a call carried, as a table.
pub fn bandwidth_table(points: &[PastPoint], calendar: &Calendar) -> Data {
    table_of(points, calendar, [PEOPLE].into_iter().chain(BANDWIDTH).collect())
}

/// Both as one table.
pub fn points_table(points: &[PastPoint], calendar: &Calendar) -> Data {
    table_of(points, calendar, [PEOPLE].into_iter().chain(QUALITY).chain(BANDWIDTH).collect())
}

fn table_of(points: &[PastPoint], calendar: &Calendar, asked: Vec<PointColumn>) -> Data {
    let mut columns = vec![Column::text("from", "From")];
    columns.extend(asked.iter().map(|(name, title, _)| Column::number(name, title)));
    let rows = points.iter().map(|p| {
        let local = calendar.local(p.at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let mut row = vec![Value::Time(local, p.at.timestamp())];
        row.extend(asked.iter().map(|(_, _, of)| of(p)));
        row
    });
    Data::new(columns, &[], rows.collect())
}
