//! Explains a figure: what it means, what it is made of, what was left out, which rates were used, and its rows.

use jiff::ToSpan as _;
use sqlx::{Connection as _, PgConnection};

use crate::export::PAGE_ROWS;
use crate::money::{Change, Currency};
use crate::period::{Instant, Window, plus};
use crate::sales::books::Books;
use crate::sales::inspector::figure::{Figure, Measured, find};
use crate::sales::inspector::store::{self, Cursor, Kinds, Posting, RateUsed};
use crate::sales::question::{Measure, Question, RefundDate};
use crate::sales::snapshot::{Unanswered, slice};
use crate::sales::spans::resolve;
use crate::sales::store as sales;
use crate::sales::sums::Sums;
use crate::sales::sums::store::{Slice, window_sums};
use crate::sources;

/// Rows of a page.
pub const ROWS: i64 = 50;
/// Rows are sorted by amount where there are at most so many: they all have to be read for it.
const SORTED_MAX: usize = 10_000;
/// Days at most whose rates are listed, the newest.
const RATE_DAYS_MAX: i64 = 92;

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// The newest first.
    #[default]
    Time,
    /// The largest first.
    Amount,
    /// The smallest, or most negative, first.
    AmountRising,
}

/// What is asked of the inspector.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The figure's name.
    pub name: String,
    /// The question of the page that it stands on.
    pub question: Question,
    /// The moment as of which it is explained; now, where there is none.
    pub at: Option<Instant>,
    /// The order of the rows.
    pub by: By,
    /// Where the page begins: `after` of [`Inspection::next`].
    pub after: Option<After>,
}

/// Where a page of rows begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Below a posting, in the order of time.
    Posting(Cursor),
    /// So many rows are passed, in the order of amounts.
    Rows(usize),
}

/// A figure, explained.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What it counts.
    pub figure: Figure,
    /// The moment as of which it is.
    pub as_of: Instant,
    /// The books it was computed with.
    pub books: Books,
    /// Everything that the ledger says of its window.
    pub sums: Sums,
    /// The figure: minor units or a number of orders; `None` where there is none (M6).
    pub value: Option<i64>,
    /// The figure that it is compared with, and the change.
    pub earlier: Option<(Option<i64>, Change)>,
    /// What adds up to it, minor units of the reporting currency.
    pub parts: Vec<(&'static str, i64)>,
    /// Orders that are left out, by the reason.
    pub left_out: Vec<(String, i64)>,
    /// Rates of the orders that were placed in the window.
    pub rates: Vec<RateUsed>,
    /// Whether the window has more days than rates are listed of.
    pub has_more_rates: bool,
    /// A page of its rows.
    pub rows: Vec<Posting>,
    /// The order that the rows are in.
    pub by: By,
    /// Whether another order was asked for: there are too many of them.
    pub unsorted: bool,
    /// Where the next page begins.
    pub next: Option<After>,
}

impl Inspection {
    /// The reporting currency.
    pub fn currency(&self) -> Currency {
        self.books.currency
    }
}

/// What is needed to read a figure's rows.
struct Ground {
    figure: Figure,
    books: Books,
    slice: Slice,
    as_of: Instant,
}

/// Explains a figure as of `now`, or an earlier moment, from one consistent view of the database.
pub async fn inspect(
    db: &mut PgConnection,
    books: &Books,
    asked: &Asked,
    now: Instant,
) -> Result<Inspection, Unanswered> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let Ground { figure, books, slice, as_of } = ground(&mut tx, books, asked, now).await?;
    let workspace = books.workspace;
    let earlier = figure.earlier.iter().map(|(window, _)| *window);
    let windows: Vec<Window> = figure.windows.iter().copied().chain(earlier).collect();
    let each = window_sums(&mut tx, &books, &slice, &windows).await?;
    let (current, earlier) = each.split_at(figure.windows.len());
    let sums = current.iter().fold(Sums::default(), |mut sums, part| {
        sums += *part;
        sums
    });
    let of = |sums: &Sums| value(figure.measured, &figure.question, sums);
    let earlier = earlier.first().map(|earlier| {
        let change = Change::between(of(&sums).unwrap_or(0), of(earlier).unwrap_or(0));
        (of(earlier), change)
    });
    let days = days(&figure, &books);
    let kinds = kinds(figure.measured, &figure.question);
    let (rows, next, unsorted) = page(&mut tx, workspace, &figure, &kinds, &slice, asked).await?;
    let inspection = Inspection {
        value: of(&sums),
        earlier,
        parts: parts(figure.measured, &figure.question, &sums),
        sums,
        left_out: store::left_out(&mut tx, workspace, &figure.windows, &slice).await?,
        rates: store::rates_used(&mut tx, workspace, &days, &slice).await?,
        has_more_rates: days.first().zip(figure.span()).is_some_and(|(day, span)| day.from > span.from),
        rows,
        by: if unsorted { By::Time } else { asked.by },
        unsorted,
        next,
        figure,
        as_of,
        books,
    };
    tx.commit().await?;
    Ok(inspection)
}

