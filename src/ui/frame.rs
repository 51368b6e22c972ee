//! What stands around a page that needs no script: the bar with its links, the way past it, and the title of a page that follows.

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

/// What a page that follows says where it does not. The script of plain pages takes them from here.
const AWAY: &str = "The server cannot be reached: these figures stand still.";
const ENDED: &str = "You are signed out: these figures stand still.";
const KEPT: &str = "What you work in stands still until you leave it.";

/// The title of a page whose figures never rest. While somebody looks at it, the script of plain pages asks for it again, says below
/// the title where it does not follow, and lets it be paused; without a script it is a title.
#[component]
pub fn FollowingTitle(
    /// The title.
    #[prop(into)]
    title: String,
    /// What the page is about; empty where the title says it.
    #[prop(default = "")]
    about: &'static str,
    /// Where the page is asked for: forms that say what is wrong have addresses of their own.
    #[prop(into)]
    address: String,
    /// Seconds from one look to the next; none where nothing changes any more.
    every: Option<u32>,
    /// The page above this one, with its name.
    #[prop(optional)]
    above: Option<(&'static str, &'static str)>,
) -> impl IntoView {
    let follows = every.is_some();
    let said = |sentence: &'static str| follows.then_some(sentence);
    view! {
        <div
            class="titled"
            data-live=said("")
            data-every=every.map(|seconds| seconds.to_string())
            data-address=follows.then_some(address)
            data-away=said(AWAY)
            data-ended=said(ENDED)
            data-kept=said(KEPT)
        >
            {above.map(|(name, address)| view! { <p><a href=address>{name}</a></p> })}
            <h1>{title}</h1>
            {(!about.is_empty()).then(|| view! { <p class="quiet">{about}</p> })}
            <p class="live-said" role="status"></p>
            {follows.then(|| view! { <p hidden=true><button class="button" type="button" aria-pressed="false">"Pause"</button></p> })}
        </div>
    }
}
