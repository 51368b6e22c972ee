//! The answer to a request for an export.

use std::fs::File;
use std::sync::Arc;

use axum::BoxError;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, stream};
use tokio_util::io::ReaderStream;

use crate::export::{ExportError, Format, Page, Sheet, Wanted, csv, json, xlsx};

/// Characters of a file's name, extension apart: below what every file system takes.
const NAME_CHARS_MAX: usize = 100;

/// Answers with the sheet as a file. The rows come in pages of at most [`PAGE_ROWS`](crate::export::PAGE_ROWS).
///
/// The first page is read before the answer begins, so that a database that is away is a status and not half a file.
/// CSV and JSON are sent page by page as the client takes them; what fails then breaks the connection off, which no
/// client mistakes for the end. XLSX is sent when it is complete.
pub async fn respond<S, E>(sheet: Sheet, rows: S, wanted: impl Into<Wanted>) -> Response
where
    S: Stream<Item = Result<Page, E>> + Send + 'static,
    E: Into<BoxError>,
{
    let wanted = wanted.into();
    let headers = headers(&sheet.name, wanted.format);
    match body(sheet, rows, wanted).await {
        Ok(body) => (headers, body).into_response(),
        Err(error) => refusal(&error),
    }
}

async fn body<S, E>(sheet: Sheet, rows: S, wanted: Wanted) -> Result<Response, ExportError>
where
    S: Stream<Item = Result<Page, E>> + Send + 'static,
    E: Into<BoxError>,
{
    let sheet = Arc::new(sheet);
    let checking = sheet.clone();
    let mut pages = Box::pin(rows.map(move |page| {
        let page = page.map_err(|error| ExportError::Rows(error.into()))?;
        checking.check(&page).map(|()| page)
    }));
    let first = pages.next().await.transpose()?;
    let pages = stream::iter(first.map(Ok)).chain(pages);
    match wanted.format {
        Format::Csv => Ok(streamed(csv::pieces(sheet, wanted.header, pages))),
        Format::Json => Ok(streamed(json::pieces(sheet, pages))),
        Format::Xlsx => from_file(xlsx::file(sheet, pages).await?),
    }
}

fn streamed(pieces: impl Stream<Item = Result<Vec<u8>, ExportError>> + Send + 'static) -> Response {
    Body::from_stream(pieces.inspect(|piece| {
        if let Err(error) = piece {
            tracing::error!(%error, "an export broke off");
        }
    }))
    .into_response()
}

fn from_file(file: File) -> Result<Response, ExportError> {
    let length = file.metadata()?.len();
    let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
    Ok(([(CONTENT_LENGTH, length)], body).into_response())
}

fn headers(name: &str, format: Format) -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (CONTENT_DISPOSITION, disposition(name, format.extension())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ])
}