async fn ground(db: &mut PgConnection, books: &Books, asked: &Asked, now: Instant) -> Result<Ground, Unanswered> {
    let cursor = sales::cursor(db, books.workspace).await?;
    let books = books.at(cursor.books_revision, db).await?;
    let as_of = asked.at.filter(|at| *at <= now).unwrap_or(now);
    let since = sales::first_day(db, books.workspace).await?;
    let since = since.and_then(|day| day.to_string().parse().ok()).unwrap_or_else(|| books.calendar.date(as_of));
    let spans = resolve(&asked.question, &books.calendar, as_of, since).map_err(Unanswered::Question)?;
    let figure = find(&asked.name, &asked.question, &spans, &books.calendar, as_of).map_err(Unanswered::Question)?;
    let slice = slice(&figure.question.filter, &sources::store::all(&mut *db, books.workspace).await?)?;
    Ok(Ground { figure, books, slice, as_of })
}

/// A page of rows, where the next one begins, and whether they are not in the order that was asked for.
async fn page(
    db: &mut PgConnection,
    workspace: i32,
    figure: &Figure,
    kinds: &Kinds,
    slice: &Slice,
    asked: &Asked,
) -> sqlx::Result<(Vec<Posting>, Option<After>, bool)> {
    if asked.by != By::Time {
        let limit = SORTED_MAX as i64 + 1;
        let mut all = store::postings(db, workspace, &figure.windows, kinds, slice, None, limit).await?;
        if all.len() <= SORTED_MAX {
            all.sort_by_key(|row| if asked.by == By::Amount { -row.converted } else { row.converted });
            let passed = if let Some(After::Rows(passed)) = asked.after { passed } else { 0 };
            let next = passed + ROWS as usize;
            let has_more = next < all.len();
            let rows = all.into_iter().skip(passed).take(ROWS as usize).collect();
            return Ok((rows, has_more.then_some(After::Rows(next)), false));
        }
    }
    let after = if let Some(After::Posting(cursor)) = asked.after { Some(cursor) } else { None };
    let mut rows = store::postings(db, workspace, &figure.windows, kinds, slice, after, ROWS + 1).await?;
    let has_more = rows.len() as i64 > ROWS;
    rows.truncate(ROWS as usize);
    let next = rows.last().filter(|_| has_more).map(|row| After::Posting(Cursor { at: row.at, order: row.order }));
    Ok((rows, next, asked.by != By::Time))
}

/// All rows of a figure in pages, for a file.
pub struct Rows {
    /// The figure.
    pub figure: Figure,
    /// The books that it is of.
    pub books: Books,
    /// The moment as of which it is.
    pub as_of: Instant,
    slice: Slice,
    kinds: Kinds,
    after: Option<Cursor>,
    is_over: bool,
}

impl Rows {
    /// The rows of a figure.
    pub async fn of(db: &mut PgConnection, books: &Books, asked: &Asked, now: Instant) -> Result<Rows, Unanswered> {
        let Ground { figure, books, slice, as_of } = ground(db, books, asked, now).await?;
        let kinds = kinds(figure.measured, &figure.question);
        Ok(Rows { figure, books, as_of, slice, kinds, after: None, is_over: false })
    }

    /// The next page; `None` after the last one.
    pub async fn next(&mut self, db: &mut PgConnection) -> sqlx::Result<Option<Vec<Posting>>> {
        if self.is_over {
            return Ok(None);
        }
        let (workspace, windows) = (self.books.workspace, &self.figure.windows);
        let rows = store::postings(db, workspace, windows, &self.kinds, &self.slice, self.after, PAGE_ROWS).await?;
        self.is_over = (rows.len() as i64) < PAGE_ROWS;
        self.after = rows.last().map(|row| Cursor { at: row.at, order: row.order });
        Ok(Some(rows))
    }
}

