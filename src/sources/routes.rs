//! The webhook endpoints: signature, then body, then the recorder; answered after the commit.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::sales::recording::Delivery;
use crate::server::state::AppState;
use crate::sources::{Format, Reading, Source, shopify, standard};

/// The largest body: Shopify's largest orders are below 1 MB.
const BODY_MAX_BYTES: usize = 2 * 1024 * 1024;

/// `POST /webhooks/{format}/{source}`, and `POST /webhook/shopify`, the address of the page that Takings replaces.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/webhooks/shopify/{source}", post(from_shopify))
        .route("/webhook/shopify", post(from_the_only_shopify))
        .route("/webhooks/standard/{source}", post(from_standard))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
}

async fn from_shopify(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match find(&state, &name).await {
        Ok(source) => take_shopify(&state, source, &headers, body).await,
        Err(response) => response,
    }
}

/// A delivery at the old address, which names no source: it can be of one alone.
async fn from_the_only_shopify(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let mut sources = match state.sources.all().await {
        Ok(sources) => sources.into_iter().filter(|source| source.platform == Format::Shopify.name()),
        Err(error) => return unknown_for_now(&error),
    };
    match (sources.next(), sources.next()) {
        (Some(source), None) => take_shopify(&state, source, &headers, body).await,
        (None, _) => refusal(
            StatusCode::NOT_FOUND,
            "there is no source of the platform shopify: add it with `takings source add`",
        ),
        (Some(_), Some(_)) => refusal(
            StatusCode::CONFLICT,
            "there are several sources of the platform shopify: deliver to /webhooks/shopify/NAME, with the source's name",
        ),
    }
}

async fn take_shopify(state: &AppState, source: Source, headers: &HeaderMap, body: Bytes) -> Response {
    if !shopify::is_signed(headers, &body, &source.secrets) {
        return refusal(StatusCode::UNAUTHORIZED, "the signature does not match: check the secret of this source");
    }
    let reading = Format::Shopify.read(shopify::header(headers, "topic").unwrap_or_default(), &body);
    let external_id = shopify::header(headers, "webhook-id").map(str::to_owned);
    take(state, source, Format::Shopify, external_id, body, reading).await
}

async fn from_standard(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let source = match find(&state, &name).await {
        Ok(source) => source,
        Err(response) => return response,
    };
    if !standard::is_signed(&headers, &body, &source.secrets) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "the signature does not match or is older than five minutes: check the secret and the clock",
        );
    }
    let external_id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let reading = Format::Standard.read("", &body);
    take(&state, source, Format::Standard, external_id, body, reading).await
}

async fn find(state: &AppState, name: &str) -> Result<Source, Response> {
    match state.sources.find(name).await {
        Ok(Some(source)) => Ok(source),
        Ok(None) => {
            Err(refusal(StatusCode::NOT_FOUND, "there is no source of this name: add it with `takings source add`"))
        }
        Err(error) => Err(unknown_for_now(&error)),
    }
}

fn unknown_for_now(error: &sqlx::Error) -> Response {
    tracing::warn!(%error, "a source could not be looked up");
    refusal(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer at the moment; please deliver again")
}

/// Records the delivery, also one that can't be read: it is kept for replay.
async fn take(
    state: &AppState,
    source: Source,
    format: Format,
    external_id: Option<String>,
    body: Bytes,
    reading: Reading,
) -> Response {
    let (order, problem) = match reading.order {
        Ok(order) => (order, None),
        Err(unreadable) => (None, Some(unreadable.to_string())),
    };
    let delivery = Delivery {
        source: source.id,
        platform: source.platform,
        received_at: state.clock.now(),
        format,
        topic: reading.topic,
        external_id,
        body,
        problem: problem.clone(),
        order,
    };
    match (state.recorder.record(delivery).await, problem) {
        (Ok(()), None) => StatusCode::OK.into_response(),
        (Ok(()), Some(problem)) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &problem),
        (Err(error), _) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, why.to_owned()).into_response()
}
