//! A line chart with the earlier period behind it: drawn as SVG on the server, by ECharts in the browser, and as a table.
//! Beside it stand its relatives: a map of the world, and a week as a field of hours.

pub mod heat;
pub mod map;
pub mod scale;

use charming::component::{Axis, Grid};
use charming::element::{
    AreaStyle, AxisLabel, AxisLine, AxisTick, AxisType, Color, LineStyle, LineStyleType, SplitLine, Tooltip, Trigger,
};
use charming::series::Line;
use leptos::prelude::*;
use serde::Serialize;

use crate::chart::{Chart, ChartPoint};
use crate::ui::explain::explained;
use crate::ui::sparkline::path;
use crate::ui::{browser, text};

/// The options of a line chart as ECharts reads them, typed by charming's components. Its `Chart` would bring the code of
/// every kind of chart into the browser.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineOptions {
    grid: Grid,
    tooltip: Tooltip,
    x_axis: Axis,
    y_axis: Axis,
    series: [Line; 2],
    /// What is to be remembered of each point; the bundle draws it.
    marks: Vec<String>,
}

/// The chart as ECharts options. `ink` holds the theme's colours: accent, quiet, text, line, raised.
pub fn options(chart: &Chart, ink: &[String]) -> LineOptions {
    named_options(chart, ink, ["This period", "Before"])
}

/// The same with names of the two lines.
pub fn named_options(chart: &Chart, ink: &[String], names: [&str; 2]) -> LineOptions {
    let colour = |i: usize| Color::from(ink.get(i).map_or("", String::as_str));
    let line = |name: &str, of: fn(&ChartPoint) -> Option<i64>| {
        let values: Vec<String> = chart.points.iter().map(|point| chart.number(of(point))).collect();
        Line::new().id(name).name(name).data(values).show_symbol(false)
    };
    let labels: Vec<String> = chart.points.iter().map(|point| point.label.clone()).collect();
    let every = (labels.len() / 6).max(1) as f64 - 1.0;
    let bare = || AxisLine::new().show(false);
    LineOptions {
        marks: chart.points.iter().map(|point| point.mark.clone()).collect(),
        grid: Grid::new().left(56).right(12).top(12).bottom(28),
        tooltip: Tooltip::new().trigger(Trigger::Axis).background_color(colour(4)).border_color(colour(3)).formatter(
            if chart.earlier_title.is_empty() { "{b0}\n{a0}  {c0}" } else { "{b0}\n{a0}  {c0}\n{a1}  {c1}" },
        ),
        x_axis: Axis::new()
            .type_(AxisType::Category)
            .boundary_gap(false)
            .data(labels)
            .axis_line(bare())
            .axis_tick(AxisTick::new().show(false))
            .axis_label(AxisLabel::new().color(colour(1)).interval(every)),
        y_axis: Axis::new()
            .type_(AxisType::Value)
            .axis_line(bare())
            .split_line(SplitLine::new().line_style(LineStyle::new().color(colour(3))))
            .axis_label(AxisLabel::new().color(colour(1))),
        series: [
            line(names[0], |point| point.value)
                .line_style(LineStyle::new().width(2.5).color(colour(0)))
                .area_style(AreaStyle::new().color(colour(0)).opacity(0.12)),
            line(names[1], |point| point.earlier)
                .line_style(LineStyle::new().width(1.5).color(colour(1)).type_(LineStyleType::Dashed)),
        ],
    }
}

/// The picture's own units; it is stretched to its place.
const WIDTH: i64 = 1000;
const HEIGHT: i64 = 260;

