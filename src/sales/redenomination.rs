//! What the stored entries of an order are worth in another reporting currency. Pure.
//!
//! What happened does not change with the currency it is reported in, so the entries stay as they are, revision by
//! revision, and only what they are worth is replaced. Revisions with the difference would add sums of two currencies
//! into one column, and read as corrections that never happened.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::exchange::convert;
use crate::money::Currency;
use crate::sales::ledger::{self, Key};
use crate::sales::recording::Stored;

/// An entry of the ledger as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The order's number.
    pub order_id: i64,
    /// What it is, which one, and when.
    pub key: Key,
    /// 0 for the first, above that a correction.
    pub revision: i16,
    /// Minor units of the order's currency.
    pub amount: i64,
}

/// What an entry counts for in the reporting currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// Minor units of the reporting currency; `None` where no rate is known.
    pub converted: Option<i64>,
    /// Orders placed.
    pub orders: i16,
    /// Orders left out for want of a rate.
    pub flagged: i16,
}

/// The worth of each of an order's entries, in revisions that rise, where `order.rate` is the rate into `reporting`. The
/// revisions of a key add up to what the ledger asks for under it: each is converted by itself, and the last makes the sum
/// right.
pub fn redenominated(order: &Stored, entries: &[StoredEntry], reporting: Currency) -> Vec<Worth> {
    let Some(sale) = &order.order.sale else { return entries.iter().map(|_| Worth::NOTHING).collect() };
    let rate = order.rate.map(|(rate, _)| rate);
    let wanted = ledger::entries(&order.order, reporting, rate);
    let last: BTreeMap<&Key, usize> = entries.iter().enumerate().map(|(i, entry)| (&entry.key, i)).collect();
    let mut given: BTreeMap<&Key, i64> = BTreeMap::new();
    let worth = entries.iter().enumerate().map(|(i, entry)| {
        let given = given.entry(&entry.key).or_insert(0);
        // A key that the ledger does not ask for any more was taken back: it is worth nothing.
        let wanted = wanted.get(&entry.key);
        let total = match wanted {
            Some(amounts) => amounts.converted,
            None => rate.map(|_| 0),
        };
        if last.get(&entry.key) != Some(&i) {
            let converted = total.and(by_itself(entry.amount, sale.currency, reporting, rate));
            *given += converted.unwrap_or(0);
            return Worth { converted, ..Worth::NOTHING };
        }
        Worth {
            converted: total.map(|total| total - *given),
            orders: wanted.map_or(0, |amounts| amounts.orders),
            flagged: wanted.map_or(0, |amounts| amounts.flagged),
        }
    });
    worth.collect()
}

impl Worth {
    const NOTHING: Worth = Worth { converted: None, orders: 0, flagged: 0 };
}

fn by_itself(amount: i64, currency: Currency, reporting: Currency, rate: Option<Decimal>) -> Option<i64> {
    convert(amount, currency, reporting, rate?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::sales::ledger::{Amounts, difference, entries};
    use crate::sales::order::tests::order;
    use crate::sales::sums::Sums;

    /// The entries that a shop's ledger has after the order was told of in two steps.
    fn recorded(steps: [&BTreeMap<Key, Amounts>; 2]) -> Vec<StoredEntry> {
        let mut revisions = HashMap::new();
        let none = BTreeMap::new();
        let told = [difference(&none, steps[0]), difference(steps[0], steps[1])].concat();
        told.into_iter()
            .map(|(key, amounts)| {
                let next = revisions.entry((key.kind, key.part.clone())).or_insert(0);
                *next += 1;
                StoredEntry { order_id: 1, key, revision: *next - 1, amount: amounts.amount }
            })
            .collect()
    }

    proptest! {
        /// Whatever was corrected, and whichever of the two currencies had a rate, the sums are those of an order that was
        /// recorded in the new currency.
        #[test]
        fn an_order_is_worth_what_it_would_be_had_it_been_recorded_so(
            first in order(), then in order(), old in proptest::option::of(1i64..3_000_000), new in proptest::option::of(1i64..3_000_000),
        ) {
            let yen = Currency::parse("JPY").expect("a code");
            let mut both = first.clone();
            both.merge(then);
            let rate = |rate: Option<i64>| rate.map(|rate| Decimal::new(rate, 6));
            let posted = |order, reporting, of| entries(order, reporting, rate(of));
            let stored = recorded([&posted(&first, Currency::EUR, old), &posted(&both, Currency::EUR, old)]);
            let wanted = posted(&both, yen, new);
            let mut fresh = Sums::default();
            wanted.iter().for_each(|(key, amounts)| fresh += Sums::of(key.kind, amounts, 1));

            let order = Stored { id: 1, order: both, rate: rate(new).map(|rate| (rate, chrono::NaiveDate::MIN)) };
            let mut sums = Sums::default();
            for (entry, worth) in stored.iter().zip(redenominated(&order, &stored, yen)) {
                let Worth { converted, orders, flagged } = worth;
                sums += Sums::of(entry.key.kind, &Amounts { amount: entry.amount, converted, orders, flagged }, 1);
            }
            prop_assert_eq!(sums, fresh);
        }
    }
}
