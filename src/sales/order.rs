//! What is known of one order, and how two descriptions of it become one.
//!
//! Deliveries come more than once and in any order, so [`Order::merge`] is commutative, associative and idempotent:
//! whatever the order of arrival, the same facts remain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::period::Instant;

/// An order as far as it is known. A refund may be heard of before its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// The sale; `None` while only refunds have been seen.
    pub sale: Option<Sale>,
    /// Refunds by the platform's refund id.
    pub refunds: BTreeMap<String, Refund>,
}

/// The sale as the platform last described it. Amounts are minor units of `currency`, none of them negative but
/// where a platform says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sale {
    /// When the platform last changed the order: the newer description wins.
    pub modified_at: Instant,
    /// When the buyer placed it.
    pub placed_at: Instant,
    /// The number that people use, such as `#1002`.
    pub number: Option<String>,
    /// The shop's currency.
    pub currency: Currency,
    /// Price × quantity before discounts, tax and shipping.
    pub gross_minor: i64,
    /// What was taken off, positive.
    pub discount_minor: i64,
    /// Shipping charged.
    pub shipping_minor: i64,
    /// Tax charged.
    pub tax_minor: i64,
    /// What the buyer paid in where it is not `currency`, and the order's total in it.
    pub presentment: Option<(Currency, i64)>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Whether it counts (M4).
    pub standing: Standing,
    /// The platform's word for the payment: `pending`, `paid`.
    pub payment: Option<String>,
    /// When it was cancelled.
    pub cancelled_at: Option<Instant>,
}

/// Whether an order counts, and if not, why (M4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It counts.
    Counted,
    /// A test order.
    Test,
    /// Not placed yet.
    Draft,
    /// Deleted on the platform.
    Deleted,
    /// Its payment was voided.
    Voided,
    /// Its payment failed.
    Failed,
    /// No order but money alone, paid back or received; its refunds count, on their own dates.
    Return,
}

/// Money paid back. Amounts are positive minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Refund {
    /// When the description of the refund was made: the newer one wins.
    pub modified_at: Instant,
    /// When the money was paid back.
    pub refunded_at: Instant,
    /// What it was paid back in: the shop's or the buyer's currency.
    pub currency: Currency,
    /// For goods.
    pub goods_minor: i64,
    /// For shipping.
    pub shipping_minor: i64,
    /// For tax.
    pub tax_minor: i64,
}

impl Sale {
    /// The order's total as placed: gross − discounts + shipping + tax.
    pub fn total_minor(&self) -> i64 {
        self.gross_minor - self.discount_minor + self.shipping_minor + self.tax_minor
    }
}

impl Standing {
    /// The name in the database and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Counted => "counted",
            Standing::Test => "test",
            Standing::Draft => "draft",
            Standing::Deleted => "deleted",
            Standing::Voided => "voided",
            Standing::Failed => "failed",
            Standing::Return => "return",
        }
    }

    /// Reads a [`Standing::name`]; anything else does not count.
    pub fn parse(name: &str) -> Standing {
        match name {
            "counted" => Standing::Counted,
            "test" => Standing::Test,
            "draft" => Standing::Draft,
            "deleted" => Standing::Deleted,
            "voided" => Standing::Voided,
            "return" => Standing::Return,
            _ => Standing::Failed,
        }
    }
}

impl Order {
    /// An order of which the sale is known.
    pub fn placed(sale: Sale) -> Order {
        Order { sale: Some(sale), refunds: BTreeMap::new() }
    }

    /// Takes in another description of the same order. Ties of the modified time are broken by content, so that
    /// the result does not depend on who came first.
    pub fn merge(&mut self, other: Order) {
        if other.sale > self.sale {
            self.sale = other.sale;
        }
        for (id, refund) in other.refunds {
            let known = self.refunds.entry(id).or_insert_with(|| refund.clone());
            if refund > *known {
                *known = refund;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::{TimeZone as _, Utc};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn at(seconds: i64) -> Instant {
        Utc.timestamp_opt(1_790_000_000 + seconds, 0).single().expect("an instant")
    }

    prop_compose! {
        fn sale()(modified in 0i64..4, placed in 0i64..3, gross in 0i64..2000, discount in 0i64..100, shipping in 0i64..300,
                  tax in 0i64..200, standing in 0u8..4, cancelled in proptest::option::of(0i64..6)) -> Sale {
            Sale {
                modified_at: at(modified * 60), placed_at: at(placed * 10), number: None, currency: Currency::GBP,
                gross_minor: gross, discount_minor: discount, shipping_minor: shipping, tax_minor: tax, presentment: None,
                country: None, payment: None, cancelled_at: cancelled.map(|s| at(s * 3600)),
                standing: if standing == 0 { Standing::Test } else { Standing::Counted },
            }
        }
    }

    prop_compose! {
        fn refund()(modified in 0i64..3, refunded in 0i64..6, goods in 0i64..900, shipping in 0i64..100, tax in 0i64..90) -> Refund {
            Refund { modified_at: at(modified * 60), refunded_at: at(refunded * 3500), currency: Currency::GBP,
                     goods_minor: goods, shipping_minor: shipping, tax_minor: tax }
        }
    }

    prop_compose! {
        pub(crate) fn order()(sale in proptest::option::weighted(0.8, sale()), refunds in proptest::collection::btree_map("[ab]", refund(), 0..3)) -> Order {
            Order { sale, refunds }
        }
    }

    fn merged(mut a: Order, b: &Order) -> Order {
        a.merge(b.clone());
        a
    }

    proptest! {
        #[test]
        fn merging_does_not_depend_on_order_or_repetition(a in order(), b in order(), c in order()) {
            prop_assert_eq!(merged(a.clone(), &b), merged(b.clone(), &a));
            prop_assert_eq!(merged(merged(a.clone(), &b), &c), merged(a.clone(), &merged(b.clone(), &c)));
            prop_assert_eq!(merged(a.clone(), &a), a);
        }
    }
}
