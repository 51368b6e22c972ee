//! A line chart with the earlier period behind it: drawn as SVG on the server, by ECharts in the browser, and as a table.

use charming::component::{Axis, Grid};
use charming::element::{
    AreaStyle, AxisLabel, AxisLine, AxisTick, AxisType, Color, LineStyle, LineStyleType, SplitLine, Tooltip, Trigger,
};
use charming::series::Line;
use leptos::prelude::*;
use serde::Serialize;

use crate::money::{self, Currency};
use crate::ui::sparkline::path;
use crate::ui::{browser, text};

/// What a line chart shows. Amounts are minor units of `currency`; they become numbers only as coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    /// The chart's name.
    pub title: String,
    /// The currency of the amounts.
    pub currency: Currency,
    /// A label for each point.
    pub labels: Vec<String>,
    /// The labels of the earlier points.
    pub earlier_labels: Vec<String>,
    /// The period in question, oldest first.
    pub current: Vec<i64>,
    /// The period before, point by point.
    pub earlier: Vec<i64>,
}

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
}

impl LineChart {
    /// The chart as ECharts options. `ink` holds the theme's colours: accent, quiet, text, line, raised.
    pub fn options(&self, ink: &[String]) -> LineOptions {
        let colour = |i: usize| Color::from(ink.get(i).map_or("", String::as_str));
        let exact =
            |values: &[i64]| values.iter().map(|minor| money::decimal(*minor, self.currency)).collect::<Vec<_>>();
        let line = |name: &str, values: &[i64]| Line::new().id(name).name(name).data(exact(values)).show_symbol(false);
        let bare = || AxisLine::new().show(false);
        LineOptions {
            grid: Grid::new().left(56).right(12).top(12).bottom(28),
            tooltip: Tooltip::new()
                .trigger(Trigger::Axis)
                .background_color(colour(4))
                .border_color(colour(3))
                .formatter("{b0}\n{a0}  {c0}\n{a1}  {c1}"),
            x_axis: Axis::new()
                .type_(AxisType::Category)
                .boundary_gap(false)
                .data(self.labels.clone())
                .axis_line(bare())
                .axis_tick(AxisTick::new().show(false))
                .axis_label(AxisLabel::new().color(colour(1)).interval(6.0)),
            y_axis: Axis::new()
                .type_(AxisType::Value)
                .axis_line(bare())
                .split_line(SplitLine::new().line_style(LineStyle::new().color(colour(3))))
                .axis_label(AxisLabel::new().color(colour(1))),
            series: [
                line("This period", &self.current)
                    .line_style(LineStyle::new().width(2.5).color(colour(0)))
                    .area_style(AreaStyle::new().color(colour(0)).opacity(0.12)),
                line("Before", &self.earlier)
                    .line_style(LineStyle::new().width(1.5).color(colour(1)).type_(LineStyleType::Dashed)),
            ],
        }
    }

    /// One point in words.
    fn say(&self, i: usize) -> String {
        let amount =
            |values: &[i64]| values.get(i).map_or_else(|| "—".into(), |minor| money::display(*minor, self.currency));
        let label = |labels: &[String]| labels.get(i).cloned().unwrap_or_default();
        format!(
            "{}: {}, before ({}): {}",
            label(&self.labels),
            amount(&self.current),
            label(&self.earlier_labels),
            amount(&self.earlier)
        )
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
    chart: Signal<LineChart>,
) -> impl IntoView {
    Effect::new(move |_| browser::draw_chart(id, chart.get()));
    let point = RwSignal::new(None::<usize>);
    let key = move |event: leptos::ev::KeyboardEvent| {
        let last = chart.with_untracked(|c| c.current.len().saturating_sub(1));
        let next = match (event.key().as_str(), point.get_untracked()) {
            ("ArrowLeft", at) => at.map_or(last, |i| i.saturating_sub(1)),
            ("ArrowRight", at) => at.map_or(0, |i| (i + 1).min(last)),
            ("Home", _) => 0,
            ("End", _) => last,
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
                aria-label=text(move || format!("{}. Use the left and right arrow keys to read each point.", chart.with(|c| c.title.clone())))
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
fn Picture(chart: Signal<LineChart>) -> impl IntoView {
    let lines = Memo::new(move |_| {
        chart.with(|c| {
            let top = c.current.iter().chain(&c.earlier).copied().max().unwrap_or(1);
            (path(&c.current, top, WIDTH, HEIGHT), path(&c.earlier, top, WIDTH, HEIGHT))
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
fn TableTwin(chart: Signal<LineChart>) -> impl IntoView {
    let rows = move || {
        let c = chart.get();
        (0..c.current.len())
            .rev()
            .map(|i| {
                let amount = |values: &[i64]| {
                    values.get(i).map_or_else(|| "—".into(), |minor| money::display(*minor, c.currency))
                };
                let label = |labels: &[String]| labels.get(i).cloned().unwrap_or_default();
                view! {
                    <tr>
                        <th scope="row">{label(&c.labels)}</th>
                        <td>{amount(&c.current)}</td>
                        <td>{label(&c.earlier_labels)}</td>
                        <td>{amount(&c.earlier)}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label="The chart as a table">
            <table>
                <thead>
                    <tr><th scope="col">"Day"</th><th scope="col">"Revenue"</th><th scope="col">"Day before"</th><th scope="col">"Revenue then"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> LineChart {
        LineChart {
            title: "Revenue".into(),
            currency: Currency::GBP,
            labels: vec!["20 Nov".into(), "21 Nov".into()],
            earlier_labels: vec!["21 Oct".into(), "22 Oct".into()],
            current: vec![104_560, 5],
            earlier: vec![0, -420],
        }
    }

    #[test]
    fn options_hold_exact_amounts_and_the_theme_s_colours() {
        let options = serde_json::to_value(chart().options(&["#0f0".into(), "#999".into()])).expect("JSON");
        assert_eq!(options["series"][0]["data"], serde_json::json!(["1045.60", "0.05"]));
        assert_eq!(options["series"][1]["data"], serde_json::json!(["0.00", "-4.20"]));
        assert_eq!(options["series"][0]["lineStyle"]["color"], "#0f0");
    }

    #[test]
    fn a_point_is_said_with_both_periods() {
        assert_eq!(chart().say(0), "20 Nov: £1,045.60, before (21 Oct): £0.00");
    }
}
