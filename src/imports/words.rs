//! What importing a file would do, in sentences: the same on the page, on the command line and for scripts.

use crate::imports::plan::{Outcome, Plan, Step, words};
use crate::imports::report::Report;
use crate::imports::run::{Before, Looked};
use crate::money::{self, count};
use crate::period::Calendar;
use crate::royalties::model::{Figure, ROYALTY_CURRENCY};

/// How many rows are new, changed, the same and rejected.
pub fn counts(report: &Report, plan: &Plan) -> String {
    let of = |outcome: Outcome| count(plan.count(outcome) as i64);
    let rejected = count(Looked::rejected(report, plan) as i64);
    let (new, changed, same) = (of(Outcome::New), of(Outcome::Changed), of(Outcome::Same));
    format!("{new} new, {changed} changed, {same} same, {rejected} rejected")
}

/// What is said of a file that was met before.
pub fn before(before: &Before, calendar: &Calendar) -> String {
    match before {
        Before::Imported(by, at) => {
            let at = calendar.local(*at).strftime("%-d %b %Y %H:%M");
            format!("This very file was imported by {by} on {at}. It is not imported again.")
        }
        Before::Among(place) => format!("This very file is file {place} too. It is imported once."),
    }
}

/// The rows that are not taken, each with its line, its column and the reason.
pub fn rejected(report: &Report, plan: &Plan) -> impl Iterator<Item = String> {
    let unread = report.rejected.iter().map(|row| {
        let column = if row.column.is_empty() { String::new() } else { format!(", {}", row.column) };
        format!("Line {}{column}: {}.", row.line, row.reason)
    });
    let outranked = plan.steps.iter().filter(|step| step.outcome == Outcome::Outranked).map(|step| {
        let stage = step.old.map_or("final", |old| old.figure.stage.name());
        format!("Line {}: {} is {stage} already and stays.", step.entry.line, words(&step.entry.key))
    });
    unread.chain(outranked)
}

/// The rows that change something: what they are of, what there was and what there will be.
pub fn differences(plan: &Plan) -> impl Iterator<Item = (u32, String, String, String)> {
    plan.steps.iter().filter(|step| step.writes()).map(|Step { entry, old, .. }| {
        let old = old.map_or_else(|| "—".to_owned(), |old| figure(&old.figure));
        (entry.line, words(&entry.key), old, figure(&entry.figure))
    })
}

/// A figure: `410,000 min, $3,456.78, final`.
pub fn figure(figure: &Figure) -> String {
    let money = figure.revenue_minor.map(|minor| format!(", {}", money::display(minor, ROYALTY_CURRENCY)));
    let minutes = count(figure.minutes);
    format!("{minutes} min{}, {}", money.unwrap_or_default(), figure.stage.name())
}
