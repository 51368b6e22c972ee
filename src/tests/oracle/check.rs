//! Puts every figure of an answer beside the oracle's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chrono::Days;
use takings::chart::Chart;
use takings::money::Change;
use takings::sales::model::{Figures, Snapshot, Versus};
use takings::table::{Table, Value};

use super::account::{Account, Line, SOURCES, Sum, sum_of};
use super::ask::Asked;
use super::bank::divided;
use super::calendar::{At, Period, Stretch, Zone};
use super::windows::{Windows, cut};

/// What has been compared in an answer.
#[derive(Default)]
pub struct Compared {
    pub figures: usize,
    /// Figures that differ, by name, with both values.
    pub wrong: Vec<String>,
}

impl Compared {
    fn same<T: PartialEq + Debug>(&mut self, name: impl FnOnce() -> String, program: T, oracle: T) {
        self.figures += 1;
        if program != oracle {
            self.wrong.push(format!("{}: the program says {program:?}, the oracle {oracle:?}", name()));
        }
    }

    fn figures(&mut self, name: &str, program: Figures, oracle: Sum) {
        self.same(|| format!("{name}, orders"), program.orders, oracle.orders);
        self.same(|| format!("{name}, revenue"), i128::from(program.revenue), oracle.revenue);
        self.same(|| format!("{name}, placed"), i128::from(program.placed), oracle.placed);
        self.same(|| format!("{name}, average"), program.average().map(i128::from), average(oracle));
    }
}

/// Compares an answer.
pub fn compare(snapshot: &Snapshot, asked: &Asked, account: &Account, zone: &Zone, now: At) -> Compared {
    let mut out = Compared::default();
    let lines = account.lines(asked);
    let windows = Windows::of(asked, zone, now, account.since());
    let all = |stretch| sum_of(&lines, stretch, |_| true);

    let overview = &snapshot.overview;
    let today = zone.date(now);
    let date = |back: u64| today - Days::new(back);
    let yesterday = [zone.whole_days(date(1), today), zone.whole_days(date(2), date(1))];
    let thirty = [(zone.midnight(date(29)), now), (zone.midnight(date(59)), zone.days_before(now, 30))];
    for (name, versus, [current, earlier]) in [
        ("today", &overview.today, zone.to_date(Period::Day, now)),
        ("yesterday", &overview.yesterday, yesterday),
        ("week", &overview.week, zone.to_date(Period::Week, now)),
        ("month", &overview.month, zone.to_date(Period::Month, now)),
        ("quarter", &overview.quarter, zone.to_date(Period::Quarter, now)),
        ("year", &overview.year, zone.to_date(Period::Year, now)),
        ("thirty days", &overview.thirty_days, thirty),
        ("range", &overview.range, [windows.current, windows.earlier.unwrap_or((now, now))]),
    ] {
        pair(&mut out, name, versus, all(current), all(earlier));
    }
    out.same(|| "flagged".into(), overview.flagged, all(windows.current).flagged);

    out.same(|| "number of days".into(), snapshot.days.len(), 30);
    for (day, back) in snapshot.days.iter().zip((0..30).rev()) {
        let (from, to) = zone.whole_days(date(back), date(back) + Days::new(1));
        out.same(|| "date of a day".into(), day.date.clone(), date(back).to_string());
        out.figures(&format!("day {}", day.date), day.figures, all((from, to.min(now))));
    }

    let points = |of: fn(&Sum) -> i128| -> Vec<Point> {
        let value = |stretch| (stretch, of(&all(stretch)));
        windows.points.iter().map(|(now, before)| (Some(value(*now)), before.map(value))).collect()
    };
    chart(&mut out, snapshot, "revenue", &points(|sum| sum.revenue));
    chart(&mut out, snapshot, "orders", &points(|sum| i128::from(sum.orders)));
    let whole = zone.whole_days(today, date(0) + Days::new(1));
    let hours = [(whole.0, now), yesterday[0], whole].map(|stretch| cut("hour", zone, stretch, usize::MAX));
    let hour = |day: &[Stretch], i: usize| day.get(i).map(|stretch| (*stretch, all(*stretch).revenue));
    let hours: Vec<Point> =
        (0..hours[2].len().max(hours[1].len())).map(|i| (hour(&hours[0], i), hour(&hours[1], i))).collect();
    chart(&mut out, snapshot, "hours", &hours);

    let countries: BTreeSet<&str> = seen(&lines, &windows).map(|line| line.country).collect();
    rows(&mut out, snapshot, "countries", &countries, false, &windows, |key, stretch| {
        sum_of(&lines, stretch, |line| line.country == key)
    });
    let platforms: BTreeSet<&str> = SOURCES.iter().map(|(_, platform)| *platform).collect();
    rows(&mut out, snapshot, "platforms", &platforms, true, &windows, |key, stretch| {
        sum_of(&lines, stretch, |line| line.platform == key)
    });
    out
}

fn average(sum: Sum) -> Option<i128> {
    (sum.orders != 0).then(|| divided(sum.placed, i128::from(sum.orders)))
}

