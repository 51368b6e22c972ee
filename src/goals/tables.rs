//! Goals, notes and milestones as the page shows them: tables of the answer, and marks on the points of its charts. Pure.

use crate::chart::Chart;
use crate::goals::milestones::Milestone;
use crate::goals::model::{Goal, GoalMeasure, Note};
use crate::money::{self, Currency};
use crate::period::Calendar;
use crate::sales::model::Snapshot;
use crate::sales::projection::model::{Outlook, Projection};
use crate::sales::question::{Measure, RefundDate};
use crate::sales::sums::Sums;
use crate::table::{Cell, Column, Data, Row, Table, Value};

/// The name of the table of goals.
pub const GOALS: &str = "goals";
/// The name of the table of notes and milestones.
pub const NOTES: &str = "notes";
/// The charts that notes are marked on.
const MARKED: [&str; 2] = ["revenue", "orders"];

/// The goals with what came so far: `sums` are those of the running day, week, month, quarter and year, of all orders. Under a
/// filter there are none, and no goals.
pub fn goals(goals: &[Goal], sums: Option<[&Sums; 5]>, currency: Currency) -> Table {
    let goals = if sums.is_some() { goals } else { &[] };
    let so_far = |goal: &Goal| {
        let sums = sums?[goal.period as usize];
        goal.is_of(currency).then(|| match goal.measure {
            GoalMeasure::Total => sums.revenue(Measure::Total, RefundDate::Refund),
            GoalMeasure::Net => sums.revenue(Measure::Net, RefundDate::Refund),
            GoalMeasure::Orders => sums.orders,
        })
    };
    let has_total = |goal: &Goal| {
        goals.iter().any(|g| g.period == goal.period && g.measure == GoalMeasure::Total && g.is_of(currency))
    };
    let rows = goals.iter().map(|goal| goal_row(goal, so_far(goal), has_total(goal)));
    let value = |goal: &Goal, amount: i64| match goal.currency {
        Some(currency) => Value::Money(amount, currency),
        None => Value::Count(amount),
    };
    let data = goals.iter().map(|goal| {
        let so_far = so_far(goal);
        let target = goal.is_of(currency).then(|| value(goal, goal.target));
        vec![
            Value::Text(goal.period.name().into()),
            Value::Text(goal.measure.name().into()),
            so_far.map_or(Value::Empty, |so_far| value(goal, so_far)),
            target.unwrap_or(Value::Empty),
            so_far.map_or(Value::Empty, |so_far| Value::PerMille(per_mille(so_far, goal.target))),
        ]
    });
    Table {
        name: GOALS.into(),
        title: "Goals".into(),
        columns: vec![
            Column::text("goal", "Goal"),
            Column::number("so_far", "So far"),
            Column::number("target", "Target"),
            Column::number("progress", "Progress"),
            Column::text("projection", "Where it will land"),
        ],
        rows: rows.collect(),
        data: Data::new(
            vec![
                Column::text("period", "Period"),
                Column::text("measure", "Measure"),
                Column::number("so_far", "So far"),
                Column::number("target", "Target"),
                Column::number("progress", "Progress"),
            ],
            &["so_far", "target"],
            data.collect(),
        ),
    }
}

/// Tenths of a percent, never more than what is there: 100% is said when the goal is reached.
fn per_mille(so_far: i64, target: i64) -> i64 {
    let tenths = (i128::from(so_far) * 1000).div_euclid(i128::from(target.max(1)));
    i64::try_from(tenths).unwrap_or(i64::MAX)
}

fn goal_row(goal: &Goal, so_far: Option<i64>, has_total: bool) -> Row {
    // The cards find their goal by the name of their figure; net sales stand there where revenue has no goal of its own.
    let place = match goal.measure {
        GoalMeasure::Orders => "orders",
        GoalMeasure::Net if has_total => "net",
        _ => "revenue",
    };
    let written = |amount: i64| goal.currency.map_or_else(|| money::count(amount), |c| money::display(amount, c));
    let of_net = if goal.measure == GoalMeasure::Net { " net" } else { "" };
    let progress = match so_far {
        None => Cell { text: "set it again: the currency is another".into(), order: Some(i64::MIN), ..Cell::default() },
        Some(so_far) => {
            let tenths = per_mille(so_far, goal.target);
            let text = format!("{}% of {}{of_net}", money::count(tenths.div_euclid(10)), goal.target_text());
            Cell { text, order: Some(tenths), tone: i8::from(tenths >= 1000), ..Cell::default() }
        }
    };
    Row {
        key: format!("{}.{place}", goal.period.figure()),
        address: "/goals".into(),
        cells: vec![
            Value::Text(format!("{}, {}", goal.measure.title(), goal.period.running())).cell(),
            Cell { order: so_far, text: so_far.map_or_else(|| "—".into(), written), ..Cell::default() },
            Cell { order: Some(goal.target), text: goal.target_text(), ..Cell::default() },
            progress,
            Cell::default(),
        ],
    }
}

