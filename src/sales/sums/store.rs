//! Reading sums out of PostgreSQL: of windows, of all orders or of some, in one or by country, source or status.
//!
//! Windows are cut into pieces ([`windows`]). What of them is kept in memory ([`kept`]) is not read again, and all the rest is
//! read at once: from the tables of sums, or where these do not hold the orders that a filter leaves, from the ledger. In the
//! questions `offset 0` keeps each part one of its own, answered through the index by its bounds; joined freely, a plan may read
//! a whole table once and compare every row with every window.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::Window;
use crate::sales::books::Books;
use crate::sales::store::cursor;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::{Combination, Of};
use crate::sales::sums::parts::Parts;
use crate::sales::sums::windows::{self, Piece};

/// Which orders are summed: `None` is all of a dimension's values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Slice {
    /// Countries.
    pub countries: Option<Vec<String>>,
    /// Numbers of sources, as text.
    pub sources: Option<Vec<String>>,
    /// Statuses of payment.
    pub statuses: Option<Vec<String>>,
}

impl Slice {
    /// The one dimension that the tables of sums have to know for this slice; `None` where they would have to know two.
    pub(super) fn dimension(&self, group: Option<Dimension>) -> Option<Option<Dimension>> {
        let filtered = [
            (Dimension::Country, &self.countries),
            (Dimension::Source, &self.sources),
            (Dimension::Status, &self.statuses),
        ];
        let named = filtered.into_iter().filter(|(_, values)| values.is_some()).map(|(dimension, _)| dimension);
        let mut needed: Vec<Dimension> = named.chain(group).collect();
        needed.dedup();
        needed.sort_unstable();
        needed.dedup();
        match needed[..] {
            [] => Some(None),
            [dimension] => Some(Some(dimension)),
            _ => None,
        }
    }

    /// Whether the tables of sums hold the answer; else days are read from the ledger, which takes longer the first time.
    pub fn is_summed(&self, group: Option<Dimension>) -> bool {
        self.dimension(group).is_some()
    }

    pub(super) fn values(&self, dimension: Dimension) -> Option<&[String]> {
        match dimension {
            Dimension::Country => self.countries.as_deref(),
            Dimension::Source => self.sources.as_deref(),
            Dimension::Status => self.statuses.as_deref(),
        }
    }
}

/// The sums in a row of any question.
macro_rules! sums_of {
    ($row:expr) => {
        Sums {
            orders: $row.orders,
            gross: $row.gross_minor,
            discount: $row.discount_minor,
            shipping: $row.shipping_minor,
            tax: $row.tax_minor,
            returned_goods: $row.returned_goods_minor,
            returned_shipping: $row.returned_shipping_minor,
            returned_tax: $row.returned_tax_minor,
            reversed_goods: $row.reversed_goods_minor,
            reversed_shipping: $row.reversed_shipping_minor,
            reversed_tax: $row.reversed_tax_minor,
            flagged: $row.flagged,
        }
    };
}
pub(super) use sums_of;

/// What is asked for: the sums of windows, in one or by the values of a dimension.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which orders.
    pub slice: &'a Slice,
    /// By what; `None` is all in one.
    pub by: Option<Dimension>,
    /// When.
    pub windows: &'a [Window],
}

/// The sums of windows by the values of a dimension: the number of the window, the value, its sums. Values that nothing
/// is left of, as of an order that was told of with another country first, are left out.
pub type ByValue = Vec<(usize, String, Sums)>;

/// The sums of several windows, each of the slice.
pub async fn window_sums(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    windows: &[Window],
) -> sqlx::Result<Vec<Sums>> {
    let revision = cursor(db, books.workspace).await?.revision;
    let answers = answers(db, books, revision, &[Asked { slice, by: None, windows }]).await?;
    Ok(answers.into_iter().next().map(|rows| in_one(rows, windows.len())).unwrap_or_default())
}

