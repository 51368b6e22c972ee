//! The demo's bookshop: orders made up from a seed, the same ones each time.
//!
//! The orders of a day follow from the seed and the date alone, whatever range is asked for. The dice are our own
//! few lines, so that a new version of a library does not change a shop that somebody has on the screen. Fractions
//! decide only how much happens; money is whole minor units throughout.

use chrono::{SecondsFormat, TimeDelta};
use jiff::civil::{Date, Time};
use jiff::{ToSpan as _, Unit};
use serde_json::{Value, json};

use crate::money::{Currency, decimal};
use crate::period::{Calendar, Instant};
use crate::sales::order::{Order, Refund, Sale, Standing};

/// The platforms that the shop sells on, with their share of the orders in percent.
pub const PLATFORMS: [(&str, u32); 5] =
    [("shopify", 45), ("amazon", 20), ("etsy", 13), ("direct", 12), ("woocommerce", 10)];

/// Countries with their share of the orders in thousandths: half of them from home.
const COUNTRIES: [(&str, u32); 40] = [
    ("GB", 500),
    ("US", 120),
    ("DE", 60),
    ("FR", 45),
    ("IE", 40),
    ("AU", 25),
    ("CA", 22),
    ("NL", 20),
    ("ES", 18),
    ("IT", 18),
    ("JP", 15),
    ("SE", 11),
    ("BE", 10),
    ("AT", 9),
    ("DK", 8),
    ("CH", 8),
    ("NO", 7),
    ("NZ", 7),
    ("FI", 6),
    ("PL", 6),
    ("PT", 5),
    ("SG", 4),
    ("ZA", 3),
    ("IN", 3),
    ("HK", 3),
    ("GR", 3),
    ("CZ", 2),
    ("HU", 2),
    ("LU", 2),
    ("MT", 2),
    ("AE", 2),
    ("BR", 2),
    ("MX", 2),
    ("KR", 2),
    ("IL", 2),
    ("IS", 2),
    ("EE", 1),
    ("HR", 1),
    ("RO", 1),
    ("CY", 1),
];
/// The countries above that pay in euros.
const EURO_COUNTRIES: [&str; 17] =
    ["DE", "FR", "IE", "NL", "ES", "IT", "BE", "AT", "FI", "PT", "GR", "LU", "MT", "EE", "HR", "CY", "SK"];

/// What the shop asks in one currency, in its minor units.
struct PriceList {
    currency: &'static str,
    books: [i64; 8],
    /// Orders from this much on are sent free of charge.
    free_shipping_from: i64,
    shipping_home: i64,
    shipping_abroad: i64,
    voucher: i64,
}

const POUNDS: PriceList = PriceList {
    currency: "GBP",
    books: [499, 799, 899, 999, 1099, 1299, 1699, 2500],
    free_shipping_from: 2_500,
    shipping_home: 299,
    shipping_abroad: 899,
    voucher: 300,
};
const EUROS: PriceList = PriceList {
    currency: "EUR",
    books: [599, 999, 1090, 1199, 1290, 1499, 1999, 2900],
    free_shipping_from: 4_500,
    shipping_home: 399,
    shipping_abroad: 790,
    voucher: 400,
};
const DOLLARS: PriceList = PriceList {
    currency: "USD",
    books: [699, 999, 1199, 1299, 1499, 1799, 2199, 3200],
    free_shipping_from: 6_000,
    shipping_home: 499,
    shipping_abroad: 1_199,
    voucher: 500,
};
const YEN: PriceList = PriceList {
    currency: "JPY",
    books: [900, 1_400, 1_600, 1_800, 2_000, 2_400, 3_200, 4_800],
    free_shipping_from: 9_000,
    shipping_home: 500,
    shipping_abroad: 1_600,
    voucher: 600,
};

/// Orders on an average day at scale 1, on the day that growth is counted from.
const ORDERS_A_DAY: f64 = 60.0;
/// The day on which the shop has just that many.
const GROWN_ON: Date = Date::constant(2026, 11, 1);
/// How much more the shop sells each year.
const YEARLY_GROWTH: f64 = 1.5;
/// Growth is held within these: a demo of the far future or past stays a shop.
const GROWTH_LIMITS: (f64, f64) = (0.05, 4.0);
/// How busy the months are, from January.
const SEASON: [f64; 12] = [0.90, 0.90, 0.95, 0.95, 0.92, 0.85, 0.74, 0.76, 0.97, 1.06, 1.38, 1.62];
/// How busy the weekdays are, from Monday.
const WEEKDAYS: [f64; 7] = [1.06, 1.00, 0.98, 1.00, 0.94, 0.91, 1.11];
/// How busy the hours of the local day are.
const HOURS: [u32; 24] = [8, 4, 3, 2, 2, 4, 10, 22, 36, 48, 56, 60, 66, 62, 56, 54, 56, 60, 66, 78, 88, 82, 52, 24];

