//! A table of exact values on a page that needs no script; it scrolls inside, its first column stays.

use leptos::prelude::*;

use crate::table::{Data, Value};

/// The table. A percent has an arrow and a sign, never colour alone.
#[component]
pub fn PlainTable(
    /// What it is of, for those who do not see it.
    #[prop(into)]
    title: String,
    /// What it shows.
    data: Data,
) -> impl IntoView {
    let headings = data.columns.iter().map(|column| {
        let class = if column.numeric { "" } else { "is-text" };
        view! { <th scope="col" class=class>{column.title.clone()}</th> }
    });
    let headings = headings.collect_view();
    let numeric: Vec<bool> = data.columns.iter().map(|column| column.numeric).collect();
    let rows = data.rows.into_iter().map(|row| {
        let mut cells = row.into_iter().zip(numeric.clone());
        let name = cells.next().map(|(value, _)| value.text()).unwrap_or_default();
        let cells = cells.map(|(value, numeric)| {
            let (text, class) = shown(&value, numeric);
            view! { <td class=class>{text}</td> }
        });
        view! { <tr><th scope="row">{name}</th>{cells.collect_view()}</tr> }
    });
    view! {
        <div class="table-scroll is-open" tabindex="0" role="region" aria-label=title>
            <table><thead><tr>{headings}</tr></thead><tbody>{rows.collect_view()}</tbody></table>
        </div>
    }
}

fn shown(value: &Value, numeric: bool) -> (String, &'static str) {
    match value {
        Value::PerMille(tenths) if *tenths > 0 => (format!("▲ +{}", value.text()), "is-up"),
        Value::PerMille(tenths) if *tenths < 0 => (format!("▼ {}", value.text()), "is-down"),
        _ => (value.text(), if numeric { "" } else { "is-text" }),
    }
}
