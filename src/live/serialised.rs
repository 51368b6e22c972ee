//! An answer as JSON with its validator, made once for everyone who asks for it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};

use crate::live::hub::Hub;
use crate::rest::etag;
use crate::sales::question::Question;
use crate::sales::snapshot::Unanswered;

/// The bytes of an answer.
pub struct Serialised {
    version: i64,
    body: Bytes,
    tag: HeaderValue,
}

impl IntoResponse for &Serialised {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (ETAG, self.tag.clone())];
        (headers, self.body.clone()).into_response()
    }
}

impl Hub {
    /// The answer to a question as [`Hub::snapshot`] gives it.
    pub async fn serialised(&self, question: &Question) -> Result<Arc<Serialised>, Unanswered> {
        let snapshot = self.snapshot(question).await?;
        let version = snapshot.overview.version;
        let known = self.with_serialised(question, |known| known.clone());
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(known);
        }
        let body = serde_json::to_vec(snapshot.as_ref()).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let fresh = Arc::new(Serialised { version, tag: etag::of(&body), body: body.into() });
        self.with_serialised(question, |known| *known = Some(Arc::clone(&fresh)));
        Ok(fresh)
    }
}