/// How a figure stands against an earlier one (M8), tenths of a percent rounded half away from zero.
fn change(current: i128, earlier: i128) -> Change {
    let whole = |n: i128| i64::try_from(n).expect("a figure");
    if earlier == 0 && current == 0 {
        Change::None
    } else if earlier == 0 && current > 0 {
        Change::New
    } else if earlier <= 0 {
        Change::Absolute(whole(current - earlier))
    } else {
        Change::PerMille(whole(divided((current - earlier) * 1000, earlier)))
    }
}

fn pair(out: &mut Compared, name: &str, program: &Versus, current: Sum, earlier: Sum) {
    out.figures(name, program.current, current);
    out.figures(&format!("{name} before"), program.earlier, earlier);
    let orders = change(i128::from(current.orders), i128::from(earlier.orders));
    out.same(|| format!("{name}, change of orders"), program.orders_change(), orders);
    out.same(
        || format!("{name}, change of revenue"),
        program.revenue_change(),
        change(current.revenue, earlier.revenue),
    );
}

/// A point of a chart and the one before: where they lie, and their values.
type Point = (Option<(Stretch, i128)>, Option<(Stretch, i128)>);

fn chart(out: &mut Compared, snapshot: &Snapshot, name: &str, points: &[Point]) {
    let chart: &Chart = snapshot.charts.iter().find(|chart| chart.name == name).expect("a chart");
    out.same(|| format!("chart {name}, points"), chart.points.len(), points.len());
    let value = |value: Option<i64>| value.map(i128::from);
    for (i, (point, (now, before))) in chart.points.iter().zip(points).enumerate() {
        out.same(|| format!("chart {name}, point {i}"), value(point.value), now.map(|(_, value)| value));
        out.same(|| format!("chart {name}, point {i} before"), value(point.earlier), before.map(|(_, value)| value));
    }
    // In data each point says when it begins.
    let begins = |value: &Value| if let Value::Time(_, seconds) = value { Some(*seconds) } else { None };
    let begun = |point: &Option<(Stretch, i128)>| point.map(|((from, _), _)| from.timestamp());
    for (i, (row, (now, before))) in chart.data.rows.iter().zip(points).enumerate() {
        out.same(|| format!("chart {name}, begin of {i}"), begins(&row[0]), begun(now));
        out.same(|| format!("chart {name}, begin of {i} before"), begins(&row[2]), begun(before));
    }
}

/// The lines that a range and what it is compared with have to do with, in either view of refunds.
fn seen<'a>(lines: &'a [Line], windows: &Windows) -> impl Iterator<Item = &'a Line> {
    let stretches = [Some(windows.current), windows.earlier];
    lines.iter().filter(move |line| stretches.iter().flatten().any(|stretch| line.is_seen(*stretch)))
}

/// The rows of a table by country or platform: those of `known` that brought anything, or all of them.
fn rows(
    out: &mut Compared,
    snapshot: &Snapshot,
    name: &str,
    known: &BTreeSet<&str>,
    always: bool,
    windows: &Windows,
    sum: impl Fn(&str, Stretch) -> Sum,
) {
    let table: &Table = snapshot.tables.iter().find(|table| table.name == name).expect("a table");
    let data = &table.data;
    let mut said: BTreeMap<&str, &Vec<Value>> = BTreeMap::new();
    for row in &data.rows {
        let Value::Text(code) = data.value(row, "code") else { panic!("{row:?}") };
        out.same(|| format!("{name} has {code}"), known.contains(code.as_str()), true);
        out.same(|| format!("{name} has {code} twice"), said.insert(code, row).is_some(), false);
    }
    let whole: i128 = known.iter().map(|key| sum(key, windows.current).revenue).sum();
    for key in known {
        let (current, earlier) = (sum(key, windows.current), windows.earlier.map(|earlier| sum(key, earlier)));
        let Some(row) = said.get(key) else {
            let is_nothing = |sum: Sum| Sum { flagged: 0, ..sum } == Sum::default();
            let may_lack = !always && is_nothing(current) && earlier.is_none_or(is_nothing);
            out.same(|| format!("{name} lacks {key}"), !may_lack, false);
            continue;
        };
        let number = |column: &str| match data.value(row, column) {
            Value::Count(n) | Value::Money(n, _) | Value::PerMille(n) => Some(i128::from(*n)),
            _ => None,
        };
        let percent = earlier.map(|earlier| change(current.revenue, earlier.revenue)).and_then(|change| match change {
            Change::PerMille(tenths) => Some(i128::from(tenths)),
            _ => None,
        });
        for (column, figure) in [
            ("orders", Some(i128::from(current.orders))),
            ("revenue", Some(current.revenue)),
            ("share", (whole > 0).then(|| divided(current.revenue * 1000, whole))),
            ("orders_before", earlier.map(|earlier| i128::from(earlier.orders))),
            ("revenue_before", earlier.map(|earlier| earlier.revenue)),
            ("revenue_change", percent),
        ] {
            out.same(|| format!("{name}, {key}, {column}"), number(column), figure);
        }
    }
}
