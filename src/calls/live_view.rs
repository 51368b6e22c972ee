//! Rooms with their people, alerts, and people by quality: the parts that the page of calls and that of one call share.

use leptos::prelude::*;

use crate::calls::alerts::Severity;
use crate::calls::model::FIGURES;
use crate::calls::quality::Quality;
use crate::calls::shown::{AlertLine, PersonLine, QualityBar, RoomLine};
use crate::money::count;
use crate::table::Value;

/// The picture's own units; it is stretched to its place.
const WIDTH: i64 = 1_000;
const HEIGHT: i64 = 24;

/// A word of quality with its mark: never colour alone.
#[component]
pub fn QualityWord(quality: Option<Quality>, #[prop(into)] score: String) -> impl IntoView {
    match quality {
        Some(quality) => {
            let class = format!("quality is-{}", quality.name());
            view! { <span class=class title=score.clone()>{quality.title()}</span><span class="sr-only">", "{score}</span> }.into_any()
        }
        None => {
            view! { <span title="Not measured yet" aria-hidden="true">"—"</span><span class="sr-only">"Not measured yet"</span> }.into_any()
        }
    }
}

/// Rooms with their people, as one table: hundreds of rows, each written as shortly as can be.
#[component]
pub fn LiveTable(rooms: Vec<RoomLine>, #[prop(into)] label: String) -> impl IntoView {
    let headings = FIGURES.map(|of| view! { <th scope="col">{of.title}<span class="unit">{of.unit}</span></th> });
    let rooms = rooms.into_iter().map(|room| {
        let address = format!("/calls/{}", room.call);
        let people = room.people.into_iter().map(person_row).collect_view();
        view! {
            <tbody>
                <tr class="room"><th scope="rowgroup" colspan="10"><a href=address>{room.name}</a><span class="quiet">{room.about}</span></th></tr>
                {people}
            </tbody>
        }
    });
    view! {
        <div class="table-scroll is-open" tabindex="0" role="group" aria-label=label>
            <table class="live-people">
                <thead><tr>
                    <th scope="col" class="is-text">"Person"</th>
                    {headings.collect_view()}
                    <th scope="col" class="is-text">"Quality"</th>
                    <th scope="col" class="is-text">"Way"</th>
                    <th scope="col" class="is-text">"State"</th>
                </tr></thead>
                {rooms.collect_view()}
            </table>
        </div>
    }
}

fn person_row(person: PersonLine) -> impl IntoView {
    let figures = person.figures.map(|figure| view! { <td>{figure}</td> });
    view! {
        <tr>
            <th scope="row">{person.name}</th>
            {figures.collect_view()}
            <td class="is-text"><QualityWord quality=person.quality score=person.score/></td>
            <td class="is-text">{person.way}</td>
            <td class="is-text">{person.state}</td>
        </tr>
    }
}

/// Alerts; with buttons where `back` says which query the page has.
#[component]
pub fn Alerts(alerts: Vec<AlertLine>, back: Option<String>) -> impl IntoView {
    let lines = alerts.into_iter().map(|alert| alert_line(alert, back.clone())).collect_view();
    view! { <ul class="lines alerts">{lines}</ul> }
}

fn alert_line(alert: AlertLine, back: Option<String>) -> impl IntoView {
    let AlertLine { id, call, severity, words, room, when, is_on, acknowledged } = alert;
    let class = match severity {
        _ if !is_on => "severity is-over",
        Severity::Critical => "severity is-critical",
        Severity::Warning => "severity is-warning",
    };
    let has_button = acknowledged.is_empty();
    let button = back.filter(|_| has_button).map(|back| {
        let label = format!("Acknowledge: {words}");
        view! {
            <form method="post" action="/calls/acknowledge">
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="back" value=back/>
                <button class="button" type="submit" aria-label=label>"Acknowledge"</button>
            </form>
        }
    });
    view! {
        <li class="line">
            <p>
                <strong class=class>{severity.title()}</strong>" "{words}" "
                <a href=format!("/calls/{call}")>{room}</a>" "
                <span class="quiet">{when}{(!acknowledged.is_empty()).then(|| format!(". {acknowledged}"))}</span>
            </p>
            {button}
        </li>
    }
}

/// People by quality: bars, each with its words, and the same as a table.
#[component]
pub fn QualityChart(bars: Vec<QualityBar>) -> impl IntoView {
    let share = |bar: &QualityBar| Value::PerMille(bar.per_mille).text();
    let said: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.quality.title(), count(bar.people))).collect();
    let lines = bars.iter().map(|bar| {
        let class = format!("share is-{}", bar.quality.name());
        let width = (bar.per_mille * WIDTH / 1_000).to_string();
        view! {
            <li>
                <span class=format!("quality is-{}", bar.quality.name())>{bar.quality.title()}</span>
                <svg class=class viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none">
                    <rect class="rest" width=WIDTH height=HEIGHT></rect>
                    <rect width=width height=HEIGHT></rect>
                </svg>
                <span>{count(bar.people)}</span>
            </li>
        }
    });
    let rows = bars.iter().map(|bar| {
        view! { <tr><th scope="row">{bar.quality.title()}</th><td>{count(bar.people)}</td><td>{share(bar)}</td></tr> }
    });
    view! {
        <figure class="chart">
            <div role="img" aria-label=format!("People by quality: {}.", said.join(", "))>
                <ul class="bars" aria-hidden="true">{lines.collect_view()}</ul>
            </div>
        </figure>
        <details class="table-twin">
            <summary>"Show as table"</summary>
            <div class="table-scroll is-open" tabindex="0" role="group" aria-label="People by quality">
                <table>
                    <thead><tr><th scope="col" class="is-text">"Quality"</th><th scope="col">"People"</th><th scope="col">"Share"</th></tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
