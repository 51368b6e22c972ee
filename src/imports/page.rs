//! `/imports`: files are looked at, imported and taken back; and what the page's forms send.

use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{DefaultBodyLimit, Extension, Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;

use crate::access::secret;
use crate::access::session::{Visitor, Writer};
use crate::app::{Page, Said, answer};
use crate::imports::columns::{self, Field, Mapping, Unknown};
use crate::imports::plan;
use crate::imports::report::{self, Refused};
use crate::imports::run::{self, File, ImportError, Looked};
use crate::imports::sheet::FILE_BYTES_MAX;
use crate::imports::store::{self, Draft, Import, Taken};
use crate::imports::view::{
    FILES_MAX, FileShown, ImportLine, ImportShown, ImportsShown, PreviewShown, RowShown, SAYINGS, UnknownShown,
};
use crate::imports::words;
use crate::period::Calendar;
use crate::royalties::figure::row_address;
use crate::server::form::{Sent, field, said};
use crate::server::problem::Problem;
use crate::server::state::AppState;

/// What is sent at once at most, in bytes: a few files of the largest size, one of which is in memory at a time.
const UPLOAD_BYTES_MAX: usize = 4 * FILE_BYTES_MAX;
/// A form at most, in bytes: a choice for each column of a report.
const FORM_MAX_BYTES: usize = 64 * 1024;
/// Rows of each kind that are shown of a file.
const SHOWN_MAX: usize = 200;
/// Rows of an import that are shown at once.
const ROWS_SHOWN: i64 = 200;
/// Rows that are shown before the one that was asked for.
const ROWS_BEFORE: i32 = 5;

type Fields = Vec<(String, String)>;

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    let upload = post(upload).layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX));
    let keep = post(keep).layer(DefaultBodyLimit::max(FILE_BYTES_MAX));
    Router::new()
        .route("/imports", get(show))
        .route("/imports/{id}", get(one))
        .route("/imports/apply", post(apply))
        .route("/imports/map", post(map))
        .route("/imports/undo", post(undo))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .route("/imports/preview", get(preview).merge(upload))
        .route("/imports/files", keep)
}

/// Why a form came to nothing.
enum Failed {
    /// Only writers import.
    NotYours,
    /// It could not be read, or what it is about is gone.
    Unreadable,
    /// The page says why.
    Told(Vec<String>),
    /// The database refused or was away.
    Away(sqlx::Error),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Failed {
        Failed::Away(error)
    }
}

impl From<ImportError> for Failed {
    fn from(error: ImportError) -> Failed {
        match error {
            ImportError::Database(error) => Failed::Away(error),
            ImportError::Touched(reasons) => Failed::Told(reasons),
            other => Failed::Told(vec![format!("{other}.")]),
        }
    }
}

async fn show(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Fields>,
    parts: Parts,
) -> Response {
    let said = said(&query, SAYINGS);
    let page = loaded(&state, &visitor).await.map(|page| ImportsShown { said, ..page });
    end(state, &visitor, parts, page.map(Ended::Page).map_err(Failed::Away)).await
}

/// Keeps the files until they are imported, and leads to what they would change.
async fn upload(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let done = async {
        writer(&visitor)?;
        let mut form = form.map_err(|_| Failed::Unreadable)?;
        let told = |sentence: String| Failed::Told(vec![sentence]);
        let (workspace, now) = (state.books.now().workspace, state.clock.now());
        let mut tokens: Vec<String> = Vec::new();
        let cut = |error: axum::extract::multipart::MultipartError| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => told("The files have more than 200 MB together: send fewer.".into()),
            _ => Failed::Unreadable,
        };
        while let Some(mut field) = form.next_field().await.map_err(cut)? {
            let name = field.file_name().unwrap_or_default().to_owned();
            if field.name() != Some("files") || name.is_empty() {
                continue;
            }
            if tokens.len() == FILES_MAX {
                return Err(told(format!("At most {FILES_MAX} files are looked at together: send fewer.")));
            }
            let mut file = File::new(&name, Vec::new());
            while let Some(chunk) = field.chunk().await.map_err(cut)? {
                file.content.extend_from_slice(&chunk);
                if file.content.len() > FILE_BYTES_MAX {
                    return Err(told(format!("{} is larger than 50 MB: split it, or save it as CSV.", file.name)));
                }
            }
            let draft = Draft { token: secret::generate(), file_name: file.name, content: file.content };
            store::keep_draft(&mut *state.db.acquire().await?, workspace, &draft, now).await?;
            tokens.push(draft.token);
        }
        if tokens.is_empty() {
            return Err(told("Choose at least one file.".into()));
        }
        Ok(Ended::Address(address(&tokens)))
    };
    let done = done.await;
    end(state.clone(), &visitor, parts, done).await
}

