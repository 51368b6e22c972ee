//! Server functions of the sales.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::sales::inspector::model::Panel;
use crate::sales::model::{Controls, Snapshot};

/// What the dashboard needs for its first paint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// The figures.
    pub snapshot: Snapshot,
    /// The menus of the page.
    pub controls: Controls,
    /// Who looks at them.
    pub name: String,
    /// Whether they want the page to follow by itself.
    pub live: bool,
    /// What is behind the figure that the query names, where it names one.
    pub panel: Option<Panel>,
}

/// The answer to the question of a query as it is now, for whoever is signed in. `fresh` asks the database, else memory
/// answers.
#[server(input = crate::json::Json, output = crate::json::Json)]
pub async fn load_dashboard(query: String, fresh: bool) -> Result<Dashboard, ServerFnError> {
    let (state, visitor) = crate::access::api::visitor().await?;
    server::dashboard(state, visitor, &query, fresh).await
}

#[cfg(feature = "ssr")]
mod server {
    use std::sync::Arc;

    use super::*;
    use crate::access::session::Visitor;
    use crate::preferences::model::Preferences;
    use crate::preferences::store as preferences;
    use crate::sales::controls;
    use crate::sales::inspector::api::panel;
    use crate::sales::inspector::figure_of;
    use crate::sales::question::{NoQuestion, Question};
    use crate::sales::snapshot::Unanswered;
    use crate::server::state::AppState;

    pub async fn dashboard(
        state: AppState,
        visitor: Visitor,
        query: &str,
        fresh: bool,
    ) -> Result<Dashboard, ServerFnError> {
        let question = question(query).map_err(ServerFnError::new)?;
        let snapshot = if fresh { state.hub.compute(&question).await } else { state.hub.snapshot(&question).await };
        let snapshot = snapshot.map_err(|error| {
            if let Unanswered::Database(cause) = &error {
                tracing::warn!(%cause, "the dashboard could not be computed");
            }
            ServerFnError::new(error)
        })?;
        let sources = state.sources.all().await.unwrap_or_default();
        let (name, live) = match visitor {
            Visitor::Person(person) => (person.name, wants_live(&state, person.id).await),
            Visitor::Script => ("API".into(), true),
        };
        let countries = match question.filter.countries[..] {
            [] => Arc::clone(&snapshot),
            // The menu offers the others too.
            _ => state
                .hub
                .snapshot(&controls::of_all_countries(&question))
                .await
                .unwrap_or_else(|_| Arc::clone(&snapshot)),
        };
        let countries = countries.tables.iter().find(|table| table.name == "countries").cloned().unwrap_or_default();
        let controls = controls::controls(&question, &sources, &countries);
        let panel = match figure_of(query.trim_start_matches('?')) {
            "" => None,
            // A figure that is not there is no reason to show none.
            _ => panel(&state, query).await.ok(),
        };
        Ok(Dashboard { snapshot: snapshot.as_ref().clone(), controls, name, live, panel })
    }

    async fn wants_live(state: &AppState, person: i32) -> bool {
        let chosen = async {
            preferences::of_person(&mut *state.db.acquire().await?, state.books.now().workspace, person).await
        };
        let chosen: sqlx::Result<Preferences> = chosen.await;
        chosen.unwrap_or_default().live
    }

    /// The question of a query as it stands in an address, with or without its `?`.
    fn question(query: &str) -> Result<Question, NoQuestion> {
        let pairs: Vec<_> = form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).collect();
        Question::parse(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }
}
