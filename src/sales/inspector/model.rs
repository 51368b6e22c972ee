//! What the panel of a figure shows, worded by the server: shared by server and browser.

use serde::{Deserialize, Serialize};

/// The panel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Panel {
    /// What the figure is called.
    pub title: String,
    /// The figure.
    pub amount: String,
    /// What it means.
    pub definition: String,
    /// What adds up to it: a name and an amount each, the sum last.
    pub parts: Vec<(String, String)>,
    /// What there is to know of it.
    pub facts: Vec<Fact>,
    /// Exchange rates, and the day that each is of.
    pub rates: Vec<(String, String)>,
    /// What has to be said of the rates or of the order of the rows; empty where nothing has.
    pub notice: String,
    /// A page of rows.
    pub rows: Vec<PanelRow>,
    /// How the rows are sorted: `time`, `amount` or `amount-rising`.
    pub by: String,
    /// The panel with its rows by time.
    pub by_time: String,
    /// The panel with its rows by amount.
    pub by_amount: String,
    /// The next rows; empty where there are none.
    pub next: String,
    /// Files of all rows: a name and an address each.
    pub files: Vec<(String, String)>,
    /// The moment that it is of.
    pub as_of: String,
    /// The page without it.
    pub close: String,
    /// The same panel, of now.
    pub fresh: String,
}

/// Something to know of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// A figure that it leads to, and its address; both empty where it leads nowhere.
    pub link: (String, String),
    /// What it says.
    pub text: String,
}

/// What one order did at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PanelRow {
    /// When it counts.
    pub at: String,
    /// The order's number, and the address of all that is known of it.
    pub order: (String, String),
    /// What happened.
    pub what: String,
    /// Where it comes from and goes to.
    pub place: String,
    /// In the order's currency.
    pub amount: String,
    /// The recorded rate and its day.
    pub rate: String,
    /// In the reporting currency.
    pub counted: String,
    /// The same, minor units.
    pub minor: i64,
}
