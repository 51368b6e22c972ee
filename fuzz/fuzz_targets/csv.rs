//! Text: CSV of any separator and encoding, with the headings of a report put before half of the cases.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Headings of the kinds, so that rows are reached at once.
const HEADINGS: [&str; 4] = [
    "report_week_start,report_week_end,total_minutes,country\n",
    "report_week_start;country;minutes\n",
    "month,minutes_streamed,revenue,status\n",
    "month\ttitle\tcountry\tminutes\trevenue\n",
];

fuzz_target!(|data: &[u8]| {
    takings_fuzz::check_report(data);
    if let Some((first, rest)) = data.split_first() {
        let heading = HEADINGS[usize::from(*first) % HEADINGS.len()];
        takings_fuzz::check_report(&[heading.as_bytes(), rest].concat());
    }
});
