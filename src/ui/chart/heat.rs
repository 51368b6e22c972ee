//! A week as a field of hours, coloured by amount: drawn by the server and the browser alike, and as a sortable table.

use leptos::prelude::*;

use crate::chart::Chart;
use crate::table::{Cell, Column, Row, Table};
use crate::ui::chart::scale::{STEPS, step};
use crate::ui::table::SortableTable;
use crate::ui::{browser, text};

/// Hours of a day: points in a row.
const HOURS: usize = 24;
/// Room between two hours, in tenths of an hour's width.
const GAP: usize = 1;
/// Hours that are named below the field.
const NAMED_EVERY: usize = 3;

/// All hours of a step as one path of squares, in tenths of an hour's width and height.
fn squares(chart: &Chart, of: i64) -> String {
    let top = chart.points.iter().filter_map(|point| point.value).max().unwrap_or(0);
    let here = chart.points.iter().enumerate().filter(|(_, point)| step(point.value.unwrap_or(0), top) == of);
    let side = 10 - GAP;
    here.map(|(i, _)| format!("M{} {}h{side}v{side}h-{side}z", i % HOURS * 10, i / HOURS * 10)).collect()
}

/// The hours as rows of a table: the day, the hour, the amount.
fn table(chart: &Chart) -> Table {
    let rows = chart.points.iter().enumerate().map(|(i, point)| {
        let (day, hour) = point.label.split_once(' ').unwrap_or((&point.label, ""));
        let cell = |text: &str, order| Cell { text: text.to_owned(), order: Some(order), ..Cell::default() };
        Row {
            key: format!("{}.{i}", chart.name),
            address: String::new(),
            cells: vec![
                cell(day, (i / HOURS) as i64),
                cell(hour, (i % HOURS) as i64),
                cell(&chart.text(point.value), point.value.unwrap_or(i64::MIN)),
            ],
        }
    });
    Table {
        name: "charts".into(),
        rows: rows.collect(),
        title: chart.title.clone(),
        columns: vec![
            Column::text("day", "Day"),
            Column::text("hour", "Hour"),
            Column::number("revenue", if chart.currency.is_some() { "Revenue" } else { "Orders" }),
        ],
        ..Table::default()
    }
}

/// The place that a key leads to from another: to the side by an hour, up and down by a day.
fn moved(key: &str, at: Option<usize>, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let from = at.unwrap_or(0);
    Some(match (key, at) {
        ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", None) => 0,
        ("ArrowLeft", _) => from.saturating_sub(1),
        ("ArrowRight", _) => (from + 1).min(last),
        ("ArrowUp", _) => from.checked_sub(HOURS).unwrap_or(from),
        ("ArrowDown", _) => {
            if from + HOURS <= last {
                from + HOURS
            } else {
                from
            }
        }
        ("Home", _) => 0,
        ("End", _) => last,
        _ => return None,
    })
}

/// The field: the arrow keys and the pointer move from hour to hour and say it; "Show as table" gives the numbers.
#[component]
pub fn HeatView(
    /// What it shows: a point an hour, a day after the other.
    #[prop(into)]
    chart: Signal<Chart>,
) -> impl IntoView {
    let point = RwSignal::new(None::<usize>);
    let key = move |event: leptos::ev::KeyboardEvent| {
        let count = chart.with_untracked(|c| c.points.len());
        if let Some(next) = moved(&event.key(), point.get_untracked(), count) {
            event.prevent_default();
            point.set(Some(next));
        }
    };
    let pointed = move |event: leptos::ev::MouseEvent| {
        let rows = chart.with_untracked(|c| c.points.len() / HOURS);
        point.set(browser::cell_at(&event, HOURS, rows).map(|(column, row)| row * HOURS + column));
    };
    let said = text(move || point.get().map(|i| chart.with(|c| c.say(i))).unwrap_or_default());
    let paths = (-1..=STEPS).map(|of| {
        view! { <path class=class_of(of) d=text(move || chart.with(|c| squares(c, of)))></path> }
    });
    let here = text(move || match point.get() {
        Some(i) => format!("M{} {}h9v9h-9z", i % HOURS * 10, i / HOURS * 10),
        None => String::new(),
    });
    let days = move || {
        let first = |c: &Chart| c.points.iter().step_by(HOURS).map(|p| p.label.clone()).collect::<Vec<_>>();
        let name = |label: String| view! { <span>{label.split(' ').next().unwrap_or_default().to_owned()}</span> };
        chart.with(first).into_iter().map(name).collect_view()
    };
    let hours = (0..HOURS).step_by(NAMED_EVERY).map(|hour| view! { <span>{format!("{hour:02}")}</span> });
    view! {
        <figure class="chart">
            <div
                class="heat"
                tabindex="0"
                role="group"
                aria-roledescription="chart"
                aria-label=text(move || format!("{}. Use the arrow keys to read each hour.", chart.with(|c| c.title.clone())))
                on:keydown=key
            >
                <div class="heat-days" aria-hidden="true">{days}</div>
                <svg
                    viewBox=format!("0 0 {} 69", HOURS * 10 - GAP)
                    preserveAspectRatio="none"
                    aria-hidden="true"
                    on:mousemove=pointed
                    on:mouseleave=move |_| point.set(None)
                >
                    {paths.collect_view()}
                    <path class="here" d=here vector-effect="non-scaling-stroke"></path>
                </svg>
                <div class="heat-hours" aria-hidden="true">{hours.collect_view()}</div>
            </div>
            <p class="chart-said" aria-live="polite">{said}</p>
            <details class="table-twin">
                <summary>"Show as table"</summary>
                <SortableTable table=Signal::derive(move || chart.with(table)) figures=&["revenue"]/>
            </details>
        </figure>
    }
}

