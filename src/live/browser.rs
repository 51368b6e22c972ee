//! The browser's feed: connects, resumes where it left off, comes back with capped back-off and jitter, and where sockets are
//! blocked asks by HTTP instead. On the server `nowhere.rs` stands in.

use std::cell::Cell;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use gloo_net::http::Request;
use gloo_net::websocket::Message as Frame;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::{IntervalStream, TimeoutFuture};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use crate::live::model::{Kind, Message, PROTOCOL, STALE_AFTER_MS};
use crate::live::view::{Feed, Status};
use crate::sales::api::load_dashboard;
use crate::sales::model::{Changes, Happening, OrderEvent};

/// The first pause before coming back; it doubles up to the longest.
const PAUSE_FIRST_MS: u32 = 250;
/// The longest pause.
const PAUSE_MAX_MS: u32 = 8_000;
/// Lost connections in a row after which news is asked for by HTTP.
const ASK_AFTER_FAILURES: u32 = 3;
/// How long, before a socket is tried again.
const ASK_MS: f64 = 60_000.0;

/// How long a page is out of sight before it sleeps, in milliseconds.
const SLEEP_AFTER_MS: f64 = 30_000.0;

thread_local! {
    /// Since when the page is out of sight, in milliseconds since 1970.
    static HIDDEN_SINCE: Cell<Option<f64>> = const { Cell::new(None) };
    /// Counts the answers that came beside the stream: what a connection says follows on the one that it began with.
    static ASIDE: Cell<u32> = const { Cell::new(0) };
}

/// How the person is told of orders, in `preferences/told.js`. Until that is loaded every call fails.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = takings, js_name = heard)]
    fn told_heard(is_down: bool, amount: f64, line: &str) -> Result<bool, JsValue>;
    #[wasm_bindgen(catch, js_namespace = takings, js_name = awake)]
    fn told_awake() -> Result<bool, JsValue>;
    #[wasm_bindgen(catch, js_namespace = takings, js_name = keep)]
    fn told_keep(name: &str, value: bool) -> Result<JsValue, JsValue>;
}

/// Tells of an event as the person likes it; whether the page is to show it too.
pub fn is_shown(event: &OrderEvent) -> bool {
    let is_down = event.amount_minor < 0 || event.kind == Happening::OrderRefunded;
    told_heard(is_down, event.amount_minor as f64, &event.line()).unwrap_or(true)
}

/// Remembers whether the person wants the page live.
pub fn keep_live(on: bool) {
    // Where it cannot be remembered it holds for this page.
    let _ = told_keep("live", on);
}

/// Whether the page listens: live is on, and it is in sight or has something to tell out of it.
fn is_wanted(feed: Feed) -> bool {
    let is_in_sight = HIDDEN_SINCE.get().is_none_or(|since| js_sys::Date::now() - since < SLEEP_AFTER_MS);
    feed.on.get_untracked() && (is_in_sight || told_awake().unwrap_or(false))
}

/// Lets a page out of sight sleep, and catch up at once when it is seen again.
fn follow_sight(feed: Feed) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    let seen = document.clone();
    let changed = Closure::<dyn Fn()>::new(move || {
        let since = HIDDEN_SINCE.replace(seen.hidden().then(js_sys::Date::now));
        let has_slept = since.is_some_and(|since| js_sys::Date::now() - since > SLEEP_AFTER_MS);
        if has_slept && feed.on.get_untracked() {
            // It connects within a quarter of a second; until it has caught up, what it shows is of before.
            feed.status.set(Status::Reconnecting);
        }
    });
    let _ = document.add_event_listener_with_callback("visibilitychange", changed.as_ref().unchecked_ref());
    // It lives as long as the page.
    changed.forget();
}

/// Keeps the feed connected as long as the page lives.
pub fn start(feed: Feed) {
    spawn_local(watch_for_silence(feed));
    follow_sight(feed);
    spawn_local(async move {
        let mut failures = 0u32;
        loop {
            while !is_wanted(feed) {
                TimeoutFuture::new(PAUSE_FIRST_MS).await;
            }
            let asked = of_feed(feed);
            let heard = listen(feed).await;
            failures = if heard { 0 } else { failures + 1 };
            if heard && of_feed(feed) != asked {
                continue;
            }
            if feed.on.get_untracked() {
                feed.status.set(Status::Reconnecting);
            }
            if failures >= ASK_AFTER_FAILURES {
                ask(feed).await;
            }
            let pause = PAUSE_FIRST_MS.saturating_mul(1 << failures.min(5)).min(PAUSE_MAX_MS);
            // Half fixed, half random: watchers do not come back all at once.
            TimeoutFuture::new(pause / 2 + (js_sys::Math::random() * f64::from(pause / 2)) as u32).await;
        }
    });
}

