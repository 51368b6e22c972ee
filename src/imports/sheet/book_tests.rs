//! Spreadsheets that are honest, and files that are not: each is a table or a sentence.

use std::io::Write as _;

use rust_xlsxwriter::{Format, Formula, Workbook, XlsxError};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::imports::sheet::read;

fn texts(book: &Book) -> Vec<(u32, Vec<String>)> {
    book.sheets[0].rows.iter().map(|row| (row.line, row.cells.iter().map(Cell::text).collect())).collect()
}

fn workbook(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet) -> Result<(), XlsxError>) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet()).expect("a sheet");
    workbook.save_to_buffer().expect("a workbook")
}

fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a part");
        writer.write_all(bytes).expect("bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

fn ods(table: &str) -> Vec<u8> {
    let content = format!(
        r#"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="Report">{table}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    let manifest = r#"<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"#;
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
        ("META-INF/manifest.xml", manifest.as_bytes()),
    ])
}

/// An XLS file of numbers: row, column, value.
fn xls(cells: &[(u16, u16, i32)], extra: &[u8]) -> Vec<u8> {
    let record = |kind: u16, body: &[u8]| {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((body.len() as u16).to_le_bytes());
        bytes.extend(body);
        bytes
    };
    let begin = |kind: u16| {
        let mut body = vec![0, 6];
        body.extend(kind.to_le_bytes());
        body.extend([0; 12]);
        record(0x0809, &body)
    };
    let mut globals = begin(5);
    globals.extend(extra);
    let name = b"Report";
    let offset = globals.len() + 4 + 8 + name.len() + 4;
    let mut bound = (offset as u32).to_le_bytes().to_vec();
    bound.extend([0, 0, name.len() as u8, 0]);
    bound.extend(name);
    globals.extend(record(0x0085, &bound));
    globals.extend(record(0x000a, &[]));
    let mut stream = globals;
    stream.extend(begin(0x10));
    for (row, column, value) in cells {
        let mut body = row.to_le_bytes().to_vec();
        body.extend(column.to_le_bytes());
        body.extend([0, 0]);
        // A whole number in 30 bits ([MS-XLS] 2.5.218).
        body.extend(((*value << 2) | 2).to_le_bytes());
        stream.extend(record(0x027e, &body));
    }
    stream.extend(record(0x000a, &[]));
    let mut file = cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new())).expect("a file");
    file.create_stream("/Workbook").expect("a stream").write_all(&stream).expect("bytes");
    file.flush().expect("flushed");
    file.into_inner().into_inner()
}

#[test]
fn a_workbook_is_read_with_its_lines_dates_and_numbers() {
    let bytes = workbook(|sheet| {
        sheet.merge_range(0, 0, 0, 2, "Royalties of 2025", &Format::new())?;
        for (column, name) in ["month", "minutes_streamed", "revenue"].into_iter().enumerate() {
            sheet.write(3, column as u16, name)?;
        }
        let date = Format::new().set_num_format("mmm yyyy");
        let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2025, 10, 1)?;
        sheet.write_datetime_with_format(4, 0, &day, &date)?;
        sheet.write(4, 1, 410_000)?;
        sheet.write(4, 2, 3_456.78)?;
        sheet.write_formula(5, 2, Formula::new("=C5*2").set_result("6913.56"))?;
        Ok(())
    });
    let book = read(&bytes).expect("a workbook");
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        texts(&book),
        [
            (1, row(&["Royalties of 2025"])),
            (4, row(&["month", "minutes_streamed", "revenue"])),
            (5, row(&["2025-10-01", "410000", "3456.78"])),
            (6, row(&["", "", "6913.56"])),
        ]
    );
    assert_eq!(book.notices, ["In Sheet1, 1 cell is a formula (C6): the result that the file holds was taken."]);
}

#[test]
fn a_sparse_sheet_is_as_large_as_its_cells() {
    let bytes = workbook(|sheet| {
        sheet.write(0, 0, 1)?;
        sheet.write(1_048_575, 900, 2)?;
        Ok(())
    });
    let lines: Vec<u32> = read(&bytes).expect("a workbook").sheets[0].rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 1_048_576]);
    let far = workbook(|sheet| sheet.write(9, 16_383, 2).map(|_| ()));
    assert_eq!(read(&far), Err(Unreadable::TooManyColumns(10)));
}

