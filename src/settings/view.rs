//! The page of the settings: a plain form that needs no script, so the browser's half of the program leaves it out.

use leptos::prelude::*;

use crate::ui::field::{Field, described_by, invalid};
use crate::ui::frame::Frame;

/// The settings as their page shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsShown {
    /// What stands in the fields.
    pub fields: Fields,
    /// The currency that the form began with.
    pub currency_was: String,
    /// What is wrong: the name of a field and a sentence each.
    pub problems: Vec<(&'static str, String)>,
    /// What has come of the form before; empty mostly.
    pub said: &'static str,
    /// The currencies to choose from: code and name.
    pub currencies: Vec<(String, String)>,
    /// What is to be said of missing rates; empty mostly.
    pub no_rates: String,
    /// Zones to choose from.
    pub zones: Vec<String>,
    /// A change of the currency that is under way.
    pub progress: Option<ProgressShown>,
    /// Whether the page refreshes itself while it is.
    pub is_followed: bool,
    /// Whether who looks at it may change anything.
    pub may_change: bool,
}

/// The settings as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// The code of the reporting currency.
    pub currency: String,
    /// The name of the zone.
    pub zone: String,
    /// 1 to 7.
    pub week_start: String,
    /// Minutes.
    pub completes_minutes: String,
}

/// How far a change of the currency is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressShown {
    /// In a sentence.
    pub sentence: String,
    /// Orders that are converted.
    pub done: i64,
    /// Of so many.
    pub total: i64,
    /// The currency that stays if it is stopped.
    pub kept: String,
}

/// Seconds after which the page looks again while a change is under way.
const LOOK_AGAIN_SECONDS: u32 = 3;

impl SettingsShown {
    /// After how many seconds the page refreshes itself, if it does.
    pub fn look_again(&self) -> Option<u32> {
        (self.progress.is_some() && self.is_followed && self.problems.is_empty()).then_some(LOOK_AGAIN_SECONDS)
    }
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// `/settings`.
#[component]
pub fn SettingsPage(settings: SettingsShown) -> impl IntoView {
    let (said, no_rates, may_change) = (settings.said, settings.no_rates.clone(), settings.may_change);
    let is_refused = !settings.problems.is_empty();
    let followed = settings.look_again().is_some();
    let progress = settings.progress.clone().map(|progress| view! { <Progress progress followed may_change/> });
    view! {
        <Frame title="Settings">
            <h1>"Settings"</h1>
            <p class="done" class:is-gone=said.is_empty() role="status">{said}</p>
            {is_refused.then(|| view! { <p class="problem" role="alert">"Nothing was changed. What is wrong stands beside its field."</p> })}
            {(!no_rates.is_empty()).then(|| view! { <p class="notice is-warning">{no_rates.clone()}</p> })}
            {progress}
            {(!may_change).then(|| view! { <p class="quiet">"Only an administrator changes settings."</p> })}
            <SettingsForm settings/>
        </Frame>
    }
}

#[component]
fn Progress(progress: ProgressShown, followed: bool, may_change: bool) -> impl IntoView {
    let ProgressShown { sentence, done, total, kept } = progress;
    let look = if followed {
        view! { <p class="quiet">{format!("This page looks again every {LOOK_AGAIN_SECONDS} seconds. ")}<a href="/settings?follow=no">"Stop that"</a></p> }.into_any()
    } else {
        view! { <p class="quiet"><a href="/settings">"Look again, and go on looking"</a></p> }.into_any()
    };
    view! {
        <section class="card part" aria-labelledby="change">
            <h2 id="change">"The currency is being changed"</h2>
            <p>{sentence}</p>
            <progress max=total.to_string() value=done.to_string() aria-labelledby="change"></progress>
            <p class="quiet">"Until then every figure stays as it is."</p>
            {look}
            {may_change.then(|| view! {
                <form method="post" action="/settings/keep-currency">
                    <input type="hidden" name="currency" value=kept.clone()/>
                    <button class="button" type="submit">"Keep "{kept.clone()}</button>
                </form>
            })}
        </section>
    }
}

#[component]
fn SettingsForm(settings: SettingsShown) -> impl IntoView {
    let SettingsShown { fields, currency_was, problems, currencies, zones, may_change, .. } = settings;
    let wrong = |field: &str| {
        let found = problems.iter().find(|(known, _)| *known == field);
        found.map(|(_, sentence)| sentence.clone()).unwrap_or_default()
    };
    let (currency, zone) = (wrong("currency"), wrong("zone"));
    let (week_start, completes) = (wrong("week_start"), wrong("completes_minutes"));
    let is_known = currencies.iter().any(|(code, _)| *code == fields.currency);
    let unknown = (!is_known)
        .then(|| view! { <option value=fields.currency.clone() selected=true>{fields.currency.clone()}</option> });
    let currencies = currencies
        .into_iter()
        .map(|(code, name)| {
            let selected = code == fields.currency;
            view! { <option value=code.clone() selected=selected>{format!("{code} – {name}")}</option> }
        })
        .collect_view();
    let zones = zones.into_iter().map(|name| view! { <option value=name></option> }).collect_view();
    let days = WEEKDAYS
        .iter()
        .zip(1..)
        .map(|(name, day)| {
            let day = day.to_string();
            let selected = day == fields.week_start;
            view! { <option value=day selected=selected>{*name}</option> }
        })
        .collect_view();
    view! {
        <form class="card form" method="post" action="/settings">
            <input type="hidden" name="currency_was" value=currency_was/>
            <Field name="currency" label="Reporting currency" problem=currency.clone() hint="Every order is converted again at the rate of its own day; until all are, the page stays in the currency that there was.">
                <select id="currency" name="currency" disabled=!may_change aria-invalid=invalid(&currency) aria-describedby=described_by("currency")>
                    {unknown}
                    {currencies}
                </select>
            </Field>
            <Field name="zone" label="Time zone" problem=zone.clone() hint="Days, weeks and months begin at this zone's midnight, those of the past too; all are added up again.">
                <input id="zone" name="zone" list="zones" value=fields.zone required=true maxlength="64" autocomplete="off" disabled=!may_change aria-invalid=invalid(&zone) aria-describedby=described_by("zone")/>
                <datalist id="zones">{zones}</datalist>
            </Field>
            <Field name="week_start" label="First day of the week" problem=week_start.clone() hint="Every week begins on this day, those of the past too.">
                <select id="week_start" name="week_start" disabled=!may_change aria-invalid=invalid(&week_start) aria-describedby=described_by("week_start")>
                    {days}
                </select>
            </Field>
            <Field name="completes_minutes" label="Average length of a title, in minutes" problem=completes.clone() hint="Minutes that were listened to, divided by this, are completed titles.">
                <input id="completes_minutes" name="completes_minutes" type="number" inputmode="numeric" min="1" max="100000" value=fields.completes_minutes required=true disabled=!may_change aria-invalid=invalid(&completes) aria-describedby=described_by("completes_minutes")/>
            </Field>
            {may_change.then(|| view! { <p><button class="button is-primary" type="submit">"Save"</button></p> })}
        </form>
    }
}
