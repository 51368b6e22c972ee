//! Which file is wanted: its format, and whether facts stand above the table.

use std::str::FromStr;

use serde::Deserialize;

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180, for everything.
    #[default]
    Csv,
    /// Office Open XML, for spreadsheets.
    Xlsx,
    /// For programs.
    Json,
}

/// Whether the facts of a CSV file stand above its table. XLSX and JSON have a place apart for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Header {
    /// Facts, an empty record, the names of the columns; and a byte-order mark, so that Excel reads UTF-8.
    #[default]
    Full,
    /// The names of the columns alone and no byte-order mark, for programs.
    Plain,
}

/// What a request asks for; as a query, `?format=csv&header=plain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Wanted {
    /// The format.
    #[serde(default)]
    pub format: Format,
    /// What stands above the table of a CSV file.
    #[serde(default)]
    pub header: Header,
}

/// A word that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a format of exports; there are csv, xlsx and json")]
pub struct UnknownFormat(String);

impl Format {
    /// Reads the name of a file: `orders.csv` is `orders` as CSV.
    pub fn of_file(name: &str) -> Option<(&str, Format)> {
        let (stem, extension) = name.rsplit_once('.')?;
        Some((stem, extension.parse().ok()?))
    }

    /// The extension of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::Json => "json",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Format::Json => "application/json",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        let known = [Format::Csv, Format::Xlsx, Format::Json];
        let found = known.into_iter().find(|format| format.extension().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownFormat(text.chars().take(20).collect()))
    }
}

impl From<Format> for Wanted {
    fn from(format: Format) -> Wanted {
        Wanted { format, header: Header::Full }
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use axum::http::Uri;

    use super::*;

    #[test]
    fn formats_are_read_from_names_of_files_and_from_queries() {
        assert_eq!(Format::of_file("orders.today.CSV"), Some(("orders.today", Format::Csv)));
        assert_eq!(Format::of_file("orders.pdf"), None);
        assert_eq!(Format::of_file("csv"), None);
        assert!("pdf".parse::<Format>().is_err());
        for (query, format, header) in [
            ("", Format::Csv, Header::Full),
            ("?format=xlsx", Format::Xlsx, Header::Full),
            ("?header=plain", Format::Csv, Header::Plain),
            ("?format=json&header=full&days=30", Format::Json, Header::Full),
        ] {
            let uri: Uri = format!("/x{query}").parse().expect("an address");
            let wanted = Query::<Wanted>::try_from_uri(&uri).expect("a query").0;
            assert_eq!(wanted, Wanted { format, header }, "{query}");
        }
    }
}
