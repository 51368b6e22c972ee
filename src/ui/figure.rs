//! A figure that counts up when it changes and glows once; with reduced motion it just changes.

use std::sync::Arc;

use leptos::prelude::*;

use crate::ui::{browser, flag, text};

/// Writes a number for people.
pub type Format = Arc<dyn Fn(i64) -> String + Send + Sync>;

/// The figure. `None` is shown as "—" with the reason for whoever asks.
#[component]
pub fn Figure(
    /// The number.
    #[prop(into)]
    value: Signal<Option<i64>>,
    /// How it is written.
    format: Format,
    /// Why there may be none.
    #[prop(optional)]
    none_because: &'static str,
) -> impl IntoView {
    let shown = RwSignal::new(value.get_untracked());
    let changes = RwSignal::new(0u32);
    Effect::new(move |before: Option<Option<i64>>| {
        let now = value.get();
        match (before, now) {
            (Some(Some(old)), Some(new)) if old != new => {
                changes.update(|n| *n += 1);
                browser::count_up(old, new, move |step| shown.set(Some(step)));
            }
            (Some(old), new) if old != new => shown.set(new),
            _ => {}
        }
        now
    });
    // Two classes by turns: each change starts the animation anew.
    let odd = flag(move || changes.get() % 2 == 1);
    let even = flag(move || changes.get() != 0 && changes.get().is_multiple_of(2));
    let written = text(move || shown.get().map_or_else(|| "—".to_owned(), |number| format(number)));
    let reason = text(move || if shown.get().is_none() { none_because.to_owned() } else { String::new() });
    view! {
        <span
            class="figure"
            class:glow-a=odd
            class:glow-b=even
            title=reason
        >
            {written}
        </span>
    }
}
