//! What people have chosen, in PostgreSQL.

use sqlx::PgConnection;

use crate::preferences::model::Preferences;

/// What a person has chosen; the default for who never has.
pub async fn of_person(db: &mut PgConnection, workspace: i32, person: i32) -> sqlx::Result<Preferences> {
    let chosen = sqlx::query_as!(
        Preferences,
        "select live, toasts, sound, mute_free, mute_refunds, notify from preferences
         where workspace_id = $1 and person_id = $2",
        workspace,
        person
    );
    Ok(chosen.fetch_optional(db).await?.unwrap_or_default())
}

/// Keeps what a person has chosen.
pub async fn keep(db: &mut PgConnection, workspace: i32, person: i32, chosen: Preferences) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into preferences (workspace_id, person_id, live, toasts, sound, mute_free, mute_refunds, notify)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (workspace_id, person_id) do update
         set live = excluded.live, toasts = excluded.toasts, sound = excluded.sound, mute_free = excluded.mute_free,
             mute_refunds = excluded.mute_refunds, notify = excluded.notify",
        workspace,
        person,
        chosen.live,
        chosen.toasts,
        chosen.sound,
        chosen.mute_free,
        chosen.mute_refunds,
        chosen.notify
    )
    .execute(db)
    .await?;
    Ok(())
}
