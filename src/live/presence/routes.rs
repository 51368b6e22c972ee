//! `/api/v1/presence`.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::live::presence::here::Here;
use crate::server::problem::Reader;
use crate::server::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(presence))
}

/// Who is on the page
///
/// People whose browser is connected, on all servers, as of at most two seconds ago. A program is no person, whatever it is
/// connected to.
#[utoipa::path(
    get, path = "/api/v1/presence", operation_id = "presence", tag = "People",
    responses((status = OK, body = Here, description = "Who is here"))
)]
async fn presence(_reader: Reader, State(state): State<AppState>) -> Json<Here> {
    Json(state.presence.shown().here.clone())
}
