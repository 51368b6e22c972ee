//! Sums of the ledger: what they hold, how a window is cut into them, and the tables they are kept in.

pub mod store;
pub mod windows;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use chrono::NaiveDate;

use crate::period::{Instant, sql_date};
use crate::sales::books::Books;
use crate::sales::ledger::{Amounts, Kind};
use crate::sales::recording::NewEntry;
use crate::sales::sums::windows::{minute, quarter};

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

    /// Adds one entry.
    pub fn add(&mut self, kind: Kind, amounts: &Amounts) {
        let field = match kind {
            Kind::Sale => &mut self.gross,
            Kind::Discount => &mut self.discount,
            Kind::Shipping => &mut self.shipping,
            Kind::Tax => &mut self.tax,
            Kind::RefundGoods | Kind::CancelGoods => &mut self.returned_goods,
            Kind::RefundShipping | Kind::CancelShipping => &mut self.returned_shipping,
            Kind::RefundTax | Kind::CancelTax => &mut self.returned_tax,
        };
        *field += amounts.converted.unwrap_or(0);
        self.orders += i64::from(amounts.orders);
        self.flagged += i64::from(amounts.flagged);
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Sums) {
        self.orders += other.orders;
        self.gross += other.gross;
        self.discount += other.discount;
        self.shipping += other.shipping;
        self.tax += other.tax;
        self.returned_goods += other.returned_goods;
        self.returned_shipping += other.returned_shipping;
        self.returned_tax += other.returned_tax;
        self.flagged += other.flagged;
    }
}

/// What a recording adds to each table of sums, in the order of their keys: concurrent writers then never wait for
/// each other in a circle.
#[derive(Debug, Default)]
pub struct Additions {
    /// By minute.
    pub minutes: BTreeMap<Instant, Sums>,
    /// By quarter of an hour.
    pub quarters: BTreeMap<Instant, Sums>,
    /// By local day.
    pub days: BTreeMap<NaiveDate, Sums>,
}

impl Additions {
    /// The sums of new entries.
    pub fn of(entries: &[NewEntry], books: &Books) -> Additions {
        let mut out = Additions::default();
        for NewEntry { key, amounts, .. } in entries {
            let at = key.occurred_at;
            out.minutes.entry(minute(at)).or_default().add(key.kind, amounts);
            out.quarters.entry(quarter(at)).or_default().add(key.kind, amounts);
            out.days.entry(sql_date(books.calendar.date(at))).or_default().add(key.kind, amounts);
        }
        out
    }
}
