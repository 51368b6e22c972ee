//! Parts of pages that are whole without a script: a table of exact values that scrolls inside while its first column stays, and
//! charts. The script of plain pages, `main.js`, sorts the tables, draws the charts, and sends files.

pub mod chart;

use leptos::prelude::*;

use crate::table::{Listing, Value};
use crate::ui::chart::scale::step;
use crate::ui::sparkline::Sparkline;

/// The table. A percent has an arrow and a sign, never colour alone.
#[component]
pub fn PlainTable(
    /// What it is of, for those who do not see it.
    #[prop(into)]
    title: String,
    /// What it shows.
    listing: Listing,
) -> impl IntoView {
    let Listing { data, leads, sums, tinted, trends } = listing;
    let headings = data.columns.iter().map(|column| {
        let class = if column.numeric { "" } else { "is-text" };
        view! { <th scope="col" class=class>{column.title.clone()}</th> }
    });
    let headings = headings.collect_view();
    let is_sum = data.rows.len().saturating_sub(sums);
    let in_tint = |place: usize| (tinted.0..tinted.1).contains(&place);
    let tops = data.rows.iter().take(is_sum).flat_map(|row| row.iter().enumerate().filter(|(n, _)| in_tint(*n)));
    let top = tops.filter_map(|(_, value)| value.cell().order).max().unwrap_or(0);
    let (mut leads, mut trends) = (leads.into_iter(), trends.into_iter());
    let rows = data.rows.iter().enumerate().map(|(n, row)| {
        let leads = leads.next().unwrap_or_default();
        let trend = trends.next().filter(|values| values.len() > 1);
        let address =
            |place: usize| leads.iter().find(|(known, _)| *known == place).map(|(_, address)| address.clone());
        let cells = row.iter().enumerate().skip(1).map(|(place, value)| {
            let column = data.columns.get(place);
            let tint = (in_tint(place) && n < is_sum).then(|| step(value.cell().order.unwrap_or(0), top));
            let class = class_of(value, column.is_none_or(|column| column.numeric), tint);
            let name = column.map(|column| column.name.clone());
            view! {
                <td class=class data-column=name data-order=order(value)>{linked(shown(value), address(place))}</td>
            }
        });
        let cells = cells.collect_view();
        let name = row.first().map(Value::text).unwrap_or_default();
        let name_order = row.first().and_then(order);
        let trend = trend.map(|values| view! { <span class="trend"><Sparkline values=Signal::stored(values)/></span> });
        view! {
            <tr class=(n >= is_sum).then_some("is-sum")>
                <th scope="row" data-order=name_order>{linked(name, address(0))}{trend}</th>
                {cells}
            </tr>
        }
    });
    let rows = rows.collect_view();
    let sortable = (is_sum > 1).then_some("");
    view! {
        <div class="table-scroll is-open" tabindex="0" role="group" aria-label=title>
            <table data-sortable=sortable><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>
        </div>
    }
}

/// A figure as a link to what is behind it, where there is an address.
fn linked(text: String, address: Option<String>) -> AnyView {
    match address {
        Some(address) => {
            view! { <a class="explained" title="What is behind this figure" href=address>{text}</a> }.into_any()
        }
        None => text.into_any(),
    }
}

/// The number that a cell is sorted by; text without one is sorted as text.
fn order(value: &Value) -> Option<String> {
    match value {
        // Nothing comes after the least.
        Value::Empty => Some("-Infinity".to_owned()),
        Value::Decimal(digits) => Some(digits.clone()),
        _ => value.cell().order.map(|order| order.to_string()),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::PerMille(tenths) if *tenths > 0 => format!("▲ +{}", value.text()),
        Value::PerMille(tenths) if *tenths < 0 => format!("▼ {}", value.text()),
        _ => value.text(),
    }
}

fn class_of(value: &Value, numeric: bool, tint: Option<i64>) -> String {
    match (value, tint) {
        (_, Some(step)) => format!("tint is-{step}"),
        (Value::PerMille(tenths), _) if *tenths > 0 => "is-up".to_owned(),
        (Value::PerMille(tenths), _) if *tenths < 0 => "is-down".to_owned(),
        _ => (if numeric { "" } else { "is-text" }).to_owned(),
    }
}
