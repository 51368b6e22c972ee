//! Where everything of a report goes: from the top down, page by page; a table's headings stand on each of its pages.

use crate::chart::{Chart, ChartPoint};
use crate::export::pdf::draw::{Faces, Ink, Mark, PAGE, PageMarks};
use crate::export::pdf::{Bar, ROWS_MAX, Report};
use crate::money::count;
use crate::table::Data;

const MARGIN: f32 = 40.0;
const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;
/// Below this nothing is placed but the page's number.
const BOTTOM: f32 = PAGE.1 - 36.0;
/// Sizes of type.
const TITLE: f32 = 20.0;
const HEAD: f32 = 12.0;
const FIGURE: f32 = 16.0;
const BODY: f32 = 8.5;
const SMALL: f32 = 7.5;
/// From one line of text to the next.
const ROW: f32 = 13.0;
const CHART_HEIGHT: f32 = 120.0;
const BAR_HEIGHT: f32 = 9.0;
/// How large a point is that no line goes through.
const DOT: f32 = 3.0;
/// Room for the numbers beside a chart.
const AXIS: f32 = 44.0;
/// Names below a chart.
const LABELS: usize = 7;
/// Between two columns.
const GAP: f32 = 10.0;
/// Rows that a column's width is measured by: all of a page or two.
const MEASURED_ROWS: usize = 200;
/// A column is never wider than this part of the page.
const COLUMN_MAX: f32 = WIDTH * 0.45;

/// The pages of a report.
pub fn pages(report: &Report, faces: &Faces) -> Vec<PageMarks> {
    let mut paper = Paper { pages: vec![Vec::new()], y: MARGIN, faces };
    paper.y += TITLE;
    paper.text((MARGIN, paper.y), TITLE, true, Ink::Text, &report.title);
    paper.y += 6.0;
    paper.facts(&report.facts);
    paper.figures(&report.figures);
    for (title, chart) in &report.charts {
        paper.chart(title, chart);
    }
    if let Some((title, bars)) = &report.bars {
        paper.bars(title, bars);
    }
    for (title, data) in &report.tables {
        paper.table(title, data);
    }
    paper.number_pages(&report.title)
}

struct Paper<'a> {
    pages: Vec<PageMarks>,
    /// How far down the page things are placed.
    y: f32,
    faces: &'a Faces,
}

