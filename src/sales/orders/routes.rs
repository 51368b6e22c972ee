//! `GET /api/v1/orders`, `/api/v1/orders/{id}` and `/api/v1/deliveries/{id}/body`.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LINK, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::export::local_time;
use crate::period::Window;
use crate::rest::Bytes;
use crate::rest::asked::{Pairs, QuestionParameters, in_query, question, value, words};
use crate::sales::orders::details;
use crate::sales::orders::model::{Cursor, OrderDetails, OrderPage};
use crate::sales::orders::store::{self, EntryRow, Listed};
use crate::sales::question::Question;
use crate::sales::snapshot::slice;
use crate::sales::{spans, store as sales};
use crate::server::problem::{Problem, Reader};
use crate::server::state::AppState;
use crate::sources;

/// Orders in a page that names no number of them.
const LIMIT: i64 = 50;
/// Orders in a page at most: each has some ten entries in the ledger, so a page is read within milliseconds.
const LIMIT_MAX: i64 = 200;

/// The routes, all for reading.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(body))
}

/// What the list takes beside the question.
struct PageParameters;

impl IntoParams for PageParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).default(Some(LIMIT.into()));
        let limit = number.minimum(Some(1)).maximum(Some(LIMIT_MAX));
        let cursor = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]+$"));
        let about =
            "Which orders: those that the figures count, or also tests, drafts, deleted, voided and failed ones.";
        vec![
            in_query("limit", "How many orders a page has.").schema(Some(limit)).build(),
            in_query("cursor", "`next` of the page before.").schema(Some(cursor)).build(),
            in_query("standing", about).schema(Some(words(["counted", "all"], Some("counted")))).build(),
        ]
    }
}

/// Which page of which list is asked for.
struct Paging {
    limit: i64,
    cursor: Option<Cursor>,
    all_standings: bool,
}

impl Paging {
    fn read(pairs: &Pairs, question: &Question) -> Result<Paging, Problem> {
        let limit = match value(pairs, "limit").map(str::parse) {
            None => LIMIT,
            Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => limit,
            Some(_) => return Err(bad(format!("limit is a number from 1 to {LIMIT_MAX}"))),
        };
        let all_standings = match value(pairs, "standing") {
            None | Some("counted") => false,
            Some("all") => true,
            Some(_) => return Err(bad("standing is one of counted, all")),
        };
        let list = fingerprint(question, all_standings);
        let cursor = value(pairs, "cursor").map(|text| {
            let sentence = "the cursor is not of this list: send the next of the page before, with the same question";
            let cursor = Cursor::parse(text).filter(|cursor| cursor.list == list);
            cursor.ok_or_else(|| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence))
        });
        Ok(Paging { limit, cursor: cursor.transpose()?, all_standings })
    }
}

fn bad(sentence: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, sentence)
}

/// Tells lists apart: two of the same question are the same list.
fn fingerprint(question: &Question, all_standings: bool) -> u32 {
    let digest = Sha256::digest(format!("{}&standing={all_standings}", question.query()));
    digest.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Orders, one by one
///
/// The orders of a question: those placed in its range that its filters let through, newest first. `compare`, `measure`,
/// `refunds` and `bucket` change nothing here.
///
/// A page ends with `next`; send it as `cursor`, with the same question, for the page after, until `next` is null. The header
/// `Link` has the whole address. Whatever arrives meanwhile, a walk meets each order that was there when it began once.
#[utoipa::path(
    get, path = "/api/v1/orders", operation_id = "orders", tag = "Orders",
    params(QuestionParameters, PageParameters),
    responses((status = OK, body = OrderPage, description = "A page of orders", headers(
        ("Link" = String, description = "The address of the next page, `rel=\"next\"`; not there on the last one"))))
)]
async fn list(_reader: Reader, State(state): State<AppState>, Query(pairs): Query<Pairs>) -> Result<Response, Problem> {
    let question = question(&pairs, &["limit", "cursor", "standing"])?;
    let paging = Paging::read(&pairs, &question)?;
    let page = page(&state, &question, &paging).await?;
    let mut headers = HeaderMap::new();
    if let Some(next) = &page.next
        && let Ok(link) = HeaderValue::from_str(&format!("<{}>; rel=\"next\"", address_of_next(&pairs, next)))
    {
        headers.insert(LINK, link);
    }
    Ok((headers, Json(page)).into_response())
}

