//! Goals and notes in PostgreSQL.

use chrono::NaiveDate;
use jiff::civil::Date;
use sqlx::{PgConnection, PgPool};

use crate::goals::model::{Goal, GoalMeasure, GoalPeriod, NOTE_DAYS, NOTES_MAX, NewGoal, NewNote, Note};
use crate::money::Currency;
use crate::period::{Instant, sql_date};

/// The goals, the shortest period first.
pub async fn goals(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Goal>> {
    let rows = sqlx::query!(
        "select id, period, measure, target, currency, set_by, set_at from goals where workspace_id = $1",
        workspace
    )
    .fetch_all(db)
    .await?;
    let goals = rows.into_iter().filter_map(|row| {
        Some(Goal {
            id: row.id,
            period: GoalPeriod::parse(&row.period)?,
            measure: GoalMeasure::parse(&row.measure)?,
            target: row.target,
            currency: row.currency.as_deref().and_then(Currency::parse),
            set_by: row.set_by,
            set_at: row.set_at,
        })
    });
    let mut goals: Vec<Goal> = goals.collect();
    goals.sort_by_key(|goal| (goal.period as u8, goal.measure as u8));
    Ok(goals)
}

/// Sets a goal, in the place of the one there is of its period and measure. Returns its number.
pub async fn set_goal(
    db: &PgPool,
    workspace: i32,
    goal: NewGoal,
    reporting: Currency,
    by: &str,
    now: Instant,
) -> sqlx::Result<i32> {
    let currency = (goal.measure != GoalMeasure::Orders).then(|| reporting.to_string());
    sqlx::query_scalar!(
        "insert into goals (workspace_id, period, measure, target, currency, set_by, set_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint goal_once do update
         set target = excluded.target, currency = excluded.currency, set_by = excluded.set_by, set_at = excluded.set_at
         returning id",
        workspace,
        goal.period.name(),
        goal.measure.name(),
        goal.target,
        currency,
        by,
        now
    )
    .fetch_one(db)
    .await
}

/// Removes a goal; whether it was there.
pub async fn remove_goal(db: &PgPool, workspace: i32, id: i32) -> sqlx::Result<bool> {
    let removed = sqlx::query!("delete from goals where workspace_id = $1 and id = $2", workspace, id);
    Ok(removed.execute(db).await?.rows_affected() == 1)
}

/// A row of notes.
struct NoteRow {
    id: i32,
    first_day: NaiveDate,
    last_day: NaiveDate,
    body: String,
    author_id: Option<i32>,
    author: String,
    written_at: Instant,
    edited_at: Option<Instant>,
}

impl From<NoteRow> for Note {
    fn from(row: NoteRow) -> Note {
        Note {
            id: row.id,
            first: date(row.first_day),
            last: date(row.last_day),
            text: row.body,
            author_id: row.author_id,
            author: row.author,
            written_at: row.written_at,
            edited_at: row.edited_at,
        }
    }
}

/// The newest notes about any day from `first` to `last`, at most `limit`, the last day first.
pub async fn notes(
    db: &mut PgConnection,
    workspace: i32,
    first: NaiveDate,
    last: NaiveDate,
    limit: i64,
) -> sqlx::Result<Vec<Note>> {
    let rows = sqlx::query_as!(
        NoteRow,
        "select id, first_day, last_day, body, author_id, author, written_at, edited_at from annotations
         where workspace_id = $1 and first_day <= $3 and last_day >= $2 order by first_day desc, id desc limit $4",
        workspace,
        first,
        last,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Note::from).collect())
}

/// All notes.
pub async fn all_notes(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Note>> {
    notes(db, workspace, sql_date(NOTE_DAYS.0), sql_date(NOTE_DAYS.1), NOTES_MAX).await
}

/// The note of that number.
pub async fn note(db: &PgPool, workspace: i32, id: i32) -> sqlx::Result<Option<Note>> {
    let row = sqlx::query_as!(
        NoteRow,
        "select id, first_day, last_day, body, author_id, author, written_at, edited_at from annotations
         where workspace_id = $1 and id = $2",
        workspace,
        id
    );
    Ok(row.fetch_optional(db).await?.map(Note::from))
}

/// Adds a note and returns its number; `None` where there are [`NOTES_MAX`] already.
pub async fn add_note(
    db: &PgPool,
    workspace: i32,
    note: &NewNote,
    author: (Option<i32>, &str),
    now: Instant,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "insert into annotations (workspace_id, first_day, last_day, body, author_id, author, written_at)
         select $1, $2, $3, $4, $5, $6, $7
         where (select count(*) from annotations where workspace_id = $1) < $8
         returning id",
        workspace,
        sql_date(note.first),
        sql_date(note.last),
        note.text,
        author.0,
        author.1,
        now,
        NOTES_MAX
    )
    .fetch_optional(db)
    .await
}

/// Changes a note.
pub async fn change_note(db: &PgPool, workspace: i32, id: i32, note: &NewNote, now: Instant) -> sqlx::Result<()> {
    sqlx::query!(
        "update annotations set first_day = $3, last_day = $4, body = $5, edited_at = $6 where workspace_id = $1 and id = $2",
        workspace,
        id,
        sql_date(note.first),
        sql_date(note.last),
        note.text,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a note.
pub async fn remove_note(db: &PgPool, workspace: i32, id: i32) -> sqlx::Result<()> {
    sqlx::query!("delete from annotations where workspace_id = $1 and id = $2", workspace, id).execute(db).await?;
    Ok(())
}

fn date(day: NaiveDate) -> Date {
    day.to_string().parse().unwrap_or(Date::MIN)
}
