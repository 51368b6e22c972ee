//! A large file of royalties: parsed, previewed and applied, how many rows a second and how much memory.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use jiff::ToSpan as _;
use jiff::civil::Date;
use takings::imports::report;
use takings::imports::run::{self, File};
use takings::live::bus::Bus;

use crate::Outcome;
use crate::bench::Bench;
use crate::report::Report;

/// The first week of the file.
const FIRST_WEEK: Date = Date::constant(2023, 1, 2);
/// Weeks of the file.
const WEEKS: u32 = 100;
/// Countries of the file.
const COUNTRIES: [&str; 10] = ["GB", "US", "DE", "FR", "NL", "IE", "ES", "IT", "SE", "CA"];

/// A weekly report by country and title, of so many rows.
pub fn weekly(rows: u32) -> String {
    let mut text = "report_week_start,report_week_end,total_minutes,country,title\n".to_owned();
    for n in 0..rows {
        let week = FIRST_WEEK.saturating_add((i64::from(n % WEEKS) * 7).days());
        let until = week.saturating_add(6.days());
        let (country, title) = (COUNTRIES[(n / WEEKS) as usize % COUNTRIES.len()], n / WEEKS / COUNTRIES.len() as u32);
        let _ = writeln!(text, "{week},{until},{},{country},Title {title}", 1 + n.wrapping_mul(7919) % 5_000);
    }
    text
}

/// Measures files of each size: a parse, a preview, and an import into an empty ledger.
pub async fn run(bench: &Bench, rows: &[u32]) -> Outcome<()> {
    let columns =
        ["file MB", "parsed rows/s", "+MB", "previewed rows/s", "+MB", "applied rows/s", "+MB", "/royalties ms"];
    let mut report = Report::new("A file of royalties", &["rows"], &columns);
    for &rows in rows {
        let mut runs = Vec::new();
        for _ in 0..bench.repetitions {
            empty(bench).await?;
            runs.push(measure(bench, rows).await?);
        }
        report.add(&[&rows], &runs);
    }
    report.print();
    Ok(())
}

async fn measure(bench: &Bench, rows: u32) -> Outcome<Vec<f64>> {
    let text = weekly(rows).into_bytes();
    let megabytes = text.len() as f64 / 1e6;
    let (today, per) = (Date::constant(2026, 1, 1), |began: Instant| f64::from(rows) / began.elapsed().as_secs_f64());
    let (before, began) = (Memory::reset()?, Instant::now());
    let read = report::read(&text, &[], today)?;
    let parsed = [per(began), before.grown_mb()?];
    if read.entries.len() != rows as usize {
        return Err(format!("{} rows of {rows} were read", read.entries.len()).into());
    }
    drop(read);
    let file = File::new("weekly.csv", text);
    let (before, began) = (Memory::reset()?, Instant::now());
    let mut db = bench.db.acquire().await?;
    let looked = run::look(&mut db, bench.books.workspace, vec![file.clone()], today).await?;
    let seen = run::digest(&looked);
    let previewed = [per(began), before.grown_mb()?];
    drop((looked, db));
    let (before, began) = (Memory::reset()?, Instant::now());
    run::apply(
        &bench.db,
        &Bus::of_database(&bench.db),
        &bench.books,
        vec![file],
        Some(&seen),
        ("bench", chrono::Utc::now()),
    )
    .await?;
    let applied = [per(began), before.grown_mb()?];
    sqlx::raw_sql("vacuum analyze").execute(&bench.db).await?;
    let page = page_ms(bench).await?;
    Ok([vec![megabytes], parsed.to_vec(), previewed.to_vec(), applied.to_vec(), vec![page]].concat())
}

/// What the page reads, in milliseconds: the median of some readings.
async fn page_ms(bench: &Bench) -> Outcome<f64> {
    let mut db = bench.db.acquire().await?;
    let mut times = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        takings::royalties::read::royalties(&mut db, &bench.books, chrono::Utc::now(), Default::default()).await?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

async fn empty(bench: &Bench) -> Outcome<()> {
    let tables = "truncate imports, royalty_statements, import_rows, import_drafts, royalty_periods, royalty_countries,
         royalty_titles, royalty_projections";
    sqlx::query(tables).execute(&bench.db).await?;
    sqlx::query("checkpoint").execute(&bench.db).await?;
    Ok(())
}

/// The memory of this program when something began.
struct Memory {
    resident_kb: u64,
}

impl Memory {
    /// Begins to look for a new peak.
    fn reset() -> Outcome<Memory> {
        fs::write("/proc/self/clear_refs", "5")?;
        Ok(Memory { resident_kb: status("VmRSS:")? })
    }

    /// By how much it was more at its peak since.
    fn grown_mb(&self) -> Outcome<f64> {
        Ok(status("VmHWM:")?.saturating_sub(self.resident_kb) as f64 / 1024.0)
    }
}

fn status(name: &str) -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("this program has no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