/// An order of the demo, and where it was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOrder {
    /// One of [`PLATFORMS`].
    pub platform: &'static str,
    /// The platform's id of the order.
    pub external_id: String,
    /// What is known of it; the sale always is.
    pub order: Order,
}

/// A bookshop that exists by its seed.
#[derive(Debug, Clone)]
pub struct Shop {
    seed: u64,
    scale: f64,
}

impl Shop {
    /// The shop of that seed, with about 60 orders a day.
    pub fn new(seed: u64) -> Shop {
        Shop { seed, scale: 1.0 }
    }

    /// The same shop with `scale` times as many orders.
    pub fn scaled(self, scale: f64) -> Shop {
        Shop { scale, ..self }
    }

    /// The orders placed on the local dates `[from, to)` before `until`, in the order they were placed. Refunds and
    /// cancellations from `until` on have not happened yet.
    pub fn orders(&self, from: Date, to: Date, calendar: &Calendar, until: Instant) -> impl Iterator<Item = DemoOrder> {
        from.series(1.day()).take_while(move |date| *date < to).flat_map(move |date| self.day(date, calendar, until))
    }

    /// A new order placed at `now`. Its id is made of `now` and `n`, so a restarted demo does not repeat ids.
    pub fn fresh_order(&self, n: u64, now: Instant) -> DemoOrder {
        let millis = now.timestamp_millis().unsigned_abs();
        let serial = millis * 1_000 + n % 1_000;
        let mut dice = Dice::new(&[self.seed, millis, n]);
        let platform = dice.weighted(&PLATFORMS);
        let mut sale = place(now, now.format("#%y%m%d-%H%M%S").to_string(), platform, &mut dice);
        sale.standing = Standing::Counted;
        DemoOrder { platform, external_id: external_id(platform, serial), order: Order::placed(sale) }
    }

    fn day(&self, date: Date, calendar: &Calendar, until: Instant) -> Vec<DemoOrder> {
        let day = days_since(Date::constant(1970, 1, 1), date).unsigned_abs();
        let mut dice = Dice::new(&[self.seed, day]);
        let expected = self.scale * orders_expected(date) * (0.85 + 0.3 * dice.fraction());
        let mut placed: Vec<Instant> = (0..(expected + dice.fraction()) as u64)
            .map(|_| {
                let (minute, second) = (dice.below(60) as i8, dice.below(60) as i8);
                let time = Time::new(dice.index_of(&HOURS) as i8, minute, second, 0).unwrap_or(Time::midnight());
                calendar.instant(date.to_datetime(time))
            })
            .collect();
        placed.sort_unstable();
        let numbered = placed.into_iter().zip(0u64..).take_while(|(at, _)| *at < until);
        numbered.map(|(at, index)| self.past_order(date, day, index, at, until)).collect()
    }

    fn past_order(&self, date: Date, day: u64, index: u64, placed_at: Instant, until: Instant) -> DemoOrder {
        // Room for 100,000 orders a day.
        let serial = day * 100_000 + index;
        let mut dice = Dice::new(&[self.seed, day, index]);
        let platform = dice.weighted(&PLATFORMS);
        let mut sale = place(placed_at, format!("#{}-{}", date.strftime("%y%m%d"), index + 1), platform, &mut dice);
        if dice.percent(1) {
            let at = placed_at + TimeDelta::minutes(dice.between(40, 36 * 60));
            sale.cancelled_at = Some(at).filter(|at| *at < until);
            sale.modified_at = sale.cancelled_at.unwrap_or(placed_at);
            return DemoOrder { platform, external_id: external_id(platform, serial), order: Order::placed(sale) };
        }
        let mut order = DemoOrder { platform, external_id: external_id(platform, serial), order: Order::placed(sale) };
        if dice.percent(3) {
            let at = placed_at + TimeDelta::minutes(dice.between(24 * 60, 21 * 24 * 60));
            let full = dice.percent(45);
            if at < until {
                order.refund(at, full);
            }
        }
        order
    }
}

