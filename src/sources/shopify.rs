//! Shopify: order and refund webhooks.
//!
//! Formats: shopify.dev/docs/api/admin-rest (Order, Refund) and shopify.dev/docs/apps/build/webhooks. The body is the bare
//! order or refund; the signature is base64(HMAC-SHA256(raw body, secret)) in `X-Shopify-Hmac-Sha256`, or without
//! the `X-` in newer deliveries.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::country;
use crate::money::Currency;
use crate::period::Instant;
use crate::sales::order::{Order, Refund, Sale, Standing};
use crate::sources::amount::Amount;
use crate::sources::{Secrets, Unreadable};

/// Whether the body was signed with one of the source's secrets. Compared in constant time over the raw bytes.
pub fn is_signed(headers: &HeaderMap, body: &[u8], secrets: &Secrets) -> bool {
    let Some(signature) = header(headers, "hmac-sha256") else { return false };
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    secrets.all().any(|secret| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    })
}

/// The signature of a body, as Shopify writes it.
pub fn sign(body: &[u8], secret: &str) -> String {
    // A key of any length is accepted.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mut mac| {
            mac.update(body);
            STANDARD.encode(mac.finalize().into_bytes())
        })
        .unwrap_or_default()
}

/// The value of one of Shopify's headers in either spelling; the newer one, without `X-`, wins.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(format!("shopify-{name}")).or_else(|| headers.get(format!("x-shopify-{name}")))?.to_str().ok()
}

/// Reads a delivery: the order's id and what is said of it. `None` for a topic that says nothing of an order's money.
pub fn read(topic: &str, body: &[u8]) -> Result<Option<(String, Order)>, Unreadable> {
    match topic {
        "refunds/create" => {
            let refund: ShopifyRefund = parse(body)?;
            let order_id = refund.order_id.ok_or_else(|| Unreadable::missing("order_id"))?;
            let (id, refund) = refund.read(None)?;
            Ok(Some((order_id.to_string(), Order { sale: None, refunds: [(id, refund)].into() })))
        }
        // It holds the id alone; Shopify deletes only what was cancelled before.
        "orders/delete" => Ok(None),
        topic if topic.starts_with("orders/") => {
            let order: ShopifyOrder = parse(body)?;
            order.read().map(Some)
        }
        _ => Ok(None),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(body).map_err(|error| Unreadable::json(&error))
}

#[derive(Deserialize)]
struct ShopifyOrder<'a> {
    id: i64,
    name: Option<String>,
    created_at: Option<Instant>,
    processed_at: Option<Instant>,
    updated_at: Option<Instant>,
    cancelled_at: Option<Instant>,
    currency: Option<String>,
    #[serde(borrow)]
    total_price: Option<Amount<'a>>,
    #[serde(borrow)]
    total_tax: Option<Amount<'a>>,
    #[serde(borrow)]
    total_discounts: Option<Amount<'a>>,
    #[serde(borrow, default)]
    shipping_lines: Vec<ShippingLine<'a>>,
    presentment_currency: Option<String>,
    #[serde(borrow)]
    total_price_set: Option<PriceSet<'a>>,
    financial_status: Option<String>,
    #[serde(default)]
    test: bool,
    shipping_address: Option<Address>,
    billing_address: Option<Address>,
    #[serde(borrow, default)]
    refunds: Vec<ShopifyRefund<'a>>,
}

#[derive(Deserialize)]
struct ShippingLine<'a> {
    #[serde(borrow)]
    price: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct PriceSet<'a> {
    #[serde(borrow)]
    presentment_money: Option<Money<'a>>,
}

#[derive(Deserialize)]
struct Money<'a> {
    #[serde(borrow)]
    amount: Amount<'a>,
    currency_code: String,
}

#[derive(Deserialize)]
struct Address {
    country_code: Option<String>,
    country: Option<String>,
}

#[derive(Deserialize)]
struct ShopifyRefund<'a> {
    id: i64,
    order_id: Option<i64>,
    created_at: Option<Instant>,
    processed_at: Option<Instant>,
    #[serde(borrow, default)]
    refund_line_items: Vec<RefundLine<'a>>,
    #[serde(borrow, default)]
    order_adjustments: Vec<Adjustment<'a>>,
    #[serde(borrow, default)]
    transactions: Vec<Transaction<'a>>,
}

#[derive(Deserialize)]
struct RefundLine<'a> {
    #[serde(borrow)]
    total_tax: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct Adjustment<'a> {
    kind: Option<String>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    #[serde(borrow)]
    tax_amount: Option<Amount<'a>>,
}

#[derive(Deserialize)]
struct Transaction<'a> {
    kind: Option<String>,
    status: Option<String>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    currency: Option<String>,
}

