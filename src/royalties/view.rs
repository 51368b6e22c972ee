//! The page of royalties: tables that need no script, so the browser's half of the program leaves it out.

use leptos::prelude::*;

use crate::table::Data;
use crate::ui::field::{Hint, Problem, described_by};
use crate::ui::frame::Frame;
use crate::ui::plain::PlainTable;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoyaltiesShown {
    /// The running quarter.
    pub quarter: String,
    /// The current rate, and what it is of; none before the first final month.
    pub rate: Option<(String, String)>,
    /// What the quarter will bring, and how that is made up; none where it cannot be said.
    pub projection: Option<(String, String)>,
    /// The months of the quarter.
    pub months: Data,
    /// The quarter by rate.
    pub rates: Data,
    /// The rate that somebody asked for, as they wrote it.
    pub rate_asked: String,
    /// What is wrong with it; empty mostly.
    pub rate_problem: String,
    /// The further tables.
    pub tables: Vec<TableShown>,
    /// The average length of a title in minutes.
    pub title_minutes: i32,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShown {
    /// Its name in the API.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// What it says.
    pub about: String,
    /// Its values.
    pub data: Data,
}

/// `/royalties`.
#[component]
pub fn RoyaltiesPage(royalties: RoyaltiesShown) -> impl IntoView {
    let RoyaltiesShown { quarter, rate, projection, months, rates, rate_asked, rate_problem, tables, title_minutes } =
        royalties;
    let (is_known, is_projected) = (rate.is_some(), projection.is_some());
    let rate = rate.map(|(rate, source)| view! { <p><strong>{rate}</strong></p><p class="quiet">{source}</p> });
    let projection = projection.map(|(range, how)| view! { <p><strong>{range}</strong></p><p class="quiet">{how}</p> });
    let tables = tables.into_iter().map(|table| view! { <TableCard table/> }).collect_view();
    view! {
        <Frame title="Royalties">
            <h1>"Royalties"</h1>
            <p class="quiet">{format!("In US dollars. A completed title is {title_minutes} minutes, which the settings say.")}</p>
            <section class="card part" aria-labelledby="rate-now">
                <h2 id="rate-now">"The rate now"</h2>
                {rate}
                {(!is_known).then(|| view! { <p>"There is no final statement yet. "<a href="/imports">"Import one"</a></p> })}
            </section>
            <section class="card part" aria-labelledby="quarter">
                <h2 id="quarter">{format!("What {quarter} will bring")}</h2>
                {projection}
                {(!is_projected).then(|| view! { <p>"It cannot be said before there are a final statement and a report of minutes."</p> })}
                {is_projected.then(|| view! {
                    <PlainTable title="Months of the running quarter" data=months/>
                    <h3>"By rate"</h3>
                    <PlainTable title="What the quarter brings by rate" data=rates/>
                    <form class="form is-row" method="get" action="/royalties">
                        <div class="field">
                            <label for="rate">"Dollars a minute"</label>
                            <input id="rate" name="rate" inputmode="decimal" maxlength="12" autocomplete="off" value=rate_asked aria-describedby=described_by("rate")/>
                        </div>
                        <button class="button" type="submit">"Show the quarter at this rate"</button>
                        <div class="field is-whole">
                            <Problem field="rate" sentence=rate_problem/>
                            <Hint field="rate" text="Such as 0.0105. What is final stays as it is."/>
                        </div>
                    </form>
                })}
            </section>
            {tables}
        </Frame>
    }
}

#[component]
fn TableCard(table: TableShown) -> impl IntoView {
    let TableShown { name, title, about, data } = table;
    let is_empty = data.rows.is_empty();
    let file = |format: &str| format!("/api/v1/royalties/{name}.{format}");
    let (csv, xlsx) = (file("csv"), file("xlsx"));
    let (csv_label, xlsx_label) = (format!("{title} as CSV"), format!("{title} as XLSX"));
    view! {
        <section class="card part" aria-labelledby=name>
            <h2 id=name>{title.clone()}</h2>
            <p class="quiet">{about}</p>
            {is_empty.then(|| view! { <p class="quiet">"Nothing is known yet. "<a href="/imports">"Import a file"</a></p> })}
            {(!is_empty).then(|| view! {
                <PlainTable title data/>
                <p><a class="button is-quiet" href=csv aria-label=csv_label>"CSV"</a>" "<a class="button is-quiet" href=xlsx aria-label=xlsx_label>"XLSX"</a></p>
            })}
        </section>
    }
}