/// Asks for fresh figures now. An answer to a question that is no longer asked is dropped.
pub fn refresh(feed: Feed) {
    spawn_local(async move {
        let query = feed.query.get_untracked();
        let answer = load_dashboard(query.clone(), true).await;
        if feed.query.get_untracked() != query {
            return;
        }
        match answer {
            Ok(fresh) => {
                ASIDE.set(ASIDE.get() + 1);
                feed.shown.set(fresh.snapshot);
                feed.controls.set(fresh.controls);
                feed.problem.set(None);
                feed.heard_at_ms.set(js_sys::Date::now());
            }
            Err(ServerFnError::ServerError(sentence)) => feed.problem.set(Some(sentence)),
            Err(_) => {}
        }
    });
}

/// Listens until the connection ends; whether anything was heard.
async fn listen(feed: Feed) -> bool {
    let Some(address) = address(feed, "ws", "ws") else { return false };
    let Ok(mut socket) = WebSocket::open_with_protocol(&address, PROTOCOL) else { return false };
    let asked = of_feed(feed);
    let mut heard = false;
    loop {
        // The switch and the question are looked at every quarter of a second.
        let next = select(socket.next(), TimeoutFuture::new(250)).await;
        if of_feed(feed) != asked {
            return true;
        }
        match next {
            Either::Left((Some(Ok(Frame::Text(text))), _)) => {
                heard = true;
                if let Ok(message) = serde_json::from_str(&text) {
                    take(feed, message);
                }
            }
            Either::Left((Some(Ok(_)), _)) => {}
            Either::Left(_) => return heard,
            Either::Right(_) => {
                let silent = js_sys::Date::now() - feed.heard_at_ms.get_untracked() > (2 * STALE_AFTER_MS) as f64;
                if !is_wanted(feed) || heard && silent {
                    return heard;
                }
            }
        }
    }
}

/// Asks for news by HTTP, one answer after the other, until it is time to try a socket again or there is no answer.
async fn ask(feed: Feed) {
    let until = js_sys::Date::now() + ASK_MS;
    while is_wanted(feed) && js_sys::Date::now() < until {
        if ask_once(feed).await.is_none() || feed.status.get_untracked() == Status::Stale {
            return;
        }
    }
}

/// Asks for news by HTTP and takes it in; `None` where there is no answer.
async fn ask_once(feed: Feed) -> Option<()> {
    let address = address(feed, "http", "live")?;
    let asked = of_feed(feed);
    let text = Request::get(&address).send().await.ok()?.text().await.ok()?;
    if of_feed(feed) == asked {
        take(feed, serde_json::from_str(&text).ok()?);
    }
    Some(())
}

/// What an answer belongs to: the question, and the figures that it follows on.
fn of_feed(feed: Feed) -> (String, u32) {
    (feed.query.get_untracked(), ASIDE.get())
}

/// Where news comes from, with what is known already; `scheme` is that of an open connection, to which TLS adds an `s`.
fn address(feed: Feed, scheme: &str, path: &str) -> Option<String> {
    let location = web_sys::window()?.location();
    let tls = if location.protocol().ok()? == "https:" { "s" } else { "" };
    let (event, version) = feed.shown.with_untracked(|s| (feed.last_event.get_untracked(), s.overview.version));
    let query = feed.query.get_untracked();
    let query = query.trim_start_matches('?');
    Some(format!("{scheme}{tls}://{}/{path}?last_event={event}&version={version}&{query}", location.host().ok()?))
}

fn take(feed: Feed, message: Message) {
    // A frame that was on its way when live was switched off.
    if !feed.on.get_untracked() {
        return;
    }
    feed.heard_at_ms.set(js_sys::Date::now());
    if message.kind == Kind::Stale {
        feed.status.set(Status::Stale);
        return;
    }
    let known = feed.last_event.get_untracked();
    let fresh: Vec<_> = message.events.into_iter().filter(|event| event.sequence > known).collect();
    let newest = message.snapshot.as_ref().map(|snapshot| snapshot.overview.last_event);
    let newest = newest.into_iter().chain(fresh.last().map(|event| event.sequence)).max().unwrap_or(known);
    feed.last_event.set(newest.max(known));
    if message.snapshot.is_some() || message.overview.is_some() || !fresh.is_empty() {
        feed.shown.update(|shown| {
            if let Some(snapshot) = message.snapshot {
                *shown = *snapshot;
            }
            if let Some(overview) = message.overview {
                shown.apply(Changes { overview: *overview, points: message.points, rows: message.rows });
            }
            shown.add_events(&fresh);
        });
    }
    feed.announce(&fresh);
    feed.status.set(Status::Live);
}

/// Calls the data stale when nothing was heard for a while, whatever the socket believes.
async fn watch_for_silence(feed: Feed) {
    let mut seconds = IntervalStream::new(1_000);
    while seconds.next().await.is_some() {
        let silent = js_sys::Date::now() - feed.heard_at_ms.get_untracked() > STALE_AFTER_MS as f64;
        if silent && is_wanted(feed) && feed.status.get_untracked() != Status::Stale {
            feed.status.set(Status::Stale);
        }
    }
}
