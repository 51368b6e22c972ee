//! The inspector's panel. It is made on the server alone, and the browser shows it as it comes: leptos escapes every text.

use leptos::prelude::*;

use crate::country;
use crate::money::{self, Currency};
use crate::period::{Calendar, Instant, Window};
use crate::sales::inspector::address;
use crate::sales::inspector::figure::Measured;
use crate::sales::inspector::inspect::{Asked, By, Inspection};
use crate::sales::inspector::routes::after_text;
use crate::sales::inspector::store::{Posting, RateUsed};
use crate::sales::question::{Measure, Question, RefundDate};
use crate::ui::change;

/// The panel as HTML.
pub fn panel_html(asked: &Asked, inspection: Inspection) -> String {
    let owner = Owner::new();
    owner.with(|| panel(asked, inspection).to_html())
}

fn panel(asked: &Asked, inspection: Inspection) -> impl IntoView + use<> {
    let links = Links::of(asked, &inspection);
    let written = |value: Option<i64>| written(value, inspection.figure.measured, inspection.currency());
    let amount = written(inspection.value);
    let Inspection { figure, books, .. } = &inspection;
    let definition = definition(figure.measured, &figure.question);
    let compared = figure.earlier.as_ref().zip(inspection.earlier).map(|((window, name), (value, change))| {
        let difference = inspection.value.unwrap_or(0) - value.unwrap_or(0);
        let (arrow, text, _) = change::parts(change, &written(Some(difference)));
        let words = books.calendar.words(*window, inspection.as_of);
        let href = address(&asked.question.query(), name);
        view! {
            <dt>"Compared with"</dt>
            <dd><a href=href>{written(value)}</a>{format!(" {words}, {arrow} {text}")}</dd>
        }
    });
    let [local, utc] = ends(figure.window, &books.calendar);
    let parts = parts_view(&inspection);
    let left_out = left_out_view(&inspection);
    let rates = rates_view(&inspection);
    let title = figure.title.clone();
    let rows = rows_view(&inspection, &links);
    view! {
        <header class="inspector-head">
            <h2 id="inspector-title">{title}</h2>
            <a class="icon-button" href=links.close.clone() aria-label="Close" data-close="">"×"</a>
        </header>
        <p class="value-l" data-inspected="">{amount}</p>
        <p class="quiet">{definition}</p>
        {parts}
        <dl class="facts">
            <dt>"Window"</dt>
            <dd>{books.calendar.words(figure.window, inspection.as_of)}</dd>
            <dt>{books.calendar.zone_name().to_owned()}</dt>
            <dd>{local}</dd>
            <dt>"UTC"</dt>
            <dd>{utc}</dd>
            {compared}
            <dt>"Orders asked about"</dt>
            <dd>{filter_words(&figure.question)}</dd>
            <dt>"Orders counted"</dt>
            <dd>{money::count(inspection.sums.orders)}</dd>
            {left_out}
        </dl>
        {rates}
        {rows}
        <p class="quiet">
            {format!("As of {}. ", books.calendar.local(inspection.as_of).strftime("%H:%M:%S"))}
            <a href=links.fresh.clone()>"Look again"</a>
        </p>
    }
}

/// Addresses that the panel leads to.
struct Links {
    close: String,
    fresh: String,
    question: String,
    name: String,
    at: i64,
}

impl Links {
    fn of(asked: &Asked, inspection: &Inspection) -> Links {
        let question = asked.question.query();
        Links {
            close: asked.question.address(),
            fresh: address(&question, &asked.name),
            question,
            name: asked.name.clone(),
            at: inspection.as_of.timestamp_micros(),
        }
    }

    /// The panel of the same moment, its rows in another order or from another place on.
    fn rows(&self, by: &str, after: Option<String>) -> String {
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        format!("{}&at={}&by={by}{after}", address(&self.question, &self.name), self.at)
    }

    fn file(&self, extension: &str) -> String {
        let and = if self.question.is_empty() { "" } else { "&" };
        format!("/api/v1/figures/{}.{extension}?{}{and}at={}", self.name, self.question, self.at)
    }
}

fn written(value: Option<i64>, measured: Measured, currency: Currency) -> String {
    match (value, measured) {
        (None, _) => "—".into(),
        (Some(count), Measured::Orders) => money::count(count),
        (Some(minor), _) => money::display(minor, currency),
    }
}

