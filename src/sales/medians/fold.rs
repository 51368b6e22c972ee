//! The task that takes what recordings add into the tree of order values.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::sales::medians::store;

/// How often it looks: what is not in the tree yet is read with every median, so it must not grow.
const FOLD_EVERY: Duration = Duration::from_secs(1);

/// Runs until `shutdown`. Recordings do not wait for it, and medians are right without it, only slower.
pub async fn run(db: PgPool, workspace: i32, shutdown: CancellationToken) {
    let mut failing = false;
    loop {
        let round = async {
            while store::fold(&db, workspace).await? {}
            Ok::<_, sqlx::Error>(())
        };
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = round => outcome,
        };
        match outcome {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!(%error, "order values are not folded; medians take longer until they are");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(FOLD_EVERY) => {}
        }
    }
}
