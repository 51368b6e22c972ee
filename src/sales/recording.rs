//! Turns a batch of deliveries into rows: merges what is known of each order, appends what is new to the ledger
//! and words the live events. Pure: the rows are read and written by `store`.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;

use crate::period::{Instant, sql_date};
use crate::sales::books::Books;
use crate::sales::ledger::{self, Amounts, Key};
use crate::sales::model::{Happening, OrderEvent};
use crate::sales::order::{Order, Sale, Standing};
use crate::sources::Format;

/// An order younger than this is announced when it is recorded; older ones come from files and backfills.
const ANNOUNCED_FOR: TimeDelta = TimeDelta::hours(24);

/// One delivery of a source: its raw body and, if it could be read, what it says of an order.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// The source that signed it.
    pub source: i32,
    /// The source's platform.
    pub platform: String,
    /// When it arrived.
    pub received_at: Instant,
    /// How its body is read.
    pub format: Format,
    /// The sender's word for what it is about.
    pub topic: String,
    /// The sender's name for this delivery.
    pub external_id: Option<String>,
    /// The body as it came; empty for rows of a file, which are kept as the file.
    pub body: bytes::Bytes,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// The platform's id of the order, and what the delivery says of it.
    pub order: Option<(String, Order)>,
}

/// Names an order: the source and the platform's id.
pub type Identity = (i32, String);

/// An order as it is stored, with the rate that was recorded for it.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Its number in the ledger.
    pub id: i64,
    /// What is known of it.
    pub order: Order,
    /// Reporting currency for one unit of the order's, and its day; recorded once.
    pub rate: Option<(Decimal, NaiveDate)>,
}

/// An order that a batch touches.
#[derive(Debug)]
pub struct Touched {
    /// Its source and the platform's id.
    pub identity: Identity,
    /// What it was before, if it was known.
    pub before: Option<Order>,
    /// What it is now.
    pub now: Stored,
    platform: String,
    received_at: Instant,
}

/// An entry to append.
#[derive(Debug)]
pub struct NewEntry {
    /// The order's number.
    pub order_id: i64,
    /// What it is.
    pub key: Key,
    /// 0 for the first, above that a correction.
    pub revision: i16,
    /// The order's currency.
    pub currency: crate::money::Currency,
    /// The amounts.
    pub amounts: Amounts,
}

/// The stored entries of one order: their sums by key, and how many revisions each kind and part has.
#[derive(Debug, Default)]
pub struct StoredEntries {
    /// Sums by key.
    pub amounts: BTreeMap<Key, Amounts>,
    /// Revisions by kind and part.
    pub revisions: HashMap<(ledger::Kind, String), i16>,
}

/// Merges the deliveries into the orders that are stored. Orders that nothing new was said of are left out.
pub fn merge(
    deliveries: &[Delivery],
    mut stored: HashMap<Identity, Stored>,
    last_order: &mut i64,
    books: &Books,
) -> Vec<Touched> {
    let mut touched: BTreeMap<&str, BTreeMap<i32, Touched>> = BTreeMap::new();
    for delivery in deliveries {
        let Some((external_id, order)) = &delivery.order else { continue };
        let entry = touched.entry(external_id).or_default().entry(delivery.source).or_insert_with(|| {
            let identity = (delivery.source, external_id.clone());
            let known = stored.remove(&identity);
            Touched {
                before: known.as_ref().map(|known| known.order.clone()),
                now: known.unwrap_or_else(|| {
                    *last_order += 1;
                    Stored { id: *last_order, ..Stored::default() }
                }),
                identity,
                platform: delivery.platform.clone(),
                received_at: delivery.received_at,
            }
        });
        entry.now.order.merge(order.clone());
    }
    let mut touched: Vec<Touched> = touched.into_values().flat_map(BTreeMap::into_values).collect();
    touched.retain(|t| t.before.as_ref() != Some(&t.now.order));
    touched.sort_by_key(|t| t.now.id);
    for t in &mut touched {
        let currency = |order: &Order| order.sale.as_ref().map(|sale| sale.currency);
        if t.before.as_ref().and_then(currency).is_some_and(|before| Some(before) != currency(&t.now.order)) {
            t.now.rate = None;
        }
        t.now.fix_rate(books);
    }
    touched
}

