//! The parts of days that sums are added up from: taken from what is kept, and what is not, read from PostgreSQL at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::period::{Instant, Window, plus, sql_date};
use crate::sales::books::Books;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::kept::{Part, Row, Rows};
use crate::sales::sums::store::sums_of;
use crate::sales::sums::windows::{Piece, QUARTER, quarter};

/// The rows that pieces of windows are made of.
pub struct Parts(HashMap<(NaiveDate, Part), Rows>);

impl Parts {
    /// Those of `needed`, as of `revision`. Of the day `last`, which mostly is still under way, only what is asked for is read, and
    /// it is not kept.
    pub async fn of(
        db: &mut PgConnection,
        books: &Books,
        revision: i64,
        last: Date,
        needed: &[(Option<Dimension>, Piece)],
    ) -> sqlx::Result<Parts> {
        let mut parts = HashMap::new();
        let mut missing = Missing::default();
        let mut seen = HashSet::new();
        for (dimension, piece) in needed {
            for (date, part, window) in places(*dimension, piece) {
                let under_way = date == last && !matches!(part, Part::Day(_));
                let key = (sql_date(date), part);
                if under_way {
                    missing.add(key, window);
                } else if seen.insert(key.clone()) {
                    match books.kept.get(revision, key.0, &key.1) {
                        Some(rows) => drop(parts.insert(key, rows)),
                        None => missing.add(key.clone(), whole(&key.1, date, window, books)),
                    }
                }
            }
        }
        let last = sql_date(last);
        let read = missing.read(db, books.workspace).await?;
        let kept = read.iter().filter(|((date, part), _)| *date != last || matches!(part, Part::Day(_)));
        books.kept.keep(revision, kept.map(|((date, part), rows)| (*date, part.clone(), Arc::clone(rows))));
        parts.extend(read);
        Ok(Parts(parts))
    }

    /// The rows of a piece.
    pub fn rows<'a>(&'a self, dimension: Option<Dimension>, piece: &Piece) -> impl Iterator<Item = &'a Row> {
        places(dimension, piece).flat_map(|(date, part, Window { from, to })| {
            let rows: &[Row] = self.0.get(&(sql_date(date), part)).map_or(&[], |rows| rows);
            let before = |at: Instant| rows.partition_point(|row| row.at < at.timestamp_micros());
            if from < to { &rows[before(from)..before(to)] } else { rows }
        })
    }
}

/// The parts that a piece lies in, each with its window there; of whole days it is empty.
fn places(dimension: Option<Dimension>, piece: &Piece) -> impl Iterator<Item = (Date, Part, Window)> + use<> {
    let (dates, part, window) = match *piece {
        Piece::Days(first, end) => {
            let nothing = Window { from: Instant::UNIX_EPOCH, to: Instant::UNIX_EPOCH };
            (first..end, Part::Day(dimension), nothing)
        }
        Piece::Quarters(date, window) => (date..plus(date, 1.day()), Part::Quarters(dimension), window),
        Piece::Entries(date, window) => {
            (date..plus(date, 1.day()), Part::Entries(dimension, quarter(window.from)), window)
        }
    };
    let days = std::iter::successors(Some(dates.start), |date| Some(plus(*date, 1.day())));
    days.take_while(move |date| *date < dates.end).map(move |date| (date, part.clone(), window))
}

/// All of a part, so that it can be kept.
fn whole(part: &Part, date: Date, window: Window, books: &Books) -> Window {
    match part {
        Part::Quarters(_) => books.calendar.day(date),
        Part::Entries(_, quarter) => {
            let day = books.calendar.day(date);
            Window { from: day.from.max(*quarter), to: day.to.min(*quarter + QUARTER) }
        }
        Part::Day(_) | Part::Hours(_) => window,
    }
}

/// What has to be read: of each part the least window that holds all that is needed.
#[derive(Default)]
struct Missing(HashMap<(NaiveDate, Part), Window>);

impl Missing {
    fn add(&mut self, key: (NaiveDate, Part), window: Window) {
        let known = self.0.entry(key).or_insert(window);
        *known = Window { from: known.from.min(window.from), to: known.to.max(window.to) };
    }

