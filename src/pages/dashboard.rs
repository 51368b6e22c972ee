//! The dashboard, `/`.

use leptos::prelude::*;

use crate::access::view::SignOutButton;
use crate::live::presence::view::PeopleHere;
use crate::live::view::{Feed, LiveBadge, Status, Toasts};
use crate::sales::api::{Dashboard, load_dashboard};
use crate::sales::charts::view::{COUNTRY_MENU, FilterNote, MapCard, WeekdaysCard};
use crate::sales::inspector::panel::{self, InspectorPanel, lead_to_panel};
use crate::sales::inspector::question_of;
use crate::sales::view::{Cards, ChartCard, FlaggedNotice, Hero, QuestionBar, TableCard, Ticker};
use crate::ui::theme::{ThemeButton, toggle_theme};
use crate::ui::{browser, flag, text};

/// The page: complete in the server's answer, live from then on.
#[component]
pub fn DashboardPage() -> impl IntoView {
    let query = browser::query();
    let loaded = Resource::new_blocking(|| (), move |()| load_dashboard(query.get_untracked(), false));
    view! {
        <Suspense fallback=Skeleton>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(loaded) => view! { <Loaded loaded query/> }.into_any(),
                    Err(error) => view! { <Failed error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Loaded(loaded: Dashboard, query: RwSignal<String>) -> impl IntoView {
    let shown = RwSignal::new(loaded.snapshot);
    let question = Memo::new(move |_| query.with(|query| question_of(query)));
    let feed = Feed::new(shown, loaded.controls, question.get_untracked(), loaded.live);
    lead_to_panel(question);
    // Another address is another question: back, forward and every link of the menus.
    Effect::new(move |_| feed.ask(question.get()));
    Effect::new(move |started: Option<()>| {
        if started.is_none() {
            browser::on_key(move |key| press(&key, feed, query));
        }
    });
    let controls = feed.controls;
    let stale = flag(move || matches!(feed.status.get(), Status::Stale | Status::Reconnecting));
    view! {
        <a class="skip" href="#figures">"Skip to the figures"</a>
        <header class="bar">
            <p class="brand">"Takings"</p>
            <LiveBadge feed/>
            <PeopleHere/>
            <div class="bar-end">
                <ThemeButton/>
                <span class="person quiet">{loaded.name}</span>
                <a class="person button is-quiet" href="/royalties">"Royalties"</a>
                <a class="person button is-quiet" href="/settings">"Settings"</a>
                <SignOutButton/>
            </div>
        </header>
        <main id="figures" class="page" class:is-stale=stale>
            <QuestionBar controls/>
            <Problem feed/>
            <FilterNote controls/>
            <FlaggedNotice shown/>
            <div class="first">
                <Hero shown/>
                <Ticker shown/>
            </div>
            <Cards shown/>
            <div class="blocks">
                <ChartCard shown controls name="revenue" with_range=true/>
                <TableCard shown controls name="notes" is_wide=true/>
                <ChartCard shown controls name="hours"/>
                <ChartCard shown controls name="orders"/>
                <WeekdaysCard shown controls/>
                <TableCard shown controls name="with_royalties" is_wide=true/>
                <TableCard shown controls name="outlook" is_wide=true/>
                <TableCard shown controls name="goals" is_wide=true/>
                <TableCard shown controls name="periods" is_wide=true/>
                <MapCard shown/>
                <TableCard shown controls name="countries"/>
                <TableCard shown controls name="platforms" is_wide=true/>
                <TableCard shown controls name="average_orders" is_wide=true/>
                <TableCard shown controls name="averages" is_wide=true/>
            </div>
            <p class="footnote quiet">
                "Revenue is the total: what order totals say, less refunds and cancellations on their own dates, in "
                <span>{text(move || shown.with(|s| s.currency.to_string()))}</span>
                " at the recorded rate. Press ? for the keys. "
                <a href="/royalties">"Royalties"</a>
                " · "
                <a href="/imports">"Imports"</a>
                " · "
                <a href="/visitors">"Visitors"</a>
                " · "
                <a href="/goals">"Goals and notes"</a>
                " · "
                <a href="/settings">"Settings"</a>
                " · "
                <a href="/api">"The API"</a>
            </p>
        </main>
        <InspectorPanel query first=loaded.panel/>
        <Toasts feed/>
    }
}

/// Does what a key stands for; whether it stands for anything.
fn press(key: &str, feed: Feed, query: RwSignal<String>) -> bool {
    match key {
        "l" => feed.toggle(),
        "t" => toggle_theme(),
        "?" => browser::open_dialog(KEYS),
        "/" => browser::open_menu(COUNTRY_MENU),
        "Escape" => {
            browser::close_menus();
            feed.dismiss_all();
            panel::close(query);
        }
        "d" => browser::go("/?range=today"),
        "w" => browser::go("/?range=week"),
        "m" => browser::go("/?range=month"),
        "q" => browser::go("/?range=quarter"),
        "y" => browser::go("/?range=year"),
        "x" | "X" => browser::go(&feed.controls.with_untracked(|controls| controls.cleared.clone())),
        _ => return false,
    }
    // What Escape does besides, closing a dialog, goes on.
    key != "Escape"
}

/// The name of the dialog of keys on the page, which the server writes (`keys.rs`).
pub const KEYS: &str = "keys";

/// Why a question could not be answered; nothing while all is well.
#[component]
fn Problem(feed: Feed) -> impl IntoView {
    view! {
        <Show when=move || feed.problem.with(Option::is_some) fallback=|| ()>
            <p class="notice is-warning" role="alert">{text(move || feed.problem.get().unwrap_or_default())}</p>
        </Show>
    }
}

/// What stands in the page's place until the figures come, in their size.
#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <main class="page" aria-busy="true" aria-label="Loading">
            <div class="first">
                <div class="card hero skeleton"></div>
                <div class="card ticker skeleton"></div>
            </div>
        </main>
    }
}

#[component]
fn Failed(error: ServerFnError) -> impl IntoView {
    let sentence = match error {
        ServerFnError::ServerError(sentence) => sentence,
        _ => "The server could not be reached.".into(),
    };
    view! {
        <main class="narrow card">
            <h1>"The figures could not be loaded"</h1>
            <p>{sentence}</p>
            <p>"Nothing is lost: orders that arrive meanwhile are delivered again."</p>
            <p><a class="button" href="/">"Try again"</a></p>
        </main>
    }
}