fn address_of_next(pairs: &Pairs, next: &str) -> String {
    let asked = pairs.iter().filter(|(name, _)| name != "cursor");
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).append_pair("cursor", next).finish();
    format!("/api/v1/orders?{query}")
}

/// Reads a page from one consistent view of the database, in the books of that moment.
async fn page(state: &AppState, question: &Question, paging: &Paging) -> Result<OrderPage, Problem> {
    let mut db = state.db.acquire().await?;
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let books = &details::current_books(&mut tx, &state.books.now()).await?;
    let now = state.clock.now();
    let since = sales::first_day(&mut tx, books.workspace).await?;
    let since = since.and_then(|day| day.to_string().parse().ok()).unwrap_or_else(|| books.calendar.date(now));
    let spans = spans::resolve(question, &books.calendar, now, since)
        .map_err(|sentence| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence))?;
    let slice = slice(&question.filter, &sources::store::all(&mut *tx, books.workspace).await?)?;
    let Window { from, to } = spans.current;
    let from = paging.cursor.map_or(from, |cursor| cursor.from);
    let listed = Listed {
        window: Window { from, to },
        // Numbers begin at 1: nothing placed at the end itself is before it.
        before: paging.cursor.map_or((to, 0), |cursor| (cursor.placed_at, cursor.id)),
        slice: &slice,
        all_standings: paging.all_standings,
        // One more tells whether there is a next page.
        limit: paging.limit + 1,
    };
    let mut rows = store::page(&mut tx, books.workspace, &listed).await?;
    let has_next = rows.len() as i64 > paging.limit;
    rows.truncate(paging.limit as usize);
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut ledger: HashMap<i64, Vec<EntryRow>> = HashMap::new();
    for entry in store::ledger(&mut tx, books.workspace, &ids).await? {
        ledger.entry(entry.order_id).or_default().push(entry);
    }
    tx.commit().await?;
    let list = fingerprint(question, paging.all_standings);
    let last = rows.last().and_then(|row| Some((row.sale.as_ref()?.placed_at, row.id))).filter(|_| has_next);
    let next = last.map(|(placed_at, id)| Cursor { from, placed_at, id, list }.text());
    let orders = rows.into_iter().map(|row| {
        let ledger = ledger.remove(&row.id).unwrap_or_default();
        details::order(row, &ledger, books)
    });
    Ok(OrderPage {
        zone: books.calendar.zone_name().to_owned(),
        from: local_time(&books.calendar, from),
        orders: orders.collect(),
        next,
    })
}

/// One order with its ledger and its deliveries
///
/// Everything that is kept of an order: what is known of it now, the entries that its figures are made of, and the raw
/// deliveries that it was heard of by.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", operation_id = "order", tag = "Orders",
    params(("id" = i64, Path, minimum = 1, description = "The order's number in the ledger: `id` in the list", example = 1)),
    responses((status = OK, body = OrderDetails, description = "The order"))
)]
async fn one(_reader: Reader, State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "there is no order of this number; /api/v1/orders lists them");
    let id = number(&id).ok_or_else(missing)?;
    let found = details::find(&mut *state.db.acquire().await?, &state.books.now(), id).await?;
    let (details, _) = found.ok_or_else(missing)?;
    Ok(Json(details).into_response())
}

/// The body of a delivery as it came
///
/// The bytes that the sender signed, as a download. They may hold personal data of the buyer.
#[utoipa::path(
    get, path = "/api/v1/deliveries/{id}/body", operation_id = "delivery_body", tag = "Orders",
    params(("id" = i64, Path, minimum = 1, description = "The delivery's number: `id` among an order's deliveries", example = 1)),
    responses((status = OK, description = "The body", content_type = "application/octet-stream", body = Bytes))
)]
async fn body(_reader: Reader, State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let missing = || {
        Problem::new(StatusCode::NOT_FOUND, "there is no delivery of this number; /api/v1/orders/{id} lists an order's")
    };
    let id = number(&id).ok_or_else(missing)?;
    let workspace = state.books.now().workspace;
    let body = store::body(&mut *state.db.acquire().await?, workspace, id).await?.ok_or_else(missing)?;
    let name = format!("attachment; filename=\"delivery-{id}.json\"");
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // What others sent is never a page of ours, whatever a browser makes of it.
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ]);
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment")));
    Ok((headers, body).into_response())
}

/// A number in an address.
pub fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| *number > 0)
}
