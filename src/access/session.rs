//! Who makes a request: a person by the session cookie, or a script by its API token.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use crate::access::model::Person;
use crate::access::visitors::Visitors;

/// The name of the session cookie.
pub const COOKIE: &str = "takings_session";
/// Seconds that the cookie lasts: as long as the session.
const COOKIE_SECONDS: u32 = 30 * 24 * 3600;

/// Someone who may read: extracting it is the authorisation.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// A person who is signed in.
    Person(Person),
    /// A script with an API token.
    Script,
}

impl Visitor {
    /// Whether they may see and change what is for administrators alone. Tokens are made on the server's command line, by
    /// whoever runs it.
    pub fn is_administrator(&self) -> bool {
        match self {
            Visitor::Person(person) => person.role == "administrator",
            Visitor::Script => true,
        }
    }

    /// Whether they may change settings, which hold for everybody: an administrator in person. A script with a token reads and
    /// records; what it breaks by changing settings nobody would have seen coming.
    pub fn may_change_settings(&self) -> bool {
        matches!(self, Visitor::Person(_)) && self.is_administrator()
    }
}

/// Someone who may change what everybody sees.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Their number; a script has none.
    pub person: Option<i32>,
    /// The name that stands beside what they wrote.
    pub name: String,
    is_administrator: bool,
}

impl Writer {
    /// Who a visitor is as a writer; viewers are none. Tokens are made on the server's command line, by whoever runs it.
    pub fn of(visitor: &Visitor) -> Option<Writer> {
        match visitor {
            Visitor::Script => Some(Writer { person: None, name: "API".into(), is_administrator: true }),
            Visitor::Person(person) if person.role == "viewer" => None,
            Visitor::Person(person) => Some(Writer {
                person: Some(person.id),
                name: person.name.clone(),
                is_administrator: person.role == "administrator",
            }),
        }
    }

    /// Whether they may change what somebody wrote: their own, or as an administrator.
    pub fn may_change(&self, author: Option<i32>) -> bool {
        self.is_administrator || self.person.is_some() && self.person == author
    }
}

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No session and no token, or neither is good.
    #[error("sign in first, or send an API token as Authorization: Bearer …")]
    SignedOut,
    /// Nobody can be known while the database is away.
    #[error("the database does not answer at the moment; try again")]
    Unavailable,
}

impl Denied {
    /// The status that says it.
    pub fn status(self) -> StatusCode {
        match self {
            Denied::SignedOut => StatusCode::UNAUTHORIZED,
            Denied::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What somebody shows to be let in: long connections keep it, to look at it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    token: Box<str>,
    is_script: bool,
}

impl Credential {
    /// An API token, or else the session of the cookie.
    pub fn of(headers: &HeaderMap) -> Option<Credential> {
        let script = bearer(headers).map(Credential::script);
        script.or_else(|| Some(Credential { token: session_token(headers)?.into(), is_script: false }))
    }

    /// An API token.
    pub fn script(token: &str) -> Credential {
        Credential { token: token.into(), is_script: true }
    }

    pub(super) fn parts(&self) -> (&str, bool) {
        (&self.token, self.is_script)
    }
}

/// The API token of a script.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// The session's token from the cookie.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE)
}

/// A cookie's value.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The header that sets the session cookie; an empty token takes it away. `secure` where the page is served by TLS.
pub fn set_cookie(token: &str, secure: bool) -> String {
    let age = if token.is_empty() { 0 } else { COOKIE_SECONDS };
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}")
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor
where
    Visitors: FromRef<S>,
{
    type Rejection = (StatusCode, String);

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let found = Visitors::from_ref(state).find(&parts.headers).await;
        found.map_err(|denied| (denied.status(), denied.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "theme=dark; takings_session=abc; x=y".parse().expect("a header"));
        assert_eq!(session_token(&headers), Some("abc"));
        assert_eq!(cookie(&headers, "theme"), Some("dark"));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn the_cookie_is_closed_to_scripts_and_other_sites() {
        assert!(set_cookie("abc", true).contains("HttpOnly; SameSite=Lax; Max-Age=2592000; Secure"));
        assert!(set_cookie("", false).contains("Max-Age=0"));
    }
}
