//! What a page, a socket and a script are told of the sales: shared by server and browser.

use serde::{Deserialize, Serialize};

use crate::money::{self, Change, Currency};

/// Orders and revenue of a window. Revenue is the total (M3) in minor units of the reporting currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Orders placed.
    pub orders: i64,
    /// Total revenue, minor units; may be negative.
    pub revenue: i64,
    /// The totals of the orders as placed, minor units: over the orders it is the average order value (M6).
    pub placed: i64,
}

impl Figures {
    /// Average order value in minor units; `None` without orders.
    pub fn average(&self) -> Option<i64> {
        money::mean(self.placed, self.orders)
    }
}

/// A window's figures beside those of the window it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versus {
    /// The window in question.
    pub current: Figures,
    /// The window before, cut at the same point.
    pub earlier: Figures,
    /// The window in words.
    pub window: String,
    /// The earlier window in words.
    pub earlier_window: String,
}

impl Versus {
    /// The change of the orders.
    pub fn orders_change(&self) -> Change {
        Change::between(self.current.orders, self.earlier.orders)
    }

    /// The change of the revenue.
    pub fn revenue_change(&self) -> Change {
        Change::between(self.current.revenue, self.earlier.revenue)
    }

    /// The change of the average order value.
    pub fn average_change(&self) -> Change {
        Change::between(self.current.average().unwrap_or(0), self.earlier.average().unwrap_or(0))
    }
}

/// Everything on the page that changes with an order or with the clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overview {
    /// Counts the recordings: a higher one is newer.
    pub revision: i64,
    /// The number of the last live event that is in these figures.
    pub last_event: i64,
    /// The time up to which the data is complete, in milliseconds since 1970 (T6).
    pub as_of_ms: i64,
    /// The same in the workspace's zone, `14:30:07`.
    pub as_of: String,
    /// The zone's abbreviation then, `GMT`.
    pub zone: String,
    /// Today against yesterday to the same point.
    pub today: Versus,
    /// Yesterday, whole, against the day before, whole.
    pub yesterday: Versus,
    /// This week against last week to the same point.
    pub week: Versus,
    /// This month against last month to the same point.
    pub month: Versus,
    /// The last 30 days, today included, against the 30 before, to the same point.
    pub thirty_days: Versus,
    /// Orders of the last 60 days left out because no exchange rate is known (M7).
    pub flagged: i64,
}

/// A day of the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// `2026-11-21`, in the workspace's zone.
    pub date: String,
    /// Its figures.
    pub figures: Figures,
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// It was placed.
    OrderCreated,
    /// Its payment came.
    PaymentReceived,
    /// Money was paid back.
    OrderRefunded,
    /// It was cancelled.
    OrderCancelled,
    /// Anything else about it changed.
    OrderUpdated,
}

/// One live event: something happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// Its place in commit order, without gaps.
    #[serde(default)]
    pub sequence: i64,
    /// What happened.
    pub kind: Happening,
    /// The platform's id of the order.
    pub id: String,
    /// The number people use.
    pub number: Option<String>,
    /// Minor units of `currency`: the order's total, or what was paid back, negative.
    pub amount_minor: i64,
    /// The currency of the order.
    pub currency: Currency,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// Where it was placed.
    pub platform: String,
    /// When it was placed, RFC 3339, UTC.
    pub placed_at: String,
    /// When it happened in the workspace's zone, `14:30`.
    pub local_time: String,
}

impl OrderEvent {
    /// One line for people: `£45.67 · GB · Shopify`.
    pub fn line(&self) -> String {
        let country = self.country.as_deref().unwrap_or("unknown");
        format!("{} · {country} · {}", money::display(self.amount_minor, self.currency), platform_name(&self.platform))
    }
}

/// Everything the dashboard shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The reporting currency.
    pub currency: Currency,
    /// The figures.
    pub overview: Overview,
    /// The last 60 days, oldest first; the last one is today.
    pub days: Vec<Day>,
    /// The newest events, newest first.
    pub recent: Vec<OrderEvent>,
}

/// How many events the ticker keeps.
pub const RECENT_EVENTS: usize = 12;
/// Days in the chart's window, and in the one behind it.
pub const CHART_DAYS: usize = 30;

impl Snapshot {
    /// Takes in new figures: they replace the overview and move the last day's point.
    pub fn apply(&mut self, overview: Overview) {
        if overview.revision < self.overview.revision || overview.as_of_ms < self.overview.as_of_ms {
            return;
        }
        if let Some(today) = self.days.last_mut() {
            today.figures = overview.today.current;
        }
        self.overview = overview;
    }

    /// Takes in events that are newer than those already here.
    pub fn add_events(&mut self, events: &[OrderEvent]) {
        for event in events {
            if self.recent.first().is_none_or(|newest| newest.sequence < event.sequence) {
                self.recent.insert(0, event.clone());
            }
        }
        self.recent.truncate(RECENT_EVENTS);
    }

    /// The last 30 days' values of `of`, oldest first.
    pub fn series(&self, of: fn(&Figures) -> i64) -> Vec<i64> {
        self.days.iter().rev().take(CHART_DAYS).rev().map(|day| of(&day.figures)).collect()
    }
}

/// The name of a platform for people.
pub fn platform_name(platform: &str) -> &str {
    match platform {
        "shopify" => "Shopify",
        "etsy" => "Etsy",
        "woocommerce" => "WooCommerce",
        "amazon" => "Amazon",
        "ebay" => "eBay",
        "direct" => "Direct",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: i64) -> OrderEvent {
        OrderEvent {
            sequence,
            kind: Happening::OrderCreated,
            id: sequence.to_string(),
            number: None,
            amount_minor: 4567,
            currency: Currency::GBP,
            country: Some("GB".into()),
            platform: "shopify".into(),
            placed_at: "2026-11-21T14:30:00Z".into(),
            local_time: "14:30".into(),
        }
    }

    #[test]
    fn an_order_is_said_in_one_line() {
        assert_eq!(event(1).line(), "£45.67 · GB · Shopify");
    }

    #[test]
    fn older_figures_and_known_events_change_nothing() {
        let overview = |revision, as_of_ms, revenue| Overview {
            revision,
            as_of_ms,
            today: Versus { current: Figures { revenue, ..Figures::default() }, ..Versus::default() },
            ..Overview::default()
        };
        let mut snapshot = Snapshot {
            currency: Currency::GBP,
            overview: overview(5, 100, 10),
            recent: vec![event(7)],
            days: vec![Day { date: "2026-11-21".into(), figures: Figures::default() }],
        };
        snapshot.apply(overview(4, 200, 99));
        assert_eq!(snapshot.overview.today.current.revenue, 10);
        snapshot.apply(overview(6, 200, 20));
        assert_eq!(snapshot.days[0].figures.revenue, 20);
        snapshot.add_events(&[event(6), event(7), event(8)]);
        assert_eq!(snapshot.recent.iter().map(|e| e.sequence).collect::<Vec<_>>(), [8, 7]);
    }
}
