//! The button that signs out: a plain form.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::access::api::SignOut;

/// The button that signs out.
#[component]
pub fn SignOutButton() -> impl IntoView {
    view! {
        <form method="post" action=SignOut::url()>
            <button class="button is-quiet" type="submit">"Sign out"</button>
        </form>
    }
}
