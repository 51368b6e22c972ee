//! All routes of the server, and the layers before them.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Router, middleware};
use leptos::prelude::*;
use leptos_axum::{handle_server_fns_with_context, render_app_async_with_context};
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::access::guard;
use crate::app::{Page, shell};
use crate::server::problem::Problem;
use crate::server::state::AppState;

/// Files whose names or addresses change with their content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A body of a server function at most, in bytes: forms and questions, never files.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The whole server as one service.
pub fn router(state: AppState) -> Router {
    let options = state.leptos.clone();
    // Where Leptos spawns what a page waits for. It says no when that is set already: another router of this process.
    let _ = any_spawner::Executor::init_tokio();
    let context = {
        let state = state.clone();
        move || provide_context(state.clone())
    };
    let page = |page: Page| {
        let options = options.clone();
        get(render_app_async_with_context(context.clone(), move || shell(options.clone(), page.clone())))
    };
    let server_functions = {
        let context = context.clone();
        move |request: Request| server_function(context.clone(), request)
    };
    let pages = Router::new()
        .route("/", page(Page::Dashboard))
        .route("/sign-in", page(Page::SignIn))
        .route("/welcome", page(Page::Welcome))
        .route("/api", page(Page::Api))
        .route("/api/{*function}", any(server_functions))
        .merge(crate::sales::orders::page::routes())
        .merge(crate::settings::page::routes())
        .merge(crate::goals::page::routes())
        .merge(crate::royalties::page::routes())
        .merge(crate::imports::page::routes())
        .merge(crate::visitors::page::routes())
        .merge(crate::calls::page::routes())
        .layer(middleware::from_fn_with_state(state.clone(), guard::signed_in));
    Router::new()
        .merge(pages)
        .merge(crate::sources::routes::routes())
        .merge(crate::live::routes::routes())
        .merge(crate::voice::routes::routes())
        .merge(crate::preferences::routes::routes())
        .merge(crate::visitors::door::routes())
        .merge(crate::rest::routes())
        .merge(crate::sales::legacy::routes())
        .merge(crate::royalties::legacy::routes())
        .merge(crate::imports::legacy::routes())
        .merge(crate::calls::legacy::routes())
        .merge(crate::calls::stream::routes())
        .route("/healthz", get(|| async { "alive" }))
        .route("/readyz", get(ready))
        .nest_service("/pkg", files(&format!("{}/{}", options.site_root, options.site_pkg_dir)))
        .nest_service("/vendor", files(&format!("{}/vendor", options.site_root)))
        .route_service(
            "/favicon.svg",
            tower_http::services::ServeFile::new(format!("{}/favicon.svg", options.site_root)),
        )
        .fallback(nothing_here)
        .layer(middleware::from_fn(guard::same_origin))
        .layer(header_layer(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(REFERRER_POLICY, "same-origin"))
        .layer(header_layer(HeaderName::from_static("x-frame-options"), "DENY"))
        .with_state(state)
}

fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Files made at build time, compressed then and cached for ever.
fn files(folder: &str) -> axum::routing::MethodRouter {
    let served = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, |response: &axum::http::Response<_>| {
            response.status().is_success().then_some(FOR_EVER)
        }))
        .service(ServeDir::new(folder).precompressed_br().precompressed_gzip());
    axum::routing::any_service(served)
}

/// Any address below `/api` that is no other: a server function of the page, if it is one.
async fn server_function(context: impl Fn() + Clone + Send + 'static, request: Request) -> Response {
    let path = request.uri().path();
    let methods: Vec<Method> = leptos::server_fn::axum::server_fn_paths()
        .filter(|(known, _)| *known == path)
        .map(|(_, method)| method)
        .collect();
    if methods.is_empty() {
        return Problem::nothing_here().into_response();
    }
    if !methods.contains(request.method()) {
        let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(",");
        let allowed = HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static("POST"));
        return ([(ALLOW, allowed)], Problem::no_method(request.method())).into_response();
    }
    let (parts, body) = request.into_parts();
    match to_bytes(body, FORM_MAX_BYTES).await {
        Ok(body) => {
            handle_server_fns_with_context(context, Request::from_parts(parts, Body::from(body))).await.into_response()
        }
        Err(_) => Problem::too_large(FORM_MAX_BYTES).into_response(),
    }
}

/// Any address that is no other.
async fn nothing_here(address: Uri) -> Response {
    if address.path().starts_with("/api/") {
        return Problem::nothing_here().into_response();
    }
    (StatusCode::NOT_FOUND, "There is nothing at this address.").into_response()
}

/// `GET /readyz`: 200 when the database answers.
async fn ready(State(state): State<AppState>) -> Response {
    match crate::server::database::answers(&state.db).await {
        Ok(()) => "ready".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response(),
    }
}
