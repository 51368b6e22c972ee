//! Bodies of Shopify's webhooks: orders and refunds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use takings_fuzz::{check_delivery, sources::Format};

fuzz_target!(|data: &[u8]| {
    check_delivery(Format::Shopify, "orders/create", data);
    check_delivery(Format::Shopify, "refunds/create", data);
});
