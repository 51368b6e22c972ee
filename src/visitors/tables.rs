//! Visitors as tables: the page, the API and the files show the same.

use crate::country;
use crate::period::{Calendar, Window};
use crate::table::{Column, Data, Value};
use crate::visitors::answer::{Visited, conversion};
use crate::visitors::batch::OTHERS;
use crate::visitors::sums_store::PartSums;

/// The tables: name and title.
pub const TABLES: [(&str, &str); 5] = [
    ("hours", "Visitors by hour"),
    ("days", "Visitors by day"),
    ("referrers", "Where visitors came from"),
    ("pages", "Pages"),
    ("countries", "Visitors by country"),
];

/// A table by its name.
pub fn table(visited: &Visited, name: &str, calendar: &Calendar) -> Option<Data> {
    let all_days = visited.days_window(calendar);
    let (data, window) = match name {
        "hours" => (hours(visited, calendar), visited.hours_window()),
        "days" => (days(visited), all_days),
        "referrers" => (parts(&visited.referrers, Column::text("referrer", "Referrer"), referrer), all_days),
        "pages" => (parts(&visited.pages, Column::text("page", "Page"), plain), all_days),
        "countries" => (countries(&visited.countries), all_days),
        _ => return None,
    };
    Some(over(window, data))
}

fn over(window: Window, mut data: Data) -> Data {
    data.window_ms = (window.from.timestamp_millis(), window.to.timestamp_millis());
    data
}

/// The hours, the newest first.
fn hours(visited: &Visited, calendar: &Calendar) -> Data {
    let columns = vec![
        Column::text("from", "Hour"),
        Column::number("visitors", "Visitors"),
        Column::number("views", "Page views"),
    ];
    let rows = visited.hours.iter().rev().map(|hour| {
        let local = calendar.local(hour.window.from).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let from = Value::Time(local, hour.window.from.timestamp());
        vec![from, Value::Count(hour.visitors), Value::Count(hour.views)]
    });
    Data::new(columns, &[], rows.collect())
}

/// The days, the newest first.
fn days(visited: &Visited) -> Data {
    let columns = vec![
        Column::text("date", "Date"),
        Column::number("visitors", "Visitors"),
        Column::number("views", "Page views"),
        Column::number("orders", "Orders"),
        Column::number("conversion", "Orders per visitor"),
    ];
    let rows = visited.days.iter().rev().map(|day| {
        vec![
            Value::Date(day.date.to_string()),
            Value::Count(day.visitors),
            Value::Count(day.views),
            Value::Count(day.orders),
            conversion(day.orders, day.visitors).map_or(Value::Empty, Value::PerMille),
        ]
    });
    Data::new(columns, &[], rows.collect())
}

fn parts(parts: &[PartSums], first: Column, name: fn(&str) -> String) -> Data {
    let columns = vec![first, Column::number("visitors", "Visitors"), Column::number("views", "Page views")];
    let rows = parts
        .iter()
        .map(|part| vec![Value::Text(name(&part.name)), Value::Count(part.visitors), Value::Count(part.views)]);
    Data::new(columns, &[], rows.collect())
}

fn countries(countries: &[PartSums]) -> Data {
    let columns = vec![
        Column::text("country", "Country"),
        Column::text("code", "Code"),
        Column::number("visitors", "Visitors"),
        Column::number("views", "Page views"),
    ];
    let rows = countries.iter().map(|part| {
        let (name, code) = match part.name.as_str() {
            "" => ("not known".to_owned(), Value::Empty),
            code => (country::name(code), Value::Text(code.to_owned())),
        };
        vec![Value::Text(name), code, Value::Count(part.visitors), Value::Count(part.views)]
    });
    Data::new(columns, &[], rows.collect())
}

fn referrer(name: &str) -> String {
    if name.is_empty() { "none, or not said".into() } else { plain(name) }
}

fn plain(name: &str) -> String {
    if name == OTHERS { "others".into() } else { name.to_owned() }
}