    /// Reads it, all in one question. Parts without rows are there without rows.
    async fn read(self, db: &mut PgConnection, workspace: i32) -> sqlx::Result<HashMap<(NaiveDate, Part), Rows>> {
        if self.0.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<((NaiveDate, Part), Window)> = self.0.into_iter().collect();
        let days = day_ranges(keys.iter().map(|(key, _)| key));
        let mut quarters = Columns::default();
        let mut entries = Columns::default();
        for (place, ((_, part), Window { from, to })) in (0i32..).zip(&keys) {
            match part {
                Part::Quarters(dimension) => quarters.add(place, *dimension, *from, *to),
                Part::Entries(dimension, _) => entries.add(place, *dimension, *from, *to),
                Part::Day(_) | Part::Hours(_) => {}
            }
        }
        let rows = sqlx::query!(
            r#"select w.place as "place!", null::date as day, s.at, s.value as "value!", s.orders as "orders!",
                 s.gross_minor as "gross_minor!", s.discount_minor as "discount_minor!", s.shipping_minor as "shipping_minor!",
                 s.tax_minor as "tax_minor!", s.returned_goods_minor as "returned_goods_minor!",
                 s.returned_shipping_minor as "returned_shipping_minor!", s.returned_tax_minor as "returned_tax_minor!",
                 s.reversed_goods_minor as "reversed_goods_minor!", s.reversed_shipping_minor as "reversed_shipping_minor!",
                 s.reversed_tax_minor as "reversed_tax_minor!", s.flagged as "flagged!"
             from unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) as w (place, dimension, since, until)
             cross join lateral (
                 select at, value, sum(orders)::bigint as orders, sum(gross_minor)::bigint as gross_minor,
                     sum(discount_minor)::bigint as discount_minor, sum(shipping_minor)::bigint as shipping_minor,
                     sum(tax_minor)::bigint as tax_minor, sum(returned_goods_minor)::bigint as returned_goods_minor,
                     sum(returned_shipping_minor)::bigint as returned_shipping_minor,
                     sum(returned_tax_minor)::bigint as returned_tax_minor,
                     sum(reversed_goods_minor)::bigint as reversed_goods_minor,
                     sum(reversed_shipping_minor)::bigint as reversed_shipping_minor,
                     sum(reversed_tax_minor)::bigint as reversed_tax_minor, sum(flagged)::bigint as flagged
                 from ledger_entries
                 where workspace_id = $1 and dimension = w.dimension and at >= w.since and at < w.until
                 group by at, value
             ) s
             union all
             select w.place, null, s.bucket, s.value, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor,
                 s.returned_goods_minor, s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor,
                 s.reversed_shipping_minor, s.reversed_tax_minor, s.flagged
             from unnest($6::int[], $7::text[], $8::timestamptz[], $9::timestamptz[]) as w (place, dimension, since, until)
             cross join lateral (
                 select * from sums_quarter_hours
                 where workspace_id = $1 and dimension = w.dimension and bucket >= w.since and bucket < w.until offset 0
             ) s
             union all
             select w.place, s.bucket, null, s.value, s.orders, s.gross_minor, s.discount_minor, s.shipping_minor, s.tax_minor,
                 s.returned_goods_minor, s.returned_shipping_minor, s.returned_tax_minor, s.reversed_goods_minor,
                 s.reversed_shipping_minor, s.reversed_tax_minor, s.flagged
             from unnest($10::int[], $11::text[], $12::date[], $13::date[]) as w (place, dimension, since, until)
             cross join lateral (
                 select * from sums_days
                 where workspace_id = $1 and dimension = w.dimension and bucket >= w.since and bucket < w.until offset 0
             ) s"#,
            workspace,
            &entries.places,
            &entries.dimensions,
            &entries.from,
            &entries.to,
            &quarters.places,
            &quarters.dimensions,
            &quarters.from,
            &quarters.to,
            &days.places,
            &days.dimensions,
            &days.from,
            &days.to
        )
        .fetch_all(db)
        .await?;
        let mut values: HashMap<String, Arc<str>> = HashMap::new();
        let mut read: HashMap<(NaiveDate, Part), Vec<Row>> =
            keys.iter().map(|(key, _)| (key.clone(), Vec::new())).collect();
        for row in rows {
            let sums = sums_of!(row);
            let value = Arc::clone(values.entry(row.value).or_insert_with_key(|value| value.as_str().into()));
            let key = match (row.day, keys.get(row.place as usize)) {
                (Some(date), _) => (date, Part::Day(DIMENSIONS.get(row.place as usize).copied().flatten())),
                (None, Some((key, _))) => key.clone(),
                (None, None) => continue,
            };
            let at = row.at.map_or(0, |at| at.timestamp_micros());
            read.entry(key).or_default().push(Row { at, value, sums });
        }
        let sorted = |mut rows: Vec<Row>| {
            rows.sort_by_key(|row| row.at);
            Rows::from(rows)
        };
        Ok(read.into_iter().map(|(key, rows)| (key, sorted(rows))).collect())
    }
}

/// What days are summed by: the places in the question of theirs.
const DIMENSIONS: [Option<Dimension>; 4] =
    [None, Some(Dimension::Country), Some(Dimension::Source), Some(Dimension::Status)];

/// The days to read, as ranges that follow one another; their place is that of their dimension.
fn day_ranges<'a>(keys: impl Iterator<Item = &'a (NaiveDate, Part)>) -> Columns<NaiveDate> {
    let mut dates: Vec<(usize, NaiveDate)> = keys
        .filter_map(|(date, part)| match part {
            Part::Day(by) => Some((DIMENSIONS.iter().position(|dimension| dimension == by)?, *date)),
            _ => None,
        })
        .collect();
    dates.sort_unstable();
    let mut columns = Columns::default();
    let day = TimeDelta::days(1);
    for range in dates.chunk_by(|a, b| a.0 == b.0 && a.1 + day == b.1) {
        if let [(place, first), ..] = range {
            let end = *first + day * range.len() as i32;
            columns.add(*place as i32, DIMENSIONS[*place], *first, end);
        }
    }
    columns
}

/// What has to be read, as columns: a place, the dimension, where it begins and ends.
struct Columns<T> {
    places: Vec<i32>,
    dimensions: Vec<String>,
    from: Vec<T>,
    to: Vec<T>,
}

impl<T> Default for Columns<T> {
    fn default() -> Columns<T> {
        Columns { places: Vec::new(), dimensions: Vec::new(), from: Vec::new(), to: Vec::new() }
    }
}

impl<T> Columns<T> {
    fn add(&mut self, place: i32, dimension: Option<Dimension>, from: T, to: T) {
        self.places.push(place);
        self.dimensions.push(dimension.map_or("", Dimension::name).to_owned());
        self.from.push(from);
        self.to.push(to);
    }
}
