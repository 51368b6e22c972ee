//! Reading sums out of PostgreSQL: of windows, of all orders or of some, in one or by country, source or status.
//!
//! Windows are cut into pieces ([`windows`]). What of them is kept in memory ([`kept`]) is not read again, and all the rest is
//! read at once. In the questions `offset 0` keeps each part one of its own, answered through the index by its bounds; joined
//! freely, a plan may read a whole table once and compare every row with every window.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{Instant, Window};
use crate::sales::books::Books;
use crate::sales::store::cursor;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::Unknown;
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

    /// Whether the tables of sums hold the answer; else it is read from the ledger and takes longer.
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
    let needed = cuts.iter().flatten().flat_map(|cut| cut.pieces.iter().map(|(.., piece)| (cut.dimension, *piece)));
    let needed: Vec<_> = needed.collect();
    learn(db, books, revision).await?;
    let parts = Parts::of(db, books, revision, last, &needed).await?;
    let mut out = Vec::with_capacity(asked.len());
    for (asked, cut) in asked.iter().zip(&cuts) {
        let mut rows = match cut {
            Some(cut) => cut.sums(asked.by.is_some(), &parts),
            None => ledger_sums(db, books, asked.slice, asked.by, asked.windows).await?,
        };
        rows.retain(|(.., sums)| *sums != Sums::default());
        out.push(rows);
    }
    Ok(out)
}

/// Makes what is kept usable as of `revision`.
pub async fn learn(db: &mut PgConnection, books: &Books, revision: i64) -> sqlx::Result<()> {
    if let Unknown::After(known) = books.kept.unknown(revision) {
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

/// A question that the tables of sums can answer, by its pieces.
struct Cut<'a> {
    dimension: Option<Dimension>,
    values: Option<HashSet<&'a str>>,
    /// Each with the number of its window and its sign.
    pieces: Vec<(usize, i64, Piece)>,
}

impl<'a> Cut<'a> {
    /// Nothing where only the ledger can answer.
    fn of(asked: &Asked<'a>, books: &Books, last: Date) -> Option<Cut<'a>> {
        let dimension = asked.slice.dimension(asked.by)?;
        let values = dimension.and_then(|dimension| asked.slice.values(dimension));
        let cut = |(i, window): (usize, &Window)| {
            windows::cut(*window, &books.calendar, last).into_iter().map(move |(sign, piece)| (i, sign, piece))
        };
        Some(Cut {
            dimension,
            values: values.map(|values| values.iter().map(String::as_str).collect()),
            pieces: asked.windows.iter().enumerate().flat_map(cut).collect(),
        })
    }

    /// Adds up what `parts` hold of the pieces.
    fn sums(&self, by_value: bool, parts: &Parts) -> ByValue {
        let mut out = ByValue::new();
        for pieces in self.pieces.chunk_by(|a, b| a.0 == b.0) {
            let mut in_one = Sums::default();
            let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
            for (_, sign, piece) in pieces {
                parts.rows(self.dimension, piece, |row| {
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

/// Of a slice that no table of sums holds: read from the ledger, bounded by the windows.
async fn ledger_sums(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    group: Option<Dimension>,
    windows: &[Window],
) -> sqlx::Result<ByValue> {
    let numbers: Vec<i32> = (0i32..).zip(windows).map(|(i, _)| i).collect();
    let (from, to): (Vec<Instant>, Vec<Instant>) = windows.iter().map(|window| (window.from, window.to)).unzip();
    let rows = sqlx::query!(
        r#"with parts as (
             select w.i, 1 as sign, s.*,
                 case $8 when 'country' then coalesce(o.country, 'unknown') when 'source' then o.source_id::text
                     when 'status' then coalesce(o.payment, 'unknown') else '' end as value
             from unnest($2::int[], $3::timestamptz[], $4::timestamptz[]) as w (i, since, until)
             cross join lateral (
                 select * from ledger_measures where workspace_id = $1 and at >= w.since and at < w.until offset 0
             ) s
             join orders o on o.workspace_id = s.workspace_id and o.id = s.order_id
             where ($5::text[] is null or coalesce(o.country, 'unknown') = any($5))
               and ($6::text[] is null or o.source_id::text = any($6))
               and ($7::text[] is null or coalesce(o.payment, 'unknown') = any($7))
         )
         select i as "i!", value as "value!", sum(sign * orders)::bigint as "orders!", sum(sign * gross_minor)::bigint as "gross_minor!",
             sum(sign * discount_minor)::bigint as "discount_minor!",
             sum(sign * shipping_minor)::bigint as "shipping_minor!",
             sum(sign * tax_minor)::bigint as "tax_minor!",
             sum(sign * returned_goods_minor)::bigint as "returned_goods_minor!",
             sum(sign * returned_shipping_minor)::bigint as "returned_shipping_minor!",
             sum(sign * returned_tax_minor)::bigint as "returned_tax_minor!",
             sum(sign * reversed_goods_minor)::bigint as "reversed_goods_minor!",
             sum(sign * reversed_shipping_minor)::bigint as "reversed_shipping_minor!",
             sum(sign * reversed_tax_minor)::bigint as "reversed_tax_minor!",
             sum(sign * flagged)::bigint as "flagged!"
         from parts group by i, value"#,
        books.workspace,
        &numbers,
        &from,
        &to,
        slice.countries.as_deref() as Option<&[String]>,
        slice.sources.as_deref() as Option<&[String]>,
        slice.statuses.as_deref() as Option<&[String]>,
        group.map_or("", Dimension::name)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.i as usize, row.value, sums_of!(row))).collect())
}
