//! The readers of the program, by their own files: what they need of it and nothing else.
#![allow(dead_code, reason = "the targets use a part of each module")]

#[path = "../../src/country.rs"]
pub mod country;
#[path = "../../src/money.rs"]
pub mod money;
#[path = "../../src/period.rs"]
pub mod period;

/// What is said of an order.
#[path = "."]
pub mod sales {
    #[path = "../../src/sales/order.rs"]
    pub mod order;
}

/// What statements are.
#[path = "."]
pub mod royalties {
    #[path = "../../src/royalties/model.rs"]
    pub mod model;
}

/// Files of royalties.
#[path = "."]
pub mod imports {
    #[path = "../../src/imports/columns.rs"]
    pub mod columns;
    #[path = "../../src/imports/report.rs"]
    pub mod report;
    #[path = "../../src/imports/sheet/mod.rs"]
    pub mod sheet;
    #[path = "../../src/imports/values.rs"]
    pub mod values;
}

/// Bodies of webhooks.
#[path = "."]
pub mod sources {
    #[path = "../../src/sources/amount.rs"]
    pub mod amount;
    #[path = "../../src/sources/model.rs"]
    mod model;
    #[path = "../../src/sources/shopify.rs"]
    pub mod shopify;
    #[path = "../../src/sources/standard.rs"]
    pub mod standard;

    pub use model::{Format, Reading, Secrets, Unreadable};
}

/// What holds of a report, whatever file it is of: it is read the same again, its rows are in order and none stands twice, and
/// no figure is below nothing.
pub fn check_report(bytes: &[u8]) {
    let today = jiff::civil::Date::constant(2026, 11, 21);
    let Ok(report) = imports::report::read(bytes, &[], today) else { return };
    let keys: std::collections::BTreeSet<_> = report.entries.iter().map(|entry| &entry.key).collect();
    assert_eq!(keys.len(), report.entries.len(), "a period stands twice");
    assert!(report.entries.windows(2).all(|pair| pair[0].line < pair[1].line), "lines are out of order");
    for entry in &report.entries {
        assert!(entry.figure.minutes >= 0 && entry.figure.revenue_minor.is_none_or(|minor| minor >= 0));
        assert!(entry.key.first <= entry.key.last && entry.key.first <= today);
    }
    assert_eq!(imports::report::read(bytes, &[], today), Ok(report), "it is not read the same again");
}

/// What holds of a delivery, whatever it says: its order has a name, and coming again it changes nothing.
pub fn check_delivery(format: sources::Format, topic: &str, body: &[u8]) {
    let Ok(Some((id, order))) = format.read(topic, body).order else { return };
    assert!(!id.trim().is_empty());
    let mut again = order.clone();
    again.merge(order.clone());
    assert_eq!(again, order);
}
