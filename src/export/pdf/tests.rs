//! Reports are read back as text: by poppler where it is there, else by what stands in the file.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::chart::ChartPoint;
use crate::table::{Column, Value};

fn report(rows: usize) -> Report {
    let point = |n: i64| ChartPoint {
        label: format!("12:00:{n:02}"),
        value: (n != 3).then_some(n * 100),
        earlier: Some(n * 30),
        ..ChartPoint::default()
    };
    let chart = Chart {
        title: "Down, kbit/s".into(),
        earlier_title: "Up, kbit/s".into(),
        points: (0..10).map(point).collect(),
        ..Chart::default()
    };
    let columns = vec![Column::text("person", "Person"), Column::number("rtt_ms", "Latency, ms")];
    let row = |n: usize| vec![Value::Text(format!("Zoë Straße {n}")), Value::Decimal(format!("{n}.5"))];
    Report {
        title: "Calls".into(),
        facts: vec![("As of".into(), "21 Nov 14:30:07 GMT".into())],
        figures: vec![("Rooms".into(), "3".into()), ("People".into(), "12".into())],
        charts: vec![("What the calls carry".into(), chart)],
        bars: Some((
            "People by quality".into(),
            vec![Bar { name: "Good".into(), value: "12 (100.0%)".into(), per_mille: 1_000 }],
        )),
        tables: vec![("In calls now".into(), Data::new(columns, &[], (0..rows).map(row).collect()))],
    }
}

/// The text of a file; nothing where poppler is not installed.
fn read(bytes: &[u8]) -> Option<String> {
    let mut poppler = Command::new("pdftotext");
    poppler.args(["-layout", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut poppler = poppler.spawn().ok()?;
    poppler.stdin.take().expect("a pipe").write_all(bytes).expect("written");
    let output = poppler.wait_with_output().expect("an end");
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn a_report_has_its_figures_its_charts_and_its_tables_as_text() {
    let bytes = pdf(&report(3)).expect("a PDF");
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() < 60_000, "{} bytes", bytes.len());
    let Some(text) = read(&bytes) else { return };
    for words in [
        "Calls",
        "21 Nov 14:30:07 GMT",
        "Rooms",
        "12",
        "What the calls carry",
        "12:00:00",
        "1,000",
        "Good",
        "Zoë Straße 2",
        "2.5",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("page 1 of 1"));
}

#[test]
fn long_tables_go_on_and_have_their_headings_on_each_page() {
    let bytes = pdf(&report(ROWS_MAX + 7)).expect("a PDF");
    let Some(text) = read(&bytes) else { return };
    let pages = text.matches("Latency, ms").count();
    assert!(pages > 20, "{pages}");
    assert!(text.contains("7 more rows are in the other files."));
}

#[test]
fn a_point_without_neighbours_is_drawn_all_the_same() {
    let faces = draw::Faces::shipped().expect("faces");
    let boxes = |report: &Report| {
        let pages = place::pages(report, &faces);
        pages.iter().flatten().filter(|mark| matches!(mark, draw::Mark::Box { .. })).count()
    };
    let mut nothing = report(0);
    nothing.charts[0].1.points.clear();
    let mut short = report(0);
    short.charts[0].1.points.truncate(1);
    assert_eq!(boxes(&short) - boxes(&nothing), 2, "one for each line");
}

#[test]
fn text_from_outside_is_drawn_whatever_it_is() {
    let mut odd = report(0);
    odd.title = "漢字 \u{202e}\u{0} \n مرحبا 🎧 (a) \\ %%EOF".into();
    odd.charts[0].1.points.clear();
    odd.tables[0].1.rows = vec![vec![Value::Text("x".repeat(10_000)), Value::Empty]];
    let bytes = pdf(&odd).expect("a PDF");
    if let Some(text) = read(&bytes) {
        assert!(text.contains("Nothing has been measured.") && text.contains('…'), "{text}");
    }
}