/// The chart: the arrow keys move from point to point and say it; "Show as table" gives the numbers.
#[component]
pub fn LineChartView(
    /// The element's name on the page.
    id: &'static str,
    /// What it shows.
    #[prop(into)]
    chart: Signal<Chart>,
) -> impl IntoView {
    let open = move |i: usize| {
        let address = chart.with_untracked(|c| c.points.get(i).map(|point| point.address.clone()));
        if let Some(address) = address.filter(|address| !address.is_empty()) {
            browser::go(&address);
        }
    };
    Effect::new(move |_| browser::draw_chart(id, chart.get(), open));
    let point = RwSignal::new(None::<usize>);
    let key = move |event: leptos::ev::KeyboardEvent| {
        let last = chart.with_untracked(|c| c.points.len().saturating_sub(1));
        let next = match (event.key().as_str(), point.get_untracked()) {
            ("ArrowLeft", at) => at.map_or(last, |i| i.saturating_sub(1)),
            ("ArrowRight", at) => at.map_or(0, |i| (i + 1).min(last)),
            ("Home", _) => 0,
            ("End", _) => last,
            ("Enter", Some(at)) => return open(at),
            _ => return,
        };
        event.prevent_default();
        point.set(Some(next));
    };
    let said = text(move || point.get().map(|i| chart.with(|c| c.say(i))).unwrap_or_default());
    view! {
        <figure class="chart">
            <div
                class="chart-area"
                tabindex="0"
                role="group"
                aria-roledescription="chart"
                aria-label=text(move || format!("{}. Use the left and right arrow keys to read each point, Enter to open it.", chart.with(|c| c.title.clone())))
                on:keydown=key
            >
                <Picture chart/>
                <div id=id class="chart-canvas" aria-hidden="true"></div>
            </div>
            <p class="chart-said" aria-live="polite">{said}</p>
            <details class="table-twin">
                <summary>"Show as table"</summary>
                <TableTwin chart/>
            </details>
        </figure>
    }
}

/// What the server draws: the same lines without axes, until the chart library takes their place.
#[component]
pub fn Picture(
    /// What it shows.
    chart: Signal<Chart>,
) -> impl IntoView {
    let lines = Memo::new(move |_| {
        chart.with(|c| {
            let of = |of: fn(&ChartPoint) -> Option<i64>| c.points.iter().map_while(of).collect::<Vec<i64>>();
            let (current, earlier) = (of(|point| point.value), of(|point| point.earlier));
            let top = current.iter().chain(&earlier).copied().max().unwrap_or(1);
            // As wide as its part of the points.
            let width = |values: &[i64]| {
                WIDTH * values.len().saturating_sub(1) as i64 / c.points.len().saturating_sub(1).max(1) as i64
            };
            (path(&current, top, width(&current), HEIGHT), path(&earlier, top, width(&earlier), HEIGHT))
        })
    });
    view! {
        <svg class="chart-picture" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <path class="is-earlier" d=text(move || lines.get().1) fill="none" vector-effect="non-scaling-stroke"></path>
            <path class="is-current" d=text(move || lines.get().0) fill="none" vector-effect="non-scaling-stroke"></path>
        </svg>
    }
}

#[component]
fn TableTwin(chart: Signal<Chart>) -> impl IntoView {
    let rows = move || {
        let c = chart.get();
        let row = |(i, point): (usize, &ChartPoint)| {
            let figure = |before: &str, value: Option<i64>| {
                let text = c.text(value).into_any();
                if value.is_some() { explained(format!("charts.{}.{i}{before}", c.name), text) } else { text }
            };
            view! {
                <tr>
                    <th scope="row">{point.label.clone()}<span class="mark">{point.mark.clone()}</span></th>
                    <td>{figure("", point.value)}</td>
                    <td>{point.earlier_label.clone()}</td>
                    <td>{figure(".before", point.earlier)}</td>
                </tr>
            }
        };
        c.points.iter().enumerate().rev().map(row).collect_view()
    };
    let title = text(move || chart.with(|c| c.title.clone()));
    let earlier = text(move || chart.with(|c| c.earlier_title.clone()));
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="The chart as a table">
            <table>
                <thead>
                    <tr><th scope="col">"When"</th><th scope="col">{title}</th><th scope="col">"Beside"</th><th scope="col">{earlier}</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn options_hold_exact_amounts_and_the_theme_s_colours() {
        let point = |label: &str, value, earlier| ChartPoint {
            label: label.into(),
            value,
            earlier: Some(earlier),
            ..ChartPoint::default()
        };
        let chart = Chart {
            title: "Revenue".into(),
            currency: Some(Currency::GBP),
            points: vec![point("20 Nov", Some(104_560), 0), point("21 Nov", None, -420)],
            ..Chart::default()
        };
        let options = serde_json::to_value(options(&chart, &["#0f0".into(), "#999".into()])).expect("JSON");
        assert_eq!(options["series"][0]["data"], serde_json::json!(["1045.60", "-"]));
        assert_eq!(options["series"][1]["data"], serde_json::json!(["0.00", "-4.20"]));
        assert_eq!(options["series"][0]["lineStyle"]["color"], "#0f0");
    }
}
