//! Bodies of Standard Webhooks with an order of ours.
#![no_main]

use libfuzzer_sys::fuzz_target;
use takings_fuzz::{check_delivery, sources::Format};

fuzz_target!(|data: &[u8]| check_delivery(Format::Standard, "", data));
