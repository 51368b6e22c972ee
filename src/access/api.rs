//! Server functions of access: sign in, sign out, use a link.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkPurpose {
    /// Whoever opens it becomes the first administrator.
    FirstAdministrator,
    /// It signs someone in.
    SignIn,
    /// It has expired or was used.
    Ended,
}

/// Signs in and goes to the dashboard. Public, and limited: attempts that fail are counted by name and address.
#[server(output = crate::json::Json)]
pub async fn sign_in(name: String, password: String) -> Result<(), ServerFnError> {
    server::sign_in(name, password).await
}

/// Signs out and goes to the sign-in page.
#[server(output = crate::json::Json)]
pub async fn sign_out() -> Result<(), ServerFnError> {
    server::sign_out().await
}

/// What a link is for. Public: the link is its own authorisation.
#[server(output = crate::json::Json)]
pub async fn read_link(token: String) -> Result<LinkPurpose, ServerFnError> {
    server::link_purpose(token).await
}

/// Uses a link: signs in whom it is for, or makes the first administrator of that name and password. Public: the
/// link is its own authorisation.
#[server(output = crate::json::Json)]
pub async fn use_link(token: String, name: Option<String>, password: Option<String>) -> Result<(), ServerFnError> {
    server::use_link(token, name, password).await
}

#[cfg(feature = "ssr")]
pub use server::visitor;

#[cfg(feature = "ssr")]
mod server {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;
    use axum::http::HeaderValue;
    use axum::http::header::SET_COOKIE;
    use axum::http::request::Parts;
    use leptos_axum::ResponseOptions;

    use super::*;
    use crate::access::model::PASSWORD_MIN_CHARS;
    use crate::access::session::{self, Visitor};
    use crate::access::{password, store};
    use crate::server::address;
    use crate::server::database::WORKSPACE;
    use crate::server::state::AppState;

    /// The state and headers of the request that a server function answers.
    fn request() -> Result<(AppState, Parts), ServerFnError> {
        use_context::<AppState>().zip(use_context::<Parts>()).ok_or_else(|| ServerFnError::new("there is no request"))
    }

    /// Who calls the server function: the first line of each that is not public.
    pub async fn visitor() -> Result<(AppState, Visitor), ServerFnError> {
        let (state, parts) = request()?;
        let visitor = state.visitors.find(&parts.headers).await.map_err(|denied| {
            expect_context::<ResponseOptions>().set_status(axum::http::StatusCode::UNAUTHORIZED);
            ServerFnError::new(denied)
        })?;
        Ok((state, visitor))
    }

    fn away(error: sqlx::Error) -> ServerFnError {
        tracing::warn!(%error, "access could not be looked up");
        ServerFnError::new("The database does not answer at the moment. Try again.")
    }

    fn set_session(parts: &Parts, token: &str) {
        let secure = parts.headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        if let Ok(value) = HeaderValue::from_str(&session::set_cookie(token, secure)) {
            expect_context::<ResponseOptions>().insert_header(SET_COOKIE, value);
        }
    }

    async fn begin(state: &AppState, parts: &Parts, person: i32) -> Result<(), ServerFnError> {
        let token = store::begin_session(&state.db, WORKSPACE, person).await.map_err(away)?;
        set_session(parts, &token);
        leptos_axum::redirect("/");
        Ok(())
    }

    pub async fn sign_in(name: String, password: String) -> Result<(), ServerFnError> {
        let (state, parts) = request()?;
        let subjects = [format!("name:{}", name.trim().to_lowercase()), format!("address:{}", address(&parts))];
        if store::failed_too_often(&state.db, &subjects).await.map_err(away)? {
            return Err(ServerFnError::new("Too many attempts. Try again in a quarter of an hour."));
        }
        let known = store::find_person(&state.db, WORKSPACE, name.trim()).await.map_err(away)?;
        let (person, stored) = known.map_or((None, None), |(id, hash)| (Some(id), Some(hash)));
        let right = password::verify(password, stored).await;
        match person.filter(|_| right) {
            Some(person) => begin(&state, &parts, person).await,
            None => {
                store::count_failure(&state.db, &subjects).await.map_err(away)?;
                Err(ServerFnError::new("The name or the password is not right."))
            }
        }
    }

    /// Whom a request comes from, as attempts are counted by.
    fn address(parts: &Parts) -> String {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        address::client(peer, &parts.headers).map_or_else(|| "unknown".to_owned(), |address| address.to_string())
    }

    pub async fn sign_out() -> Result<(), ServerFnError> {
        let (state, parts) = request()?;
        if let Some(token) = session::session_token(&parts.headers) {
            state.visitors.end_session(token).await.map_err(away)?;
        }
        set_session(&parts, "");
        leptos_axum::redirect("/sign-in");
        Ok(())
    }

    pub async fn link_purpose(token: String) -> Result<LinkPurpose, ServerFnError> {
        let (state, _) = request()?;
        Ok(match store::link_person(&state.db, &token).await.map_err(away)? {
            None => LinkPurpose::Ended,
            Some(None) => LinkPurpose::FirstAdministrator,
            Some(Some(_)) => LinkPurpose::SignIn,
        })
    }

    pub async fn use_link(token: String, name: Option<String>, password: Option<String>) -> Result<(), ServerFnError> {
        let (state, parts) = request()?;
        let ended = || ServerFnError::new("This link has expired or was used. Ask for a new one.");
        let person = store::link_person(&state.db, &token).await.map_err(away)?.ok_or_else(ended)?;
        let person = match person {
            Some(person) => {
                claim(&state, &token).await?;
                person
            }
            None => {
                let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
                let name = name.ok_or_else(|| ServerFnError::new("Give a name."))?;
                let password = password.filter(|p| p.chars().count() >= PASSWORD_MIN_CHARS).ok_or_else(|| {
                    ServerFnError::new(format!("Give a password of at least {PASSWORD_MIN_CHARS} characters."))
                })?;
                let hash =
                    password::hash(password).await.ok_or_else(|| ServerFnError::new("Choose another password."))?;
                claim(&state, &token).await?;
                store::put_person(&state.db, WORKSPACE, &name, &hash, "administrator").await.map_err(away)?
            }
        };
        begin(&state, &parts, person).await
    }

    async fn claim(state: &AppState, token: &str) -> Result<(), ServerFnError> {
        match store::use_link(&state.db, token).await.map_err(away)? {
            true => Ok(()),
            false => Err(ServerFnError::new("This link has expired or was used. Ask for a new one.")),
        }
    }
}
