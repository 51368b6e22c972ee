//! What a recording adds to the tables of sums. Pure.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::period::{Instant, sql_date};
use crate::sales::books::Books;
use crate::sales::ledger::{Amounts, Key};
use crate::sales::medians::cells;
use crate::sales::order::Sale;
use crate::sales::question::UNKNOWN;
use crate::sales::recording::{NewEntry, StoredEntries, Touched};
use crate::sales::sums::Sums;
use crate::sales::sums::windows::quarter;

/// What orders are told apart by, each with sums of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Where it goes: an ISO 3166 code.
    Country,
    /// Where it comes from: the number of the source.
    Source,
    /// What the platform says of its payment.
    Status,
}

impl Dimension {
    const ALL: [Dimension; 3] = [Dimension::Country, Dimension::Source, Dimension::Status];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Country => "country",
            Dimension::Source => "source",
            Dimension::Status => "status",
        }
    }

    /// The value that an order has.
    fn of(self, sale: &Sale, source: i32) -> String {
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| UNKNOWN.to_owned());
        match self {
            Dimension::Country => known(&sale.country),
            Dimension::Source => source.to_string(),
            Dimension::Status => known(&sale.payment),
        }
    }
}

/// What a recording adds to each table of sums, in the order of their keys: concurrent writers then never wait for
/// each other in a circle.
#[derive(Debug, Default)]
pub struct Additions {
    /// By quarter of an hour.
    pub quarters: BTreeMap<Instant, Sums>,
    /// By local day. One that something moved within has its place, though its sum is nothing.
    pub days: BTreeMap<NaiveDate, Sums>,
    /// By quarter of an hour and value.
    pub quarters_by: BTreeMap<(Dimension, Instant, String), Sums>,
    /// By local day and value.
    pub days_by: BTreeMap<(Dimension, NaiveDate, String), Sums>,
    /// By quarter of an hour since 1970 and order value: how many orders more or fewer have it.
    pub values: BTreeMap<(i64, i64), i32>,
}

impl Additions {
    /// What the touched orders add. `known` holds the entries of those that were known before, `new` what is appended.
    pub fn of(touched: &[Touched], known: &HashMap<i64, StoredEntries>, new: &[NewEntry], books: &Books) -> Additions {
        let mut out = Additions::default();
        let mut new = new.chunk_by(|a, b| a.order_id == b.order_id).peekable();
        for order in touched {
            let appended = new.next_if(|entries| entries[0].order_id == order.now.id).unwrap_or_default();
            let appended = || appended.iter().map(|entry| (&entry.key, &entry.amounts));
            let Some(sale) = &order.now.order.sale else { continue };
            let place = Place::of(sale, order.identity.0);
            let before = order.before.as_ref().and_then(|before| before.sale.as_ref());
            let before = before.map(|sale| Place::of(sale, order.identity.0)).filter(|before| *before != place);
            // What was counted elsewhere until now moves.
            if let (Some(before), Some(known)) = (before, known.get(&order.now.id)) {
                out.add(&before, -1, known.amounts.iter(), books);
                out.add(&place, 1, known.amounts.iter(), books);
            }
            out.add(&place, 1, appended(), books);
            let known = || known.get(&order.now.id).into_iter().flat_map(|known| &known.amounts);
            out.add_values(-1, order_values(known()));
            out.add_values(1, order_values(known().chain(appended())));
        }
        out.values.retain(|_, orders| *orders != 0);
        out
    }

    fn add_values(&mut self, sign: i32, values: impl Iterator<Item = (i64, i64)>) {
        values.for_each(|place| *self.values.entry(place).or_default() += sign);
    }

    fn add<'a>(
        &mut self,
        place: &Place,
        sign: i64,
        entries: impl Iterator<Item = (&'a Key, &'a Amounts)>,
        books: &Books,
    ) {
        let mut moments: BTreeMap<Instant, Sums> = BTreeMap::new();
        for (key, amounts) in entries {
            let sums = Sums::of(key.kind, amounts, sign);
            *moments.entry(key.occurred_at).or_default() += sums;
            if key.kind.is_return() {
                *moments.entry(place.placed_at).or_default() += sums.reversed();
            }
        }
        for (at, sums) in moments {
            self.add_at(place, at, sums, books);
        }
    }

    fn add_at(&mut self, place: &Place, at: Instant, sums: Sums, books: &Books) {
        let (quarter, day) = (quarter(at), sql_date(books.calendar.date(at)));
        *self.quarters.entry(quarter).or_default() += sums;
        *self.days.entry(day).or_default() += sums;
        for (dimension, value) in Dimension::ALL.into_iter().zip(&place.values) {
            *self.quarters_by.entry((dimension, quarter, value.clone())).or_default() += sums;
            *self.days_by.entry((dimension, day, value.clone())).or_default() += sums;
        }
    }
}

/// The quarter of an hour that an order counts in and its total as placed, by its entries: one where it counts, else none.
fn order_values<'a>(entries: impl Iterator<Item = (&'a Key, &'a Amounts)>) -> impl Iterator<Item = (i64, i64)> {
    let mut placed: BTreeMap<Instant, (i16, i64)> = BTreeMap::new();
    for (key, amounts) in entries.filter(|(key, _)| !key.kind.is_return()) {
        let (orders, value) = placed.entry(key.occurred_at).or_default();
        *orders += amounts.orders;
        *value += amounts.converted.unwrap_or(0);
    }
    let counted = placed.into_iter().filter(|(_, (orders, _))| *orders > 0);
    counted.map(|(at, (_, value))| (cells::quarter(at), value))
}

/// Where an order is counted: when it was placed, and its value in each dimension.
#[derive(PartialEq)]
struct Place {
    placed_at: Instant,
    values: [String; 3],
}

impl Place {
    fn of(sale: &Sale, source: i32) -> Place {
        Place { placed_at: sale.placed_at, values: Dimension::ALL.map(|dimension| dimension.of(sale, source)) }
    }
}
