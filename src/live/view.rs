//! Components of the live stream: the badge with its switch, and the toasts.

use leptos::prelude::*;

use crate::live::browser;
use crate::sales::model::{Controls, Happening, OrderEvent};
use crate::sales::view::Shown;
use crate::ui::{self, text};

/// Whether the page can be believed to be of this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not connected yet.
    Connecting,
    /// What is shown is of this moment.
    Live,
    /// The connection was lost; it comes back by itself.
    Reconnecting,
    /// Nothing was heard for a while, or the server's database is away.
    Stale,
    /// Switched off.
    Off,
}

impl Status {
    fn words(self) -> &'static str {
        match self {
            Status::Connecting => "connecting",
            Status::Live => "live",
            Status::Reconnecting => "reconnecting",
            Status::Stale => "stale",
            Status::Off => "live off",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Status::Live => "badge is-live",
            Status::Stale => "badge is-stale",
            Status::Reconnecting => "badge is-reconnecting",
            Status::Connecting | Status::Off => "badge is-off",
        }
    }
}

/// A toast: one order, or many in a rush.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// Its number on this page.
    pub id: i64,
    /// What it says.
    pub text: String,
    /// Whether money went out.
    pub is_down: bool,
}

/// Milliseconds that a toast stays.
const TOAST_MS: u32 = 5_000;
/// More events at once than this become one toast.
const TOASTS_AT_ONCE: usize = 3;

/// The page's side of the live stream.
#[derive(Clone, Copy)]
pub struct Feed {
    /// What the page shows.
    pub shown: Shown,
    /// Whether it can be believed.
    pub status: RwSignal<Status>,
    /// The number of the last event that was taken in.
    pub last_event: RwSignal<i64>,
    /// When the server was last heard, milliseconds since 1970 by the browser's clock; only differences count.
    pub heard_at_ms: RwSignal<f64>,
    /// Whether live is switched on.
    pub on: RwSignal<bool>,
    /// The question, as the address's query.
    pub query: RwSignal<String>,
    /// The menus that belong to it.
    pub controls: RwSignal<Controls>,
    /// Why it could not be answered.
    pub problem: RwSignal<Option<String>>,
    toasts: RwSignal<Vec<Toast>>,
    /// Whether the pointer or the focus is among the toasts: then they stay.
    are_held: RwSignal<bool>,
}

impl Feed {
    /// A feed for what the page shows, the answer to the question of a query; `on` where the person wants it live.
    pub fn new(shown: Shown, controls: Controls, query: String, on: bool) -> Feed {
        Feed {
            shown,
            status: RwSignal::new(if on { Status::Connecting } else { Status::Off }),
            last_event: RwSignal::new(shown.with_untracked(|s| s.overview.last_event)),
            heard_at_ms: RwSignal::new(f64::MAX),
            on: RwSignal::new(on),
            query: RwSignal::new(query),
            controls: RwSignal::new(controls),
            problem: RwSignal::new(None),
            toasts: RwSignal::new(Vec::new()),
            are_held: RwSignal::new(false),
        }
    }

    /// Asks another question; what is shown stays until its answer comes.
    pub fn ask(self, query: String) {
        if self.query.get_untracked() != query {
            self.query.set(query);
            browser::refresh(self);
        }
    }

    /// Shows toasts for events that are news to the person: one each, or one for all in a rush.
    pub fn announce(self, events: &[OrderEvent]) {
        let is_news = |event: &&OrderEvent| {
            matches!(event.kind, Happening::OrderCreated | Happening::OrderRefunded) && browser::is_shown(event)
        };
        let news: Vec<&OrderEvent> = events.iter().filter(is_news).collect();
        let Some(last) = news.last() else { return };
        if news.len() > TOASTS_AT_ONCE || self.toasts.with_untracked(|t| t.len() >= TOASTS_AT_ONCE) {
            let orders = news.iter().filter(|e| e.kind == Happening::OrderCreated).count();
            self.toasts.update(Vec::clear);
            self.show(Toast {
                id: last.sequence,
                text: if orders == 1 {
                    format!("New order: {}", last.line())
                } else {
                    format!("{orders} new orders, the last: {}", last.line())
                },
                is_down: false,
            });
            return;
        }
        for event in news {
            let what = if event.kind == Happening::OrderRefunded { "Refund" } else { "New order" };
            self.show(Toast {
                id: event.sequence,
                text: format!("{what}: {}", event.line()),
                is_down: event.amount_minor < 0,
            });
        }
    }

