//! The rooms there are, in PostgreSQL.

use sqlx::PgPool;

/// Rooms of a workspace at most: each is a line of every dock.
pub const ROOMS_MAX: i64 = 200;
/// The name of a room at most, in characters.
pub const NAME_CHARS_MAX: usize = 60;

/// Why a room is not changed. The sentence is for the person.
#[derive(Debug, thiserror::Error)]
pub enum Unchanged {
    /// The name is empty or too long.
    #[error("a room's name has 1 to {NAME_CHARS_MAX} characters")]
    Name,
    /// Another room has it.
    #[error("another room has this name")]
    Taken,
    /// There are as many as there may be.
    #[error("there are {ROOMS_MAX} rooms; remove one first")]
    TooMany,
    /// There is no such room.
    #[error("there is no such room any more")]
    Gone,
    /// The database refused or was away.
    #[error("the database does not answer at the moment; try again")]
    Away(#[from] sqlx::Error),
}

/// All rooms by their number, and what they are called.
pub async fn rooms(db: &PgPool, workspace: i32) -> sqlx::Result<Vec<(i32, String)>> {
    let rows = sqlx::query!("select id, name from voice_rooms where workspace_id = $1 order by id", workspace);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Adds a room; returns its number.
pub async fn add_room(db: &PgPool, workspace: i32, name: &str) -> Result<i32, Unchanged> {
    let name = readable(name)?;
    let added = sqlx::query_scalar!(
        "insert into voice_rooms (workspace_id, name)
         select $1, $2 where (select count(*) from voice_rooms where workspace_id = $1) < $3
         returning id",
        workspace,
        name,
        ROOMS_MAX
    );
    added.fetch_optional(db).await.map_err(refused)?.ok_or(Unchanged::TooMany)
}

/// Gives a room another name.
pub async fn rename_room(db: &PgPool, workspace: i32, id: i32, name: &str) -> Result<(), Unchanged> {
    let name = readable(name)?;
    let renamed =
        sqlx::query!("update voice_rooms set name = $3 where workspace_id = $1 and id = $2", workspace, id, name);
    if renamed.execute(db).await.map_err(refused)?.rows_affected() == 0 {
        return Err(Unchanged::Gone);
    }
    Ok(())
}

/// Takes a room away.
pub async fn remove_room(db: &PgPool, workspace: i32, id: i32) -> Result<(), Unchanged> {
    let removed = sqlx::query!("delete from voice_rooms where workspace_id = $1 and id = $2", workspace, id);
    if removed.execute(db).await?.rows_affected() == 0 {
        return Err(Unchanged::Gone);
    }
    Ok(())
}

fn readable(name: &str) -> Result<&str, Unchanged> {
    let name = name.trim();
    let is_readable = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    is_readable.then_some(name).ok_or(Unchanged::Name)
}

fn refused(error: sqlx::Error) -> Unchanged {
    match &error {
        sqlx::Error::Database(cause) if cause.constraint() == Some("voice_room_name") => Unchanged::Taken,
        _ => Unchanged::Away(error),
    }
}
