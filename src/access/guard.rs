//! Layers before every route: no request from another site changes anything or opens a socket, and no page is shown
//! to anyone who is not signed in.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::access::session::Denied;
use crate::server::problem::Problem;
use crate::server::state::AppState;
use crate::visitors::door::HITS;

/// Pages that are open to anyone; a server function (below `/api`) authorises itself.
fn is_open(path: &str) -> bool {
    matches!(path, "/sign-in" | "/welcome") || path.starts_with("/api/")
}

/// Refuses what a page of another site sends: anything but reading, and the socket. Webhooks come from no page; page views come
/// from the shop's, and are let in by nothing that a browser keeps.
pub async fn same_origin(request: Request, next: Next) -> Response {
    let reads =
        matches!(*request.method(), Method::GET | Method::HEAD) && !request.headers().contains_key(header::UPGRADE);
    let path = request.uri().path();
    let webhook = path.starts_with("/webhooks/") || path == "/webhook/shopify";
    if reads || webhook || path == HITS || is_same_origin(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    let sentence = "this request came from a page of another site";
    if path.starts_with("/api/") {
        return Problem::new(StatusCode::FORBIDDEN, sentence).into_response();
    }
    (StatusCode::FORBIDDEN, sentence).into_response()
}

/// Whether the request names no origin (a script does not), or the host it was sent to.
fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    };
    let forwarded = headers.get("x-forwarded-host").or_else(|| headers.get(header::HOST));
    let host =
        forwarded.and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let named = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    named.is_some() && named == host
}

/// Sends whoever is not signed in to the sign-in page.
pub async fn signed_in(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    match state.visitors.find(request.headers()).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(Denied::SignedOut) => Redirect::to("/sign-in").into_response(),
        Err(denied) => (StatusCode::SERVICE_UNAVAILABLE, denied.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_page_may_change_anything() {
        let check = |origin: Option<&str>, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            }
            is_same_origin(&headers, &Uri::from_static("/"))
        };
        assert!(check(None, "takings.example"));
        assert!(check(Some("https://takings.example"), "takings.example"));
        assert!(!check(Some("https://evil.example"), "takings.example"));
        assert!(!check(Some("https://takings.example:8443"), "takings.example"));
        assert!(!check(Some("null"), "takings.example"));
    }
}
