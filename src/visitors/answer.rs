//! What is known of visitors at a moment: read once, for the page, the API and the files.

use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::{Connection as _, PgConnection};

use crate::money::{Change, mean};
use crate::period::{Calendar, Instant, Period, Window, jiff_date, minus, sql_date};
use crate::sales::books::Books;
use crate::sales::question::{Bucket, Filter};
use crate::sales::snapshot::slice;
use crate::sales::sums::store::window_sums;
use crate::sales::{spans, store as sales};
use crate::server::state::AppState;
use crate::sources;
use crate::visitors::batch::Kind;
use crate::visitors::sums_store::{self as sums, PartSums};

/// Days of the charts and the tables, today included.
pub const DAYS: i64 = 30;
/// Hours of the chart, the running one included.
pub const HOURS: usize = 24;
/// Referrers, pages and countries that are read at most: what a file has.
const PARTS_MAX: i64 = 1_000;
/// The platforms whose shops can carry the script. Marketplaces let nobody put one into their pages, so that their orders have
/// no visitors to stand against.
const WITH_SCRIPT: [&str; 3] = ["shopify", "woocommerce", "direct"];

/// Everything about visitors at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Visited {
    /// The moment.
    pub at: Instant,
    /// When the first visitor of all was counted; `None` before that.
    pub since: Option<Instant>,
    /// Visitors of the last minutes.
    pub now: i64,
    /// Today so far.
    pub today: i64,
    /// Page views of today so far.
    pub today_views: i64,
    /// Yesterday's visitors up to the same point.
    pub yesterday: i64,
    /// Orders of today so far, beside the visitors that are counted: from the first of them on.
    pub today_orders: i64,
    /// The last hours, the oldest first.
    pub hours: Vec<Hour>,
    /// The last days, the oldest first.
    pub days: Vec<Day>,
    /// Where visitors came from.
    pub referrers: Vec<PartSums>,
    /// What they looked at.
    pub pages: Vec<PartSums>,
    /// Their countries.
    pub countries: Vec<PartSums>,
    /// Whether countries are looked up.
    pub has_countries: bool,
}

/// An hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// Its window; the running hour's ends with the hour.
    pub window: Window,
    /// Visitors.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: Date,
    /// Visitors.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
    /// Orders, from the first visitor of all on.
    pub orders: i64,
}

impl Visited {
    /// How today stands against yesterday at the same point.
    pub fn change(&self) -> Change {
        Change::between(self.today, self.yesterday)
    }

    /// Visitors, page views and orders of all days together. A visitor is another one on another day.
    pub fn all_days(&self) -> (i64, i64, i64) {
        self.days.iter().fold((0, 0, 0), |(visitors, views, orders), day| {
            (visitors + day.visitors, views + day.views, orders + day.orders)
        })
    }

    /// The window of the hours.
    pub fn hours_window(&self) -> Window {
        Window { from: self.hours.first().map_or(self.at, |hour| hour.window.from), to: self.at }
    }

    /// The window of all days.
    pub fn days_window(&self, calendar: &Calendar) -> Window {
        let first = self.days.first().map_or(calendar.date(self.at), |day| day.date);
        Window { from: calendar.midnight(first), to: self.at }
    }
}

/// Orders by visitors in tenths of a percent; `None` without visitors.
pub fn conversion(orders: i64, visitors: i64) -> Option<i64> {
    mean(orders.saturating_mul(1_000), visitors)
}

/// What is known now, as of at most a moment ago.
pub async fn visited(state: &AppState) -> Result<std::sync::Arc<Visited>, sqlx::Error> {
    let make = async {
        let (books, now) = (state.books.now(), state.clock.now());
        let mut visited = read(&mut *state.db.acquire().await?, &books, now).await?;
        visited.has_countries = state.counter.countries().are_known();
        Ok::<_, sqlx::Error>(visited)
    };
    state.counter.answer(make).await
}