/// Says of each goal of total revenue whether the projection of its period comes to it.
pub fn project(snapshot: &mut Snapshot, projections: &[Projection]) {
    let Some(table) = snapshot.tables.iter_mut().find(|table| table.name == GOALS) else { return };
    let progress = table.place("progress");
    for (row, values) in table.rows.iter_mut().zip(&table.data.rows) {
        let [Value::Text(period), Value::Text(measure), Value::Money(so_far, _), Value::Money(target, currency), _] =
            &values[..]
        else {
            continue;
        };
        let projection = projections.iter().find(|known| known.horizon.name() == *period);
        let Some(Outlook::Range(range)) = projection.map(|projection| projection.outlook) else { continue };
        if measure != GoalMeasure::Total.name() || so_far >= target {
            continue;
        }
        let expected = money::display(range.expected, *currency);
        let words = if range.low >= *target {
            format!("will be reached: {expected} expected")
        } else if range.expected >= *target {
            format!("should be reached: {expected} expected")
        } else if range.high >= *target {
            format!("may be missed: {expected} expected")
        } else {
            format!("will be missed: {expected} expected")
        };
        if let Some(progress) = progress.and_then(|place| row.cells.get_mut(place)) {
            progress.title.clone_from(&words);
        }
        if let Some(cell) = row.cells.last_mut() {
            *cell = Value::Text(words).cell();
        }
    }
}

/// The notes about the range, the newest first.
pub fn notes(notes: &[Note]) -> Table {
    let rows = notes.iter().map(|note| Row {
        key: format!("note-{}", note.id),
        address: format!("/goals?note={}", note.id),
        cells: said(note.days(), note.first.to_string(), "note", note.text.clone(), note.author.clone()),
    });
    let data = notes.iter().map(|note| {
        vec![
            Value::Date(note.first.to_string()),
            Value::Date(note.last.to_string()),
            Value::Text("note".into()),
            Value::Text(note.text.clone()),
            Value::Text(note.author.clone()),
        ]
    });
    Table {
        name: NOTES.into(),
        title: "Notes and milestones".into(),
        columns: vec![
            Column::text("when", "When"),
            Column::text("what", "What"),
            Column::text("text", "Text"),
            Column::text("author", "By"),
        ],
        rows: rows.collect(),
        data: Data::new(
            vec![
                Column::text("from", "From"),
                Column::text("to", "To"),
                Column::text("what", "What"),
                Column::text("text", "Text"),
                Column::text("author", "By"),
            ],
            &[],
            data.collect(),
        ),
    }
}

fn said(when: String, first: String, what: &str, text: String, author: String) -> Vec<Cell> {
    let day = first.replace('-', "").parse().ok();
    let plain = |text: String| Value::Text(text).cell();
    vec![Cell { order: day, text: when, ..Cell::default() }, plain(what.into()), plain(text), plain(author)]
}

/// Marks notes on the points of the charts that they fall on; one about some days at the first of them that is shown.
pub fn mark_notes(charts: &mut [Chart], notes: &[Note], calendar: &Calendar) {
    for chart in charts.iter_mut().filter(|chart| MARKED.contains(&chart.name.as_str())) {
        for note in notes {
            let days = calendar.days(note.first, note.last);
            mark(chart, (days.from.timestamp(), days.to.timestamp()), &format!("{} ({})", note.text, note.author));
        }
    }
}

/// Adds the milestones of the range to its notes, and marks them on the chart of revenue.
pub fn add_milestones(snapshot: &mut Snapshot, milestones: &[Milestone], calendar: &Calendar) {
    let Some(chart) = snapshot.charts.iter_mut().find(|chart| chart.name == "revenue") else { return };
    let Some(table) = snapshot.tables.iter_mut().find(|table| table.name == NOTES) else { return };
    let (from, to) = (chart.data.window_ms.0 / 1000, chart.data.window_ms.1 / 1000);
    for Milestone { date, title } in milestones {
        let Ok(day) = date.parse::<jiff::civil::Date>() else { continue };
        let window = calendar.day(day);
        let (first, last) = (window.from.timestamp(), window.to.timestamp());
        if last <= from || first >= to {
            continue;
        }
        mark(chart, (first, last), title);
        let words = day.strftime("%-d %b %Y").to_string();
        table.rows.push(Row {
            key: format!("{date} {title}"),
            address: String::new(),
            cells: said(words, date.clone(), "milestone", title.clone(), "Takings".into()),
        });
        let texts = ["milestone", title.as_str(), "Takings"].map(|text| Value::Text(text.to_owned()));
        table.data.rows.push([vec![Value::Date(date.clone()), Value::Date(date.clone())], texts.to_vec()].concat());
    }
    let day = |row: &Row| row.cells.first().and_then(|cell| cell.order);
    table.rows.sort_by_key(|row| std::cmp::Reverse(day(row)));
}

/// Marks the first point of a chart that a window of seconds falls on.
fn mark(chart: &mut Chart, (first, last): (i64, i64), text: &str) {
    let ends = (chart.data.window_ms.0 / 1000, chart.data.window_ms.1 / 1000);
    if last <= ends.0 || first >= ends.1 {
        return;
    }
    let begins = |row: &Vec<Value>| match row.first() {
        Some(Value::Time(_, seconds)) => *seconds,
        _ => i64::MAX,
    };
    let at = chart.data.rows.iter().rposition(|row| begins(row) <= first.max(ends.0));
    if let Some(point) = at.and_then(|at| chart.points.get_mut(at)) {
        if !point.mark.is_empty() {
            point.mark.push_str(" · ");
        }
        point.mark.push_str(text);
    }
}
