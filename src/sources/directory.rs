//! The sources in memory, so that a delivery does not begin with a question to the database.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use sqlx::PgPool;

use crate::sources::{Source, store};

/// How long a source is believed: a rotated secret works everywhere after this.
const BELIEVED_FOR: Duration = Duration::from_secs(2);

/// Every source, and when they were looked up.
type Everyone = (Vec<Source>, Instant);

/// Looks sources up by name. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    db: PgPool,
    workspace: i32,
    known: Arc<RwLock<HashMap<String, (Source, Instant)>>>,
    everyone: Arc<RwLock<Option<Everyone>>>,
}

impl Directory {
    /// A directory of the workspace's sources.
    pub fn new(db: PgPool, workspace: i32) -> Directory {
        Directory { db, workspace, known: Arc::default(), everyone: Arc::default() }
    }

    /// The source of that name. While the database is away, what was known of it last.
    pub async fn find(&self, name: &str) -> sqlx::Result<Option<Source>> {
        let known = self.known.read().ok().and_then(|known| known.get(name).cloned());
        if let Some((source, looked_at)) = &known
            && looked_at.elapsed() < BELIEVED_FOR
        {
            return Ok(Some(source.clone()));
        }
        let found = match (store::find(&self.db, self.workspace, name).await, known) {
            (Ok(found), _) => found,
            (Err(_), Some((source, _))) => return Ok(Some(source)),
            (Err(error), None) => return Err(error),
        };
        if let (Some(source), Ok(mut known)) = (&found, self.known.write()) {
            known.insert(name.to_owned(), (source.clone(), Instant::now()));
        }
        Ok(found)
    }

    /// Every source; while the database is away, those known last.
    pub async fn all(&self) -> sqlx::Result<Vec<Source>> {
        let known = self.everyone.read().ok().and_then(|known| known.clone());
        if let Some((sources, looked_at)) = &known
            && looked_at.elapsed() < BELIEVED_FOR
        {
            return Ok(sources.clone());
        }
        let found = match (store::all(&self.db, self.workspace).await, known) {
            (Ok(found), _) => found,
            (Err(_), Some((sources, _))) => return Ok(sources),
            (Err(error), None) => return Err(error),
        };
        if let Ok(mut known) = self.everyone.write() {
            *known = Some((found.clone(), Instant::now()));
        }
        Ok(found)
    }
}
