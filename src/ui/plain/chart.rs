//! A line chart on a page that needs no script: the server's picture, until the script of plain pages draws it with axes and
//! reads it point by point. The table that says the same stands below it.

use leptos::prelude::*;

use crate::chart::Chart;
use crate::ui::chart::{Picture, named_options};

/// Colours that the script puts in the place of these names: accent, quiet, text, line, raised, decline.
const INK: [&str; 6] = ["ink0", "ink1", "ink2", "ink3", "ink4", "ink5"];

/// The chart. Its title names the line, its `earlier_title` the dashed one.
#[component]
pub fn PlainChart(
    /// What it shows.
    chart: Chart,
) -> impl IntoView {
    let options = named_options(&chart, &INK.map(str::to_owned), [&chart.title, &chart.earlier_title]);
    let options = serde_json::to_string(&options).unwrap_or_default();
    let said: Vec<String> = (0..chart.points.len()).map(|i| chart.say(i)).collect();
    let said = serde_json::to_string(&said).unwrap_or_default();
    let label = format!("{}. Use the left and right arrow keys to read each point.", chart.title);
    let (title, earlier) = (chart.title.clone(), chart.earlier_title.clone());
    let earlier = (!earlier.is_empty()).then(|| view! { <span class="key is-earlier">{earlier}</span> });
    view! {
        <figure class="chart" data-chart=options data-said=said>
            <p class="legend quiet"><span class="key">{title}</span>{earlier}</p>
            <div class="chart-area" tabindex="0" role="group" aria-roledescription="chart" aria-label=label>
                <Picture chart=Signal::stored(chart)/>
                <div class="chart-canvas" aria-hidden="true"></div>
            </div>
            <p class="chart-said" aria-live="polite"></p>
        </figure>
    }
}
