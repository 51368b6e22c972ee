//! Values as exact plain text, as the files have them: nothing is rounded, grouped or translated.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use crate::period::{Calendar, Instant};

/// Tenths of a percent as percent: `172` is `17.2`.
pub fn percent(tenths: i64) -> String {
    point(tenths, 10, 1)
}

/// Tenths of a percent as a fraction of one: `172` is `0.172`.
pub fn fraction(tenths: i64) -> String {
    point(tenths, 1000, 3)
}

fn point(number: i64, unit: u64, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let size = number.unsigned_abs();
    format!("{sign}{}.{:0digits$}", size / unit, size % unit)
}

/// Whether a text is a plain decimal number such as `-1.25`.
pub fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match text.strip_prefix('-').unwrap_or(text).split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text.strip_prefix('-').unwrap_or(text)),
    }
}

/// The date of a text such as `2026-11-21`, and of no other.
pub fn date(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

/// A local time such as `2026-11-21 14:30:07`.
pub fn local(text: &str) -> Option<DateTime> {
    text.parse().ok()
}

/// A time as RFC 3339 with the offset that lies between its local time and its instant: the hour that a clock change
/// repeats is told apart. In UTC where the local time cannot be read.
pub fn time(local_text: &str, seconds: i64) -> String {
    let Ok(at) = Timestamp::from_second(seconds) else { return local_text.to_owned() };
    let offset = local(local_text).and_then(|local| {
        let seconds = local.duration_since(Offset::UTC.to_datetime(at)).as_secs();
        // RFC 3339 has no seconds in offsets; only local mean time, before 1972, would need them.
        let seconds = i32::try_from(seconds).ok().filter(|seconds| seconds % 60 == 0)?;
        Offset::from_seconds(seconds).ok()
    });
    offset.map_or_else(|| at.to_string(), |offset| at.display_with_offset(offset).to_string())
}

/// An instant on a calendar, to the second.
pub fn at(calendar: &Calendar, at: Instant) -> String {
    time(&calendar.local(at).strftime("%Y-%m-%d %H:%M:%S").to_string(), at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain() {
        for (tenths, text, part) in [
            (172, "17.2", "0.172"),
            (-5, "-0.5", "-0.005"),
            (0, "0.0", "0.000"),
            (-12_345, "-1234.5", "-12.345"),
            (i64::MIN, "-922337203685477580.8", "-9223372036854775.808"),
        ] {
            assert_eq!((percent(tenths).as_str(), fraction(tenths).as_str()), (text, part));
        }
        for text in ["0", "-1", "1.17235", "-0.5", "007"] {
            assert!(is_decimal(text), "{text}");
        }
        for text in ["", "-", "+1", ".5", "5.", "1e5", "1,5", "--1", "=1", "1 ", "NaN", "1.2.3"] {
            assert!(!is_decimal(text), "{text}");
        }
    }

    #[test]
    fn times_say_their_offset() {
        for (local, seconds, text) in [
            ("2026-06-17 14:30:07", 1_781_703_007, "2026-06-17T14:30:07+01:00"),
            ("2026-10-25 01:30:00", 1_792_888_200, "2026-10-25T01:30:00+01:00"),
            ("2026-10-25 01:30:00", 1_792_891_800, "2026-10-25T01:30:00+00:00"),
            ("1970-01-01 05:45:00", 0, "1970-01-01T05:45:00+05:45"),
            ("1969-12-31 19:00:00", 0, "1969-12-31T19:00:00-05:00"),
            ("half past two", 0, "1970-01-01T00:00:00Z"),
            ("1970-01-01 00:00:17", 0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(time(local, seconds), text);
        }
    }

    #[test]
    fn dates_are_dates() {
        assert!(date("2026-02-28").is_some());
        for text in ["2026-02-29", "2026-2-1", "2026-02-28T12:00", "28/02/2026", "=1", ""] {
            assert!(date(text).is_none(), "{text}");
        }
    }
}
