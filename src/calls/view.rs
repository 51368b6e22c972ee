//! The page of calls: whole without a script. The script of plain pages asks for it again every second while somebody looks at it.

use leptos::prelude::*;

use crate::calls::ask::Filter;
use crate::calls::live_view::{Alerts, LiveTable, QualityChart};
use crate::calls::past::CallShown;
use crate::calls::quality::Quality;
use crate::calls::shown::{CallsShown, CardsShown, RoomsForm, SettingsFields, alert_words};
use crate::chart::Chart;
use crate::table::Listing;
use crate::ui::field::{Field, described_by, invalid};
use crate::ui::frame::{FollowingTitle, Frame};
use crate::ui::plain::PlainTable;
use crate::ui::plain::chart::PlainChart;

/// Seconds between two looks: calls are sampled as often.
const LOOK_AGAIN_SECONDS: u32 = 1;
/// The same of one call: its history has a row every ten seconds.
const LOOK_AT_ONE_SECONDS: u32 = 2;

/// `/calls`.
#[component]
pub fn CallsPage(calls: CallsShown) -> impl IntoView {
    let CallsShown {
        said,
        cards,
        alerts,
        carried,
        carried_table,
        qualities,
        filter,
        choices,
        found,
        live,
        past,
        older,
        settings,
        rooms_form,
    } = calls;
    let (query, open_alerts) = (filter.query(), alert_words(&alerts));
    let people = if live.is_empty() && filter.is_all() {
        view! { <p class="empty">"Nobody is in a call. As soon as somebody joins a room, the call is here."</p> }
            .into_any()
    } else if live.is_empty() {
        view! { <p class="empty">"Nobody in a call is as asked for. "<a href="/calls">"Show everybody"</a></p> }
            .into_any()
    } else {
        view! { <LiveTable rooms=live label="People in calls"/> }.into_any()
    };
    view! {
        <Frame title="Calls">
            <FollowingTitle title="Calls" about="How the calls go, for administrators. While this page is looked at, it follows by itself. Nothing that is said is recorded; what is kept are the figures." address="/calls" every=Some(LOOK_AGAIN_SECONDS)/>
            <p class="done" class:is-gone=said.is_empty() role="status">{said}</p>
            // In no part that takes the place of another: it is the same element that says something else, and so it is heard.
            <p class="sr-only" id="open-alerts" role="status">{open_alerts}</p>
            <Cards cards/>
            <section class="card part" id="alerts" aria-labelledby="alerts-title">
                <h2 id="alerts-title">"Alerts"</h2>
                {alerts.is_empty().then(|| view! { <p class="quiet">"Nothing is the matter."</p> })}
                <Alerts alerts back=Some(query.clone())/>
            </section>
            <div class="pair">
                <ChartCard id="carried" title="What the calls carry" chart=carried listing=carried_table/>
                <section class="card part" id="qualities" aria-labelledby="qualities-title">
                    <h2 id="qualities-title">"People by quality"</h2>
                    <QualityChart bars=qualities/>
                </section>
            </div>
            <section class="card part" aria-labelledby="live-title">
                <h2 id="live-title">"In calls now"</h2>
                <Asking filter=filter.clone() choices/>
                <section class="part" id="people" aria-label="People in calls">
                    <p class="quiet hint">{found}</p>
                    {people}
                    <Files address="/calls/export" query=query.clone()/>
                </section>
            </section>
            <Past past older has_room=filter.room.is_some()/>
            <Rooms form=rooms_form/>
            <Settings settings/>
        </Frame>
    }
}

#[component]
fn Cards(cards: CardsShown) -> impl IntoView {
    let CardsShown {
        as_of,
        rooms,
        people,
        carries,
        relayed,
        relayed_share,
        cost,
        month_cost,
        price,
        critical,
        warnings,
    } = cards;
    let as_of = if as_of.is_empty() { "No call has been sampled yet.".to_owned() } else { format!("As of {as_of}.") };
    let is_critical = critical != "0";
    view! {
        <div class="pair is-narrow">
            <section class="card part" id="rooms" aria-labelledby="rooms-title">
                <h2 id="rooms-title">"Rooms"</h2>
                <p><strong class="value-l">{rooms}</strong>" "<span class="quiet">"with somebody in them"</span></p>
                <p class="quiet hint">{as_of}</p>
            </section>
            <section class="card part" id="in-calls" aria-labelledby="in-calls-title">
                <h2 id="in-calls-title">"People"</h2>
                <p><strong class="value-l">{people}</strong>" "<span class="quiet">"in calls"</span></p>
                <p class="quiet hint">{carries}</p>
            </section>
            <section class="card part" id="relayed" aria-labelledby="relayed-title">
                <h2 id="relayed-title">"Relayed"</h2>
                <p><strong class="value-l">{relayed}</strong>" "<span class="quiet">{relayed_share}</span></p>
                <p class="quiet hint">"Estimate: "<strong>{cost}</strong>" per hour, "<strong>{month_cost}</strong>" this month, at "{price}" for a person and an hour."</p>
            </section>
            <section class="card part" id="critical" aria-labelledby="critical-title">
                <h2 id="critical-title">"Critical alerts"</h2>
                <p><strong class="value-l" class:is-down=is_critical>{critical}</strong></p>
                <p class="quiet hint">{format!("Warnings beside them: {warnings}.")}</p>
            </section>
        </div>
    }
}

