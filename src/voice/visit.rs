//! Whose socket it is: asked for each message, and remembered while it cannot be asked.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::access::model::Person;
use crate::access::session::{Credential, Denied, Visitor};
use crate::access::visitors::Visitors;

/// So long an answer is waited for: whoever talks meanwhile is told nothing.
const ASKED_MAX: Duration = Duration::from_secs(2);
/// When there was none, it is asked again after this.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Somebody with a socket.
pub struct Visit {
    /// Who, as they were known last.
    pub person: Person,
    visitors: Visitors,
    credential: Credential,
    away_until: Option<Instant>,
}

/// Whether somebody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are.
    In,
    /// They were, and the database is away: a call goes on, and nobody begins one.
    Unknown,
    /// No longer.
    Out,
}

impl Visit {
    /// Somebody who has been let in just now.
    pub fn new(person: Person, visitors: Visitors, credential: Credential) -> Visit {
        Visit { person, visitors, credential, away_until: None }
    }

    /// Whether they are still let in.
    pub async fn standing(&mut self) -> Standing {
        if self.away_until.is_some_and(|until| Instant::now() < until) {
            return Standing::Unknown;
        }
        let asked = timeout(ASKED_MAX, self.visitors.who(&self.credential)).await;
        self.away_until = None;
        match asked.unwrap_or(Err(Denied::Unavailable)) {
            Ok(Visitor::Person(person)) => {
                self.person = person;
                Standing::In
            }
            Err(Denied::Unavailable) => {
                self.away_until = Some(Instant::now() + ASKED_AGAIN_AFTER);
                Standing::Unknown
            }
            Ok(Visitor::Script) | Err(Denied::SignedOut) => Standing::Out,
        }
    }
}
