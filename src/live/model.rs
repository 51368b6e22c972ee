//! The messages of the live stream, shared by server and browser.

use serde::{Deserialize, Serialize};

use crate::chart::ChartPoint;
use crate::sales::model::{Changes, Happening, OrderEvent, Overview, Snapshot};
use crate::table::Row;

/// The sub-protocol that the page asks for. A client that asks for none gets [`NewOrder`] messages.
pub const PROTOCOL: &str = "takings.v1";
/// Without a message for this long, the page calls its data stale, in milliseconds.
pub const STALE_AFTER_MS: i64 = 15_000;

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything: at the start where the client is behind, when a day begins, and when settings change.
    Snapshot,
    /// What has changed since the message before.
    Changes,
    /// The database does not answer: the figures stand still.
    Stale,
}

/// What the server sends under [`PROTOCOL`]. One flat structure: the browser's code for it is half of an enum's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The whole page, in a snapshot.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub snapshot: Option<Box<Snapshot>>,
    /// New figures, in changes, where they were computed again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub overview: Option<Box<Overview>>,
    /// With new figures, the points of charts that changed: the chart's name, the point's place, the point.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub points: Vec<(String, u32, ChartPoint)>,
    /// With new figures, rows that are new or changed: the table's name, the row.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<(String, Row)>,
    /// Events in commit order: new ones, or in a snapshot those that the client missed.
    #[serde(default)]
    pub events: Vec<OrderEvent>,
}

impl Message {
    /// Everything, and what the client missed.
    pub fn snapshot(snapshot: Snapshot, missed: Vec<OrderEvent>) -> Message {
        Message { kind: Kind::Snapshot, snapshot: Some(Box::new(snapshot)), ..Message::events(missed) }
    }

    /// What has changed.
    pub fn changes(changes: Changes, events: Vec<OrderEvent>) -> Message {
        let Changes { overview, points, rows } = changes;
        Message { overview: Some(Box::new(overview)), points, rows, ..Message::events(events) }
    }

    /// Events alone.
    pub fn events(events: Vec<OrderEvent>) -> Message {
        Message { kind: Kind::Changes, snapshot: None, overview: None, points: Vec::new(), rows: Vec::new(), events }
    }

    /// The figures stand still.
    pub fn stale() -> Message {
        Message { kind: Kind::Stale, ..Message::events(Vec::new()) }
    }
}

/// The message of the page that Takings replaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Legacy {
    /// An order was placed.
    NewOrder(NewOrder),
}

/// An order as the old page's socket described it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewOrder {
    /// A number where the platform's id is one, else text.
    pub id: serde_json::Value,
    /// Decimal text, `45.67`.
    pub total: String,
    /// ISO 4217.
    pub currency: String,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// RFC 3339, UTC.
    pub created_at: String,
}

impl Legacy {
    /// The old message for an event; only new orders had one.
    pub fn of(event: &OrderEvent) -> Option<Legacy> {
        (event.kind == Happening::OrderCreated).then(|| {
            Legacy::NewOrder(NewOrder {
                id: event.id.parse::<i64>().map_or_else(|_| event.id.clone().into(), Into::into),
                total: crate::money::decimal(event.amount_minor, event.currency),
                currency: event.currency.to_string(),
                country: event.country.clone(),
                created_at: event.placed_at.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn the_old_page_s_message_is_as_it_was() {
        let event = OrderEvent {
            sequence: 1,
            kind: Happening::OrderCreated,
            id: "1234567890".into(),
            number: None,
            amount_minor: 4567,
            total_minor: None,
            currency: Currency::GBP,
            status: None,
            country: Some("GB".into()),
            platform: "shopify".into(),
            placed_at: "2026-02-03T14:30:00Z".into(),
            local_time: "14:30".into(),
        };
        let json = serde_json::to_value(Legacy::of(&event)).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({"type": "new_order", "data": {"id": 1_234_567_890, "total": "45.67",
            "currency": "GBP", "country": "GB", "created_at": "2026-02-03T14:30:00Z"}})
        );
    }
}