#[test]
fn ods_is_read_and_its_repetitions_are_bounded() {
    let cell = |value: &str, repeats: u32| {
        format!(
            r#"<table:table-cell table:number-columns-repeated="{repeats}" office:value-type="float" office:value="{value}"/>"#
        )
    };
    let rows = |repeats: u32, cells: &str| {
        format!(r#"<table:table-row table:number-rows-repeated="{repeats}">{cells}</table:table-row>"#)
    };
    let far = r#"<table:table-cell table:number-columns-repeated="16000"/>"#;
    let date = r#"<table:table-cell office:value-type="date" office:date-value="2025-10-01"/>"#;
    let text = r#"<table:table-cell office:value-type="string"><text:p>GB</text:p></table:table-cell>"#;
    let table = rows(1, &format!("{date}{}{text}{far}", cell("12.5", 1))) + &rows(1_048_000, far);
    assert_eq!(
        texts(&read(&ods(&table)).expect("a sheet")),
        [(1, vec!["2025-10-01".into(), "12.5".into(), "GB".into()])]
    );
    let spread = rows(1, &cell("1", 1)) + &rows(1_000_000, &cell("1", 16_000));
    assert_eq!(read(&ods(&spread)), Err(Unreadable::TooManyCells));
    let apart = rows(1, &cell("1", 100)) + &rows(1_000_000, "") + &rows(1, &cell("1", 1));
    assert_eq!(read(&ods(&apart)), Err(Unreadable::TooManyCells));
}

#[test]
fn xls_is_read_and_its_corners_are_bounded() {
    let bytes = xls(&[(0, 0, 7), (2, 1, 145_000)], &[]);
    let book = read(&bytes).expect("a workbook");
    assert_eq!(texts(&book), [(1, vec!["7".into()]), (3, vec![String::new(), "145000".into()])]);
    assert_eq!(read(&xls(&[(0, 0, 1), (65_535, 255, 2)], &[])), Err(Unreadable::TooManyCells));
    let password = [0x2f, 0, 0, 0];
    assert_eq!(read(&xls(&[(0, 0, 1)], &password)), Err(Unreadable::Protected));
}

#[test]
fn hostile_files_are_sentences() {
    let plain = workbook(|sheet| sheet.write(0, 0, "month").map(|_| ()));
    let zeros = vec![b' '; 64 * 1024 * 1024];
    let bomb = zipped(&[("xl/workbook.xml", b"<x/>"), ("xl/worksheets/sheet1.xml", &zeros)]);
    assert!(bomb.len() < 200_000, "{}", bomb.len());
    assert_eq!(read(&bomb), Err(Unreadable::Bomb));
    assert_eq!(read(&zipped(&[("letter.txt", b"hello")])), Err(Unreadable::Archive));
    assert_eq!(read(&zipped(&[("xl/workbook.bin", b"")])), Err(Unreadable::BinaryBook));
    let mut protected = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("a file");
    protected.create_stream("/EncryptedPackage").expect("a stream");
    protected.flush().expect("flushed");
    assert_eq!(read(&protected.into_inner().into_inner()), Err(Unreadable::Protected));
    for cut in [4, 30, plain.len() / 2, plain.len() - 1] {
        let said = read(&plain[..cut]).expect_err("a truncated file").to_string();
        assert!(said.contains("not transferred whole"), "{cut}: {said}");
    }
    let xls = xls(&[(0, 0, 7)], &[]);
    for cut in [8, 100, 600] {
        assert!(matches!(read(&xls[..cut]), Err(Unreadable::Damaged(_))), "{cut}");
    }
    assert!(read(&zipped(&[("xl/workbook.xml", b"<x/>")])).is_err());
    // What ends before its elements was read for ever once.
    let styles = zipped(&[("xl/workbook.xml", b"<workbook/>"), ("xl/styles.xml", b"<x:styles><cellXfs><xf>")]);
    let cut_short = zipped(&[("content.xml", br#"<x:a><table:table table:name="R"><table:table-row>"#)]);
    for cut in [styles, cut_short] {
        assert!(matches!(read(&cut), Err(Unreadable::Damaged(why)) if why.contains("ends too early")));
    }
    let uncomputed = zipped(&[("content.xml", b"<a><b></a>")]);
    assert!(matches!(read(&uncomputed), Err(Unreadable::Damaged(_))));
}

#[test]
fn a_macro_file_is_read_and_its_macros_are_not() {
    let plain = workbook(|sheet| sheet.write(0, 0, "month").map(|_| ()));
    let mut parts = ZipArchive::new(Cursor::new(plain.as_slice())).expect("an archive");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..parts.len() {
        writer.raw_copy_file(parts.by_index(i).expect("a part")).expect("copied");
    }
    writer.start_file("xl/vbaProject.bin", SimpleFileOptions::default()).expect("a part");
    writer.write_all(b"Sub AutoOpen()").expect("bytes");
    let bytes = writer.finish().expect("an archive").into_inner();
    let book = read(&bytes).expect("a workbook");
    assert!(book.notices[0].contains("macros"), "{:?}", book.notices);
}

#[test]
fn numbers_are_those_that_are_shown() {
    assert_eq!(plain(3_456.78), "3456.78");
    assert_eq!(plain(0.1 + 0.2), "0.3");
    assert_eq!(plain(-1_234.100_000_000_000_1), "-1234.1");
    assert_eq!(plain(145_000.0), "145000");
    assert_eq!(plain(1e20), "100000000000000000000");
    assert_eq!(plain(0.000_012_345_678_901_234_567), "0.0000123456789012346");
    assert_eq!(plain(123_456_789_012.345_67), "123456789012.346");
    assert_eq!((address(2, 1), address(0, 27), address(9, 701)), ("B3".into(), "AB1".into(), "ZZ10".into()));
}
