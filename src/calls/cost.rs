//! What the relay costs, as pages, files and scripts are told.

use sqlx::PgConnection;

use crate::calls::model::RelayCost;
use crate::calls::store;
use crate::period::Period;
use crate::server::state::AppState;

/// The price that is set, and how long the relay has carried people in this month of the workspace's calendar.
pub async fn relay_cost(state: &AppState, db: &mut PgConnection) -> sqlx::Result<RelayCost> {
    let books = state.books.now();
    let began = books.calendar.to_date(Period::Month, state.clock.now()).from;
    let settings = store::settings(&mut *db, books.workspace).await?;
    let month_seconds = state.calls.month_seconds(db, books.workspace, began).await?;
    Ok(RelayCost { settings, month_seconds })
}