/// The class of a step's colour.
fn class_of(step: i64) -> String {
    if step < 0 { "step is-below".into() } else { format!("step is-{step}") }
}

/// The colours of what is below zero, and of the steps from less to more.
#[component]
pub fn StepsLegend() -> impl IntoView {
    let squares = |steps: std::ops::RangeInclusive<i64>| {
        let (side, room) = (12, 15);
        let width = room * (steps.end() - steps.start()) + side;
        let first = *steps.start();
        let square = move |of: i64| {
            let d = format!("M{} 0h{side}v{side}h-{side}z", (of - first) * room);
            view! { <path class=class_of(of) d=d></path> }
        };
        let squares = steps.map(square).collect_view();
        view! { <svg viewBox=format!("0 0 {width} {side}") aria-hidden="true">{squares}</svg> }
    };
    view! {
        <p class="steps quiet">
            <span>"below zero"</span>
            {squares(-1..=-1)}
            <span>"less"</span>
            {squares(0..=STEPS)}
            <span>"more"</span>
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::ChartPoint;
    use crate::money::Currency;

    fn week(values: impl Fn(usize) -> i64) -> Chart {
        let point = |i: usize| ChartPoint {
            label: format!("{} {:02}:00", ["Mon", "Tue"][i / HOURS], i % HOURS),
            value: Some(values(i)),
            ..ChartPoint::default()
        };
        Chart { currency: Some(Currency::GBP), points: (0..48).map(point).collect(), ..Chart::default() }
    }

    #[test]
    fn each_hour_is_in_the_path_of_its_step() {
        let chart = week(|i| match i {
            25 => 10_000,
            3 => -5,
            _ => 0,
        });
        assert_eq!(squares(&chart, STEPS), "M10 10h9v9h-9z");
        assert_eq!(squares(&chart, -1), "M30 0h9v9h-9z");
        assert_eq!(squares(&chart, 0).matches('z').count(), 46);
    }

    #[test]
    fn the_table_is_sorted_by_day_hour_and_amount() {
        let table = table(&week(|i| i as i64));
        let cells: Vec<(&str, Option<i64>)> =
            table.rows[25].cells.iter().map(|cell| (cell.text.as_str(), cell.order)).collect();
        assert_eq!(cells, [("Tue", Some(1)), ("01:00", Some(1)), ("£0.25", Some(25))]);
    }

    #[test]
    fn arrows_move_by_an_hour_and_by_a_day() {
        for (key, at, to) in [
            ("ArrowRight", None, Some(0)),
            ("ArrowRight", Some(47), Some(47)),
            ("ArrowDown", Some(3), Some(27)),
            ("ArrowDown", Some(27), Some(27)),
            ("ArrowUp", Some(27), Some(3)),
            ("ArrowUp", Some(3), Some(3)),
            ("End", Some(3), Some(47)),
            ("x", Some(3), None),
        ] {
            assert_eq!(moved(key, at, 48), to, "{key} from {at:?}");
        }
        assert_eq!(moved("End", None, 0), None);
    }
}