    fn show(self, toast: Toast) {
        let id = toast.id;
        self.toasts.update(|toasts| toasts.push(toast));
        self.expire(id);
    }

    fn expire(self, id: i64) {
        ui::browser::after(TOAST_MS, move || match self.are_held.get_untracked() {
            true => self.expire(id),
            false => self.dismiss(id),
        });
    }

    fn dismiss(self, id: i64) {
        // Whoever pressed its button is not among the toasts any more, and nothing else says so.
        self.are_held.set(false);
        self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
    }

    /// Takes all toasts away.
    pub fn dismiss_all(self) {
        self.toasts.update(Vec::clear);
    }

    /// Switches live on or off, for this person from now on.
    pub fn toggle(self) {
        let on = !self.on.get_untracked();
        self.on.set(on);
        browser::keep_live(on);
        self.status.set(if on { Status::Reconnecting } else { Status::Off });
    }
}

/// The badge: live, reconnecting or stale, with the time of the data; pressing it switches live off and on.
#[component]
pub fn LiveBadge(feed: Feed) -> impl IntoView {
    Effect::new(move |started: Option<()>| {
        if started.is_none() {
            browser::start(feed);
        }
    });
    let as_of = Memo::new(move |_| feed.shown.with(|s| s.overview.as_of.clone()));
    let last = text(move || {
        let time = feed.shown.with(|s| s.recent.first().map(|event| event.local_time.clone()));
        time.map(|time| format!("last event {time}")).unwrap_or_default()
    });
    view! {
           <div class="live">
               <button
                   class=text(move || feed.status.get().class().to_owned())
                   type="button"
                   aria-pressed=text(move || feed.on.get().to_string())
                   title="Switch live updates on or off (L)"
                   on:click=move |_| feed.toggle()
               >
                   <span class="badge-dot" aria-hidden="true"></span>
                   <span class="badge-words">{text(move || feed.status.get().words().to_owned())}</span>
                   <span class="sr-only">", data of "</span>
                   <time class="badge-time">{text(move || as_of.get())}</time>
               </button>
    <span class="badge-last quiet">{last}</span>
               <button class="icon-button" type="button" aria-label="Refresh the figures" title="Refresh" on:click=move |_| browser::refresh(feed)>
                   <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5"></path></svg>
               </button>
               <button class="icon-button" type="button" data-opens="told" aria-label="Sounds and notifications" title="Sounds and notifications">
                   <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4"></path></svg>
               </button>
               <p class="sr-only" role="status">{text(move || format!("Updates: {}", feed.status.get().words()))}</p>
           </div>
       }
}

/// The toasts, at the top right; announced politely.
#[component]
pub fn Toasts(feed: Feed) -> impl IntoView {
    view! {
        <div
            class="toasts"
            role="log"
            aria-live="polite"
            aria-label="New orders"
            on:pointerenter=move |_| feed.are_held.set(true)
            on:pointerleave=move |_| feed.are_held.set(false)
            on:focusin=move |_| feed.are_held.set(true)
            on:focusout=move |_| feed.are_held.set(false)
        >
            <For each=move || feed.toasts.get() key=|toast| toast.id let:toast>
                <div class="toast" class:is-down=toast.is_down>
                    <span>{toast.text.clone()}</span>
                    <button class="icon-button" type="button" aria-label="Dismiss" on:click={
                        let id = toast.id;
                        move |_| feed.dismiss(id)
                    }>"×"</button>
                </div>
            </For>
        </div>
    }
}
