//! The page of royalties, and that of what is behind a figure: whole without a script, so the browser's half of the program leaves
//! them out.

use leptos::prelude::*;

use crate::chart::Chart;
use crate::imports::view::UploadForm;
use crate::table::Listing;
use crate::ui::field::{Hint, Problem, described_by};
use crate::ui::frame::Frame;
use crate::ui::plain::PlainTable;
use crate::ui::plain::chart::PlainChart;

/// Where the page hears of imports.
pub const CHANGES: &str = "/royalties/changes";

/// A figure with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The figure.
    pub figure: String,
    /// What it is of.
    pub unit: String,
    /// What stands beside it.
    pub beside: String,
    /// How it is made up.
    pub about: String,
}

/// The page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoyaltiesShown {
    /// When it was made.
    pub as_of: String,
    /// How many imports there had been then, those that were taken back counted twice.
    pub changes: i64,
    /// Whether who looks at it may import.
    pub may_write: bool,
    /// The running quarter.
    pub quarter: String,
    /// The current rate; none before the first final month.
    pub rate: Option<Sentence>,
    /// What the quarter will bring; none where it cannot be said.
    pub projection: Option<Sentence>,
    /// The months of the quarter.
    pub months: Listing,
    /// The quarter by rate.
    pub rates: Listing,
    /// The rate that somebody asked for, as they wrote it.
    pub rate_asked: String,
    /// What is wrong with it; empty mostly.
    pub rate_problem: String,
    /// Money by quarter.
    pub pool_chart: Chart,
    /// The rate by quarter.
    pub rate_chart: Chart,
    /// Minutes by week.
    pub weeks_chart: Chart,
    /// The quarters.
    pub quarters: TableShown,
    /// The last weeks.
    pub weeks: TableShown,
    /// The further tables.
    pub tables: Vec<TableShown>,
    /// The average length of a title in minutes.
    pub title_minutes: i32,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableShown {
    /// Its name in the API.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// What it says.
    pub about: String,
    /// Its values.
    pub listing: Listing,
}

/// `/royalties`.
#[component]
pub fn RoyaltiesPage(royalties: RoyaltiesShown) -> impl IntoView {
    let RoyaltiesShown {
        as_of,
        changes,
        may_write,
        quarter,
        rate,
        projection,
        months,
        rates,
        rate_asked,
        rate_problem,
        pool_chart,
        rate_chart,
        weeks_chart,
        quarters,
        weeks,
        tables,
        title_minutes,
    } = royalties;
    let tables = tables.into_iter().map(|table| view! { <TableCard table charts=Vec::new()/> }).collect_view();
    view! {
        <Frame title="Royalties">
            <div class="titled" data-live=CHANGES data-changes=changes.to_string()>
                <h1>"Royalties"</h1>
                <p class="quiet">{format!("In US dollars, as of {as_of}. A completed title is {title_minutes} minutes, which the settings say.")}</p>
                <p class="live-said" role="status"></p>
            </div>
            <div class="pair">
                <section class="card part" id="rate-now" aria-labelledby="rate-now-title">
                    <h2 id="rate-now-title">"The rate now"</h2>
                    <Told sentence=rate otherwise="There is no final statement yet: a rate needs the money and the minutes of one."/>
                </section>
                <section class="card part" id="quarter" aria-labelledby="quarter-title">
                    <h2 id="quarter-title">{format!("What {quarter} will bring")}</h2>
                    <Told sentence=projection otherwise="It cannot be said before there are a final statement and a report of minutes."/>
                </section>
            </div>
            {may_write.then(|| view! {
                <section class="card part" aria-labelledby="import-title">
                    <details>
                        <summary><h2 id="import-title">"Import files"</h2><span class="quiet">" or drop them anywhere on this page"</span></summary>
                        <UploadForm/>
                    </details>
                </section>
            })}
            {(!months.data.rows.is_empty()).then(|| view! {
                <section class="card part" id="what-if" aria-labelledby="what-if-title">
                    <h2 id="what-if-title">{format!("{quarter} by month and by rate")}</h2>
                    <PlainTable title="Months of the running quarter" listing=months/>
                    <PlainTable title="What the quarter brings by rate" listing=rates/>
                    <form class="form is-row" method="get" action="/royalties#what-if">
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
                </section>
            })}
            <TableCard table=quarters charts=vec![pool_chart, rate_chart]/>
            <TableCard table=weeks charts=vec![weeks_chart]/>
            {tables}
            <p class="drop-here" aria-hidden="true">"Drop files of royalties to see what they change"</p>
        </Frame>
    }
}

