//! What stands around a page that needs no script: the bar with its links, and the way past it.

use leptos::prelude::*;

/// The pages that the bar leads to.
const LINKS: &[(&str, &str)] = &[
    ("Dashboard", "/"),
    ("Royalties", "/royalties"),
    ("Imports", "/imports"),
    ("Visitors", "/visitors"),
    ("Calls", "/calls"),
    ("Goals and notes", "/goals"),
    ("Settings", "/settings"),
    ("The API", "/api"),
];

/// A page below the bar. The link of the page itself is marked by its title.
#[component]
pub fn Frame(
    /// What the page is called.
    #[prop(into)]
    title: String,
    children: Children,
) -> impl IntoView {
    let links = LINKS.iter().map(|(name, address)| {
        let current = (*name == title).then_some("page");
        view! { <li><a class="button is-quiet" href=*address aria-current=current>{*name}</a></li> }
    });
    view! {
        <a class="skip" href="#page">"Skip to the page"</a>
        <header class="bar">
            <p class="brand"><a href="/">"Takings"</a></p>
            <nav class="bar-end" aria-label="Pages"><ul class="pages">{links.collect_view()}</ul></nav>
        </header>
        <main id="page" class="page plain">{children()}</main>
    }
}