/// What a script is told of a file that it sent.
#[derive(Serialize)]
struct KeptFile {
    /// Names the file until it is imported.
    draft: String,
}

/// Keeps one file, as the page's script sends it: its bytes are the body, `?name=` says what it is called.
async fn keep(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Fields>,
    body: Bytes,
) -> Result<Json<KeptFile>, Problem> {
    let refused = || Problem::new(StatusCode::FORBIDDEN, "Viewers read; analysts and administrators import files.");
    Writer::of(&visitor).ok_or_else(refused)?;
    if body.is_empty() {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "The file is empty."));
    }
    let file = File::new(field(&query, "name").unwrap_or_default(), body.into());
    let draft = Draft { token: secret::generate(), file_name: file.name, content: file.content };
    let mut db = state.db.acquire().await?;
    store::keep_draft(&mut db, state.books.now().workspace, &draft, state.clock.now()).await?;
    Ok(Json(KeptFile { draft: draft.token }))
}

/// An import with its rows: `?line=7` begins at a row.
async fn one(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(query): Query<Fields>,
    parts: Parts,
) -> Response {
    let books = state.books.now();
    let id = id.parse::<i32>().unwrap_or(0);
    let line = field(&query, "line").and_then(|line| line.parse::<i32>().ok());
    let from = line.map_or(0, |line| line.saturating_sub(ROWS_BEFORE));
    let found = async {
        let mut db = state.db.acquire().await?;
        let Some(import) = store::import(&mut db, books.workspace, id).await? else { return Ok(None) };
        let rows = store::rows(&mut db, books.workspace, id, from, ROWS_SHOWN + 1).await?;
        Ok::<_, sqlx::Error>(Some((import, rows)))
    };
    let (status, page) = match found.await {
        Ok(Some((import, rows))) => {
            let may_write = Writer::of(&visitor).is_some();
            let page = import_shown(import, rows, line, &books.calendar, may_write);
            (StatusCode::OK, Page::Import(Box::new(page)))
        }
        Ok(None) => {
            let said = Said {
                title: "There is no such import",
                sentence: "No file was imported under this number. The page of imports lists those that were.",
            };
            (StatusCode::NOT_FOUND, Page::Said(said))
        }
        Err(error) => {
            let (status, said) = away(&error);
            (status, Page::Said(said))
        }
    };
    answer(state, parts, status, page).await
}

fn import_shown(
    import: Import,
    mut rows: Vec<Taken>,
    line: Option<i32>,
    calendar: &Calendar,
    may_write: bool,
) -> ImportShown {
    let at = |at| calendar.local(at).strftime("%-d %b %Y %H:%M").to_string();
    let more = rows.len() > ROWS_SHOWN as usize;
    rows.truncate(ROWS_SHOWN as usize);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| format!("/imports/{}?line={}", import.id, last.line.saturating_add(1).saturating_add(ROWS_BEFORE)));
    let row = |row: Taken| RowShown {
        line: row.line,
        is_here: line == Some(row.line),
        of: plan::words(&row.key),
        outcome: row.outcome,
        figure: words::figure(&row.figure),
        old: row.old.map(|old| (words::figure(&old.figure), row_address(old.origin))),
    };
    let count = |rows: i32| crate::money::count(i64::from(rows));
    let mut facts = vec![
        ("Kind", import.kind.clone()),
        ("Imported", format!("by {}, {}", import.imported_by, at(import.imported_at))),
        ("New rows", count(import.rows_new)),
        ("Changed rows", count(import.rows_changed)),
        ("Same rows", count(import.rows_same)),
        ("Rejected rows", count(import.rows_rejected)),
    ];
    facts.extend(import.undone.as_ref().map(|(by, when)| ("Taken back", format!("by {by}, {}", at(*when)))));
    ImportShown {
        id: import.id,
        file_name: import.file_name,
        facts,
        rows: rows.into_iter().map(row).collect(),
        next,
        may_undo: may_write && import.undone.is_none(),
    }
}

