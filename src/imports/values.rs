//! Numbers, dates and countries as reports write them. What can be read in two ways is decided by the whole file, and
//! refused where the file does not say.

use jiff::civil::Date;

use crate::country;
use crate::imports::sheet::{Cell, Separator};
use crate::money::{self, Currency};
use crate::royalties::model::ROYALTY_CURRENCY;

/// The first and the last day that a report can be of.
const DAYS: (Date, Date) = (Date::constant(2000, 1, 1), Date::constant(2199, 12, 31));
/// The day before the first of spreadsheets' count of days, its leap day of 1900 allowed for.
const SERIAL_ZERO: Date = Date::constant(1899, 12, 30);
/// Minutes of a row at most: beyond all listening there is, and sums of a million rows fit 64 bits.
const MINUTES_MAX: i64 = 1_000_000_000_000;
/// Cents of a row at most, for the same reason.
const REVENUE_MAX_MINOR: i64 = 1_000_000_000_000;
/// What stands for a country that is none.
pub const ELSEWHERE: &str = "ZZ";
/// What reports call it.
const ELSEWHERES: [&str; 7] = ["zz", "unknown", "other", "others", "rest of world", "row", "elsewhere"];

/// The mark before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// 1,234.56
    Point,
    /// 1.234,56
    Comma,
}

/// Which of day and month stands first in 03/04/2025.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The day.
    DayFirst,
    /// The month.
    MonthFirst,
    /// The file does not say.
    Unsaid,
}

/// How a file writes what can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// Its decimal mark.
    pub mark: Mark,
    /// The order of its dates.
    pub order: Order,
}

/// The cells that can be read in one way only, counted: they say how the others are to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs {
    points: usize,
    commas: usize,
    days_first: usize,
    months_first: usize,
}

impl Signs {
    /// Looks at a cell that holds a number.
    pub fn number(&mut self, cell: &Cell) {
        let Cell::Text(text) = cell else { return };
        match only_mark(&bare(text)) {
            Some(Mark::Point) => self.points += 1,
            Some(Mark::Comma) => self.commas += 1,
            None => {}
        }
    }

    /// Looks at a cell that holds a date.
    pub fn date(&mut self, cell: &Cell) {
        if let Some((a, b, _)) = slashed(&cell.text()) {
            self.days_first += usize::from(a > 12 && b <= 12);
            self.months_first += usize::from(b > 12 && a <= 12);
        }
    }

    /// What they say. Where they say nothing, a semicolon goes with a decimal comma.
    pub fn manner(self, separator: Option<Separator>) -> Manner {
        let Signs { points, commas, days_first, months_first } = self;
        let by_separator = if separator == Some(Separator::Semicolon) { Mark::Comma } else { Mark::Point };
        let mark = match points.cmp(&commas) {
            std::cmp::Ordering::Greater => Mark::Point,
            std::cmp::Ordering::Less => Mark::Comma,
            std::cmp::Ordering::Equal => by_separator,
        };
        let order = match (days_first, months_first) {
            (1.., 0) => Order::DayFirst,
            (0, 1..) => Order::MonthFirst,
            _ => Order::Unsaid,
        };
        Manner { mark, order }
    }
}

impl Manner {
    /// A whole number of minutes. A decimal part is rounded half up: some reports count seconds.
    pub fn minutes(self, cell: &Cell) -> Result<i64, String> {
        let text = self.decimal(cell)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        if whole.starts_with('-') {
            return Err(format!("{:?} is below nothing", short(&cell.text())));
        }
        let whole: i64 = if whole.is_empty() { Ok(0) } else { whole.parse() }.map_err(|_| too_large(cell))?;
        let up = i64::from(fraction.bytes().next().is_some_and(|digit| digit >= b'5'));
        Some(whole.saturating_add(up)).filter(|minutes| *minutes <= MINUTES_MAX).ok_or_else(|| too_large(cell))
    }

    /// Money in cents, and whether it had to be rounded: half away from zero.
    pub fn revenue(self, cell: &Cell) -> Result<(i64, bool), String> {
        let text = self.decimal(cell)?;
        let digits = ROYALTY_CURRENCY.minor_digits() as usize;
        let kept = text.find('.').map_or(text.len(), |point| (point + 1 + digits).min(text.len()));
        let (kept, dropped) = text.split_at(kept);
        let minor = money::parse_minor(kept, ROYALTY_CURRENCY).map_err(|error| error.to_string())?;
        let up = i64::from(dropped.bytes().next().is_some_and(|digit| digit >= b'5'));
        let minor = if kept.starts_with('-') { minor - up } else { minor + up };
        if minor < 0 {
            return Err(format!("{:?} is below nothing", short(&cell.text())));
        }
        let is_rounded = dropped.bytes().any(|digit| digit != b'0');
        Some((minor, is_rounded)).filter(|_| minor <= REVENUE_MAX_MINOR).ok_or_else(|| too_large(cell))
    }

