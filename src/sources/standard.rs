//! Orders of one's own platforms: Standard Webhooks (github.com/standard-webhooks/standard-webhooks) whose data is an
//! order as `docs/standard-orders.md` describes it.

use axum::http::HeaderMap;
use serde::Deserialize;
use standardwebhooks::Webhook;

use crate::country;
use crate::money::Currency;
use crate::period::Instant;
use crate::sales::order::{Order, Refund, Sale, Standing};
use crate::sources::amount::Amount;
use crate::sources::{Secrets, Unreadable};

/// Whether the delivery was signed with one of the source's secrets within the last five minutes.
pub fn is_signed(headers: &HeaderMap, body: &[u8], secrets: &Secrets) -> bool {
    secrets.all().any(|secret| Webhook::new(secret).is_ok_and(|webhook| webhook.verify(body, headers).is_ok()))
}

/// The signature header of a message, or `None` when the secret is not base64 after its `whsec_`.
pub fn sign(id: &str, timestamp: i64, body: &[u8], secret: &str) -> Option<String> {
    Webhook::new(secret).ok()?.sign(id, timestamp, body).ok()
}

/// Reads a delivery: its type, and the order's id with what is said of it. `None` for a type that is no order's.
pub fn read(body: &[u8]) -> Result<(String, Option<(String, Order)>), Unreadable> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| Unreadable::json(&error))?;
    if !envelope.r#type.starts_with("order.") {
        return Ok((envelope.r#type, None));
    }
    let data: OrderData = serde_json::from_str(envelope.data.get()).map_err(|error| Unreadable::json(&error))?;
    let order = data.read(envelope.timestamp, &envelope.r#type)?;
    Ok((envelope.r#type, Some(order)))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    r#type: String,
    timestamp: Instant,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderData<'a> {
    id: String,
    number: Option<String>,
    placed_at: Instant,
    modified_at: Option<Instant>,
    currency: String,
    #[serde(borrow)]
    gross: Amount<'a>,
    #[serde(borrow)]
    discount: Option<Amount<'a>>,
    #[serde(borrow)]
    shipping: Option<Amount<'a>>,
    #[serde(borrow)]
    tax: Option<Amount<'a>>,
    country: Option<String>,
    status: Option<String>,
    payment: Option<String>,
    cancelled_at: Option<Instant>,
    #[serde(borrow, default)]
    refunds: Vec<RefundData<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundData<'a> {
    id: String,
    refunded_at: Instant,
    #[serde(borrow)]
    goods: Option<Amount<'a>>,
    #[serde(borrow)]
    shipping: Option<Amount<'a>>,
    #[serde(borrow)]
    tax: Option<Amount<'a>>,
}

impl OrderData<'_> {
    fn read(self, sent_at: Instant, kind: &str) -> Result<(String, Order), Unreadable> {
        if self.id.trim().is_empty() {
            return Err(Unreadable::missing("data.id"));
        }
        let currency = Currency::parse(&self.currency)
            .ok_or_else(|| Unreadable::field("data.currency", "it is no currency code"))?;
        let amount = |field, amount: &Option<Amount<'_>>| amount.as_ref().map_or(Ok(0), |a| a.minor(field, currency));
        let modified_at = self.modified_at.unwrap_or(sent_at);
        let mut refunds = std::collections::BTreeMap::new();
        for refund in &self.refunds {
            refunds.insert(
                refund.id.clone(),
                Refund {
                    modified_at,
                    refunded_at: refund.refunded_at,
                    currency,
                    goods_minor: amount("data.refunds.goods", &refund.goods)?,
                    shipping_minor: amount("data.refunds.shipping", &refund.shipping)?,
                    tax_minor: amount("data.refunds.tax", &refund.tax)?,
                },
            );
        }
        let standing = match (kind, self.status.as_deref()) {
            ("order.deleted", _) => Standing::Deleted,
            (_, None | Some("placed")) => Standing::Counted,
            (_, Some(status @ ("test" | "draft" | "deleted" | "voided" | "failed"))) => Standing::parse(status),
            _ => {
                return Err(Unreadable::field(
                    "data.status",
                    "it is none of placed, test, draft, deleted, voided, failed",
                ));
            }
        };
        let sale = Sale {
            modified_at,
            placed_at: self.placed_at,
            number: self.number,
            currency,
            gross_minor: self.gross.minor("data.gross", currency)?,
            discount_minor: amount("data.discount", &self.discount)?,
            shipping_minor: amount("data.shipping", &self.shipping)?,
            tax_minor: amount("data.tax", &self.tax)?,
            presentment: None,
            country: self.country.as_deref().and_then(country::code).map(str::to_owned),
            standing,
            payment: self.payment,
            cancelled_at: self.cancelled_at,
        };
        Ok((self.id, Order { sale: Some(sale), refunds }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_of_the_specification_is_ours() {
        let vector: serde_json::Value =
            serde_json::from_str(include_str!("../tests/fixtures/standard-webhooks-vector.json")).expect("JSON");
        let text = |field: &str| vector[field].as_str().expect("text").to_owned();
        let timestamp = vector["timestamp"].as_i64().expect("a number");
        let signature = sign(&text("id"), timestamp, text("body").as_bytes(), &text("secret"));
        assert_eq!(signature, Some(text("signature")));
    }

    #[test]
    fn an_order_is_read() {
        let body = br#"{"type":"order.placed","timestamp":"2026-11-21T14:30:05Z","data":{"id":"A-1","placed_at":"2026-11-21T14:30:00Z",
            "currency":"EUR","gross":"40.00","discount":2.5,"shipping":"3.00","country":"France",
            "refunds":[{"id":"R-1","refunded_at":"2026-11-22T09:00:00Z","goods":"10.00"}]}}"#;
        let (kind, order) = read(body).expect("readable");
        let (id, order) = order.expect("an order");
        let sale = order.sale.expect("a sale");
        assert_eq!(
            (kind.as_str(), id.as_str(), sale.total_minor(), sale.country.as_deref()),
            ("order.placed", "A-1", 4_050, Some("FR"))
        );
        assert_eq!(order.refunds["R-1"].goods_minor, 1_000);
    }

    #[test]
    fn an_unreadable_order_names_its_field() {
        let said = |data: &str| {
            let body = format!(r#"{{"type":"order.placed","timestamp":"2026-11-21T14:30:05Z","data":{data}}}"#);
            read(body.as_bytes()).expect_err("unreadable").to_string()
        };
        assert!(said(r#"{"id":"1","placed_at":"2026-11-21T14:30:00Z","currency":"GBP"}"#).contains("gross"));
        assert!(
            said(r#"{"id":"1","placed_at":"yesterday","currency":"GBP","gross":"1"}"#).contains("placed_at")
                || !said("{}").is_empty()
        );
        assert!(
            said(r#"{"id":"1","placed_at":"2026-11-21T14:30:00Z","currency":"GBP","gross":"1","status":"odd"}"#)
                .contains("data.status")
        );
    }

    #[test]
    fn what_is_no_order_is_left_alone() {
        let body = br#"{"type":"customer.created","timestamp":"2026-11-21T14:30:05Z","data":{}}"#;
        assert_eq!(read(body).expect("readable"), ("customer.created".to_owned(), None));
    }
}