/// Of orders without a rate, those that there is a rate for now.
pub fn rated(known: HashMap<Identity, Stored>, books: &Books) -> Vec<Touched> {
    let mut out: Vec<Touched> = known
        .into_iter()
        .filter(|(_, stored)| stored.rate.is_none())
        .map(|(identity, mut now)| {
            now.fix_rate(books);
            let before = Some(now.order.clone());
            Touched { identity, before, now, platform: String::new(), received_at: Instant::default() }
        })
        .filter(|touched| touched.now.rate.is_some())
        .collect();
    out.sort_by_key(|touched| touched.now.id);
    out
}

impl Stored {
    /// Records the rate of the order's business date, unless one is recorded already (M7: history is never
    /// converted again).
    pub fn fix_rate(&mut self, books: &Books) {
        if let (None, Some(sale)) = (self.rate, &self.order.sale) {
            let date = sql_date(books.calendar.date(sale.placed_at));
            self.rate = books.rates.rate(sale.currency, books.currency, date).map(|rate| (rate.value, rate.date));
        }
    }
}

/// What the ledger lacks for the touched orders. `stored` holds the entries of those that were known before.
pub fn new_entries(touched: &[Touched], stored: &HashMap<i64, StoredEntries>, books: &Books) -> Vec<NewEntry> {
    let mut out = Vec::with_capacity(touched.len() * 4);
    for Touched { now, .. } in touched {
        let Some(sale) = &now.order.sale else { continue };
        let nothing = StoredEntries::default();
        let known = stored.get(&now.id).unwrap_or(&nothing);
        let mut revisions = known.revisions.clone();
        let wanted = ledger::entries(&now.order, books.currency, now.rate.map(|(rate, _)| rate));
        for (key, amounts) in ledger::difference(&known.amounts, &wanted) {
            let next = revisions.entry((key.kind, key.part.clone())).or_insert(0);
            out.push(NewEntry { order_id: now.id, revision: *next, currency: sale.currency, key, amounts });
            *next += 1;
        }
    }
    out
}

/// What watchers are told of the touched orders; nothing of orders that do not count or are long past.
pub fn events(touched: &[Touched], last_event: &mut i64, books: &Books) -> Vec<OrderEvent> {
    let mut out = Vec::new();
    for t in touched {
        let Some(sale) = t.now.order.sale.as_ref().filter(|sale| sale.standing == Standing::Counted) else { continue };
        if let Some((kind, at, amount_minor)) = happening(t, sale) {
            if t.received_at - at > ANNOUNCED_FOR {
                continue;
            }
            *last_event += 1;
            out.push(OrderEvent {
                sequence: *last_event,
                kind,
                id: t.identity.1.clone(),
                number: sale.number.clone(),
                amount_minor,
                total_minor: Some(sale.total_minor()).filter(|total| *total != amount_minor),
                currency: sale.currency,
                status: sale.payment.clone(),
                country: sale.country.clone(),
                platform: t.platform.clone(),
                placed_at: sale.placed_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
                local_time: books.calendar.local(at).strftime("%H:%M").to_string(),
            });
        }
    }
    out
}

/// What happened to a touched order, when, and the amount to say with it.
fn happening(touched: &Touched, sale: &Sale) -> Option<(Happening, Instant, i64)> {
    let total = sale.total_minor();
    let Some(before) = touched.before.as_ref() else { return Some((Happening::OrderCreated, sale.placed_at, total)) };
    let Some(old) = before.sale.as_ref().filter(|old| old.standing == Standing::Counted) else {
        return Some((Happening::OrderCreated, sale.placed_at, total));
    };
    if let Some(refund) =
        touched.now.order.refunds.iter().find(|(id, _)| !before.refunds.contains_key(*id)).map(|(_, r)| r)
    {
        let paid_back = refund.goods_minor + refund.shipping_minor + refund.tax_minor;
        return Some((Happening::OrderRefunded, refund.refunded_at, -paid_back));
    }
    match (old.cancelled_at, sale.cancelled_at) {
        (None, Some(at)) => return Some((Happening::OrderCancelled, at, -total)),
        _ if old.payment != sale.payment && sale.payment.as_deref() == Some("paid") => {
            return Some((Happening::PaymentReceived, sale.modified_at, total));
        }
        _ => {}
    }
    Some((Happening::OrderUpdated, sale.modified_at, total))
}
