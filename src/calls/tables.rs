//! Cells that the tables of calls share.

use crate::calls::model::{FIGURES, Means};
use crate::calls::quality::Quality;
use crate::calls::shown::decimal;
use crate::table::{Column, Value};

/// The columns of a person's figures.
pub fn figure_columns() -> impl Iterator<Item = Column> {
    FIGURES.iter().map(|figure| Column::number(figure.name, &format!("{}, {}", figure.title, figure.unit)))
}

/// Their cells.
pub fn figure_cells(means: &Means) -> impl Iterator<Item = Value> {
    FIGURES.iter().zip(means.figures()).map(|(figure, value)| decimal(value, figure.digits))
}

/// A quality in words.
pub fn quality_cell(quality: Option<Quality>) -> Value {
    quality.map_or(Value::Empty, |quality| Value::Text(quality.title().into()))
}
