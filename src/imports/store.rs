//! Imports of royalties in PostgreSQL: files, what they changed, what is looked at before, and explained headings.

use std::time::Duration;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::imports::columns::{Field, Mapping};
use crate::imports::plan::{Outcome, Step};
use crate::period::{Instant, jiff_date, sql_date};
use crate::royalties::model::{Figure, Key, Origin, Series, Stage, Stored};

/// Rows written in one statement: their lists are some hundred kilobytes.
const ROWS_AT_ONCE: usize = 5_000;
/// Imports in the history at most.
const HISTORY_MAX: i64 = 200;
/// How long a file waits to be imported.
const DRAFT_AGE: Duration = Duration::from_secs(24 * 3600);
/// Files that wait at most; the oldest go first. Each is 50 MB at most.
const DRAFTS_MAX: i64 = 40;
/// Explained headings at most.
const MAPPINGS_MAX: i64 = 1_000;

/// An import as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its number.
    pub id: i32,
    /// The name of its file, as whoever sent it called it.
    pub file_name: String,
    /// The name of its kind.
    pub kind: String,
    /// Rows that were new.
    pub rows_new: i32,
    /// Rows that changed what there was.
    pub rows_changed: i32,
    /// Rows that said what there was.
    pub rows_same: i32,
    /// Rows that were not taken.
    pub rows_rejected: i32,
    /// Who imported it.
    pub imported_by: String,
    /// When.
    pub imported_at: Instant,
    /// Who took it back, and when.
    pub undone: Option<(String, Instant)>,
}

/// A file that waits to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Names it.
    pub token: String,
    /// Its name, as whoever sent it called it.
    pub file_name: String,
    /// The file.
    pub content: Vec<u8>,
}

/// Counts imports and what was taken back: another number is another state of royalties.
pub async fn changes(db: &mut PgConnection, workspace: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) + count(undone_at) as "count!" from imports where workspace_id = $1"#,
        workspace
    )
    .fetch_one(db)
    .await
}

/// Lets imports follow one another until the transaction ends.
pub async fn lock(tx: &mut PgConnection, workspace: i32) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('takings imports'), $1)", workspace).execute(tx).await?;
    Ok(())
}

/// A row of imports.
struct ImportRow {
    id: i32,
    file_name: String,
    kind: String,
    rows_new: i32,
    rows_changed: i32,
    rows_same: i32,
    rows_rejected: i32,
    imported_by: String,
    imported_at: Instant,
    undone_by: Option<String>,
    undone_at: Option<Instant>,
}

impl From<ImportRow> for Import {
    fn from(row: ImportRow) -> Import {
        Import {
            id: row.id,
            file_name: row.file_name,
            kind: row.kind,
            rows_new: row.rows_new,
            rows_changed: row.rows_changed,
            rows_same: row.rows_same,
            rows_rejected: row.rows_rejected,
            imported_by: row.imported_by,
            imported_at: row.imported_at,
            undone: row.undone_by.zip(row.undone_at),
        }
    }
}

/// The imports, the newest first.
pub async fn history(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Import>> {
    let rows = sqlx::query_as!(
        ImportRow,
        "select id, file_name, kind, rows_new, rows_changed, rows_same, rows_rejected, imported_by, imported_at, undone_by,
             undone_at
         from imports where workspace_id = $1 order by id desc limit $2",
        workspace,
        HISTORY_MAX
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Import::from).collect())
}

/// An import; `None` where there is none of this number.
pub async fn import(db: &mut PgConnection, workspace: i32, id: i32) -> sqlx::Result<Option<Import>> {
    let row = sqlx::query_as!(
        ImportRow,
        "select id, file_name, kind, rows_new, rows_changed, rows_same, rows_rejected, imported_by, imported_at, undone_by,
             undone_at
         from imports where workspace_id = $1 and id = $2",
        workspace,
        id
    );
    let row = row.fetch_optional(db).await?;
    Ok(row.map(Import::from))
}

/// A row of a file that was taken, and what stood in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The row.
    pub line: i32,
    /// What it is of.
    pub key: Key,
    /// `new`, `changed` or `same`.
    pub outcome: String,
    /// What it says.
    pub figure: Figure,
    /// What stood in its place, and where that was from.
    pub old: Option<Stored>,
}

