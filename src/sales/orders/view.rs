//! The page of an order, `/orders/{id}`: what is known of it, its ledger, and the deliveries that it was heard of by. It
//! needs no script, so the browser's half of the program leaves it out.

use leptos::prelude::*;

use crate::ui::frame::Frame;

/// An order as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderShown {
    /// What it is called.
    pub title: String,
    /// The address of the same for scripts.
    pub address: String,
    /// Whether it counts.
    pub standing: String,
    /// What is known of it: names and texts.
    pub facts: Vec<(String, String)>,
    /// When what happened to it.
    pub moments: Vec<(&'static str, Moment)>,
    /// What it amounts to; empty while only a refund of it is known.
    pub amounts: Vec<AmountShown>,
    /// The order's currency.
    pub own_currency: String,
    /// The reporting currency.
    pub reporting_currency: String,
    /// Its ledger.
    pub entries: Vec<EntryShown>,
    /// What the ledger adds up to, in the order's currency and the reporting one.
    pub total: (String, String),
    /// The zone of local times.
    pub zone: String,
    /// The deliveries in the order of their arrival.
    pub deliveries: Vec<DeliveryShown>,
    /// What is to be said where not all are shown; empty mostly.
    pub older_deliveries: String,
}

/// A moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// For programs, with its offset.
    pub machine: String,
    /// On the workspace's clocks.
    pub local: String,
    /// In UTC.
    pub utc: String,
}

/// A line of the amounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountShown {
    /// What it is.
    pub name: &'static str,
    /// In the order's currency.
    pub own: String,
    /// In the reporting currency.
    pub reporting: String,
    /// Whether it adds up those above it.
    pub is_sum: bool,
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryShown {
    /// What it is.
    pub what: String,
    /// The platform's id of the refund; else empty.
    pub part: String,
    /// Whether it is the first or corrects it.
    pub revision: String,
    /// When it counts.
    pub at: Moment,
    /// In the order's currency.
    pub own: String,
    /// In the reporting currency.
    pub reporting: String,
    /// What it does to the figures.
    pub counts: String,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryShown {
    /// Its number.
    pub id: i64,
    /// The sender's word for what it is about.
    pub topic: String,
    /// When it arrived.
    pub at: Moment,
    /// Its size.
    pub bytes: String,
    /// Whether it could be read.
    pub state: String,
    /// What it says.
    pub body: BodyShown,
    /// Where its body can be downloaded as it came.
    pub address: String,
}

/// The body of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyShown {
    /// Its text.
    Text(String),
    /// The download alone has it.
    TooLarge,
}

/// `/orders/{id}`.
#[component]
pub fn OrderPage(order: OrderShown) -> impl IntoView {
    let OrderShown { title, address, standing, facts, moments, zone, deliveries, older_deliveries, .. } = order.clone();
    let moments = moments.into_iter().map(|(name, at)| view! { <dt>{name}</dt><dd><MomentView at/></dd> });
    let facts = facts.into_iter().map(|(name, text)| view! { <dt>{name}</dt><dd>{text}</dd> });
    let no_deliveries = deliveries
        .is_empty()
        .then(|| view! { <p class="quiet">"No delivery spoke of it: it came from a file, or its deliveries are not kept."</p> });
    let deliveries = deliveries.into_iter().map(|delivery| view! { <DeliveryView delivery/> }).collect_view();
    view! {
        <Frame title=title.clone()>
            <h1>{title.clone()}</h1>
            <p>{standing}</p>
            <section class="card part" aria-labelledby="known">
                <h2 id="known">"What is known of it"</h2>
                <dl class="facts">{moments.collect_view()}{facts.collect_view()}</dl>
            </section>
            <AmountsView order=order.clone()/>
            <LedgerView order/>
            <section class="card part" aria-labelledby="deliveries">
                <h2 id="deliveries">"Deliveries, as they arrived"</h2>
                <p class="quiet">"What was signed, unchanged. It may hold personal data of the buyer. "{older_deliveries}</p>
                {no_deliveries}
                <ol class="deliveries">{deliveries}</ol>
            </section>
            <p class="quiet">"Local times are of "{zone}". The same for scripts: "<a href=address.clone()>{address.clone()}</a></p>
        </Frame>
    }
}

