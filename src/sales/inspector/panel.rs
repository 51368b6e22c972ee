//! The panel beside the page that shows what is behind a figure, and the address that opens it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::sales::inspector::api::inspect_figure;
use crate::sales::inspector::model::{Fact, Panel, PanelRow};
use crate::sales::inspector::{address, figure_of, question_of};
use crate::ui::explain::Explains;
use crate::ui::{browser, flag, text};

/// Makes the figures of the page lead to their panel.
pub fn lead_to_panel(question: Memo<String>) {
    provide_context(Explains(Arc::new(move |figure| question.with(|question| address(question, figure)))));
}

/// The address of the page without its panel.
pub fn close(query: RwSignal<String>) {
    if query.with_untracked(|query| !figure_of(query).is_empty()) {
        let question = query.with_untracked(|query| question_of(query));
        browser::go(&if question.is_empty() { "/".to_owned() } else { format!("/?{question}") });
    }
}

/// The panel: whatever figure the address names.
#[component]
pub fn InspectorPanel(
    /// The address's query.
    query: RwSignal<String>,
    /// What the server put into it for the first address.
    first: Option<Panel>,
) -> impl IntoView {
    let came_with_page = first.is_some();
    let panel = RwSignal::new(first);
    let problem = RwSignal::new(String::new());
    Effect::new(move |before: Option<String>| {
        let asked = query.get();
        let figure = figure_of(&asked).to_owned();
        let opened = before.as_ref() != Some(&figure);
        match before {
            None if came_with_page => {}
            Some(before) if figure.is_empty() => {
                panel.set(None);
                if !before.is_empty() {
                    browser::focus(&format!("a[href$=\"figure={before}\"]"));
                }
            }
            _ if figure.is_empty() => {}
            _ => {
                if opened {
                    panel.set(None);
                    browser::focus("#inspector");
                }
                problem.set(String::new());
                spawn_local(async move {
                    let answer = inspect_figure(asked.clone()).await;
                    if query.get_untracked() != asked {
                        return;
                    }
                    match answer {
                        Ok(answer) => panel.set(Some(answer)),
                        Err(error) => {
                            panel.set(None);
                            problem.set(match error {
                                ServerFnError::ServerError(sentence) => sentence,
                                _ => "The server could not be reached. Try again.".to_owned(),
                            });
                        }
                    }
                });
            }
        }
        figure
    });
    let is_closed = flag(move || query.with(|query| figure_of(query).is_empty()));
    view! {
        <aside id="inspector" class="inspector card" class:is-gone=is_closed tabindex="-1" aria-label="What is behind the figure">
            <p class="problem" role="alert">{text(move || problem.get())}</p>
            {move || panel.get().map(panel_view)}
        </aside>
    }
}

fn panel_view(panel: Panel) -> AnyView {
    let parts = panel.parts.into_iter().map(|(name, amount)| {
        view! { <tr><th scope="row">{name}</th><td>{amount}</td></tr> }
    });
    let facts = panel.facts.into_iter().map(fact_view).collect_view();
    let rates = panel.rates.into_iter().map(|(said, of)| view! { <li>{said}<span class="quiet">{of}</span></li> });
    let rates = rates.collect_view();
    let files = panel.files.into_iter().map(|(title, address)| {
        view! { <a href=address download="">{title}</a> }
    });
    let rows = panel.rows.into_iter().map(row_view).collect_view();
    let sort = |of: bool, falls: bool| match (of, falls) {
        (false, _) => "none",
        (true, true) => "descending",
        (true, false) => "ascending",
    };
    let by_time = sort(panel.by == "time", true);
    let by_amount = sort(panel.by != "time", panel.by == "amount");
    view! {
        <div class="inspector-body">
            <header class="inspector-head">
                <h2>{panel.title}</h2>
                <a class="icon-button" href=panel.close aria-label="Close">"×"</a>
            </header>
            <p class="value-l" data-inspected="">{panel.amount}</p>
            <p class="quiet">{panel.definition}</p>
            <table class="parts"><tbody>{parts.collect_view()}</tbody></table>
            <dl class="facts">{facts}</dl>
            <ul class="rates">{rates}</ul>
            <header class="section-head">
                <h3>"Rows"</h3>
                <p class="files">"All rows: "{files.collect_view()}</p>
            </header>
            <p class="quiet">{panel.notice}</p>
            <div class="table-scroll is-open" tabindex="0" role="group" aria-label="Rows, to scroll">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col" class="is-text" aria-sort=by_time><a class="sort" href=panel.by_time>"Counted at"</a></th>
                            <th scope="col" class="is-text">"Order"</th>
                            <th scope="col" class="is-text">"What"</th>
                            <th scope="col">"Amount"</th>
                            <th scope="col">"Rate"</th>
                            <th scope="col" aria-sort=by_amount><a class="sort" href=panel.by_amount>"Counted"</a></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {(!panel.next.is_empty()).then(|| view! { <a class="button" href=panel.next>"Next rows"</a> })}
            <p class="quiet">"As of "{panel.as_of}". "<a href=panel.fresh>"Look again"</a></p>
        </div>
    }
    .into_any()
}

fn fact_view(fact: Fact) -> AnyView {
    let (title, address) = fact.link;
    let link = (!address.is_empty()).then(|| view! { <a href=address>{title}</a> });
    view! {
        <dt>{fact.name}</dt>
        <dd>{link}{fact.text}</dd>
    }
    .into_any()
}

fn row_view(row: PanelRow) -> AnyView {
    let (number, address) = row.order;
    view! {
        <tr data-counted=row.minor.to_string()>
            <td class="is-text">{row.at}</td>
            <th scope="row"><a href=address title="Its whole ledger and raw deliveries">{number}</a></th>
            <td class="is-text">{row.what}<br/><span class="quiet">{row.place}</span></td>
            <td>{row.amount}</td>
            <td>{row.rate}</td>
            <td>{row.counted}</td>
        </tr>
    }
    .into_any()
}
