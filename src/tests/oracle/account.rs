//! The account kept apart: raw orders, what each of them posts and when (M2 to M5, M7), and plain sums of it (M3, M6).

use super::ask::Asked;
use super::bank::Bank;
use super::calendar::{At, Stretch, Zone};

/// An order as its shop would tell it in the end. Amounts are minor units of `currency`, none negative.
#[derive(Debug, Clone)]
pub struct Order {
    pub source: usize,
    pub id: String,
    pub placed: At,
    pub currency: &'static str,
    pub gross: i64,
    pub discount: i64,
    pub shipping: i64,
    pub tax: i64,
    /// What the buyer paid in, if it is another currency, and the total in it.
    pub buyer: Option<(&'static str, i64)>,
    pub country: Option<&'static str>,
    pub status: Option<&'static str>,
    pub standing: &'static str,
    pub cancelled: Option<At>,
    pub refunds: Vec<Refund>,
}

/// Money paid back.
#[derive(Debug, Clone)]
pub struct Refund {
    pub id: String,
    pub at: At,
    pub currency: &'static str,
    pub goods: i64,
    pub shipping: i64,
    pub tax: i64,
}

/// Where orders come from: its name and its platform.
pub const SOURCES: [(&str, &str); 4] =
    [("web", "shopify"), ("web-two", "shopify"), ("books", "etsy"), ("own", "direct")];

/// Something that counts at an instant, minor units of the reporting currency.
#[derive(Debug, Clone)]
struct Posting {
    at: At,
    /// Whether money went back.
    is_return: bool,
    orders: i64,
    total: i128,
    net: i128,
    flagged: i64,
}

/// What a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub orders: i64,
    pub revenue: i128,
    pub placed: i128,
    pub flagged: i64,
}

/// A posting as a question sees it. Times are microseconds since 1970.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it counts.
    at: i64,
    /// When it happened, and when its order was placed.
    seen: [i64; 2],
    pub sum: Sum,
    pub country: &'static str,
    pub platform: &'static str,
}

/// All orders' postings.
pub struct Account {
    orders: Vec<Order>,
    /// By the time that they count at, where returns are on their own date and where they are on the order's: the time, which
    /// order it is, and what.
    by_time: [Vec<(At, usize, Posting)>; 2],
}

impl Order {
    fn total(&self) -> i64 {
        self.gross - self.discount + self.shipping + self.tax
    }
}

impl Account {
    pub fn new(orders: &[Order], reporting: &str, bank: &Bank, zone: &Zone) -> Account {
        let mut by_time = [Vec::new(), Vec::new()];
        for (i, order) in orders.iter().enumerate() {
            for posting in postings(order, reporting, bank, zone) {
                // What is left out is left out on its own date in either view.
                let moves = posting.is_return && posting.flagged == 0;
                by_time[0].push((posting.at, i, posting.clone()));
                by_time[1].push((if moves { order.placed } else { posting.at }, i, posting));
            }
        }
        by_time.iter_mut().for_each(|postings| postings.sort_by_key(|(at, ..)| *at));
        Account { orders: orders.to_vec(), by_time }
    }

    /// The first instant that anything counts at, in either view of refunds.
    pub fn since(&self) -> Option<At> {
        self.by_time.iter().filter_map(|postings| postings.first()).map(|(at, ..)| *at).min()
    }

    /// The postings that a question is about, by when they count for it.
    pub fn lines(&self, asked: &Asked) -> Vec<Line> {
        let mut out = Vec::new();
        for (at, order, posting) in &self.by_time[usize::from(asked.on_order)] {
            let order = &self.orders[*order];
            let (source, platform) = SOURCES[order.source];
            let (country, status) = (order.country.unwrap_or("unknown"), order.status.unwrap_or("unknown"));
            let wanted = |list: &[&str], value| list.is_empty() || list.contains(&value);
            if wanted(&asked.platforms, platform)
                && wanted(&asked.sources, source)
                && wanted(&asked.countries, country)
                && wanted(&asked.statuses, status)
            {
                let sum = Sum {
                    orders: posting.orders,
                    revenue: if asked.net { posting.net } else { posting.total },
                    placed: if posting.is_return { 0 } else { posting.total },
                    flagged: posting.flagged,
                };
                let seen = [posting.at, order.placed].map(|at| at.timestamp_micros());
                out.push(Line { at: at.timestamp_micros(), seen, sum, country, platform });
            }
        }
        out
    }
}

impl Line {
    /// Whether it happened, or its order was placed, within a stretch.
    pub fn is_seen(&self, (from, to): Stretch) -> bool {
        self.seen.iter().any(|at| (from.timestamp_micros()..to.timestamp_micros()).contains(at))
    }
}

