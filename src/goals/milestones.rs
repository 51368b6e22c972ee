//! What a shop has passed for the first time: round numbers of orders, round amounts of a day and of a month, and its best
//! day. Found from the sums of the days, so it is what the figures say now. Pure, but for the reading at the end.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use utoipa::ToSchema;

use crate::goals::model::whole;
use crate::money::{self, Currency};
use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::store as sales;
use crate::sales::sums::Sums;
use crate::sales::sums::store::{Slice, window_sums};

/// The fewest orders that are a milestone, and the smallest amounts of a day and of a month in a currency's main unit. They go
/// on in steps of five and two.
const ORDERS_LEAST: i64 = 1_000;
const DAY_LEAST: i64 = 1_000;
const MONTH_LEAST: i64 = 10_000;
/// Currencies without a minor unit have small main units.
const SMALL_UNITS: i64 = 100;

/// Something that a shop has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Milestone {
    /// The local date.
    #[schema(format = Date, example = "2026-11-14")]
    pub date: String,
    /// What it is, in a few words.
    #[schema(example = "1,000th order")]
    pub title: String,
}

/// The milestones, and by which books they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The revision of the books.
    pub books: i64,
    /// The newest first.
    pub milestones: Vec<Milestone>,
}

/// A day of the shop's history: orders and total revenue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastDay {
    /// The date.
    pub date: Date,
    /// Orders placed.
    pub orders: i64,
    /// Total revenue, minor units.
    pub total: i64,
}

/// The milestones of a history, the newest first. The last day is running: it passes, but is no best day yet.
pub fn milestones(days: &[PastDay], currency: Currency) -> Vec<Milestone> {
    let unit = 10i64.pow(currency.minor_digits()) * if currency.minor_digits() == 0 { SMALL_UNITS } else { 1 };
    let mut passed: Vec<(Date, String)> = Vec::new();
    let (mut orders, mut orders_step) = (0, ORDERS_LEAST);
    let (mut day_most, mut month_most, mut month) = (None, None, 0);
    for (i, day) in days.iter().enumerate() {
        orders += day.orders;
        if let Some(round) = passes(&mut orders_step, orders) {
            passed.push((day.date, format!("{}th order", money::count(round))));
        }
        if let Some(round) = first_above(&mut day_most, day.total, DAY_LEAST * unit) {
            passed.push((day.date, format!("First day above {}", whole(round, currency))));
        }
        month += day.total;
        // A month is compared with those before it, so that its own days do not stand in its way.
        if let Some(round) = above(month_most, month, MONTH_LEAST * unit)
            && !passed
                .iter()
                .any(|(date, said)| is_same_month(*date, day.date) && *said == month_words(round, currency))
        {
            passed.retain(|(date, said)| !(is_same_month(*date, day.date) && said.starts_with(MONTH_WORDS)));
            passed.push((day.date, month_words(round, currency)));
        }
        let is_last_of_month = days.get(i + 1).is_none_or(|next| !is_same_month(next.date, day.date));
        if is_last_of_month {
            month_most = Some(month_most.unwrap_or(0).max(month));
            month = 0;
        }
    }
    let over = days.split_last().map_or(&[][..], |(_, over)| over);
    // Of equal days the first.
    let best = over.iter().rev().max_by_key(|day| day.total).filter(|day| day.total > 0);
    if let Some(best) = best {
        passed.push((best.date, format!("Best day so far: {}", money::display(best.total, currency))));
    }
    passed.sort_by_key(|(date, _)| std::cmp::Reverse(*date));
    passed.into_iter().map(|(date, title)| Milestone { date: date.to_string(), title }).collect()
}

const MONTH_WORDS: &str = "First month above ";

fn month_words(round: i64, currency: Currency) -> String {
    format!("{MONTH_WORDS}{}", whole(round, currency))
}

fn is_same_month(a: Date, b: Date) -> bool {
    a.first_of_month() == b.first_of_month()
}

/// The highest round number that a count has come to, where it is a new one; `next` is the first that has not been.
fn passes(next: &mut i64, count: i64) -> Option<i64> {
    let mut round = None;
    while *next <= count {
        round = Some(*next);
        *next *= 10;
    }
    round
}

