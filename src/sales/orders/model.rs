//! An order as scripts are told of it, and the cursor that walks a list of them. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde::Serialize;
use utoipa::ToSchema;

use crate::money::{Currency, decimal};
use crate::period::Instant;
use crate::sales::ledger::Kind;
use crate::sales::order::{Sale, Standing};

/// A page of a list of orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderPage {
    /// The zone that cuts the days, by its IANA name.
    #[schema(example = "Europe/London")]
    pub zone: String,
    /// The list begins with the newest order of the range and goes back to here.
    #[schema(format = DateTime, example = "2026-11-01T00:00:00+00:00")]
    pub from: String,
    /// The orders, those placed last first.
    pub orders: Vec<Order>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next: Option<String>,
}

/// An order as it is known now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1042, "number": "#1002", "external_id": "5678901234", "source": "shop", "platform": "shopify", "country": "IE",
    "status": "paid", "standing": "counted", "placed_at": "2026-11-21T14:30:07+00:00",
    "modified_at": "2026-11-21T14:30:09+00:00", "cancelled_at": null,
    "currency": "EUR",
    "amounts": {"gross": "40.00", "discount": "4.00", "shipping": "5.00", "tax": "0.00", "total": "41.00",
        "refunded": "36.00", "cancelled": "0.00", "remaining": "5.00"},
    "reporting_currency": "GBP",
    "reporting_amounts": {"gross": "35.20", "discount": "3.52", "shipping": "4.40", "tax": "0.00", "total": "36.08",
        "refunded": "31.68", "cancelled": "0.00", "remaining": "4.40"},
    "flagged": false, "rate": {"value": "0.88", "date": "2026-11-20"}
}))]
pub struct Order {
    /// Its number in the ledger: what `/api/v1/orders/{id}` takes.
    pub id: i64,
    /// The number that people use.
    pub number: Option<String>,
    /// The platform's id of it.
    pub external_id: String,
    /// The source that it comes from.
    pub source: String,
    /// Where it was placed.
    pub platform: String,
    /// Where it goes, ISO 3166 alpha-2.
    pub country: Option<String>,
    /// What the platform says of the payment.
    pub status: Option<String>,
    /// Whether it counts: `counted`, else why not. Null while only a refund of it is known.
    #[schema(example = "counted")]
    pub standing: Option<&'static str>,
    /// When it was placed, in the workspace's zone. Null while only a refund of it is known.
    #[schema(format = DateTime)]
    pub placed_at: Option<String>,
    /// When the platform changed it last. Null while only a refund of it is known.
    #[schema(format = DateTime)]
    pub modified_at: Option<String>,
    /// When it was cancelled.
    #[schema(format = DateTime)]
    pub cancelled_at: Option<String>,
    /// The currency of `amounts`.
    pub currency: Option<Currency>,
    /// In the order's currency.
    pub amounts: Option<Amounts>,
    /// The currency of `reporting_amounts`.
    pub reporting_currency: Currency,
    /// In the reporting currency, as the figures count them. Null where the order does not count or no rate is known.
    pub reporting_amounts: Option<Amounts>,
    /// Whether it, or a refund of it, is left out of the figures because no rate is known.
    pub flagged: bool,
    /// The rate of exchange that was recorded with it.
    pub rate: Option<Rate>,
}

/// What an order amounts to. Decimal text in the currency's own digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amounts {
    /// Price × quantity before discounts, tax and shipping.
    pub gross: String,
    /// What was taken off, as a positive amount.
    pub discount: String,
    /// Shipping charged.
    pub shipping: String,
    /// Tax charged.
    pub tax: String,
    /// The order's total as placed: gross − discount + shipping + tax.
    pub total: String,
    /// What was paid back so far, as a positive amount.
    pub refunded: String,
    /// What its cancellation reversed, as a positive amount.
    pub cancelled: String,
    /// What is left of the total.
    pub remaining: String,
}