    /// A number as decimal text with a point.
    fn decimal(self, cell: &Cell) -> Result<String, String> {
        let text = match cell {
            Cell::Number(text) => return Ok(text.clone()),
            Cell::Text(text) => bare(text),
            Cell::Date(date) => return Err(format!("{date} is a date and no number")),
            Cell::Broken(why) => return Err(format!("holds {why}")),
            Cell::Empty => return Err("is empty".to_owned()),
        };
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        let (decimal, group) = match self.mark {
            Mark::Point => ('.', ','),
            Mark::Comma => (',', '.'),
        };
        let no_number = || format!("{:?} is no number such as 1{group}234{decimal}56", short(&cell.text()));
        let (whole, fraction) = text.split_once(decimal).unwrap_or((&text, ""));
        let unsigned = whole.trim_start_matches('-');
        let groups: Vec<&str> = unsigned.split(group).collect();
        let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let are_groups = groups.len() == 1
            || groups[0].len() <= 3 && !groups[0].is_empty() && groups[1..].iter().all(|three| three.len() == 3);
        let is_number = are_groups
            && groups.iter().all(|digits| are_digits(digits))
            && are_digits(fraction)
            && whole.len() <= unsigned.len() + 1
            && !(unsigned.is_empty() && fraction.is_empty());
        if !is_number {
            return Err(no_number());
        }
        let sign = if whole.starts_with('-') { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        Ok(format!("{sign}{}{point}{fraction}", groups.concat()))
    }

    /// A day.
    pub fn day(self, cell: &Cell) -> Result<Date, String> {
        match self.when(cell)? {
            (date, true) => Ok(date),
            (_, false) => Err(format!("{:?} is a month and no day", short(&cell.text()))),
        }
    }

    /// The first day of a month, from the month or any of its days.
    pub fn month(self, cell: &Cell) -> Result<Date, String> {
        self.when(cell).map(|(date, _)| date.first_of_month())
    }

    /// A date, and whether its day was said.
    fn when(self, cell: &Cell) -> Result<(Date, bool), String> {
        let text = cell.text();
        let said = match cell {
            Cell::Empty => return Err("is empty".to_owned()),
            Cell::Broken(why) => return Err(format!("holds {why}")),
            Cell::Date(date) => Some((*date, true)),
            Cell::Number(_) | Cell::Text(_) if text.is_empty() => return Err("is empty".to_owned()),
            Cell::Number(_) | Cell::Text(_) => written(&text),
        };
        let said = match (said, slashed(&text)) {
            (None, Some((a, b, year))) => {
                let (day, month) = match self.order {
                    Order::DayFirst => (a, b),
                    Order::MonthFirst => (b, a),
                    Order::Unsaid if a == b => (a, b),
                    Order::Unsaid => {
                        let sentence = "can be two days: write it as 2025-10-31, the year first";
                        return Err(format!("{:?} {sentence}", short(&text)));
                    }
                };
                Date::new(year, month, day).ok().map(|date| (date, true))
            }
            (said, _) => said,
        };
        let said = said.filter(|(date, _)| (DAYS.0..=DAYS.1).contains(date));
        said.ok_or_else(|| format!("{:?} is no date such as 2025-10-31 or 2025-10", short(&text)))
    }
}

/// The code of a country; nothing where the cell is empty.
pub fn country(cell: &Cell) -> Result<Option<String>, String> {
    let text = cell.text();
    if text.is_empty() {
        return Ok(None);
    }
    if ELSEWHERES.contains(&text.to_lowercase().as_str()) {
        return Ok(Some(ELSEWHERE.to_owned()));
    }
    country::code(&text)
        .map(|code| Some(code.to_owned()))
        .ok_or_else(|| format!("{:?} is no country that ISO 3166 knows", short(&text)))
}

/// The beginning of what a cell says, for a sentence.
pub fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn too_large(cell: &Cell) -> String {
    format!("{:?} is too large", short(&cell.text()))
}

/// A number without spaces and without its currency.
fn bare(text: &str) -> String {
    let text = text.trim().replace('\u{2212}', "-");
    let code = Currency::code(&ROYALTY_CURRENCY);
    let upper = text.to_uppercase();
    let text = upper.trim_start_matches(code).trim_end_matches(code);
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '$' | '\u{202f}' | '\'')).collect()
}

