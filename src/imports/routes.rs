//! `/api/v1/imports`: files in, what was imported, and taking it back.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::session::Writer;
use crate::export::local_time;
use crate::imports::legacy::problem;
use crate::imports::plan::{Outcome, Plan};
use crate::imports::report::{Refused, Report};
use crate::imports::run::{self, File, ImportError, Looked};
use crate::imports::store::{self, Import};
use crate::imports::words;
use crate::period::Calendar;
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, in_query, takes_only, value};
use crate::server::problem::{Problem, ProblemBody, Reader};
use crate::server::state::AppState;

/// Rows that an answer names, of each kind.
const NAMED_MAX: usize = 200;
/// Characters of a refusal at most.
const SENTENCE_CHARS_MAX: usize = 2_000;

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
    run::undo(&state.db, &state.bus, &state.books.now(), id, by).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes that take files, which have a limit of their own.
pub fn uploads() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import_file)).routes(routes!(preview_file))
}

/// What the address of a file takes.
struct FileParameters;

impl IntoParams for FileParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = |example: &str| {
            ObjectBuilder::new().schema_type(Type::String).max_length(Some(200)).examples([json!(example)])
        };
        let name =
            in_query("name", "What the file is called, for the history.").schema(Some(text("weekly.csv").build()));
        let seen = "The `digest` of a preview: where the file would change anything else by now, nothing is changed.";
        let seen = in_query("seen", seen).schema(Some(text("0123456789abcdef0123456789abcdef").build()));
        vec![name.build(), seen.build()]
    }
}

/// The same of a file that is only looked at.
struct NameParameter;

impl IntoParams for NameParameter {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        FileParameters::into_params(place).into_iter().filter(|parameter| parameter.name == "name").collect()
    }
}

/// A row that changes something.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    /// Its line.
    line: u32,
    /// What it is of.
    #[schema(example = "2025-12-23 to 2025-12-29, GB")]
    of: String,
    /// What is stored.
    before: String,
    /// What will be.
    after: String,
}

/// What a file would change.
#[derive(Debug, Serialize, ToSchema)]
struct Preview {
    /// Names exactly this change: send it back as `seen`.
    digest: String,
    /// `weekly`, `monthly`, `country` or `revenue`.
    kind: &'static str,
    /// Rows of which nothing is stored.
    rows_new: usize,
    /// Rows that change what is stored.
    rows_changed: usize,
    /// Rows that say what is stored.
    rows_same: usize,
    /// Rows that are not taken.
    rows_rejected: usize,
    /// That this very file was imported before, by whom and when; null where it was not.
    imported_before: Option<String>,
    /// What looks odd, and what was left out.
    warnings: Vec<String>,
    /// The first 200 rows that are not taken, each with its line, its column and the reason.
    rejected: Vec<String>,
    /// The first 200 rows that change something.
    differences: Vec<Difference>,
}

/// A file that was imported.
#[derive(Debug, Serialize, ToSchema)]
struct Imported {
    /// The import.
    import: ImportTold,
    /// What looked odd, and what was left out.
    warnings: Vec<String>,
    /// The first 200 rows that were not taken, each with its line, its column and the reason.
    rejected: Vec<String>,
}

/// Look at a file
///
/// What importing a file of royalties would change. Nothing is stored.
#[utoipa::path(
    post, path = "/api/v1/imports/preview", operation_id = "preview_import", tag = "Royalties", params(NameParameter),
    request_body(content = Bytes, content_type = "application/octet-stream", description = "The file, at most 50 MB"),
    responses((status = OK, body = Preview, description = "What it would change"))
)]
async fn preview_file(
    _writer: Writer,
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
    body: axum::body::Bytes,
) -> Result<Json<Preview>, Problem> {
    let file = file_of(&pairs, &["name"], body)?;
    let (one, digest) = looked(&state, file).await?;
    let (report, plan) = one.found.as_ref().map_err(refused)?;
    let calendar = &state.books.now().calendar;
    let differences = words::differences(plan).take(NAMED_MAX);
    Ok(Json(Preview {
        digest,
        kind: report.kind.name(),
        rows_new: plan.count(Outcome::New),
        rows_changed: plan.count(Outcome::Changed),
        rows_same: plan.count(Outcome::Same),
        rows_rejected: Looked::rejected(report, plan),
        imported_before: one.before.as_ref().map(|before| words::before(before, calendar)),
        warnings: warnings(report, plan),
        rejected: words::rejected(report, plan).take(NAMED_MAX).collect(),
        differences: differences.map(|(line, of, before, after)| Difference { line, of, before, after }).collect(),
    }))
}

