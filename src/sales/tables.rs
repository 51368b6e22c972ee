//! The tables of the page: the periods to date, countries, platforms, the average order day by day. Pure.

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
use crate::table::{Cell, Column, Row, Table, Value};
use crate::ui::change;

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
        rows: rows.into_iter().map(|(key, title, versus)| period(key, title, versus, currency)).collect(),
    }
}

fn period(key: &str, title: &str, versus: &Versus, currency: Currency) -> Row {
    let Versus { current, earlier, .. } = versus;
    let average = |figures: &Figures| figures.average().map_or(Value::Empty, |minor| Value::Money(minor, currency));
    Row {
        key: key.into(),
        address: String::new(),
        cells: vec![
            Value::Text(title.into()).cell(),
            progress(Value::Count(earlier.orders), Value::Count(current.orders)),
            changed(versus.orders_change(), None),
            progress(Value::Money(earlier.revenue, currency), Value::Money(current.revenue, currency)),
            changed(versus.revenue_change(), Some(currency)),
            progress(average(earlier), average(current)),
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
fn changed(change: Change, currency: Option<Currency>) -> Cell {
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
    Cell { text: format!("{arrow} {text}").trim().to_owned(), order: Some(order), tone: change.direction() }
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
    }
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

fn shares(pair: &[Figures; 2], all: i64, has_earlier: bool, currency: Currency) -> [Cell; 4] {
    let [current, earlier] = pair;
    let share = money::mean(current.revenue.saturating_mul(1000), all).map_or(Value::Empty, Value::PerMille);
    let change = if has_earlier { Change::between(current.revenue, earlier.revenue) } else { Change::None };
    [
        Value::Count(current.orders).cell(),
        Value::Money(current.revenue, currency).cell(),
        if all > 0 { share.cell() } else { Value::Empty.cell() },
        changed(change, Some(currency)),
    ]
}

/// Every country of the range by revenue; a click asks about it alone.
pub fn countries(
    rows: &[(usize, String, Sums)],
    question: &Question,
    figures: &impl Fn(&Sums) -> Figures,
    currency: Currency,
) -> Table {
    let pairs = pairs_by_value(rows, figures);
    let all: i64 = pairs.values().map(|[current, _]| current.revenue).sum();
    let has_earlier = rows.iter().any(|(window, ..)| *window == 1);
    let mut pairs: Vec<(String, [Figures; 2])> = pairs.into_iter().collect();
    pairs.sort_by(|(a, [x, _]), (b, [y, _])| y.orders.cmp(&x.orders).then(y.revenue.cmp(&x.revenue)).then(a.cmp(b)));
    let rows = pairs.into_iter().map(|(code, pair)| {
        let mut asked = question.clone();
        asked.filter.countries = vec![code.clone()];
        let name = if code == UNKNOWN { "Unknown".to_owned() } else { country::name(&code) };
        let cells = std::iter::once(Value::Text(name).cell()).chain(shares(&pair, all, has_earlier, currency));
        Row { key: code, address: asked.address(), cells: cells.collect() }
    });
    Table {
        name: "countries".into(),
        title: "Countries".into(),
        rows: rows.collect(),
        columns: std::iter::once(Column::text("country", "Country")).chain(shares_columns()).collect(),
    }
}

/// Every platform that has a source: what it brought, whether it is active, when it was heard last.
pub fn platforms(
    rows: &[(usize, String, Sums)],
    sources: &[Source],
    question: &Question,
    figures: &impl Fn(&Sums) -> Figures,
    books: &Books,
    now: Instant,
) -> Table {
    let pairs = pairs_by_value(rows, figures);
    let all: i64 = pairs.values().map(|[current, _]| current.revenue).sum();
    let has_earlier = rows.iter().any(|(window, ..)| *window == 1);
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
        let cells = std::iter::once(Value::Text(platform_name(platform).to_owned()).cell())
            .chain(shares(&pair, all, has_earlier, books.currency))
            .chain([status(heard, now), last_heard(heard, books)]);
        Row { key: platform.to_owned(), address: asked.address(), cells: cells.collect() }
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.cells[2].order));
    let end = [Column::text("status", "Status"), Column::text("last", "Last event")];
    Table {
        name: "platforms".into(),
        title: "Platforms".into(),
        rows,
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

fn last_heard(heard: Option<Instant>, books: &Books) -> Cell {
    heard
        .map_or(Value::Empty, |at| {
            Value::Time(books.calendar.local(at).strftime("%-d %b %H:%M").to_string(), at.timestamp())
        })
        .cell()
}

/// The average order of the last 30 days, newest first, with the change from day to day. The first of `days` is there for
/// that alone.
pub fn averages(days: &[Day], currency: Currency) -> Table {
    let rows = days.windows(2).rev().map(|pair| {
        let [before, day] = pair else { return Row::default() };
        let average = |day: &Day| day.figures.average();
        let change = Change::between(average(day).unwrap_or(0), average(before).unwrap_or(0));
        Row {
            key: day.date.clone(),
            address: Question::default()
                .with_range(crate::sales::question::Range::Dates(day.date.clone(), day.date.clone()))
                .address(),
            cells: vec![
                Value::Date(day.date.clone()).cell(),
                Value::Count(day.figures.orders).cell(),
                Value::Money(day.figures.revenue, currency).cell(),
                average(day).map_or(Value::Empty, |minor| Value::Money(minor, currency)).cell(),
                changed(change, Some(currency)),
            ],
        }
    });
    Table {
        name: "averages".into(),
        title: "Average order, day by day".into(),
        columns: vec![
            Column::text("date", "Date"),
            Column::number("orders", "Orders"),
            Column::number("revenue", "Revenue"),
            Column::number("average", "Average order"),
            Column::number("change", "Day over day"),
        ],
        rows: rows.collect(),
    }
}
