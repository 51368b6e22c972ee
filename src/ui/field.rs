//! What stands below a field of a plain form: what is wrong with it, and what it means.

use leptos::prelude::*;

/// The elements that describe a field, for `aria-describedby`.
pub fn described_by(field: &str) -> String {
    format!("{field}-problem {field}-hint")
}

/// What is wrong with a field; empty where nothing is.
#[component]
pub fn Problem(field: &'static str, sentence: String) -> impl IntoView {
    view! { <p class="problem" id=format!("{field}-problem")>{sentence}</p> }
}

/// What a field means.
#[component]
pub fn Hint(field: &'static str, text: &'static str) -> impl IntoView {
    view! { <p class="quiet hint" id=format!("{field}-hint")>{text}</p> }
}
