//! What a script is told when it gets no answer: a problem as RFC 9457 has it, the extractor that refuses with one, and the
//! layer that makes one of every other refusal.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::session::{Visitor, Writer};
use crate::sales::snapshot::Unanswered;
use crate::server::state::AppState;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// A sentence of a refusal at most; whatever is longer is none.
const SENTENCE_MAX_BYTES: usize = 4_096;

/// A problem; as a response, `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// A problem in a sentence that says what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into() }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The database refused or was away; the log has the cause.
    pub fn away(cause: &sqlx::Error) -> Problem {
        tracing::warn!(%cause, "a script got no answer");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer at the moment; try again")
    }

    /// An address that there is nothing at.
    pub fn nothing_here() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address; /api lists the addresses that there are")
    }

    /// A method that the address does not take.
    pub fn no_method(method: &Method) -> Problem {
        let sentence = format!("this address does not take {method}; the header Allow names what it takes");
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, sentence)
    }

    /// A body that is larger than the address takes.
    pub fn too_large(bytes_max: usize) -> Problem {
        let sentence = format!("the request's body is larger than the {bytes_max} bytes that this address takes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
    }
}

/// Why a request got no answer (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank", "title": "Bad Request", "status": 400,
    "detail": "range is one of today, yesterday, 7d, 28d, 30d, 90d, week, last-week, month"
}))]
pub struct ProblemBody {
    /// Always `about:blank`: the status says which problem it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was wrong and what to do, in a sentence.
    detail: String,
}

impl From<Unanswered> for Problem {
    fn from(error: Unanswered) -> Problem {
        let status = match &error {
            // Each word of the query is right, but there is no such date or source.
            Unanswered::Question(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Unanswered::Database(cause) => return Problem::away(cause),
        };
        Problem::new(status, error.to_string())
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Problem {
        Problem::away(&error)
    }
}

/// Makes a problem of every refusal below it that is none yet: what extractors, layers and exports say in plain text is its
/// detail. Headers such as `Allow` stay.
pub async fn as_problems(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    let is_problem = response.headers().get(CONTENT_TYPE).is_some_and(|media| media == MEDIA_TYPE);
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = to_bytes(body, SENTENCE_MAX_BYTES).await.unwrap_or_default();
    let said = String::from_utf8(said.into()).unwrap_or_default();
    let problem = match status {
        StatusCode::METHOD_NOT_ALLOWED => Problem::no_method(&method),
        _ if said.is_empty() => Problem::new(status, "the request could not be answered"),
        _ => Problem::new(status, said),
    };
    let mut response = problem.into_response();
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CACHE_CONTROL);
    response.headers_mut().extend(parts.headers);
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // There is no address that says more than the status (RFC 9457, 4.2.1).
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // In a tuple, headers replace those of the body.
        (self.status, headers, Json(body)).into_response()
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

/// The same of calls, which administrators and scripts alone may see.
pub struct CallsReader;

impl FromRequestParts<AppState> for CallsReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<CallsReader, Problem> {
        match Visitor::from_request_parts(parts, state).await {
            Ok(visitor) if visitor.is_administrator() => Ok(CallsReader),
            Ok(_) => {
                Err(Problem::new(StatusCode::FORBIDDEN, "calls are for administrators; ask one for what you need"))
            }
            Err((status, detail)) => Err(Problem::new(status, detail)),
        }
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Writer, Problem> {
        match Visitor::from_request_parts(parts, state).await {
            Ok(visitor) => Writer::of(&visitor).ok_or_else(|| {
                Problem::new(StatusCode::FORBIDDEN, "a viewer changes nothing; an administrator can give another role")
            }),
            Err((status, detail)) => Err(Problem::new(status, detail)),
        }
    }
}
