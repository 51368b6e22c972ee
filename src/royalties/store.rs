//! Statements and projections in PostgreSQL.

use chrono::NaiveDate;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{jiff_date, sql_date};
use crate::royalties::model::{Figure, Key, Ledger, Origin, Series, Stage, Stored};
use crate::royalties::projection::Kept;

/// Projections that are read at most: one a day of ten years.
const KEPT_MAX: i64 = 3_660;
/// Statements that are looked for in one question: their lists are some hundred kilobytes.
const KEYS_AT_ONCE: usize = 5_000;

/// All statements. Pages read sums of them; this is for those who check the sums.
pub async fn whole_ledger(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Ledger> {
    let rows = sqlx::query_as!(
        StatementRow,
        r#"select series, first_day, last_day, country as "country!", title as "title!", minutes, revenue_minor, stage, import_id,
             line
         from royalty_statements where workspace_id = $1"#,
        workspace
    );
    Ok(rows.fetch_all(db).await?.into_iter().filter_map(StatementRow::read).collect())
}

/// The statements of some keys, those that there are.
pub async fn of_keys<'a>(
    db: &mut PgConnection,
    workspace: i32,
    keys: impl Iterator<Item = &'a Key>,
) -> sqlx::Result<Ledger> {
    let (keys, mut found): (Vec<&Key>, _) = (keys.collect(), Ledger::new());
    for keys in keys.chunks(KEYS_AT_ONCE) {
        let each = |value: fn(&Key) -> String| keys.iter().map(|key| value(key)).collect::<Vec<_>>();
        let days = |value: fn(&Key) -> Date| keys.iter().map(|key| sql_date(value(key))).collect::<Vec<_>>();
        let rows = sqlx::query_as!(
            StatementRow,
            r#"select s.series, s.first_day, s.last_day, s.country as "country!", s.title as "title!", s.minutes, s.revenue_minor,
                 s.stage, s.import_id, s.line
             from unnest($2::text[], $3::date[], $4::date[], $5::text[], $6::text[])
                 as k (series, first_day, last_day, country, title)
             join royalty_statements s on s.workspace_id = $1 and s.series = k.series and s.first_day = k.first_day
                 and s.last_day = k.last_day and s.country = k.country and s.title = k.title"#,
            workspace,
            &each(|key| key.series.name().to_owned()),
            &days(|key| key.first),
            &days(|key| key.last),
            &each(|key| key.country.to_string()),
            &each(|key| key.title.to_string())
        );
        found.extend(rows.fetch_all(&mut *db).await?.into_iter().filter_map(StatementRow::read));
    }
    Ok(found)
}

/// A statement as it is stored.
struct StatementRow {
    series: String,
    first_day: NaiveDate,
    last_day: NaiveDate,
    country: String,
    title: String,
    minutes: i64,
    revenue_minor: Option<i64>,
    stage: String,
    import_id: i32,
    line: i32,
}

impl StatementRow {
    fn read(self) -> Option<(Key, Stored)> {
        let key = Key {
            series: Series::parse(&self.series)?,
            first: jiff_date(self.first_day),
            last: jiff_date(self.last_day),
            country: self.country.into(),
            title: self.title.into(),
        };
        let stage = Stage::parse(&self.stage)?;
        let figure = Figure { minutes: self.minutes, revenue_minor: self.revenue_minor, stage };
        Some((key, Stored { figure, origin: Origin { import: self.import_id, line: self.line } }))
    }
}

/// A statement that a figure is made of, with the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is of.
    pub key: Key,
    /// What it says, and where it is from.
    pub stored: Stored,
    /// The name of the file, as whoever sent it called it.
    pub file_name: String,
}

/// Which statements of a series to read; what is `None` may be anything.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a> {
    /// The series.
    pub series: Series,
    /// The days that they touch.
    pub days: Option<(Date, Date)>,
    /// The first day.
    pub first: Option<Date>,
    /// The country.
    pub country: Option<&'a str>,
    /// The title.
    pub title: Option<&'a str>,
    /// How far they go into detail, as [`Key::detail`] says it.
    pub detail: Option<usize>,
}

/// Statements in the order of their keys, so many at most.
pub async fn parts(db: &mut PgConnection, workspace: i32, which: Which<'_>, at_most: i64) -> sqlx::Result<Vec<Part>> {
    let (from, to) = which.days.unzip();
    let rows = sqlx::query!(
        "select s.series, s.first_day, s.last_day, s.country, s.title, s.minutes, s.revenue_minor, s.stage, s.import_id, s.line,
             i.file_name
         from royalty_statements s join imports i on i.workspace_id = s.workspace_id and i.id = s.import_id
         where s.workspace_id = $1 and s.series = $2
             and ($3::date is null or s.last_day >= $3) and ($4::date is null or s.first_day <= $4)
             and ($5::date is null or s.first_day = $5)
             and ($6::text is null or s.country = $6) and ($7::text is null or s.title = $7)
             and ($8::int is null or (s.title <> '')::int * 2 + (s.country <> '')::int = $8)
         order by s.first_day, s.last_day, s.country, s.title limit $9",
        workspace,
        which.series.name(),
        from.map(sql_date),
        to.map(sql_date),
        which.first.map(sql_date),
        which.country,
        which.title,
        which.detail.and_then(|detail| i32::try_from(detail).ok()),
        at_most
    )
    .fetch_all(db)
    .await?;
    let part = rows.into_iter().filter_map(|row| {
        let file_name = row.file_name;
        let (series, first_day, last_day, country, title) =
            (row.series, row.first_day, row.last_day, row.country, row.title);
        let (minutes, revenue_minor, stage, import_id, line) =
            (row.minutes, row.revenue_minor, row.stage, row.import_id, row.line);
        let row = StatementRow {
            series,
            first_day,
            last_day,
            country,
            title,
            minutes,
            revenue_minor,
            stage,
            import_id,
            line,
        };
        row.read().map(|(key, stored)| Part { key, stored, file_name })
    });
    Ok(part.collect())
}

/// Keeps a projection, in the place of one that was made the same day.
pub async fn keep_projection(db: &mut PgConnection, workspace: i32, kept: &Kept) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into royalty_projections (workspace_id, quarter, made_on, low_minor, mid_minor, high_minor)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (workspace_id, quarter, made_on) do update
         set low_minor = excluded.low_minor, mid_minor = excluded.mid_minor, high_minor = excluded.high_minor",
        workspace,
        sql_date(kept.quarter),
        sql_date(kept.made_on),
        kept.low_minor,
        kept.mid_minor,
        kept.high_minor
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The projections that were kept, the newest first.
pub async fn projections(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        "select quarter, made_on, low_minor, mid_minor, high_minor from royalty_projections
         where workspace_id = $1 order by quarter desc, made_on desc limit $2",
        workspace,
        KEPT_MAX
    )
    .fetch_all(db)
    .await?;
    let date = |day: NaiveDate| jiff_date(day);
    let kept = rows.into_iter().map(|row| Kept {
        quarter: date(row.quarter),
        made_on: date(row.made_on),
        low_minor: row.low_minor,
        mid_minor: row.mid_minor,
        high_minor: row.high_minor,
    });
    Ok(kept.collect())
}