/// The address of what files would change.
fn address(tokens: &[String]) -> String {
    let pairs = tokens.iter().map(|token| ("draft", token.as_str()));
    format!("/imports/preview?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}

async fn preview(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Fields>,
    parts: Parts,
) -> Response {
    let said = said(&query, SAYINGS);
    let page = previewed(&state, &visitor, &drafts_of(&query)).await;
    end(state, &visitor, parts, page.map(|page| Ended::Page(ImportsShown { said, ..page }))).await
}

async fn apply(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let done = async {
        let writer = writer(&visitor)?;
        let (tokens, digest) = (drafts_of(form.fields()), form.text("digest"));
        let (books, now) = (state.books.now(), state.clock.now());
        let files = waiting(&state, &tokens).await?;
        match run::apply(&state.db, &state.bus, &books, files, Some(&digest), (&writer.name, now)).await {
            Ok(_) => {}
            Err(ImportError::Changed) => {
                let page = previewed(&state, &visitor, &tokens).await?;
                let sentence = ImportError::Changed.to_string();
                return Ok(Ended::Again(ImportsShown { problems: vec![format!("{sentence}.")], ..page }));
            }
            Err(error) => return Err(error.into()),
        }
        for token in &tokens {
            store::forget_draft(&mut *state.db.acquire().await?, books.workspace, token).await?;
        }
        Ok(Ended::Address("/imports?said=imported".into()))
    };
    let done = done.await;
    end(state.clone(), &visitor, parts, done).await
}

/// Remembers what the columns of a file are.
async fn map(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let done = async {
        let writer = writer(&visitor)?;
        let tokens = drafts_of(form.fields());
        let (books, now) = (state.books.now(), state.clock.now());
        let today = books.calendar.date(now);
        for file in waiting(&state, &tokens).await? {
            let mappings = store::mappings(&mut *state.db.acquire().await?, books.workspace).await?;
            let read = tokio::task::spawn_blocking(move || report::read(&file.content, &mappings, today));
            let Err(Refused::Unknown(unknown)) = read.await.map_err(ImportError::Task)? else { continue };
            let field = |n: usize| Field::parse(&form.text(&format!("column-{n}")));
            let fields: Vec<Option<Field>> = (0..unknown.headings.len()).map(field).collect();
            if let Err(sentence) = columns::check(&fields) {
                let page = previewed(&state, &visitor, &tokens).await?;
                return Ok(Ended::Again(ImportsShown { problems: vec![format!("{sentence}.")], ..page }));
            }
            let mapping = Mapping { signature: columns::signature(&unknown.headings), fields };
            store::map(&mut *state.db.acquire().await?, books.workspace, &mapping, (&writer.name, now)).await?;
        }
        Ok(Ended::Address(format!("{}&said=mapped", address(&tokens))))
    };
    let done = done.await;
    end(state.clone(), &visitor, parts, done).await
}

async fn undo(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    let done = async {
        let writer = writer(&visitor)?;
        let id = form.text("id").parse().map_err(|_| Failed::Unreadable)?;
        run::undo(&state.db, &state.bus, &state.books.now(), id, (&writer.name, state.clock.now())).await?;
        Ok(Ended::Address("/imports?said=undone".into()))
    };
    let done = done.await;
    end(state.clone(), &visitor, parts, done).await
}

/// What came of a request.
enum Ended {
    /// It goes on elsewhere.
    Address(String),
    /// The page.
    Page(ImportsShown),
    /// The page again, with what is wrong.
    Again(ImportsShown),
}

fn writer(visitor: &Visitor) -> Result<Writer, Failed> {
    Writer::of(visitor).ok_or(Failed::NotYours)
}

fn drafts_of(fields: &[(String, String)]) -> Vec<String> {
    fields.iter().filter(|(name, _)| name == "draft").map(|(_, value)| value.clone()).take(FILES_MAX).collect()
}

/// The files that wait; all of them, or none.
async fn waiting(state: &AppState, tokens: &[String]) -> Result<Vec<File>, Failed> {
    let (workspace, mut files) = (state.books.now().workspace, Vec::new());
    let mut db = state.db.acquire().await?;
    for token in tokens {
        let draft = store::draft(&mut db, workspace, token).await?;
        let gone = || Failed::Told(vec!["The files were imported or waited for too long: choose them again.".into()]);
        let draft = draft.ok_or_else(gone)?;
        files.push(File { name: draft.file_name, content: draft.content });
    }
    if files.is_empty() { Err(Failed::Unreadable) } else { Ok(files) }
}

async fn previewed(state: &AppState, visitor: &Visitor, tokens: &[String]) -> Result<ImportsShown, Failed> {
    let (books, now) = (state.books.now(), state.clock.now());
    let files = waiting(state, tokens).await?;
    let mut db = state.db.acquire().await?;
    let looked = run::look(&mut db, books.workspace, files, books.calendar.date(now)).await?;
    drop(db);
    let shown = looked.iter().zip(tokens).map(|(one, token)| file_shown(one, token, &books.calendar));
    let preview = PreviewShown {
        files: shown.collect(),
        can_apply: looked.iter().any(|one| one.plan().is_some()),
        digest: run::digest(&looked),
        drafts: tokens.to_vec(),
    };
    // What was looked at stays as it was seen: applying it checks that it still holds.
    Ok(ImportsShown { looked: Some(preview), changes: None, ..loaded(state, visitor).await? })
}

fn file_shown(one: &Looked, token: &str, calendar: &Calendar) -> FileShown {
    let name = one.name.clone();
    let (report, plan) = match &one.found {
        Ok(found) => found,
        Err(reason) => {
            let unknown =
                if let Refused::Unknown(unknown) = reason { Some(unknown_shown(unknown, token)) } else { None };
            let summary = format!("It cannot be imported: {reason}.");
            return FileShown { name, summary, is_refused: true, unknown, ..FileShown::default() };
        }
    };
    if let Some(before) = &one.before {
        return FileShown { name, summary: words::before(before, calendar), ..FileShown::default() };
    }
    let (rejected, differences) = (Looked::rejected(report, plan), words::differences(plan).count());
    let hidden = rejected.saturating_sub(SHOWN_MAX) + differences.saturating_sub(SHOWN_MAX);
    FileShown {
        name,
        summary: format!("{}: {}.", report.kind.title(), words::counts(report, plan)),
        is_refused: false,
        warnings: plan.warnings.iter().chain(&report.notices).cloned().collect(),
        rejected: words::rejected(report, plan).take(SHOWN_MAX).collect(),
        differences: words::differences(plan).take(SHOWN_MAX).collect(),
        hidden: if hidden == 0 {
            String::new()
        } else {
            format!("{} more rows are not shown.", crate::money::count(hidden as i64))
        },
        unknown: None,
    }
}

fn unknown_shown(unknown: &Unknown, token: &str) -> UnknownShown {
    let columns = unknown.headings.iter().enumerate().map(|(n, heading)| {
        let sample = unknown.sample.get(n).map(|text| text.chars().take(40).collect()).unwrap_or_default();
        let known = unknown.fields.get(n).copied().flatten().map_or("", Field::name);
        (if heading.is_empty() { format!("Column {}", n + 1) } else { heading.clone() }, sample, known)
    });
    UnknownShown { draft: token.to_owned(), columns: columns.collect() }
}

/// The page as things stand.
async fn loaded(state: &AppState, visitor: &Visitor) -> sqlx::Result<ImportsShown> {
    let books = state.books.now();
    let may_write = Writer::of(visitor).is_some();
    let mut db = state.db.acquire().await?;
    // The count first: what is imported meanwhile is then told again, not missed.
    let changes = store::changes(&mut db, books.workspace).await?;
    let history = store::history(&mut db, books.workspace).await?;
    let history = history.into_iter().map(|import| import_line(import, &books.calendar, may_write)).collect();
    Ok(ImportsShown { changes: Some(changes), history, may_write, ..ImportsShown::default() })
}

fn import_line(import: Import, calendar: &Calendar, may_write: bool) -> ImportLine {
    let at = |at| calendar.local(at).strftime("%-d %b %Y %H:%M").to_string();
    let undone = import.undone.as_ref().map(|(by, when)| format!("; taken back by {by}, {}", at(*when)));
    let Import { rows_new, rows_changed, rows_same, rows_rejected, kind, .. } = &import;
    ImportLine {
        id: import.id,
        summary: format!("{kind}: {rows_new} new, {rows_changed} changed, {rows_same} same, {rows_rejected} rejected"),
        made: format!("{}, {}{}", import.imported_by, at(import.imported_at), undone.unwrap_or_default()),
        may_undo: may_write && import.undone.is_none(),
        file_name: import.file_name,
    }
}

async fn end(state: AppState, visitor: &Visitor, parts: Parts, done: Result<Ended, Failed>) -> Response {
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let (status, said) = match done {
        Ok(Ended::Address(address)) => return Redirect::to(&address).into_response(),
        Ok(Ended::Page(page)) => return answer(state, parts, StatusCode::OK, Page::Imports(Box::new(page))).await,
        Ok(Ended::Again(page)) => return answer(state, parts, refused, Page::Imports(Box::new(page))).await,
        Err(Failed::Told(problems)) => match loaded(&state, visitor).await {
            Ok(page) => {
                let page = ImportsShown { problems, ..page };
                return answer(state, parts, refused, Page::Imports(Box::new(page))).await;
            }
            Err(error) => away(&error),
        },
        Err(Failed::NotYours) => (
            StatusCode::FORBIDDEN,
            Said {
                title: "That is not yours to change",
                sentence: "Viewers read; analysts and administrators import files. Nothing was changed.",
            },
        ),
        Err(Failed::Unreadable) => (
            StatusCode::BAD_REQUEST,
            Said {
                title: "The form could not be read",
                sentence: "Nothing was changed. Go back to the page of imports and choose the files again.",
            },
        ),
        Err(Failed::Away(error)) => away(&error),
    };
    answer(state, parts, status, Page::Said(said)).await
}

fn away(error: &sqlx::Error) -> (StatusCode, Said) {
    tracing::warn!(%error, "imports could not be shown or changed");
    (StatusCode::SERVICE_UNAVAILABLE, Said::AWAY)
}
