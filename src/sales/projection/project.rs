//! Projects the running periods from the sums, and once a day keeps what was projected, to be scored at the end.

use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use tokio_util::sync::CancellationToken;

use crate::period::{Instant, Period, Window, minus};
use crate::sales::books::{Books, BooksHandle};
use crate::sales::projection::curve::{Forecast, HISTORY_DAYS, PastDay};
use crate::sales::projection::model::{Horizon, Outlook, Projection};
use crate::sales::projection::store::{self, Kept};
use crate::sales::sums::store::Slice;
use crate::sales::sums::windows::{QUARTER, quarter};
use crate::sales::sums::{self, Sums};
use crate::server::clock::Clock;
use crate::settings::store as settings;

/// The local hour as of which projections are kept: half of a day is known then, so they are worth scoring.
const KEPT_AT_HOUR: i8 = 12;
/// How often it is looked whether there is something to keep or to score: both come once a day.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Where the running periods will land, and by which books that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projected {
    /// The revision of the books.
    pub books: i64,
    /// The shortest period first.
    pub projections: Vec<Projection>,
}

/// Where the running periods will land as of `now`, each with its record, from one consistent view of the database.
pub async fn projections(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<Projected> {
    let (mut tx, books) = view(db, books).await?;
    let records = store::track_records(&mut tx, books.workspace, books.calendar.date(now)).await?;
    let projection = |landing: Landing| {
        let whole = books.calendar.days(landing.start, minus(landing.end, 1.day()));
        Projection {
            horizon: landing.horizon,
            window: books.calendar.words(whole, now),
            window_ms: (whole.from.timestamp_millis(), whole.to.timestamp_millis()),
            so_far: landing.so_far,
            outlook: landing.outlook,
            record: records.get(landing.horizon.name()).copied().unwrap_or_default(),
        }
    };
    let projections = landings(&mut tx, &books, now).await?.into_iter().map(projection).collect();
    tx.commit().await?;
    Ok(Projected { books: books.revision, projections })
}

/// Keeps today's projections as of noon, once noon is past, and scores those whose period has ended. Doing it again
/// changes nothing, also from another server.
pub async fn keep_and_score(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<()> {
    let (mut seen, books) = view(db, books).await?;
    let today = books.calendar.date(now);
    let noon = books.calendar.instant(today.at(KEPT_AT_HOUR, 0, 0, 0));
    let due = now >= noon && !store::kept_on(&mut seen, books.workspace, today).await?;
    let landings = if due { landings(&mut seen, &books, noon).await? } else { Vec::new() };
    seen.commit().await?;

    let mut tx = db.begin().await?;
    if settings::lock(&mut tx, books.workspace).await? != books.revision {
        // They are of another currency or zone already: whoever looks next keeps them by the new books.
        return Ok(());
    }
    store::score_ended(&mut tx, books.workspace, today).await?;
    for Landing { horizon, start, end, so_far, outlook } in landings {
        if let Outlook::Range(range) = outlook {
            let kept = Kept { period: horizon.name(), start, end, made_on: today, so_far, range };
            store::keep(&mut tx, books.workspace, &kept).await?;
        }
    }
    tx.commit().await
}

/// One consistent view of the database, and the books as they stand in it.
async fn view<'a>(db: &'a mut PgConnection, books: &Books) -> sqlx::Result<(Transaction<'a, Postgres>, Books)> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let revision = settings::books_revision(&mut tx, books.workspace).await?;
    let books = books.at(revision, &mut tx).await?;
    Ok((tx, books))
}

/// Keeps and scores until `shutdown`. What fails is tried again an hour later: what had come by noon can still be told.
pub async fn run(db: PgPool, books: BooksHandle, clock: Clock, shutdown: CancellationToken) {
    loop {
        let look = async { keep_and_score(&mut *db.acquire().await?, &books.now(), clock.now()).await };
        tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = look => if let Err(error) = outcome {
                tracing::warn!(%error, "projections were not kept or scored");
            },
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// The period of a horizon.
pub fn period(horizon: Horizon) -> Period {
    match horizon {
        Horizon::Day => Period::Day,
        Horizon::Week => Period::Week,
        Horizon::Month => Period::Month,
        Horizon::Quarter => Period::Quarter,
    }
}

/// A running period from its first date to the first after it, and where it will land.
struct Landing {
    horizon: Horizon,
    start: Date,
    end: Date,
    so_far: i64,
    outlook: Outlook,
}

async fn landings(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<Vec<Landing>> {
    let today = books.calendar.date(now);
    let windows = Horizon::ALL.map(|horizon| books.calendar.to_date(period(horizon), now));
    let sums = sums::store::window_sums(db, books, &Slice::default(), &windows).await?;
    let past = past_days(db, books, now).await?;
    let forecast = Forecast::new(&past, today, sums[0].orders);
    let landing = |(horizon, so_far): (Horizon, i64)| {
        let whole = books.calendar.whole(period(horizon), today);
        let (start, end) = (books.calendar.date(whole.from), books.calendar.date(whole.to));
        let rest = forecast.as_ref().map_err(|hidden| *hidden).and_then(|forecast| match horizon {
            Horizon::Day => forecast.rest_of_today(),
            _ => forecast.rest(days_between(today, end) - 1),
        });
        let outlook = rest.map_or_else(Outlook::Hidden, |rest| Outlook::Range(rest.after(so_far)));
        Landing { horizon, start, end, so_far, outlook }
    };
    Ok(Horizon::ALL.into_iter().zip(sums.iter().map(Sums::total)).map(landing).collect())
}

/// The days before the local date of `now` that a forecast learns from, and what each had come to by this local time. Only
/// sums are read, at most 97 rows a day, however many orders there were. Of the quarter of an hour that is under way
/// the part counts that is over.
pub async fn past_days(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<Vec<PastDay>> {
    let calendar = &books.calendar;
    let (today, running) = (calendar.date(now), quarter(now));
    let over_seconds = (now - running).num_seconds();
    let time = calendar.local(running).time();
    let dates: Vec<Date> = (1..=HISTORY_DAYS).map(|age| minus(today, age.days())).collect();
    let cut = |date: &Date| {
        let at = calendar.instant(date.to_datetime(time));
        [calendar.day(*date), Window { from: calendar.midnight(*date), to: at }, Window { from: at, to: at + QUARTER }]
    };
    let windows: Vec<Window> = dates.iter().flat_map(cut).collect();
    let sums = sums::store::window_sums(db, books, &Slice::default(), &windows).await?;
    let day = |(date, [whole, by_now, quarter]): (&Date, &[Sums; 3])| {
        let so_far = |of: fn(&Sums) -> i64| of(by_now) + of(quarter) * over_seconds / QUARTER.num_seconds();
        PastDay {
            date: *date,
            orders: whole.orders,
            revenue: whole.total(),
            orders_by_now: so_far(|sums| sums.orders),
            revenue_by_now: so_far(Sums::total),
        }
    };
    Ok(dates.iter().zip(sums.as_chunks().0).map(day).collect())
}

fn days_between(from: Date, to: Date) -> usize {
    from.until(to).map_or(1, |span| span.get_days().max(1)) as usize
}
