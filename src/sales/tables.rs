//! The tables of the page: the periods to date, countries, platforms, the average order. Pure.

mod average_orders;

use crate::country;
use crate::money::{self, Change, Currency};
use crate::period::Instant;
use crate::sales::books::Books;
use crate::sales::model::{Day, Figures, Overview, Versus, platform_name};
use crate::sales::projection::model::{Horizon, Outlook, Projection};
use crate::sales::question::{Question, UNKNOWN};
use crate::sales::snapshot::pairs_by_value;
use crate::sales::sums::Sums;
use crate::sources::Source;
use crate::table::{Cell, Column, Data, Row, Table, Value};
use crate::ui::change;

pub use average_orders::average_orders;

/// Without a delivery for this long, a source counts as quiet.
const QUIET_AFTER_HOURS: i64 = 24;

/// Day, week, month, quarter and year to date against the same point before (T7).
pub fn periods(overview: &Overview, currency: Currency) -> Table {
    let rows = [
        ("day", "Today", &overview.today),
        ("week", "This week", &overview.week),
        ("month", "This month", &overview.month),
        ("quarter", "This quarter", &overview.quarter),
        ("year", "This year", &overview.year),
    ];
    Table {
        name: "periods".into(),
        title: "To the same point".into(),
        columns: vec![
            Column::text("period", "Period"),
            Column::number("orders", "Orders"),
            Column::number("orders_change", "Change"),
            Column::number("revenue", "Revenue"),
            Column::number("revenue_change", "Change"),
            Column::number("average", "Average order"),
            Column::number("average_change", "Change"),
            Column::text("windows", "Compared"),
        ],
        rows: rows.iter().map(|(key, title, versus)| period(key, title, versus, currency)).collect(),
        data: periods_data(&rows, currency),
    }
}

fn periods_data(rows: &[(&str, &str, &Versus)], currency: Currency) -> Data {
    let columns = ["orders", "revenue", "average"].map(figure_columns).concat();
    let columns = [
        vec![Column::text("period", "Period")],
        columns,
        vec![Column::text("window", "Window"), Column::text("window_before", "Compared with")],
    ];
    let rows = rows.iter().map(|(_, title, versus)| {
        let Versus { current, earlier, window, earlier_window, .. } = versus;
        vec![
            Value::Text((*title).into()),
            Value::Count(current.orders),
            Value::Count(earlier.orders),
            percent(versus.orders_change()),
            Value::Money(current.revenue, currency),
            Value::Money(earlier.revenue, currency),
            percent(versus.revenue_change()),
            average(current, currency),
            average(earlier, currency),
            percent(versus.average_change()),
            Value::Text(window.clone()),
            Value::Text(earlier_window.clone()),
        ]
    });
    Data::new(columns.concat(), &["revenue", "revenue_before", "average", "average_before"], rows.collect())
}

/// A figure, what it is compared with, and the change.
fn figure_columns(name: &str) -> Vec<Column> {
    let title = if name == "average" {
        "Average order"
    } else if name == "orders" {
        "Orders"
    } else {
        "Revenue"
    };
    vec![
        Column::number(name, title),
        Column::number(&format!("{name}_before"), &format!("{title} before")),
        Column::number(&format!("{name}_change"), &format!("{title} change")),
    ]
}

/// The percent of a change; nothing where M8 says none.
pub(super) fn percent(change: Change) -> Value {
    if let Change::PerMille(tenths) = change { Value::PerMille(tenths) } else { Value::Empty }
}

fn average(figures: &Figures, currency: Currency) -> Value {
    figures.average().map_or(Value::Empty, |minor| Value::Money(minor, currency))
}

fn period(key: &str, title: &str, versus: &Versus, currency: Currency) -> Row {
    let Versus { current, earlier, .. } = versus;
    Row {
        key: key.into(),
        address: String::new(),
        cells: vec![
            Value::Text(title.into()).cell(),
            progress(Value::Count(earlier.orders), Value::Count(current.orders)),
            changed(versus.orders_change(), None),
            progress(Value::Money(earlier.revenue, currency), Value::Money(current.revenue, currency)),
            changed(versus.revenue_change(), Some(currency)),
            progress(average(earlier, currency), average(current, currency)),
            changed(versus.average_change(), Some(currency)),
            Value::Text(format!("{} with {}", versus.window, versus.earlier_window)).cell(),
        ],
    }
}