impl DemoOrder {
    /// Pays an order back at `at`: all of it, or about half of its goods.
    pub fn refund(&mut self, at: Instant, full: bool) {
        let Some(sale) = &mut self.order.sale else { return };
        let goods = sale.gross_minor - sale.discount_minor;
        sale.modified_at = at;
        let refund = Refund {
            modified_at: at,
            refunded_at: at,
            currency: sale.currency,
            goods_minor: if full { goods } else { goods / 2 },
            shipping_minor: if full { sale.shipping_minor } else { 0 },
            tax_minor: if full { sale.tax_minor } else { sale.tax_minor / 2 },
        };
        self.order.refunds.insert(at.timestamp_millis().to_string(), refund);
    }
}

/// The order as Shopify's webhooks have it, the bare object. Empty for an order without a sale, which the shop
/// does not make.
pub fn shopify_body(order: &DemoOrder) -> Vec<u8> {
    let Some(sale) = &order.order.sale else { return Vec::new() };
    let money = |minor| decimal(minor, sale.currency);
    let refund = |(id, refund): (&String, &Refund)| {
        let paid = refund.goods_minor + refund.shipping_minor + refund.tax_minor;
        json!({
            "id": id.parse::<i64>().unwrap_or_default(),
            "created_at": written(refund.refunded_at),
            "refund_line_items": [{ "total_tax": money(refund.tax_minor) }],
            "order_adjustments": [{ "kind": "shipping_refund", "amount": money(-refund.shipping_minor), "tax_amount": "0.00" }],
            "transactions": [{ "kind": "refund", "status": "success", "amount": money(paid), "currency": sale.currency }],
        })
    };
    let body = json!({
        "id": order.external_id.parse::<i64>().unwrap_or_default(),
        "name": sale.number,
        "created_at": written(sale.placed_at),
        "processed_at": written(sale.placed_at),
        "updated_at": written(sale.modified_at),
        "cancelled_at": sale.cancelled_at.map(written),
        "currency": sale.currency,
        "total_price": money(sale.total_minor()),
        "total_tax": money(sale.tax_minor),
        "total_discounts": money(sale.discount_minor),
        "shipping_lines": [{ "price": money(sale.shipping_minor) }],
        "financial_status": sale.payment,
        "test": sale.standing == Standing::Test,
        "shipping_address": sale.country.as_ref().map(|code| json!({ "country_code": code })),
        "refunds": order.order.refunds.iter().map(refund).collect::<Vec<Value>>(),
    });
    body.to_string().into_bytes()
}

/// The order as a Standard Webhook of type `kind` (`order.placed`, `order.updated`), see `docs/standard-orders.md`.
/// Empty for an order without a sale, which the shop does not make.
pub fn standard_body(order: &DemoOrder, kind: &str, now: Instant) -> Vec<u8> {
    let Some(sale) = &order.order.sale else { return Vec::new() };
    let money = |minor| decimal(minor, sale.currency);
    let refund = |(id, refund): (&String, &Refund)| {
        json!({
            "id": id,
            "refunded_at": written(refund.refunded_at),
            "goods": money(refund.goods_minor),
            "shipping": money(refund.shipping_minor),
            "tax": money(refund.tax_minor),
        })
    };
    let body = json!({
        "type": kind,
        "timestamp": written(now),
        "data": {
            "id": order.external_id,
            "number": sale.number,
            "placed_at": written(sale.placed_at),
            "modified_at": written(sale.modified_at),
            "currency": sale.currency,
            "gross": money(sale.gross_minor),
            "discount": money(sale.discount_minor),
            "shipping": money(sale.shipping_minor),
            "tax": money(sale.tax_minor),
            "country": sale.country,
            "status": if sale.standing == Standing::Counted { "placed" } else { sale.standing.name() },
            "payment": sale.payment,
            "cancelled_at": sale.cancelled_at.map(written),
            "refunds": order.order.refunds.iter().map(refund).collect::<Vec<Value>>(),
        },
    });
    body.to_string().into_bytes()
}

