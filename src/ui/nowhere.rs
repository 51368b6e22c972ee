//! What stands in for the browser on the server: effects never run there, so none of these is ever called.

use leptos::ev::MouseEvent;
use leptos::prelude::{RwSignal, use_context};

use crate::chart::Chart;
use crate::ui::chart::map::WorldMap;

/// In the browser: counts from one number to another.
pub fn count_up(_from: i64, _to: i64, _show: impl Fn(i64) + 'static) {}

/// In the browser: sets the theme and remembers it in a cookie.
pub fn set_theme(_theme: &str) {}

/// In the browser: whether the page is dark now.
pub fn current_is_dark() -> bool {
    false
}

/// In the browser: loads the chart library once and draws.
pub fn draw_chart(_id: &'static str, _chart: Chart, _open: impl Fn(usize) + 'static) {}

/// In the browser: draws a map when it comes into view.
pub fn draw_map(_id: &'static str, _map: impl Fn(&[String]) -> WorldMap + 'static, _open: impl Fn(String) + 'static) {}

/// In the browser: shows which region of a map the keyboard is at.
pub fn mark_region(_id: &str, _name: &str) {}

/// In the browser: the column and the row that a pointer is at.
pub fn cell_at(_event: &MouseEvent, _columns: usize, _rows: usize) -> Option<(usize, usize)> {
    None
}

/// A text in small letters.
pub fn lower_case(text: &str) -> String {
    text.to_lowercase()
}

/// In the browser: goes to another address of the site.
pub fn go(_address: &str) {}

/// In the browser: gives the focus to an element.
pub fn focus(_selector: &str) {}

/// In the browser: closes the menus that are open.
pub fn close_menus() {}

/// In the browser: opens a menu with the focus in its field.
pub fn open_menu(_id: &str) {}

/// In the browser: opens a dialog over the page.
pub fn open_dialog(_id: &str) {}

/// In the browser: calls back after a pause.
pub fn after(_milliseconds: u32, _then: impl FnOnce() + 'static) {}

/// In the browser: calls back on each key pressed outside a field.
pub fn on_key(_handle: impl Fn(String) -> bool + 'static) {}

/// The query of the request's address; in the browser it follows the address.
pub fn query() -> RwSignal<String> {
    let parts = use_context::<http::request::Parts>();
    RwSignal::new(parts.and_then(|parts| parts.uri.query().map(str::to_owned)).unwrap_or_default())
}
