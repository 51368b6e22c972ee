//! The page of calls in words and tables, as the view writes it.

use crate::calls::alerts::{Alert, Severity};
use crate::calls::ask::Filter;
use crate::calls::charts;
use crate::calls::model::{CallSettings, FIGURES, Means, Moment, PastCall, RelayCost, Totals, dollars};
use crate::calls::quality::Quality;
use crate::chart::Chart;
use crate::money::count;
use crate::period::{Calendar, Instant};
use crate::table::{Column, Data, Listing, Value};
use crate::voice::monitor::{CallSample, PersonSample};

/// The page of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsShown {
    /// What has come of the form before; empty mostly.
    pub said: &'static str,
    /// The figures at the top.
    pub cards: CardsShown,
    /// What is and was the matter.
    pub alerts: Vec<AlertLine>,
    /// What was carried.
    pub carried: Chart,
    /// The same as a table.
    pub carried_table: Listing,
    /// People by quality.
    pub qualities: Vec<QualityBar>,
    /// Who is asked for.
    pub filter: Filter,
    /// The rooms that can be asked for.
    pub choices: Vec<(i32, String)>,
    /// How many were found.
    pub found: String,
    /// The rooms with whom was asked for.
    pub live: Vec<RoomLine>,
    /// Calls that are over.
    pub past: Listing,
    /// Where the calls before them are; empty where there are none.
    pub older: String,
    /// What stands in the form of settings.
    pub settings: SettingsFields,
    /// The rooms, to be changed.
    pub rooms_form: RoomsForm,
}

/// The figures at the top of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardsShown {
    /// The moment of the figures; empty before the first sample.
    pub as_of: String,
    /// Rooms with somebody in them.
    pub rooms: String,
    /// People.
    pub people: String,
    /// What all calls carry.
    pub carries: String,
    /// People whom the relay carries.
    pub relayed: String,
    /// How many of all that is.
    pub relayed_share: String,
    /// What that costs in an hour.
    pub cost: String,
    /// What the relay has cost this month.
    pub month_cost: String,
    /// At which price.
    pub price: String,
    /// Critical alerts that go on.
    pub critical: String,
    /// Other alerts that go on.
    pub warnings: String,
}

/// The rooms that there are, and what somebody typed of one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomsForm {
    /// Numbers and names.
    pub rooms: Vec<(i32, String)>,
    /// Of which room (none is a new one) what was typed, and what is wrong with it.
    pub typed: Option<(Option<i32>, String, String)>,
    /// What is wrong that is about none of them: a room that is gone, and could not be removed or renamed.
    pub problem: String,
}

/// The settings as their form has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsFields {
    /// Days.
    pub days: String,
    /// What is wrong with them.
    pub days_problem: String,
    /// Dollars.
    pub price: String,
    /// What is wrong with them.
    pub price_problem: String,
}

impl SettingsFields {
    /// As they are.
    pub fn of(settings: CallSettings) -> SettingsFields {
        let price = dollars(settings.relay_hour_micros);
        SettingsFields { days: settings.days.to_string(), price, ..SettingsFields::default() }
    }
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertLine {
    /// Its number.
    pub id: i64,
    /// The call's number.
    pub call: i64,
    /// How bad it is.
    pub severity: Severity,
    /// Who, and what.
    pub words: String,
    /// The room.
    pub room: String,
    /// Since when, or from when to when.
    pub when: String,
    /// Whether it goes on.
    pub is_on: bool,
    /// Who has seen it; empty while nobody has.
    pub acknowledged: String,
}

/// People with a quality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityBar {
    /// Which.
    pub quality: Quality,
    /// How many.
    pub people: i64,
    /// How many of those whose quality is known, in tenths of a percent.
    pub per_mille: i64,
}

/// A room with its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomLine {
    /// The call's number.
    pub call: i64,
    /// The room's name.
    pub name: String,
    /// How many people and since when.
    pub about: String,
    /// The people: their names and figures.
    pub people: Vec<PersonLine>,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonLine {
    /// Their name.
    pub name: String,
    /// Up, down, latency, jitter, loss, concealment.
    pub figures: [String; 6],
    /// The word of their quality; none while it is not known.
    pub quality: Option<Quality>,
    /// Its score.
    pub score: String,
    /// Relayed or direct.
    pub way: &'static str,
    /// Connecting, muted; empty mostly.
    pub state: &'static str,
}

