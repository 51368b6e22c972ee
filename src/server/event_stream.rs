//! What streams of events (`text/event-stream`) share: how a listener shows who they are, and the answer around the stream.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse as _, Response};

use crate::access::session::{Credential, Denied};
use crate::server::problem::Problem;

/// The credential of a listener: an API token of the address, for a browser's `EventSource`, which sends no headers; else what the
/// headers have.
pub fn credential(token: Option<&str>, headers: &HeaderMap) -> Result<Credential, Problem> {
    let credential = token.map(Credential::script).or_else(|| Credential::of(headers));
    credential.ok_or_else(|| denied(Denied::SignedOut))
}

/// Why somebody may not listen.
pub fn denied(denied: Denied) -> Problem {
    Problem::new(denied.status(), denied.to_string())
}

/// The answer with its events.
pub fn event_stream(events: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // nginx would gather the stream until a buffer is full.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, events).into_response()
}