/// A rate of exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rate {
    /// Reporting currency for one unit of the order's, decimal text.
    #[schema(example = "0.88")]
    pub value: String,
    /// The banking day that it is of.
    #[schema(format = Date)]
    pub date: String,
}

/// An entry of an order's ledger: something that happened, or the correction of an earlier entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerEntry {
    /// `sale`, `discount`, `shipping`, `tax`, `refund_…` or `cancel_…`.
    #[schema(example = "refund_goods")]
    pub kind: String,
    /// The platform's id of the refund; else empty.
    pub part: String,
    /// 0 for the entry itself; above that it corrects those before it.
    pub revision: i16,
    /// When it counts.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// The currency of `amount`.
    pub currency: Currency,
    /// Signed decimal text: what goes back is negative.
    pub amount: String,
    /// The same in the reporting currency; null where no rate is known.
    pub reporting_amount: Option<String>,
    /// How many orders it places: 1 on a sale, −1 where a correction takes it back.
    pub orders: i16,
    /// 1 where no rate was known, −1 where a correction brings it.
    pub flagged: i16,
}

/// A delivery that spoke of an order, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RawDelivery {
    /// Its number.
    pub id: i64,
    /// When it arrived.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// The sender's word for what it is about.
    pub topic: String,
    /// The sender's name for it.
    pub external_id: Option<String>,
    /// The length of its body.
    pub bytes: i64,
    /// Why it could not be read at first.
    pub problem: Option<String>,
    /// The address of its body.
    #[schema(example = "/api/v1/deliveries/77/body")]
    pub body: String,
}

/// An order with everything that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderDetails {
    /// The order.
    pub order: Order,
    /// Its whole ledger, in the order of time. Empty where the order does not count.
    pub ledger: Vec<LedgerEntry>,
    /// The newest 200 deliveries that spoke of it, the newest first. Rows of files have none.
    pub deliveries: Vec<RawDelivery>,
}

/// An entry as it is stored; minor units.
#[derive(Debug, Clone)]
pub struct Posted {
    /// What it is.
    pub kind: Kind,
    /// In the order's currency.
    pub amount: i64,
    /// In the reporting currency.
    pub converted: Option<i64>,
    /// 1 where it is left out of every figure for want of a rate, −1 where a correction brings the rate.
    pub flagged: i16,
}

/// Minor units of an order; what was taken off or went back is positive.
#[derive(Debug, Clone, Copy, Default)]
struct Minor {
    gross: i64,
    discount: i64,
    shipping: i64,
    tax: i64,
    refunded: i64,
    cancelled: i64,
}

impl Minor {
    fn add(&mut self, kind: Kind, minor: i64) {
        match kind {
            Kind::Sale => self.gross += minor,
            Kind::Discount => self.discount -= minor,
            Kind::Shipping => self.shipping += minor,
            Kind::Tax => self.tax += minor,
            Kind::RefundGoods | Kind::RefundShipping | Kind::RefundTax => self.refunded -= minor,
            Kind::CancelGoods | Kind::CancelShipping | Kind::CancelTax => self.cancelled -= minor,
        }
    }

    fn amounts(self, currency: Currency) -> Amounts {
        let total = self.gross - self.discount + self.shipping + self.tax;
        let text = |minor| decimal(minor, currency);
        Amounts {
            gross: text(self.gross),
            discount: text(self.discount),
            shipping: text(self.shipping),
            tax: text(self.tax),
            total: text(total),
            refunded: text(self.refunded),
            cancelled: text(self.cancelled),
            remaining: text(total - self.refunded - self.cancelled),
        }
    }
}

/// An order's amounts in its own currency: the sale as it is described, and what the ledger says went back.
pub fn amounts(sale: &Sale, ledger: &[Posted]) -> Amounts {
    let mut minor = Minor {
        gross: sale.gross_minor,
        discount: sale.discount_minor,
        shipping: sale.shipping_minor,
        tax: sale.tax_minor,
        ..Minor::default()
    };
    ledger.iter().filter(|entry| entry.kind.is_return()).for_each(|entry| minor.add(entry.kind, entry.amount));
    minor.amounts(sale.currency)
}

