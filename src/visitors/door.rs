//! What the shop's pages load and call: the script `/v.js`, the picture `/v.gif` for browsers without scripts, and `/v`, which
//! takes page views. All of it is open to anybody, so each has its bounds, and answers from memory.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, REFERER, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::time::Instant;

use crate::server::address;
use crate::server::state::AppState;
use crate::visitors::bots::is_bot;
use crate::visitors::limit;
use crate::visitors::model::{AGENT_BYTES_MAX, Hit, Unread, host, parts, path, referrer};

/// Where page views are sent. Pages of other sites do so: that is what it is for.
pub const HITS: &str = "/v";
/// A body at most, in bytes: a host, a path and a referrer of the longest kind, each byte escaped at worst.
const BODY_MAX_BYTES: usize = 8 * 1024;
/// The script. It counts a page once, then each path that a page without reloads goes to. It has no cookies and keeps nothing;
/// whatever fails in it, the page around it goes on. What it sends is of a form that browsers send without asking first, and goes
/// on when the page is left. It is sent without its indents.
static SCRIPT: LazyLock<String> =
    LazyLock::new(|| include_str!("v.js").lines().map(str::trim_start).collect::<Vec<_>>().join("\n"));
/// A picture of one transparent point.
const PICTURE: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
/// A shop's visitors load the script once a day; meanwhile it is looked for beside the page.
const SCRIPT_KEPT: &str = "public, max-age=86400, stale-while-revalidate=604800";
/// Pages that let nothing in from elsewhere without its consent may have it too.
const FOR_ALL: (HeaderName, HeaderValue) =
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));

/// The routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/v.js", get(script))
        .route("/v.gif", get(picture))
        .route(HITS, post(take))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
}

async fn script() -> Response {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, SCRIPT_KEPT)];
    ([FOR_ALL], headers, SCRIPT.as_str()).into_response()
}

/// A page view without a script: the page is the one that asks for the picture. Whatever comes of it, it gets the picture.
async fn picture(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if let Some((page_host, page_path)) = headers.get(REFERER).and_then(|page| page.to_str().ok()).and_then(parts)
        && let Ok(page_path) = path(page_path)
    {
        handed_in(&state, peer, &headers, || Ok(Sent { host: page_host, path: page_path.into(), referrer: None }));
    }
    let kept = [(CONTENT_TYPE, "image/gif"), (CACHE_CONTROL, "no-store")];
    ([FOR_ALL], kept, PICTURE).into_response()
}

/// What the script sends.
#[derive(Deserialize)]
struct Body {
    h: String,
    p: String,
    #[serde(default)]
    r: String,
}

/// A page view that can be read.
struct Sent {
    host: String,
    path: String,
    referrer: Option<String>,
}

impl Sent {
    fn read(body: &[u8]) -> Result<Sent, Unread> {
        let Body { h, p, r } = serde_json::from_slice(body).map_err(|_| Unread::Body)?;
        let host = host(&h).ok_or(Unread::Host)?;
        let referrer = referrer(&r, &host)?;
        Ok(Sent { path: path(&p)?.to_owned(), host, referrer })
    }
}

/// A page view: 202 where it will be counted, 204 where the visitor does not want to be, or is a robot.
async fn take(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else {
        return (StatusCode::PAYLOAD_TOO_LARGE, format!("a page view has at most {BODY_MAX_BYTES} bytes"))
            .into_response();
    };
    match handed_in(&state, peer, &headers, || Sent::read(&body)) {
        Outcome::Taken => StatusCode::ACCEPTED.into_response(),
        Outcome::LeftOut => StatusCode::NO_CONTENT.into_response(),
        Outcome::TooMany => {
            let wait = [(RETRY_AFTER, limit::WINDOW.as_secs().to_string())];
            (StatusCode::TOO_MANY_REQUESTS, wait, "more page views come from this address than are counted")
                .into_response()
        }
        Outcome::Full => (StatusCode::SERVICE_UNAVAILABLE, "more page views come in than can be counted at the moment")
            .into_response(),
        Outcome::Unread(error) => {
            let status = if error == Unread::Body { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
            (status, error.to_string()).into_response()
        }
    }
}

/// What has come of a page view.
enum Outcome {
    Taken,
    LeftOut,
    TooMany,
    Full,
    Unread(Unread),
}

fn handed_in(
    state: &AppState,
    peer: SocketAddr,
    headers: &HeaderMap,
    read: impl FnOnce() -> Result<Sent, Unread>,
) -> Outcome {
    let agent = agent(headers);
    if wants_no_tracking(headers) || is_bot(&agent) {
        return Outcome::LeftOut;
    }
    let Some(address) = address::client(Some(peer.ip()), headers) else { return Outcome::LeftOut };
    if !state.counter.limits().pass(address, Instant::now()) {
        return Outcome::TooMany;
    }
    let Sent { host, path, referrer } = match read() {
        Ok(sent) => sent,
        Err(error) => return Outcome::Unread(error),
    };
    let hit = Hit {
        at: state.clock.now(),
        address,
        agent: agent.into(),
        host: host.into(),
        path: path.into(),
        referrer: referrer.map(Into::into),
    };
    if state.counter.take(hit) { Outcome::Taken } else { Outcome::Full }
}

/// Do Not Track and Global Privacy Control.
fn wants_no_tracking(headers: &HeaderMap) -> bool {
    ["dnt", "sec-gpc"].iter().any(|name| headers.get(*name).is_some_and(|value| value == "1"))
}

fn agent(headers: &HeaderMap) -> String {
    let bytes = headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes[..bytes.len().min(AGENT_BYTES_MAX)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_below_a_thousand_bytes() {
        assert!(SCRIPT.len() < 1_000, "{}", SCRIPT.len());
    }

    #[test]
    fn the_picture_is_a_picture() {
        assert_eq!((PICTURE.len(), &PICTURE[..6], PICTURE.last()), (43, &b"GIF89a"[..], Some(&b';')));
    }

    #[test]
    fn a_body_is_read_within_its_bounds() {
        let read = |text: &str| Sent::read(text.as_bytes()).map(|sent| (sent.host, sent.path, sent.referrer));
        let found = read(r#"{"h":"Shop.example","p":"/books?page=2","r":"search.example"}"#).expect("a page view");
        assert_eq!(found, ("shop.example".into(), "/books".into(), Some("search.example".into())));
        assert!(read(r#"{"h":"shop.example","p":"/"}"#).is_ok());
        for (body, error) in [
            ("", Unread::Body),
            ("[]", Unread::Body),
            (r#"{"h":1,"p":"/"}"#, Unread::Body),
            (r#"{"h":"","p":"/"}"#, Unread::Host),
            (r#"{"h":"shop.example","p":"books"}"#, Unread::Path),
            (r#"{"h":"shop.example","p":"/\u0000"}"#, Unread::Path),
        ] {
            assert_eq!(read(body), Err(error), "{body}");
        }
    }
}
