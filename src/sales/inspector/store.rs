//! Reads the rows behind a figure out of PostgreSQL: each question through an index, in pages.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::money::Currency;
use crate::period::{Instant, Window};
use crate::sales::sums::store::Slice;

/// Which entries of the ledger make a figure up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kinds {
    /// Kinds that count when they happened.
    pub happened: Vec<String>,
    /// Kinds that count when their order was placed.
    pub of_order: Vec<String>,
    /// Whether entries count only where they place an order.
    pub placing_alone: bool,
}

/// The end of a page: the next one begins below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When the last posting of the page counts.
    pub at: Instant,
    /// Its order.
    pub order: i64,
}

/// What one order did at one moment: its entries that the figure counts, together.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    /// When it counts.
    pub at: Instant,
    /// The order's number in the ledger.
    pub order: i64,
    /// The number that people use, else the platform's id.
    pub number: String,
    /// Kinds of the entries, as in the ledger.
    pub kinds: Vec<String>,
    /// The source's name.
    pub source: String,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// The order's currency.
    pub currency: Option<Currency>,
    /// Minor units of it.
    pub amount: i64,
    /// Minor units of the reporting currency: what the figure counts.
    pub converted: i64,
    /// Orders that it places.
    pub orders: i64,
    /// Whether some of it is left out because no rate is known.
    pub is_flagged: bool,
    /// The order's recorded rate and its date.
    pub rate: Option<(Decimal, NaiveDate)>,
}

/// Up to `limit` postings of windows, the newest first, below `after`. The windows are in the order of time.
pub async fn postings(
    db: &mut PgConnection,
    workspace: i32,
    windows: &[Window],
    kinds: &Kinds,
    slice: &Slice,
    after: Option<Cursor>,
    limit: i64,
) -> sqlx::Result<Vec<Posting>> {
    let mut postings = Vec::new();
    for window in windows.iter().rev() {
        let is_passed = after.is_some_and(|after| window.from > after.at);
        let wanted = limit - postings.len() as i64;
        if wanted > 0 && !is_passed {
            postings.extend(window_postings(db, workspace, *window, kinds, slice, after, wanted).await?);
        }
    }
    Ok(postings)
}

async fn window_postings(
    db: &mut PgConnection,
    workspace: i32,
    window: Window,
    kinds: &Kinds,
    slice: &Slice,
    after: Option<Cursor>,
    limit: i64,
) -> sqlx::Result<Vec<Posting>> {
    // A page begins where the last one ended: nothing above it is read again.
    let until = after.map_or(window.to, |cursor| window.to.min(cursor.at + chrono::TimeDelta::microseconds(1)));
    let keys = sqlx::query!(
        r#"select at as "at!", order_id as "order_id!" from (
             (select distinct l.occurred_at as at, l.order_id
              from ledger l
              cross join lateral (
                 select from orders
                 where workspace_id = $1 and id = l.order_id
                   and ($7::text[] is null or coalesce(country, 'unknown') = any($7))
                   and ($8::text[] is null or source_id::text = any($8))
                   and ($9::text[] is null or coalesce(payment, 'unknown') = any($9))
                 offset 0
              ) o
              where l.workspace_id = $1 and l.occurred_at >= $2 and l.occurred_at < $3
                and l.kind::text = any($4) and (not $6 or l.orders <> 0)
                and ($10::timestamptz is null or (l.occurred_at, l.order_id) < ($10, $11))
              order by l.occurred_at desc, l.order_id desc limit $12)
             union
             (select o.placed_at, o.id
              from orders o
              where cardinality($5::text[]) > 0 and o.workspace_id = $1 and o.placed_at >= $2 and o.placed_at < $3
                and exists (select from ledger l where l.workspace_id = $1 and l.order_id = o.id and l.kind::text = any($5))
                and ($7::text[] is null or coalesce(o.country, 'unknown') = any($7))
                and ($8::text[] is null or o.source_id::text = any($8))
                and ($9::text[] is null or coalesce(o.payment, 'unknown') = any($9))
                and ($10::timestamptz is null or (o.placed_at, o.id) < ($10, $11))
              order by o.placed_at desc, o.id desc limit $12)
         ) as keys order by at desc, order_id desc limit $12"#,
        workspace,
        window.from,
        until,
        &kinds.happened,
        &kinds.of_order,
        kinds.placing_alone,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>,
        after.map(|cursor| cursor.at),
        after.map(|cursor| cursor.order),
        limit
    )
    .fetch_all(&mut *db)
    .await?;
    let (at, orders): (Vec<Instant>, Vec<i64>) = keys.into_iter().map(|key| (key.at, key.order_id)).unzip();
    let rows = sqlx::query!(
        r#"select key.at as "at!", key.order_id as "order_id!", coalesce(o.number, o.external_id) as "number!", s.name as source,
             o.country, o.currency, o.rate::text as rate, o.rate_date, e.amount as "amount!", e.converted as "converted!",
             e.orders as "orders!", e.is_flagged as "is_flagged!", e.kinds as "kinds!"
         from unnest($2::timestamptz[], $3::bigint[]) with ordinality as key (at, order_id, place)
         join orders o on o.workspace_id = $1 and o.id = key.order_id
         join sources s on s.workspace_id = $1 and s.id = o.source_id
         cross join lateral (
             select sum(l.amount_minor)::bigint as amount, coalesce(sum(l.converted_minor), 0)::bigint as converted,
                 sum(l.orders)::bigint as orders, bool_or(l.converted_minor is null) as is_flagged,
                 array_agg(distinct l.kind::text) as kinds
             from ledger l
             where l.workspace_id = $1 and l.order_id = key.order_id and (not $6 or l.orders <> 0)
               and (l.occurred_at = key.at and l.kind::text = any($4) or o.placed_at = key.at and l.kind::text = any($5))
         ) e
         order by key.place"#,
        workspace,
        &at,
        &orders,
        &kinds.happened,
        &kinds.of_order,
        kinds.placing_alone
    )
    .fetch_all(db)
    .await?;
    let postings = rows.into_iter().map(|row| Posting {
        at: row.at,
        order: row.order_id,
        number: row.number,
        kinds: row.kinds,
        source: row.source,
        country: row.country,
        currency: row.currency.as_deref().and_then(Currency::parse),
        amount: row.amount,
        converted: row.converted,
        orders: row.orders,
        is_flagged: row.is_flagged,
        rate: row.rate.and_then(|rate| rate.parse().ok()).zip(row.rate_date),
    });
    Ok(postings.collect())
}

