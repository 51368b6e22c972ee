//! The bus: how servers over one database wake one another. What there is to tell is in the database, so a wake-up says of
//! what kind the news is and nothing else: one that is lost or late delays, and loses nothing.

mod address;
mod nats;
mod postgres;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use sqlx::PgPool;

pub use address::{Address, BadAddress};
use nats::Nats;
use postgres::Postgres;

/// How long telling may take: whoever tells does not wait for a bus that hangs.
const TELL_WAIT: Duration = Duration::from_secs(2);

/// Of what kind news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the dashboard shows: orders, goals, notes.
    Figures,
    /// Settings or exchange rates, and with them the figures.
    Books,
    /// Imports of royalties.
    Imports,
    /// Who is here.
    Presence,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Figures, Kind::Books, Kind::Imports, Kind::Presence];

    /// The word for it on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Figures => "live",
            Kind::Books => "books",
            Kind::Imports => "imports",
            Kind::Presence => "presence",
        }
    }

    fn of_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One server's end of the bus. Cheap to clone.
#[derive(Clone)]
pub struct Bus(Arc<End>);

struct End {
    way: Way,
    /// Whether the last wake-up could not be sent, which the log knows by then.
    is_mute: AtomicBool,
    /// Whether anything was told.
    has_told: AtomicBool,
}

/// The way that wake-ups go.
enum Way {
    Postgres(Postgres),
    Nats(Nats),
}

impl Bus {
    /// The bus at an address. It connects by itself, and again whenever it was away. Has to be called within tokio.
    pub async fn at(address: &Address, db: &PgPool) -> Result<Bus, BadAddress> {
        match address {
            Address::Database => Ok(Bus::of_database(db)),
            Address::Nats(server) => Ok(Bus::by(Way::Nats(Nats::at(server).await?))),
        }
    }

    /// The bus that every database has: NOTIFY and LISTEN.
    pub fn of_database(db: &PgPool) -> Bus {
        Bus::by(Way::Postgres(Postgres::of(db)))
    }

    fn by(way: Way) -> Bus {
        Bus(Arc::new(End { way, is_mute: AtomicBool::new(false), has_told: AtomicBool::new(false) }))
    }

    /// Tells every server, this one too, that there is news of a kind; the commit comes first. Who cannot be told looks by
    /// itself before long, so it is no failure of what was committed.
    pub async fn tell(&self, kind: Kind) {
        self.0.has_told.store(true, Relaxed);
        let telling = async {
            match &self.0.way {
                Way::Postgres(postgres) => postgres.tell(kind).await,
                Way::Nats(nats) => nats.tell(kind).await,
            }
        };
        let told = tokio::time::timeout(TELL_WAIT, telling).await;
        match told.unwrap_or(Err(Untold::Late)) {
            Ok(()) => self.0.is_mute.store(false, Relaxed),
            Err(error) => {
                if !self.0.is_mute.swap(true, Relaxed) {
                    tracing::warn!(%error, "other servers were not told of a change; they find it at their next look");
                }
            }
        }
    }

    /// Sees to it that what was told has left, before the process ends.
    pub async fn flush(&self) {
        if let Way::Nats(nats) = &self.0.way
            && self.0.has_told.load(Relaxed)
        {
            // Nobody there to be told is no fault: see above.
            let _ = tokio::time::timeout(TELL_WAIT, nats.flush()).await;
        }
    }

    /// Hears for ever: calls `heard` for all that is told, and where something may have been missed.
    pub async fn hear(&self, heard: impl Fn(Kind)) {
        match &self.0.way {
            Way::Postgres(postgres) => postgres.hear(heard).await,
            Way::Nats(nats) => nats.hear(heard).await,
        }
    }
}

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    #[error("{0}")]
    Nats(#[from] async_nats::PublishError),
    #[error("it took longer than {TELL_WAIT:?}")]
    Late,
}
