//! The orders at the ends of windows, outside of whole quarters of an hour: those of days that are over are kept in memory.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::period::{Instant, Window, sql_date};
use crate::sales::books::Books;
use crate::sales::medians::cells::Cut;
use crate::sales::medians::store;
use crate::sales::sums::kept::{Part, Rows};
use crate::sales::sums::store::learn;
use crate::sales::sums::windows::{QUARTER, quarter};

/// For each cut the values that its quarters of an hour lack, and those that they hold too much, with how many orders there are
/// more or fewer of each.
pub async fn values(
    db: &mut PgConnection,
    books: &Books,
    revision: i64,
    cuts: &[Cut],
) -> sqlx::Result<Vec<Vec<(i64, i64)>>> {
    learn(db, books, revision).await?;
    let ends: Vec<Window> = cuts.iter().flat_map(|cut| &cut.ends).map(|(_, end)| *end).collect();
    let latest = ends.iter().map(|end| end.from).max().map(|at| books.calendar.date(at));
    let mut known: HashMap<Instant, Rows> = HashMap::new();
    let mut missing: HashMap<Instant, (Option<NaiveDate>, Window)> = HashMap::new();
    for end in ends {
        let from = quarter(end.from);
        let whole = Window { from, to: from + QUARTER };
        let date = books.calendar.date(from);
        // What the running quarter of an hour holds is not kept, nor one that does not lie in one day.
        if Some(date) == latest || !books.calendar.day(date).holds(whole) {
            let (_, least) = missing.entry(from).or_insert((None, end));
            *least = Window { from: least.from.min(end.from), to: least.to.max(end.to) };
        } else if let Some(rows) = books.kept.get(revision, sql_date(date), &Part::Values(from)) {
            known.insert(from, rows);
        } else {
            missing.insert(from, (Some(sql_date(date)), whole));
        }
    }
    let windows: Vec<Window> = missing.values().map(|(_, window)| *window).collect();
    let read = store::placed(db, books.workspace, &windows).await?;
    for ((from, (date, _)), rows) in missing.into_iter().zip(read) {
        let rows = Rows::from(rows);
        if let Some(date) = date {
            books.kept.keep(revision, [(date, Part::Values(from), Arc::clone(&rows))]);
        }
        known.insert(from, rows);
    }
    let of_end = |(sign, end): &(i64, Window)| {
        let sign = *sign;
        let (from, to) = (end.from.timestamp_micros(), end.to.timestamp_micros());
        let rows = known.get(&quarter(end.from)).into_iter().flat_map(|rows| rows.iter());
        rows.filter(move |row| (from..to).contains(&row.at)).map(move |row| (row.sums.gross, sign))
    };
    Ok(cuts.iter().map(|cut| cut.ends.iter().flat_map(of_end).collect()).collect())
}
