//! The ledger of an order as a pure function of what is known of it (M2–M5).

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::exchange::convert;
use crate::money::Currency;
use crate::period::Instant;
use crate::sales::order::{Order, Refund, Sale, Standing};

/// What an entry of the ledger is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Price × quantity before discounts.
    Sale,
    /// What was taken off, negative.
    Discount,
    /// Shipping charged.
    Shipping,
    /// Tax charged.
    Tax,
    /// Goods paid back, negative.
    RefundGoods,
    /// Shipping paid back, negative.
    RefundShipping,
    /// Tax paid back, negative.
    RefundTax,
    /// Goods reversed by a cancellation, negative.
    CancelGoods,
    /// Shipping reversed by a cancellation, negative.
    CancelShipping,
    /// Tax reversed by a cancellation, negative.
    CancelTax,
}

/// Names one entry of an order: further revisions of the same key are corrections of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// Which one: the platform's refund id, or empty.
    pub part: String,
    /// When it happened: the day it counts on.
    pub occurred_at: Instant,
}

/// The amounts under a key. Minor units; `converted` is in the reporting currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// In the order's currency.
    pub amount: i64,
    /// In the reporting currency; `None` where no rate is known.
    pub converted: Option<i64>,
    /// Orders placed: 1 on the entry of a sale.
    pub orders: i16,
    /// Orders without a rate.
    pub flagged: i16,
}

