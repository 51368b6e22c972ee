//! `GET /ws`: the live stream over a WebSocket, `GET /live`: the same by asking, and the address of the stream of events. All are
//! described in `docs/live.md`.

use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use bytes::Bytes;
use tokio::time::Instant;

use crate::access::session::{Credential, Denied, Visitor};
use crate::access::visitors::{LOOKED_AT_EVERY, Visitors};
use crate::live::events;
use crate::live::greeting::Resume;
use crate::live::hub::serialise;
use crate::live::model::{Message, PROTOCOL};
use crate::live::socket::upgrade;
use crate::live::watcher::{Standing, serve};
use crate::sales::question::Question;
use crate::server::problem::as_problems;
use crate::server::state::AppState;

/// How long a page that asks by HTTP waits for news at most: proxies cut what is silent for longer.
const POLL_MAX: Duration = Duration::from_secs(20);

/// The routes.
pub fn routes() -> Router<AppState> {
    let stream = get(events::stream).layer(middleware::from_fn(as_problems));
    Router::new().route("/ws", get(open)).route("/live", get(poll)).route("/api/v1/events/stream", stream)
}

/// Why a stream does not begin.
type Refused = (StatusCode, String);

/// The question in a query beside what a returning client says of itself.
fn question(pairs: &[(String, String)]) -> Result<Question, Refused> {
    Question::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

/// What a socket would say, to a page that no socket reaches: as soon as there is something new.
async fn poll(
    State(state): State<AppState>,
    _visitor: Visitor,
    Query(resume): Query<Resume>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let question = question(&pairs)?;
    let mut frames = state.hub.subscribe(&question);
    let until = Instant::now() + POLL_MAX;
    let text = loop {
        let Ok(greeting) = state.hub.greeting(&question, resume).await else {
            break Bytes::from(serialise(&Message::stale()).unwrap_or_default());
        };
        if greeting.is_news_to(resume) || Instant::now() >= until {
            break greeting.text.clone();
        }
        tokio::select! {
            () = state.shutdown.cancelled() => return Err((StatusCode::SERVICE_UNAVAILABLE, "the server is stopping".into())),
            () = tokio::time::sleep_until(until) => {}
            _ = frames.recv() => {}
        }
    };
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], text).into_response())
}

async fn open(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(resume): Query<Resume>,
    Query(pairs): Query<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Refused> {
    let question = question(&pairs)?;
    let nobody = || (Denied::SignedOut.status(), Denied::SignedOut.to_string());
    let credential = Credential::of(request.headers()).ok_or_else(nobody)?;
    let person = match visitor {
        Visitor::Person(person) => Some(person.id),
        Visitor::Script => None,
    };
    let AppState { hub, visitors, presence, shutdown, .. } = state;
    let standing = Box::new(Standing { hub, presence, question, resume, person });
    let way_out = Box::new((shutdown, visitors, credential));
    Ok(upgrade(request, PROTOCOL, move |mut socket, ours| async move {
        tokio::select! {
            () = way_out.0.cancelled() => {}
            _ = serve(&mut socket, &standing, ours) => {}
            () = signed_out(&way_out.1, &way_out.2) => {}
        }
        Box::pin(socket.close()).await;
    }))
}

/// Waits until who opened a socket is no longer let in.
async fn signed_out(visitors: &Visitors, credential: &Credential) {
    loop {
        tokio::time::sleep(LOOKED_AT_EVERY).await;
        // Boxed, as all that happens seldom: a socket that only waits stays small.
        if !Box::pin(visitors.is_in(credential)).await {
            return;
        }
    }
}
