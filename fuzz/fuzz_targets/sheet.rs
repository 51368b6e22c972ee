//! Spreadsheets: whole files, and the XML of a sheet and of a table packed as XLSX and ODS, which mutations of an archive hardly
//! reach.
#![no_main]

use std::io::{Cursor, Write as _};

use libfuzzer_sys::fuzz_target;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a part");
        writer.write_all(bytes).expect("bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

const WORKBOOK: &[u8] = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#;
const RELATIONS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

fuzz_target!(
    // A reader that gives up half-way is caught where files are read, and is not what is looked for here.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| {
        takings_fuzz::check_report(data);
        match data.split_first() {
            Some((0x20..=0x4f, sheet)) => takings_fuzz::check_report(&zipped(&[
                ("xl/workbook.xml", WORKBOOK),
                ("xl/_rels/workbook.xml.rels", RELATIONS),
                ("xl/worksheets/sheet1.xml", sheet),
            ])),
            Some((0x50..=0x7f, content)) => takings_fuzz::check_report(&zipped(&[
                ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
                ("content.xml", content),
                ("META-INF/manifest.xml", b"<manifest/>"),
            ])),
            _ => {}
        }
    }
);
