//! An order as its page words it. Pure.

use std::collections::HashMap;

use chrono::DateTime;

use crate::country;
use crate::export::local_time;
use crate::money::{self, Currency};
use crate::period::{Calendar, Instant};
use crate::sales::model::platform_name;
use crate::sales::orders::body::readable;
use crate::sales::orders::model::{Amounts, LedgerEntry, Order, OrderDetails, RawDelivery};
use crate::sales::orders::store::DELIVERIES_MAX;
use crate::sales::orders::view::{AmountShown, BodyShown, DeliveryShown, EntryShown, Moment, OrderShown};

/// The page of an order. `bodies` are those of its deliveries, by their number, that are few enough bytes to be shown.
pub fn shown(details: &OrderDetails, bodies: &HashMap<i64, Vec<u8>>, calendar: &Calendar) -> OrderShown {
    let OrderDetails { order, ledger, deliveries } = details;
    let title = match &order.number {
        Some(number) => format!("Order {number}"),
        None => format!("Order {}", order.external_id),
    };
    let mut deliveries: Vec<DeliveryShown> =
        deliveries.iter().map(|delivery| delivery_shown(delivery, bodies, calendar)).collect();
    let are_all = (deliveries.len() as i64) < DELIVERIES_MAX;
    deliveries.reverse();
    OrderShown {
        title,
        address: format!("/api/v1/orders/{}", order.id),
        standing: standing(order).into(),
        facts: facts(order),
        moments: moments(order, calendar),
        amounts: amounts(order),
        own_currency: order.currency.map(|currency| currency.to_string()).unwrap_or_default(),
        reporting_currency: order.reporting_currency.to_string(),
        entries: ledger.iter().map(|entry| entry_shown(entry, order.reporting_currency, calendar)).collect(),
        total: total(ledger, order.reporting_currency),
        zone: calendar.zone_name().to_owned(),
        deliveries,
        older_deliveries: if are_all { String::new() } else { format!("The newest {DELIVERIES_MAX} are shown.") },
    }
}

/// Whether the order counts, in a sentence.
fn standing(order: &Order) -> &'static str {
    match (order.standing, order.flagged) {
        (_, true) => "Left out of the figures in part or whole: no exchange rate is known for its currency and day.",
        (Some("counted"), _) => "It counts in the figures.",
        (Some("return"), _) => "No order but money alone: it counts in revenue, not in orders.",
        (Some("test"), _) => "A test order: it is in no figure.",
        (Some("draft"), _) => "Not placed yet: it is in no figure.",
        (Some("deleted"), _) => "Deleted on the platform: it is in no figure.",
        (Some("voided"), _) => "Its payment was voided: it is in no figure.",
        (Some("failed"), _) => "Its payment failed: it is in no figure.",
        (Some(_), _) => "It is in no figure.",
        (None, _) => "Only a refund of it is known so far; the order itself has not been heard of.",
    }
}

