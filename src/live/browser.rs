//! The browser's feed: connects, resumes where it left off, comes back with capped back-off and jitter, and where sockets are
//! blocked asks by HTTP instead. On the server `nowhere.rs` stands in.

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use gloo_net::http::Request;
use gloo_net::websocket::Message as Frame;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::{IntervalStream, TimeoutFuture};
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::live::model::{Kind, Message, PROTOCOL, STALE_AFTER_MS};
use crate::live::view::{Feed, Status};
use crate::sales::api::load_dashboard;
use crate::sales::model::Changes;

/// The first pause before coming back; it doubles up to the longest.
const PAUSE_FIRST_MS: u32 = 250;
/// The longest pause.
const PAUSE_MAX_MS: u32 = 8_000;
/// Lost connections in a row after which news is asked for by HTTP.
const ASK_AFTER_FAILURES: u32 = 3;
/// How long, before a socket is tried again.
const ASK_MS: f64 = 60_000.0;

/// Keeps the feed connected as long as the page lives.
pub fn start(feed: Feed) {
    spawn_local(watch_for_silence(feed));
    spawn_local(async move {
        let mut failures = 0u32;
        loop {
            while !feed.on.get_untracked() {
                TimeoutFuture::new(PAUSE_FIRST_MS).await;
            }
            let asked = feed.query.get_untracked();
            let heard = listen(feed).await;
            failures = if heard { 0 } else { failures + 1 };
            if heard && feed.query.get_untracked() != asked {
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
    let query = feed.query.get_untracked();
    let mut heard = false;
    loop {
        // The switch and the question are looked at every quarter of a second.
        let next = select(socket.next(), TimeoutFuture::new(250)).await;
        if feed.query.get_untracked() != query {
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
                if !feed.on.get_untracked() || heard && silent {
                    return heard;
                }
            }
        }
    }
}

/// Asks for news by HTTP, one answer after the other, until it is time to try a socket again or there is no answer.
async fn ask(feed: Feed) {
    let until = js_sys::Date::now() + ASK_MS;
    while feed.on.get_untracked() && js_sys::Date::now() < until {
        let Some(address) = address(feed, "http", "live") else { return };
        let query = feed.query.get_untracked();
        let Ok(answer) = Request::get(&address).send().await else { return };
        let Ok(text) = answer.text().await else { return };
        if feed.query.get_untracked() == query {
            let Ok(message) = serde_json::from_str(&text) else { return };
            take(feed, message);
            if feed.status.get_untracked() == Status::Stale {
                return;
            }
        }
    }
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
        if silent && feed.on.get_untracked() && feed.status.get_untracked() != Status::Stale {
            feed.status.set(Status::Stale);
        }
    }
}
