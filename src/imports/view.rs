//! The page of imports: plain forms that need no script, so the browser's half of the program leaves it out.

use leptos::prelude::*;

use crate::imports::columns::Field;
use crate::imports::sheet::FILE_BYTES_MAX;
use crate::royalties::view::CHANGES;
use crate::ui::frame::Frame;

/// Files that are looked at together at most.
pub const FILES_MAX: usize = 20;

/// What the page says of a form that was sent: the word in its address, and the sentence.
pub const SAYINGS: &[(&str, &str)] = &[
    ("imported", "The files are imported."),
    ("undone", "The import is taken back: what was before stands again."),
    ("mapped", "The columns are remembered for every file with these headings."),
];

/// The page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportsShown {
    /// What has come of the form before; empty mostly.
    pub said: &'static str,
    /// Why nothing came of it, in sentences; empty mostly.
    pub problems: Vec<String>,
    /// How many changes there had been when the page was made, if it follows them.
    pub changes: Option<i64>,
    /// Files that were looked at; none on the page of history.
    pub looked: Option<PreviewShown>,
    /// The imports, the newest first.
    pub history: Vec<ImportLine>,
    /// Whether who looks at it may import.
    pub may_write: bool,
}

/// Files before they are imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreviewShown {
    /// Names what they would change.
    pub digest: String,
    /// The names of the files that wait.
    pub drafts: Vec<String>,
    /// The files.
    pub files: Vec<FileShown>,
    /// Whether any of them can be imported.
    pub can_apply: bool,
}

/// A file before it is imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileShown {
    /// Its name.
    pub name: String,
    /// What it is and how many rows come to what; or why it cannot be imported.
    pub summary: String,
    /// Whether it cannot be imported.
    pub is_refused: bool,
    /// What looks odd, and what was left out.
    pub warnings: Vec<String>,
    /// Rows that are not taken.
    pub rejected: Vec<String>,
    /// Rows that change something: line, what it is of, old and new.
    pub differences: Vec<(u32, String, String, String)>,
    /// How many rows are not shown.
    pub hidden: String,
    /// Headings to explain, where they are not known.
    pub unknown: Option<UnknownShown>,
}

/// Headings that are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownShown {
    /// The name of the file that waits.
    pub draft: String,
    /// Each heading, what stands below it, and the name of the field it is taken for.
    pub columns: Vec<(String, String, &'static str)>,
}

/// An import in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLine {
    /// Its number.
    pub id: i32,
    /// Its file.
    pub file_name: String,
    /// What it is and how many rows came to what.
    pub summary: String,
    /// Who imported it and when, and who took it back.
    pub made: String,
    /// Whether it can be taken back.
    pub may_undo: bool,
}

/// `/imports`.
#[component]
pub fn ImportsPage(imports: ImportsShown) -> impl IntoView {
    let ImportsShown { said, problems, changes, looked, history, may_write } = imports;
    let is_refused = !problems.is_empty();
    let problems = problems.into_iter().map(|sentence| view! { <li>{sentence}</li> }).collect_view();
    let is_empty = history.is_empty();
    let history = history.into_iter().map(|line| view! { <HistoryRow line/> }).collect_view();
    view! {
        <Frame title="Imports">
            <div class="titled" data-live=changes.map(|_| CHANGES) data-changes=changes.map(|changes| changes.to_string())>
                <h1>"Imports"</h1>
                <p class="live-said" role="status"></p>
            </div>
            <p class="done" class:is-gone=said.is_empty() role="status">{said}</p>
            {is_refused.then(|| view! { <div class="problem" role="alert"><p>"Nothing was changed."</p><ul>{problems}</ul></div> })}
            {(!may_write).then(|| view! { <p class="quiet">"Viewers read; analysts and administrators import files."</p> })}
            {looked.map(|looked| view! { <Preview looked may_write/> })}
            {may_write.then(|| view! {
                <section class="card part" aria-labelledby="upload">
                    <h2 id="upload">"Look at files"</h2>
                    <UploadForm/>
                </section>
                <p class="drop-here" aria-hidden="true">"Drop files of royalties to see what they change"</p>
            })}
            <section class="card part" id="imported" aria-labelledby="history">
                <h2 id="history">"History"</h2>
                {is_empty.then(|| view! { <p class="quiet">"No file of royalties is imported yet."</p> })}
                <ul class="lines">{history}</ul>
            </section>
        </Frame>
    }
}

