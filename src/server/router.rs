//! All routes of the server, and the layers before them.

use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router, middleware};
use leptos::prelude::*;
use leptos_axum::{handle_server_fns_with_context, render_app_async_with_context};
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::access::guard;
use crate::access::session::Visitor;
use crate::app::{Page, shell};
use crate::sales::question::Question;
use crate::sales::snapshot::Unanswered;
use crate::server::state::AppState;

/// Files whose names or addresses change with their content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

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
        get(render_app_async_with_context(context.clone(), move || shell(options.clone(), page)))
    };
    let server_functions = {
        let context = context.clone();
        move |request: Request| handle_server_fns_with_context(context.clone(), request)
    };
    let pages = Router::new()
        .route("/", page(Page::Dashboard))
        .route("/sign-in", page(Page::SignIn))
        .route("/welcome", page(Page::Welcome))
        .route("/api/{*function}", any(server_functions))
        .layer(middleware::from_fn_with_state(state.clone(), guard::signed_in));
    Router::new()
        .merge(pages)
        .merge(crate::sources::routes::routes())
        .merge(crate::live::routes::routes())
        .merge(crate::sales::files::routes())
        .merge(crate::sales::legacy::routes())
        .merge(crate::sales::inspector::routes::routes())
        .route("/api/v1/snapshot", get(snapshot))
        .route("/healthz", get(|| async { "alive" }))
        .route("/readyz", get(ready))
        .nest_service("/pkg", files(&format!("{}/{}", options.site_root, options.site_pkg_dir)))
        .nest_service("/vendor", files(&format!("{}/vendor", options.site_root)))
        .route_service(
            "/favicon.svg",
            tower_http::services::ServeFile::new(format!("{}/favicon.svg", options.site_root)),
        )
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing at this address.") })
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

/// `GET /api/v1/snapshot`: everything on the page as JSON, for a session or an API token. The query is the page's.
async fn snapshot(
    State(state): State<AppState>,
    _visitor: Visitor,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let question = Question::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let answer = match question {
        Ok(question) => state.hub.snapshot(&question).await,
        Err(sentence) => Err(Unanswered::Question(sentence)),
    };
    match answer {
        Ok(snapshot) => ([(header::CACHE_CONTROL, "no-store")], Json(snapshot.as_ref())).into_response(),
        Err(error @ Unanswered::Question(_)) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        Err(error @ Unanswered::Database(_)) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

/// `GET /readyz`: 200 when the database answers.
async fn ready(State(state): State<AppState>) -> Response {
    match crate::server::database::answers(&state.db).await {
        Ok(()) => "ready".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer").into_response(),
    }
}
