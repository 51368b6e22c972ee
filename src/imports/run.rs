//! Importing files of royalties: looked at, applied in one transaction, taken back.

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};

use crate::imports::columns::Mapping;
use crate::imports::plan::{Outcome, Plan, Step, reach, words};
use crate::imports::report::{self, Refused, Report};
use crate::imports::store;
use crate::live::bus::{Bus, Kind};
use crate::period::Instant;
use crate::royalties::model::{Figure, Ledger, quarter_of};
use crate::royalties::projection::Kept;
use crate::royalties::totals::Periods;
use crate::royalties::{read, store as royalties, sums_store};
use crate::sales::books::Books;

/// Characters of a file's name that are kept.
const NAME_CHARS_MAX: usize = 200;

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, as whoever sent it called it.
    pub name: String,
    /// The file.
    pub content: Vec<u8>,
}

impl File {
    /// A file; of its name the last part is kept, in one line.
    pub fn new(name: &str, content: Vec<u8>) -> File {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let plain: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        File { name: if plain.trim().is_empty() { "file".into() } else { plain.trim().to_owned() }, content }
    }

    /// Names exactly this file.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.content).into()
    }
}

/// Where this very file was met before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// It is imported: by whom, and when.
    Imported(String, Instant),
    /// It is among the same files, at this place from 1.
    Among(usize),
}

/// A file that was looked at.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The name of the file.
    pub name: String,
    /// Names exactly this file.
    pub sha256: [u8; 32],
    /// Whether this very file was met before: then it changes nothing.
    pub before: Option<Before>,
    /// What is in it and what it would change, or why it cannot be imported. The plan has the report's entries.
    pub found: Result<(Report, Plan), Refused>,
}

impl Looked {
    /// What it would change, if it can be imported and was not.
    pub fn plan(&self) -> Option<(&Report, &Plan)> {
        let (report, plan) = self.found.as_ref().ok()?;
        self.before.is_none().then_some((report, plan))
    }

    /// Rows that are not taken: those that could not be read, and those that what is stored outranks.
    pub fn rejected(report: &Report, plan: &Plan) -> usize {
        report.rejected.len() + plan.count(Outcome::Outranked)
    }
}