fn facts(order: &Order) -> Vec<(String, String)> {
    let unknown = || "unknown".to_owned();
    let mut facts = vec![
        ("Source", format!("{} · {}", order.source, platform_name(&order.platform))),
        ("The platform's id", order.external_id.clone()),
        ("Country", order.country.as_deref().map_or_else(unknown, |code| format!("{} ({code})", country::name(code)))),
        ("Payment", order.status.clone().unwrap_or_else(unknown)),
    ];
    let rate = match (&order.rate, order.currency) {
        _ if order.currency == Some(order.reporting_currency) => "none needed".to_owned(),
        (Some(rate), Some(own)) => {
            let (value, reporting) = (rate.value.trim_end_matches('0').trim_end_matches('.'), order.reporting_currency);
            format!("1 {own} = {value} {reporting}, the rate of {}", rate.date)
        }
        _ => "none is known".to_owned(),
    };
    facts.push(("Exchange rate", rate));
    facts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn moments(order: &Order, calendar: &Calendar) -> Vec<(&'static str, Moment)> {
    let moments =
        [("Placed", &order.placed_at), ("Changed last", &order.modified_at), ("Cancelled", &order.cancelled_at)];
    let known = moments.into_iter().filter_map(|(name, at)| Some((name, at.as_ref()?)));
    known.map(|(name, at)| (name, moment(at, calendar))).collect()
}

/// A moment on the workspace's clocks and in UTC, from text with an offset.
fn moment(text: &str, calendar: &Calendar) -> Moment {
    let Ok(at) = DateTime::parse_from_rfc3339(text) else {
        return Moment { machine: text.to_owned(), local: text.to_owned(), utc: String::new() };
    };
    let at: Instant = at.to_utc();
    let local = calendar.local(at).strftime("%a %-d %b %Y %H:%M:%S");
    Moment {
        machine: local_time(calendar, at),
        local: format!("{local} {}", calendar.abbreviation(at)),
        utc: at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    }
}

/// Amounts in both currencies, what is taken off or goes back with its sign, so that they add up from the top.
fn amounts(order: &Order) -> Vec<AmountShown> {
    type Of = fn(&Amounts) -> &String;
    let lines: [(&'static str, Of, bool, bool); 8] = [
        ("Goods", |a| &a.gross, false, false),
        ("Discount", |a| &a.discount, true, false),
        ("Shipping", |a| &a.shipping, false, false),
        ("Tax", |a| &a.tax, false, false),
        ("Total as placed", |a| &a.total, false, true),
        ("Refunded", |a| &a.refunded, true, false),
        ("Cancelled", |a| &a.cancelled, true, false),
        ("Left", |a| &a.remaining, false, true),
    ];
    let Some((own, currency)) = order.amounts.as_ref().zip(order.currency) else { return Vec::new() };
    let written = |text: &str, currency, is_less| {
        let minor = minor(text, currency);
        money::display(if is_less { -minor } else { minor }, currency)
    };
    let line = |(name, of, is_less, is_sum): (&'static str, Of, bool, bool)| AmountShown {
        name,
        own: written(of(own), currency, is_less),
        reporting: order
            .reporting_amounts
            .as_ref()
            .map_or_else(|| "—".into(), |amounts| written(of(amounts), order.reporting_currency, is_less)),
        is_sum,
    };
    lines.into_iter().map(line).collect()
}

/// Decimal text that was written by us.
fn minor(text: &str, currency: Currency) -> i64 {
    money::parse_minor(text, currency).unwrap_or(0)
}

fn entry_shown(entry: &LedgerEntry, reporting: Currency, calendar: &Calendar) -> EntryShown {
    let counted = |text: &String| money::display(minor(text, reporting), reporting);
    EntryShown {
        what: kind_name(&entry.kind).into(),
        part: entry.part.clone(),
        revision: match entry.revision {
            0 => "first".into(),
            n => format!("correction {n}"),
        },
        at: moment(&entry.occurred_at, calendar),
        own: money::display(minor(&entry.amount, entry.currency), entry.currency),
        reporting: entry.reporting_amount.as_ref().map_or_else(|| "—".into(), counted),
        counts: counts(entry).into(),
    }
}

/// What an entry does to the figures.
fn counts(entry: &LedgerEntry) -> &'static str {
    match (entry.flagged, entry.orders) {
        (1.., _) => "left out: no exchange rate is known for its currency and day",
        (..=-1, 1..) => "counts as an order from now on: its rate has come",
        (..=-1, _) => "counts from now on: its rate has come",
        (0, 1..) => "as an order, and in revenue",
        (0, ..=-1) => "takes the order back",
        (0, 0) if entry.reporting_amount.is_none() => "left out: no exchange rate is known for its currency and day",
        (0, 0) => "in revenue",
    }
}

fn kind_name(kind: &str) -> &str {
    match kind {
        "sale" => "Goods",
        "discount" => "Discount",
        "shipping" => "Shipping",
        "tax" => "Tax",
        "refund_goods" => "Refund, goods",
        "refund_shipping" => "Refund, shipping",
        "refund_tax" => "Refund, tax",
        "cancel_goods" => "Cancellation, goods",
        "cancel_shipping" => "Cancellation, shipping",
        "cancel_tax" => "Cancellation, tax",
        other => other,
    }
}

/// What the entries add up to: in the order's currency, where they all have the same, and in the reporting currency.
fn total(ledger: &[LedgerEntry], reporting: Currency) -> (String, String) {
    let own = ledger.first().map(|entry| entry.currency);
    let own = own.filter(|own| ledger.iter().all(|entry| entry.currency == *own));
    let sum = |currency| ledger.iter().map(|entry| minor(&entry.amount, currency)).sum();
    let own = own.map_or_else(|| "—".into(), |currency| money::display(sum(currency), currency));
    let counted = ledger.iter().filter_map(|entry| entry.reporting_amount.as_ref());
    (own, money::display(counted.map(|text| minor(text, reporting)).sum(), reporting))
}

fn delivery_shown(delivery: &RawDelivery, bodies: &HashMap<i64, Vec<u8>>, calendar: &Calendar) -> DeliveryShown {
    DeliveryShown {
        id: delivery.id,
        topic: delivery.topic.clone(),
        at: moment(&delivery.received_at, calendar),
        bytes: format!("{} bytes", money::count(delivery.bytes)),
        state: match &delivery.problem {
            None => "read".into(),
            Some(problem) => format!("could not be read at first: {problem}"),
        },
        body: bodies.get(&delivery.id).map_or(BodyShown::TooLarge, |body| BodyShown::Text(readable(body))),
        address: delivery.body.clone(),
    }
}
