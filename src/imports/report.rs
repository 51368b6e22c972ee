//! A file of royalties as statements: each row is one, or is rejected with its line, its column and the reason. Pure.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::imports::columns::{self, Columns, Field, Kind, Mapping, Unknown};
use crate::imports::sheet::{self, Cell, ROWS_MAX, Row, Sheet, Unreadable};
use crate::imports::values::{self, Manner, Signs, short};
use crate::period::plus;
use crate::royalties::model::{Figure, Key, Series, Stage, days, month_of};

/// Days of a week's report at most: a month is another report.
const WEEK_DAYS_MAX: i64 = 14;
/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 300;
/// How a row of totals begins, in small letters.
const TOTALS: [&str; 6] = ["total", "grand total", "subtotal", "sum", "gesamt", "summe"];
/// What statements say of themselves, and what it means.
const STATUSES: [(&str, Stage); 8] = [
    ("final", Stage::Final),
    ("confirmed", Stage::Final),
    ("actual", Stage::Final),
    ("paid", Stage::Final),
    ("provisional", Stage::Provisional),
    ("preliminary", Stage::Provisional),
    ("pending", Stage::Provisional),
    ("draft", Stage::Provisional),
];

/// A row that is a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line.
    pub line: u32,
    /// What it is of.
    pub key: Key,
    /// What it says.
    pub figure: Figure,
}

/// A row that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its line.
    pub line: u32,
    /// The heading of the column that is wrong; empty where it is the whole row.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// A file that is a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its kind.
    pub kind: Kind,
    /// Its statements, in its order, each key once.
    pub entries: Vec<Entry>,
    /// The rows that are none.
    pub rejected: Vec<Rejected>,
    /// What whoever imports it should know.
    pub notices: Vec<String>,
}

/// Why a file is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Its headings are not known; they can be mapped by hand.
    #[error("no kind of report is known by these headings: {}", .0.headings.join(", "))]
    Unknown(Unknown),
}

/// Reads a file as of `today`: what is of a later day is rejected, and a month that is not over is not final.
pub fn read(bytes: &[u8], mappings: &[Mapping], today: Date) -> Result<Report, Refused> {
    let book = sheet::read(bytes)?;
    let is_book = book.separator.is_none();
    let found: Vec<(&Sheet<'_>, Result<Columns, Unknown>)> =
        book.sheets.iter().map(|sheet| (sheet, columns::find(sheet, is_book, mappings))).collect();
    let Some((sheet, columns)) = found.iter().find_map(|(sheet, found)| Some((*sheet, found.as_ref().ok()?))) else {
        let unknown = found.into_iter().find_map(|(_, found)| found.err());
        return Err(unknown.map_or(Refused::Unreadable(Unreadable::Empty), Refused::Unknown));
    };
    let count = sheet.rows.len().saturating_sub(columns.row + 1);
    if count > ROWS_MAX {
        return Err(Unreadable::TooManyRows.into());
    }
    let mut notices = book.notices;
    let others: Vec<&str> =
        book.sheets.iter().map(|other| other.name.as_str()).filter(|name| *name != sheet.name).collect();
    if !others.is_empty() {
        notices.push(format!("Only the sheet {} was read, not {}.", sheet.name, others.join(", ")));
    }
    let rows = || sheet.rows.iter().skip(columns.row + 1);
    let places = |fields: &[Field]| fields.iter().filter_map(|field| columns.column(*field)).collect::<Vec<_>>();
    let (numbers, dates) =
        (places(&[Field::Minutes, Field::Revenue]), places(&[Field::Month, Field::WeekStart, Field::WeekEnd]));
    let mut signs = Signs::default();
    for row in rows() {
        numbers.iter().for_each(|at| signs.number(row.cell(*at)));
        dates.iter().for_each(|at| signs.date(row.cell(*at)));
    }
    let manner = signs.manner(book.separator);
    let reader = Reader { columns, manner, today, headings: if is_book { 0 } else { columns.headings.len() } };
    Ok(reader.report(rows(), count, notices))
}

/// Reads the rows below the headings.
struct Reader<'a> {
    columns: &'a Columns,
    manner: Manner,
    today: Date,
    /// Fields that a line has to have; nothing for a spreadsheet, which leaves empty cells out.
    headings: usize,
}

