//! The server function of the inspector.

use leptos::prelude::*;

use crate::sales::inspector::model::Panel;

/// What stands behind the figure that a query names.
#[server(input = crate::json::Json, output = crate::json::Json)]
pub async fn inspect_figure(query: String) -> Result<Panel, ServerFnError> {
    let (state, _visitor) = crate::access::api::visitor().await?;
    server::panel(&state, &query).await
}

#[cfg(feature = "ssr")]
pub use server::panel;

#[cfg(feature = "ssr")]
mod server {
    use super::*;
    use crate::sales::inspector::inspect::inspect;
    use crate::sales::inspector::routes::asked;
    use crate::sales::inspector::words;
    use crate::sales::snapshot::Unanswered;
    use crate::server::state::AppState;

    /// The panel for a query.
    pub async fn panel(state: &AppState, query: &str) -> Result<Panel, ServerFnError> {
        let asked = asked(query).map_err(ServerFnError::new)?;
        let inspected = async {
            let mut db = state.db.acquire().await?;
            inspect(&mut db, &state.books.now(), &asked, state.clock.now()).await
        };
        let inspection = inspected.await.map_err(|error| {
            if let Unanswered::Database(cause) = &error {
                tracing::warn!(%cause, "a figure could not be explained");
            }
            ServerFnError::new(error)
        })?;
        Ok(words::panel(&asked, &inspection))
    }
}
