//! The dialog of the dashboard's keys. It never changes, so the server writes it and the browser's half does not know it.

use leptos::prelude::*;

use crate::pages::dashboard::KEYS;

/// All keys, in a dialog that the browser keeps the focus in and gives it back from.
#[component]
pub fn KeyHelp() -> impl IntoView {
    view! {
        <dialog id=KEYS class="key-help card" aria-labelledby="keys-title">
            <h2 id="keys-title">"Keys"</h2>
            <dl>
                <dt>"L"</dt>
                <dd>"live updates on or off"</dd>
                <dt>"T"</dt>
                <dd>"dark or light"</dd>
                <dt>"D W M Q Y"</dt>
                <dd>"today, this week, month, quarter, year"</dd>
                <dt>"/"</dt>
                <dd>"find a country"</dd>
                <dt>"X"</dt>
                <dd>"all orders again: no filter"</dd>
                <dt>"V"</dt>
                <dd>"voice: opens and closes the rooms"</dd>
                <dt>"M"</dt>
                <dd>"in a call: microphone off or on"</dd>
                <dt>"Space"</dt>
                <dd>"in a call with push to talk: held, you are heard; another key can be chosen"</dd>
                <dt>"← →"</dt>
                <dd>"in a chart and on the map: from point to point; Enter opens it"</dd>
                <dt>"↑ ↓"</dt>
                <dd>"among the hours of the week: from day to day"</dd>
                <dt>"Esc"</dt>
                <dd>"closes what is open, and takes the news in the corner away"</dd>
                <dt>"?"</dt>
                <dd>"this list"</dd>
            </dl>
            <form method="dialog">
                <button class="button" type="submit">"Close"</button>
            </form>
        </dialog>
    }
}