/// An answer that is not by any dimension: the sums of each window.
pub fn in_one(rows: ByValue, windows: usize) -> Vec<Sums> {
    let mut sums = vec![Sums::default(); windows];
    for (window, _, part) in rows {
        sums[window] += part;
    }
    sums
}

/// Answers several questions as of the view of the database that `revision` is of.
pub async fn answers(
    db: &mut PgConnection,
    books: &Books,
    revision: i64,
    asked: &[Asked<'_>],
) -> sqlx::Result<Vec<ByValue>> {
    let ends = asked.iter().flat_map(|asked| asked.windows).map(|window| window.to);
    let last = ends.max().map(|to| books.calendar.date(to)).unwrap_or_default();
    let cuts: Vec<_> = asked.iter().map(|asked| Cut::of(asked, books, last)).collect();
    let needed = cuts.iter().flat_map(|cut| cut.pieces.iter().map(|(.., piece)| (cut.of.clone(), *piece)));
    let needed: Vec<_> = needed.collect();
    learn(db, books, revision).await?;
    let parts = Parts::of(db, books, revision, last, &needed).await?;
    let sums = |(asked, cut): (&Asked, &Cut)| {
        let mut rows = cut.sums(asked.by.is_some(), &parts, books);
        rows.retain(|(.., sums)| *sums != Sums::default());
        rows
    };
    Ok(asked.iter().zip(&cuts).map(sums).collect())
}

/// Makes what is kept usable as of `revision`.
pub async fn learn(db: &mut PgConnection, books: &Books, revision: i64) -> sqlx::Result<()> {
    if let Some(known) = books.kept.unknown_after(revision) {
        let rows = sqlx::query!(
            "select revision, days from day_changes where workspace_id = $1 and revision > $2 and revision <= $3",
            books.workspace,
            known,
            revision
        );
        let rows = rows.fetch_all(db).await?;
        books.kept.learn(revision, rows.into_iter().map(|row| (row.revision, row.days)));
    }
    Ok(())
}

/// A question by its pieces.
struct Cut<'a> {
    of: Of,
    /// Values of the tables' dimension that are left in; `None` is all.
    values: Option<HashSet<&'a str>>,
    /// Each with the number of its window and its sign.
    pieces: Vec<(usize, i64, Piece)>,
}

impl<'a> Cut<'a> {
    fn of(asked: &Asked<'a>, books: &Books, last: Date) -> Cut<'a> {
        let (of, values) = match asked.slice.dimension(asked.by) {
            Some(dimension) => (Of::Tables(dimension), dimension.and_then(|dimension| asked.slice.values(dimension))),
            None => (Of::Ledger(Arc::new(Combination { slice: asked.slice.clone(), by: asked.by })), None),
        };
        let cut = |(i, window): (usize, &Window)| {
            windows::cut(*window, &books.calendar, last).into_iter().map(move |(sign, piece)| (i, sign, piece))
        };
        Cut {
            of,
            values: values.map(|values| values.iter().map(String::as_str).collect()),
            pieces: asked.windows.iter().enumerate().flat_map(cut).collect(),
        }
    }

    /// Adds up what `parts` hold of the pieces.
    fn sums(&self, by_value: bool, parts: &Parts, books: &Books) -> ByValue {
        let mut out = ByValue::new();
        for pieces in self.pieces.chunk_by(|a, b| a.0 == b.0) {
            let mut in_one = Sums::default();
            let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
            for (_, sign, piece) in pieces {
                parts.rows(&self.of, piece, books, |row| {
                    if self.values.as_ref().is_none_or(|values| values.contains(&*row.value)) {
                        let sum = if by_value { sums.entry(&row.value).or_default() } else { &mut in_one };
                        sum.add(*sign, &row.sums);
                    }
                });
            }
            sums.entry("").or_default().add(1, &in_one);
            let window = pieces.first().map_or(0, |(window, ..)| *window);
            out.extend(sums.into_iter().map(|(value, sums)| (window, value.to_owned(), sums)));
        }
        out
    }
}