/// The form that files are sent with. The script of plain pages sends them one by one and takes what is dropped on the page.
#[component]
pub fn UploadForm() -> impl IntoView {
    let (files_max, bytes_max) = (FILES_MAX.to_string(), FILE_BYTES_MAX.to_string());
    let hint = format!(
        "CSV, XLSX, XLSM, XLS or ODS, at most 50 MB each and {FILES_MAX} at once. Nothing is stored before you have seen what changes."
    );
    view! {
        <div data-upload="" data-address="/imports/files" data-preview="/imports/preview" data-files-max=files_max data-bytes-max=bytes_max>
            <form class="form" method="post" action="/imports/preview" enctype="multipart/form-data">
                <div class="field">
                    <label for="files">"Files of royalties"</label>
                    <input id="files" name="files" type="file" multiple=true required=true aria-describedby="files-hint" accept=".csv,.tsv,.txt,.xlsx,.xlsm,.xls,.ods"/>
                    <p class="quiet hint" id="files-hint">{hint}</p>
                </div>
                <p><button class="button is-primary" type="submit">"Look at what changes"</button></p>
            </form>
            <p class="uploads-said" role="status"></p>
            <ul class="uploads lines"></ul>
        </div>
    }
}

#[component]
fn Preview(looked: PreviewShown, may_write: bool) -> impl IntoView {
    let PreviewShown { digest, drafts, files, can_apply } = looked;
    let drafts =
        drafts.into_iter().map(|draft| view! { <input type="hidden" name="draft" value=draft/> }).collect_view();
    let files = files.into_iter().map(|file| view! { <FileCard file/> }).collect_view();
    view! {
        {files}
        {(can_apply && may_write).then(|| view! {
            <form class="actions decision" method="post" action="/imports/apply">
                {drafts}
                <input type="hidden" name="digest" value=digest/>
                <button class="button is-primary" type="submit">"Import this"</button>
                <a class="button" href="/imports">"Leave it"</a>
            </form>
        })}
    }
}

#[component]
fn FileCard(file: FileShown) -> impl IntoView {
    let FileShown { name, summary, is_refused, warnings, rejected, differences, hidden, unknown } = file;
    let list =
        |sentences: Vec<String>| sentences.into_iter().map(|sentence| view! { <li>{sentence}</li> }).collect_view();
    let (has_warnings, has_rejected, has_differences) =
        (!warnings.is_empty(), !rejected.is_empty(), !differences.is_empty());
    let label = format!("What {name} changes, to scroll");
    let rows = differences.into_iter().map(|(line, of, old, new)| {
        view! { <tr><th scope="row">{of}</th><td class="is-text">{old}</td><td class="is-text">{new}</td><td>{line}</td></tr> }
    });
    let rows = rows.collect_view();
    let class = if is_refused { "problem" } else { "" };
    let has_hidden = !hidden.is_empty();
    view! {
        <section class="card part">
            <h2>{name}</h2>
            <p class=class>{summary}</p>
            {has_warnings.then(|| view! { <h3>"Look at this"</h3><ul>{list(warnings)}</ul> })}
            {has_rejected.then(|| view! { <h3>"Rows that are not taken"</h3><ul>{list(rejected)}</ul> })}
            {has_differences.then(|| view! {
                <h3>"What changes"</h3>
                <div class="table-scroll is-open" tabindex="0" role="group" aria-label=label>
                    <table>
                        <thead><tr><th scope="col">"Of"</th><th scope="col" class="is-text">"Now"</th><th scope="col" class="is-text">"Afterwards"</th><th scope="col">"Line"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            })}
            {has_hidden.then(|| view! { <p class="quiet">{hidden}</p> })}
            {unknown.map(|unknown| view! { <MapForm unknown/> })}
        </section>
    }
}

