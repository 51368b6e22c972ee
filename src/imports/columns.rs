//! Which column of a report is what: by its heading, or as somebody said once by hand.

use std::borrow::Cow;

use crate::imports::sheet::{Cell, ROWS_ABOVE_MAX, Row, Sheet};

/// What a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The month of a statement.
    Month,
    /// The first day of a week.
    WeekStart,
    /// The last day of a week.
    WeekEnd,
    /// Minutes listened to.
    Minutes,
    /// Money in the currency of royalties.
    Revenue,
    /// A country, by code or name.
    Country,
    /// A title.
    Title,
    /// Whether a statement is provisional or final.
    Status,
}

/// The headings of each field: those of numbers.md first, then those that reports are known to use.
const HEADINGS: &[(Field, &[&str])] = &[
    (Field::Month, &["month", "report_month", "statement_month", "period_month"]),
    (Field::WeekStart, &["report_week_start", "week_start", "week_starting", "week_beginning", "week_start_date"]),
    (Field::WeekEnd, &["report_week_end", "week_end", "week_ending", "week_end_date"]),
    (Field::Minutes, &["total_minutes", "minutes", "minutes_streamed", "minutes_listened", "streamed_minutes"]),
    (Field::Revenue, &["revenue", "revenue_usd", "royalty", "royalties", "royalties_usd", "earnings"]),
    (Field::Country, &["country", "country_code", "territory", "market"]),
    (Field::Title, &["title", "book", "book_title", "audiobook", "title_name"]),
    (Field::Status, &["status", "state", "statement_status"]),
];

impl Field {
    /// All of them.
    pub const ALL: [Field; 8] = [
        Field::Month,
        Field::WeekStart,
        Field::WeekEnd,
        Field::Minutes,
        Field::Revenue,
        Field::Country,
        Field::Title,
        Field::Status,
    ];

    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            Field::Month => "month",
            Field::WeekStart => "week_start",
            Field::WeekEnd => "week_end",
            Field::Minutes => "minutes",
            Field::Revenue => "revenue",
            Field::Country => "country",
            Field::Title => "title",
            Field::Status => "status",
        }
    }

    /// What it is called.
    pub fn words(self) -> &'static str {
        match self {
            Field::Month => "Month",
            Field::WeekStart => "First day of the week",
            Field::WeekEnd => "Last day of the week",
            Field::Minutes => "Minutes",
            Field::Revenue => "Revenue in US dollars",
            Field::Country => "Country",
            Field::Title => "Title",
            Field::Status => "Provisional or final",
        }
    }

    /// Reads a [`Field::name`].
    pub fn parse(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }

    fn of_heading(heading: &str) -> Option<Field> {
        HEADINGS.iter().find(|(_, names)| names.contains(&heading)).map(|(field, _)| *field)
    }
}

/// What kind of report a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Minutes by week: `report_week_start,report_week_end,total_minutes,country`.
    Weekly,
    /// Minutes and money by month, as text: `month,minutes_streamed,revenue`.
    Monthly,
    /// Minutes by week and country: `report_week_start,country,minutes`.
    Country,
    /// The columns of a monthly report in a spreadsheet.
    Revenue,
}

impl Kind {
    /// The name in data.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Weekly => "weekly",
            Kind::Monthly => "monthly",
            Kind::Country => "country",
            Kind::Revenue => "revenue",
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Weekly => "Weekly minutes",
            Kind::Monthly => "Monthly statements",
            Kind::Country => "Weekly minutes by country",
            Kind::Revenue => "Revenue report",
        }
    }

    /// The kind that columns make.
    fn of(fields: &[Option<Field>], is_book: bool) -> Option<Kind> {
        let has = |field: Field| fields.contains(&Some(field));
        if !has(Field::Minutes) {
            None
        } else if has(Field::Month) && has(Field::Revenue) {
            Some(if is_book { Kind::Revenue } else { Kind::Monthly })
        } else if !has(Field::WeekStart) {
            None
        } else if has(Field::Country) && !has(Field::WeekEnd) {
            Some(Kind::Country)
        } else {
            Some(Kind::Weekly)
        }
    }
}

/// The headings of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// What kind of report they make.
    pub kind: Kind,
    /// What each column is; nothing for those that are left out.
    pub fields: Vec<Option<Field>>,
    /// The headings, as the file writes them.
    pub headings: Vec<String>,
    /// The row of the headings among the sheet's rows.
    pub row: usize,
}

impl Columns {
    /// The column of a field.
    pub fn column(&self, field: Field) -> Option<usize> {
        self.fields.iter().position(|known| *known == Some(field))
    }

    /// The heading of a field's column, for sentences.
    pub fn heading(&self, field: Field) -> String {
        let written = self.column(field).and_then(|column| self.headings.get(column)).filter(|text| !text.is_empty());
        written.cloned().unwrap_or_else(|| field.name().to_owned())
    }
}

/// What somebody said the columns under some headings are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The headings, as [`signature`] makes them.
    pub signature: String,
    /// What each column is.
    pub fields: Vec<Option<Field>>,
}

/// Headings that no kind of report is known by. They can be mapped by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The name of the worksheet; empty for text.
    pub sheet: String,
    /// The headings, as the file writes them.
    pub headings: Vec<String>,
    /// What is known of them.
    pub fields: Vec<Option<Field>>,
    /// The first row below, as text: it helps to say what is what.
    pub sample: Vec<String>,
}