/// The rows of an import from a line on, so many at most.
pub async fn rows(
    db: &mut PgConnection,
    workspace: i32,
    import: i32,
    from_line: i32,
    at_most: i64,
) -> sqlx::Result<Vec<Taken>> {
    let rows = sqlx::query!(
        "select line, series, first_day, last_day, country, title, outcome, minutes, revenue_minor, stage, old_minutes,
             old_revenue_minor, old_stage, old_import_id, old_line
         from import_rows where workspace_id = $1 and import_id = $2 and line >= $3
         order by line limit $4",
        workspace,
        import,
        from_line,
        at_most
    )
    .fetch_all(db)
    .await?;
    let taken = rows.into_iter().filter_map(|row| {
        let old = || {
            let stage = Stage::parse(row.old_stage.as_deref()?)?;
            let figure = Figure { minutes: row.old_minutes?, revenue_minor: row.old_revenue_minor, stage };
            Some(Stored { figure, origin: Origin { import: row.old_import_id?, line: row.old_line? } })
        };
        let (old, stage) = (old(), Stage::parse(&row.stage)?);
        let key = Key {
            series: Series::parse(&row.series)?,
            first: jiff_date(row.first_day),
            last: jiff_date(row.last_day),
            country: row.country.into(),
            title: row.title.into(),
        };
        let figure = Figure { minutes: row.minutes, revenue_minor: row.revenue_minor, stage };
        Some(Taken { line: row.line, key, outcome: row.outcome, figure, old })
    });
    Ok(taken.collect())
}

/// The import of this very file that holds: who made it and when.
pub async fn same_file(
    db: &mut PgConnection,
    workspace: i32,
    sha256: &[u8],
) -> sqlx::Result<Option<(String, Instant)>> {
    let row = sqlx::query!(
        "select imported_by, imported_at from imports where workspace_id = $1 and sha256 = $2 and undone_at is null",
        workspace,
        sha256
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.imported_by, row.imported_at)))
}

/// Adds an import and returns its number; `None` where this very file holds already. The counts are those of new, changed,
/// same and rejected rows.
pub async fn add(
    tx: &mut PgConnection,
    workspace: i32,
    file: (&str, &[u8], &str),
    counts: [i32; 4],
    by: (&str, Instant),
) -> sqlx::Result<Option<i32>> {
    let (file_name, sha256, kind) = file;
    let [rows_new, rows_changed, rows_same, rows_rejected] = counts;
    sqlx::query_scalar!(
        "insert into imports (workspace_id, file_name, sha256, kind, rows_new, rows_changed, rows_same, rows_rejected,
             imported_by, imported_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (workspace_id, sha256) where undone_at is null do nothing
         returning id",
        workspace,
        file_name,
        sha256,
        kind,
        rows_new,
        rows_changed,
        rows_same,
        rows_rejected,
        by.0,
        by.1
    )
    .fetch_optional(tx)
    .await
}

