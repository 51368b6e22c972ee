//! `/api/v1/imports`: what was imported, and taking it back.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::session::Writer;
use crate::export::local_time;
use crate::imports::legacy::problem;
use crate::imports::run;
use crate::imports::store::{self, Import};
use crate::period::Calendar;
use crate::server::problem::{Problem, ProblemBody, Reader};
use crate::server::state::AppState;

/// The routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(imports)).routes(routes!(undo_import))
}

/// A file of royalties that was imported.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
struct ImportTold {
    /// Its number.
    id: i32,
    /// The name of the file, as whoever sent it called it.
    file_name: String,
    /// `weekly`, `monthly`, `country` or `revenue`.
    kind: String,
    /// Rows that were new.
    rows_new: i32,
    /// Rows that changed what there was.
    rows_changed: i32,
    /// Rows that said what there was.
    rows_same: i32,
    /// Rows that were not taken.
    rows_rejected: i32,
    /// Who imported it.
    imported_by: String,
    /// When.
    #[schema(format = DateTime)]
    imported_at: String,
    /// Who took it back.
    undone_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    undone_at: Option<String>,
}

/// The imports.
#[derive(Debug, Serialize, ToSchema)]
struct Imports {
    /// The newest first, at most 200.
    imports: Vec<ImportTold>,
}

/// The imported files
///
/// Every file of royalties that was imported, by whom and when, and whether it was taken back.
#[utoipa::path(
    get, path = "/api/v1/imports", operation_id = "imports", tag = "Royalties",
    responses((status = OK, body = Imports, description = "The imports"))
)]
async fn imports(_reader: Reader, State(state): State<AppState>) -> Result<Response, Problem> {
    let books = state.books.now();
    let history = store::history(&mut *state.db.acquire().await?, books.workspace).await?;
    let imports = history.into_iter().map(|import| told(import, &books.calendar)).collect();
    Ok(Json(Imports { imports }).into_response())
}

/// Take an import back
///
/// What was there before it stands again. Refused while a later import holds that is about the same rows.
#[utoipa::path(
    delete, path = "/api/v1/imports/{id}", operation_id = "undo_import", tag = "Royalties",
    params(("id" = i32, Path, minimum = 1, description = "The import's number", example = 1)),
    responses(
        (status = NO_CONTENT, description = "It is taken back"),
        (status = CONFLICT, body = ProblemBody, content_type = "application/problem+json",
            description = "A later import is about the same rows")
    )
)]
async fn undo_import(
    writer: Writer,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, "there is no import of this number; /api/v1/imports lists them");
    let id = id.parse().ok().filter(|id| *id > 0).ok_or_else(none)?;
    let by = (writer.name.as_str(), state.clock.now());
    run::undo(&state.db, &state.books.now(), id, by).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn told(import: Import, calendar: &Calendar) -> ImportTold {
    let (undone_by, undone_at) = import.undone.unzip();
    ImportTold {
        id: import.id,
        file_name: import.file_name,
        kind: import.kind,
        rows_new: import.rows_new,
        rows_changed: import.rows_changed,
        rows_same: import.rows_same,
        rows_rejected: import.rows_rejected,
        imported_by: import.imported_by,
        imported_at: local_time(calendar, import.imported_at),
        undone_by,
        undone_at: undone_at.map(|at| local_time(calendar, at)),
    }
}
