//! Random shops: instants to ask at, orders that lie where figures go wrong, and the deliveries that tell of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta};
use takings::money::Currency;
use takings::sales::order::{self, Sale, Standing};
use takings::sales::recording::Delivery;

use super::account::{Order, Refund};
use super::calendar::{At, Zone};
use super::dice::Dice;

/// Orders of a shop.
const ORDERS: i64 = 260;
/// Days that orders are placed on before the first question is asked: a year, and what it is compared with.
const DAYS_BEFORE: i64 = 480;

/// The currencies of the shops. Nobody knows a rate of the last.
const CURRENCIES: [&str; 8] = ["GBP", "GBP", "GBP", "EUR", "USD", "JPY", "KWD", "ARS"];

/// A time that questions are asked in.
#[derive(Debug, Clone, Copy)]
pub struct Era {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// Instants to ask at: changes of the clock, ends of months, days that only some years have, midnights, and any other.
pub fn nows(dice: &mut Dice, zone: &Zone, era: Era, count: usize) -> Vec<At> {
    let days: Vec<NaiveDate> = era.first.iter_days().take_while(|day| *day <= era.last).collect();
    let length = |day: &NaiveDate| zone.midnight(*day + Days::new(1)) - zone.midnight(*day);
    let changed: Vec<NaiveDate> = days.iter().copied().filter(|day| length(day) != TimeDelta::days(1)).collect();
    let ends: Vec<NaiveDate> =
        days.iter().copied().filter(|day| (*day + Days::new(1)).day() == 1 || day.day() == 1).collect();
    let late: Vec<NaiveDate> = days.iter().copied().filter(|day| day.day() > 27 || day.day() == 1).collect();
    (0..count)
        .map(|i| {
            let after = Days::new(dice.of(&[0, 0, 0, 1, 7, 30, 31]));
            let day = match i % 4 {
                0 if !changed.is_empty() => dice.of(&changed) + after,
                1 => dice.of(&ends),
                2 => dice.of(&late),
                _ => dice.of(&days),
            };
            let minutes = dice.of(&[0, 30, 60, 90, 105, 120, 135, 150, 180, 870, 1439]);
            let minutes = if dice.one_in(2) { minutes } else { dice.between(0, 1440) };
            let local = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes);
            zone.instant(local) + nearby(dice) - if dice.one_in(8) { TimeDelta::hours(1) } else { TimeDelta::zero() }
        })
        .collect()
}

/// A little before, just at, or a little after.
fn nearby(dice: &mut Dice) -> TimeDelta {
    match dice.between(0, 10) {
        0..=2 => TimeDelta::zero(),
        3 => TimeDelta::microseconds(dice.of(&[-1, 1])),
        4 => TimeDelta::seconds(dice.of(&[-1, 1, -59, 59, -60, 60])),
        5 => TimeDelta::minutes(dice.of(&[-15, 15, -14, 14, -30, 30])),
        6 => TimeDelta::microseconds(dice.between(-1_000_000, 1_000_000)),
        7 | 8 => TimeDelta::seconds(dice.between(-3_600, 3_600)),
        _ => TimeDelta::seconds(dice.between(-40_000, 40_000)),
    }
}

/// An instant near one that some figure of `now` begins or ends at.
fn near_an_edge(dice: &mut Dice, zone: &Zone, now: At) -> At {
    let local = zone.local(now);
    let days = [0, 0, 1, 1, 2, 6, 7, 8, 13, 14, 28, 29, 30, 31, 59, 60, 61, 89, 90, 91, 180, 363, 364, 365, 366, 371];
    let mut at = if dice.one_in(3) {
        local - Months::new(dice.of(&[1, 1, 2, 3, 6, 12, 12, 13]))
    } else {
        local - Days::new(dice.of(&days))
    };
    at = match dice.between(0, 4) {
        0 => at.date().and_time(NaiveTime::MIN),
        1 => zone.first(super::calendar::Period::Month, at.date()).and_time(NaiveTime::MIN),
        _ => at,
    };
    zone.instant(at) + nearby(dice)
}