/// Where the entry of a key stands among others, by the key's hash: the keys themselves would be as large as the entries again.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    places: HashMap<u64, usize>,
}

impl Known {
    /// The place of a key, or the number that it can be known by.
    fn place(&self, entries: &[Entry], key: &Key) -> Result<usize, u64> {
        let mut hash = self.hasher.hash_one(key);
        while let Some(at) = self.places.get(&hash) {
            if entries.get(*at).is_some_and(|entry| entry.key == *key) {
                return Ok(*at);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }
}

/// Texts that were met, each held once however many rows have it.
#[derive(Default)]
struct Texts(HashSet<Arc<str>>);

impl Texts {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let shared = Arc::<str>::from(text);
        self.0.insert(shared.clone());
        shared
    }
}

type Read<T> = Result<T, (Field, String)>;

impl Reader<'_> {
    fn report<'r>(&self, rows: impl Iterator<Item = Cow<'r, Row>>, count: usize, mut notices: Vec<String>) -> Report {
        let (mut entries, mut rejected) = (Vec::<Entry>::new(), Vec::new());
        let (mut known, mut texts) = (Known::default(), Texts::default());
        let (mut totals, mut repeated, mut rounded) = (Vec::new(), 0, 0);
        for (n, row) in rows.enumerate() {
            let (row, is_last) = (row.as_ref(), n + 1 == count);
            if self.is_total(row, is_last, &entries) {
                totals.push(row.line.to_string());
                continue;
            }
            let reject = |field: Option<Field>, reason: String| Rejected {
                line: row.line,
                column: field.map(|field| self.columns.heading(field)).unwrap_or_default(),
                reason,
            };
            match self.entry(row, &mut texts) {
                Err((field, reason)) => {
                    let is_cut = row.cells.len() < self.headings && is_last;
                    let cut = if is_cut { "; the last line is short: the file may have been cut off" } else { "" };
                    rejected.push(reject(Some(field), format!("{reason}{cut}")));
                }
                Ok((entry, is_rounded)) => match known.place(&entries, &entry.key) {
                    Ok(at) if entries[at].figure == entry.figure => repeated += 1,
                    Ok(at) => {
                        let sentence = format!("line {} says otherwise of the same period", entries[at].line);
                        rejected.push(reject(None, sentence));
                    }
                    Err(free) => {
                        rounded += usize::from(is_rounded);
                        known.places.insert(free, entries.len());
                        entries.push(entry);
                    }
                },
            }
        }
        if !totals.is_empty() {
            notices.push(format!("Rows of totals were left out: line {}.", totals.join(", ")));
        }
        if repeated > 0 {
            notices.push(format!("{repeated} rows say again what a row above says; each counts once."));
        }
        if rounded > 0 {
            notices.push(format!("{rounded} amounts have more than two decimals and were rounded to the cent."));
        }
        Report { kind: self.columns.kind, entries, rejected, notices }
    }

    /// Whether a row adds up those above it: it says so, or it is the last, of no period, and its minutes are their sum.
    fn is_total(&self, row: &Row, is_last: bool, entries: &[Entry]) -> bool {
        let first = row.cells.iter().find(|cell| !cell.is_empty()).map(Cell::text).unwrap_or_default().to_lowercase();
        let begins = |word: &str| {
            let rest = first.strip_prefix(word);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        if TOTALS.into_iter().any(begins) {
            return true;
        }
        let has_period = [Field::Month, Field::WeekStart].into_iter().any(|field| !self.cell(row, field).is_empty());
        let sum = || entries.iter().map(|entry| entry.figure.minutes).sum::<i64>();
        is_last && !has_period && self.manner.minutes(self.cell(row, Field::Minutes)) == Ok(sum())
    }

    fn entry(&self, row: &Row, texts: &mut Texts) -> Read<(Entry, bool)> {
        let kind = self.columns.kind;
        let is_monthly = matches!(kind, Kind::Monthly | Kind::Revenue);
        let (first, last) = if is_monthly { self.month(row)? } else { self.week(row)? };
        let minutes = self.manner.minutes(self.cell(row, Field::Minutes)).map_err(|why| (Field::Minutes, why))?;
        let country = values::country(self.cell(row, Field::Country)).map_err(|why| (Field::Country, why))?;
        if kind == Kind::Country && country.is_none() {
            return Err((Field::Country, "is empty".to_owned()));
        }
        let title = self.cell(row, Field::Title).text().split_whitespace().collect::<Vec<_>>().join(" ");
        if title.chars().count() > TITLE_CHARS_MAX {
            return Err((Field::Title, format!("has more than {TITLE_CHARS_MAX} characters")));
        }
        let (revenue, stage, is_rounded) = match is_monthly {
            true => {
                let cell = self.cell(row, Field::Revenue);
                let (minor, is_rounded) = self.manner.revenue(cell).map_err(|why| (Field::Revenue, why))?;
                (Some(minor), self.stage(row, last)?, is_rounded)
            }
            false => (None, Stage::Estimate, false),
        };
        let series = match kind {
            Kind::Weekly => Series::Weekly,
            Kind::Country => Series::Country,
            Kind::Monthly | Kind::Revenue => Series::Monthly,
        };
        let country = texts.shared(&country.unwrap_or_default());
        let key = Key { series, first, last, country, title: texts.shared(&title) };
        let figure = Figure { minutes, revenue_minor: revenue, stage };
        Ok((Entry { line: row.line, key, figure }, is_rounded))
    }

    fn month(&self, row: &Row) -> Read<(Date, Date)> {
        let first = self.manner.month(self.cell(row, Field::Month)).map_err(|why| (Field::Month, why))?;
        if first > self.today {
            return Err((Field::Month, format!("{} is in the future", first.strftime("%B %Y"))));
        }
        Ok(month_of(first))
    }

    fn week(&self, row: &Row) -> Read<(Date, Date)> {
        let first = self.manner.day(self.cell(row, Field::WeekStart)).map_err(|why| (Field::WeekStart, why))?;
        if first > self.today {
            return Err((Field::WeekStart, format!("{first} is in the future")));
        }
        let last = match self.columns.column(Field::WeekEnd) {
            Some(at) => self.manner.day(row.cell(at)).map_err(|why| (Field::WeekEnd, why))?,
            None => plus(first, 6.days()),
        };
        if last < first || days(first, last) > WEEK_DAYS_MAX {
            return Err((Field::WeekEnd, format!("{last} is not the end of a week that begins on {first}")));
        }
        Ok((first, last))
    }

    /// What the statement says of itself; final where it says nothing, but not before its month is over.
    fn stage(&self, row: &Row, last: Date) -> Read<Stage> {
        let written = self.cell(row, Field::Status).text().to_lowercase();
        let said = STATUSES.iter().find(|(word, _)| *word == written).map(|(_, stage)| *stage);
        let stage = match (said, written.is_empty()) {
            (Some(stage), _) => stage,
            (None, true) => Stage::Final,
            (None, false) => {
                return Err((Field::Status, format!("{:?} is neither provisional nor final", short(&written))));
            }
        };
        Ok(if last >= self.today { Stage::Provisional } else { stage })
    }

    fn cell<'r>(&self, row: &'r Row, field: Field) -> &'r Cell {
        static NOTHING: Cell = Cell::Empty;
        self.columns.column(field).map_or(&NOTHING, |at| row.cell(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        read(text.as_bytes(), &[], Date::constant(2026, 1, 20)).expect("a report")
    }

    fn told(report: &Report) -> Vec<String> {
        let entries = report.entries.iter().map(|Entry { line, key, figure }| {
            let revenue = figure.revenue_minor.map(|minor| format!(" {minor}")).unwrap_or_default();
            let Key { first, last, country, title, .. } = key;
            format!("{line}: {first}..{last} {country} {title} {}{revenue} {}", figure.minutes, figure.stage.name())
        });
        entries.collect()
    }

    fn reasons(report: &Report) -> Vec<(u32, &str, &str)> {
        report.rejected.iter().map(|row| (row.line, row.column.as_str(), row.reason.as_str())).collect()
    }

    #[test]
    fn the_formats_of_numbers_md_are_read() {
        let weekly = report(
            "report_week_start,report_week_end,total_minutes,country\n2025-12-23,2025-12-29,145000,\n2025-12-23,2025-12-29,85000,GB\n",
        );
        assert_eq!(
            told(&weekly),
            ["2: 2025-12-23..2025-12-29   145000 estimate", "3: 2025-12-23..2025-12-29 GB  85000 estimate"]
        );
        let monthly = report("month,minutes_streamed,revenue\n2025-10,410000,3456.78\n2025-11-15,300000,2500\n");
        assert_eq!(
            told(&monthly),
            ["2: 2025-10-01..2025-10-31   410000 345678 final", "3: 2025-11-01..2025-11-30   300000 250000 final"]
        );
        let country = report("report_week_start,country,minutes\n2025-12-22,GB,85000\n");
        assert_eq!(told(&country), ["2: 2025-12-22..2025-12-28 GB  85000 estimate"]);
        assert_eq!((weekly.kind, monthly.kind, country.kind), (Kind::Weekly, Kind::Monthly, Kind::Country));
    }

    #[test]
    fn a_million_rows_are_read_below_their_headings_and_no_more() {
        let text = |rows: usize| "month,minutes,revenue\n".to_owned() + &"2025-10,5,1\n".repeat(rows);
        assert_eq!(report(&text(ROWS_MAX)).entries.len(), 1);
        let refused = read(text(ROWS_MAX + 1).as_bytes(), &[], Date::constant(2026, 1, 20));
        assert_eq!(refused, Err(Refused::Unreadable(Unreadable::TooManyRows)));
    }

    #[test]
    fn titles_totals_and_repetitions_around_the_table_are_left_out() {
        let found = report(
            "Royalty report;;\n\nMonth;Minutes;Revenue;Title\n2025-10;1.000;1.234,565;Emma\n2025-10;1.000;1.234,565;Emma\n\
             2025-10;2.000;10,50;Persuasion\nTotal;3.000;1.245,07;\n",
        );
        assert_eq!(
            told(&found),
            [
                "4: 2025-10-01..2025-10-31  Emma 1000 123457 final",
                "6: 2025-10-01..2025-10-31  Persuasion 2000 1050 final"
            ]
        );
        assert_eq!(found.notices.len(), 3, "{:?}", found.notices);
        assert!(found.notices[0].contains("line 7") && found.rejected.is_empty());
        let unnamed = report("month,minutes,revenue\n2025-10,5,1\n2025-11,6,1\n,11,2\n");
        assert_eq!((unnamed.entries.len(), unnamed.rejected.len(), unnamed.notices.len()), (2, 0, 1));
    }

    #[test]
    fn rejected_rows_have_their_line_column_and_reason() {
        let found = report(
            "month,minutes_streamed,revenue,status\n2025-13,1,1,\n2025-10,x,1,\n2025-10,1,1,final\n2025-10,2,1,final\n2026-02,1,1,\n\
             2025-11,1,1,maybe\n2025-12,1,,\n,5,1,\n2025-09,1",
        );
        assert_eq!(
            reasons(&found),
            [
                (2, "month", "\"2025-13\" is no date such as 2025-10-31 or 2025-10"),
                (3, "minutes_streamed", "\"x\" is no number such as 1,234.56"),
                (5, "", "line 4 says otherwise of the same period"),
                (6, "month", "February 2026 is in the future"),
                (7, "status", "\"maybe\" is neither provisional nor final"),
                (8, "revenue", "is empty"),
                (9, "month", "is empty"),
                (10, "revenue", "is empty; the last line is short: the file may have been cut off"),
            ]
        );
        let weeks = report(
            "report_week_start,report_week_end,total_minutes\n2025-12-23,2025-12-22,1\n2025-12-01,2025-12-31,1\n",
        );
        assert_eq!(weeks.rejected.len(), 2);
        assert!(report("report_week_start,country,minutes\n2025-12-22,,1\n2025-12-22,XX,1\n").entries.is_empty());
    }

    #[test]
    fn a_month_that_runs_is_provisional_whatever_it_says() {
        let found =
            report("month,minutes,revenue,status\n2026-01,1,1,final\n2025-12,1,1,Preliminary\n2025-11,1,1,Confirmed\n");
        let stages: Vec<Stage> = found.entries.iter().map(|entry| entry.figure.stage).collect();
        assert_eq!(stages, [Stage::Provisional, Stage::Provisional, Stage::Final]);
    }
}
