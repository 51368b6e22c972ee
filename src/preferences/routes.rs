//! `/preferences`: what the page's script asks and keeps for the person who is signed in.

use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use crate::access::session::Visitor;
use crate::preferences::model::Preferences;
use crate::preferences::store;
use crate::server::state::AppState;

/// A form at most, in bytes: all choices at once are a tenth of it.
const FORM_MAX_BYTES: usize = 1024;

/// `GET` says what was chosen, `POST` chooses anew by the fields it has.
pub fn routes() -> Router<AppState> {
    Router::new().route("/preferences", get(chosen).post(choose)).layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// Why nothing was said or kept: a status and a sentence.
type Refused = (StatusCode, String);

async fn chosen(State(state): State<AppState>, visitor: Visitor) -> Result<Json<Preferences>, Refused> {
    let person = person(&visitor)?;
    let chosen = async { store::of_person(&mut *state.db.acquire().await?, state.books.now().workspace, person).await };
    chosen.await.map(Json).map_err(away)
}

async fn choose(
    State(state): State<AppState>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<StatusCode, Refused> {
    let person = person(&visitor)?;
    let workspace = state.books.now().workspace;
    let mut tx = state.db.begin().await.map_err(away)?;
    let mut chosen = store::of_person(&mut tx, workspace, person).await.map_err(away)?;
    for (name, value) in &fields {
        chosen.choose(name, value).map_err(|sentence| (StatusCode::UNPROCESSABLE_ENTITY, sentence))?;
    }
    store::keep(&mut tx, workspace, person, chosen).await.map_err(away)?;
    tx.commit().await.map_err(away)?;
    Ok(StatusCode::NO_CONTENT)
}

fn person(visitor: &Visitor) -> Result<i32, Refused> {
    match visitor {
        Visitor::Person(person) => Ok(person.id),
        Visitor::Script => Err((StatusCode::FORBIDDEN, "only people have preferences: sign in as one".into())),
    }
}

fn away(cause: sqlx::Error) -> Refused {
    tracing::warn!(%cause, "preferences could not be used");
    (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer at the moment; try again".into())
}
