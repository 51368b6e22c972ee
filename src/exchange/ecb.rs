//! Reads the European Central Bank's files of reference rates: XML and CSV, plain or gzip, of one day or many.

use std::borrow::Cow;
use std::io::Read;

use chrono::NaiveDate;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use rust_decimal::Decimal;

use crate::exchange::{Days, RatesError};
use crate::money::Currency;

/// The largest file that is read, unpacked: the whole history since 1999 has 2 MB.
const FILE_MAX_BYTES: u64 = 32 << 20;
/// No rate comes near it; the old Turkish lira was at two million.
const RATE_MAX: i64 = 1_000_000_000;

/// The rates in one of the bank's files, which is recognised by its first bytes.
pub fn read(file: &[u8]) -> Result<Days, RatesError> {
    let text = if file.starts_with(&[0x1f, 0x8b]) { unpack(file)? } else { file.to_vec() };
    if text.starts_with(b"PK") {
        return Err(malformed("this is a zip archive: unpack it, and import the file in it"));
    }
    let text = String::from_utf8(text).map_err(|_| malformed("it is no text"))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let days = if text.starts_with('<') { read_xml(text)? } else { read_csv(text)? };
    if days.is_empty() {
        return Err(malformed("there are none in it"));
    }
    Ok(days)
}

fn unpack(file: &[u8]) -> Result<Vec<u8>, RatesError> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(file).take(FILE_MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        return Err(malformed("it is too large to be a file of the European Central Bank"));
    }
    Ok(text)
}

/// `eurofxref-daily.xml` and its longer sisters: a `Cube` with a time holds a `Cube` for each currency.
fn read_xml(text: &str) -> Result<Days, RatesError> {
    let mut reader = Reader::from_str(text);
    let mut days = Days::new();
    let mut day = None;
    loop {
        let cube = match reader.read_event().map_err(|error| malformed(error.to_string()))? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Cube" => tag,
            Event::Eof => return Ok(days),
            _ => continue,
        };
        if let Some(time) = attribute(&cube, "time")? {
            day = Some(parse_day(&time)?);
        }
        if let (Some(code), Some(rate)) = (attribute(&cube, "currency")?, attribute(&cube, "rate")?) {
            let day = day.ok_or_else(|| malformed("a rate stands before any day"))?;
            add(&mut days, day, &code, &rate)?;
        }
    }
}

fn attribute<'a>(tag: &'a BytesStart<'_>, name: &str) -> Result<Option<Cow<'a, str>>, RatesError> {
    let found = tag.try_get_attribute(name).map_err(|error| malformed(error.to_string()))?;
    found.map(|a| a.normalized_value(XmlVersion::Implicit1_0).map_err(|error| malformed(error.to_string()))).transpose()
}

/// `eurofxref.csv` and `eurofxref-hist.csv`: a column a currency, `N/A` where it has no rate, and a comma at the end.
fn read_csv(text: &str) -> Result<Days, RatesError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(error.to_string()))?.clone();
    if !header.get(0).is_some_and(|first| first.eq_ignore_ascii_case("date")) {
        return Err(malformed("the first column is not Date"));
    }
    let mut days = Days::new();
    for row in reader.records() {
        let row = row.map_err(|error| malformed(error.to_string()))?;
        let day = parse_day(row.get(0).unwrap_or_default())?;
        for (code, cell) in header.iter().zip(&row).skip(1) {
            if !matches!(cell, "" | "N/A") {
                add(&mut days, day, code, cell)?;
            }
        }
    }
    Ok(days)
}

/// `2026-10-30`, or `30 October 2026` as in the file of one day.
fn parse_day(text: &str) -> Result<NaiveDate, RatesError> {
    let text = text.trim();
    let day = text.parse().or_else(|_| NaiveDate::parse_from_str(text, "%d %B %Y"));
    day.map_err(|_| malformed(format!("{:?} is no date such as 2026-10-30", short(text))))
}

fn add(days: &mut Days, day: NaiveDate, code: &str, rate: &str) -> Result<(), RatesError> {
    let no_rate = || malformed(format!("{:?} is no rate, on {day} in {:?}", short(rate), short(code)));
    let currency = Currency::parse(code).ok_or_else(|| malformed(format!("{:?} is no currency", short(code))))?;
    let rate: Decimal = rate.trim().parse().map_err(|_| no_rate())?;
    if rate <= Decimal::ZERO || rate > Decimal::from(RATE_MAX) {
        return Err(no_rate());
    }
    days.entry(day).or_default().entry(currency).or_insert(rate);
    Ok(())
}