/// Orders placed in windows that do not count (M4), by their standing.
pub async fn left_out(
    db: &mut PgConnection,
    workspace: i32,
    windows: &[Window],
    slice: &Slice,
) -> sqlx::Result<Vec<(String, i64)>> {
    let (from, to): (Vec<Instant>, Vec<Instant>) = windows.iter().map(|window| (window.from, window.to)).unzip();
    let rows = sqlx::query!(
        r#"select standing as "standing!", count(*) as "orders!"
         from unnest($2::timestamptz[], $3::timestamptz[]) as part (since, until)
         join orders on workspace_id = $1 and placed_at >= part.since and placed_at < part.until and standing <> 'counted' and standing <> 'return'
         where ($4::text[] is null or coalesce(country, 'unknown') = any($4))
           and ($5::text[] is null or source_id::text = any($5))
           and ($6::text[] is null or coalesce(payment, 'unknown') = any($6))
         group by standing order by standing"#,
        workspace,
        &from,
        &to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.standing, row.orders)).collect())
}

/// A recorded rate: reporting currency for one unit of `currency`, and the day that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct RateUsed {
    /// The order's currency.
    pub currency: String,
    /// The rate.
    pub rate: Decimal,
    /// The banking day that it is of.
    pub date: NaiveDate,
}

/// The rates of orders placed on each of the `days`, by currency; one order a currency and day is looked at, as all of a
/// day have the same.
pub async fn rates_used(
    db: &mut PgConnection,
    workspace: i32,
    days: &[Window],
    slice: &Slice,
) -> sqlx::Result<Vec<RateUsed>> {
    let (from, to): (Vec<Instant>, Vec<Instant>) = days.iter().map(|day| (day.from, day.to)).unzip();
    let rows = sqlx::query!(
        r#"with recursive currencies as (
             (select currency from orders where workspace_id = $1 and rate is not null and rate <> 1 order by currency limit 1)
             union all
             select (select o.currency from orders o
                     where o.workspace_id = $1 and o.rate is not null and o.rate <> 1 and o.currency > c.currency
                     order by o.currency limit 1)
             from currencies c where c.currency is not null
         )
         select distinct c.currency as "currency!", used.rate::text as "rate!", used.rate_date as "rate_date!"
         from currencies c
         cross join unnest($2::timestamptz[], $3::timestamptz[]) as day (since, until)
         cross join lateral (
             select rate, rate_date from orders
             where workspace_id = $1 and currency = c.currency and rate is not null and rate <> 1
               and placed_at >= day.since and placed_at < day.until
               and ($4::text[] is null or coalesce(country, 'unknown') = any($4))
               and ($5::text[] is null or source_id::text = any($5))
               and ($6::text[] is null or coalesce(payment, 'unknown') = any($6))
             order by placed_at limit 1
         ) used
         where c.currency is not null
         order by 1, 3 desc"#,
        workspace,
        &from,
        &to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>
    )
    .fetch_all(db)
    .await?;
    let rates = rows
        .into_iter()
        .filter_map(|row| Some(RateUsed { currency: row.currency, rate: row.rate.parse().ok()?, date: row.rate_date }));
    Ok(rates.collect())
}
