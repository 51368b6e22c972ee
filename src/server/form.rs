//! Plain forms of pages, as the browser sends them.

use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{Page, Said, answer};
use crate::server::state::AppState;

/// What a form sent: extracting it answers what cannot be read with a page that says so.
pub struct Sent(Vec<(String, String)>);

impl Sent {
    /// A field without the spaces around it, if it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// The same as text; empty where it was not sent.
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

impl FromRequest<AppState> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Sent, Response> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts.clone(), body);
        match Form::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Sent(fields)),
            Err(_) => Err(answer(state.clone(), parts, StatusCode::BAD_REQUEST, Page::Said(Said::UNREADABLE)).await),
        }
    }
}
