//! The exchange rates in PostgreSQL: those that the shipped history lacks.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

use crate::exchange::Days;
use crate::money::Currency;

/// All rates that are kept.
pub async fn days(db: &mut PgConnection) -> sqlx::Result<Days> {
    let rows =
        sqlx::query!("select day, currency, per_euro::text as \"per_euro!\" from exchange_rates").fetch_all(db).await?;
    let mut days = Days::new();
    for row in rows {
        if let (Some(currency), Ok(rate)) = (Currency::parse(&row.currency), row.per_euro.parse::<Decimal>()) {
            days.entry(row.day).or_default().insert(currency, rate);
        }
    }
    Ok(days)
}

/// Keeps rates, and makes recordings read the rates again; returns those that were new. What is kept already stays as
/// it is.
pub async fn add(db: &PgPool, days: &Days) -> sqlx::Result<Days> {
    let rows = days.iter().flat_map(|(day, rates)| rates.iter().map(|(currency, rate)| (*day, currency, rate)));
    let (mut dates, mut currencies, mut rates) = (Vec::<NaiveDate>::new(), Vec::new(), Vec::new());
    for (day, currency, rate) in rows {
        dates.push(day);
        currencies.push(currency.to_string());
        rates.push(rate.to_string());
    }
    let mut tx = db.begin().await?;
    let rows = sqlx::query!(
        "insert into exchange_rates (day, currency, per_euro)
         select day, currency, rate::numeric
         from unnest($1::date[], $2::text[], $3::text[]) as new (day, currency, rate) order by day, currency
         on conflict do nothing returning day, currency",
        &dates,
        &currencies,
        &rates
    )
    .fetch_all(&mut *tx)
    .await?;
    if !rows.is_empty() {
        sqlx::query!("update cursors set books_revision = books_revision + 1").execute(&mut *tx).await?;
    }
    tx.commit().await?;
    let mut added = Days::new();
    for row in rows {
        let known = Currency::parse(&row.currency);
        if let Some((currency, rate)) = known.and_then(|c| days.get(&row.day)?.get(&c).map(|rate| (c, *rate))) {
            added.entry(row.day).or_default().insert(currency, rate);
        }
    }
    Ok(added)
}
