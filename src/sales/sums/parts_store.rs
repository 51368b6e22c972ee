//! Reading parts of days out of PostgreSQL.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::period::Window;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::combined_store::{Combined, Grain};
use crate::sales::sums::kept::{BY, Day, Of, Part, Row};
use crate::sales::sums::parts::Parts;
use crate::sales::sums::store::sums_of;

/// What has to be read: whole days, and of each other part the least window that holds all that is needed.
#[derive(Default)]
pub struct Missing {
    /// Whole days; those that follow one another stand side by side.
    pub days: Vec<Day>,
    /// The others.
    pub parts: HashMap<(NaiveDate, Part), Window>,
}

impl Missing {
    /// Adds a window of a part.
    pub fn add(&mut self, key: (NaiveDate, Part), window: Window) {
        let known = self.parts.entry(key).or_insert(window);
        *known = Window { from: known.from.min(window.from), to: known.to.max(window.to) };
    }

    /// Reads it: what tables hold in one question, and each combination of dimensions from the ledger. What has no rows is there
    /// without rows.
    pub async fn read(self, db: &mut PgConnection, workspace: i32) -> sqlx::Result<Parts> {
        let mut days = Columns::default();
        for range in self.days.chunk_by(|a, b| a.0 == b.0 && a.1.succ_opt() == Some(b.1)) {
            if let ([(by, first), ..], [.., (_, last)]) = (range, range) {
                let place = BY.iter().position(|known| known == by).unwrap_or_default();
                days.add(place as i32, *by, *first, last.succ_opt().unwrap_or(*last));
            }
        }
        let keys: Vec<((NaiveDate, Part), Window)> = self.parts.into_iter().collect();
        let mut quarters = Columns::default();
        let mut entries = Columns::default();
        let mut combined = Combined::default();
        for (place, ((_, part), Window { from, to })) in (0i32..).zip(&keys) {
            match part {
                Part::Quarters(Of::Tables(dimension)) => quarters.add(place, *dimension, *from, *to),
                Part::Entries(Of::Tables(dimension), _) => entries.add(place, *dimension, *from, *to),
                Part::Whole(of) => combined.add(place, Grain::Whole, of, *from, *to),
                Part::Quarters(Of::Ledger(of)) => combined.add(place, Grain::Quarters, of, *from, *to),
                Part::Entries(Of::Ledger(of), _) => combined.add(place, Grain::Entries, of, *from, *to),
                Part::Values(_) | Part::Hours(_) => {}
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
        .fetch_all(&mut *db)
        .await?;
        let mut values: HashMap<String, Arc<str>> = HashMap::new();
        let mut days: BTreeMap<Day, Vec<Row>> = self.days.into_iter().map(|day| (day, Vec::new())).collect();
        let mut parts: Vec<Vec<Row>> = vec![Vec::new(); keys.len()];
        for row in rows {
            let (place, day, sums) = (row.place as usize, row.day, sums_of!(row));
            let rows = match day {
                Some(date) => days.entry((BY[place], date)).or_default(),
                None => &mut parts[place],
            };
            let value = Arc::clone(values.entry(row.value).or_insert_with_key(|value| value.as_str().into()));
            rows.push(Row { at: row.at.map_or(0, |at| at.timestamp_micros()), value, sums });
        }
        for (place, row) in combined.read(db, workspace).await? {
            parts[place].push(row);
        }
        parts.iter_mut().for_each(|rows| rows.sort_by_key(|row| row.at));
        Ok(Parts {
            days: days.into_iter().map(|(day, rows)| (day, rows.into())).collect(),
            parts: keys.into_iter().zip(parts).map(|((key, _), rows)| (key, rows.into())).collect(),
        })
    }
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