/// The highest round amount that is above all before it, where there is something before: where a history begins says
/// nothing.
fn first_above(most: &mut Option<i64>, amount: i64, least: i64) -> Option<i64> {
    let round = above(*most, amount, least);
    *most = Some(most.unwrap_or(0).max(amount));
    round
}

/// The highest of 1, 5, 10, 50 … times `least` that `amount` reaches and `most` does not.
fn above(most: Option<i64>, amount: i64, least: i64) -> Option<i64> {
    let most = most?;
    let (mut round, mut step, mut factor) = (None, least, 5);
    while step <= amount {
        round = Some(step).filter(|step| *step > most);
        step = step.checked_mul(factor)?;
        factor = if factor == 5 { 2 } else { 5 };
    }
    round
}

/// Finds the milestones up to `now`, from one consistent view of the database.
pub async fn find(db: &mut PgConnection, books: &Books, now: Instant) -> sqlx::Result<Found> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let cursor = sales::cursor(&mut tx, books.workspace).await?;
    let books = books.at(cursor.books_revision, &mut tx).await?;
    let first = sales::first_day(&mut tx, books.workspace).await?;
    let today = books.calendar.date(now);
    let first: Date = first.and_then(|day| day.to_string().parse().ok()).unwrap_or(today);
    let dates: Vec<Date> = first.series(1.day()).take_while(|date| *date <= today).collect();
    let windows: Vec<Window> = dates.iter().map(|date| books.calendar.day(*date)).collect();
    let sums = window_sums(&mut tx, &books, &Slice::default(), &windows).await?;
    tx.commit().await?;
    let day = |(date, sums): (Date, Sums)| PastDay { date, orders: sums.orders, total: sums.total() };
    let days: Vec<PastDay> = dates.into_iter().zip(sums).map(day).collect();
    Ok(Found { books: books.revision, milestones: milestones(&days, books.currency) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::plus;

    fn history(days: &[(i64, i64)]) -> Vec<PastDay> {
        let dates = std::iter::successors(Some(Date::constant(2026, 10, 30)), |date| Some(plus(*date, 1.day())));
        days.iter().zip(dates).map(|((orders, total), date)| PastDay { date, orders: *orders, total: *total }).collect()
    }

    fn found(days: &[(i64, i64)], currency: Currency) -> Vec<(String, String)> {
        milestones(&history(days), currency).into_iter().map(|m| (m.date, m.title)).collect()
    }

    fn said(date: &str, title: &str) -> (String, String) {
        (date.to_owned(), title.to_owned())
    }

    #[test]
    fn round_numbers_are_passed_once_and_of_several_the_highest_is_said() {
        let days = [(600, 90_000), (399, 120_000), (1, 700_000), (20_000, 650_000), (1, 10)];
        assert_eq!(
            found(&days, Currency::GBP),
            [
                said("2026-11-02", "10,000th order"),
                said("2026-11-02", "First month above £10,000"),
                said("2026-11-01", "1,000th order"),
                said("2026-11-01", "First day above £5,000"),
                said("2026-11-01", "Best day so far: £7,000.00"),
                said("2026-10-31", "First day above £1,000"),
            ]
        );
    }

    #[test]
    fn where_a_history_begins_nothing_is_passed_and_the_running_day_is_no_best_one() {
        assert_eq!(found(&[(5_000, 9_000_000)], Currency::GBP), [said("2026-10-30", "1,000th order")]);
        assert_eq!(found(&[], Currency::GBP), []);
        assert_eq!(found(&[(0, -5), (0, 0)], Currency::GBP), []);
        let yen = Currency::parse("JPY").expect("a code");
        assert_eq!(
            found(&[(1, 90_000), (1, 120_000), (1, 0)], yen),
            [said("2026-10-31", "First day above ¥100,000"), said("2026-10-31", "Best day so far: ¥120,000")]
        );
    }

    #[test]
    fn a_day_that_refunds_take_below_is_above_no_more() {
        let days = [(1, 10), (1, 150_000), (1, 10), (1, 10)];
        assert_eq!(found(&days, Currency::GBP)[0], said("2026-10-31", "First day above £1,000"));
        assert!(!format!("{:?}", found(&[(1, 10), (1, 90_000), (1, 10)], Currency::GBP)).contains("First day"));
    }
}
