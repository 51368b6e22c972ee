//! Histograms, medians and tables.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets a power of two: a percentile is at most 1.6 % too low.
const STEPS: u64 = 64;
/// Enough buckets for an hour.
const BUCKETS: usize = 28 * STEPS as usize;

/// Counts durations by the microsecond, above 128 µs by steps of 1/64. Shared by many tasks.
pub struct Histogram(Box<[AtomicU64]>);

impl Histogram {
    /// An empty one.
    pub fn new() -> Histogram {
        Histogram((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Counts a duration.
    pub fn add(&self, duration: Duration) {
        self.add_many(duration.as_micros() as u64, 1);
    }

    /// Counts `n` times `micros`.
    pub fn add_many(&self, micros: u64, n: u64) {
        self.0[bucket(micros).min(BUCKETS - 1)].fetch_add(n, Relaxed);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|n| n.load(Relaxed)).sum()
    }

    /// The `share` quantile in milliseconds; 0 where nothing was counted.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        let reached = self.0.iter().position(|n| {
            seen += n.load(Relaxed);
            seen >= rank.max(1)
        });
        reached.map_or(0.0, |i| floor_micros(i) as f64 / 1000.0)
    }
}

fn bucket(micros: u64) -> usize {
    if micros < 2 * STEPS {
        return micros as usize;
    }
    let shift = micros.ilog2() - STEPS.ilog2();
    (STEPS * u64::from(shift) + (micros >> shift)) as usize
}

fn floor_micros(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS { bucket } else { (STEPS + bucket % STEPS) << (bucket / STEPS - 1) }
}

/// A table, in Markdown so that it can be kept.
pub struct Report {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Report {
    /// A table whose rows are named by `labels` and measured in `figures`.
    pub fn new(title: &str, labels: &[&str], figures: &[&str]) -> Report {
        let columns = labels.iter().chain(figures).map(|&column| column.to_owned()).collect();
        Report { title: title.to_owned(), columns, rows: Vec::new() }
    }

    /// Adds a row of words.
    pub fn say(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds a row: the median of each figure over the repetitions.
    pub fn add(&mut self, labels: &[&dyn Display], runs: &[Vec<f64>]) {
        let figures = medians(runs).into_iter().map(figure);
        self.rows.push(labels.iter().map(|label| label.to_string()).chain(figures).collect());
        eprintln!("  {}", self.rows.last().map(|row| row.join(" | ")).unwrap_or_default());
    }

    /// Prints it.
    pub fn print(&self) {
        let width = |i: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(i)).chain(self.columns.get(i));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let line = |cells: &[String]| {
            cells.iter().enumerate().fold(String::from("|"), |mut line, (i, cell)| {
                let _ = write!(line, " {cell:>0$} |", width(i));
                line
            })
        };
        println!("\n## {}\n\n{}", self.title, line(&self.columns));
        let rule: String = (0..self.columns.len()).map(|i| format!("{}:|", "-".repeat(width(i) + 1))).collect();
        println!("|{rule}");
        self.rows.iter().for_each(|row| println!("{}", line(row)));
    }
}

/// The median of each column.
pub fn medians(runs: &[Vec<f64>]) -> Vec<f64> {
    let columns = runs.first().map_or(0, Vec::len);
    let median = |i: usize| {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(i).copied()).collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        (low + high) / 2.0
    };
    (0..columns).map(median).collect()
}

/// Whole numbers as they are; else three digits that count, or the whole part.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if value.fract() == 0.0 || size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_floor_and_loses_at_most_one_part_in_64() {
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_003, 3_600_000_000]) {
            let floor = floor_micros(bucket(micros));
            assert!(floor <= micros && micros - floor <= micros / 64, "{micros} became {floor}");
            assert!(bucket(micros) < BUCKETS);
        }
    }
}