/// The beginning of what a file says, for a sentence.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn malformed(what: impl Into<String>) -> RatesError {
    RatesError::Malformed(what.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const DAILY_2015: &[u8] = include_bytes!("../tests/fixtures/eurofxref-daily-2015-01-16.xml");
    const DAILY_2025: &[u8] = include_bytes!("../tests/fixtures/eurofxref-daily-2025-05-09.xml");
    const DAILY_CSV: &[u8] = include_bytes!("../tests/fixtures/eurofxref.csv");
    const SLICES: &[u8] = include_bytes!("../tests/fixtures/eurofxref-hist-slices.csv");

    fn rate(days: &Days, day: &str, code: &str) -> Option<String> {
        let day: NaiveDate = day.parse().expect("a date");
        days.get(&day)?.get(&Currency::parse(code)?).map(Decimal::to_string)
    }

    #[test]
    fn the_daily_xml_is_read_with_either_quotes() {
        let days = read(DAILY_2015).expect("reads");
        assert_eq!((days.len(), days.values().next().map(|rates| rates.len())), (1, Some(31)));
        assert_eq!(rate(&days, "2015-01-16", "RUB"), Some("75.6580".into()));
        let days = read(DAILY_2025).expect("reads");
        assert_eq!(days.values().next().map(|rates| rates.len()), Some(30));
        assert_eq!(rate(&days, "2025-05-09", "IDR"), Some("18606.59".into()));
        assert_eq!(rate(&days, "2025-05-09", "RUB"), None);
    }

    #[test]
    fn the_xml_of_ninety_days_is_read_on_one_line() {
        let day = |time, rate| format!("<Cube time=\"{time}\"><Cube currency=\"USD\" rate=\"{rate}\"/></Cube>");
        let xml = format!(
            "<?xml version=\"1.0\"?><gesmes:Envelope xmlns:gesmes=\"a\" xmlns=\"b\"><Cube>{}{}</Cube></gesmes:Envelope>",
            day("2026-11-03", "1.1172"),
            day("2026-11-02", "1.1181")
        );
        let days = read(xml.as_bytes()).expect("reads");
        assert_eq!(rate(&days, "2026-11-02", "USD"), Some("1.1181".into()));
        assert_eq!(rate(&days, "2026-11-03", "USD"), Some("1.1172".into()));
    }

    #[test]
    fn the_daily_csv_is_read_with_its_spaces_and_its_date_in_words() {
        let days = read(DAILY_CSV).expect("reads");
        assert_eq!((days.len(), days.values().next().map(|rates| rates.len())), (1, Some(29)));
        assert_eq!(rate(&days, "2026-10-30", "ZAR"), Some("18.6455".into()));
    }

    #[test]
    fn the_history_is_read_with_its_gaps_plain_or_packed() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(SLICES).expect("packs");
        for file in [SLICES.to_vec(), packed.finish().expect("packs")] {
            let days = read(&file).expect("reads");
            assert_eq!(rate(&days, "2022-12-30", "HRK"), Some("7.5365".into()));
            assert_eq!(rate(&days, "2023-01-02", "HRK"), None);
            assert_eq!(rate(&days, "2025-12-31", "BGN"), Some("1.9558".into()));
            assert_eq!(rate(&days, "2026-01-02", "BGN"), None);
            assert_eq!(rate(&days, "2008-12-09", "ISK"), Some("290".into()));
            assert_eq!(rate(&days, "2008-12-10", "ISK"), None);
        }
    }

    #[test]
    fn what_is_no_file_of_rates_is_refused_with_a_sentence() {
        for (file, sentence) in [
            ("", "the first column is not Date"),
            ("Date,USD\n", "there are none in it"),
            ("Date,USD\n2026-13-01,1\n", "\"2026-13-01\" is no date such as 2026-10-30"),
            ("Date,USD\n2026-11-02,0\n", "\"0\" is no rate, on 2026-11-02 in \"USD\""),
            ("Date,USD\n2026-11-02,-1.2\n", "\"-1.2\" is no rate, on 2026-11-02 in \"USD\""),
            ("Date,USD\n2026-11-02,1.1.2\n", "\"1.1.2\" is no rate, on 2026-11-02 in \"USD\""),
            ("Date,DOLLAR\n2026-11-02,1\n", "\"DOLLAR\" is no currency"),
            ("PK\u{3}\u{4}", "this is a zip archive: unpack it, and import the file in it"),
            ("<html><body>Service unavailable</body></html>", "there are none in it"),
            ("<Cube currency='USD' rate='1'/>", "a rate stands before any day"),
        ] {
            let error = read(file.as_bytes()).expect_err(file);
            assert_eq!(error.to_string(), format!("the exchange rates cannot be read: {sentence}"));
        }
        assert!(read(b"<Cube><Cube time='2026-11-02'></Cub").is_err());
        assert!(read(&[0x1f, 0x8b, 8, 0, 0]).is_err());
    }
}