/// The decimal mark of a number that can be read in one way only.
fn only_mark(text: &str) -> Option<Mark> {
    let (point, comma) = (text.rfind('.'), text.rfind(','));
    let count = |mark: char| text.matches(mark).count();
    let after = |at: usize| text.len() - at - 1;
    match (point, comma) {
        (Some(point), Some(comma)) => Some(if point > comma { Mark::Point } else { Mark::Comma }),
        (Some(_), None) if count('.') > 1 => Some(Mark::Comma),
        (None, Some(_)) if count(',') > 1 => Some(Mark::Point),
        (Some(at), None) if after(at) != 3 || at > 3 => Some(Mark::Point),
        (None, Some(at)) if after(at) != 3 || at > 3 => Some(Mark::Comma),
        _ => None,
    }
}

/// A date that can be read in one way only, and whether its day was said.
fn written(text: &str) -> Option<(Date, bool)> {
    if let Ok(serial) = text.split(['.', ',']).next().unwrap_or_default().parse::<i32>() {
        if (36_526..=109_574).contains(&serial) && text.len() <= 12 && !text.contains('-') {
            return Some((SERIAL_ZERO.saturating_add(jiff::Span::new().days(serial)), true));
        }
        // 20251031, and 202510.
        let compact = match text.len() {
            8 => Date::strptime("%Y%m%d", text).ok().map(|date| (date, true)),
            6 => Date::strptime("%Y%m%d", format!("{text}01")).ok().map(|date| (date, false)),
            _ => None,
        };
        if compact.is_some() {
            return compact;
        }
    }
    // A time after a date says nothing more.
    let day = text.split(['T', ' ']).next().filter(|day| day.len() == 10).unwrap_or(text);
    let days =
        ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%d-%b-%Y"];
    let found = days.iter().find_map(|form| Date::strptime(form, day).ok());
    if let Some(date) = found.or_else(|| days.iter().find_map(|form| Date::strptime(form, text).ok())) {
        return Some((date, true));
    }
    let months = ["%Y-%m-%d", "%Y/%m-%d", "%m/%Y-%d", "%m.%Y-%d", "%B %Y-%d", "%b %Y-%d"];
    // Oct-25 is short for October 2025.
    let named = text.split_once('-').filter(|(name, _)| name.chars().all(char::is_alphabetic) && !name.is_empty());
    let text = named.map_or_else(
        || text.to_owned(),
        |(name, year)| if year.len() == 2 { format!("{name} 20{year}") } else { format!("{name} {year}") },
    );
    let first = format!("{text}-01");
    months.iter().find_map(|form| Date::strptime(form, &first).ok()).map(|date| (date, false))
}

