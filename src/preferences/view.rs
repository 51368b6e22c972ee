//! The dialog of how the page tells of orders. The server writes it and `told.js` brings it to life: the browser's half of the
//! program does not know it.

use leptos::prelude::*;

/// The dialog; closed until its button is pressed.
#[component]
pub fn ToldDialog() -> impl IntoView {
    view! {
        <dialog id="told" class="key-help card" aria-labelledby="told-title">
            <h2 id="told-title">"Sounds and notifications"</h2>
            <form method="dialog" class="choices">
                <label><input type="checkbox" name="toasts"/>"Tell of orders in the corner of the page"</label>
                <label for="told-sound">"Sound for an order"</label>
                <div class="choice-row">
                    <input id="told-sound" type="range" name="sound" min="0" max="100" step="5" value="0"/>
                    <output for="told-sound">"off"</output>
                    <button type="button" class="quiet-button" data-try>"Try it"</button>
                </div>
                <label><input type="checkbox" name="notify"/>"Notifications of the browser while this page is out of sight"</label>
                <fieldset>
                    <legend>"Pass over"</legend>
                    <label><input type="checkbox" name="mute_free"/>"free orders"</label>
                    <label><input type="checkbox" name="mute_refunds"/>"refunds"</label>
                </fieldset>
                <p class="quiet" role="status"></p>
                <button class="button" type="submit">"Close"</button>
            </form>
        </dialog>
    }
}
