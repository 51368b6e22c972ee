//! Plain forms of pages, as the browser sends them.

use axum::extract::{Form, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::{Page, Said, answer};
use crate::server::state::AppState;

/// What a form sent: extracting it answers what cannot be read with a page that says so.
pub struct Sent(Vec<(String, String)>);

/// A field of a form or of an address's query, without the spaces around it, if it is there.
pub fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
}

/// What a page says of a form that was sent before: `sayings` are the words that its address may ask for by `said`, each with
/// its sentence.
pub fn said(query: &[(String, String)], sayings: &[(&str, &'static str)]) -> &'static str {
    sayings.iter().find(|(word, _)| field(query, "said") == Some(word)).map_or("", |(_, sentence)| *sentence)
}

impl Sent {
    /// All fields, in their order.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }

    /// A field without the spaces around it, if it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        field(&self.0, name)
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
