//! The table of the average order: today, this week, this month and the range, the median beside.

use super::{average, changed, percent};
use crate::money::{Change, Currency};
use crate::sales::model::{Figures, Overview, Versus};
use crate::table::{Cell, Column, Data, Row, Table, Value};

/// Average and median order value to the same point, and those of the range in question (M6).
pub fn average_orders(overview: &Overview, currency: Currency) -> Table {
    let rows = [
        ("day", "Today", &overview.today),
        ("week", "This week", &overview.week),
        ("month", "This month", &overview.month),
        ("range", "This range", &overview.range),
    ];
    let with_reason = |value: Option<i64>, of: &Figures| Cell {
        title: overview.why_no_median(value, of),
        ..median(value, currency).cell()
    };
    let shown = |(key, title, versus): &(&str, &str, &Versus)| Row {
        key: (*key).into(),
        address: String::new(),
        cells: vec![
            Value::Text((*title).into()).cell(),
            average(&versus.current, currency).cell(),
            average(&versus.earlier, currency).cell(),
            changed(change(versus), Some(currency)),
            with_reason(versus.median, &versus.current),
            with_reason(versus.earlier_median, &versus.earlier),
        ],
    };
    Table {
        name: "average_orders".into(),
        title: "Average order".into(),
        columns: vec![
            Column::text("period", "Period"),
            Column::number("average", "Average"),
            Column::number("average_before", "Before"),
            Column::number("average_change", "Change"),
            Column::number("median", "Median"),
            Column::number("median_before", "Median before"),
        ],
        rows: rows.iter().map(shown).collect(),
        data: data(&rows, currency),
    }
}

fn data(rows: &[(&str, &str, &Versus)], currency: Currency) -> Data {
    let columns = vec![
        Column::text("period", "Period"),
        Column::number("orders", "Orders"),
        Column::number("orders_before", "Orders before"),
        Column::number("average", "Average order"),
        Column::number("average_before", "Average order before"),
        Column::number("average_change", "Average order change"),
        Column::number("median", "Median order"),
        Column::number("median_before", "Median order before"),
        Column::text("window", "Window"),
        Column::text("window_before", "Compared with"),
    ];
    let rows = rows.iter().map(|(_, title, versus)| {
        let orders_before = if has_earlier(versus) { Value::Count(versus.earlier.orders) } else { Value::Empty };
        vec![
            Value::Text((*title).into()),
            Value::Count(versus.current.orders),
            orders_before,
            average(&versus.current, currency),
            average(&versus.earlier, currency),
            percent(change(versus)),
            median(versus.median, currency),
            median(versus.earlier_median, currency),
            Value::Text(versus.window.clone()),
            Value::Text(versus.earlier_window.clone()),
        ]
    });
    Data::new(columns, &["average", "average_before", "median", "median_before"], rows.collect())
}

fn median(minor: Option<i64>, currency: Currency) -> Value {
    minor.map_or(Value::Empty, |minor| Value::Money(minor, currency))
}

/// Whether it is compared with anything: a range may be without an earlier one.
fn has_earlier(versus: &Versus) -> bool {
    !versus.earlier_window.is_empty()
}

fn change(versus: &Versus) -> Change {
    if has_earlier(versus) { versus.average_change() } else { Change::None }
}