/// A number with so many digits after the point; a dash where there is none.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.filter(|value| value.is_finite()).map_or("—".into(), |value| format!("{value:.digits$}"))
}

/// The same as a value of a table.
pub fn decimal(value: Option<f64>, digits: usize) -> Value {
    value.filter(|value| value.is_finite()).map_or(Value::Empty, |value| Value::Decimal(format!("{value:.digits$}")))
}

/// `1 person`, `2 people`.
pub fn people_words(people: i64) -> String {
    if people == 1 { "1 person".into() } else { format!("{} people", count(people)) }
}

/// How long something lasted.
pub fn length(from: Instant, to: Instant) -> String {
    let seconds = (to - from).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// The time of the day, to the second.
pub fn clock(calendar: &Calendar, at: Instant) -> String {
    calendar.local(at).strftime("%H:%M:%S").to_string()
}

/// A moment's part of the page.
pub fn live(moment: &Moment, filter: &Filter, relay: RelayCost, calendar: &Calendar) -> CallsShown {
    let settings = relay.settings;
    let totals = moment.totals();
    let (up, down) = moment.carries();
    let at = moment.sample.at;
    let on = moment.alerts.iter().filter(|alert| alert.is_on()).count() as i64;
    let live = rooms(moment, filter);
    let found: usize = live.iter().map(|room| room.people.len()).sum();
    let found = if filter.is_all() {
        String::new()
    } else {
        format!("{} of {}.", count(found as i64), people_words(totals.people))
    };
    CallsShown {
        said: "",
        cards: CardsShown {
            as_of: moment.at().map_or(String::new(), |at| {
                format!("{} {}", calendar.local(at).strftime("%-d %b %H:%M:%S"), calendar.abbreviation(at))
            }),
            rooms: count(totals.rooms),
            people: count(totals.people),
            carries: format!("{} kbit/s up, {} kbit/s down", count(up.round() as i64), count(down.round() as i64)),
            relayed: count(totals.relayed),
            relayed_share: format!(
                "{} of all",
                totals.relayed_per_mille().map_or(Value::Empty, Value::PerMille).text()
            ),
            cost: format!("${}", dollars(settings.hour_micros(totals.relayed))),
            month_cost: format!("${}", dollars(relay.month_micros())),
            price: format!("${}", dollars(settings.relay_hour_micros)),
            critical: count(totals.critical),
            warnings: count(on - totals.critical),
        },
        alerts: moment.alerts.iter().map(|alert| alert_line(alert, calendar, at)).collect(),
        carried: charts::carried(&moment.carried, calendar),
        carried_table: Listing::of(charts::carried_table(&moment.carried, calendar)),
        qualities: bars(&totals),
        filter: filter.clone(),
        choices: moment.sample.calls.iter().map(|call| (call.room, call.name.clone())).collect(),
        found,
        live,
        past: Listing::default(),
        older: String::new(),
        settings: SettingsFields::of(settings),
        rooms_form: RoomsForm::default(),
    }
}

/// People by quality.
pub fn bars(totals: &Totals) -> Vec<QualityBar> {
    let all = totals.with_quality();
    let bar = |(quality, people)| QualityBar {
        quality,
        people,
        per_mille: crate::money::mean(people * 1_000, all).unwrap_or(0),
    };
    Quality::ALL.into_iter().zip(totals.by_quality).map(bar).collect()
}

fn rooms(moment: &Moment, filter: &Filter) -> Vec<RoomLine> {
    let calls = moment.sample.calls.iter();
    let rooms = calls.map(|call| {
        let asked = call.people.iter().filter(|person| filter.takes(call, person));
        RoomLine { people: asked.map(person_line).collect(), ..room_line(call, moment.sample.at) }
    });
    rooms.filter(|room| !room.people.is_empty()).collect()
}

/// A call with everybody in it.
pub fn room(call: &CallSample, at: Instant) -> RoomLine {
    RoomLine { people: call.people.iter().map(person_line).collect(), ..room_line(call, at) }
}

fn room_line(call: &CallSample, at: Instant) -> RoomLine {
    RoomLine {
        call: call.id,
        name: call.name.clone(),
        about: format!("{}, for {}", people_words(call.people.len() as i64), length(call.began_at, at)),
        people: Vec::new(),
    }
}

/// How media goes.
pub fn way(is_relayed: bool) -> &'static str {
    if is_relayed { "Relayed" } else { "Direct" }
}