/// The two numbers and the year of 03/04/2025 or 03-04-2025.
fn slashed(text: &str) -> Option<(i8, i8, i16)> {
    let text = text.split(' ').next()?;
    let mark = if text.contains('/') { '/' } else { '-' };
    let mut parts = text.split(mark);
    let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || a.len() > 2 || b.len() > 2 || year.len() != 4 {
        return None;
    }
    Some((a.parse().ok()?, b.parse().ok()?, year.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENGLISH: Manner = Manner { mark: Mark::Point, order: Order::Unsaid };
    const GERMAN: Manner = Manner { mark: Mark::Comma, order: Order::Unsaid };

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn numbers_are_read_by_the_mark_of_the_file() {
        for (manner, cell, minor) in [
            (ENGLISH, "3,456.78", Some((345_678, false))),
            (ENGLISH, "$ 3456.7", Some((345_670, false))),
            (ENGLISH, "USD 12", Some((1_200, false))),
            (ENGLISH, "0.125", Some((13, true))),
            (ENGLISH, "3.456,78", None),
            (ENGLISH, "1,23", None),
            (GERMAN, "3.456,78", Some((345_678, false))),
            (GERMAN, "1 234,5 $", Some((123_450, false))),
            (GERMAN, "3.45", None),
            (ENGLISH, "", None),
            (ENGLISH, "-5", None),
            (ENGLISH, "1e5", None),
            (ENGLISH, "n/a", None),
            (ENGLISH, "99999999999999999999", None),
        ] {
            assert_eq!(manner.revenue(&text(cell)).ok(), minor, "{cell}");
        }
        assert_eq!(ENGLISH.minutes(&text("145,000")), Ok(145_000));
        assert_eq!(GERMAN.minutes(&text("145.000")), Ok(145_000));
        assert_eq!(ENGLISH.minutes(&Cell::Number("145000.5".into())), Ok(145_001));
        assert_eq!(ENGLISH.minutes(&Cell::Broken("the error #REF!".into())), Err("holds the error #REF!".into()));
    }

    #[test]
    fn the_manner_of_a_file_is_that_of_its_plain_cells() {
        let manner = |separator, numbers: &[&str], dates: &[&str]| {
            let cells = |texts: &[&str]| texts.iter().map(|known| text(known)).collect::<Vec<_>>();
            let (numbers, dates) = (cells(numbers), cells(dates));
            let mut signs = Signs::default();
            numbers.iter().for_each(|cell| signs.number(cell));
            dates.iter().for_each(|cell| signs.date(cell));
            let manner = signs.manner(separator);
            (manner.mark, manner.order)
        };
        assert_eq!(manner(None, &["1,234", "0.5"], &["03/04/2025", "31/12/2025"]), (Mark::Point, Order::DayFirst));
        assert_eq!(manner(None, &["1.234", "0,50"], &["12/31/2025"]), (Mark::Comma, Order::MonthFirst));
        assert_eq!(manner(Some(Separator::Semicolon), &["1.234"], &["01/02/2025"]), (Mark::Comma, Order::Unsaid));
        assert_eq!(manner(Some(Separator::Comma), &["1.234"], &[]), (Mark::Point, Order::Unsaid));
    }

    #[test]
    fn dates_are_read_as_reports_write_them() {
        for written in [
            "2025-10-31",
            "2025-10-31T00:00:00Z",
            "2025-10-31 00:00:00",
            "2025/10/31",
            "20251031",
            "31.10.2025",
            "45961",
            "45961.0",
            "31 October 2025",
            "31 Oct 2025",
            "October 31, 2025",
            "31-Oct-2025",
        ] {
            assert_eq!(ENGLISH.day(&text(written)).map(|date| date.to_string()), Ok("2025-10-31".into()), "{written}");
            assert_eq!(
                ENGLISH.month(&text(written)).map(|date| date.to_string()),
                Ok("2025-10-01".into()),
                "{written}"
            );
        }
        for written in ["2025-10", "2025/10", "10/2025", "October 2025", "Oct 2025", "Oct-25", "202510"] {
            assert_eq!(
                ENGLISH.month(&text(written)).map(|date| date.to_string()),
                Ok("2025-10-01".into()),
                "{written}"
            );
            assert!(ENGLISH.day(&text(written)).is_err(), "{written}");
        }
        let first = Manner { order: Order::DayFirst, ..ENGLISH };
        assert_eq!(first.day(&text("03/04/2025")).map(|date| date.to_string()), Ok("2025-04-03".into()));
        let month = Manner { order: Order::MonthFirst, ..ENGLISH };
        assert_eq!(month.day(&text("03/04/2025")).map(|date| date.to_string()), Ok("2025-03-04".into()));
        assert!(ENGLISH.day(&text("03/04/2025")).expect_err("two days").contains("the year first"));
        for written in ["", "soon", "2025-02-30", "1999-12-31", "9999-01-01", "12", "1,5", "-45961"] {
            assert!(ENGLISH.month(&text(written)).is_err(), "{written}");
        }
    }

    #[test]
    fn countries_are_codes_names_or_elsewhere() {
        let code = |written: &str| country(&text(written));
        assert_eq!(code("gb"), Ok(Some("GB".into())));
        assert_eq!(code("United States"), Ok(Some("US".into())));
        assert_eq!(code("Rest of World"), Ok(Some("ZZ".into())));
        assert_eq!((code(" "), code("Atlantis").is_err()), (Ok(None), true));
    }

    proptest! {
        #[test]
        fn money_is_read_back_however_it_is_grouped(minor in 0i64..1_000_000_000_000) {
            let english = money::display(minor, ROYALTY_CURRENCY);
            prop_assert_eq!(ENGLISH.revenue(&text(&english)), Ok((minor, false)));
            let german = english.replace(',', "_").replace('.', ",").replace('_', ".");
            prop_assert_eq!(GERMAN.revenue(&text(&german)), Ok((minor, false)));
        }

        #[test]
        fn no_text_is_a_panic(any in "\\PC{0,20}") {
            let cell = text(&any);
            let _ = (ENGLISH.revenue(&cell), GERMAN.minutes(&cell), ENGLISH.month(&cell), country(&cell));
        }
    }
}