/// The orders of a shop as they are in the end, around the instants `nows`.
pub fn orders(dice: &mut Dice, zone: &Zone, era: Era, nows: &[At]) -> Vec<Order> {
    let (first, last) = (zone.midnight(era.first) - TimeDelta::days(DAYS_BEFORE), zone.midnight(era.last));
    (0..ORDERS)
        .map(|i| {
            let now = dice.of(nows);
            let placed = match dice.between(0, 20) {
                0 => now + TimeDelta::minutes(dice.between(0, 7_000)),
                1..=4 => first + TimeDelta::seconds(dice.between(0, (last - first).num_seconds())),
                _ => near_an_edge(dice, zone, now),
            };
            // The first half have sources of their own: the other half may have the same ids.
            let source = dice.between(0, 2) + if i % 2 == 0 { 0 } else { 2 };
            order(dice, source as usize, format!("{}", i / 2), placed, now)
        })
        .collect()
}

fn order(dice: &mut Dice, source: usize, id: String, placed: At, now: At) -> Order {
    let currency = dice.of(&CURRENCIES);
    let is_return = dice.one_in(30);
    let most = if dice.one_in(40) { 40_000_000_000 } else { 20_000 };
    let gross = if is_return || dice.one_in(25) { 0 } else { dice.between(1, most) };
    let mut sometimes = |most: i64| if !is_return && dice.one_in(2) { dice.between(0, most) } else { 0 };
    let (discount, shipping, tax) = (sometimes(gross / 2 + 1), sometimes(999), sometimes(4_000));
    let total = gross - discount + shipping + tax;
    let buyer = (total > 0 && dice.one_in(5)).then(|| {
        let code = dice.of(&["GBP", "EUR", "CHF"]);
        (code, dice.between(1, total * 2 + 2))
    });
    let mut order = Order {
        source,
        id,
        placed,
        currency,
        gross,
        discount,
        shipping,
        tax,
        buyer: buyer.filter(|(code, _)| *code != currency),
        country: dice.of(&[Some("GB"), Some("GB"), Some("US"), Some("DE"), Some("JP"), None]),
        status: dice.of(&[Some("paid"), Some("paid"), Some("paid"), Some("pending"), None]),
        standing: if is_return { "return" } else { standing(dice) },
        cancelled: (!is_return && dice.one_in(7)).then(|| later(dice, placed, now)),
        refunds: Vec::new(),
    };
    let refunds = if is_return { 1 } else { [0, 0, 0, 1, 1, 2, 3][dice.between(0, 7) as usize] };
    for n in 0..refunds {
        let refund = refund(dice, &order, format!("r{n}"), now);
        order.refunds.push(refund);
    }
    order
}

fn standing(dice: &mut Dice) -> &'static str {
    if dice.one_in(12) { dice.of(&["test", "test", "draft", "deleted", "voided", "failed"]) } else { "counted" }
}

/// When something happens to an order: mostly after it was placed, often at an edge.
fn later(dice: &mut Dice, placed: At, now: At) -> At {
    match dice.between(0, 10) {
        0 => placed,
        1 => placed - TimeDelta::seconds(dice.between(1, 4_000)),
        2 => placed + TimeDelta::days(1),
        3 | 4 => now.max(placed) + nearby(dice),
        5 => placed + TimeDelta::days(dice.of(&[7, 28, 30, 31])) + nearby(dice),
        _ => placed + TimeDelta::seconds(dice.between(1, 60 * 86_400)),
    }
}

fn refund(dice: &mut Dice, order: &Order, id: String, now: At) -> Refund {
    let at = match order.cancelled {
        Some(cancelled) if dice.one_in(3) => cancelled + nearby(dice),
        _ => later(dice, order.placed, now),
    };
    let (goods, shipping, tax) = (order.gross - order.discount, order.shipping, order.tax);
    let mut part = |of: i64| if dice.one_in(3) { of } else { dice.between(0, of + 1) };
    let (mut goods, mut shipping, mut tax) = (part(goods), part(shipping), part(tax));
    let mut currency = order.currency;
    match order.buyer {
        _ if order.standing == "return" => goods = dice.between(1, 9_000),
        Some((code, total)) if dice.one_in(2) => {
            // Sometimes all of it at once.
            currency = code;
            shipping = shipping.min(total / 3);
            tax = tax.min(total / 3);
            goods = if dice.one_in(2) { total - shipping - tax } else { goods.min(total - shipping - tax) };
        }
        _ if dice.one_in(20) => currency = if order.currency == "NOK" { "SEK" } else { "NOK" },
        _ => {}
    }
    Refund { id, at, currency, goods, shipping, tax }
}

