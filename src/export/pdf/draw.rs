//! What lies on pages of a PDF, and the file that is made of them.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};

use super::PdfError;

/// A page, in points: A4, wider than high.
pub const PAGE: (f32, f32) = (842.0, 595.0);
/// Drawn for what the typeface has no letter of.
const REPLACEMENT: char = '\u{fffd}';

const REGULAR: &[u8] = include_bytes!("../typeface/Inter-Regular.ttf");
const STRONG: &[u8] = include_bytes!("../typeface/Inter-SemiBold.ttf");

/// The colours, those of the light theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    Text,
    /// What is beside the point.
    Quiet,
    /// Lines between things.
    Line,
    /// The line of a chart.
    Accent,
    /// What lies below it.
    Tint,
}

impl Ink {
    fn colour(self) -> rgb::Color {
        match self {
            Ink::Text => rgb::Color::new(0x13, 0x1a, 0x2e),
            Ink::Quiet => rgb::Color::new(0x55, 0x60, 0x7a),
            Ink::Line => rgb::Color::new(0xdf, 0xe3, 0xee),
            Ink::Accent => rgb::Color::new(0x0f, 0x76, 0x6e),
            Ink::Tint => rgb::Color::new(0xe2, 0xef, 0xee),
        }
    }
}

/// Something on a page; places are from its upper left.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Text from a place on its baseline.
    Text { at: (f32, f32), size: f32, strong: bool, ink: Ink, text: String },
    /// A filled rectangle: left, top, width, height.
    Box { at: (f32, f32), size: (f32, f32), ink: Ink },
    /// A line through places.
    Line { through: Vec<(f32, f32)>, width: f32, dashed: bool, ink: Ink },
    /// A filled outline.
    Area { through: Vec<(f32, f32)>, ink: Ink },
}

/// What lies on a page.
pub type PageMarks = Vec<Mark>;

/// The two faces of the typeface, to measure with and to draw with.
pub struct Faces {
    measured: [FontRef<'static>; 2],
    drawn: [Font; 2],
}

impl Faces {
    /// Those in the program.
    pub fn shipped() -> Result<Faces, PdfError> {
        let measured = |data| FontRef::new(data).map_err(|_| PdfError::Typeface);
        let drawn = |data: &'static [u8]| Font::new(data.to_vec().into(), 0).ok_or(PdfError::Typeface);
        Ok(Faces { measured: [measured(REGULAR)?, measured(STRONG)?], drawn: [drawn(REGULAR)?, drawn(STRONG)?] })
    }

    /// How wide a text is, in points.
    pub fn width(&self, text: &str, size: f32, strong: bool) -> f32 {
        let face = &self.measured[usize::from(strong)];
        let (letters, metrics) = (face.charmap(), face.glyph_metrics(Size::new(size), LocationRef::default()));
        text.chars().filter_map(|c| metrics.advance_width(letters.map(c)?)).sum()
    }

    /// The text with what the typeface can draw.
    pub fn drawable(&self, text: &str) -> String {
        let letters = self.measured[0].charmap();
        let known = |c: char| {
            if c.is_control() {
                ' '
            } else if letters.map(c).is_some() {
                c
            } else {
                REPLACEMENT
            }
        };
        text.chars().map(known).collect()
    }
}

/// The file of pages.
pub fn file(title: &str, pages: &[PageMarks], faces: &Faces) -> Result<Vec<u8>, PdfError> {
    let mut document = Document::new();
    let about = Metadata::new().title(title.to_owned()).language("en-GB".into()).creator("Takings".into());
    document.set_metadata(about);
    for marks in pages {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1);
        let size = size.ok_or_else(|| PdfError::Library("it knows no such page".into()))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for mark in marks {
            draw(&mut surface, mark, faces);
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PdfError::Library(format!("{error:?}")))
}

fn fill(ink: Ink) -> Fill {
    Fill { paint: ink.colour().into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, faces: &Faces) {
    match mark {
        Mark::Text { at, size, strong, ink, text } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            let face = faces.drawn[usize::from(*strong)].clone();
            surface.draw_text(Point::from_xy(at.0, at.1), face, *size, text, false, TextDirection::Auto);
        }
        Mark::Box { at, size, ink } => {
            // A box without a width is nothing to draw.
            let Some(rect) = Rect::from_xywh(at.0, at.1, size.0, size.1) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            path.finish().iter().for_each(|path| surface.draw_path(path));
        }
        Mark::Line { through, width, dashed, ink } => {
            let dash = dashed.then(|| StrokeDash { array: vec![4.0, 3.0], offset: 0.0 });
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke { paint: ink.colour().into(), width: *width, dash, ..Stroke::default() }));
            path(through, false).iter().for_each(|path| surface.draw_path(path));
        }
        Mark::Area { through, ink } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            path(through, true).iter().for_each(|path| surface.draw_path(path));
        }
    }
}

fn path(through: &[(f32, f32)], closes: bool) -> Option<krilla::geom::Path> {
    let (first, rest) = through.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0, first.1);
    rest.iter().for_each(|(x, y)| path.line_to(*x, *y));
    if closes {
        path.close();
    }
    path.finish()
}
