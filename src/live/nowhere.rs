//! What stands in for the browser's feed on the server: effects never run there, so it is never called.

use crate::live::view::Feed;

/// In the browser: keeps the feed connected as long as the page lives.
pub fn start(_feed: Feed) {}

/// In the browser: asks for fresh figures now.
pub fn refresh(_feed: Feed) {}