impl Paper<'_> {
    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, at: (f32, f32), size: f32, strong: bool, ink: Ink, text: &str) {
        let text = self.faces.drawable(text);
        self.mark(Mark::Text { at, size, strong, ink, text });
    }

    /// Text that ends at a place.
    fn text_to(&mut self, right: (f32, f32), size: f32, strong: bool, ink: Ink, text: &str) {
        let width = self.faces.width(&self.faces.drawable(text), size, strong);
        self.text((right.0 - width, right.1), size, strong, ink, text);
    }

    /// Begins a page where so much does not fit any more; whether it did.
    fn need(&mut self, height: f32) -> bool {
        let breaks = self.y + height > BOTTOM;
        if breaks {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
        breaks
    }

    /// A title with room for what follows it.
    fn head(&mut self, title: &str, following: f32) {
        self.y += 16.0;
        self.need(HEAD + 6.0 + following);
        self.y += HEAD;
        self.text((MARGIN, self.y), HEAD, true, Ink::Text, title);
        self.y += 6.0;
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        for (name, value) in facts {
            self.need(ROW);
            self.y += ROW;
            self.text((MARGIN, self.y), BODY, false, Ink::Quiet, name);
            self.text((MARGIN + 70.0, self.y), BODY, false, Ink::Text, value);
        }
    }

    fn figures(&mut self, figures: &[(String, String)]) {
        if figures.is_empty() {
            return;
        }
        self.y += 14.0;
        self.need(FIGURE + ROW + 6.0);
        let step = WIDTH / figures.len() as f32;
        for (n, (name, value)) in figures.iter().enumerate() {
            let x = MARGIN + step * n as f32;
            let value = self.shortened(value, FIGURE, true, step - GAP);
            self.text((x, self.y + ROW), SMALL, false, Ink::Quiet, name);
            self.text((x, self.y + ROW + FIGURE + 3.0), FIGURE, true, Ink::Text, &value);
        }
        self.y += ROW + FIGURE + 6.0;
    }

    fn chart(&mut self, title: &str, chart: &Chart) {
        self.head(title, CHART_HEIGHT + 3.0 * ROW);
        if chart.points.is_empty() {
            self.y += ROW;
            return self.text((MARGIN, self.y), BODY, false, Ink::Quiet, "Nothing has been measured.");
        }
        let names = format!("{} (solid), {} (dashed)", chart.title, chart.earlier_title);
        self.y += ROW;
        self.text((MARGIN, self.y), SMALL, false, Ink::Quiet, &names);
        let (left, top, width) = (MARGIN + AXIS, self.y + 6.0, WIDTH - AXIS);
        let values = chart.points.iter().flat_map(|point| [point.value, point.earlier]).flatten();
        let most = nice(values.max().unwrap_or(0));
        for part in 0..=2 {
            let y = top + CHART_HEIGHT * (1.0 - part as f32 / 2.0);
            self.mark(Mark::Line {
                through: vec![(left, y), (left + width, y)],
                width: 0.5,
                dashed: false,
                ink: Ink::Line,
            });
            self.text_to((left - 6.0, y + 3.0), SMALL, false, Ink::Quiet, &count(most * part / 2));
        }
        let steps = chart.points.len().saturating_sub(1).max(1) as f32;
        let place = |n: usize, value: i64| {
            let height = (value.max(0) as f32 / most as f32).min(1.0) * CHART_HEIGHT;
            (left + width * n as f32 / steps, top + CHART_HEIGHT - height)
        };
        for line in lines(&chart.points, |point| point.value, &place) {
            if let [at] = line[..] {
                self.dot(at, Ink::Accent);
                continue;
            }
            let mut area = line.clone();
            let (first, last) = (line.first().map_or(left, |at| at.0), line.last().map_or(left, |at| at.0));
            area.extend([(last, top + CHART_HEIGHT), (first, top + CHART_HEIGHT)]);
            self.mark(Mark::Area { through: area, ink: Ink::Tint });
            self.mark(Mark::Line { through: line, width: 1.5, dashed: false, ink: Ink::Accent });
        }
        for line in lines(&chart.points, |point| point.earlier, &place) {
            if let [at] = line[..] {
                self.dot(at, Ink::Quiet);
                continue;
            }
            self.mark(Mark::Line { through: line, width: 1.0, dashed: true, ink: Ink::Quiet });
        }
        let every = chart.points.len().div_ceil(LABELS).max(1);
        for (n, point) in chart.points.iter().enumerate().step_by(every) {
            let (x, _) = place(n, 0);
            self.text((x.min(left + width - 34.0), top + CHART_HEIGHT + 10.0), SMALL, false, Ink::Quiet, &point.label);
        }
        self.y = top + CHART_HEIGHT + ROW;
    }

    /// A point that has none beside it: no line goes through it.
    fn dot(&mut self, (x, y): (f32, f32), ink: Ink) {
        self.mark(Mark::Box { at: (x - DOT / 2.0, y - DOT / 2.0), size: (DOT, DOT), ink });
    }

    fn bars(&mut self, title: &str, bars: &[Bar]) {
        self.head(title, ROW * bars.len() as f32);
        let (left, width) = (MARGIN + 80.0, WIDTH - 220.0);
        for bar in bars {
            self.need(ROW + 2.0);
            self.y += ROW + 2.0;
            let top = self.y - BAR_HEIGHT + 1.0;
            let length = width * bar.per_mille.clamp(0, 1_000) as f32 / 1_000.0;
            self.text((MARGIN, self.y), BODY, false, Ink::Text, &bar.name);
            self.mark(Mark::Box { at: (left, top), size: (width, BAR_HEIGHT), ink: Ink::Line });
            self.mark(Mark::Box { at: (left, top), size: (length, BAR_HEIGHT), ink: Ink::Accent });
            self.text((left + width + GAP, self.y), BODY, false, Ink::Text, &bar.value);
        }
        self.y += 4.0;
    }

    fn table(&mut self, title: &str, data: &Data) {
        self.head(title, 3.0 * ROW);
        if data.rows.is_empty() {
            self.y += ROW;
            return self.text((MARGIN, self.y), BODY, false, Ink::Quiet, "None.");
        }
        let widths = self.widths(data);
        self.headings(data, &widths);
        for row in data.rows.iter().take(ROWS_MAX) {
            if self.need(ROW) {
                self.headings(data, &widths);
            }
            self.y += ROW;
            let texts: Vec<String> = row.iter().map(|value| value.text()).collect();
            self.row(data, &widths, &texts, false);
        }
        let more = data.rows.len().saturating_sub(ROWS_MAX);
        if more > 0 {
            self.need(ROW);
            self.y += ROW;
            let sentence = format!("{} more rows are in the other files.", count(more as i64));
            self.text((MARGIN, self.y), BODY, false, Ink::Quiet, &sentence);
        }
    }

    /// As wide as what stands in them, and all together as wide as the page at most.
    fn widths(&self, data: &Data) -> Vec<f32> {
        let width = |text: &str, strong| self.faces.width(&self.faces.drawable(text), BODY, strong);
        let wide = |(place, column): (usize, &crate::table::Column)| {
            let cells = data.rows.iter().take(MEASURED_ROWS).filter_map(|row| row.get(place));
            let widest = cells.map(|value| width(&value.text(), false)).fold(width(&column.title, true), f32::max);
            (widest + GAP).min(COLUMN_MAX)
        };
        let widths: Vec<f32> = data.columns.iter().enumerate().map(wide).collect();
        let all: f32 = widths.iter().sum();
        let scale = (WIDTH / all.max(1.0)).min(1.6);
        widths.into_iter().map(|width| width * scale).collect()
    }

    fn headings(&mut self, data: &Data, widths: &[f32]) {
        self.y += ROW;
        let titles: Vec<String> = data.columns.iter().map(|column| column.title.clone()).collect();
        self.row(data, widths, &titles, true);
        let y = self.y + 3.5;
        let right = MARGIN + widths.iter().sum::<f32>();
        self.mark(Mark::Line { through: vec![(MARGIN, y), (right, y)], width: 0.7, dashed: false, ink: Ink::Quiet });
        self.y += 2.0;
    }

    fn row(&mut self, data: &Data, widths: &[f32], texts: &[String], strong: bool) {
        let mut x = MARGIN;
        for ((column, width), text) in data.columns.iter().zip(widths).zip(texts) {
            let text = self.shortened(text, BODY, strong, width - GAP / 2.0);
            let y = self.y;
            if column.numeric {
                self.text_to((x + width - GAP, y), BODY, strong, Ink::Text, &text);
            } else {
                self.text((x, y), BODY, strong, Ink::Text, &text);
            }
            x += width;
        }
    }

    /// The text as far as there is room for it.
    fn shortened(&self, text: &str, size: f32, strong: bool, room: f32) -> String {
        let text = self.faces.drawable(text);
        if self.faces.width(&text, size, strong) <= room {
            return text;
        }
        let mut left = room - self.faces.width("…", size, strong);
        let fits = |c: &char| {
            left -= self.faces.width(c.encode_utf8(&mut [0; 4]), size, strong);
            left >= 0.0
        };
        text.chars().take_while(fits).chain(['…']).collect()
    }

    fn number_pages(mut self, title: &str) -> Vec<PageMarks> {
        let (all, y) = (self.pages.len(), PAGE.1 - 20.0);
        for n in 0..all {
            let words = format!("Takings · {title} · page {} of {all}", n + 1);
            let text = self.faces.drawable(&words);
            self.pages[n].push(Mark::Text { at: (MARGIN, y), size: SMALL, strong: false, ink: Ink::Quiet, text });
        }
        self.pages
    }
}

/// The lines of a series: it breaks where there is no value.
fn lines(
    points: &[ChartPoint],
    of: impl Fn(&ChartPoint) -> Option<i64>,
    place: &impl Fn(usize, i64) -> (f32, f32),
) -> Vec<Vec<(f32, f32)>> {
    let mut lines = vec![Vec::new()];
    for (n, point) in points.iter().enumerate() {
        match (of(point), lines.last_mut()) {
            (Some(value), Some(line)) => line.push(place(n, value)),
            _ => lines.push(Vec::new()),
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The end of an axis that holds a value: 2, 4 or 10 with zeros behind it.
fn nice(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        for step in [2, 4, 10] {
            if most <= step * unit {
                return step * unit;
            }
        }
        unit = match i64::checked_mul(unit, 10) {
            Some(larger) if larger <= i64::MAX / 10 => larger,
            _ => return most,
        };
    }
}
