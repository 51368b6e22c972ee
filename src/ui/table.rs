//! A table that is sorted by its headings, by mouse and by keyboard; long ones show their first rows until asked for all.

use leptos::prelude::*;

use crate::table::{Cell, Row, Table};
use crate::ui::explain::explained;
use crate::ui::text;

/// The column that a table is sorted by, and whether the largest comes first.
type Sorting = Option<(usize, bool)>;

/// The rows in the order of a column; as they came without one.
fn sorted(table: &Table, sorting: Sorting) -> Vec<Row> {
    let mut rows = table.rows.clone();
    if let Some((column, descending)) = sorting {
        let key = |row: &Row| row.cells.get(column).map(|cell: &Cell| (cell.order, cell.text.clone()));
        rows.sort_by(|a, b| if descending { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) });
    }
    rows
}

/// The table.
#[component]
pub fn SortableTable(
    /// What it shows.
    #[prop(into)]
    table: Signal<Table>,
    /// Rows that are shown at first.
    #[prop(default = 10)]
    first: usize,
    /// Columns, by name, whose cells lead to what is behind them: `table.row.column` is the figure's name.
    #[prop(default = &[])]
    figures: &'static [&'static str],
) -> impl IntoView {
    let sorting = RwSignal::new(None::<(usize, bool)>);
    let all = RwSignal::new(false);
    let headings = move || {
        let heading = |(i, column): (usize, crate::table::Column)| {
            let direction = text(move || match sorting.get() {
                Some((by, true)) if by == i => "descending".to_owned(),
                Some((by, false)) if by == i => "ascending".to_owned(),
                _ => "none".to_owned(),
            });
            // Numbers begin with the largest, names with A.
            let first_descending = column.numeric;
            let sort = move |_| {
                sorting.update(|by| {
                    *by = match *by {
                        Some((known, descending)) if known == i && descending == first_descending => {
                            Some((i, !descending))
                        }
                        Some((known, _)) if known == i => None,
                        _ => Some((i, first_descending)),
                    };
                });
            };
            view! {
                <th scope="col" class:is-text=!column.numeric aria-sort=direction>
                    <button type="button" class="sort" on:click=sort>{column.title}</button>
                </th>
            }
        };
        table.with(|t| t.columns.clone()).into_iter().enumerate().map(heading).collect_view()
    };
    let rows = move || {
        let table = table.get();
        let count = if all.get() { table.rows.len() } else { first };
        let rows = sorted(&table, sorting.get()).into_iter().take(count);
        rows.map(|row| row_view(&table, row, figures)).collect_view()
    };
    let hidden = Memo::new(move |_| table.with(|t| t.rows.len().saturating_sub(first)));
    let more =
        text(move || if all.get() { "Show fewer".to_owned() } else { format!("Show all {}", hidden.get() + first) });
    view! {
        <div class="table-scroll is-open" tabindex="0" role="region" aria-label=text(move || table.with(|t| t.title.clone()))>
            <table>
                <thead><tr>{headings}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <button type="button" class="quiet-button" class:is-gone=move || hidden.get() == 0 on:click=move |_| all.update(|all| *all = !*all)>
            {more}
        </button>
    }
}

fn row_view(table: &Table, row: Row, figures: &'static [&'static str]) -> impl IntoView + use<> {
    let Row { address, cells, key } = row;
    let mut cells = cells.into_iter();
    let name = cells.next().map(|cell| cell.text).unwrap_or_default();
    let rest = cells.zip(table.columns.iter().skip(1)).map(|(cell, column)| {
        let class = match (cell.tone, column.numeric) {
            (1.., _) => "is-up",
            (..=-1, _) => "is-down",
            (0, false) => "is-text",
            (0, true) => "",
        };
        let has_rows = figures.contains(&column.name.as_str());
        let title = (!cell.title.is_empty()).then_some(cell.title);
        let text = cell.text.into_any();
        let text = if has_rows { explained(format!("{}.{key}.{}", table.name, column.name), text) } else { text };
        view! { <td class=class title=title>{text}</td> }
    });
    let rest = rest.collect_view();
    let href = (!address.is_empty()).then_some(address);
    view! {
        <tr>
            <th scope="row"><a href=href>{name}</a></th>
            {rest}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Value;

    #[test]
    fn rows_are_sorted_as_what_they_are() {
        let row = |name: &str, count| Row {
            key: name.into(),
            cells: vec![Value::Text(name.into()).cell(), Value::Count(count).cell()],
            ..Row::default()
        };
        let table = Table { rows: vec![row("b", 9), row("a", 1_000), row("c", 20)], ..Table::default() };
        let names = |sorting| sorted(&table, sorting).into_iter().map(|row| row.key).collect::<String>();
        assert_eq!(names(None), "bac");
        assert_eq!(names(Some((0, false))), "abc");
        assert_eq!(names(Some((1, true))), "acb");
    }
}