/// `15 → 23`, sorted by what it is now.
fn progress(before: Value, now: Value) -> Cell {
    Cell { text: format!("{} → {}", before.text(), now.text()), ..now.cell() }
}

/// A change with its sign and its colour; in a currency where only the difference can be said.
pub(super) fn changed(change: Change, currency: Option<Currency>) -> Cell {
    let absolute = match (change, currency) {
        (Change::Absolute(minor), Some(currency)) => money::display(minor, currency),
        (Change::Absolute(count), None) => money::count(count),
        _ => String::new(),
    };
    let (arrow, text, _) = change::parts(change, &absolute);
    let order = match change {
        Change::None => i64::MIN,
        Change::New => i64::MAX,
        Change::PerMille(n) | Change::Absolute(n) => n,
    };
    Cell {
        text: format!("{arrow} {text}").trim().to_owned(),
        order: Some(order),
        tone: change.direction(),
        ..Cell::default()
    }
}

/// Where the running periods will land, and how earlier projections did.
pub fn outlook(projections: &[Projection], currency: Currency) -> Table {
    let rows = projections.iter().map(|projection| {
        let money = |minor| Value::Money(minor, currency);
        let (expected, range) = match projection.outlook {
            Outlook::Range(range) => {
                let words = format!("{} – {}", money(range.low).text(), money(range.high).text());
                (money(range.expected), Value::Text(words))
            }
            Outlook::Hidden(why) => (Value::Empty, Value::Text(why.sentence())),
        };
        Row {
            key: projection.horizon.name().into(),
            address: String::new(),
            cells: vec![
                Value::Text(projection.horizon.title().into()).cell(),
                money(projection.so_far).cell(),
                expected.cell(),
                range.cell(),
                Value::Text(projection.record.sentence()).cell(),
            ],
        }
    });
    Table {
        name: "outlook".into(),
        title: "Where it will land".into(),
        columns: vec![
            Column::text("period", "Period"),
            Column::number("so_far", "So far"),
            Column::number("expected", "Expected"),
            Column::text("range", "8 of 10 end between"),
            Column::text("record", "How good that was"),
        ],
        rows: rows.collect(),
        data: outlook_data(projections, currency),
    }
}

fn outlook_data(projections: &[Projection], currency: Currency) -> Data {
    let rows = projections.iter().map(|projection| {
        let money = |minor| Value::Money(minor, currency);
        let (range, why) = match projection.outlook {
            Outlook::Range(range) => ([range.expected, range.low, range.high].map(money), Value::Empty),
            Outlook::Hidden(why) => ([Value::Empty, Value::Empty, Value::Empty], Value::Text(why.sentence())),
        };
        let start = [
            Value::Text(projection.horizon.title().into()),
            Value::Text(projection.window.clone()),
            money(projection.so_far),
        ];
        start.into_iter().chain(range).chain([why, Value::Text(projection.record.sentence())]).collect()
    });
    let columns = vec![
        Column::text("period", "Period"),
        Column::text("window", "Window"),
        Column::number("so_far", "So far"),
        Column::number("expected", "Expected"),
        Column::number("low", "1 of 10 ends below"),
        Column::number("high", "1 of 10 ends above"),
        Column::text("hidden", "Why there is none"),
        Column::text("record", "How good that was"),
    ];
    let ends = projections.iter().map(|projection| projection.window_ms);
    let window_ms = ends.reduce(|(from, to), (first, after)| (from.min(first), to.max(after)));
    let data = Data::new(columns, &["so_far", "expected", "low", "high"], rows.collect());
    Data { window_ms: window_ms.unwrap_or_default(), ..data }
}

/// Where today will land, in a sentence; empty where that is not said.
pub fn landing(projections: &[Projection], currency: Currency) -> String {
    let today = projections.iter().find(|projection| projection.horizon == Horizon::Day);
    match today.map(|projection| projection.outlook) {
        Some(Outlook::Range(range)) => {
            let text = |minor| money::display(minor, currency);
            format!(
                "Today will land near {}, between {} and {}",
                text(range.expected),
                text(range.low),
                text(range.high)
            )
        }
        _ => String::new(),
    }
}

