//! What every recording and every figure of a workspace needs to know: its currency, its calendar, the rates.

use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;

use crate::exchange::{Rates, RatesError};
use crate::money::Currency;
use crate::period::{Calendar, UnknownZone};
use crate::sales::sums::kept::Kept;
use crate::settings::store;

/// A workspace's settings with the exchange rates. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {
    /// The workspace.
    pub workspace: i32,
    /// Counts the changes of the settings and the rates; [`Books::at`] compares it.
    pub revision: i64,
    /// The reporting currency.
    pub currency: Currency,
    /// Its zone and first day of the week.
    pub calendar: Calendar,
    /// The average length of a title in minutes (R3).
    pub completes_minutes: i32,
    /// Exchange rates.
    pub rates: Arc<Rates>,
    /// Sums of days, as these books count them.
    pub kept: Arc<Kept>,
}

/// Why a workspace's books could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The database refused or was away.
    #[error("the database could not be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The zone in the settings is none.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// The shipped rates are damaged.
    #[error(transparent)]
    Rates(#[from] RatesError),
    /// The reporting currency in the settings is none.
    #[error("the workspace's currency {0:?} is no currency code")]
    Currency(String),
}

impl From<BooksError> for sqlx::Error {
    fn from(error: BooksError) -> sqlx::Error {
        match error {
            BooksError::Database(error) => error,
            other => sqlx::Error::Decode(Box::new(other)),
        }
    }
}

impl Books {
    /// These books if they are of `revision`, else those that are in the database now. A recording asks after it has
    /// locked the cursor, and a figure within its view of the database: neither can mix two currencies or two zones.
    pub async fn at(&self, revision: i64, db: &mut PgConnection) -> sqlx::Result<Books> {
        if self.revision == revision {
            return Ok(self.clone());
        }
        Ok(store::books(db, self.workspace, self.rates.carried()).await?)
    }
}

/// The books of a running server, which change while it runs. Cheap to clone.
#[derive(Clone)]
pub struct BooksHandle(Arc<Shared>);

struct Shared {
    books: RwLock<Arc<Books>>,
    look: Notify,
}

impl BooksHandle {
    /// A handle to `books`, which are read again by [`BooksHandle::refresh`].
    pub fn new(books: Books) -> BooksHandle {
        BooksHandle(Arc::new(Shared { books: RwLock::new(Arc::new(books)), look: Notify::new() }))
    }

    /// The books as they were last read: take them for one piece of work, and ask again for the next.
    pub fn now(&self) -> Arc<Books> {
        Arc::clone(&self.0.books.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the books again if they have changed; whether they had.
    pub async fn refresh(&self, db: &PgPool) -> sqlx::Result<bool> {
        let mut db = db.acquire().await?;
        let known = self.now();
        let revision = store::books_revision(&mut db, known.workspace).await?;
        if revision == known.revision {
            return Ok(false);
        }
        let books = known.at(revision, &mut db).await?;
        *self.0.books.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(books);
        Ok(true)
    }

    /// Says that the books may have changed.
    pub fn look(&self) {
        self.0.look.notify_one();
    }

    /// Waits until somebody says that the books may have changed.
    pub async fn looked(&self) {
        self.0.look.notified().await;
    }
}