impl Kind {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sale => "sale",
            Kind::Discount => "discount",
            Kind::Shipping => "shipping",
            Kind::Tax => "tax",
            Kind::RefundGoods => "refund_goods",
            Kind::RefundShipping => "refund_shipping",
            Kind::RefundTax => "refund_tax",
            Kind::CancelGoods => "cancel_goods",
            Kind::CancelShipping => "cancel_shipping",
            Kind::CancelTax => "cancel_tax",
        }
    }

    /// Whether money goes back: a refund or a cancellation.
    pub fn is_return(self) -> bool {
        !matches!(self, Kind::Sale | Kind::Discount | Kind::Shipping | Kind::Tax)
    }

    /// Reads a [`Kind::name`].
    pub fn parse(name: &str) -> Option<Kind> {
        use Kind::*;
        [Sale, Discount, Shipping, Tax, RefundGoods, RefundShipping, RefundTax, CancelGoods, CancelShipping, CancelTax]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// The entries that an order's facts ask for. `rate` is the order's recorded rate into `reporting`.
///
/// Events are taken in the order they happened. A cancellation reverses what is left then; refunds after it were
/// reversed already and post nothing (M5: once). Conversion follows the running balance, so an order that is
/// fully paid back sums to zero in the reporting currency too (M7).
pub fn entries(order: &Order, reporting: Currency, rate: Option<Decimal>) -> BTreeMap<Key, Amounts> {
    let mut out = Posting {
        entries: BTreeMap::new(),
        balance: Balance::default(),
        converted: 0,
        reporting,
        rate,
        currency: reporting,
        from_buyer: FromBuyer::default(),
    };
    let counts = |sale: &&Sale| matches!(sale.standing, Standing::Counted | Standing::Return);
    let Some(sale) = order.sale.as_ref().filter(counts) else {
        return out.entries;
    };
    out.currency = sale.currency;
    if sale.standing == Standing::Counted {
        out.post_sale(sale);
    }
    let mut refunds: Vec<(&String, &Refund)> = order.refunds.iter().collect();
    refunds.sort_by_key(|(id, refund)| (refund.refunded_at, *id));
    let (before, _already_reversed): (Vec<_>, Vec<_>) =
        refunds.into_iter().partition(|(_, refund)| sale.cancelled_at.is_none_or(|at| refund.refunded_at <= at));
    for (id, refund) in before {
        out.post_refund(id, refund, sale);
    }
    if let Some(cancelled_at) = sale.cancelled_at {
        out.post_cancellation(cancelled_at.max(sale.placed_at));
    }
    out.entries
}

/// What is left of an order while its events are posted, minor units of its currency.
#[derive(Default)]
struct Balance {
    goods: i64,
    shipping: i64,
    tax: i64,
}

struct Posting {
    entries: BTreeMap<Key, Amounts>,
    balance: Balance,
    /// The running balance in the reporting currency.
    converted: i64,
    currency: Currency,
    reporting: Currency,
    rate: Option<Decimal>,
    from_buyer: FromBuyer,
}

/// What has been paid back in the buyer's currency, and what of it was posted in the shop's.
#[derive(Default)]
struct FromBuyer {
    paid_back: i64,
    posted: i64,
}

impl Posting {
    fn post_sale(&mut self, sale: &Sale) {
        self.post(Kind::Sale, "", sale.placed_at, sale.gross_minor);
        self.post(Kind::Discount, "", sale.placed_at, -sale.discount_minor);
        self.post(Kind::Shipping, "", sale.placed_at, sale.shipping_minor);
        self.post(Kind::Tax, "", sale.placed_at, sale.tax_minor);
    }

    fn post_refund(&mut self, id: &str, refund: &Refund, sale: &Sale) {
        let at = refund.refunded_at.max(sale.placed_at);
        for (kind, minor) in [
            (Kind::RefundGoods, refund.goods_minor),
            (Kind::RefundShipping, refund.shipping_minor),
            (Kind::RefundTax, refund.tax_minor),
        ] {
            match self.from_buyer.in_shop_currency(minor, refund.currency, sale) {
                Some(minor) => self.post(kind, id, at, -minor),
                // One flag stands for all of the refund.
                None => return self.flag(kind, id, at),
            }
        }
    }

    fn post_cancellation(&mut self, at: Instant) {
        for (kind, left) in [
            (Kind::CancelGoods, self.balance.goods),
            (Kind::CancelShipping, self.balance.shipping),
            (Kind::CancelTax, self.balance.tax),
        ] {
            self.post(kind, "", at, -left);
        }
    }

    /// Posts an entry that is left out of every sum: its currency has no rate (M7: never 0, never 1:1).
    fn flag(&mut self, kind: Kind, part: &str, occurred_at: Instant) {
        let flagged = Amounts { flagged: 1, ..Amounts::default() };
        self.entries.insert(Key { kind, part: part.to_owned(), occurred_at }, flagged);
    }

    /// Posts an amount. A sale is posted even when it is nothing: a free order is an order.
    fn post(&mut self, kind: Kind, part: &str, occurred_at: Instant, amount: i64) {
        let is_sale = kind == Kind::Sale;
        if amount == 0 && !is_sale {
            return;
        }
        // The first entry stands for the whole: the sale, or the money of a return.
        let is_first = self.entries.is_empty();
        let balance = &mut self.balance;
        match kind {
            Kind::Sale | Kind::Discount | Kind::RefundGoods | Kind::CancelGoods => balance.goods += amount,
            Kind::Shipping | Kind::RefundShipping | Kind::CancelShipping => balance.shipping += amount,
            Kind::Tax | Kind::RefundTax | Kind::CancelTax => balance.tax += amount,
        }
        let left = balance.goods + balance.shipping + balance.tax;
        let converted = self.rate.and_then(|rate| convert(left, self.currency, self.reporting, rate)).map(|now| {
            let step = now - self.converted;
            self.converted = now;
            step
        });
        let amounts = Amounts {
            amount,
            converted,
            orders: i16::from(is_sale && converted.is_some()),
            flagged: i16::from(is_first && converted.is_none()),
        };
        self.entries.insert(Key { kind, part: part.to_owned(), occurred_at }, amounts);
    }
}

impl FromBuyer {
    /// A refund's amount in the shop's currency: as it is, or by the order's own ratio of the two currencies. The ratio is that
    /// of all that was paid back so far, so that the whole of what the buyer paid is the order's total. `None` when it was paid
    /// in a third currency.
    fn in_shop_currency(&mut self, minor: i64, paid_in: Currency, sale: &Sale) -> Option<i64> {
        if minor == 0 || paid_in == sale.currency {
            return Some(minor);
        }
        let (_, total) = sale.presentment.filter(|(currency, total)| *currency == paid_in && *total != 0)?;
        self.paid_back = self.paid_back.checked_add(minor)?;
        let (product, total) = (i128::from(self.paid_back) * i128::from(sale.total_minor()) * 2, i128::from(total));
        let now = i64::try_from((product + total) / (total * 2)).ok()?;
        let step = now - self.posted;
        self.posted = now;
        Some(step)
    }
}

/// What must be appended so that `stored` becomes `wanted`: nothing where they are equal.
pub fn difference(stored: &BTreeMap<Key, Amounts>, wanted: &BTreeMap<Key, Amounts>) -> Vec<(Key, Amounts)> {
    let keys: std::collections::BTreeSet<&Key> = stored.keys().chain(wanted.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let old = stored.get(key).copied().unwrap_or_default();
            let new = wanted.get(key).copied().unwrap_or_default();
            let step = Amounts {
                amount: new.amount - old.amount,
                converted: match (old.converted, new.converted) {
                    (None, None) => None,
                    (old, new) => Some(new.unwrap_or(0) - old.unwrap_or(0)),
                },
                orders: new.orders - old.orders,
                flagged: new.flagged - old.flagged,
            };
            let nothing = step.amount == 0 && step.converted.unwrap_or(0) == 0 && step.orders == 0 && step.flagged == 0;
            let first_of_free_order = !stored.contains_key(key) && new.orders != 0;
            (!nothing || first_of_free_order).then(|| (key.clone(), step))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sales::order::tests::{at, order};
    use crate::sales::sums::Sums;

    fn sums(entries: &BTreeMap<Key, Amounts>) -> Sums {
        let mut sums = Sums::default();
        entries.iter().for_each(|(key, amounts)| sums += Sums::of(key.kind, amounts, 1));
        sums
    }

    fn sale(gross: i64) -> Sale {
        Sale {
            modified_at: at(0),
            placed_at: at(0),
            number: None,
            currency: Currency::GBP,
            gross_minor: gross,
            discount_minor: 0,
            shipping_minor: 299,
            tax_minor: 0,
            presentment: None,
            country: None,
            standing: Standing::Counted,
            payment: None,
            cancelled_at: None,
        }
    }

    fn refund(seconds: i64, goods: i64) -> Refund {
        Refund {
            modified_at: at(0),
            refunded_at: at(seconds),
            currency: Currency::GBP,
            goods_minor: goods,
            shipping_minor: 0,
            tax_minor: 0,
        }
    }

    #[test]
    fn a_full_refund_nets_to_zero_in_a_foreign_currency() {
        let yen = Currency::parse("JPY").expect("a code");
        let mut order = Order::placed(Sale { currency: yen, ..sale(1001) });
        order.refunds.insert("r".into(), Refund { currency: yen, ..refund(60, 1300) });
        let entries = entries(&order, Currency::GBP, Some(Decimal::new(47123, 7)));
        assert_eq!(sums(&entries).total(), 0);
        assert_eq!(sums(&entries).orders, 1);
    }

    #[test]
    fn a_cancelled_order_is_reversed_once_whenever_its_refund_comes() {
        for refunded in [30, 90] {
            let mut order = Order::placed(Sale { cancelled_at: Some(at(60)), ..sale(1000) });
            order.refunds.insert("r".into(), refund(refunded, 500));
            let entries = entries(&order, Currency::GBP, Some(Decimal::ONE));
            assert_eq!(sums(&entries).total(), 0, "refunded at {refunded}");
            assert_eq!(sums(&entries).placed(), 1299);
            assert!(entries.keys().all(|key| key.occurred_at <= at(60)));
        }
    }

    #[test]
    fn an_order_without_a_rate_is_flagged_and_left_out() {
        let entries = entries(&Order::placed(sale(1000)), Currency::GBP, None);
        assert_eq!(sums(&entries), Sums { flagged: 1, ..Sums::default() });
    }

    #[test]
    fn a_return_is_money_on_its_date_and_no_order() {
        let mut order = Order::placed(Sale { standing: Standing::Return, shipping_minor: 0, ..sale(0) });
        order.refunds.insert("r".into(), refund(60, 2_750));
        let posted = entries(&order, Currency::GBP, Some(Decimal::ONE));
        assert_eq!(sums(&posted), Sums { returned_goods: -2_750, ..Sums::default() });
        assert!(posted.keys().all(|key| key.occurred_at == at(60)));
        assert_eq!(sums(&entries(&order, Currency::GBP, None)), Sums { flagged: 1, ..Sums::default() });
    }

    #[test]
    fn a_refund_in_the_buyer_s_currency_follows_the_order_s_ratio() {
        let usd = Currency::parse("USD").expect("a code");
        let euro_sale =
            Sale { currency: usd, presentment: Some((Currency::EUR, 11_590)), gross_minor: 12_137, ..sale(0) };
        let mut order = Order::placed(euro_sale);
        order.refunds.insert("r".into(), Refund { currency: Currency::EUR, ..refund(60, 11_590) });
        assert_eq!(sums(&entries(&order, usd, Some(Decimal::ONE))).total(), 0);
    }

    #[test]
    fn what_is_paid_back_in_parts_in_the_buyer_s_currency_nets_to_zero_too() {
        let yen = Currency::parse("JPY").expect("a code");
        let mut order = Order::placed(Sale { presentment: Some((yen, 300)), ..sale(2) });
        for (id, seconds) in [("a", 60), ("b", 61)] {
            let third = Refund { currency: yen, shipping_minor: 25, tax_minor: 25, ..refund(seconds, 100) };
            order.refunds.insert(id.into(), third);
        }
        assert_eq!(sums(&entries(&order, Currency::GBP, Some(Decimal::ONE))).total(), 0);
    }

    #[test]
    fn a_refund_in_a_third_currency_is_flagged_and_never_taken_one_to_one() {
        let mut order = Order::placed(sale(1000));
        let in_euros = Refund { currency: Currency::EUR, shipping_minor: 299, tax_minor: 1, ..refund(60, 500) };
        order.refunds.insert("r".into(), in_euros);
        let sums = sums(&entries(&order, Currency::GBP, Some(Decimal::ONE)));
        assert_eq!((sums.total(), sums.flagged), (1299, 1));
    }

    proptest! {
        #[test]
        fn appending_the_difference_gives_what_is_wanted(a in order(), b in order()) {
            let mut both = a.clone();
            both.merge(b);
            let before = entries(&a, Currency::GBP, Some(Decimal::ONE));
            let wanted = entries(&both, Currency::GBP, Some(Decimal::ONE));
            let mut total = sums(&before);
            for (key, amounts) in difference(&before, &wanted) {
                total += Sums::of(key.kind, &amounts, 1);
            }
            prop_assert_eq!(total, sums(&wanted));
            prop_assert!(difference(&wanted, &wanted).is_empty());
        }
    }
}
