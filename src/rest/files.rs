//! What addresses of files have in common: names that end in a format, the choice of facts above a table, strict queries.

use std::convert::Infallible;

use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream;
use utoipa::openapi::path::{Parameter, ParameterBuilder};

use crate::export::{Format, Header, PAGE_ROWS, Sheet, Wanted, respond};
use crate::rest::asked::{Pairs, in_path, in_query, value, words};
use crate::server::problem::Problem;
use crate::table::Data;

/// The parameter of a path that names a file: one of `names` in each format.
pub fn file_parameter(about: &str, names: &[&str], example: &str) -> Parameter {
    let formats = [Format::Csv, Format::Xlsx, Format::Json];
    let files = names.iter().flat_map(|name| formats.map(|format| format!("{name}.{}", format.extension())));
    let files: Vec<String> = files.collect();
    let schema = words(files.iter().map(String::as_str), None);
    in_path("file", about).schema(Some(schema)).example(Some(example.into())).build()
}

/// The parameter that [`header_of`] reads.
pub fn header_parameter() -> ParameterBuilder {
    let about = "`plain` leaves out the facts above the table of a CSV file, for programs.";
    in_query("header", about).schema(Some(words(["full", "plain"], Some("full"))))
}

/// Whether the facts stand above the table; 400 where the query says something else of it.
pub fn header_of(pairs: &Pairs) -> Result<Header, Problem> {
    match value(pairs, "header") {
        None | Some("full") => Ok(Header::Full),
        Some("plain") => Ok(Header::Plain),
        Some(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "header is one of full, plain")),
    }
}

/// The title of a file's table, its name and its format; 404 where there is none of this name.
pub fn table_of<'a>(
    file: &'a str,
    tables: &[(&'static str, &'static str)],
) -> Result<(&'static str, &'a str, Format), Problem> {
    let found = Format::of_file(file).and_then(|(name, format)| {
        let (_, title) = tables.iter().find(|(known, _)| *known == name)?;
        Some((*title, name, format))
    });
    found.ok_or_else(|| {
        let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
        let sentence = format!("there is no such file; there are {}, each .csv, .xlsx or .json", names.join(", "));
        Problem::new(StatusCode::NOT_FOUND, sentence)
    })
}

/// Values as a file.
pub async fn file(sheet: Sheet, data: Data, wanted: Wanted) -> Response {
    let pages: Vec<_> = data.rows.chunks(PAGE_ROWS as usize).map(|rows| Ok::<_, Infallible>(rows.to_vec())).collect();
    respond(sheet, stream::iter(pages), wanted).await
}