/// Reads it from one consistent view of the database.
pub async fn read(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<Visited> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let cursor = sales::cursor(&mut tx, books.workspace).await?;
    let books = &books.at(cursor.books_revision, &mut tx).await?;
    let (workspace, calendar) = (books.workspace, &books.calendar);
    let today = calendar.date(now);
    let dates: Vec<Date> = (0..DAYS).rev().map(|back| minus(today, back.days())).collect();
    let range = [dates.first().copied().unwrap_or(today), today].map(sql_date);

    let since = sums::since(&mut tx, workspace).await?;
    let days = sums::days(&mut tx, workspace, range[0], range[1]).await?;
    let orders = orders(&mut tx, books, since, &dates, now).await?;
    let days: Vec<Day> = dates
        .iter()
        .zip(orders)
        .map(|(date, orders)| {
            let counted = days.iter().find(|day| jiff_date(day.day) == *date);
            let (visitors, views) = counted.map_or((0, 0), |day| (day.visitors, day.views));
            Day { date: *date, visitors, views, orders }
        })
        .collect();
    let windows = last_hours(calendar, now);
    let from = windows.first().map_or(now, |hour| hour.from);
    let counted = sums::hours(&mut tx, workspace, from).await?;
    let hours = windows.into_iter().map(|window| {
        let hour = counted.iter().find(|hour| hour.hour == window.from);
        let (visitors, views) = hour.map_or((0, 0), |hour| (hour.visitors, hour.views));
        Hour { window, visitors, views }
    });
    let hours = hours.collect();
    let of_today = days.last().copied();
    let visited = Visited {
        at: now,
        since,
        now: sums::now(&mut tx, workspace, now).await?,
        today: of_today.map_or(0, |day| day.visitors),
        today_views: of_today.map_or(0, |day| day.views),
        yesterday: yesterday_so_far(&mut tx, books, now).await?,
        today_orders: of_today.map_or(0, |day| day.orders),
        hours,
        days,
        referrers: sums::parts(&mut tx, workspace, Kind::Referrer, range, PARTS_MAX).await?,
        pages: sums::parts(&mut tx, workspace, Kind::Page, range, PARTS_MAX).await?,
        countries: sums::parts(&mut tx, workspace, Kind::Country, range, PARTS_MAX).await?,
        has_countries: false,
    };
    tx.commit().await?;
    Ok(visited)
}

/// The last hours, the running one included, the oldest first. They are cut from instants: the hour that a fold repeats is there
/// twice (T2).
pub fn last_hours(calendar: &Calendar, now: Instant) -> Vec<Window> {
    let today = calendar.date(now);
    let two_days = calendar.days(minus(today, 1.day()), today);
    let hours = spans::parts(Bucket::Hour, two_days, calendar).filter(|hour| hour.from <= now);
    let hours: Vec<Window> = hours.collect();
    hours[hours.len().saturating_sub(HOURS)..].to_vec()
}

/// The orders of each day that stand against visitors: of the platforms whose pages can have the script, from the first visitor
/// of all on, up to now. Their number is that of the sums, as everywhere.
async fn orders(
    db: &mut PgConnection,
    books: &Books,
    since: Option<Instant>,
    dates: &[Date],
    now: Instant,
) -> sqlx::Result<Vec<i64>> {
    let Some(since) = since else { return Ok(vec![0; dates.len()]) };
    let window = |date: &Date| {
        let Window { from, to } = books.calendar.day(*date);
        let to = to.min(now);
        Window { from: from.max(since).min(to), to }
    };
    let windows: Vec<Window> = dates.iter().map(window).collect();
    let all = sources::store::all(&mut *db, books.workspace).await?;
    let filter = Filter { platforms: WITH_SCRIPT.map(str::to_owned).to_vec(), ..Filter::default() };
    let Ok(slice) = slice(&filter, &all) else { return Ok(vec![0; dates.len()]) };
    let sums = window_sums(db, books, &slice, &windows).await?;
    Ok(sums.into_iter().map(|sums| sums.orders).collect())
}

/// Yesterday's visitors up to the same point (T3).
async fn yesterday_so_far(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<i64> {
    let window = books.calendar.same_point_before(Period::Day, now);
    let yesterday = minus(books.calendar.date(now), 1.day());
    let hours = spans::parts(Bucket::Hour, books.calendar.day(yesterday), &books.calendar);
    let hour = hours.map(|hour| hour.from).filter(|from| *from <= window.to).last().unwrap_or(window.from);
    sums::visitors_until(db, books.workspace, sql_date(yesterday), window.from, hour, window.to).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    #[test]
    fn the_last_hours_are_24_whatever_the_clock_did() {
        let london = Calendar::new("Europe/London", 1).expect("a zone");
        for now in ["2026-11-21T14:30:07Z", "2026-10-25T01:30:00Z", "2026-10-25T12:00:00Z", "2026-03-29T12:00:00Z"] {
            let hours = last_hours(&london, at(now));
            assert_eq!(hours.len(), HOURS, "{now}");
            assert!(hours.windows(2).all(|pair| pair[0].to == pair[1].from), "{now}: without a gap");
            assert!(hours.last().is_some_and(|hour| hour.from <= at(now) && at(now) < hour.to), "{now}");
        }
        let repeated = last_hours(&london, at("2026-10-25T12:00:00Z"));
        let ones = repeated.iter().filter(|hour| london.local(hour.from).strftime("%H:%M").to_string() == "01:00");
        assert_eq!(ones.count(), 2);
    }

    #[test]
    fn conversion_is_orders_by_visitors() {
        assert_eq!(conversion(3, 120), Some(25));
        assert_eq!(conversion(1, 3), Some(333));
        assert_eq!(conversion(0, 10), Some(0));
        assert_eq!(conversion(2, 0), None);
    }
}