/// Names what some files would change: applying it elsewhere or later would be another thing.
pub fn digest(looked: &[Looked]) -> String {
    let mut hash = Sha256::new();
    for one in looked {
        hash.update(one.sha256);
        hash.update([u8::from(one.before.is_some())]);
        one.found.iter().flat_map(|(_, plan)| &plan.steps).for_each(|step| put(&mut hash, step));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A step as bytes that are those of no other.
fn put(hash: &mut Sha256, step: &Step) {
    let Step { entry, old, outcome } = step;
    let date = |hash: &mut Sha256, date: Date| {
        hash.update(date.year().to_le_bytes());
        hash.update([date.month() as u8, date.day() as u8]);
    };
    let figure = |hash: &mut Sha256, figure: &Figure| {
        hash.update(figure.minutes.to_le_bytes());
        hash.update(figure.revenue_minor.unwrap_or(-1).to_le_bytes());
        hash.update([figure.stage as u8]);
    };
    hash.update(entry.line.to_le_bytes());
    hash.update([entry.key.series as u8, *outcome as u8]);
    date(hash, entry.key.first);
    date(hash, entry.key.last);
    for text in [&entry.key.country, &entry.key.title] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    figure(hash, &entry.figure);
    hash.update([u8::from(old.is_some())]);
    if let Some(old) = old {
        figure(hash, &old.figure);
        hash.update(old.origin.import.to_le_bytes());
        hash.update(old.origin.line.to_le_bytes());
    }
}

/// Why nothing was imported or taken back. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What is stored has changed since somebody looked.
    #[error("what is stored has changed since you looked: look at the files again")]
    Changed,
    /// Nothing that can be imported is among the files.
    #[error("there is nothing to import in these files")]
    Nothing,
    /// There is no such import, or it was taken back.
    #[error("there is no such import, or it was taken back already")]
    Gone,
    /// Later imports say something of the same rows.
    #[error("{}", .0.join(" "))]
    Touched(Vec<String>),
    /// The database refused or was away.
    #[error("the database could not be used: {0}")]
    Database(#[from] sqlx::Error),
    /// Reading a file was given up.
    #[error("the files could not be read: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Looks at files, each as if those before it were imported. Nothing is changed.
pub async fn look(
    db: &mut PgConnection,
    workspace: i32,
    files: Vec<File>,
    today: Date,
) -> Result<Vec<Looked>, ImportError> {
    let mappings = store::mappings(db, workspace).await?;
    let mut looked = Vec::new();
    for file in files {
        looked.push(read(file, mappings.clone(), today).await?);
    }
    // What is stored around all of them, with what each of them adds.
    let reports = || looked.iter().filter_map(|one: &Unplanned| one.report.as_ref().ok());
    let ends: Vec<(Date, Date)> = reports().filter_map(|report| reach(&report.entries)).collect();
    let first = ends.iter().map(|(first, _)| *first).min();
    let last = ends.iter().map(|(_, last)| *last).max();
    let (mut ledger, mut periods) = (Ledger::new(), Periods::default());
    if let Some((first, last)) = first.zip(last) {
        periods = sums_store::periods(db, workspace, first, last).await?;
        // Of a period that nothing is stored of, nothing is looked for.
        let keys = reports().flat_map(|report| &report.entries).map(|entry| &entry.key);
        ledger = royalties::of_keys(db, workspace, keys.filter(|key| periods.has(key))).await?;
    }
    let count = looked.len();
    let mut planned: Vec<Looked> = Vec::new();
    for (n, Unplanned { name, sha256, report }) in looked.into_iter().enumerate() {
        let imported = store::same_file(db, workspace, &sha256).await?;
        let among = || planned.iter().position(|earlier| earlier.sha256 == sha256).map(|at| Before::Among(at + 1));
        let before = imported.map(|(by, at)| Before::Imported(by, at)).or_else(among);
        let found = report.map(|mut report| {
            let entries = std::mem::take(&mut report.entries);
            // What was imported before adds nothing.
            let mut aside = before.is_some().then(|| periods.clone());
            let plan = Plan::of(entries, &ledger, aside.as_mut().unwrap_or(&mut periods));
            (report, plan)
        });
        let one = Looked { name, sha256, before, found };
        if let Some((_, plan)) = one.plan().filter(|_| n + 1 < count) {
            // No number of an import is below one: what is not stored yet has none.
            plan.apply(-(i32::try_from(n).unwrap_or(0)), &mut ledger);
        }
        planned.push(one);
    }
    Ok(planned)
}

/// A file that was read.
struct Unplanned {
    name: String,
    sha256: [u8; 32],
    report: Result<Report, Refused>,
}

/// Reads a file where it holds nobody up.
async fn read(file: File, mappings: Vec<Mapping>, today: Date) -> Result<Unplanned, ImportError> {
    let work = move || Unplanned {
        sha256: file.sha256(),
        report: report::read(&file.content, &mappings, today),
        name: file.name,
    };
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The numbers of the imports.
    pub imports: Vec<i32>,
    /// Rows that are stored as the files say: new, changed and the same.
    pub rows: usize,
}

/// Imports files: all that can be, in one transaction. With `seen`, only if they would change what whoever saw them was told.
pub async fn apply(
    db: &PgPool,
    bus: &Bus,
    books: &Books,
    files: Vec<File>,
    seen: Option<&str>,
    by: (&str, Instant),
) -> Result<Done, ImportError> {
    let (workspace, today) = (books.workspace, books.calendar.date(by.1));
    let mut tx = db.begin().await?;
    store::lock(&mut tx, workspace).await?;
    let looked = look(&mut tx, workspace, files, today).await?;
    if seen.is_some_and(|seen| seen != digest(&looked)) {
        return Err(ImportError::Changed);
    }
    let mut done = Done { imports: Vec::new(), rows: 0 };
    let mut numbers = std::collections::BTreeMap::new();
    for (n, one) in looked.into_iter().enumerate() {
        let Looked { name, sha256, before: None, found: Ok((report, mut plan)) } = one else { continue };
        let counted = |rows: usize| i32::try_from(rows).unwrap_or(i32::MAX);
        let taken = [Outcome::New, Outcome::Changed, Outcome::Same].map(|outcome| plan.count(outcome));
        let [new, changed, same] = taken.map(counted);
        let counts = [new, changed, same, counted(Looked::rejected(&report, &plan))];
        let file = (name.as_str(), sha256.as_slice(), report.kind.name());
        let import = store::add(&mut tx, workspace, file, counts, by).await?.ok_or(ImportError::Changed)?;
        numbers.insert(-(i32::try_from(n).unwrap_or(0)), import);
        // What stood in a row's place may be from a file before it, which has its number now.
        for old in plan.steps.iter_mut().filter_map(|step| step.old.as_mut()) {
            old.origin.import = numbers.get(&old.origin.import).copied().unwrap_or(old.origin.import);
        }
        store::write(&mut tx, workspace, import, &plan.steps).await?;
        sums_store::renew(&mut tx, workspace, Some(import)).await?;
        done.imports.push(import);
        done.rows += taken.iter().sum::<usize>();
    }
    if done.imports.is_empty() {
        return Err(ImportError::Nothing);
    }
    keep_projection(&mut tx, workspace, today).await?;
    tx.commit().await?;
    bus.tell(Kind::Imports).await;
    Ok(done)
}

/// Takes an import back. Refused while a later one holds that says something of the same rows.
pub async fn undo(db: &PgPool, bus: &Bus, books: &Books, import: i32, by: (&str, Instant)) -> Result<(), ImportError> {
    let workspace = books.workspace;
    let mut tx = db.begin().await?;
    store::lock(&mut tx, workspace).await?;
    let later = store::later(&mut tx, workspace, import).await?;
    if !later.is_empty() {
        let reason = |later: &store::Later| {
            let store::Later { import, file_name, rows, example } = later;
            let rows = if *rows == 1 { "row".to_owned() } else { format!("{rows} rows") };
            let example = words(example);
            format!("Import {import} ({file_name}) is about {rows} of it, such as {example}: take that one back first.")
        };
        return Err(ImportError::Touched(later.iter().map(reason).collect()));
    }
    if !store::undo(&mut tx, workspace, import, by).await? {
        return Err(ImportError::Gone);
    }
    sums_store::renew(&mut tx, workspace, Some(import)).await?;
    keep_projection(&mut tx, workspace, books.calendar.date(by.1)).await?;
    tx.commit().await?;
    bus.tell(Kind::Imports).await;
    Ok(())
}

/// Keeps what the running quarter is projected to bring, as it stands now (R4).
async fn keep_projection(tx: &mut PgConnection, workspace: i32, today: Date) -> sqlx::Result<()> {
    let quarter = quarter_of(today);
    let Some(projection) = read::projection(tx, workspace, today).await? else { return Ok(()) };
    let (low_minor, mid_minor, high_minor) = projection.range_minor();
    royalties::keep_projection(tx, workspace, &Kept { quarter, made_on: today, low_minor, mid_minor, high_minor }).await
}
