//! Computes the snapshot: the one function behind the first paint, the live stream and every answer (P3).

use chrono::TimeDelta;
use jiff::ToSpan as _;
use sqlx::{Connection as _, PgConnection};

use crate::period::{Instant, Period, Window, minus, plus, sql_date};
use crate::sales::books::Books;
use crate::sales::model::{CHART_DAYS, Day, Figures, Overview, RECENT_EVENTS, Snapshot, Versus};
use crate::sales::store;
use crate::sales::sums::{self, Sums};

/// The windows of the overview, a pair each: the window and the one it is compared with.
struct Pairs {
    today: [Window; 2],
    yesterday: [Window; 2],
    week: [Window; 2],
    month: [Window; 2],
    thirty_days: [Window; 2],
}

/// Computes the snapshot as of `now` from one consistent view of the database.
pub async fn compute(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<Snapshot> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let cursor = store::cursor(&mut tx, books.workspace).await?;
    let books = &books.at(cursor.books_revision, &mut tx).await?;
    let pairs = Pairs::at(books, now);
    let sums = sums::store::window_sums(&mut tx, books, &pairs.all()).await?;
    let today = books.calendar.date(now);
    let first = minus(today, (2 * CHART_DAYS as i64 - 1).days());
    let by_day = sums::store::day_sums(&mut tx, books.workspace, sql_date(first), sql_date(today)).await?;
    let recent = store::newest_events(&mut tx, books.workspace, cursor.last_event, RECENT_EVENTS as i64).await?;
    tx.commit().await?;

    let versus = |i: usize, [window, earlier]: [Window; 2]| Versus {
        current: figures(&sums[2 * i]),
        earlier: figures(&sums[2 * i + 1]),
        window: books.calendar.words(window, now),
        earlier_window: books.calendar.words(earlier, now),
    };
    let overview = Overview {
        revision: cursor.revision,
        last_event: cursor.last_event,
        as_of_ms: now.timestamp_millis(),
        as_of: books.calendar.local(now).strftime("%H:%M:%S").to_string(),
        zone: books.calendar.abbreviation(now),
        today: versus(0, pairs.today),
        yesterday: versus(1, pairs.yesterday),
        week: versus(2, pairs.week),
        month: versus(3, pairs.month),
        thirty_days: versus(4, pairs.thirty_days),
        flagged: by_day.values().map(|sums| sums.flagged).sum(),
    };
    let days = (0..2 * CHART_DAYS as i64).map(|i| plus(first, i.days())).map(|date| {
        // Today's point ends where today's figures end, not with an order dated later.
        let figures = if date == today {
            overview.today.current
        } else {
            by_day.get(&sql_date(date)).map(figures).unwrap_or_default()
        };
        Day { date: date.to_string(), figures }
    });
    Ok(Snapshot { currency: books.currency, days: days.collect(), recent, overview })
}

impl Pairs {
    fn at(books: &Books, now: Instant) -> Pairs {
        let calendar = &books.calendar;
        let local = calendar.local(now);
        let today = local.date();
        let yesterday = minus(today, 1.day());
        let to_date = |period| [calendar.to_date(period, now), calendar.same_point_before(period, now)];
        let span = (CHART_DAYS as i64).days();
        let first = minus(today, (CHART_DAYS as i64 - 1).days());
        let thirty_ago = calendar.instant(minus(today, span).to_datetime(local.time()));
        Pairs {
            today: to_date(Period::Day),
            yesterday: [calendar.day(yesterday), calendar.day(minus(yesterday, 1.day()))],
            week: to_date(Period::Week),
            month: to_date(Period::Month),
            thirty_days: [
                Window { from: calendar.midnight(first), to: now },
                Window { from: calendar.midnight(minus(first, span)), to: thirty_ago },
            ],
        }
    }

    /// In the order of the overview's fields, each followed by its earlier window.
    fn all(&self) -> Vec<Window> {
        [self.today, self.yesterday, self.week, self.month, self.thirty_days].concat()
    }
}

fn figures(sums: &Sums) -> Figures {
    Figures { orders: sums.orders, revenue: sums.total(), placed: sums.placed() }
}

/// The instant up to which data is complete: to the microsecond that PostgreSQL keeps.
pub fn watermark(now: Instant) -> Instant {
    now - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos() % 1000))
}
