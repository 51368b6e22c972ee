//! Server functions of the sales.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::sales::model::Snapshot;

/// What the dashboard needs for its first paint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// The figures.
    pub snapshot: Snapshot,
    /// Who looks at them.
    pub name: String,
}

/// The dashboard as it is now, for whoever is signed in. `fresh` asks the database, else memory answers.
#[server(input = leptos::server_fn::codec::Json)]
pub async fn load_dashboard(fresh: bool) -> Result<Dashboard, ServerFnError> {
    let (state, visitor) = crate::access::api::visitor().await?;
    server::dashboard(state, visitor, fresh).await
}

#[cfg(feature = "ssr")]
mod server {
    use super::*;
    use crate::access::session::Visitor;
    use crate::server::state::AppState;

    pub async fn dashboard(state: AppState, visitor: Visitor, fresh: bool) -> Result<Dashboard, ServerFnError> {
        let snapshot = if fresh { state.hub.compute().await } else { state.hub.snapshot().await };
        let snapshot = snapshot.map_err(|error| {
            tracing::warn!(%error, "the dashboard could not be computed");
            ServerFnError::new("The database does not answer at the moment.")
        })?;
        let name = match visitor {
            Visitor::Person(person) => person.name,
            Visitor::Script => "API".into(),
        };
        Ok(Dashboard { snapshot: snapshot.as_ref().clone(), name })
    }
}
