//! What stands in for the browser's feed on the server: effects never run there, so it is never called.

use crate::live::view::Feed;
use crate::sales::model::OrderEvent;

/// In the browser: keeps the feed connected as long as the page lives.
pub fn start(_feed: Feed) {}

/// In the browser: asks for fresh figures now.
pub fn refresh(_feed: Feed) {}

/// In the browser: tells of an event as the person likes it; whether the page is to show it too.
pub fn is_shown(_event: &OrderEvent) -> bool {
    true
}

/// In the browser: remembers whether the person wants the page live.
pub fn keep_live(_on: bool) {}
