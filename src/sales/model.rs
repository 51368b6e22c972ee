//! What a page, a socket and a script are told of the sales: shared by server and browser.

use serde::{Deserialize, Serialize};

use crate::chart::{Chart, ChartPoint};
use crate::money::{self, Change, Currency};
use crate::table::{Row, Table};

/// Orders and revenue of a window. Revenue is the total (M3) in minor units of the reporting currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Figures {
    /// Orders placed.
    pub orders: i64,
    /// Total revenue, minor units; may be negative.
    pub revenue: i64,
    /// The totals of the orders as placed, minor units: over the orders it is the average order value (M6).
    pub placed: i64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Figures) {
        self.orders += other.orders;
        self.revenue += other.revenue;
        self.placed += other.placed;
    }
}

impl Figures {
    /// Average order value in minor units; `None` without orders.
    pub fn average(&self) -> Option<i64> {
        money::mean(self.placed, self.orders)
    }
}

/// A window's figures beside those of the window it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Versus {
    /// The window in question.
    pub current: Figures,
    /// The window before, cut at the same point.
    pub earlier: Figures,
    /// The median order value of the window (M6), minor units; `None` without orders, under a filter, and for the windows that
    /// no median is shown of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub median: Option<i64>,
    /// The same of the earlier window.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub earlier_median: Option<i64>,
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

/// Sales with royalties, in minor units of the reporting currency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Total {
    /// All of it.
    pub minor: i64,
    /// The same of the window that it is compared with; `None` where royalties are not known to the last day of both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub earlier: Option<i64>,
    /// Its parts in words, and what is not known yet.
    pub words: String,
}

/// Everything on the page that changes with an order or with the clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Overview {
    /// Counts the recordings: a higher one is newer.
    pub revision: i64,
    /// Names these figures among those that this server computed.
    #[serde(default)]
    pub version: i64,
    /// Counts the changes of settings and exchange rates: figures of two numbers cannot be set against each other.
    #[serde(default)]
    pub books: i64,
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
    /// This quarter against the last one to the same point.
    pub quarter: Versus,
    /// This year against last year to the same point.
    pub year: Versus,
    /// The last 30 days, today included, against the 30 before, to the same point.
    pub thirty_days: Versus,
    /// The range in question against what it is compared with.
    pub range: Versus,
    /// The range's sales with royalties, where the question adds them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total: Option<Total>,
    /// Where today will land, in a sentence; empty where that is not said.
    #[serde(default)]
    pub landing: String,
    /// Orders of the range left out because no exchange rate is known (M7).
    pub flagged: i64,
    /// Why medians of orders that are there are missing, in a sentence; empty where that cannot be.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub no_median: String,
}

impl Overview {
    /// Why a median of orders is missing; empty where it is not, or there are no orders.
    pub fn why_no_median(&self, median: Option<i64>, of: &Figures) -> String {
        if median.is_none() && of.orders > 0 { self.no_median.clone() } else { String::new() }
    }
}

/// A day of the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Day {
    /// `2026-11-21`, in the workspace's zone.
    pub date: String,
    /// Its figures.
    pub figures: Figures,
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
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
    /// The order's total, where `amount_minor` is not that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total_minor: Option<i64>,
    /// The currency of the order.
    pub currency: Currency,
    /// The platform's word for the payment, such as `paid`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<String>,
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

/// Everything the dashboard shows: the answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// The reporting currency.
    pub currency: Currency,
    /// The figures.
    pub overview: Overview,
    /// The last 30 days, oldest first; the last one is today.
    pub days: Vec<Day>,
    /// The charts.
    pub charts: Vec<Chart>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The newest events, newest first.
    pub recent: Vec<OrderEvent>,
}

/// What of a snapshot has changed since the one before: whole tables and charts, only those that did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// The figures.
    pub overview: Overview,
    /// Charts with the points that changed, by their place.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub points: Vec<(String, u32, ChartPoint)>,
    /// Rows that are new or changed, by the name of their table.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rows: Vec<(String, Row)>,
}

/// The menus of the page and what narrows its question down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Controls {
    /// The question as a query.
    pub query: String,
    /// The menus.
    pub menus: Vec<Menu>,
    /// What narrows the question down.
    pub chips: Vec<Chip>,
    /// The countries of the range, whichever of them the question asks about.
    pub countries: Menu,
    /// The address of the question without what narrows it down.
    pub cleared: String,
    /// What is to be said of the filter in a quiet line; mostly empty.
    pub note: String,
    /// The first date, where the range is one of dates.
    pub from: String,
    /// The last date.
    pub to: String,
}

/// A menu of links.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Menu {
    /// What is chosen in it.
    pub title: String,
    /// Its choices.
    pub choices: Vec<Choice>,
}

/// A choice of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Choice {
    /// Its name.
    pub title: String,
    /// The address of the page with it.
    pub address: String,
    /// Whether it is the one that is shown.
    pub is_chosen: bool,
}

/// Something that narrows the question down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Chip {
    /// Its name.
    pub title: String,
    /// The address of the page without it.
    pub address: String,
}

/// How many events the ticker keeps.
pub const RECENT_EVENTS: usize = 12;
/// Days in the small lines of the cards.
pub const CARD_DAYS: usize = 30;