fn definition(measured: Measured, question: &Question) -> String {
    let dated = match question.refunds {
        RefundDate::Refund => "on the date the money went back",
        RefundDate::Order => "on the date of their order",
    };
    match (measured, question.measure) {
        (Measured::Orders, _) => {
            "Orders placed in the window: not tests, drafts, nor what was deleted, voided or failed. \
             A cancelled order was placed and counts."
                .into()
        }
        (Measured::Average, _) => "Order totals as placed, divided by the number of orders.".into(),
        (Measured::Revenue, Measure::Total) => {
            format!("What order totals say, less refunds and cancellations, {dated}.")
        }
        (Measured::Revenue, Measure::Net) => {
            format!("Price × quantity less discounts, less goods refunded or cancelled, {dated}.")
        }
    }
}

fn parts_view(inspection: &Inspection) -> impl IntoView + use<> {
    let currency = inspection.currency();
    let row = |(name, minor): &(&'static str, i64)| {
        view! { <tr><th scope="row">{*name}</th><td>{money::display(*minor, currency)}</td></tr> }
    };
    let sum: i64 = inspection.parts.iter().map(|(_, minor)| minor).sum();
    let divided = (inspection.figure.measured == Measured::Average).then(|| {
        let orders = money::count(inspection.sums.orders);
        view! { <tr><th scope="row">"÷ orders"</th><td>{orders}</td></tr> }
    });
    let rows = inspection.parts.iter().map(row).collect_view();
    (!inspection.parts.is_empty()).then(|| {
        view! {
            <table class="parts">
                <caption class="sr-only">"How it adds up"</caption>
                <tbody>{rows}</tbody>
                <tfoot>
                    <tr><th scope="row">"Together"</th><td>{money::display(sum, currency)}</td></tr>
                    {divided}
                </tfoot>
            </table>
        }
    })
}

fn left_out_view(inspection: &Inspection) -> impl IntoView + use<> {
    let reasons = inspection.left_out.iter().map(|(standing, orders)| {
        let why = match standing.as_str() {
            "test" => "test orders",
            "draft" => "not placed yet",
            "deleted" => "deleted on the platform",
            "voided" => "payment voided",
            "failed" => "payment failed",
            other => other,
        };
        format!("{} {why}", money::count(*orders))
    });
    let flagged = inspection.sums.flagged;
    let flagged = (flagged > 0).then(|| format!("{} without an exchange rate", money::count(flagged)));
    let reasons: Vec<String> = reasons.chain(flagged).collect();
    let text = if reasons.is_empty() { "none".to_owned() } else { reasons.join(", ") };
    view! {
        <dt>"Left out"</dt>
        <dd>{text}</dd>
    }
}

fn rates_view(inspection: &Inspection) -> impl IntoView + use<> {
    let currency = inspection.currency().to_string();
    let row = |used: &RateUsed| {
        let said = format!("1 {} = {} {currency}", used.currency, used.rate.normalize());
        view! { <li>{said}<span class="quiet">{format!(" of {}", used.date.format("%-d %b %Y"))}</span></li> }
    };
    let rates = inspection.rates.iter().map(row).collect_view();
    let count = inspection.rates.len();
    let title = if count == 1 { "1 exchange rate".to_owned() } else { format!("{count} exchange rates") };
    let more = inspection
        .has_more_rates
        .then(|| view! { <p class="quiet">"Of the last 92 days of the window; each row says its own."</p> });
    (count > 0).then(|| {
        view! {
            <details class="rates">
                <summary>{title}</summary>
                <ul>{rates}</ul>
                {more}
            </details>
        }
    })
}