/// Columns that countries and platforms share, after their name.
fn shares_columns() -> Vec<Column> {
    vec![
        Column::number("orders", "Orders"),
        Column::number("revenue", "Revenue"),
        Column::number("share", "Share"),
        Column::number("change", "Change"),
    ]
}

/// The same columns in data.
fn shares_data_columns() -> Vec<Column> {
    vec![
        Column::number("orders", "Orders"),
        Column::number("revenue", "Revenue"),
        Column::number("share", "Share"),
        Column::number("orders_before", "Orders before"),
        Column::number("revenue_before", "Revenue before"),
        Column::number("revenue_change", "Revenue change"),
    ]
}

/// Which of them hold money.
const SHARES_MONEY: &[&str] = &["revenue", "revenue_before"];

/// What a country or a platform brought: for people, and for programs.
struct Shares {
    cells: [Cell; 4],
    values: [Value; 6],
}

fn shares(pair: &[Figures; 2], all: i64, has_earlier: bool, currency: Currency) -> Shares {
    let [current, earlier] = pair;
    let share = money::mean(current.revenue.saturating_mul(1000), all).map_or(Value::Empty, Value::PerMille);
    let share = if all > 0 { share } else { Value::Empty };
    let change = if has_earlier { Change::between(current.revenue, earlier.revenue) } else { Change::None };
    let before = |value| if has_earlier { value } else { Value::Empty };
    let (orders, revenue) = (Value::Count(current.orders), Value::Money(current.revenue, currency));
    Shares {
        cells: [orders.cell(), revenue.cell(), share.cell(), changed(change, Some(currency))],
        values: [
            orders,
            revenue,
            share,
            before(Value::Count(earlier.orders)),
            before(Value::Money(earlier.revenue, currency)),
            percent(change),
        ],
    }
}

/// Every country of the range by revenue; a click asks about it alone.
pub fn countries(
    rows: &[(usize, String, Sums)],
    has_earlier: bool,
    question: &Question,
    figures: &impl Fn(&Sums) -> Figures,
    currency: Currency,
) -> Table {
    let pairs = pairs_by_value(rows, figures);
    let all: i64 = pairs.values().map(|[current, _]| current.revenue).sum();
    let mut pairs: Vec<(String, [Figures; 2])> = pairs.into_iter().collect();
    pairs.sort_by(|(a, [x, _]), (b, [y, _])| y.orders.cmp(&x.orders).then(y.revenue.cmp(&x.revenue)).then(a.cmp(b)));
    let rows = pairs.into_iter().map(|(code, pair)| {
        let mut asked = question.clone();
        asked.filter.countries = vec![code.clone()];
        let name = if code == UNKNOWN { "Unknown".to_owned() } else { country::name(&code) };
        let name = Value::Text(name);
        let Shares { cells, values } = shares(&pair, all, has_earlier, currency);
        let cells = std::iter::once(name.cell()).chain(cells).collect();
        let values = [Value::Text(code.clone()), name].into_iter().chain(values).collect();
        (Row { key: code, address: asked.address(), cells }, values)
    });
    let (rows, values) = rows.unzip();
    let names = vec![Column::text("code", "Code"), Column::text("country", "Country")];
    Table {
        name: "countries".into(),
        title: "Countries".into(),
        rows,
        data: Data::new([names, shares_data_columns()].concat(), SHARES_MONEY, values),
        columns: std::iter::once(Column::text("country", "Country")).chain(shares_columns()).collect(),
    }
}

