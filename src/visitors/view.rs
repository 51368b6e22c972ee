//! The page of visitors: whole without a script, so the browser's half of the program leaves it out. The script of plain pages
//! asks for it again every few seconds while somebody looks at it.

use leptos::prelude::*;

use crate::chart::Chart;
use crate::money::Change;
use crate::table::Listing;
use crate::ui::change::ChangeBadge;
use crate::ui::field::Field;
use crate::ui::field::{described_by, invalid};
use crate::ui::frame::{FollowingTitle, Frame};
use crate::ui::plain::PlainTable;
use crate::ui::plain::chart::PlainChart;

/// Seconds between two looks at the figures: they are read once for all who look, and a person sees no more.
const LOOK_AGAIN_SECONDS: u32 = 10;

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorsShown {
    /// What has come of the form before; empty mostly.
    pub said: &'static str,
    /// The moment of the figures.
    pub as_of: String,
    /// Visitors of the last minutes.
    pub now: String,
    /// Visitors of today so far.
    pub today: String,
    /// How that stands against yesterday.
    pub change: Change,
    /// By how many, with a sign.
    pub difference: String,
    /// Yesterday's window and its visitors.
    pub yesterday: String,
    /// Page views of today.
    pub today_views: String,
    /// Today's orders per visitor.
    pub conversion: String,
    /// Of how many.
    pub conversion_of: String,
    /// The same of all days.
    pub conversion_before: String,
    /// The last hours.
    pub hours_chart: Chart,
    /// The last days.
    pub days_chart: Chart,
    /// What the days add up to.
    pub days_sum: String,
    /// The hours as a table.
    pub hours: Parts,
    /// The days as a table.
    pub days: Parts,
    /// Referrers and pages.
    pub tables: Vec<Parts>,
    /// Countries.
    pub countries: Parts,
    /// Whether countries are known.
    pub has_countries: bool,
    /// How visitors are counted.
    pub install: InstallShown,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Its name in the API.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its values.
    pub listing: Listing,
    /// That there are more; empty where there are not.
    pub hidden: String,
}

/// How visitors are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallShown {
    /// What goes into the shop's pages.
    pub snippet: String,
    /// The hosts that count; empty for all.
    pub hosts: String,
    /// What is wrong with them; empty mostly.
    pub problem: String,
    /// Whether who looks at it may change them.
    pub may_change: bool,
    /// Whether there is nothing else to look at yet.
    pub is_open: bool,
}

/// `/visitors`.
#[component]
pub fn VisitorsPage(visitors: VisitorsShown) -> impl IntoView {
    let VisitorsShown {
        said,
        as_of,
        now,
        today,
        change,
        difference,
        yesterday,
        today_views,
        conversion,
        conversion_of,
        conversion_before,
        hours_chart,
        days_chart,
        days_sum,
        hours,
        days,
        tables,
        countries,
        has_countries,
        install,
    } = visitors;
    let is_empty = install.is_open;
    let tables = tables.into_iter().map(|parts| view! { <TableCard parts is_known=true/> }).collect_view();
    view! {
        <Frame title="Visitors">
            <FollowingTitle title="Visitors" about="Of the shop's pages, counted without cookies. While this page is looked at, it follows by itself." address="/visitors" every=Some(LOOK_AGAIN_SECONDS)/>
            <p class="done" class:is-gone=said.is_empty() role="status">{said}</p>
            {is_empty.then(|| view! { <p class="notice">"Nobody has been counted yet. Put the script below into the shop's pages: the first visitor appears here within seconds."</p> })}
            <div class="pair is-narrow">
                <section class="card part" id="now" aria-labelledby="now-title">
                    <h2 id="now-title">"Now"</h2>
                    <p><strong class="value-l">{now}</strong>" "<span class="quiet">"in the last 5 minutes"</span></p>
                    <p class="quiet hint">{format!("As of {as_of}.")}</p>
                </section>
                <section class="card part" id="today" aria-labelledby="today-title">
                    <h2 id="today-title">"Today"</h2>
                    <p><strong class="value-l">{today}</strong>" "<ChangeBadge change=Signal::stored(change) absolute=Signal::stored(difference)/></p>
                    <p class="quiet hint">{yesterday}". "{today_views}" today."</p>
                </section>
                <section class="card part" id="conversion" aria-labelledby="conversion-title">
                    <h2 id="conversion-title">"Orders per visitor"</h2>
                    <p><strong class="value-l">{conversion}</strong>" "<span class="quiet">{conversion_of}" today"</span></p>
                    <p class="quiet hint">{conversion_before}" Orders of marketplaces are left out: their pages cannot have the script."</p>
                </section>
            </div>
            <ChartCard parts=hours chart=hours_chart title="The last 24 hours" about=String::new()/>
            <ChartCard parts=days chart=days_chart title="The last 30 days" about=days_sum/>
            <div class="pair">{tables}<TableCard parts=countries is_known=has_countries/></div>
            <Install install/>
        </Frame>
    }
}

