//! The page of goals, notes and milestones: plain forms that need no script, so the browser's half of the program leaves it
//! out.

use leptos::prelude::*;

use crate::goals::model::{GoalMeasure, GoalPeriod, NOTE_CHARS_MAX};
use crate::ui::field::{Field, Hint, Problem, described_by, invalid};
use crate::ui::frame::Frame;

/// What the page says of a form that was sent: the word in its address, and the sentence.
pub const SAYINGS: &[(&str, &str)] = &[
    ("goal-set", "The goal is set."),
    ("goal-removed", "The goal is removed."),
    ("note-kept", "The note is kept."),
    ("note-removed", "The note is removed."),
];

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalsShown {
    /// What has come of the form before; empty mostly.
    pub said: &'static str,
    /// The reporting currency.
    pub currency: String,
    /// The goals.
    pub goals: Vec<GoalLine>,
    /// The notes, the newest first.
    pub notes: Vec<NoteLine>,
    /// The milestones, dates and words, the newest first.
    pub milestones: Vec<(String, String)>,
    /// What stands in the form of a goal.
    pub goal: GoalFields,
    /// What is wrong with it.
    pub goal_problem: String,
    /// What stands in the form of a note.
    pub note: NoteFields,
    /// What is wrong with it.
    pub note_problem: String,
    /// Whether who looks at it may write.
    pub may_write: bool,
}

/// A goal in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalLine {
    /// Its number.
    pub id: i32,
    /// What it is for.
    pub title: String,
    /// The target.
    pub target: String,
    /// Why it is not compared; empty mostly.
    pub note: String,
    /// Who set it.
    pub set_by: String,
}

/// A note in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteLine {
    /// Its number.
    pub id: i32,
    /// Its days in words.
    pub days: String,
    /// Its first day.
    pub first: String,
    /// Its last day, where it is another.
    pub last: String,
    /// What it says.
    pub text: String,
    /// Who wrote it and when.
    pub written: String,
    /// Whether who looks at it may change it.
    pub may_change: bool,
}

impl NoteLine {
    /// The note as its form has it.
    pub fn fields(&self) -> NoteFields {
        NoteFields {
            id: self.id.to_string(),
            first: self.first.clone(),
            last: self.last.clone(),
            text: self.text.clone(),
        }
    }
}

/// A goal as its form has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalFields {
    /// The name of its period.
    pub period: String,
    /// The name of its measure.
    pub measure: String,
    /// Its target.
    pub target: String,
}

/// A note as its form has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteFields {
    /// Its number; empty for a new one.
    pub id: String,
    /// Its first day.
    pub first: String,
    /// Its last day; empty for one day.
    pub last: String,
    /// What it says.
    pub text: String,
}

/// `/goals`.
#[component]
pub fn GoalsPage(goals: GoalsShown) -> impl IntoView {
    let GoalsShown { said, currency, goals, notes, milestones, goal, goal_problem, note, note_problem, may_write } =
        goals;
    let is_refused = !goal_problem.is_empty() || !note_problem.is_empty();
    let goal_list = goals.into_iter().map(|line| view! { <GoalRow line may_write/> }).collect_view();
    let note_list = notes.into_iter().map(|line| view! { <NoteRow line/> }).collect_view();
    let milestones = milestones.into_iter().map(|(date, title)| {
        view! { <li><time class="quiet" datetime=date.clone()>{date.clone()}</time>" "{title}</li> }
    });
    view! {
        <Frame title="Goals and notes">
            <h1>"Goals and notes"</h1>
            <p class="done" class:is-gone=said.is_empty() role="status">{said}</p>
            {is_refused.then(|| view! { <p class="problem" role="alert">"Nothing was changed. What is wrong stands beside its field."</p> })}
            {(!may_write).then(|| view! { <p class="quiet">"Viewers read; analysts and administrators set goals and write notes."</p> })}
            <section class="card part" aria-labelledby="goals">
                <h2 id="goals">"Goals"</h2>
                <p class="quiet">"What each period should bring, of all orders. The dashboard shows how far the running one is."</p>
                <ul class="lines">{goal_list}</ul>
                {may_write.then(|| view! { <GoalForm goal problem=goal_problem currency/> })}
            </section>
            <section class="card part" aria-labelledby="notes">
                <h2 id="notes">"Notes"</h2>
                <p class="quiet">"What is to be remembered of a day: charts mark it there."</p>
                {may_write.then(|| view! { <NoteForm note problem=note_problem/> })}
                <ul class="lines">{note_list}</ul>
            </section>
            <section class="card part" aria-labelledby="milestones">
                <h2 id="milestones">"Milestones"</h2>
                <p class="quiet">"What the shop has passed for the first time, as the figures are now."</p>
                <ul class="lines">{milestones.collect_view()}</ul>
            </section>
        </Frame>
    }
}