/// Finds the headings of a sheet: by what was said by hand, or by their names.
pub fn find(sheet: &Sheet, is_book: bool, mappings: &[Mapping]) -> Result<Columns, Unknown> {
    let made = |row: usize, fields: Vec<Option<Field>>, headings: Vec<String>| {
        Some(Columns { kind: Kind::of(&fields, is_book)?, fields, headings, row })
    };
    let top: Vec<Cow<'_, Row>> = sheet.rows.iter().take(ROWS_ABOVE_MAX + 1).collect();
    for (n, row) in top.iter().take(ROWS_ABOVE_MAX).enumerate() {
        let headings = headings(row);
        let signature = signature(&headings);
        let said = mappings.iter().find(|mapping| mapping.signature == signature);
        let fields = said.map_or_else(|| recognised(&headings), |mapping| mapping.fields.clone());
        if let Some(columns) = made(n, fields, headings) {
            return Ok(columns);
        }
    }
    // The headings are most likely the first row that is text alone and as wide as the table.
    let rows = || top.iter().take(ROWS_ABOVE_MAX).enumerate();
    let is_text = |row: &Row| row.cells.iter().all(|cell| matches!(cell, Cell::Text(_) | Cell::Empty));
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let widest = rows().filter(|(_, row)| is_text(row)).map(|(_, row)| filled(row)).max().unwrap_or(0);
    let found = rows().find(|(_, row)| is_text(row) && filled(row) == widest).map_or(0, |(n, _)| n);
    let headings = top.get(found).map(|row| headings(row)).unwrap_or_default();
    let sample = top.get(found + 1).map(|row| row.cells.iter().map(Cell::text).collect()).unwrap_or_default();
    Err(Unknown { sheet: sheet.name.clone(), fields: recognised(&headings), headings, sample })
}

/// Whether columns that somebody named make a report; a sentence where they do not.
pub fn check(fields: &[Option<Field>]) -> Result<(), &'static str> {
    let count = |field: Field| fields.iter().filter(|known| **known == Some(field)).count();
    if Field::ALL.into_iter().any(|field| count(field) > 1) {
        return Err("two columns are said to be the same: leave one of them out");
    }
    match Kind::of(fields, false) {
        Some(_) => Ok(()),
        None => Err("a report needs minutes, and either the first day of the week, or month and revenue"),
    }
}

/// Headings as they are compared and remembered: small letters, with single underscores for what is between words.
pub fn signature(headings: &[String]) -> String {
    headings.iter().map(|heading| plain(heading)).collect::<Vec<_>>().join("\u{1f}")
}

fn headings(row: &Row) -> Vec<String> {
    row.cells.iter().map(|cell| cell.text().trim_start_matches('\u{feff}').trim().to_owned()).collect()
}

/// What is known of headings; a field is its first column.
fn recognised(headings: &[String]) -> Vec<Option<Field>> {
    let mut fields: Vec<Option<Field>> = Vec::with_capacity(headings.len());
    for heading in headings {
        let field = Field::of_heading(&plain(heading)).filter(|field| !fields.contains(&Some(*field)));
        fields.push(field);
    }
    fields
}

fn plain(heading: &str) -> String {
    let mut words = String::with_capacity(heading.len());
    for c in heading.trim().chars().filter(|c| *c != '\u{feff}') {
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with('_') && !words.is_empty() {
            words.push('_');
        }
    }
    words.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::sheet;

    fn found(text: &str, mappings: &[Mapping]) -> Result<Columns, Unknown> {
        find(&sheet::read(text.as_bytes()).expect("a file").sheets[0], false, mappings)
    }

    #[test]
    fn kinds_are_known_by_their_headings() {
        for (headings, kind) in [
            ("report_week_start,report_week_end,total_minutes,country", Kind::Weekly),
            ("report_week_start,report_week_end,total_minutes", Kind::Weekly),
            ("Report Week Start , Total  Minutes", Kind::Weekly),
            ("month,minutes_streamed,revenue", Kind::Monthly),
            ("\u{feff}\u{feff}MONTH;Minutes Streamed;Revenue (USD)", Kind::Monthly),
            ("report_week_start,country,minutes", Kind::Country),
            ("Title\tWeek start\tMarket\tMinutes", Kind::Country),
        ] {
            assert_eq!(found(headings, &[]).map(|columns| columns.kind), Ok(kind), "{headings}");
        }
        let book = sheet::read(b"month,minutes_streamed,revenue").expect("a file");
        assert_eq!(find(&book.sheets[0], true, &[]).map(|columns| columns.kind), Ok(Kind::Revenue));
    }

    #[test]
    fn headings_stand_below_titles() {
        let columns =
            found("Royalties,,\n\nmade on,2025-11-01,\nmonth,minutes_streamed,revenue\n", &[]).expect("columns");
        assert_eq!((columns.row, columns.column(Field::Revenue)), (2, Some(2)));
    }

    #[test]
    fn unknown_headings_are_mapped_once() {
        let text = "Report\nMonat;Minuten;Erlös;Minutes\n2025-10;1;2;9\n";
        let unknown = found(text, &[]).expect_err("unknown");
        assert_eq!(unknown.headings, ["Monat", "Minuten", "Erlös", "Minutes"]);
        assert_eq!((unknown.fields[3], unknown.sample[0].as_str()), (Some(Field::Minutes), "2025-10"));
        let fields = vec![Some(Field::Month), Some(Field::Minutes), Some(Field::Revenue), None];
        check(&fields).expect("a report");
        let mapping = Mapping { signature: signature(&unknown.headings), fields };
        let columns = found(&text.replace("Monat", " MONAT "), &[mapping]).expect("columns");
        assert_eq!((columns.kind, columns.column(Field::Minutes)), (Kind::Monthly, Some(1)));
        assert!(check(&[Some(Field::Month), Some(Field::Minutes)]).is_err());
        assert!(check(&[Some(Field::WeekStart), Some(Field::Minutes), Some(Field::Minutes)]).is_err());
    }
}
