//! Setting goals and writing notes: who may, and telling every open page. Behind the page's forms and the API.

use crate::access::session::Writer;
use crate::goals::model::{NewGoal, NewNote, Unwritten};
use crate::goals::store;
use crate::live::bus::Kind;
use crate::server::state::AppState;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What was written is no goal or no note.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// No such goal.
    #[error("there is no goal of this number; /api/v1/goals lists them")]
    NoGoal,
    /// No such note.
    #[error("there is no note of this number; /api/v1/annotations lists them")]
    NoNote,
    /// It is somebody else's note, or a viewer asks.
    #[error("only the author of a note and administrators change or remove it")]
    NotYours,
    /// The database refused or was away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Sets a goal in the place of the one of its period and measure. Returns its number.
pub async fn set_goal(
    state: &AppState,
    writer: &Writer,
    period: &str,
    measure: &str,
    target: &str,
) -> Result<i32, Refused> {
    let books = state.books.now();
    let goal = NewGoal::read(period, measure, target, books.currency)?;
    let now = state.clock.now();
    let id = store::set_goal(&state.db, books.workspace, goal, books.currency, &writer.name, now).await?;
    announce(state).await;
    Ok(id)
}

/// Removes the goal of that number; every writer may.
pub async fn remove_goal(state: &AppState, _writer: &Writer, id: &str) -> Result<(), Refused> {
    let id = number(id).ok_or(Refused::NoGoal)?;
    if !store::remove_goal(&state.db, state.books.now().workspace, id).await? {
        return Err(Refused::NoGoal);
    }
    announce(state).await;
    Ok(())
}

/// Adds a note and returns its number.
pub async fn add_note(state: &AppState, writer: &Writer, note: &NewNote) -> Result<i32, Refused> {
    let author = (writer.person, writer.name.as_str());
    let id = store::add_note(&state.db, state.books.now().workspace, note, author, state.clock.now()).await?;
    let id = id.ok_or(Unwritten::Full)?;
    announce(state).await;
    Ok(id)
}

/// Changes the note of that number, which it returns.
pub async fn change_note(state: &AppState, writer: &Writer, id: &str, note: &NewNote) -> Result<i32, Refused> {
    let id = own(state, writer, id).await?;
    store::change_note(&state.db, state.books.now().workspace, id, note, state.clock.now()).await?;
    announce(state).await;
    Ok(id)
}

/// Removes the note of that number.
pub async fn remove_note(state: &AppState, writer: &Writer, id: &str) -> Result<(), Refused> {
    let id = own(state, writer, id).await?;
    store::remove_note(&state.db, state.books.now().workspace, id).await?;
    announce(state).await;
    Ok(())
}

/// The number of a note that the writer may change.
async fn own(state: &AppState, writer: &Writer, id: &str) -> Result<i32, Refused> {
    let id = number(id).ok_or(Refused::NoNote)?;
    let note = store::note(&state.db, state.books.now().workspace, id).await?.ok_or(Refused::NoNote)?;
    if writer.may_change(note.author_id) { Ok(id) } else { Err(Refused::NotYours) }
}

fn number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|number| *number > 0)
}

/// Tells every open page, here at once and on other servers.
async fn announce(state: &AppState) {
    state.hub.wake();
    state.bus.tell(Kind::Figures).await;
}
