//! Visitors in memory for a moment, so that a busy script or page does not ask the database about itself each time.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use sqlx::PgPool;

use crate::access::secret;
use crate::access::session::{Credential, Denied, Visitor};
use crate::access::store;

/// How long an answer is believed: a session or token that was ended elsewhere stops working everywhere after this.
const BELIEVED_FOR: Duration = Duration::from_secs(1);
/// How often whoever keeps a connection open is looked at again.
pub const LOOKED_AT_EVERY: Duration = Duration::from_secs(30);
/// Visitors in memory; beyond it all are forgotten and asked for again.
const KNOWN_MAX: usize = 4_096;

type Known = HashMap<Vec<u8>, (Visitor, Instant)>;

/// Looks visitors up. Cheap to clone.
#[derive(Clone)]
pub struct Visitors {
    db: PgPool,
    /// By the hash of their session or token. Only the good ones: a guess costs a question.
    known: Arc<RwLock<Known>>,
}

impl Visitors {
    /// Nobody is known yet.
    pub fn new(db: PgPool) -> Visitors {
        Visitors { db, known: Arc::default() }
    }

    /// Who sent these headers.
    pub async fn find(&self, headers: &HeaderMap) -> Result<Visitor, Denied> {
        self.who(&Credential::of(headers).ok_or(Denied::SignedOut)?).await
    }

    /// Who shows this.
    pub async fn who(&self, credential: &Credential) -> Result<Visitor, Denied> {
        let (token, is_script) = credential.parts();
        let hash = secret::hash(token);
        if let Some(visitor) = self.believed(&hash) {
            return Ok(visitor);
        }
        let found = if is_script {
            store::token_is_good(&self.db, token).await.map(|good| good.then_some(Visitor::Script))
        } else {
            store::session_person(&self.db, token).await.map(|person| person.map(Visitor::Person))
        };
        let visitor = found.map_err(unavailable)?.ok_or(Denied::SignedOut)?;
        if let Ok(mut known) = self.known.write() {
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(hash, (visitor.clone(), Instant::now()));
        }
        Ok(visitor)
    }

    /// Whether who shows this is still let in; while the database is away, yes.
    pub async fn is_in(&self, credential: &Credential) -> bool {
        !matches!(self.who(credential).await, Err(Denied::SignedOut))
    }

    /// Ends a session, here at once.
    pub async fn end_session(&self, token: &str) -> sqlx::Result<()> {
        store::end_session(&self.db, token).await?;
        if let Ok(mut known) = self.known.write() {
            known.remove(&secret::hash(token));
        }
        Ok(())
    }

    fn believed(&self, hash: &[u8]) -> Option<Visitor> {
        let known = self.known.read().ok()?;
        let (visitor, looked_at) = known.get(hash)?;
        (looked_at.elapsed() < BELIEVED_FOR).then(|| visitor.clone())
    }
}

fn unavailable(error: sqlx::Error) -> Denied {
    tracing::warn!(%error, "a visitor could not be looked up");
    Denied::Unavailable
}
