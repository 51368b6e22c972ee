//! The layer that gives every answer a validator, and says "not modified" to whoever has it already.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::response::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use crate::server::problem::Problem;

/// An answer that is held in memory at most, in bytes: a delivery's body has at most 2 MB. What is longer, a file of very many
/// rows, is sent as it is made, without a validator.
const HELD_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of the hash that stand in a tag: enough that no two answers ever share one.
const TAG_BYTES: usize = 18;

/// Gives what was answered well its `ETag`, a hash of the body, and `Cache-Control: private, no-cache`: it may be kept by who
/// asked, who asks again before using it. Where the request has the tag, the answer is 304.
pub async fn validated(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = known_tags(request.headers());
    let response = next.run(request).await;
    if !is_read || response.status() != StatusCode::OK {
        return response;
    }
    let (parts, body) = response.into_parts();
    if let Some(tag) = parts.headers.get(ETAG).cloned() {
        return with_tag(parts, body, tag, &known);
    }
    let body = match held(body).await {
        Ok(Held::Whole(body)) => body,
        Ok(Held::Beginning(body)) => return Response::from_parts(parts, body),
        Err(error) => {
            tracing::error!(%error, "an answer of the API could not be made");
            let sentence = "the answer could not be made to its end; try again";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, sentence).into_response();
        }
    };
    let tag = of(&body);
    with_tag(parts, Body::from(body), tag, &known)
}

/// The validator of a body.
pub fn of(body: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(body);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..TAG_BYTES]));
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
}

fn with_tag(mut parts: Parts, body: Body, tag: HeaderValue, known: &[String]) -> Response {
    let matches = known.iter().any(|known| known == "*" || known.as_bytes() == tag.as_bytes());
    let caching = [(ETAG, tag), (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if matches {
        return (StatusCode::NOT_MODIFIED, HeaderMap::from_iter(caching)).into_response();
    }
    for (name, value) in caching {
        parts.headers.insert(name, value);
    }
    Response::from_parts(parts, body)
}

/// A body, as far as it was read.
enum Held {
    /// All of it.
    Whole(Bytes),
    /// It is longer than what is held: its beginning, then the rest as it comes.
    Beginning(Body),
}

async fn held(body: Body) -> Result<Held, axum::Error> {
    let mut rest = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(piece) = rest.next().await.transpose()? {
        read.extend_from_slice(&piece);
        if read.len() > HELD_MAX_BYTES {
            let beginning = stream::iter([Ok(Bytes::from(read))]);
            return Ok(Held::Beginning(Body::from_stream(beginning.chain(rest))));
        }
    }
    Ok(Held::Whole(read.into()))
}

/// The tags that the asker has. A weak one stands for the same body here (RFC 9110, 13.1.2).
fn known_tags(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|tag| tag.trim().trim_start_matches("W/").to_owned()).collect()
}