fn rows_view(inspection: &Inspection, links: &Links) -> impl IntoView + use<> {
    let currency = inspection.currency();
    let calendar = &inspection.books.calendar;
    let rows = inspection.rows.iter().map(|row| row_view(row, calendar, inspection.as_of, currency)).collect_view();
    let by = |by: By| match by {
        By::Time => "time",
        By::Amount => "amount",
        By::AmountRising => "amount-rising",
    };
    let sorted = match (inspection.unsorted, &inspection.next) {
        (true, _) => Some("There are too many rows to sort them by amount: take the file."),
        _ => None,
    };
    let shown_by = inspection.by;
    let next = inspection.next.map(|after| links.rows(by(shown_by), Some(after_text(after))));
    let next = next.map(|href| view! { <a class="button" href=href>"Next rows"</a> });
    let by_amount = if shown_by == By::Amount { By::AmountRising } else { By::Amount };
    let sort = |of: bool, falls: bool| {
        if !of {
            "none"
        } else if falls {
            "descending"
        } else {
            "ascending"
        }
    };
    let files = [("CSV", "csv"), ("Excel", "xlsx"), ("JSON", "json")].map(|(title, extension)| {
        view! { <a href=links.file(extension) download="">{title}</a>" " }
    });
    let empty = inspection.rows.is_empty().then(|| view! { <p class="empty">"No rows."</p> });
    view! {
        <section aria-labelledby="rows-title">
            <header class="section-head">
                <h3 id="rows-title">"Rows"</h3>
                <p class="files">"All rows: "{files}</p>
            </header>
            {sorted.map(|why| view! { <p class="notice">{why}</p> })}
            <div class="table-scroll is-open" tabindex="0" role="group" aria-label="Rows, to scroll">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col" class="is-text" aria-sort=sort(shown_by == By::Time, true)><a class="sort" href=links.rows("time", None)>"Counted at"</a></th>
                            <th scope="col" class="is-text">"Order"</th>
                            <th scope="col" class="is-text">"What"</th>
                            <th scope="col">"Amount"</th>
                            <th scope="col">"Rate"</th>
                            <th scope="col" aria-sort=sort(shown_by != By::Time, shown_by == By::Amount)><a class="sort" href=links.rows(by(by_amount), None)>"Counted"</a></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {empty}
            {next}
        </section>
    }
}

fn row_view(row: &Posting, calendar: &Calendar, now: Instant, currency: Currency) -> impl IntoView + use<> {
    let local = calendar.local(row.at);
    let this_year = calendar.date(now).year() == local.year();
    let at = local.strftime(if this_year { "%-d %b %H:%M" } else { "%-d %b %Y %H:%M" }).to_string();
    let amount = row.currency.map_or_else(String::new, |own| money::display(row.amount, own));
    let rate = row.rate.filter(|(rate, _)| *rate != rust_decimal::Decimal::ONE);
    let rate = rate.map(|(rate, date)| format!("{} of {}", rate.normalize(), date.format("%-d %b")));
    let country = row.country.as_deref().map_or_else(|| "Unknown country".to_owned(), country::name);
    let counted = if row.is_flagged { "no rate".to_owned() } else { money::display(row.converted, currency) };
    view! {
        <tr data-counted=row.converted.to_string() data-orders=row.orders.to_string()>
            <td class="is-text">{at}</td>
            <th scope="row"><a href=format!("/api/v1/orders/{}", row.order) title="Its whole ledger and raw deliveries">{row.number.clone()}</a></th>
            <td class="is-text">{happening(row)}<br/><span class="quiet">{format!("{} · {country}", row.source)}</span></td>
            <td>{amount}</td>
            <td>{rate}</td>
            <td>{counted}</td>
        </tr>
    }
}

/// What a posting is, in a word or two.
pub fn happening(row: &Posting) -> String {
    let has = |prefix: &str| row.kinds.iter().any(|kind| kind.starts_with(prefix));
    let mut words = Vec::new();
    if row.kinds.iter().any(|kind| matches!(kind.as_str(), "sale" | "discount" | "shipping" | "tax")) {
        words.push(if row.orders > 0 || !row.kinds.iter().any(|kind| kind == "sale") {
            "order"
        } else {
            "order, changed"
        });
    }
    if has("refund") {
        words.push("refund");
    }
    if has("cancel") {
        words.push("cancellation");
    }
    words.join(" and ")
}

fn filter_words(question: &Question) -> String {
    let filter = &question.filter;
    let listed = [
        ("platform", &filter.platforms),
        ("country", &filter.countries),
        ("source", &filter.sources),
        ("status", &filter.statuses),
    ];
    let words: Vec<String> = listed
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| format!("{name} {}", values.join(" or ")))
        .collect();
    if words.is_empty() { "all".into() } else { words.join(", ") }
}

/// A window's ends on the calendar and in UTC, the second one not included.
fn ends(window: Window, calendar: &Calendar) -> [String; 2] {
    let local =
        |at: Instant| format!("{} {}", calendar.local(at).strftime("%Y-%m-%d %H:%M:%S"), calendar.abbreviation(at));
    let utc = |at: Instant| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let range = |of: &dyn Fn(Instant) -> String| format!("from {} until before {}", of(window.from), of(window.to));
    [range(&local), range(&utc)]
}
