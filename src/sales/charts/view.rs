//! Components of the charts that are more than lines, and the menu of files that every chart and table has.

use leptos::prelude::*;

use crate::sales::model::{Choice, Controls};
use crate::sales::view::Shown;
use crate::ui::chart::heat::{HeatView, StepsLegend};
use crate::ui::chart::map::MapView;
use crate::ui::{browser, flag, text};

/// Revenue by weekday and hour.
#[component]
pub fn WeekdaysCard(shown: Shown, controls: RwSignal<Controls>) -> impl IntoView {
    let chart =
        Memo::new(move |_| shown.with(|s| s.charts.iter().find(|c| c.name == "weekdays").cloned().unwrap_or_default()));
    view! {
        <section class="card chart-card is-wide" aria-labelledby="weekdays-title">
            <header class="section-head">
                <h2 id="weekdays-title">{text(move || chart.with(|c| c.title.clone()))}</h2>
                <StepsLegend/>
                <Downloads controls kind="charts" name="weekdays"/>
            </header>
            <HeatView chart=Signal::derive(move || chart.get())/>
        </section>
    }
}

/// What the map says of a country, by the columns of their table; revenue colours it.
const SAID: &[&str] = &["revenue", "orders", "share"];

/// The countries on a map; their table stands beside it.
#[component]
pub fn MapCard(shown: Shown) -> impl IntoView {
    let table = Memo::new(move |_| {
        shown.with(|s| s.tables.iter().find(|t| t.name == "countries").cloned().unwrap_or_default())
    });
    view! {
        <section class="card chart-card map-card" aria-labelledby="map-title">
            <header class="section-head">
                <h2 id="map-title">"Revenue by country"</h2>
                <StepsLegend/>
            </header>
            <MapView id="map" title="Revenue by country" table=Signal::derive(move || table.get()) columns=SAID/>
            <p class="footnote quiet">"Orders without a known country, and islands too small to draw, are in the table."</p>
        </section>
    }
}

/// The formats of files, by the end of their name.
const FORMATS: &[(&str, &str)] = &[("CSV", "csv"), ("Excel", "xlsx"), ("JSON", "json")];

/// What a chart or a table shows, as files.
#[component]
pub fn Downloads(
    controls: RwSignal<Controls>,
    /// `tables` or `charts`, as in the address.
    kind: &'static str,
    /// Its name in the answer.
    name: &'static str,
) -> impl IntoView {
    let link = |(title, ending): &'static (&'static str, &'static str)| {
        let address = text(move || controls.with(|c| file_address(kind, name, ending, &c.query)));
        view! { <li><a href=address download on:click=|_| browser::close_menus()>{*title}</a></li> }
    };
    view! {
        <details class="menu is-small" name="menu">
            <summary>"Download"<span class="sr-only">{format!(" {name}")}</span></summary>
            <ul class="menu-list">{FORMATS.iter().map(link).collect_view()}</ul>
        </details>
    }
}

/// The address of a file of what a question's answer shows.
fn file_address(kind: &str, name: &str, ending: &str, query: &str) -> String {
    let before_query = if query.is_empty() { "" } else { "?" };
    format!("/api/v1/{kind}/{name}.{ending}{before_query}{query}")
}

/// The element of the countries' menu, for the key that opens it.
pub const COUNTRY_MENU: &str = "country-menu";

/// The countries of the range; what is typed leaves those whose name has it.
#[component]
pub fn CountryMenu(controls: RwSignal<Controls>) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let found = move || controls.with(|c| matching(&c.countries.choices, &typed.get()));
    let chosen = text(move || {
        controls.with(|c| {
            let chosen = c.countries.choices.iter().filter(|choice| choice.is_chosen);
            chosen.map(|choice| choice.title.as_str()).collect::<Vec<_>>().join(", ")
        })
    });
    let leave = move || {
        typed.set(String::new());
        browser::close_menus();
    };
    let key = move |event: leptos::ev::KeyboardEvent| {
        match event.key().as_str() {
            "Escape" => {}
            "Enter" => match untrack(found).first().map(|choice| choice.address.clone()) {
                Some(first) => browser::go(&first),
                None => return,
            },
            _ => return,
        }
        // Else the key would open the menu again, which has the focus then.
        event.prevent_default();
        leave();
    };
    let choices = move || {
        let choice = |choice: Choice| {
            let current = choice.is_chosen.then_some("true");
            view! { <li><a href=choice.address aria-current=current on:click=move |_| leave()>{choice.title}</a></li> }
        };
        found().into_iter().map(choice).collect_view()
    };
    view! {
        <details class="menu" name="menu" id=COUNTRY_MENU>
            <summary>
                <span class="quiet">"Country"</span>
                <span class="menu-chosen">{chosen}</span>
            </summary>
            <div class="menu-list">
                <input
                    type="search"
                    aria-label="Find a country"
                    placeholder="Find a country"
                    autocomplete="off"
                    prop:value=text(move || typed.get())
                    on:input=move |event| typed.set(event_target_value(&event))
                    on:keydown=key
                />
                <ul class="choices">{choices}</ul>
                <p class="empty" class:is-gone=flag(move || !found().is_empty())>"No order of this range is from there."</p>
            </div>
        </details>
    }
}

/// The choices whose name has what was typed.
fn matching(choices: &[Choice], typed: &str) -> Vec<Choice> {
    let typed = browser::lower_case(typed.trim());
    choices.iter().filter(|choice| browser::lower_case(&choice.title).contains(&typed)).cloned().collect()
}

/// What is to be said of the filter; nothing mostly.
#[component]
pub fn FilterNote(controls: RwSignal<Controls>) -> impl IntoView {
    let note = move || controls.with(|c| c.note.clone());
    view! {
        <p class="filter-note quiet" role="status" class:is-gone=flag(move || note().is_empty())>{text(note)}</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_the_question_that_is_shown() {
        assert_eq!(file_address("tables", "countries", "csv", ""), "/api/v1/tables/countries.csv");
        assert_eq!(
            file_address("charts", "weekdays", "xlsx", "range=7d&country=GB"),
            "/api/v1/charts/weekdays.xlsx?range=7d&country=GB"
        );
    }

    #[test]
    fn what_is_typed_is_found_anywhere_in_a_name() {
        let choices =
            ["All", "Germany", "United Kingdom"].map(|title| Choice { title: title.into(), ..Choice::default() });
        let found = |typed| matching(&choices, typed).into_iter().map(|choice| choice.title).collect::<Vec<_>>();
        assert_eq!(found(" KING"), ["United Kingdom"]);
        assert_eq!(found("").len(), 3);
        assert!(found("x").is_empty());
    }
}
