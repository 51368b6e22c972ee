//! A field of a plain form: its label, its control, what is wrong with it, and what it means.

use leptos::prelude::*;

/// The elements that describe a field, for `aria-describedby`.
pub fn described_by(field: &str) -> String {
    format!("{field}-problem {field}-hint")
}

/// A field whose control, of the same name, is the only child; `problem` is empty where nothing is wrong.
#[component]
pub fn Field(
    name: &'static str,
    label: &'static str,
    problem: String,
    hint: &'static str,
    #[prop(optional)] is_whole: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field" class:is-whole=is_whole>
            <label for=name>{label}</label>
            {children()}
            <Problem field=name sentence=problem/>
            <Hint field=name text=hint/>
        </div>
    }
}

/// `aria-invalid` of a control.
pub fn invalid(problem: &str) -> Option<&'static str> {
    (!problem.is_empty()).then_some("true")
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
