//! The sums of statements in PostgreSQL: made anew where an import touches them, read by the page, held against the statements.

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{jiff_date, sql_date};
use crate::royalties::model::{Figure, Key, Ledger, Origin, Series, Stage, Stored};
use crate::royalties::tables::{COUNTRY_WEEKS, CountryWeeks, TitleSum};
use crate::royalties::totals::{Periods, Sources, Total};

/// Makes the sums anew that the rows of an import are parts of; with none, those of all statements.
pub async fn renew(tx: &mut PgConnection, workspace: i32, import: Option<i32>) -> sqlx::Result<()> {
    renew_periods(tx, workspace, import).await?;
    renew_countries(tx, workspace, import).await?;
    renew_titles(tx, workspace, import).await
}

async fn renew_periods(tx: &mut PgConnection, workspace: i32, import: Option<i32>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from royalty_periods p where p.workspace_id = $1 and ($2::int is null or exists (
             select from import_rows r where r.workspace_id = $1 and r.import_id = $2 and r.outcome <> 'same'
                 and r.series = p.series and r.first_day = p.first_day and r.last_day = p.last_day))",
        workspace,
        import
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into royalty_periods (workspace_id, series, first_day, last_day, detail, statements, minutes, revenue_minor,
             stage, import_id, line)
         select $1, series, first_day, last_day, detail, statements, minutes, revenue_minor, stage, (origin >> 32)::int,
             (origin & 4294967295)::int
         from (
             select s.series, s.first_day, s.last_day,
                 ((s.title <> '')::int * 2 + (s.country <> '')::int)::smallint as detail, count(*) as statements,
                 least(sum(s.minutes), 9223372036854775807)::bigint as minutes,
                 least(sum(s.revenue_minor), 9223372036854775807)::bigint as revenue_minor,
                 case when bool_or(s.stage = 'estimate') then 'estimate' when bool_or(s.stage = 'provisional') then 'provisional'
                     else 'final' end as stage,
                 min(s.import_id::bigint << 32 | s.line) as origin
             from royalty_statements s
             where s.workspace_id = $1 and ($2::int is null or (s.series, s.first_day, s.last_day) in (
                 select r.series, r.first_day, r.last_day from import_rows r
                 where r.workspace_id = $1 and r.import_id = $2 and r.outcome <> 'same'))
             group by s.series, s.first_day, s.last_day, detail
         ) sums",
        workspace,
        import
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn renew_countries(tx: &mut PgConnection, workspace: i32, import: Option<i32>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from royalty_countries c where c.workspace_id = $1 and ($2::int is null or exists (
             select from import_rows r where r.workspace_id = $1 and r.import_id = $2 and r.outcome <> 'same'
                 and r.series = c.series and r.first_day = c.first_day and r.last_day = c.last_day))",
        workspace,
        import
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into royalty_countries (workspace_id, first_day, last_day, series, country, is_whole, minutes)
         select $1, s.first_day, s.last_day, s.series, s.country, s.title = '',
             least(sum(s.minutes), 9223372036854775807)::bigint
         from royalty_statements s
         where s.workspace_id = $1 and s.country <> '' and s.series <> 'monthly'
             and ($2::int is null or (s.series, s.first_day, s.last_day) in (
                 select r.series, r.first_day, r.last_day from import_rows r
                 where r.workspace_id = $1 and r.import_id = $2 and r.outcome <> 'same'))
         group by s.first_day, s.last_day, s.series, s.country, s.title = ''",
        workspace,
        import
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Of a month of a title, the row of all countries stands for it; else its countries are added up, and the part that is
/// furthest from money says what its money is.
async fn renew_titles(tx: &mut PgConnection, workspace: i32, import: Option<i32>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from royalty_titles t where t.workspace_id = $1 and ($2::int is null or exists (
             select from import_rows r where r.workspace_id = $1 and r.import_id = $2 and r.outcome <> 'same'
                 and r.series = 'monthly' and r.title = t.title))",
        workspace,
        import
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into royalty_titles (workspace_id, title, months, minutes, received_minor, provisional_minor)
         select $1, title, count(*), least(sum(minutes), 9223372036854775807)::bigint,
             least(coalesce(sum(revenue_minor) filter (where stage = 'final'), 0), 9223372036854775807)::bigint,
             least(coalesce(sum(revenue_minor) filter (where stage = 'provisional'), 0), 9223372036854775807)::bigint
         from (
             select distinct on (title, first_day, last_day) title, minutes, revenue_minor, stage
             from (
                 select s.title, s.first_day, s.last_day, s.country <> '' as by_country, sum(s.minutes) as minutes,
                     sum(s.revenue_minor) as revenue_minor,
                     case when bool_or(s.stage = 'provisional') then 'provisional' else 'final' end as stage
                 from royalty_statements s
                 where s.workspace_id = $1 and s.series = 'monthly' and s.title <> '' and ($2::int is null or s.title in (
                     select r.title from import_rows r
                     where r.workspace_id = $1 and r.import_id = $2 and r.outcome <> 'same' and r.series = 'monthly'))
                 group by s.title, s.first_day, s.last_day, s.country <> ''
             ) details
             order by title, first_day, last_day, by_country
         ) months
         group by title",
        workspace,
        import
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What the periods of weekly reports and of monthly statements add up to, each the oldest first.
pub async fn totals(db: &mut PgConnection, workspace: i32) -> sqlx::Result<(Vec<Total>, Vec<Total>)> {
    let rows = sqlx::query!(
        "select distinct on (series, first_day, last_day) series, first_day, last_day, statements, minutes, revenue_minor,
             stage, import_id, line
         from royalty_periods where workspace_id = $1 and series <> 'country'
         order by series, first_day, last_day, detail",
        workspace
    )
    .fetch_all(db)
    .await?;
    let (mut weekly, mut monthly) = (Vec::new(), Vec::new());
    for row in rows {
        let Some((series, stage)) = Series::parse(&row.series).zip(Stage::parse(&row.stage)) else { continue };
        let first = Origin { import: row.import_id, line: row.line };
        let total = Total {
            first: jiff_date(row.first_day),
            last: jiff_date(row.last_day),
            figure: Figure { minutes: row.minutes, revenue_minor: row.revenue_minor, stage },
            sources: Sources { first, rows: row.statements },
        };
        if series == Series::Monthly { monthly.push(total) } else { weekly.push(total) }
    }
    Ok((weekly, monthly))
}

/// The minutes of the periods between two days, those that reach into them too.
pub async fn periods(db: &mut PgConnection, workspace: i32, first: Date, last: Date) -> sqlx::Result<Periods> {
    let rows = sqlx::query!(
        "select series, first_day, last_day, detail, statements, minutes from royalty_periods
         where workspace_id = $1 and first_day <= $3 and last_day >= $2",
        workspace,
        sql_date(first),
        sql_date(last)
    )
    .fetch_all(db)
    .await?;
    let mut periods = Periods::default();
    for row in rows {
        let (Some(series), Ok(detail)) = (Series::parse(&row.series), usize::try_from(row.detail)) else { continue };
        let period = (series, jiff_date(row.first_day), jiff_date(row.last_day));
        periods.add_detail(period, detail, row.statements, row.minutes);
    }
    Ok(periods)
}

/// Minutes by country of the last weeks that countries are known of.
pub async fn countries(db: &mut PgConnection, workspace: i32) -> sqlx::Result<CountryWeeks> {
    let rows = sqlx::query!(
        "select series, first_day, last_day, country, is_whole, minutes from royalty_countries
         where workspace_id = $1 and first_day in (
             select distinct first_day from royalty_periods
             where workspace_id = $1 and series <> 'monthly' and detail in (1, 3)
             order by first_day desc limit $2)",
        workspace,
        COUNTRY_WEEKS as i64
    )
    .fetch_all(db)
    .await?;
    let statement = rows.into_iter().filter_map(|row| {
        let key = Key {
            series: Series::parse(&row.series)?,
            first: jiff_date(row.first_day),
            last: jiff_date(row.last_day),
            country: row.country.into(),
            // The sum of titles stands like one title: what is of all of them goes before it.
            title: if row.is_whole { "" } else { "titles" }.into(),
        };
        let figure = Figure { minutes: row.minutes, revenue_minor: None, stage: Stage::Estimate };
        Some((key, Stored { figure, origin: Origin { import: 0, line: 0 } }))
    });
    let sums: Ledger = statement.collect();
    Ok(CountryWeeks::of(&sums, COUNTRY_WEEKS))
}

/// The titles that brought the most, so many at most, and how many there are.
pub async fn titles(db: &mut PgConnection, workspace: i32, at_most: i64) -> sqlx::Result<(Vec<TitleSum>, i64)> {
    let rows = sqlx::query!(
        r#"select title, months, minutes, received_minor, provisional_minor from royalty_titles
           where workspace_id = $1 order by received_minor desc, title collate "C" limit $2"#,
        workspace,
        at_most
    )
    .fetch_all(&mut *db)
    .await?;
    let count =
        sqlx::query_scalar!(r#"select count(*) as "count!" from royalty_titles where workspace_id = $1"#, workspace)
            .fetch_one(db)
            .await?;
    let sum = |row| {
        let (title, months, minutes, received_minor, provisional_minor) = row;
        TitleSum { title, months, minutes, received_minor, provisional_minor }
    };
    let rows = rows
        .into_iter()
        .map(|row| sum((row.title, row.months, row.minutes, row.received_minor, row.provisional_minor)))
        .collect();
    Ok((rows, count))
}

/// How many sums of periods, countries and titles are not what their statements add up to; none, ever.
pub async fn differing(db: &mut PgConnection, workspace: i32) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"with sums as (
               select series, first_day, last_day, ((title <> '')::int * 2 + (country <> '')::int)::smallint as detail,
                   count(*) as statements, least(sum(minutes), 9223372036854775807)::bigint as minutes,
                   least(sum(revenue_minor), 9223372036854775807)::bigint as revenue_minor
               from royalty_statements where workspace_id = $1 group by 1, 2, 3, 4
           ), countries as (
               select first_day, last_day, series, country, title = '' as is_whole,
                   least(sum(minutes), 9223372036854775807)::bigint as minutes
               from royalty_statements where workspace_id = $1 and country <> '' and series <> 'monthly' group by 1, 2, 3, 4, 5
           ), title_months as (
               select title, country <> '' as by_country, first_day, last_day, sum(minutes) as minutes,
                   sum(revenue_minor) as revenue_minor, bool_or(stage = 'provisional') as is_provisional
               from royalty_statements where workspace_id = $1 and title <> '' and series = 'monthly' group by 1, 2, 3, 4
           ), titles as (
               select title, count(*) as months, least(sum(minutes), 9223372036854775807)::bigint as minutes,
                   least(coalesce(sum(revenue_minor) filter (where not is_provisional), 0), 9223372036854775807)::bigint
                       as received_minor,
                   least(coalesce(sum(revenue_minor) filter (where is_provisional), 0), 9223372036854775807)::bigint
                       as provisional_minor
               from title_months m
               where not by_country or not exists (
                   select from title_months w where not w.by_country and w.title = m.title and w.first_day = m.first_day
                       and w.last_day = m.last_day)
               group by 1
           )
           select (select count(*) from (
                   (select series, first_day, last_day, detail, statements, minutes, revenue_minor from sums
                    except select series, first_day, last_day, detail, statements, minutes, revenue_minor
                    from royalty_periods where workspace_id = $1)
                   union all
                   (select series, first_day, last_day, detail, statements, minutes, revenue_minor
                    from royalty_periods where workspace_id = $1
                    except select series, first_day, last_day, detail, statements, minutes, revenue_minor from sums)) p)
               + (select count(*) from (
                   (select first_day, last_day, series, country, is_whole, minutes from countries
                    except select first_day, last_day, series, country, is_whole, minutes
                    from royalty_countries where workspace_id = $1)
                   union all
                   (select first_day, last_day, series, country, is_whole, minutes
                    from royalty_countries where workspace_id = $1
                    except select first_day, last_day, series, country, is_whole, minutes from countries)) c)
               + (select count(*) from (
                   (select title, months, minutes, received_minor, provisional_minor from titles
                    except select title, months, minutes, received_minor, provisional_minor
                    from royalty_titles where workspace_id = $1)
                   union all
                   (select title, months, minutes, received_minor, provisional_minor from royalty_titles where workspace_id = $1
                    except select title, months, minutes, received_minor, provisional_minor from titles)) t) as "count!""#,
        workspace
    )
    .fetch_one(db)
    .await
}
