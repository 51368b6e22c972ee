//! Where royalties stand now: read once, for the page, the API and the files.

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::Instant;
use crate::royalties::model::quarter_of;
use crate::royalties::projection::Projection;
use crate::royalties::rate::Rate;
use crate::royalties::standing::Standing;
use crate::royalties::store;
use crate::royalties::tables::Royalties;
use crate::sales::books::Books;

/// Royalties at `now`, with the projection of the quarter that runs then.
pub async fn royalties(
    db: &mut PgConnection,
    books: &Books,
    now: Instant,
    wanted_rate: Option<Rate>,
) -> sqlx::Result<Royalties> {
    of_quarter(db, books, quarter_of(books.calendar.date(now)), wanted_rate).await
}

/// The same with the projection of a quarter.
pub async fn of_quarter(
    db: &mut PgConnection,
    books: &Books,
    quarter: Date,
    wanted_rate: Option<Rate>,
) -> sqlx::Result<Royalties> {
    let ledger = store::whole_ledger(db, books.workspace).await?;
    let kept = store::projections(db, books.workspace).await?;
    let standing = Standing::of(&ledger);
    let projection = Projection::of(&standing, quarter);
    Ok(Royalties { ledger, standing, projection, kept, title_minutes: books.completes_minutes, wanted_rate })
}