/// A figure with what it means, or why there is none.
#[component]
fn Told(sentence: Option<Sentence>, otherwise: &'static str) -> impl IntoView {
    match sentence {
        Some(Sentence { figure, unit, beside, about }) => view! {
            <p><strong class="value-l">{figure}</strong>" "<span class="quiet">{unit}</span></p>
            <p>{beside}</p>
            <p class="quiet hint">{about}</p>
        }
        .into_any(),
        None => view! { <p class="quiet">{otherwise}" "<a href="/imports">"Import a file"</a></p> }.into_any(),
    }
}

#[component]
fn TableCard(table: TableShown, charts: Vec<Chart>) -> impl IntoView {
    let TableShown { name, title, about, listing } = table;
    let is_empty = listing.data.rows.is_empty();
    let file = |format: &str| format!("/api/v1/royalties/{name}.{format}");
    let (csv, xlsx) = (file("csv"), file("xlsx"));
    let (csv_label, xlsx_label) = (format!("{title} as CSV"), format!("{title} as XLSX"));
    let (title_id, labelled_by) = (format!("{name}-title"), format!("{name}-title"));
    let charts = charts.into_iter().filter(|chart| chart.points.len() > 1);
    let charts = charts.map(|chart| view! { <PlainChart chart/> }).collect_view();
    view! {
        <section class="card part" id=name aria-labelledby=labelled_by>
            <div class="section-head">
                <h2 id=title_id>{title.clone()}</h2>
                {(!is_empty).then(|| view! {
                    <p><a class="button is-quiet" href=csv aria-label=csv_label>"CSV"</a>" "<a class="button is-quiet" href=xlsx aria-label=xlsx_label>"XLSX"</a></p>
                })}
            </div>
            <p class="quiet hint">{about}</p>
            {is_empty.then(|| view! { <p class="quiet">"Nothing is known yet. "<a href="/imports">"Import a file"</a></p> })}
            {(!is_empty).then(|| view! {
                <div class="pair">{charts}</div>
                <PlainTable title listing/>
            })}
        </section>
    }
}

/// What is behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureShown {
    /// What it is of.
    pub title: String,
    /// What it means.
    pub about: String,
    /// The days that it is of; empty for a title.
    pub window: String,
    /// What it adds up to.
    pub figures: Vec<(&'static str, String)>,
    /// The rows.
    pub listing: Listing,
    /// That there are more rows; empty where there are not.
    pub hidden: String,
    /// The address of the rows as CSV.
    pub csv: String,
    /// The address of the rows as XLSX.
    pub xlsx: String,
}

/// `/royalties/figure`.
#[component]
pub fn FigurePage(figure: FigureShown) -> impl IntoView {
    let FigureShown { title, about, window, figures, listing, hidden, csv, xlsx } = figure;
    let figures = figures.into_iter().map(|(name, text)| view! { <dt>{name}</dt><dd>{text}</dd> }).collect_view();
    let (has_window, is_empty) = (!window.is_empty(), listing.data.rows.is_empty());
    view! {
        <Frame title="What is behind a figure">
            <p><a href="/royalties">"Royalties"</a></p>
            <h1>{title}</h1>
            <section class="card part" aria-labelledby="means">
                <h2 id="means">"What it is"</h2>
                <p>{about}</p>
                <dl class="facts">
                    {figures}
                    {has_window.then(|| view! { <dt>"Window"</dt><dd>{window}</dd> })}
                </dl>
            </section>
            <section class="card part" aria-labelledby="rows">
                <div class="section-head">
                    <h2 id="rows">"What it is made of"</h2>
                    {(!is_empty).then(|| view! {
                        <p><a class="button is-quiet" href=csv aria-label="These rows as CSV">"CSV"</a>" "<a class="button is-quiet" href=xlsx aria-label="These rows as XLSX">"XLSX"</a></p>
                    })}
                </div>
                <PlainTable title="What it is made of" listing/>
                <p class="quiet">{hidden}</p>
            </section>
        </Frame>
    }
}