#[component]
fn GoalRow(line: GoalLine, may_write: bool) -> impl IntoView {
    let GoalLine { id, title, target, note, set_by } = line;
    let label = format!("Remove the goal {title}");
    view! {
        <li class="line">
            <p><strong>{title}</strong>": "{target}" "<span class="quiet">"set by "{set_by}</span>" "<span class="problem">{note}</span></p>
            {may_write.then(|| view! {
                <form method="post" action="/goals/remove">
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="button" type="submit" aria-label=label>"Remove"</button>
                </form>
            })}
        </li>
    }
}

#[component]
fn GoalForm(goal: GoalFields, problem: String, currency: String) -> impl IntoView {
    let periods = GoalPeriod::ALL.map(|period| {
        let selected = period.name() == goal.period;
        view! { <option value=period.name() selected=selected>{format!("each {}", period.name())}</option> }
    });
    let measures = GoalMeasure::ALL.map(|measure| {
        let selected = measure.name() == goal.measure;
        view! { <option value=measure.name() selected=selected>{measure.title()}</option> }
    });
    view! {
        <form class="form is-row" method="post" action="/goals/set">
            <div class="field"><label for="measure">"What"</label><select id="measure" name="measure">{measures.collect_view()}</select></div>
            <div class="field"><label for="period">"When"</label><select id="period" name="period">{periods.collect_view()}</select></div>
            <div class="field">
                <label for="target">{format!("Target, in {currency} or orders")}</label>
                <input id="target" name="target" inputmode="decimal" maxlength="24" required=true autocomplete="off" value=goal.target aria-invalid=invalid(&problem) aria-describedby=described_by("target")/>
            </div>
            <button class="button is-primary" type="submit">"Set the goal"</button>
            <div class="field is-whole">
                <Problem field="target" sentence=problem/>
                <Hint field="target" text="Another goal of the same measure and period takes its place. If the reporting currency changes, goals of money have to be set again."/>
            </div>
        </form>
    }
}

#[component]
fn NoteRow(line: NoteLine) -> impl IntoView {
    let NoteLine { id, days, text, written, may_change, .. } = line;
    let (change, remove) = (format!("Change the note of {days}"), format!("Remove the note of {days}"));
    view! {
        <li class="line" id=format!("note-{id}")>
            <p><strong>{days}</strong>" "<span>{text}</span>" "<span class="quiet">{written}</span></p>
            {may_change.then(|| view! {
                <form method="post" action="/goals/note/remove">
                    <a class="button" href=format!("/goals?note={id}#note-form") aria-label=change>"Change"</a>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="button" type="submit" aria-label=remove>"Remove"</button>
                </form>
            })}
        </li>
    }
}

#[component]
fn NoteForm(note: NoteFields, problem: String) -> impl IntoView {
    let NoteFields { id, first, last, text } = note;
    let is_new = id.is_empty();
    view! {
        <form class="form is-row" id="note-form" method="post" action="/goals/note">
            <input type="hidden" name="id" value=id/>
            <div class="field"><label for="first">"Day"</label><input id="first" name="first" type="date" required=true value=first/></div>
            <div class="field"><label for="last">"Last day, if there are more"</label><input id="last" name="last" type="date" value=last/></div>
            <Field name="text" label="Note" problem=problem.clone() hint="At most 280 characters of plain text, with your name beside it." is_whole=true>
                <input id="text" name="text" required=true autocomplete="off" maxlength=NOTE_CHARS_MAX.to_string() value=text aria-invalid=invalid(&problem) aria-describedby=described_by("text")/>
            </Field>
            <button class="button is-primary" type="submit">{if is_new { "Add the note" } else { "Keep the change" }}</button>
            {(!is_new).then(|| view! { <a class="button" href="/goals">"Leave it as it was"</a> })}
        </form>
    }
}