fn written(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// How many orders a date has at scale 1, before chance.
fn orders_expected(date: Date) -> f64 {
    let years = days_since(GROWN_ON, date) as f64 / 365.25;
    let growth = YEARLY_GROWTH.powf(years).clamp(GROWTH_LIMITS.0, GROWTH_LIMITS.1);
    let season = SEASON[(date.month() - 1) as usize];
    ORDERS_A_DAY * growth * season * WEEKDAYS[date.weekday().to_monday_zero_offset() as usize]
}

fn days_since(first: Date, date: Date) -> i64 {
    first.until((Unit::Day, date)).map_or(0, |span| i64::from(span.get_days()))
}

/// Ids look like each platform's own. Serials of past and of fresh orders are far apart.
fn external_id(platform: &str, serial: u64) -> String {
    match platform {
        "shopify" => (6_000_000_000_000 + serial).to_string(),
        "amazon" => format!("203-{:07}-{:07}", serial / 10_000_000, serial % 10_000_000),
        "direct" => format!("D-{serial}"),
        _ => serial.to_string(),
    }
}

/// What somebody buys at `placed_at`.
fn place(placed_at: Instant, number: String, platform: &str, dice: &mut Dice) -> Sale {
    let country = dice.weighted(&COUNTRIES);
    let prices = match country {
        "US" => &DOLLARS,
        "JP" => &YEN,
        euro if EURO_COUNTRIES.contains(&euro) => &EUROS,
        _ => &POUNDS,
    };
    let lines = 1 + dice.index_of(&[60, 27, 9, 4]);
    let gross_minor: i64 = (0..lines)
        .map(|_| prices.books[dice.index_of(&[8, 18, 20, 20, 14, 11, 6, 3])] * if dice.percent(12) { 2 } else { 1 })
        .sum();
    let discount_minor = match dice.below(100) {
        0..12 => gross_minor / 10,
        12..18 => prices.voucher.min(gross_minor),
        _ => 0,
    };
    let goods = gross_minor - discount_minor;
    let shipping_minor = match country {
        _ if goods >= prices.free_shipping_from => 0,
        "GB" => prices.shipping_home,
        _ => prices.shipping_abroad,
    };
    // Books are free of tax at home; what is printed on mugs and bags is not.
    let tax_percent = match country {
        "GB" if dice.percent(20) => 20,
        "US" | "AT" | "FR" | "ES" | "IT" => 6,
        "DE" => 7,
        _ => 0,
    };
    Sale {
        modified_at: placed_at,
        placed_at,
        number: Some(number).filter(|_| !matches!(platform, "amazon" | "etsy")),
        currency: Currency::parse(prices.currency).unwrap_or(Currency::GBP),
        gross_minor,
        discount_minor,
        shipping_minor,
        tax_minor: goods * tax_percent / 100,
        presentment: None,
        country: Some(country.to_owned()),
        standing: if dice.below(400) == 0 { Standing::Test } else { Standing::Counted },
        payment: Some(if dice.percent(2) { "pending" } else { "paid" }.to_owned()),
        cancelled_at: None,
    }
}

/// Dice that fall the same way for the same seed: SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn new(parts: &[u64]) -> Dice {
        let mut dice = Dice(0);
        for part in parts {
            dice.0 = dice.next() ^ part;
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; the bias of the remainder is far below what a demo shows.
    fn below(&mut self, limit: u32) -> u32 {
        (self.next() % u64::from(limit.max(1))) as u32
    }

    fn between(&mut self, least: u32, most: u32) -> i64 {
        i64::from(least + self.below(most - least + 1))
    }

    fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A fraction in `[0, 1)`.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The index of one of the weights, likelier the heavier it is.
    fn index_of(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().sum());
        weights
            .iter()
            .position(|weight| {
                let hit = left < *weight;
                left = left.saturating_sub(*weight);
                hit
            })
            .unwrap_or(0)
    }

    fn weighted(&mut self, table: &[(&'static str, u32)]) -> &'static str {
        let mut left = self.below(table.iter().map(|(_, weight)| weight).sum());
        for (name, weight) in table {
            if left < *weight {
                return name;
            }
            left -= weight;
        }
        table[0].0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::sources::{shopify, standard};

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn london() -> Calendar {
        Calendar::new("Europe/London", 1).expect("a zone")
    }

    fn two_years() -> Vec<DemoOrder> {
        let until = at("2026-11-01T14:30:00Z");
        Shop::new(1).orders(Date::constant(2024, 11, 1), Date::constant(2026, 11, 2), &london(), until).collect()
    }

    #[test]
    fn the_same_seed_and_day_give_the_same_orders_whatever_the_range() {
        let (calendar, until) = (london(), at("2026-11-01T14:30:00Z"));
        let days = |seed, from: Date, to: Date| Shop::new(seed).orders(from, to, &calendar, until).collect::<Vec<_>>();
        let week = days(1, Date::constant(2026, 9, 7), Date::constant(2026, 9, 14));
        let day = days(1, Date::constant(2026, 9, 9), Date::constant(2026, 9, 10));
        assert!(!day.is_empty() && day.iter().all(|order| week.contains(order)));
        assert_ne!(day, days(2, Date::constant(2026, 9, 9), Date::constant(2026, 9, 10)));
    }

    #[test]
    fn two_years_have_everything_that_a_shop_has() {
        let orders = two_years();
        let sales: Vec<&Sale> = orders.iter().filter_map(|o| o.order.sale.as_ref()).collect();
        assert_eq!(sales.len(), orders.len());
        assert_eq!(sales.iter().filter_map(|s| s.country.as_deref()).collect::<HashSet<_>>().len(), 40);
        assert_eq!(sales.iter().map(|s| s.currency).collect::<HashSet<_>>().len(), 4);
        assert_eq!(orders.iter().map(|o| o.platform).collect::<HashSet<_>>().len(), 5);
        assert_eq!(orders.iter().map(|o| (o.platform, &o.external_id)).collect::<HashSet<_>>().len(), orders.len());
        let share = |count: usize| count * 1000 / orders.len();
        assert!((20..40).contains(&share(orders.iter().filter(|o| !o.order.refunds.is_empty()).count())));
        assert!((5..15).contains(&share(sales.iter().filter(|s| s.cancelled_at.is_some()).count())));
        assert!(sales.iter().any(|s| s.standing == Standing::Test));
        assert!(sales.iter().any(|s| s.discount_minor > 0) && sales.iter().any(|s| s.tax_minor > 0));
        assert!(sales.iter().all(|s| s.gross_minor >= s.discount_minor));
    }

    #[test]
    fn nothing_happens_from_until_on_and_orders_follow_one_another() {
        let (orders, until) = (two_years(), at("2026-11-01T14:30:00Z"));
        let placed: Vec<Instant> = orders.iter().filter_map(|o| o.order.sale.as_ref()).map(|s| s.placed_at).collect();
        assert!(placed.is_sorted());
        assert!(placed[0] >= at("2024-11-01T00:00:00Z"));
        assert!(orders.iter().filter_map(|o| o.order.sale.as_ref()).all(|s| s.modified_at < until));
        assert!(orders.iter().flat_map(|o| o.order.refunds.values()).all(|r| r.refunded_at < until));
    }

    #[test]
    fn the_shop_grows_by_about_half_a_year() {
        let orders = two_years();
        let (first, second): (Vec<_>, Vec<_>) =
            orders.iter().filter_map(|o| o.order.sale.as_ref()).partition(|s| s.placed_at < at("2025-11-01T00:00:00Z"));
        assert!((140..160).contains(&(second.len() * 100 / first.len())), "{} {}", first.len(), second.len());
        assert!((40 * 365..60 * 365).contains(&second.len()), "{}", second.len());
    }

    #[test]
    fn shopify_s_body_is_read_back() {
        let mut read = 0;
        for order in two_years().iter().filter(|o| o.platform == "shopify") {
            let (id, known) =
                shopify::read("orders/create", &shopify_body(order)).expect("readable").expect("an order");
            assert_eq!((&id, &known), (&order.external_id, &order.order));
            read += 1;
        }
        assert!(read > 1_000);
    }

    #[test]
    fn the_standard_body_is_read_back() {
        for order in two_years().iter().step_by(7) {
            let body = standard_body(order, "order.placed", at("2026-11-01T14:30:00Z"));
            let (kind, known) = standard::read(&body).expect("readable");
            assert_eq!(
                (kind.as_str(), known),
                ("order.placed", Some((order.external_id.clone(), order.order.clone())))
            );
        }
    }

    #[test]
    fn a_fresh_order_is_placed_now_and_has_an_id_of_its_own() {
        let (shop, now) = (Shop::new(1), at("2026-11-01T14:30:00.123456Z"));
        let ids: HashSet<String> = (0..500).map(|n| shop.fresh_order(n, now).external_id).collect();
        assert_eq!(ids.len(), 500);
        let order = shop.fresh_order(3, now);
        assert_eq!(order.order.sale.map(|s| (s.placed_at, s.standing)), Some((now, Standing::Counted)));
    }
}