/// Remembers the rows of an import with what stood in their place, and stores what they say.
pub async fn write(tx: &mut PgConnection, workspace: i32, import: i32, steps: &[Step]) -> sqlx::Result<()> {
    let taken: Vec<&Step> = steps.iter().filter(|step| step.outcome != Outcome::Outranked).collect();
    for steps in taken.chunks(ROWS_AT_ONCE) {
        let keys = Keys::of(steps);
        let each = |value: fn(&Step) -> Option<i64>| steps.iter().map(|step| value(step)).collect::<Vec<_>>();
        let lines: Vec<i32> = steps.iter().map(|step| i32::try_from(step.entry.line).unwrap_or(i32::MAX)).collect();
        let outcomes: Vec<String> = steps.iter().map(|step| step.outcome.name().to_owned()).collect();
        let minutes: Vec<i64> = steps.iter().map(|step| step.entry.figure.minutes).collect();
        let revenue = each(|step| step.entry.figure.revenue_minor);
        let stages: Vec<String> = steps.iter().map(|step| step.entry.figure.stage.name().to_owned()).collect();
        let old_minutes = each(|step| step.old.map(|old| old.figure.minutes));
        let old_revenue = each(|step| step.old.and_then(|old| old.figure.revenue_minor));
        let old_stages: Vec<Option<String>> =
            steps.iter().map(|step| step.old.map(|old| old.figure.stage.name().to_owned())).collect();
        let old_imports: Vec<Option<i32>> = steps.iter().map(|step| step.old.map(|old| old.origin.import)).collect();
        let old_lines: Vec<Option<i32>> = steps.iter().map(|step| step.old.map(|old| old.origin.line)).collect();
        sqlx::query!(
            "with rows as (
                 insert into import_rows (workspace_id, import_id, line, series, first_day, last_day, country, title, outcome,
                     minutes, revenue_minor, stage, old_minutes, old_revenue_minor, old_stage, old_import_id, old_line)
                 select $1, $2, * from unnest($3::int[], $4::text[], $5::date[], $6::date[], $7::text[], $8::text[],
                     $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[], $15::text[],
                     $16::int[], $17::int[])
                 returning *
             )
             insert into royalty_statements (workspace_id, series, first_day, last_day, country, title, minutes,
                 revenue_minor, stage, import_id, line)
             select workspace_id, series, first_day, last_day, country, title, minutes, revenue_minor, stage, import_id, line
             from rows where outcome <> 'same'
             on conflict (workspace_id, series, first_day, last_day, country, title) do update
             set minutes = excluded.minutes, revenue_minor = excluded.revenue_minor, stage = excluded.stage,
                 import_id = excluded.import_id, line = excluded.line",
            workspace,
            import,
            &lines,
            &keys.series,
            &keys.first,
            &keys.last,
            &keys.country,
            &keys.title,
            &outcomes,
            &minutes,
            &revenue as &[Option<i64>],
            &stages,
            &old_minutes as &[Option<i64>],
            &old_revenue as &[Option<i64>],
            &old_stages as &[Option<String>],
            &old_imports as &[Option<i32>],
            &old_lines as &[Option<i32>]
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Keys as lists, a column each.
struct Keys {
    series: Vec<String>,
    first: Vec<NaiveDate>,
    last: Vec<NaiveDate>,
    country: Vec<String>,
    title: Vec<String>,
}

impl Keys {
    fn of(steps: &[&Step]) -> Keys {
        let keys = || steps.iter().map(|step| &step.entry.key);
        Keys {
            series: keys().map(|key| key.series.name().to_owned()).collect(),
            first: keys().map(|key| sql_date(key.first)).collect(),
            last: keys().map(|key| sql_date(key.last)).collect(),
            country: keys().map(|key| key.country.to_string()).collect(),
            title: keys().map(|key| key.title.to_string()).collect(),
        }
    }
}

/// An import that holds and said something of what an earlier one wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// Its number.
    pub import: i32,
    /// The name of its file.
    pub file_name: String,
    /// How many rows both are about.
    pub rows: i64,
    /// One of them.
    pub example: Key,
}

/// What came after the rows that an import wrote: while any of it holds, they cannot be taken back.
pub async fn later(tx: &mut PgConnection, workspace: i32, import: i32) -> sqlx::Result<Vec<Later>> {
    let rows = sqlx::query!(
        r#"select i.id, i.file_name, count(*) as "rows!", (array_agg(r.series order by r.line))[1] as "series!",
             (array_agg(r.first_day order by r.line))[1] as "first_day!", (array_agg(r.last_day order by r.line))[1] as "last_day!",
             (array_agg(r.country order by r.line))[1] as "country!", (array_agg(r.title order by r.line))[1] as "title!"
         from import_rows e
         join import_rows r on r.workspace_id = e.workspace_id and r.series = e.series and r.first_day = e.first_day
             and r.last_day = e.last_day and r.country = e.country and r.title = e.title and r.import_id > e.import_id
         join imports i on i.workspace_id = r.workspace_id and i.id = r.import_id and i.undone_at is null
         where e.workspace_id = $1 and e.import_id = $2 and e.outcome <> 'same'
         group by i.id, i.file_name order by i.id desc"#,
        workspace,
        import
    )
    .fetch_all(tx)
    .await?;
    let later = rows.into_iter().filter_map(|row| {
        let example = Key {
            series: Series::parse(&row.series)?,
            first: jiff_date(row.first_day),
            last: jiff_date(row.last_day),
            country: row.country.into(),
            title: row.title.into(),
        };
        Some(Later { import: row.id, file_name: row.file_name, rows: row.rows, example })
    });
    Ok(later.collect())
}

/// Takes back what an import wrote: what was there before stands again, with where it was from. Whether it held.
pub async fn undo(tx: &mut PgConnection, workspace: i32, import: i32, by: (&str, Instant)) -> sqlx::Result<bool> {
    let undone = sqlx::query!(
        "update imports set undone_by = $3, undone_at = $4 where workspace_id = $1 and id = $2 and undone_at is null",
        workspace,
        import,
        by.0,
        by.1
    );
    if undone.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "delete from royalty_statements s using import_rows r
         where r.workspace_id = $1 and r.import_id = $2 and r.outcome = 'new' and s.workspace_id = r.workspace_id
             and s.series = r.series and s.first_day = r.first_day and s.last_day = r.last_day and s.country = r.country
             and s.title = r.title",
        workspace,
        import
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update royalty_statements s set minutes = r.old_minutes, revenue_minor = r.old_revenue_minor, stage = r.old_stage,
             import_id = r.old_import_id, line = r.old_line
         from import_rows r
         where r.workspace_id = $1 and r.import_id = $2 and r.outcome = 'changed' and s.workspace_id = r.workspace_id
             and s.series = r.series and s.first_day = r.first_day and s.last_day = r.last_day and s.country = r.country
             and s.title = r.title",
        workspace,
        import
    )
    .execute(&mut *tx)
    .await?;
    Ok(true)
}

