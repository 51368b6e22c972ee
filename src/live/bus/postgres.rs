//! The bus that every database has: NOTIFY, without payload, and LISTEN.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;

use super::{Kind, Untold, store};
use crate::server::database::OwnConnection;

/// The first pause after a lost connection; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// What the names of channels begin with.
const CHANNELS: &str = "takings_";

/// One server's end.
pub struct Postgres {
    db: PgPool,
    telling: Mutex<OwnConnection>,
}

impl Postgres {
    /// The end of a server that uses `db`.
    pub fn of(db: &PgPool) -> Postgres {
        Postgres { db: db.clone(), telling: Mutex::new(OwnConnection::beside(db)) }
    }

    /// Sends one NOTIFY.
    pub async fn tell(&self, kind: Kind) -> Result<(), Untold> {
        let mut telling = self.telling.lock().await;
        Ok(telling.with(async |db| store::notify(db, &channel(kind)).await).await?)
    }

    /// Listens; connects again by itself, and looks after each gap.
    pub async fn hear(&self, heard: impl Fn(Kind)) {
        let mut pause = PAUSE_FIRST;
        loop {
            pause = match self.listen(&heard).await {
                Ok(()) => PAUSE_FIRST,
                Err(error) => {
                    tracing::debug!(%error, "listening was interrupted");
                    (pause * 2).min(PAUSE_MAX)
                }
            };
            // The hub says whether the database is away.
            heard(Kind::Figures);
            tokio::time::sleep(pause).await;
        }
    }

    async fn listen(&self, heard: impl Fn(Kind)) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(&self.db).await?;
        let channels = Kind::ALL.map(channel);
        listener.listen_all(channels.iter().map(String::as_str)).await?;
        // What was told while nobody listened.
        Kind::ALL.into_iter().for_each(&heard);
        while let Some(told) = listener.try_recv().await? {
            told.channel().strip_prefix(CHANNELS).and_then(Kind::of_word).into_iter().for_each(&heard);
        }
        Ok(())
    }
}

fn channel(kind: Kind) -> String {
    format!("{CHANNELS}{}", kind.word())
}