impl Snapshot {
    /// What changed since `before`, or `None` where it cannot be said in parts: a day has begun, a row is gone or has another rank,
    /// settings or exchange rates are others.
    pub fn changes_since(&self, before: &Snapshot) -> Option<Changes> {
        let day = |snapshot: &Snapshot| snapshot.days.last().map(|day| day.date.clone());
        let books = |snapshot: &Snapshot| (snapshot.overview.books, snapshot.currency);
        if day(self) != day(before)
            || books(self) != books(before)
            || self.charts.len() != before.charts.len()
            || self.tables.len() != before.tables.len()
        {
            return None;
        }
        let mut changes = Changes { overview: self.overview.clone(), ..Changes::default() };
        for (now, then) in self.charts.iter().zip(&before.charts) {
            if now.name != then.name || now.points.len() != then.points.len() {
                return None;
            }
            let changed = now.points.iter().zip(&then.points).enumerate().filter(|(_, (now, then))| now != then);
            changes.points.extend(changed.map(|(i, (point, _))| (now.name.clone(), i as u32, point.clone())));
        }
        for (now, then) in self.tables.iter().zip(&before.tables) {
            // Rows stay in their places, and new ones come last: where they are ranked anew, the whole is said.
            let is_in_place = |(now, then): (&Row, &Row)| now.key == then.key;
            let stay = now.rows.len() >= then.rows.len() && now.rows.iter().zip(&then.rows).all(is_in_place);
            if now.name != then.name || !stay {
                return None;
            }
            let changed = now.rows.iter().filter(|row| !then.rows.contains(row));
            changes.rows.extend(changed.map(|row| (now.name.clone(), row.clone())));
        }
        Some(changes)
    }

    /// Takes in changes of the answer that is here: they replace the overview, move points in their place and rows in theirs.
    pub fn apply(&mut self, changes: Changes) {
        let overview = changes.overview;
        if let Some(today) = self.days.last_mut() {
            today.figures = overview.today.current;
        }
        self.overview = overview;
        for (name, i, point) in changes.points {
            let chart = self.charts.iter_mut().find(|chart| chart.name == name);
            if let Some(place) = chart.and_then(|chart| chart.points.get_mut(i as usize)) {
                *place = point;
            }
        }
        for (name, row) in changes.rows {
            let Some(table) = self.tables.iter_mut().find(|table| table.name == name) else { continue };
            match table.rows.iter_mut().find(|known| known.key == row.key) {
                Some(known) => *known = row,
                None => table.rows.push(row),
            }
        }
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
        self.days.iter().map(|day| of(&day.figures)).collect()
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
    use crate::table::Cell;

    fn event(sequence: i64) -> OrderEvent {
        OrderEvent {
            sequence,
            kind: Happening::OrderCreated,
            id: sequence.to_string(),
            number: None,
            amount_minor: 4567,
            total_minor: None,
            currency: Currency::GBP,
            status: None,
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

    fn snapshot(revision: i64, revenue: i64) -> Snapshot {
        let figures = Figures { revenue, ..Figures::default() };
        let point = |value| ChartPoint { value: Some(value), ..ChartPoint::default() };
        let row = |key: &str, text: &str| Row {
            key: key.into(),
            cells: vec![Cell { text: text.into(), ..Cell::default() }],
            ..Row::default()
        };
        Snapshot {
            currency: Currency::GBP,
            overview: Overview {
                revision,
                as_of_ms: revision,
                today: Versus { current: figures, ..Versus::default() },
                ..Overview::default()
            },
            days: vec![Day { date: "2026-11-21".into(), figures }],
            charts: vec![Chart { name: "revenue".into(), points: vec![point(1), point(revenue)], ..Chart::default() }],
            tables: vec![Table {
                name: "countries".into(),
                rows: vec![row("GB", &revenue.to_string()), row("DE", "1")],
                ..Table::default()
            }],
            recent: vec![event(7)],
        }
    }

    #[test]
    fn changes_hold_what_changed_and_bring_the_page_there() {
        let (mut shown, now) = (snapshot(5, 10), snapshot(6, 20));
        let changes = now.changes_since(&shown).expect("changes");
        assert_eq!((changes.points.len(), changes.rows.len()), (1, 1));
        shown.apply(changes);
        assert_eq!(shown, now);
        let mut without_row = snapshot(7, 30);
        without_row.tables[0].rows.pop();
        assert_eq!(without_row.changes_since(&now), None);
        let mut ranked_anew = snapshot(7, 30);
        ranked_anew.tables[0].rows.swap(0, 1);
        assert_eq!(ranked_anew.changes_since(&now), None);
        let mut longer = snapshot(7, 30);
        longer.tables[0].rows.push(Row { key: "FR".into(), ..Row::default() });
        let mut grown = now.clone();
        grown.apply(longer.changes_since(&now).expect("changes"));
        assert_eq!(grown, longer);
        longer.tables[0].rows.swap(1, 2);
        assert_eq!(longer.changes_since(&now), None, "a new row that is not the last");
        let mut other_books = now.clone();
        other_books.overview.books += 1;
        assert_eq!(other_books.changes_since(&now), None);
    }

    #[test]
    fn known_events_change_nothing() {
        let mut shown = snapshot(5, 10);
        shown.add_events(&[event(6), event(7), event(8)]);
        assert_eq!(shown.recent.iter().map(|e| e.sequence).collect::<Vec<_>>(), [8, 7]);
    }
}