/// A chart with its table.
#[component]
pub fn ChartCard(id: &'static str, title: &'static str, chart: Chart, listing: Listing) -> impl IntoView {
    let is_empty = chart.points.is_empty();
    let shown = if is_empty {
        view! { <p class="quiet">"Nothing has been measured yet."</p> }.into_any()
    } else {
        view! {
            <PlainChart chart/>
            <details class="table-twin"><summary>"Show as table"</summary><PlainTable title listing/></details>
        }
        .into_any()
    };
    view! {
        <section class="card part" id=id aria-labelledby=format!("{id}-title")>
            <h2 id=format!("{id}-title")>{title}</h2>
            {shown}
        </section>
    }
}

/// The form that asks for some; the script asks while somebody types.
#[component]
fn Asking(filter: Filter, choices: Vec<(i32, String)>) -> impl IntoView {
    let Filter { search, quality, is_relayed, room } = filter;
    let qualities = Quality::ALL.map(|one| {
        view! { <option value=one.name() selected=quality == Some(one)>{one.title()}</option> }
    });
    let rooms = choices.into_iter().map(|(id, name)| {
        view! { <option value=id.to_string() selected=room == Some(id)>{name}</option> }
    });
    view! {
        <form class="form is-row" method="get" action="/calls" data-narrows="" role="search" aria-label="People in calls">
            <div class="field"><label for="search">"Name of a person or a room"</label><input id="search" name="search" type="search" maxlength="100" autocomplete="off" value=search/></div>
            <div class="field"><label for="quality">"Quality"</label><select id="quality" name="quality"><option value="">"Any"</option>{qualities.collect_view()}</select></div>
            <div class="field"><label for="room">"Room"</label><select id="room" name="room"><option value="">"Every room"</option>{rooms.collect_view()}</select></div>
            <div class="choices"><label><input type="checkbox" name="relayed" value="yes" checked=is_relayed/>"Relayed only"</label></div>
            <button class="button" type="submit">"Show"</button>
        </form>
    }
}

/// The files of what stands above them.
#[component]
pub fn Files(#[prop(into)] address: String, query: String) -> impl IntoView {
    let files = [("csv", "CSV"), ("json", "JSON"), ("pdf", "PDF")].map(|(extension, name)| {
        let (href, label) = (format!("{address}.{extension}{query}"), format!("These figures as {name}"));
        view! { <a class="button is-quiet" href=href aria-label=label>{name}</a>" " }
    });
    view! { <p>{files.collect_view()}</p> }
}

#[component]
fn Past(past: Listing, older: String, has_room: bool) -> impl IntoView {
    let is_empty = past.data.rows.is_empty();
    let about = if has_room { "Calls of this room that are over." } else { "Calls that are over." };
    view! {
        <section class="card part" id="history" aria-labelledby="history-title">
            <h2 id="history-title">"Earlier calls"</h2>
            <p class="quiet hint">{about}" The time leads to how a call went."</p>
            {if is_empty {
                view! { <p class="quiet">"There are none yet."</p> }.into_any()
            } else {
                view! { <PlainTable title="Earlier calls" listing=past/> }.into_any()
            }}
            {(!older.is_empty()).then(|| view! { <p><a class="button" href=older.clone()>"Calls before these"</a></p> })}
        </section>
    }
}