#[component]
fn MomentView(at: Moment) -> impl IntoView {
    view! { <time datetime=at.machine>{at.local}</time>" "<span class="quiet">{at.utc}</span> }
}

#[component]
fn AmountsView(order: OrderShown) -> impl IntoView {
    if order.amounts.is_empty() {
        return ().into_any();
    }
    let rows = order.amounts.into_iter().map(|line| {
        view! { <tr class:is-sum=line.is_sum><th scope="row">{line.name}</th><td>{line.own}</td><td>{line.reporting}</td></tr> }
    });
    view! {
        <section class="card part" aria-labelledby="amounts">
            <h2 id="amounts">"What it amounts to"</h2>
            <div class="table-scroll is-open" tabindex="0" role="group" aria-label="Amounts, to scroll">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Part"</th>
                            <th scope="col">"In "{order.own_currency}", as ordered"</th>
                            <th scope="col">"In "{order.reporting_currency}", as counted"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn LedgerView(order: OrderShown) -> impl IntoView {
    let is_empty = order.entries.is_empty();
    let rows = order.entries.into_iter().map(|entry| {
        view! {
            <tr>
                <th scope="row">{entry.what}</th>
                <td class="is-text">{entry.part}</td>
                <td class="is-text">{entry.revision}</td>
                <td class="is-text"><MomentView at=entry.at/></td>
                <td>{entry.own}</td>
                <td>{entry.reporting}</td>
                <td class="is-text">{entry.counts}</td>
            </tr>
        }
    });
    let (own, reporting) = order.total;
    let table = (!is_empty).then(|| {
        view! {
            <div class="table-scroll is-open" tabindex="0" role="group" aria-label="The ledger, to scroll">
                <table class="ledger">
                    <thead>
                        <tr>
                            <th scope="col">"What"</th>
                            <th scope="col" class="is-text">"Refund"</th>
                            <th scope="col" class="is-text">"Revision"</th>
                            <th scope="col" class="is-text">"Counts at"</th>
                            <th scope="col">"In "{order.own_currency}</th>
                            <th scope="col">"In "{order.reporting_currency}</th>
                            <th scope="col" class="is-text">"Counts"</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                    <tfoot>
                        <tr class="is-sum">
                            <th scope="row">"Together"</th>
                            <td></td><td></td><td></td>
                            <td data-total="own">{own}</td>
                            <td data-total="reporting">{reporting}</td>
                            <td class="is-text">"what is left of the order"</td>
                        </tr>
                    </tfoot>
                </table>
            </div>
        }
    });
    view! {
        <section class="card part" aria-labelledby="ledger">
            <h2 id="ledger">"Its ledger"</h2>
            {is_empty.then(|| view! { <p class="quiet">"It has no entries, as it does not count."</p> })}
            {table}
        </section>
    }
}

#[component]
fn DeliveryView(delivery: DeliveryShown) -> impl IntoView {
    let DeliveryShown { id, topic, at, bytes, state, body, address } = delivery;
    let topic = if topic.is_empty() { "no topic".to_owned() } else { topic };
    let body = match body {
        BodyShown::Text(text) => view! {
            <details>
                <summary>"The body of delivery "{id}</summary>
                <pre tabindex="0"><code>{text}</code></pre>
            </details>
        }
        .into_any(),
        BodyShown::TooLarge => view! { <p class="quiet">"The body is too large to be shown here."</p> }.into_any(),
    };
    view! {
        <li>
            <p><strong>{topic}</strong>" · "<MomentView at/>" · "<span>{bytes}</span>" · "<span>{state}</span></p>
            {body}
            <p><a href=address download="">"Download the body as it came"</a></p>
        </li>
    }
}