/// Import a file
///
/// A file of royalties: weekly minutes, minutes by country, monthly statements or a revenue report, as CSV or a spreadsheet. Rows
/// that are none are left out and named; all others are stored in one transaction. The same file again is refused with 409.
#[utoipa::path(
    post, path = "/api/v1/imports", operation_id = "import_file", tag = "Royalties", params(FileParameters),
    request_body(content = Bytes, content_type = "application/octet-stream", description = "The file, at most 50 MB"),
    responses(
        (status = CREATED, body = Imported, description = "It is imported"),
        (status = CONFLICT, body = ProblemBody, content_type = "application/problem+json",
            description = "This very file was imported before, or it would change something else than was seen")
    )
)]
async fn import_file(
    writer: Writer,
    State(state): State<AppState>,
    Query(pairs): Query<Pairs>,
    body: axum::body::Bytes,
) -> Result<(StatusCode, Json<Imported>), Problem> {
    let file = file_of(&pairs, &["name", "seen"], body)?;
    let (one, digest) = looked(&state, file.clone()).await?;
    let (report, plan) = one.found.as_ref().map_err(refused)?;
    let books = state.books.now();
    if let Some(before) = &one.before {
        return Err(Problem::new(StatusCode::CONFLICT, words::before(before, &books.calendar)));
    }
    let rejected: Vec<String> = words::rejected(report, plan).take(NAMED_MAX).collect();
    let warnings = warnings(report, plan);
    if plan.steps.iter().all(|step| step.outcome == Outcome::Outranked) {
        let sentence: String = rejected.join(" ").chars().take(SENTENCE_CHARS_MAX).collect();
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("no row of it can be taken. {sentence}")));
    }
    drop(one);
    let seen = value(&pairs, "seen").map_or(digest, str::to_owned);
    let by = (writer.name.as_str(), state.clock.now());
    let done = run::apply(&state.db, &state.bus, &books, vec![file], Some(&seen), by).await.map_err(problem)?;
    let mut db = state.db.acquire().await?;
    let id = done.imports.first().copied().unwrap_or_default();
    let import = store::import(&mut db, books.workspace, id).await?.ok_or_else(Problem::nothing_here)?;
    let import = told(import, &books.calendar);
    Ok((StatusCode::CREATED, Json(Imported { import, warnings, rejected })))
}

/// The file of a request.
fn file_of(pairs: &Pairs, takes: &[&str], body: axum::body::Bytes) -> Result<File, Problem> {
    takes_only(pairs, takes)?;
    Ok(File::new(value(pairs, "name").unwrap_or("file"), body.into()))
}

/// What a file would change, and the name of that change.
async fn looked(state: &AppState, file: File) -> Result<(Looked, String), Problem> {
    let (books, now) = (state.books.now(), state.clock.now());
    let mut db = state.db.acquire().await?;
    let looked = run::look(&mut db, books.workspace, vec![file], books.calendar.date(now)).await.map_err(problem)?;
    let digest = run::digest(&looked);
    let one = looked.into_iter().next();
    Ok((one.ok_or_else(|| problem(ImportError::Nothing))?, digest))
}

fn refused(reason: &Refused) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason.to_string())
}

fn warnings(report: &Report, plan: &Plan) -> Vec<String> {
    plan.warnings.iter().chain(&report.notices).cloned().collect()
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
