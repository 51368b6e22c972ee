//! The design system's components: no domain words.

pub mod change;
pub mod chart;
pub mod explain;
#[cfg(feature = "ssr")]
pub mod field;
pub mod figure;
#[cfg(feature = "ssr")]
pub mod frame;
#[cfg(feature = "ssr")]
pub mod plain;
pub mod sparkline;
pub mod table;
pub mod theme;

use leptos::prelude::Signal;

/// Text that changes. One type for all of them: each bare closure in a view would bring code of its own to the browser.
pub fn text(of: impl Fn() -> String + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(of)
}

/// A condition that changes; one type for all of them, as [`text`].
pub fn flag(of: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(of)
}

/// What only a browser can do; on the server, functions of the same names that do nothing.
#[cfg_attr(not(feature = "hydrate"), path = "nowhere.rs")]
pub mod browser;