/// Keeps a file until it is imported, and lets those go that were left too long.
pub async fn keep_draft(db: &mut PgConnection, workspace: i32, draft: &Draft, now: Instant) -> sqlx::Result<()> {
    let since = now - DRAFT_AGE;
    sqlx::query!(
        "delete from import_drafts where workspace_id = $1 and (created_at < $2 or token in
             (select token from import_drafts where workspace_id = $1 order by created_at desc, token offset $3))",
        workspace,
        since,
        DRAFTS_MAX - 1
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into import_drafts (workspace_id, token, file_name, content, created_at) values ($1, $2, $3, $4, $5)",
        workspace,
        draft.token,
        draft.file_name,
        draft.content,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A file that waits.
pub async fn draft(db: &mut PgConnection, workspace: i32, token: &str) -> sqlx::Result<Option<Draft>> {
    let query = sqlx::query!(
        "select file_name, content from import_drafts where workspace_id = $1 and token = $2",
        workspace,
        token
    );
    let row = query.fetch_optional(db).await?;
    Ok(row.map(|row| Draft { token: token.to_owned(), file_name: row.file_name, content: row.content }))
}

/// Lets a file go.
pub async fn forget_draft(db: &mut PgConnection, workspace: i32, token: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from import_drafts where workspace_id = $1 and token = $2", workspace, token)
        .execute(db)
        .await?;
    Ok(())
}

/// The headings that were explained.
pub async fn mappings(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Mapping>> {
    let rows = sqlx::query!(
        "select signature, fields from import_mappings where workspace_id = $1 order by made_at desc limit $2",
        workspace,
        MAPPINGS_MAX
    )
    .fetch_all(db)
    .await?;
    let mapping =
        |signature, fields: String| Mapping { signature, fields: fields.split(',').map(Field::parse).collect() };
    Ok(rows.into_iter().map(|row| mapping(row.signature, row.fields)).collect())
}

/// Remembers what the columns under some headings are.
pub async fn map(db: &mut PgConnection, workspace: i32, mapping: &Mapping, by: (&str, Instant)) -> sqlx::Result<()> {
    let names: Vec<&str> = mapping.fields.iter().map(|field| field.map_or("", Field::name)).collect();
    sqlx::query!(
        "insert into import_mappings (workspace_id, signature, fields, made_by, made_at) values ($1, $2, $3, $4, $5)
         on conflict (workspace_id, signature) do update
         set fields = excluded.fields, made_by = excluded.made_by, made_at = excluded.made_at",
        workspace,
        mapping.signature,
        names.join(","),
        by.0,
        by.1
    )
    .execute(db)
    .await?;
    Ok(())
}