#[component]
fn MapForm(unknown: UnknownShown) -> impl IntoView {
    let UnknownShown { draft, columns } = unknown;
    let columns = columns.into_iter().enumerate().map(|(n, (heading, sample, known))| {
        let options = Field::ALL.map(|field| {
            let selected = field.name() == known;
            view! { <option value=field.name() selected=selected>{field.words()}</option> }
        });
        let (id, name) = (format!("{draft}-{n}"), format!("column-{n}"));
        let sample = if sample.is_empty() { String::new() } else { format!(" (such as {sample})") };
        view! {
            <div class="field">
                <label for=id.clone()>{heading}<span class="quiet">{sample}</span></label>
                <select id=id name=name><option value="">"Leave it out"</option>{options.collect_view()}</select>
            </div>
        }
    });
    let columns = columns.collect_view();
    view! {
        <h3>"Say what the columns are"</h3>
        <p class="quiet">"It is remembered for every file with these headings."</p>
        <form class="form" method="post" action="/imports/map">
            <input type="hidden" name="draft" value=draft/>
            {columns}
            <p><button class="button is-primary" type="submit">"Remember the columns"</button></p>
        </form>
    }
}

#[component]
fn HistoryRow(line: ImportLine) -> impl IntoView {
    let ImportLine { id, file_name, summary, made, may_undo } = line;
    let (label, address) = (format!("Take import {id} back"), format!("/imports/{id}"));
    view! {
        <li class="line" id=format!("import-{id}")>
            <p><strong>{format!("{id} · ")}<a href=address>{file_name}</a></strong>" "<span>{summary}</span>" "<span class="quiet">{made}</span></p>
            {may_undo.then(|| view! {
                <form method="post" action="/imports/undo">
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="button" type="submit" aria-label=label>"Take it back"</button>
                </form>
            })}
        </li>
    }
}

/// An import with its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportShown {
    /// Its number.
    pub id: i32,
    /// The name of its file.
    pub file_name: String,
    /// What there is to know of it.
    pub facts: Vec<(&'static str, String)>,
    /// Its rows, from the one that was asked for.
    pub rows: Vec<RowShown>,
    /// The address of the rows after them.
    pub next: Option<String>,
    /// Whether it can be taken back.
    pub may_undo: bool,
}

/// A row of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowShown {
    /// Its line in the file.
    pub line: i32,
    /// Whether it is the one that was asked for.
    pub is_here: bool,
    /// What it is of.
    pub of: String,
    /// What became of it.
    pub outcome: String,
    /// What it says.
    pub figure: String,
    /// What stood in its place, and the address of where that was from.
    pub old: Option<(String, String)>,
}

/// `/imports/{id}`.
#[component]
pub fn ImportPage(import: ImportShown) -> impl IntoView {
    let ImportShown { id, file_name, facts, rows, next, may_undo } = import;
    let facts = facts.into_iter().map(|(name, text)| view! { <dt>{name}</dt><dd>{text}</dd> }).collect_view();
    let rows = rows.into_iter().map(|row| {
        let RowShown { line, is_here, of, outcome, figure, old } = row;
        let old = match old {
            Some((text, address)) => view! { <a class="explained" href=address>{text}</a> }.into_any(),
            None => "—".into_any(),
        };
        let current = is_here.then_some("true");
        view! {
            <tr id=format!("line-{line}") aria-current=current>
                <th scope="row">{line}</th>
                <td class="is-text">{of}</td>
                <td class="is-text">{outcome}</td>
                <td class="is-text">{old}</td>
                <td class="is-text">{figure}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <Frame title="An import">
            <p><a href="/imports">"Imports"</a>" · "<a href="/royalties">"Royalties"</a></p>
            <h1>{file_name}</h1>
            <section class="card part" aria-labelledby="import">
                <h2 id="import">{format!("Import {id}")}</h2>
                <dl class="facts">{facts}</dl>
                {may_undo.then(|| view! {
                    <form method="post" action="/imports/undo">
                        <input type="hidden" name="id" value=id.to_string()/>
                        <button class="button" type="submit">"Take it back"</button>
                    </form>
                })}
            </section>
            <section class="card part" aria-labelledby="rows">
                <h2 id="rows">"Rows that were taken"</h2>
                <div class="table-scroll is-open" tabindex="0" role="group" aria-label="Rows that were taken">
                    <table>
                        <thead><tr><th scope="col">"Line"</th><th scope="col" class="is-text">"Of"</th><th scope="col" class="is-text">"Was"</th><th scope="col" class="is-text">"Before"</th><th scope="col" class="is-text">"Since"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                {next.map(|next| view! { <p><a class="button" href=next>"Further rows"</a></p> })}
            </section>
        </Frame>
    }
}