/// The figure out of the sums of its window: as everywhere on the page (P3).
fn value(measured: Measured, question: &Question, sums: &Sums) -> Option<i64> {
    match measured {
        Measured::Revenue => Some(sums.revenue(question.measure, question.refunds)),
        Measured::Orders => Some(sums.orders),
        Measured::Average => crate::money::mean(sums.placed(), sums.orders),
    }
}

/// The entries that a figure counts.
fn kinds(measured: Measured, question: &Question) -> Kinds {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let placed = ["sale", "discount", "shipping", "tax"];
    let returned = ["refund_goods", "cancel_goods", "refund_shipping", "cancel_shipping", "refund_tax", "cancel_tax"];
    let (placed, returned) = match (measured, question.measure) {
        (Measured::Orders, _) => {
            return Kinds { happened: names(&["sale"]), placing_alone: true, ..Kinds::default() };
        }
        (Measured::Average, _) => return Kinds { happened: names(&placed), ..Kinds::default() },
        (Measured::Revenue, Measure::Total) => (&placed[..], &returned[..]),
        (Measured::Revenue, Measure::Net) => (&placed[..2], &returned[..2]),
    };
    match question.refunds {
        RefundDate::Refund => Kinds { happened: names(&[placed, returned].concat()), ..Kinds::default() },
        RefundDate::Order => Kinds { happened: names(placed), of_order: names(returned), placing_alone: false },
    }
}

/// What adds up to a figure.
fn parts(measured: Measured, question: &Question, sums: &Sums) -> Vec<(&'static str, i64)> {
    let (goods, shipping, tax) = match question.refunds {
        RefundDate::Refund => (sums.returned_goods, sums.returned_shipping, sums.returned_tax),
        RefundDate::Order => (sums.reversed_goods, sums.reversed_shipping, sums.reversed_tax),
    };
    let sold = [("Price × quantity", sums.gross), ("Discounts", sums.discount)];
    let charged = [("Shipping", sums.shipping), ("Tax", sums.tax)];
    match (measured, question.measure) {
        (Measured::Orders, _) => Vec::new(),
        (Measured::Average, _) => [sold, charged].concat(),
        (Measured::Revenue, Measure::Net) => [&sold[..], &[("Goods refunded or cancelled", goods)]].concat(),
        (Measured::Revenue, Measure::Total) => [
            &sold[..],
            &charged[..],
            &[
                ("Goods refunded or cancelled", goods),
                ("Shipping refunded or cancelled", shipping),
                ("Tax refunded or cancelled", tax),
            ],
        ]
        .concat(),
    }
}

/// The local days of what a figure counts, the last ones of a long window.
fn days(figure: &Figure, books: &Books) -> Vec<Window> {
    let calendar = &books.calendar;
    let [window] = figure.windows[..] else { return figure.windows.clone() };
    let Window { from, to } = window;
    if from >= to {
        return Vec::new();
    }
    let last = calendar.date(to - chrono::TimeDelta::microseconds(1));
    let first = calendar.date(from).max(plus(last, (1 - RATE_DAYS_MAX).days()));
    let mut days = Vec::new();
    let mut date = first;
    while date <= last {
        let day = calendar.day(date);
        days.push(Window { from: day.from.max(from), to: day.to.min(to) });
        date = plus(date, 1.day());
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_figure() {
        let sums = Sums {
            orders: 3,
            gross: 10_000,
            discount: -500,
            shipping: 900,
            tax: 70,
            returned_goods: -1_000,
            returned_shipping: -300,
            returned_tax: -20,
            reversed_goods: -2_000,
            reversed_shipping: -1,
            reversed_tax: -3,
            flagged: 0,
        };
        for measure in Measure::ALL {
            for refunds in RefundDate::ALL {
                let question = Question { measure: *measure, refunds: *refunds, ..Question::default() };
                let total: i64 = parts(Measured::Revenue, &question, &sums).iter().map(|(_, minor)| minor).sum();
                assert_eq!(Some(total), value(Measured::Revenue, &question, &sums), "{measure:?} {refunds:?}");
            }
        }
        let placed: i64 = parts(Measured::Average, &Question::default(), &sums).iter().map(|(_, minor)| minor).sum();
        assert_eq!(crate::money::mean(placed, 3), value(Measured::Average, &Question::default(), &sums));
    }
}
