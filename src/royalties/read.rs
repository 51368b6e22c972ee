//! Where royalties stand now: read once, for the page, the API and the files. All of it is read from sums, so that it costs the
//! same however many statements there are.

use std::sync::Arc;

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::Instant;
use crate::royalties::model::{ROYALTY_CURRENCY, quarter_of};
use crate::royalties::projection::Projection;
use crate::royalties::rate::Rate;
use crate::royalties::standing::Standing;
use crate::royalties::tables::{Reporting, Royalties, TITLES_MAX};
use crate::royalties::{store, sums_store};
use crate::sales::books::Books;

/// What somebody wants to see.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// A rate to see the running quarter at.
    pub rate: Option<Rate>,
    /// Titles at most.
    pub titles: i64,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { rate: None, titles: TITLES_MAX as i64 }
    }
}

/// Royalties at `now`, with the projection of the quarter that runs then.
pub async fn royalties(db: &mut PgConnection, books: &Books, now: Instant, wanted: Wanted) -> sqlx::Result<Royalties> {
    let standing = standing(db, books.workspace).await?;
    let countries = sums_store::countries(db, books.workspace).await?;
    let (titles, titles_count) = sums_store::titles(db, books.workspace, wanted.titles).await?;
    let kept = store::projections(db, books.workspace).await?;
    let projection = Projection::of(&standing, quarter_of(books.calendar.date(now)));
    let reporting = Reporting { currency: books.currency, rates: Arc::clone(&books.rates) };
    Ok(Royalties {
        standing,
        countries,
        titles,
        titles_count,
        projection,
        kept,
        title_minutes: books.completes_minutes,
        wanted_rate: wanted.rate,
        reporting: (books.currency != ROYALTY_CURRENCY).then_some(reporting),
    })
}

/// Where weeks, months and quarters stand.
pub async fn standing(db: &mut PgConnection, workspace: i32) -> sqlx::Result<Standing> {
    let (weekly, monthly) = sums_store::totals(db, workspace).await?;
    Ok(Standing::of_totals(&weekly, &monthly))
}

/// What the quarter of a day is projected to bring.
pub async fn projection(db: &mut PgConnection, workspace: i32, day: Date) -> sqlx::Result<Option<Projection>> {
    Ok(Projection::of(&standing(db, workspace).await?, quarter_of(day)))
}
