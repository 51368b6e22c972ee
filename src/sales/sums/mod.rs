//! Sums of the ledger: what they hold, how a window is cut into them, and the tables they are kept in.

pub mod additions;
pub mod additions_store;
pub mod combined_store;
pub mod hours_store;
pub mod kept;
pub mod parts;
mod parts_store;
pub mod store;
pub mod windows;

use std::ops::AddAssign;

use crate::sales::ledger::{Amounts, Kind};
use crate::sales::question::{Measure, RefundDate};

/// Sums of ledger entries in minor units of the reporting currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Orders placed.
    pub orders: i64,
    /// Gross sales.
    pub gross: i64,
    /// Discounts, negative.
    pub discount: i64,
    /// Shipping charged.
    pub shipping: i64,
    /// Tax charged.
    pub tax: i64,
    /// Goods refunded or cancelled, negative.
    pub returned_goods: i64,
    /// Shipping refunded or cancelled, negative.
    pub returned_shipping: i64,
    /// Tax refunded or cancelled, negative.
    pub returned_tax: i64,
    /// Goods refunded or cancelled, of the orders placed here, whenever it happened.
    pub reversed_goods: i64,
    /// Shipping, likewise.
    pub reversed_shipping: i64,
    /// Tax, likewise.
    pub reversed_tax: i64,
    /// Orders left out because no exchange rate is known.
    pub flagged: i64,
}

impl Sums {
    /// Total: what the shop's order totals say, less refunds and cancellations (M3).
    pub fn total(&self) -> i64 {
        self.placed() + self.returned_goods + self.returned_shipping + self.returned_tax
    }

    /// The totals of the orders as they were placed: what an average order value is made of (M6).
    pub fn placed(&self) -> i64 {
        self.gross + self.discount + self.shipping + self.tax
    }

    /// The revenue that a question asks for.
    pub fn revenue(&self, measure: Measure, refunds: RefundDate) -> i64 {
        let (goods, shipping, tax) = match refunds {
            RefundDate::Refund => (self.returned_goods, self.returned_shipping, self.returned_tax),
            RefundDate::Order => (self.reversed_goods, self.reversed_shipping, self.reversed_tax),
        };
        match measure {
            Measure::Total => self.placed() + goods + shipping + tax,
            Measure::Net => self.gross + self.discount + goods,
        }
    }

    /// An entry where it happened, `sign` times.
    pub fn of(kind: Kind, amounts: &Amounts, sign: i64) -> Sums {
        let mut out = Sums::default();
        let field = match kind {
            Kind::Sale => &mut out.gross,
            Kind::Discount => &mut out.discount,
            Kind::Shipping => &mut out.shipping,
            Kind::Tax => &mut out.tax,
            Kind::RefundGoods | Kind::CancelGoods => &mut out.returned_goods,
            Kind::RefundShipping | Kind::CancelShipping => &mut out.returned_shipping,
            Kind::RefundTax | Kind::CancelTax => &mut out.returned_tax,
        };
        *field = sign * amounts.converted.unwrap_or(0);
        out.orders = sign * i64::from(amounts.orders);
        out.flagged = sign * i64::from(amounts.flagged);
        out
    }

    /// A return at its order's place: what it lowers there.
    pub fn reversed(&self) -> Sums {
        Sums {
            reversed_goods: self.returned_goods,
            reversed_shipping: self.returned_shipping,
            reversed_tax: self.returned_tax,
            ..Sums::default()
        }
    }
}

impl Sums {
    /// Adds others, `sign` times.
    pub fn add(&mut self, sign: i64, other: &Sums) {
        self.orders += sign * other.orders;
        self.gross += sign * other.gross;
        self.discount += sign * other.discount;
        self.shipping += sign * other.shipping;
        self.tax += sign * other.tax;
        self.returned_goods += sign * other.returned_goods;
        self.returned_shipping += sign * other.returned_shipping;
        self.returned_tax += sign * other.returned_tax;
        self.reversed_goods += sign * other.reversed_goods;
        self.reversed_shipping += sign * other.reversed_shipping;
        self.reversed_tax += sign * other.reversed_tax;
        self.flagged += sign * other.flagged;
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Sums) {
        self.add(1, &other);
    }
}