impl ShopifyOrder<'_> {
    /// Gross sales are what makes the parts add up to `total_price`, the figure that the shop shows: total
    /// + discounts − shipping − tax. With taxes included in prices, Shopify's line prices hold the tax already.
    fn read(self) -> Result<(String, Order), Unreadable> {
        let currency = self.currency.as_deref().ok_or_else(|| Unreadable::missing("currency"))?;
        let currency =
            Currency::parse(currency).ok_or_else(|| Unreadable::field("currency", "it is no currency code"))?;
        let amount = |field, amount: &Option<Amount<'_>>| amount.as_ref().map_or(Ok(0), |a| a.minor(field, currency));
        let total = self
            .total_price
            .as_ref()
            .ok_or_else(|| Unreadable::missing("total_price"))?
            .minor("total_price", currency)?;
        let tax_minor = amount("total_tax", &self.total_tax)?;
        let discount_minor = amount("total_discounts", &self.total_discounts)?;
        let shipping_minor = self
            .shipping_lines
            .iter()
            .map(|line| amount("shipping_lines.price", &line.price))
            .sum::<Result<i64, _>>()?;
        let created_at = self.created_at.ok_or_else(|| Unreadable::missing("created_at"))?;
        let updated_at = self.updated_at.unwrap_or(created_at);
        let presentment = self.presentment()?.filter(|(presentment, _)| *presentment != currency);
        let sale = Sale {
            modified_at: updated_at,
            placed_at: self.processed_at.unwrap_or(created_at),
            number: self.name,
            currency,
            gross_minor: total + discount_minor - shipping_minor - tax_minor,
            discount_minor,
            shipping_minor,
            tax_minor,
            presentment,
            country: [&self.shipping_address, &self.billing_address].into_iter().flatten().find_map(Address::code),
            standing: match (self.test, self.financial_status.as_deref()) {
                (true, _) => Standing::Test,
                (_, Some("voided")) => Standing::Voided,
                _ => Standing::Counted,
            },
            payment: self.financial_status,
            cancelled_at: self.cancelled_at,
        };
        let refunds = self
            .refunds
            .into_iter()
            .map(|refund| refund.read(Some((updated_at, currency))))
            .collect::<Result<_, _>>()?;
        Ok((self.id.to_string(), Order { sale: Some(sale), refunds }))
    }

    fn presentment(&self) -> Result<Option<(Currency, i64)>, Unreadable> {
        let Some(money) = self.total_price_set.as_ref().and_then(|set| set.presentment_money.as_ref()) else {
            return Ok(None);
        };
        let code = self.presentment_currency.as_deref().unwrap_or(&money.currency_code);
        let Some(currency) = Currency::parse(code) else { return Ok(None) };
        Ok(Some((currency, money.amount.minor("total_price_set.presentment_money.amount", currency)?)))
    }
}

impl ShopifyRefund<'_> {
    /// The refund as the money actually paid back: its successful refund transactions. They are split into tax and
    /// shipping where the refund says so, as far as the money goes; the rest is goods. `order` gives the modified
    /// time and currency when the refund came inside its order.
    fn read(&self, order: Option<(Instant, Currency)>) -> Result<(String, Refund), Unreadable> {
        let created_at =
            self.created_at.or(self.processed_at).ok_or_else(|| Unreadable::missing("refunds.created_at"))?;
        let paid_back = || {
            self.transactions
                .iter()
                .filter(|t| t.kind.as_deref() == Some("refund") && t.status.as_deref() == Some("success"))
        };
        let stated = paid_back().find_map(|t| t.currency.as_deref()).and_then(Currency::parse);
        let currency = match stated.or(order.map(|(_, currency)| currency)) {
            Some(currency) => currency,
            // No money moved: the currency of nothing does not matter.
            None if paid_back().next().is_none() => Currency::EUR,
            None => return Err(Unreadable::missing("transactions.currency")),
        };
        let amount = |field, amount: &Option<Amount<'_>>| amount.as_ref().map_or(Ok(0), |a| a.minor(field, currency));
        let paid = paid_back().map(|t| amount("refunds.transactions.amount", &t.amount)).sum::<Result<i64, _>>()?;
        let line_tax = self
            .refund_line_items
            .iter()
            .map(|l| amount("refund_line_items.total_tax", &l.total_tax))
            .sum::<Result<i64, _>>()?;
        let shipping = self.order_adjustments.iter().filter(|a| a.kind.as_deref() == Some("shipping_refund"));
        let (mut shipping_minor, mut tax_minor) = (0, line_tax);
        for adjustment in shipping {
            // Adjustments are negative: they lower what the order is worth.
            shipping_minor -= amount("order_adjustments.amount", &adjustment.amount)?;
            tax_minor -= amount("order_adjustments.tax_amount", &adjustment.tax_amount)?;
        }
        let tax_minor = tax_minor.clamp(0, paid.max(0));
        let shipping_minor = shipping_minor.clamp(0, (paid - tax_minor).max(0));
        let refund = Refund {
            modified_at: order.map_or(created_at, |(updated_at, _)| updated_at),
            refunded_at: self.processed_at.unwrap_or(created_at),
            currency,
            goods_minor: paid - tax_minor - shipping_minor,
            shipping_minor,
            tax_minor,
        };
        Ok((self.id.to_string(), refund))
    }
}

