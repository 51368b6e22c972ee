//! Who may see calls, as extractors: pages, files and forms are refused before anything that was sent is read.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use crate::access::session::Visitor;
use crate::app::{Page, Said, answer};
use crate::server::state::AppState;

/// What is said to who is no administrator.
const NOT_YOURS: Said = Said {
    title: "Calls are for administrators",
    sentence: "This page shows who talks with whom and how well. Ask an administrator for what you want to know.",
};

/// Somebody who may see calls.
pub struct Administrator(pub Visitor);

/// Somebody who may also change what everybody has of them: rooms, how long calls are kept, the price.
pub struct CallsChanger;

impl FromRequestParts<AppState> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Administrator, Response> {
        match parts.extensions.get::<Visitor>() {
            Some(visitor) if visitor.is_administrator() => Ok(Administrator(visitor.clone())),
            _ => Err(answer(state.clone(), parts.clone(), StatusCode::FORBIDDEN, Page::Said(NOT_YOURS)).await),
        }
    }
}

impl FromRequestParts<AppState> for CallsChanger {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<CallsChanger, Response> {
        let Administrator(visitor) = Administrator::from_request_parts(parts, state).await?;
        if visitor.may_change_settings() {
            return Ok(CallsChanger);
        }
        Err(answer(state.clone(), parts.clone(), StatusCode::FORBIDDEN, Page::Said(Said::FOR_ADMINISTRATORS)).await)
    }
}