/// All that is ever told of the orders, in any order: earlier descriptions, repetitions, refunds by themselves.
/// `reporting` and `sources` are the shop's currency and the numbers of its sources.
pub fn told(dice: &mut Dice, orders: &[Order], reporting: &str, sources: &[i32]) -> Vec<Delivery> {
    let mut out = Vec::new();
    for order in orders {
        let mut say = |told: order::Order| {
            let delivery = Delivery {
                source: sources[order.source],
                platform: super::account::SOURCES[order.source].1.into(),
                received_at: order.placed,
                order: Some((order.id.clone(), told)),
                ..Delivery::default()
            };
            out.push(delivery);
        };
        let (mut with_sale, mut apart) = (BTreeMap::new(), BTreeMap::new());
        for refund in &order.refunds {
            let refunds = if dice.one_in(2) { &mut with_sale } else { &mut apart };
            refunds.insert(refund.id.clone(), told_refund(order, refund));
            if dice.one_in(5) {
                let earlier = order::Refund {
                    modified_at: order.placed - TimeDelta::hours(1),
                    refunded_at: refund.at + nearby(dice),
                    goods_minor: dice.between(0, 5_000),
                    ..told_refund(order, refund)
                };
                say(order::Order { sale: None, refunds: BTreeMap::from([(refund.id.clone(), earlier)]) });
            }
        }
        if dice.one_in(3) {
            say(order::Order::placed(earlier_sale(dice, order, reporting)));
        }
        let sale = Some(told_sale(order));
        for _ in 0..if dice.one_in(6) { 2 } else { 1 } {
            say(order::Order { sale: sale.clone(), refunds: with_sale.clone() });
            if !apart.is_empty() {
                say(order::Order { sale: None, refunds: apart.clone() });
            }
        }
    }
    dice.shuffle(&mut out);
    out
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("a code")
}

fn told_sale(order: &Order) -> Sale {
    Sale {
        modified_at: order.placed + TimeDelta::hours(1),
        placed_at: order.placed,
        number: None,
        currency: currency(order.currency),
        gross_minor: order.gross,
        discount_minor: order.discount,
        shipping_minor: order.shipping,
        tax_minor: order.tax,
        presentment: order.buyer.map(|(code, total)| (currency(code), total)),
        country: order.country.map(Into::into),
        standing: Standing::parse(order.standing),
        payment: order.status.map(Into::into),
        cancelled_at: order.cancelled,
    }
}

/// What was told of an order before it was changed to what it is.
fn earlier_sale(dice: &mut Dice, order: &Order, reporting: &str) -> Sale {
    let mut sale = Sale { modified_at: order.placed, cancelled_at: None, ..told_sale(order) };
    sale.gross_minor = dice.between(0, 30_000);
    sale.payment = dice.of(&[Some("pending".to_owned()), None, sale.payment]);
    sale.country = dice.of(&[Some("GB".to_owned()), Some("NZ".to_owned()), sale.country]);
    match dice.between(0, 6) {
        0 => sale.standing = Standing::Test,
        1 => sale.standing = Standing::Counted,
        2 => sale.currency = currency(dice.of(&CURRENCIES)),
        // A rate is recorded once, for the day that was told first: only where there is none to record does the day change.
        3 if order.currency == reporting => sale.placed_at += nearby(dice) * 40,
        _ => {}
    }
    sale
}

fn told_refund(order: &Order, refund: &Refund) -> order::Refund {
    order::Refund {
        modified_at: order.placed,
        refunded_at: refund.at,
        currency: currency(refund.currency),
        goods_minor: refund.goods,
        shipping_minor: refund.shipping,
        tax_minor: refund.tax,
    }
}

/// An instant without what PostgreSQL does not keep.
pub fn kept(at: At) -> At {
    DateTime::from_timestamp_micros(at.timestamp_micros()).expect("an instant")
}
