//! What a script is told when it gets no answer: a problem as RFC 9457 has it, and the extractor that refuses with one.

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::access::session::Visitor;
use crate::sales::snapshot::Unanswered;
use crate::server::state::AppState;

/// A problem; as a response, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// A problem in a sentence that says what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into() }
    }
}

impl From<Unanswered> for Problem {
    fn from(error: Unanswered) -> Problem {
        let status = match &error {
            Unanswered::Question(_) => StatusCode::BAD_REQUEST,
            Unanswered::Database(cause) => {
                tracing::warn!(%cause, "a script got no figures");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Problem::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // The status says which problem it is: there is no address that says more (RFC 9457, 4.2.1).
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        (self.status, headers, body.to_string()).into_response()
    }
}

/// A [`Visitor`] of the API: whoever is none is told so in a [`Problem`]. Extracting it is the authorisation.
pub struct Reader;

impl FromRequestParts<AppState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Reader, Problem> {
        match Visitor::from_request_parts(parts, state).await {
            Ok(_) => Ok(Reader),
            Err((status, detail)) => Err(Problem::new(status, detail)),
        }
    }
}