/// The rooms, each with its name to be changed.
#[component]
fn Rooms(form: RoomsForm) -> impl IntoView {
    let RoomsForm { rooms, typed, problem: of_none } = form;
    let (of, typed, problem) = typed.unwrap_or_default();
    let is_open = !problem.is_empty() || !of_none.is_empty();
    let new_problem = if of.is_none() { problem.clone() } else { String::new() };
    let new_name = if of.is_none() { typed.clone() } else { String::new() };
    let lines = rooms.into_iter().map(|(id, name)| {
        let is_typed = of == Some(id);
        let (value, wrong) = if is_typed { (typed.clone(), problem.clone()) } else { (name.clone(), String::new()) };
        let (field, about) = (format!("room-{id}"), format!("room-{id}-problem"));
        view! {
            <li class="line">
                <form method="post" action="/calls/rooms/rename">
                    <input type="hidden" name="room" value=id.to_string()/>
                    <input id=field name="name" required=true maxlength="60" autocomplete="off" value=value aria-label=format!("Name of {name}") aria-invalid=invalid(&wrong) aria-describedby=about.clone()/>
                    <button class="button" type="submit" aria-label=format!("Rename {name}")>"Rename"</button>
                </form>
                <details class="removal">
                    <summary class="button" aria-label=format!("Remove {name}")>"Remove"</summary>
                    <form method="post" action="/calls/rooms/remove">
                        <input type="hidden" name="room" value=id.to_string()/>
                        <p>"Whoever is in it leaves it at once. "<button class="button" type="submit">{format!("Remove {name} for good")}</button></p>
                    </form>
                </details>
                <p class="problem" id=about>{wrong}</p>
            </li>
        }
    });
    view! {
        <section class="card part" aria-labelledby="all-rooms">
            <details open=is_open>
                <summary><h2 id="all-rooms">"All rooms"</h2></summary>
                <p class="quiet hint">"Everybody sees them in the dock. Whoever is in a room that is removed has left it."</p>
                {(!of_none.is_empty()).then(|| view! { <p class="problem" role="alert">{of_none.clone()}</p> })}
                <ul class="lines">{lines.collect_view()}</ul>
                <form class="form" method="post" action="/calls/rooms/add">
                    <Field name="name" label="Another room" problem=new_problem.clone() hint="Up to 60 characters; no two rooms have the same name.">
                        <input id="name" name="name" required=true maxlength="60" autocomplete="off" value=new_name aria-invalid=invalid(&new_problem) aria-describedby=described_by("name")/>
                    </Field>
                    <p><button class="button" type="submit">"Add"</button></p>
                </form>
            </details>
        </section>
    }
}

#[component]
fn Settings(settings: SettingsFields) -> impl IntoView {
    let SettingsFields { days, days_problem, price, price_problem } = settings;
    let is_open = !days_problem.is_empty() || !price_problem.is_empty();
    view! {
        <section class="card part" aria-labelledby="call-settings">
            <details open=is_open>
                <summary><h2 id="call-settings">"Settings"</h2></summary>
                <form class="form" method="post" action="/calls/settings">
                    <Field name="days" label="Days that calls are kept" problem=days_problem.clone() hint="Older ones are deleted for good, with who was in them.">
                        <input id="days" name="days" type="number" inputmode="numeric" min="1" max="3650" required=true value=days aria-invalid=invalid(&days_problem) aria-describedby=described_by("days")/>
                    </Field>
                    <Field name="price" label="Price of the relay, in dollars for a person and an hour" problem=price_problem.clone() hint="What the relay's traffic costs you; the page shows estimates with it.">
                        <input id="price" name="price" inputmode="decimal" required=true maxlength="12" autocomplete="off" value=price aria-invalid=invalid(&price_problem) aria-describedby=described_by("price")/>
                    </Field>
                    <p><button class="button is-primary" type="submit">"Save"</button></p>
                </form>
            </details>
        </section>
    }
}

/// `/calls/{id}`.
#[component]
pub fn CallPage(call: CallShown) -> impl IntoView {
    let CallShown { id, title, when, facts, is_live, live, whose, scores, bandwidth, people, alerts } = call;
    let address = format!("/calls/{id}");
    let whose = whose.map(|name| {
        view! { <p class="notice">"The charts show how it went for "<strong>{name}</strong>" alone. "<a href=address.clone()>"Show everybody"</a></p> }
    });
    let facts = facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> });
    let facts = facts.collect_view();
    let has_alerts = !alerts.is_empty();
    view! {
        <Frame title=title.clone()>
            <FollowingTitle title=title.clone() address=address.clone() every=is_live.then_some(LOOK_AT_ONE_SECONDS) above=("All calls", "/calls")/>
            <section class="card part" id="call" aria-labelledby="call-title">
                <h2 id="call-title">{if is_live { "It goes on" } else { "It is over" }}</h2>
                <p>{when}</p>
                <dl class="facts">{facts}</dl>
                <Files address=format!("/calls/{id}/export") query=String::new()/>
            </section>
            {live.map(|room| view! {
                <section class="card part" id="people" aria-labelledby="people-title">
                    <h2 id="people-title">"In the call now"</h2>
                    <LiveTable rooms=vec![room] label="People in the call"/>
                </section>
            })}
            {whose}
            <ChartCard id="scores" title="How the quality went" chart=scores.0 listing=scores.1/>
            <ChartCard id="bandwidth" title="What it carried" chart=bandwidth.0 listing=bandwidth.1/>
            <section class="card part" id="everybody" aria-labelledby="everybody-title">
                <h2 id="everybody-title">"Who was in it"</h2>
                <p class="quiet hint">"Means over the time that each was in the call. A name leads to how it went for them."</p>
                <PlainTable title="Who was in it" listing=people/>
            </section>
            <section class="card part" id="alerts" aria-labelledby="alerts-title">
                <h2 id="alerts-title">"Alerts"</h2>
                {(!has_alerts).then(|| view! { <p class="quiet">"Nothing was the matter."</p> })}
                <Alerts alerts back=None/>
            </section>
        </Frame>
    }
}
