//! The dock of voice. The server writes its words and fields, and `dock/` brings it to life: the browser's half of the program does
//! not know it.

use leptos::prelude::*;

use crate::goals::model::NOTE_CHARS_MAX;

/// The dock: a button at the lower right, and above it, once it is pressed, the rooms.
#[component]
pub fn VoiceDock() -> impl IntoView {
    view! {
        <aside id="voice" class="voice" aria-label="Voice" hidden=true>
            <div id="voice-panel" class="voice-panel card" data-part="panel" hidden=true></div>
            <div class="voice-bar">
                <button type="button" class="button is-primary" data-do="sound" hidden=true>"Enable sound"</button>
                <button type="button" class="button" data-do="mute" aria-pressed="false" hidden=true title="Key M">"Mute"</button>
                <button type="button" class="button voice-toggle" data-do="toggle" aria-expanded="false" aria-controls="voice-panel" aria-keyshortcuts="V" title="Key V">
                    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3"/></svg>
                    <span data-part="word">"Voice"</span>
                    <span class="voice-count" data-part="count"></span>
                </button>
            </div>
            <p class="sr-only" aria-live="polite" data-part="announced"></p>
            <div data-part="players" hidden=true></div>
        </aside>
        <template id="voice-parts"><Parts/></template>
        <noscript><p class="voice-none quiet">"The voice rooms need JavaScript."</p></noscript>
    }
}

/// What the open dock holds. It comes into the page with the script.
#[component]
fn Parts() -> impl IntoView {
    view! {
        <header class="voice-head">
            <h2 tabindex="-1" data-part="title">"Voice"</h2>
            <button type="button" class="icon-button" data-do="close" aria-label="Close voice">"×"</button>
        </header>
        <p class="voice-status" aria-live="polite" data-part="status"></p>
        <p class="notice is-warning" data-part="notice" hidden=true><span></span></p>
        <button type="button" class="button is-primary" data-do="sound" hidden=true>"Enable sound"</button>
        <Call/>
        <div data-part="others">
            <h3 data-part="rooms-title">"Rooms"</h3>
            <button type="button" class="button" data-do="again" hidden=true>"Try now"</button>
            <p class="quiet" data-part="empty" hidden=true>"There is no room yet. An administrator can open one."</p>
            <ul class="voice-list" data-part="rooms"></ul>
            <p data-part="calls" hidden=true><a href="/calls">"Rooms and how the calls do"</a></p>
        </div>
        <Devices/>
        <p class="voice-promise quiet">"What is said is encrypted on its way. The server could hear it; nothing is recorded."</p>
    }
}

/// The room that one is in.
#[component]
fn Call() -> impl IntoView {
    view! {
        <div class="voice-call" data-part="call" hidden=true>
            <h3 data-part="room"></h3>
            <div class="notice is-warning" data-part="microphone" hidden=true>
                <span></span>
                <button type="button" class="button" data-do="microphone">"Try again"</button>
            </div>
            <ul class="voice-list" data-part="people"></ul>
            <div class="voice-row">
                <button type="button" class="button" data-do="mute" aria-pressed="false" aria-keyshortcuts="M" title="Key M">"Mute"</button>
                <button type="button" class="button" data-do="deafen" aria-pressed="false">"Deafen"</button>
                <button type="button" class="button is-primary" data-do="leave">"Leave"</button>
            </div>
            <button type="button" class="button voice-hold" data-do="talk" aria-pressed="false" hidden=true>"Hold to talk"</button>
            <div class="voice-row">
                <button type="button" class="button" data-do="present" aria-pressed="false">"Present my view"</button>
                <button type="button" class="button" data-do="follow" aria-pressed="false" hidden=true>"Follow"</button>
                <button type="button" class="button" data-do="point" aria-pressed="false">"Point"</button>
                <button type="button" class="button" data-do="note" aria-expanded="false">"Leave an annotation"</button>
            </div>
            <form class="voice-fields" data-part="note" hidden=true>
                <label>"Day of the annotation"<input type="date" name="day" required=true/></label>
                <label>"Words of the annotation"<input name="words" required=true autocomplete="off" maxlength=NOTE_CHARS_MAX.to_string()/></label>
                <p class="quiet" aria-live="polite" data-part="note-said"></p>
                <div class="voice-row">
                    <button type="submit" class="button is-primary">"Keep it"</button>
                    <button type="reset" class="button">"Close"</button>
                </div>
            </form>
        </div>
    }
}

/// Microphone and sound.
#[component]
fn Devices() -> impl IntoView {
    let switch = |name: &'static str, words: &'static str| {
        view! { <label class="voice-switch"><input type="checkbox" name=name/>{words}</label> }
    };
    view! {
        <details class="voice-devices">
            <summary>"Microphone and sound"</summary>
            <form class="voice-fields" data-part="devices">
                <label>"Microphone"<select name="microphone"></select></label>
                <label>"Speaker"<select name="speaker"></select></label>
                <label>"Level of the microphone"<meter min="0" max="100" value="0"></meter></label>
                <div class="voice-row">
                    <button type="button" class="button" name="test">"Test the microphone"</button>
                    <span class="quiet" aria-live="polite" data-part="test-said"></span>
                </div>
                {switch("echo", "Take echoes away")}
                {switch("noise", "Take noise away")}
                {switch("gain", "Even out the loudness")}
                {switch("push", "Push to talk")}
                <p class="voice-row">
                    <span id="voice-key-words">"Key to talk"</span>
                    <button type="button" class="button" data-do="key" id="voice-key" aria-labelledby="voice-key-words voice-key">"Space"</button>
                </p>
                {switch("sounds", "Sounds when somebody comes or goes")}
                {switch("relay", "Use the relay only, from the next call on: shows whether a network lets it through")}
            </form>
        </details>
    }
}