/// An order's amounts in the reporting currency; `None` where it is in no figure, or one of its amounts has no rate.
pub fn reporting_amounts(sale: &Sale, ledger: &[Posted], reporting: Currency) -> Option<Amounts> {
    if !matches!(sale.standing, Standing::Counted | Standing::Return) {
        return None;
    }
    // A correction that brings the rate stands beside the entry that had none.
    if !ledger.is_empty() && ledger.iter().all(|entry| entry.converted.is_none()) {
        return None;
    }
    let mut minor = Minor::default();
    ledger.iter().for_each(|entry| minor.add(entry.kind, entry.converted.unwrap_or(0)));
    Some(minor.amounts(reporting))
}

/// Where a walk through a list of orders stands. Opaque to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Where the list ends. It stays as it was on the first page: a range such as the last 30 days moves with the clock.
    pub from: Instant,
    /// When the last order of the page before was placed.
    pub placed_at: Instant,
    /// Its number.
    pub id: i64,
    /// Names the list: a cursor of another one leads nowhere.
    pub list: u32,
}

impl Cursor {
    /// The cursor as scripts see it.
    pub fn text(self) -> String {
        let Cursor { from, placed_at, id, list } = self;
        URL_SAFE_NO_PAD.encode(format!("{list}.{}.{}.{id}", from.timestamp_micros(), placed_at.timestamp_micros()))
    }

    /// Reads a [`Cursor::text`].
    pub fn parse(text: &str) -> Option<Cursor> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut numbers = plain.split('.');
        let list = numbers.next()?.parse().ok()?;
        let from = DateTime::from_timestamp_micros(numbers.next()?.parse().ok()?)?;
        let placed_at = DateTime::from_timestamp_micros(numbers.next()?.parse().ok()?)?;
        let id = numbers.next()?.parse().ok()?;
        numbers.next().is_none().then_some(Cursor { from, placed_at, id, list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sales::order::tests::at;

    fn sale(standing: Standing) -> Sale {
        Sale {
            modified_at: at(0),
            placed_at: at(0),
            number: None,
            currency: Currency::EUR,
            gross_minor: 4_000,
            discount_minor: 400,
            shipping_minor: 500,
            tax_minor: 0,
            presentment: None,
            country: None,
            standing,
            payment: None,
            cancelled_at: None,
        }
    }

    fn posted(kind: Kind, amount: i64, converted: Option<i64>) -> Posted {
        Posted { kind, amount, converted, flagged: 0 }
    }

    #[test]
    fn amounts_say_what_was_placed_what_went_back_and_what_is_left() {
        let ledger = [
            posted(Kind::Sale, 4_000, Some(3_520)),
            posted(Kind::Discount, -400, Some(-352)),
            posted(Kind::Shipping, 500, Some(440)),
            posted(Kind::RefundGoods, -3_600, Some(-3_168)),
        ];
        let own = amounts(&sale(Standing::Counted), &ledger);
        assert_eq!(
            [own.discount, own.total, own.refunded, own.cancelled, own.remaining],
            ["4.00", "41.00", "36.00", "0.00", "5.00"]
        );
        let counted = reporting_amounts(&sale(Standing::Counted), &ledger, Currency::GBP).expect("amounts");
        assert_eq!([counted.total, counted.remaining], ["36.08", "4.40"]);
    }

    #[test]
    fn what_is_in_no_figure_has_no_reporting_amounts() {
        assert_eq!(reporting_amounts(&sale(Standing::Test), &[], Currency::GBP), None);
        let unrated = [posted(Kind::Sale, 4_000, None), posted(Kind::Shipping, 500, None)];
        assert_eq!(reporting_amounts(&sale(Standing::Counted), &unrated, Currency::GBP), None);
    }

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let cursor = Cursor { from: at(0), placed_at: at(60), id: 7, list: 3_000_000_000 };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for text in ["", "7", "AAAA", "MS4yLjMuNC41", "not a cursor", "💥"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