fn person_line(person: &PersonSample) -> PersonLine {
    let means = Means::of(person);
    let mut values = means.figures().into_iter().zip(FIGURES);
    PersonLine {
        name: person.name.clone(),
        figures: std::array::from_fn(|_| values.next().map_or(String::new(), |(value, of)| number(value, of.digits))),
        quality: means.quality(),
        score: means.score.map_or(String::new(), |score| format!("Score {score:.0} of 100")),
        way: way(person.is_relayed),
        state: match person {
            person if !person.is_connected => "Not connected",
            person if person.is_server_muted => "Muted by an administrator",
            person if person.is_muted => "Muted",
            _ => "",
        },
    }
}

/// An alert in words, as of a moment.
pub fn alert_line(alert: &Alert, calendar: &Calendar, now: Instant) -> AlertLine {
    let raised = clock(calendar, alert.raised_at);
    AlertLine {
        id: alert.id,
        call: alert.call,
        severity: alert.severity,
        words: format!("{}: {}", alert.name, alert.words()),
        room: alert.room_name.clone(),
        when: match alert.cleared_at {
            None => format!("since {raised}, for {}", length(alert.raised_at, now)),
            Some(cleared) => format!("{raised}–{}, over", clock(calendar, cleared)),
        },
        is_on: alert.is_on(),
        acknowledged: alert
            .acknowledged
            .as_ref()
            .map_or(String::new(), |(by, at)| format!("Seen by {by} at {}", clock(calendar, *at))),
    }
}

/// How many alerts go on that nobody has seen, for those who hear the page.
pub fn alert_words(alerts: &[AlertLine]) -> String {
    let open = alerts.iter().filter(|alert| alert.is_on && alert.acknowledged.is_empty()).count();
    match open {
        0 => "No alert is open.".into(),
        1 => "1 alert is open.".into(),
        many => format!("{many} alerts are open."),
    }
}

/// Calls that are over.
pub fn past(calls: &[PastCall], calendar: &Calendar) -> Listing {
    let columns = vec![
        Column::text("began_at", "Began"),
        Column::text("room", "Room"),
        Column::number("minutes", "Minutes"),
        Column::number("people", "People"),
        Column::text("quality", "Quality"),
        Column::number("score", "Score"),
        Column::number("loss_percent", "Loss, %"),
        Column::number("rtt_ms", "Latency, ms"),
        Column::number("relayed_minutes", "Relayed, min"),
    ];
    let rows = calls.iter().map(|call| {
        let score = call.score.map(f64::from);
        let local = calendar.local(call.began_at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        vec![
            Value::Time(local, call.began_at.timestamp()),
            Value::Text(call.name.clone()),
            decimal(Some((call.until() - call.began_at).num_seconds() as f64 / 60.0), 1),
            call.people.map_or(Value::Empty, |people| Value::Count(people.into())),
            score.map_or(Value::Empty, |score| Value::Text(Quality::of(score).title().into())),
            decimal(score, 0),
            decimal(call.loss_percent.map(f64::from), 1),
            decimal(call.rtt_ms.map(f64::from), 0),
            decimal(call.relayed_seconds.map(|seconds| seconds / 60.0), 1),
        ]
    });
    let leads = calls.iter().map(|call| vec![(0, format!("/calls/{}", call.id))]).collect();
    Listing { data: Data::new(columns, &[], rows.collect()), leads, ..Listing::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_are_said_shortly() {
        let from = Instant::default();
        for (seconds, words) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (7_260, "2 h 1 min"), (-5, "0 s")]
        {
            assert_eq!(length(from, from + chrono::TimeDelta::seconds(seconds)), words);
        }
        assert_eq!(
            (number(Some(1.25), 1), number(None, 1), number(Some(f64::NAN), 0)),
            ("1.2".into(), "—".into(), "—".into())
        );
        assert_eq!((people_words(1), people_words(1_200)), ("1 person".into(), "1,200 people".into()));
    }
}