impl Address {
    fn code(&self) -> Option<String> {
        let written = self.country_code.as_deref().or(self.country.as_deref())?;
        country::code(written).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(topic: &str, body: &str) -> (String, Order) {
        read(topic, body.as_bytes()).expect("readable").expect("an order")
    }

    #[test]
    fn a_partly_refunded_order_is_read_as_the_money_that_moved() {
        let (id, order) = order("orders/updated", include_str!("../tests/fixtures/shopify-orders_updated.json"));
        let sale = order.sale.expect("a sale");
        assert_eq!(id, "450789469");
        assert_eq!((sale.total_minor(), sale.currency.code(), sale.country.as_deref()), (59_894, "USD", Some("US")));
        let paid_back: i64 = order.refunds.values().map(|r| r.goods_minor + r.shipping_minor + r.tax_minor).sum();
        assert_eq!(paid_back, 20_900);
    }

    #[test]
    fn a_refund_with_numeric_money_is_read() {
        let (id, order) = order("refunds/create", include_str!("../tests/fixtures/shopify-refunds_create.json"));
        assert_eq!(id, "450789469");
        let refund = &order.refunds["509562969"];
        assert_eq!(refund.goods_minor + refund.shipping_minor + refund.tax_minor, 20_900);
        assert_eq!(refund.tax_minor, 796);
        assert!(order.sale.is_none());
    }

    #[test]
    fn orders_with_and_without_addresses_are_read() {
        let (_, discounted) =
            order("orders/create", include_str!("../tests/fixtures/shopify-orders_create_discounted.json"));
        let sale = discounted.sale.expect("a sale");
        assert_eq!((sale.total_minor(), sale.gross_minor, sale.discount_minor), (18_109, 19_900, 1_791));
        assert_eq!(sale.country.as_deref(), Some("CA"));
        let (_, euro) = order("orders/create", include_str!("../tests/fixtures/shopify-orders_create_euro.json"));
        let sale = euro.sale.expect("a sale");
        assert_eq!(
            (sale.total_minor(), sale.tax_minor, sale.currency, sale.country),
            (23_847, 1_350, Currency::EUR, None)
        );
    }

    #[test]
    fn a_test_order_that_was_cancelled_does_not_count() {
        let (_, order) = order("orders/cancelled", include_str!("../tests/fixtures/shopify-orders_cancelled.json"));
        assert_eq!(order.sale.expect("a sale").standing, Standing::Test);
    }

    #[test]
    fn ids_above_2_to_the_53_and_null_addresses_are_read_exactly() {
        let body = r#"{"id":820982911946154508,"created_at":"2026-11-21T10:00:00+00:00","currency":"GBP","total_price":12.5,
            "shipping_address":null,"billing_address":null}"#;
        let (id, order) = order("orders/create", body);
        assert_eq!(id, "820982911946154508");
        assert_eq!(order.sale.expect("a sale").total_minor(), 1_250);
    }

    #[test]
    fn an_unreadable_body_names_its_field() {
        let said = |body: &str| read("orders/create", body.as_bytes()).expect_err("unreadable").to_string();
        assert!(said(r#"{"id":1,"created_at":"2026-11-21T10:00:00Z","total_price":"1.00"}"#).contains("currency"));
        assert!(
            said(r#"{"id":1,"created_at":"2026-11-21T10:00:00Z","currency":"GBP","total_price":"a lot"}"#)
                .contains("total_price")
        );
        assert!(said("{").contains("JSON"));
    }

    #[test]
    fn only_the_right_secret_signs() {
        let body = b"{\"a\":\"b\\/c\"}";
        let secrets = Secrets { current: "new".into(), previous: Some("old".into()) };
        let signed = |name: &'static str, secret: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, sign(body, secret).parse().expect("a header"));
            headers
        };
        assert!(is_signed(&signed("x-shopify-hmac-sha256", "new"), body, &secrets));
        assert!(is_signed(&signed("shopify-hmac-sha256", "old"), body, &secrets));
        assert!(!is_signed(&signed("shopify-hmac-sha256", "other"), body, &secrets));
        assert!(!is_signed(&signed("shopify-hmac-sha256", "new"), b"{}", &secrets));
        assert!(!is_signed(&HeaderMap::new(), body, &secrets));
    }

    #[test]
    fn amounts_beyond_any_order_are_refused_before_they_are_added() {
        let body = r#"{"id": 1, "created_at": "2021-12-31T19:00:00Z", "currency": "USD", "total_price": "92233720368547758.07",
            "total_discounts": "92233720368547758.07"}"#;
        let said = read("orders/create", body.as_bytes()).expect_err("too large").to_string();
        assert!(said.contains("total_discounts") || said.contains("total_price"), "{said}");
    }
}
