//! The people in the bar: who is on the page, by their initials. `here.js` fills it: the page's own code is what everyone waits for.

use leptos::prelude::*;

/// Who is on the page. Nobody until the browser is connected.
#[component]
pub fn PeopleHere() -> impl IntoView {
    view! { <div class="people" id="people" role="group" aria-label="Here now"></div> }
}
