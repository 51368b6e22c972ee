//! Dark and light: the system's choice until someone chooses.

use leptos::prelude::*;

use crate::ui::browser;

/// Switches between dark and light.
pub fn toggle_theme() {
    browser::set_theme(if browser::current_is_dark() { "light" } else { "dark" });
}

/// The button that switches between dark and light.
#[component]
pub fn ThemeButton() -> impl IntoView {
    view! {
        <button
            class="icon-button"
            type="button"
            aria-label="Switch between dark and light"
            title="Dark or light (T)"
            on:click=move |_| toggle_theme()
        >
            <svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8"></circle><path class="fill" d="M12 4a8 8 0 0 1 0 16z"></path></svg>
        </button>
    }
}