/// Every platform that has a source: what it brought, whether it is active, when it was heard last.
pub fn platforms(
    rows: &[(usize, String, Sums)],
    has_earlier: bool,
    sources: &[Source],
    question: &Question,
    figures: &impl Fn(&Sums) -> Figures,
    books: &Books,
    now: Instant,
) -> Table {
    let pairs = pairs_by_value(rows, figures);
    let all: i64 = pairs.values().map(|[current, _]| current.revenue).sum();
    let mut names: Vec<&str> = sources.iter().map(|source| source.platform.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let rows = names.into_iter().map(|platform| {
        let of_platform = sources.iter().filter(|source| source.platform == platform);
        let mut pair = [Figures::default(); 2];
        for source in of_platform.clone() {
            for (sum, part) in pair.iter_mut().zip(pairs.get(&source.id.to_string()).copied().unwrap_or_default()) {
                *sum += part;
            }
        }
        let heard = of_platform.filter_map(|source| source.last_delivery_at).max();
        let mut asked = question.clone();
        asked.filter.platforms = vec![platform.to_owned()];
        let Shares { cells, values } = shares(&pair, all, has_earlier, books.currency);
        let (name, status) = (Value::Text(platform_name(platform).to_owned()), status(heard, now));
        let end = [Value::Text(status.text.clone()), heard_at(heard, books, "%Y-%m-%d %H:%M:%S")];
        let last = heard_at(heard, books, "%-d %b %H:%M").cell();
        let cells = std::iter::once(name.cell()).chain(cells).chain([status, last]).collect();
        let values = [Value::Text(platform.to_owned()), name].into_iter().chain(values).chain(end).collect();
        (Row { key: platform.to_owned(), address: asked.address(), cells }, values)
    });
    let mut rows: Vec<(Row, Vec<Value>)> = rows.collect();
    rows.sort_by_key(|(row, _)| std::cmp::Reverse(row.cells[2].order));
    let (rows, values) = rows.into_iter().unzip();
    let names = vec![Column::text("code", "Code"), Column::text("platform", "Platform")];
    let end = [Column::text("status", "Status"), Column::text("last", "Last event")];
    Table {
        name: "platforms".into(),
        title: "Platforms".into(),
        rows,
        data: Data::new([names, shares_data_columns(), end.to_vec()].concat(), SHARES_MONEY, values),
        columns: std::iter::once(Column::text("platform", "Platform")).chain(shares_columns()).chain(end).collect(),
    }
}

fn status(heard: Option<Instant>, now: Instant) -> Cell {
    let (text, tone) = match heard {
        None => ("nothing yet", 0),
        Some(at) if (now - at).num_hours() < QUIET_AFTER_HOURS => ("active", 1),
        Some(_) => ("quiet", -1),
    };
    Cell { tone, ..Value::Text(text.into()).cell() }
}

fn heard_at(heard: Option<Instant>, books: &Books, format: &str) -> Value {
    heard.map_or(Value::Empty, |at| Value::Time(books.calendar.local(at).strftime(format).to_string(), at.timestamp()))
}

/// The average order of the last 30 days, newest first, with the change from day to day. The first of `days` is there for
/// that alone.
pub fn averages(days: &[Day], currency: Currency) -> Table {
    let rows = days.windows(2).rev().map(|pair| {
        let [before, day] = pair else { return (Row::default(), Vec::new()) };
        let mean = |day: &Day| day.figures.average().unwrap_or(0);
        let change = Change::between(mean(day), mean(before));
        let values = [
            Value::Date(day.date.clone()),
            Value::Count(day.figures.orders),
            Value::Money(day.figures.revenue, currency),
            average(&day.figures, currency),
        ];
        let row = Row {
            key: day.date.clone(),
            address: Question::default()
                .with_range(crate::sales::question::Range::Dates(day.date.clone(), day.date.clone()))
                .address(),
            cells: values.iter().map(Value::cell).chain([changed(change, Some(currency))]).collect(),
        };
        (row, values.into_iter().chain([percent(change)]).collect())
    });
    let (rows, values) = rows.unzip();
    let columns = vec![
        Column::text("date", "Date"),
        Column::number("orders", "Orders"),
        Column::number("revenue", "Revenue"),
        Column::number("average", "Average order"),
        Column::number("change", "Day over day"),
    ];
    Table {
        name: "averages".into(),
        title: "Average order, day by day".into(),
        rows,
        data: Data::new(columns.clone(), &["revenue", "average"], values),
        columns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_new_where_nothing_was_sold_before_and_level_where_nothing_is_compared() {
        let sums = Sums { orders: 1, gross: 4_567, ..Sums::default() };
        let rows = [(0, "GB".to_owned(), sums)];
        let figures = |sums: &Sums| Figures { orders: sums.orders, revenue: sums.total(), placed: sums.placed() };
        for (has_earlier, change, before) in [(true, "new", Value::Count(0)), (false, "—", Value::Empty)] {
            let table = countries(&rows, has_earlier, &Question::default(), &figures, Currency::GBP);
            assert!(table.rows[0].cells[4].text.ends_with(change), "{:?}", table.rows[0].cells[4]);
            assert_eq!(table.data.value(&table.data.rows[0], "orders_before"), &before);
        }
    }
}
