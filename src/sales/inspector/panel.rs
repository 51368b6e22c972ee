//! The panel beside the page that shows what is behind a figure, and the address that opens it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::sales::inspector::api::inspect_figure;
use crate::sales::inspector::{address, figure_of, question_of};
use crate::ui::explain::Explains;
use crate::ui::{browser, flag, text};

/// What stands in the panel until the answer comes.
const LOOKING: &str = "<p class=\"quiet\" aria-busy=\"true\">Looking…</p>";

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
    first: String,
) -> impl IntoView {
    let came_with_page = !first.is_empty();
    let html = RwSignal::new(first);
    let problem = RwSignal::new(String::new());
    Effect::new(move |before: Option<String>| {
        let asked = query.get();
        let figure = figure_of(&asked).to_owned();
        let opened = before.as_ref() != Some(&figure);
        match before {
            None if came_with_page => {}
            Some(before) if figure.is_empty() => {
                html.set(String::new());
                if !before.is_empty() {
                    browser::focus(&format!("a[href$=\"figure={before}\"]"));
                }
            }
            _ if figure.is_empty() => {}
            _ => {
                if opened {
                    html.set(LOOKING.to_owned());
                    browser::focus("#inspector");
                }
                problem.set(String::new());
                spawn_local(async move {
                    let answer = inspect_figure(asked.clone()).await;
                    if query.get_untracked() != asked {
                        return;
                    }
                    match answer {
                        Ok(panel) => html.set(panel),
                        Err(error) => {
                            html.set(String::new());
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
            // The server's own HTML, in which every text is escaped.
            <div class="inspector-body" inner_html=move || html.get()></div>
        </aside>
    }
}
