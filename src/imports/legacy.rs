//! `POST /api/upload` of the page that Takings replaces: a file is imported at once, and the answer is the one that it gave.

use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;

use crate::access::session::Writer;
use crate::imports::columns::Kind;
use crate::imports::run::{self, File, ImportError, Looked};
use crate::imports::sheet::FILE_BYTES_MAX;
use crate::imports::words;
use crate::server::problem::Problem;
use crate::server::state::AppState;

/// What a form has beside its file, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Rejected rows that the answer names.
const NAMED_MAX: usize = 5;

/// The routes.
pub fn routes() -> Router<AppState> {
    Router::new().route("/api/upload", post(upload)).layer(DefaultBodyLimit::max(FILE_BYTES_MAX + FORM_BYTES_MAX))
}

/// The old answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    success: bool,
    message: &'static str,
    rows_inserted: usize,
}

/// Takes `file` and `reportType`: `monthly`, `weekly` or `revenue`. Nobody looks at it before it is stored, so that a file with
/// a row that cannot be read is refused whole; one that was imported before is a success that inserts nothing.
async fn upload(
    writer: Writer,
    State(state): State<AppState>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Uploaded>, Problem> {
    let form = form.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let (file, report_type) = fields(form).await?;
    let (books, now) = (state.books.now(), state.clock.now());
    let today = books.calendar.date(now);
    let mut db = state.db.acquire().await?;
    let looked = run::look(&mut db, books.workspace, vec![file.clone()], today).await.map_err(problem)?;
    drop(db);
    let refused = |sentence: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence);
    let Some(one) = looked.first() else { return Err(refused("there is no file".into())) };
    if one.before.is_some() {
        return Ok(Json(Uploaded { success: true, message: "File uploaded successfully", rows_inserted: 0 }));
    }
    let (report, plan) = one.found.as_ref().map_err(|reason| refused(reason.to_string()))?;
    if !fits(&report_type, report.kind) {
        let sentence = format!("the columns are those of {}, not of reportType {report_type:?}", report.kind.title());
        return Err(refused(sentence));
    }
    let rejected = Looked::rejected(report, plan);
    if rejected > 0 {
        let named: Vec<String> = words::rejected(report, plan).take(NAMED_MAX).collect();
        return Err(refused(format!("{rejected} rows were rejected and nothing was stored. {}", named.join(" "))));
    }
    let by = (writer.name.as_str(), now);
    let done = run::apply(&state.db, &state.bus, &books, vec![file], Some(&run::digest(&looked)), by)
        .await
        .map_err(problem)?;
    Ok(Json(Uploaded { success: true, message: "File uploaded successfully", rows_inserted: done.rows }))
}

/// Whether a kind is what the old page called a type; countries came as weekly files.
fn fits(report_type: &str, kind: Kind) -> bool {
    match report_type {
        "monthly" | "revenue" => matches!(kind, Kind::Monthly | Kind::Revenue),
        "weekly" => matches!(kind, Kind::Weekly | Kind::Country),
        _ => false,
    }
}

async fn fields(mut form: Multipart) -> Result<(File, String), Problem> {
    let (mut file, mut report_type) = (None, None);
    let unreadable = |error: axum::extract::multipart::MultipartError| Problem::new(error.status(), error.body_text());
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some("file") => {
                let name = field.file_name().unwrap_or("file").to_owned();
                file = Some(File::new(&name, field.bytes().await.map_err(unreadable)?.into()));
            }
            Some("reportType") => report_type = Some(field.text().await.map_err(unreadable)?),
            _ => {}
        }
    }
    let bad = |sentence: &str| Problem::new(StatusCode::BAD_REQUEST, sentence);
    let file = file.ok_or_else(|| bad("the form has no part \"file\""))?;
    let report_type = report_type.filter(|known| ["monthly", "weekly", "revenue"].contains(&known.as_str()));
    Ok((file, report_type.ok_or_else(|| bad("reportType is one of monthly, weekly, revenue"))?))
}

/// Why a script's import came to nothing.
pub fn problem(error: ImportError) -> Problem {
    match error {
        ImportError::Database(cause) => Problem::away(&cause),
        ImportError::Gone => Problem::new(StatusCode::NOT_FOUND, error.to_string()),
        ImportError::Touched(_) | ImportError::Changed => Problem::new(StatusCode::CONFLICT, error.to_string()),
        ImportError::Nothing => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        ImportError::Task(cause) => {
            tracing::error!(%cause, "a file could not be read");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the file could not be read; the server's log says why")
        }
    }
}
