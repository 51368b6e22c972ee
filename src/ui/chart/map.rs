//! A map of the world's countries, coloured by the rows of a table: drawn by ECharts when it comes into view. The table
//! stands beside it.

use leptos::prelude::*;
use serde::Serialize;

use crate::table::{Row, Table};
use crate::ui::chart::scale::{STEPS, step};
use crate::ui::{browser, text};

/// The least and the most opaque of the steps' colours, of 255.
const ALPHA: [i64; 2] = [60, 255];

/// A map's countries for the chart bundle, which knows how a map looks.
#[derive(Debug, Serialize)]
pub struct WorldMap {
    /// The theme's colours: accent, quiet, text, line, raised, decline.
    ink: Vec<String>,
    /// The ISO 3166 alpha-2 code, the colour, and what is said.
    regions: Vec<(String, String, String)>,
}

/// The map of a table whose rows are named by ISO 3166 alpha-2 codes. `columns` names what is said of a row, first what colours
/// it; `ink` holds the theme's colours.
pub fn world_map(table: &Table, columns: &[&str], ink: &[String]) -> WorldMap {
    let colour = |i: usize| ink.get(i).cloned().unwrap_or_default();
    let top = table.rows.iter().map(|row| value(table, row, columns)).max().unwrap_or(0);
    let region = |row: &Row| {
        let [least, most] = ALPHA;
        let colour = match step(value(table, row, columns), top) {
            ..0 => format!("{}99", colour(5)),
            0 => colour(3),
            n => format!("{}{:02x}", colour(0), least + (most - least) * (n - 1) / (STEPS - 1)),
        };
        (row.key.clone(), colour, said(table, row, columns, "\n"))
    };
    WorldMap { ink: ink.to_vec(), regions: table.rows.iter().map(region).collect() }
}

/// What colours a row.
fn value(table: &Table, row: &Row, columns: &[&str]) -> i64 {
    columns.first().and_then(|column| table.cell(row, column)?.order).unwrap_or(0)
}

/// A row in words: its name, then its columns by their headings.
fn said(table: &Table, row: &Row, columns: &[&str], between: &str) -> String {
    let name = row.cells.first().map(|cell| cell.text.clone()).unwrap_or_default();
    let titled = columns.iter().filter_map(|column| {
        let title = table.columns.iter().find(|known| known.name == **column)?.title.as_str();
        Some(format!("{title} {}", table.cell(row, column)?.text))
    });
    std::iter::once(name).chain(titled).collect::<Vec<_>>().join(between)
}

/// The map: the pointer and the arrow keys say a country, a click and Enter open what its row leads to.
#[component]
pub fn MapView(
    /// The element's name on the page.
    id: &'static str,
    /// What it is of.
    title: &'static str,
    /// The rows, named by ISO 3166 alpha-2 codes.
    #[prop(into)]
    table: Signal<Table>,
    /// What is said of a row, by the names of columns; the first one colours it.
    columns: &'static [&'static str],
) -> impl IntoView {
    let open = move |code: &str| {
        let address =
            table.with_untracked(|t| t.rows.iter().find(|row| row.key == code).map(|row| row.address.clone()));
        if let Some(address) = address.filter(|address| !address.is_empty()) {
            browser::go(&address);
        }
    };
    Effect::new(move |_| {
        let table = table.get();
        browser::draw_map(id, move |ink| world_map(&table, columns, ink), move |code: String| open(&code));
    });
    let at = RwSignal::new(None::<usize>);
    let code_at = move |i: usize| table.with_untracked(|t| t.rows.get(i).map(|row| row.key.clone()));
    let key = move |event: leptos::ev::KeyboardEvent| {
        let last = table.with_untracked(|t| t.rows.len().saturating_sub(1));
        let next = match (event.key().as_str(), at.get_untracked()) {
            ("ArrowRight" | "ArrowDown", at) => at.map_or(0, |i| (i + 1).min(last)),
            ("ArrowLeft" | "ArrowUp", at) => at.map_or(last, |i| i.saturating_sub(1)),
            ("Home", _) => 0,
            ("End", _) => last,
            ("Enter", Some(at)) => {
                if let Some(code) = code_at(at) {
                    open(&code);
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        at.set(Some(next));
        if let Some(code) = code_at(next) {
            browser::mark_region(id, &code);
        }
    };
    let words = text(move || {
        at.get().and_then(|i| table.with(|t| t.rows.get(i).map(|row| said(t, row, columns, ", ")))).unwrap_or_default()
    });
    view! {
        <figure class="chart">
            <div
                class="chart-area is-map"
                tabindex="0"
                role="group"
                aria-roledescription="map"
                aria-label=format!("{title}. Use the arrow keys to read each country, Enter to show it alone.")
                on:keydown=key
            >
                <div id=id class="chart-canvas" aria-hidden="true"></div>
            </div>
            <p class="chart-said" aria-live="polite">{words}</p>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::table::{Column, Value};

    fn countries() -> Table {
        let row = |code: &str, name: &str, orders, minor| Row {
            key: code.into(),
            address: format!("/?country={code}"),
            cells: vec![
                Value::Text(name.into()).cell(),
                Value::Count(orders).cell(),
                Value::Money(minor, Currency::GBP).cell(),
            ],
        };
        Table {
            columns: vec![
                Column::text("country", "Country"),
                Column::number("orders", "Orders"),
                Column::number("revenue", "Revenue"),
            ],
            rows: vec![
                row("GB", "United Kingdom", 12, 104_567),
                row("FR", "France", 1, 10),
                row("DE", "Germany", 1, -5),
            ],
            ..Table::default()
        }
    }

    #[test]
    fn countries_are_coloured_by_revenue_and_say_their_row() {
        let ink = ["#2dd4bf", "", "", "#26304d", "", "#f87171"].map(str::to_owned);
        let map = world_map(&countries(), &["revenue", "orders"], &ink);
        let regions: Vec<(&str, &str)> =
            map.regions.iter().map(|(code, colour, _)| (code.as_str(), colour.as_str())).collect();
        assert_eq!(regions, [("GB", "#2dd4bfff"), ("FR", "#2dd4bf3c"), ("DE", "#f8717199")]);
        assert_eq!(map.regions[0].2, "United Kingdom\nRevenue £1,045.67\nOrders 12");
    }
}
