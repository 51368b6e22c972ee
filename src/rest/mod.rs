//! The REST API `/api/v1`: its routes with the layers before them, its specification, and the page that explains it.
//! The features answer; what they answer is described beside each handler.

pub mod asked;
pub mod etag;
pub mod files;
mod reference;
mod specification;
mod view;

use std::sync::LazyLock;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, middleware};
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use specification::Bytes;
pub use view::ApiPage;

use crate::imports::sheet::FILE_BYTES_MAX;
use crate::rest::asked::{Pairs, QuestionParameters, question};
use crate::sales::model::Snapshot;
use crate::server::problem::{Problem, Reader, as_problems};
use crate::server::state::AppState;

/// A request's body at most, in bytes: a goal or a note, and most addresses take none. Files have a limit of their own.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// The routes of `/api/v1`.
pub fn routes() -> Router<AppState> {
    let (router, _) = described().split_for_parts();
    router.layer(middleware::from_fn(etag::validated)).layer(middleware::from_fn(as_problems))
}

/// What the API can be asked and answers, as OpenAPI 3.1 has it.
pub fn specification() -> &'static OpenApi {
    static SPECIFICATION: LazyLock<OpenApi> =
        LazyLock::new(|| specification::completed(described().split_for_parts().1));
    &SPECIFICATION
}

fn described() -> OpenApiRouter<AppState> {
    let uploads = crate::imports::routes::uploads()
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(FILE_BYTES_MAX));
    OpenApiRouter::with_openapi(specification::base())
        .routes(routes!(snapshot))
        .merge(crate::sales::files::routes())
        .merge(crate::sales::inspector::routes::routes())
        .merge(crate::sales::orders::routes::routes())
        .merge(crate::goals::routes::routes())
        .merge(crate::live::presence::routes::routes())
        .merge(crate::royalties::routes::routes())
        .merge(crate::imports::routes::routes())
        .merge(crate::visitors::routes::routes())
        .merge(crate::calls::routes::routes())
        .routes(routes!(openapi))
        .layer(RequestBodyLimitLayer::new(BODY_MAX_BYTES))
        .merge(uploads)
}

/// Everything on the page
///
/// The figures of the question with those they are compared with, the points of the charts, the tables, and the newest events.
/// Money is in minor units of `currency`.
#[utoipa::path(
    get, path = "/api/v1/snapshot", operation_id = "snapshot", tag = "Figures", params(QuestionParameters),
    responses((status = OK, body = Snapshot, description = "The answer to the question"))
)]
async fn snapshot(
    _reader: Reader,
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Problem> {
    Ok(state.hub.serialised(&question(&pairs, &[])?).await?.as_ref().into_response())
}

/// This specification
///
/// OpenAPI 3.1. `takings openapi` prints the same.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "openapi", tag = "Specification",
    responses((status = OK, body = std::collections::BTreeMap<String, serde_json::Value>, description = "The specification"))
)]
async fn openapi(_reader: Reader) -> Response {
    Json(specification()).into_response()
}
