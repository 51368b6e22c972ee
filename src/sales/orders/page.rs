//! `GET /orders/{id}`, the page of an order.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;

use crate::app::{Page, Said, answer};
use crate::sales::orders::routes::number;
use crate::sales::orders::{details, store, words};
use crate::server::state::AppState;

/// The route; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new().route("/orders/{id}", get(show))
}

async fn show(State(state): State<AppState>, Path(id): Path<String>, parts: Parts) -> Response {
    let (status, page) = match found(&state, &id).await {
        Ok(Some(page)) => (StatusCode::OK, page),
        Ok(None) => (
            StatusCode::NOT_FOUND,
            Page::Said(Said {
                title: "There is no such order",
                sentence: "No order has this number. A figure's rows on the dashboard lead to its orders.",
            }),
        ),
        Err(error) => {
            tracing::warn!(%error, "an order could not be shown");
            (StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY))
        }
    };
    answer(state, parts, status, page).await
}

async fn found(state: &AppState, id: &str) -> sqlx::Result<Option<Page>> {
    let Some(id) = number(id) else { return Ok(None) };
    let mut db = state.db.acquire().await?;
    let Some((details, books)) = details::find(&mut db, &state.books.now(), id).await? else { return Ok(None) };
    let bodies = store::bodies(&mut db, books.workspace, id).await?;
    Ok(Some(Page::Order(Box::new(words::shown(&details, &bodies, &books.calendar)))))
}