/// The plain sum of the lines within a stretch, of those that `wanted` names. The lines are in the order of time.
pub fn sum_of(lines: &[Line], (from, to): Stretch, wanted: impl Fn(&Line) -> bool) -> Sum {
    let (from, to) = (from.timestamp_micros(), to.timestamp_micros());
    let start = lines.partition_point(|line| line.at < from);
    let mut sum = Sum::default();
    for line in lines[start..].iter().take_while(|line| line.at < to).filter(|line| wanted(line)) {
        sum.orders += line.sum.orders;
        sum.revenue += line.sum.revenue;
        sum.placed += line.sum.placed;
        sum.flagged += line.sum.flagged;
    }
    sum
}

/// What an order posts. In the reporting currency each amount is worth what the balance after it is worth, less what the
/// balance before it was: what is paid back in full leaves nothing.
fn postings(order: &Order, reporting: &str, bank: &Bank, zone: &Zone) -> Vec<Posting> {
    let mut out = Vec::new();
    let is_return = match order.standing {
        "counted" => false,
        "return" => true,
        _ => return out,
    };
    let converter = bank.converter(order.currency, reporting, zone.date(order.placed));
    let mut book = Book { balance: 0, worth: 0, convert: converter.as_ref() };
    let nothing = Posting { at: order.placed, is_return: false, orders: 0, total: 0, net: 0, flagged: 0 };
    let flag = |at, is_return| Posting { at, is_return, flagged: 1, ..nothing.clone() };
    let (mut goods, mut shipping, mut tax) = (0i128, 0i128, 0i128);
    if !is_return {
        (goods, shipping, tax) =
            (i128::from(order.gross - order.discount), i128::from(order.shipping), i128::from(order.tax));
        let net = book.post(i128::from(order.gross)) + book.post(-i128::from(order.discount));
        let total = net + book.post(shipping) + book.post(tax);
        out.push(match converter {
            Some(_) => Posting { orders: 1, total, net, ..nothing.clone() },
            None => flag(order.placed, false),
        });
    }
    let mut refunds: Vec<&Refund> = order.refunds.iter().collect();
    refunds.sort_by_key(|refund| (refund.at, &refund.id));
    let mut from_buyer = Buyer { order, paid_back: 0, posted: 0 };
    for refund in refunds {
        // What is paid back after the cancellation was reversed by it already (M5: once).
        if order.cancelled.is_some_and(|cancelled| cancelled < refund.at) {
            continue;
        }
        let at = refund.at.max(order.placed);
        let parts = [refund.goods, refund.shipping, refund.tax].map(i128::from);
        if parts == [0, 0, 0] {
            continue;
        }
        let Some(parts) = from_buyer.in_shop_currency(refund.currency, parts) else {
            out.push(flag(at, true));
            continue;
        };
        let [back_goods, back_shipping, back_tax] = parts;
        (goods, shipping, tax) = (goods - back_goods, shipping - back_shipping, tax - back_tax);
        let net = book.post(-back_goods);
        let total = net + book.post(-back_shipping) + book.post(-back_tax);
        match converter {
            Some(_) => out.push(Posting { at, is_return: true, total, net, ..nothing.clone() }),
            // An order without a rate is flagged once: where it is placed, or with a return's first money.
            None if out.is_empty() => out.push(flag(at, true)),
            None => {}
        }
    }
    if let (Some(cancelled), Some(_)) = (order.cancelled, &converter) {
        let net = book.post(-goods);
        let total = net + book.post(-shipping) + book.post(-tax);
        out.push(Posting { at: cancelled.max(order.placed), is_return: true, total, net, ..nothing });
    }
    out
}

/// An order's balance, in its currency and in the reporting one.
struct Book<'a, F> {
    balance: i128,
    worth: i128,
    convert: Option<&'a F>,
}

impl<F: Fn(i128) -> i128> Book<'_, F> {
    fn post(&mut self, amount: i128) -> i128 {
        self.balance += amount;
        let now = self.convert.map_or(0, |convert| convert(self.balance));
        let step = now - self.worth;
        self.worth = now;
        step
    }
}

/// What has been paid back in the buyer's currency. It is worth its part of the order's total: all of it, all of the total.
struct Buyer<'a> {
    order: &'a Order,
    paid_back: i128,
    posted: i128,
}

impl Buyer<'_> {
    /// `None` for a currency that is neither the shop's nor the buyer's.
    fn in_shop_currency(&mut self, currency: &str, parts: [i128; 3]) -> Option<[i128; 3]> {
        if currency == self.order.currency {
            return Some(parts);
        }
        let (_, total) = self.order.buyer.filter(|(code, total)| *code == currency && *total != 0)?;
        Some(parts.map(|part| {
            self.paid_back += part;
            let now = super::bank::divided(self.paid_back * i128::from(self.order.total()), i128::from(total));
            let step = now - self.posted;
            self.posted = now;
            step
        }))
    }
}
