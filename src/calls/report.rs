//! Calls as a report to print: the figures, the charts and the tables of the page.

use crate::calls::ask::Filter;
use crate::calls::charts;
use crate::calls::model::{CallSettings, Means, Moment, RelayCost, dollars};
use crate::calls::past::{Past, people_table};
use crate::calls::shown::{self, CallsShown, CardsShown, QualityBar, alert_line};
use crate::calls::tables::{figure_cells, figure_columns, quality_cell};
use crate::export::pdf::{Bar, Report};
use crate::period::Calendar;
use crate::table::{Column, Data, Value};

/// The calls that go on.
pub fn live(moment: &Moment, filter: &Filter, relay: RelayCost, calendar: &Calendar) -> Report {
    let CallsShown { cards, carried, qualities, found, alerts, .. } = shown::live(moment, filter, relay, calendar);
    let CardsShown { as_of, rooms, people, relayed, cost, month_cost, price, critical, .. } = cards;
    let mut facts = vec![("As of".to_owned(), as_of), ("Zone".to_owned(), calendar.zone_name().to_owned())];
    if !found.is_empty() {
        let rooms: Vec<(i32, &str)> = moment.sample.calls.iter().map(|call| (call.room, call.name.as_str())).collect();
        facts.push(("Asked for".to_owned(), format!("{}: {found}", filter.words(&rooms))));
    }
    facts.push(("Relay".to_owned(), format!("estimate, at {price} for a person and an hour")));
    Report {
        title: "Calls".into(),
        facts,
        figures: [
            ("Rooms", rooms),
            ("People", people),
            ("Relayed", relayed),
            ("Relay per hour", cost),
            ("Relay this month", month_cost),
            ("Critical alerts", critical),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        charts: vec![("What the calls carry".into(), carried)],
        bars: Some(("People by quality".into(), qualities.iter().map(bar).collect())),
        tables: vec![
            ("In calls now".into(), live_table(moment, filter)),
            (
                "Alerts".into(),
                alert_table(alerts.into_iter().map(|line| (line.severity.title(), line.words, line.room, line.when))),
            ),
        ],
    }
}

/// A call.
pub fn past(past: &Past, moment: &Moment, settings: CallSettings, calendar: &Calendar) -> Report {
    let shown = past.shown(moment, settings, calendar);
    let relayed = past.relayed_seconds();
    let mut facts = vec![("When".to_owned(), shown.when.clone()), ("Zone".to_owned(), calendar.zone_name().to_owned())];
    facts.push(("Relay".to_owned(), format!("estimate ${}", dollars(settings.seconds_micros(relayed)))));
    let lines = past.alerts.iter().map(|alert| alert_line(alert, calendar, moment.sample.at.max(past.call.until())));
    let alerts = alert_table(lines.map(|line| (line.severity.title(), line.words, line.room, line.when)));
    Report {
        title: shown.title,
        facts,
        figures: shown.facts.into_iter().map(|(name, value)| (name.to_owned(), value)).take(4).collect(),
        charts: vec![("How the quality went".into(), shown.scores.0), ("What it carried".into(), shown.bandwidth.0)],
        bars: None,
        tables: vec![
            ("Who was in it".into(), people_table(&past.people)),
            ("Alerts".into(), alerts),
            ("How it went".into(), charts::points_table(&past.points, calendar)),
        ],
    }
}

fn bar(bar: &QualityBar) -> Bar {
    let share = Value::PerMille(bar.per_mille).text();
    Bar { name: bar.quality.title().into(), value: format!("{} ({share})", bar.people), per_mille: bar.per_mille }
}

fn live_table(moment: &Moment, filter: &Filter) -> Data {
    let mut columns = vec![Column::text("room", "Room"), Column::text("person", "Person")];
    columns.extend(figure_columns());
    columns.extend([Column::text("quality", "Quality"), Column::text("way", "Way")]);
    let asked = moment.people().filter(|(call, person)| filter.takes(call, person));
    let rows = asked.map(|(call, person)| {
        let means = Means::of(person);
        let mut row = vec![Value::Text(call.name.clone()), Value::Text(person.name.clone())];
        row.extend(figure_cells(&means));
        row.extend([quality_cell(means.quality()), Value::Text(shown::way(person.is_relayed).into())]);
        row
    });
    Data::new(columns, &[], rows.collect())
}

fn alert_table(lines: impl Iterator<Item = (&'static str, String, String, String)>) -> Data {
    let columns = vec![
        Column::text("severity", "Severity"),
        Column::text("what", "What"),
        Column::text("room", "Room"),
        Column::text("when", "When"),
    ];
    let rows = lines.map(|(severity, words, room, when)| {
        vec![Value::Text(severity.into()), Value::Text(words), Value::Text(room), Value::Text(when)]
    });
    Data::new(columns, &[], rows.collect())
}