/// A title with the files of what stands below it.
#[component]
fn Head(name: &'static str, title: &'static str, has_files: bool) -> impl IntoView {
    let file = |format: &str| format!("/api/v1/visitors/{name}.{format}");
    let (csv, xlsx) = (file("csv"), file("xlsx"));
    let (csv_label, xlsx_label) = (format!("{title} as CSV"), format!("{title} as XLSX"));
    view! {
        <div class="section-head">
            <h2 id=format!("{name}-title")>{title}</h2>
            {has_files.then(|| view! {
                <p><a class="button is-quiet" href=csv aria-label=csv_label>"CSV"</a>" "<a class="button is-quiet" href=xlsx aria-label=xlsx_label>"XLSX"</a></p>
            })}
        </div>
    }
}

#[component]
fn ChartCard(parts: Parts, chart: Chart, title: &'static str, about: String) -> impl IntoView {
    let Parts { name, title: table_title, listing, .. } = parts;
    view! {
        <section class="card part" id=name aria-labelledby=format!("{name}-title")>
            <Head name title has_files=true/>
            {(!about.is_empty()).then(|| view! { <p class="quiet hint">{about.clone()}</p> })}
            <PlainChart chart/>
            <details class="table-twin">
                <summary>"Show as table"</summary>
                <PlainTable title=table_title listing/>
            </details>
        </section>
    }
}

#[component]
fn TableCard(parts: Parts, is_known: bool) -> impl IntoView {
    let Parts { name, title, listing, hidden } = parts;
    let is_empty = listing.data.rows.is_empty();
    let table = if !is_known {
        view! {
            <p class="quiet">"Countries are known with a database of them: start Takings with "<code>"TAKINGS_COUNTRY_DB"</code>" naming a file of the MaxMind form (.mmdb)."</p>
        }
        .into_any()
    } else if is_empty {
        view! { <p class="quiet">"Nothing has been counted yet."</p> }.into_any()
    } else {
        view! { <PlainTable title listing/> <p class="quiet hint">{hidden}</p> }.into_any()
    };
    view! {
        <section class="card part" id=name aria-labelledby=format!("{name}-title")>
            <Head name title has_files=!is_empty/>
            {table}
        </section>
    }
}

/// How to count, and which hosts: it stays as it is while the figures above it change.
#[component]
fn Install(install: InstallShown) -> impl IntoView {
    let InstallShown { snippet, hosts, problem, may_change, is_open } = install;
    let is_open = is_open || !problem.is_empty();
    let counting = if hosts.is_empty() { "Every host counts.".to_owned() } else { format!("What counts: {hosts}.") };
    let form = if may_change {
        view! {
            <form class="form" method="post" action="/visitors/hosts">
                <Field name="hosts" label="Hosts that count" problem=problem.clone() hint="Such as shop.example www.shop.example. Empty counts every host whose pages have the script.">
                    <input id="hosts" name="hosts" value=hosts maxlength="5200" autocomplete="off" spellcheck="false" aria-invalid=invalid(&problem) aria-describedby=described_by("hosts")/>
                </Field>
                <p><button class="button" type="submit">"Save"</button></p>
            </form>
        }
        .into_any()
    } else {
        view! { <p class="quiet">{counting}</p> }.into_any()
    };
    view! {
        <section class="card part" aria-labelledby="install-title">
            <details open=is_open>
                <summary><h2 id="install-title">"How to count"</h2></summary>
                <div class="part">
                    <p>"Put this into every page of the shop, best into its template:"</p>
                    <pre class="snippet" tabindex="0" role="group" aria-label="For the shop's pages"><code>{snippet}</code></pre>
                    <p class="quiet hint">"It sets no cookie and keeps nothing in the browser. Visitors who ask not to be tracked are not counted, robots neither. No address is kept: of a visitor there is a hash that nobody can lead back once the day is over."</p>
                    {form}
                </div>
            </details>
        </section>
    }
}