/// A download under a name that no file system and no header takes for anything else; a name that is not ASCII stands
/// beside its ASCII form (RFC 6266, RFC 8187).
fn disposition(name: &str, extension: &str) -> HeaderValue {
    let unsafe_sign = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let name: String = name.chars().take(NAME_CHARS_MAX).map(|c| if unsafe_sign(c) { '_' } else { c }).collect();
    let name = match name.trim_matches(['.', ' ']) {
        "" => "export",
        name => name,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{ascii}.{extension}\"");
    if ascii != name {
        let encoded: String = name.bytes().map(percent_encoded).collect();
        text.push_str(&format!("; filename*=UTF-8''{encoded}.{extension}"));
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

fn percent_encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// A sentence for people; the log has the cause of what is not theirs to mend.
fn refusal(error: &ExportError) -> Response {
    use ExportError::{NumberTooLong, Rows, TextTooLong, TooManyRows};
    if let TooManyRows | TextTooLong(_) | NumberTooLong(_) = error {
        return (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response();
    }
    tracing::error!(%error, "an export could not be made");
    match error {
        Rows(_) => (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer at the moment; try again."),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "The export could not be made. The log of the server says why."),
    }
    .into_response()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::to_bytes;
    use calamine::Reader as _;

    use super::*;
    use crate::export::Header;
    use crate::export::sheet::tests::{row, sheet};
    use crate::money::Currency;
    use crate::table::Value;

    type Pages = Vec<Result<Page, std::io::Error>>;

    fn pages(count: usize) -> Pages {
        (0..count).map(|n| Ok(vec![row(&format!("page {n}"), 100, Currency::EUR)])).collect()
    }

    fn broken() -> Result<Page, std::io::Error> {
        Err(std::io::Error::other("the database went away"))
    }

    async fn answer(pages: Pages, wanted: impl Into<Wanted>) -> Response {
        respond(sheet(), stream::iter(pages), wanted).await
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        String::from_utf8(bytes.into()).expect("UTF-8")
    }

    #[tokio::test]
    async fn every_format_is_a_download_that_nobody_keeps() {
        for (format, media, file) in [
            (Format::Csv, "text/csv; charset=utf-8", "countries.csv"),
            (Format::Json, "application/json", "countries.json"),
            (Format::Xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "countries.xlsx"),
        ] {
            let response = answer(pages(3), format).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers().get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), [media]);
            assert_eq!(response.headers()[CONTENT_DISPOSITION], format!("attachment; filename=\"{file}\""));
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            let length = response.headers().get(CONTENT_LENGTH).cloned();
            let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
            assert!(length.is_none_or(|length| length == bytes.len().to_string()));
            assert!(!bytes.is_empty());
        }
    }

    #[tokio::test]
    async fn all_pages_arrive() {
        let csv = text(answer(pages(3), Format::Csv).await).await;
        assert!(csv.starts_with("\u{feff}table,") && csv.contains("\r\npage 2,"), "{csv}");
        let plain = text(answer(pages(3), Wanted { format: Format::Csv, header: Header::Plain }).await).await;
        assert_eq!(plain.lines().count(), 4, "{plain}");
        let json: serde_json::Value =
            serde_json::from_str(&text(answer(pages(3), Format::Json).await).await).expect("JSON");
        assert_eq!(json["rows"][2]["country"], "page 2");
        let empty: serde_json::Value =
            serde_json::from_str(&text(answer(pages(0), Format::Json).await).await).expect("JSON");
        assert_eq!(empty["rows"], serde_json::json!([]));
        let bytes = to_bytes(answer(pages(3), Format::Xlsx).await.into_body(), 1 << 20).await.expect("a body");
        let mut workbook = calamine::Xlsx::new(Cursor::new(bytes)).expect("a workbook");
        assert_eq!(workbook.worksheet_range("Table").expect("a worksheet").height(), 4);
    }

    #[tokio::test]
    async fn pages_are_read_as_the_client_takes_them() {
        for format in [Format::Csv, Format::Json] {
            let read = Arc::new(AtomicUsize::new(0));
            let counted = read.clone();
            let endless = stream::repeat_with(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, BoxError>(vec![row("again", 1, Currency::GBP)])
            });
            let mut body = respond(sheet(), endless, format).await.into_body().into_data_stream();
            assert_eq!(read.load(Ordering::Relaxed), 1, "the first page alone");
            for _ in 0..10 {
                body.next().await.expect("a piece").expect("bytes");
            }
            assert_eq!(read.load(Ordering::Relaxed), 9, "a piece of header, then a piece a page");
        }
    }

    #[tokio::test]
    async fn a_source_that_fails_at_once_is_a_status() {
        for format in [Format::Csv, Format::Json, Format::Xlsx] {
            let response = answer(vec![broken()], format).await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(!response.headers().contains_key(CONTENT_DISPOSITION));
            assert!(text(response).await.contains("try again"));
        }
    }

    #[tokio::test]
    async fn a_source_that_fails_later_never_looks_complete() {
        let failing = || pages(2).into_iter().chain([broken()]).collect::<Pages>();
        for format in [Format::Csv, Format::Json] {
            let response = answer(failing(), format).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert!(to_bytes(response.into_body(), 1 << 20).await.is_err(), "the connection breaks off");
        }
        assert_eq!(answer(failing(), Format::Xlsx).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn what_xlsx_cannot_hold_is_answered_with_advice() {
        let long = vec![Ok(vec![row(&"a".repeat(40_000), 1, Currency::GBP)])];
        let response = answer(long, Format::Xlsx).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text(response).await.contains("Export the table as CSV"));
        let wrong = answer(vec![Ok(vec![vec![Value::Empty]])], Format::Csv).await;
        assert_eq!(wrong.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn names_of_files_are_safe() {
        for (name, header) in [
            ("orders 2026-06", "attachment; filename=\"orders 2026-06.csv\""),
            ("../../etc/passwd", "attachment; filename=\"_.._etc_passwd.csv\""),
            ("a\"b\r\nSet-Cookie: x", "attachment; filename=\"a_b__Set-Cookie_ x.csv\""),
            ("", "attachment; filename=\"export.csv\""),
            ("Länder", "attachment; filename=\"L_nder.csv\"; filename*=UTF-8''L%C3%A4nder.csv"),
        ] {
            assert_eq!(disposition(name, "csv"), header, "{name}");
        }
        assert!(disposition(&"é".repeat(500), "csv").len() < 1_000);
    }
}
