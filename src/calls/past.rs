//! A call as it is kept: how it went, who was in it, what was the matter. Live calls too, up to their last ten seconds.

use sqlx::{Connection as _, PgConnection};

use crate::calls::alerts::Alert;
use crate::calls::charts;
use crate::calls::history::ROW_SECONDS;
use crate::calls::model::{CallSettings, Moment, PastCall, PastPerson, PastPoint, dollars};
use crate::calls::quality::Quality;
use crate::calls::shown::{AlertLine, RoomLine, alert_line, decimal, length, people_words, room};
use crate::calls::store;
use crate::calls::tables::{figure_cells, figure_columns, quality_cell};
use crate::chart::Chart;
use crate::period::{Calendar, Instant};
use crate::table::{Column, Data, Listing, Value};

/// Points of a call's charts at most; a long call has longer steps.
const POINTS_MAX: i64 = 240;
/// Alerts of a call that are read at most.
const ALERTS_MAX: i64 = 500;

/// A call with all that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The call.
    pub call: PastCall,
    /// Who was in it.
    pub people: Vec<PastPerson>,
    /// Whose points follow; everybody's where it is nobody's.
    pub person: Option<i32>,
    /// How it went.
    pub points: Vec<PastPoint>,
    /// Seconds of a point.
    pub point_seconds: i64,
    /// What was the matter.
    pub alerts: Vec<Alert>,
}

/// A call as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallShown {
    /// Its number.
    pub id: i64,
    /// The room and when it began.
    pub title: String,
    /// From when to when.
    pub when: String,
    /// What is said of it, with names.
    pub facts: Vec<(&'static str, String)>,
    /// Whether it goes on.
    pub is_live: bool,
    /// Who is in it now.
    pub live: Option<RoomLine>,
    /// Whom alone the charts show, by name; everybody where it is nobody.
    pub whose: Option<String>,
    /// How the quality went, as chart and table.
    pub scores: (Chart, Listing),
    /// What it carried, as chart and table.
    pub bandwidth: (Chart, Listing),
    /// Who was in it.
    pub people: Listing,
    /// What was the matter.
    pub alerts: Vec<AlertLine>,
}

/// Reads a call, and how it went for everybody or for one person, from one consistent view of the database. One that has just begun is
/// known by its sample alone. Nothing where there is none of this number.
pub async fn read(
    db: &mut PgConnection,
    workspace: i32,
    (id, person): (i64, Option<i32>),
    moment: &Moment,
) -> sqlx::Result<Option<Past>> {
    let mut view = db.begin_with("begin isolation level repeatable read read only").await?;
    let live = moment.call(id);
    let call = match (store::call(&mut view, workspace, id).await?, live) {
        // What is sampled is newer than what is written.
        (Some(call), Some(live)) => {
            PastCall { seen_at: moment.sample.at, ended_at: None, name: live.name.clone(), ..call }
        }
        (Some(call), None) => call,
        (None, Some(live)) => PastCall {
            id,
            room: live.room,
            name: live.name.clone(),
            began_at: live.began_at,
            seen_at: moment.sample.at,
            ended_at: None,
            people: None,
            score: None,
            loss_percent: None,
            rtt_ms: None,
            relayed_seconds: None,
        },
        (None, None) => return Ok(None),
    };
    let point_seconds = step(call.began_at, call.until());
    let mut alerts = store::alerts(&mut view, workspace, id, ALERTS_MAX).await?;
    for alert in moment.alerts.iter().filter(|alert| alert.call == id) {
        match alerts.iter_mut().find(|known| known.id == alert.id) {
            Some(known) => *known = alert.clone(),
            None => alerts.insert(0, alert.clone()),
        }
    }
    let people = store::people(&mut view, workspace, id).await?;
    let points = store::points(&mut view, workspace, id, point_seconds, person).await?;
    view.commit().await?;
    Ok(Some(Past { call, people, person, points, point_seconds, alerts }))
}

/// Seconds of a point, so that a call has no more of them than a chart can show.
fn step(from: Instant, to: Instant) -> i64 {
    let rows = ((to - from).num_seconds().max(0) / ROW_SECONDS) + 1;
    (rows + POINTS_MAX - 1) / POINTS_MAX * ROW_SECONDS
}

impl Past {
    /// Whether it goes on, as far as is known.
    pub fn is_live(&self, moment: &Moment) -> bool {
        moment.call(self.call.id).is_some()
    }

    /// The name of whom the points are about; a number where nobody of it was there.
    fn whose(&self) -> Option<String> {
        let person = self.person?;
        let known = self.people.iter().find(|known| known.person == person);
        Some(known.map_or_else(|| format!("person {person}, who was not there,"), |known| known.name.clone()))
    }

    /// How long the relay carried its people.
    pub fn relayed_seconds(&self) -> f64 {
        self.people.iter().map(|person| person.relayed_seconds).sum()
    }

    /// The page.
    pub fn shown(&self, moment: &Moment, settings: CallSettings, calendar: &Calendar) -> CallShown {
        let Past { call, people, points, .. } = self;
        let local = |at: Instant, format: &str| calendar.local(at).strftime(format).to_string();
        let (is_live, until) = (self.is_live(moment), call.until());
        let score = call.score.map(f64::from);
        let relayed = self.relayed_seconds();
        let facts = vec![
            ("People", people_words(people.len() as i64)),
            ("Quality", score.map_or("—".into(), |score| format!("{}, {score:.0} of 100", Quality::of(score).title()))),
            ("Loss", with_unit(call.loss_percent, 1, "%")),
            ("Latency", with_unit(call.rtt_ms, 0, "ms")),
            ("Relayed", format!("{:.1} min, estimate ${}", relayed / 60.0, dollars(settings.seconds_micros(relayed)))),
        ];
        let leads = people.iter().map(|one| vec![(0, format!("/calls/{}?person={}", call.id, one.person))]).collect();
        let end = if is_live { "now".to_owned() } else { local(until, "%H:%M:%S") };
        CallShown {
            id: call.id,
            title: format!("{}, {}", call.name, local(call.began_at, "%-d %b %Y %H:%M")),
            when: format!(
                "{}–{end} {}, {}",
                local(call.began_at, "%-d %b %Y %H:%M:%S"),
                calendar.abbreviation(call.began_at),
                length(call.began_at, until)
            ),
            facts,
            is_live,
            live: moment.call(call.id).map(|live| room(live, moment.sample.at)),
            whose: self.whose(),
            scores: (charts::scores(points, calendar), Listing::of(charts::scores_table(points, calendar))),
            bandwidth: (charts::bandwidth(points, calendar), Listing::of(charts::bandwidth_table(points, calendar))),
            people: Listing { leads, ..Listing::of(people_table(people)) },
            alerts: self.alerts.iter().map(|alert| alert_line(alert, calendar, moment.sample.at)).collect(),
        }
    }
}

fn with_unit(value: Option<f32>, digits: usize, unit: &str) -> String {
    value.map_or("—".into(), |value| format!("{value:.digits$} {unit}"))
}

/// Who was in a call, as a table.
pub fn people_table(people: &[PastPerson]) -> Data {
    let mut columns = vec![Column::text("person", "Person"), Column::number("minutes", "Minutes")];
    columns.extend(figure_columns());
    columns.extend([
        Column::text("quality", "Quality"),
        Column::number("lowest_score", "Lowest score"),
        Column::number("relayed_minutes", "Relayed, min"),
    ]);
    let rows = people.iter().map(|person| {
        let minutes = (person.seen_at - person.joined_at).num_seconds() as f64 / 60.0;
        let mut row = vec![Value::Text(person.name.clone()), decimal(Some(minutes), 1)];
        row.extend(figure_cells(&person.means));
        row.push(quality_cell(person.means.quality()));
        row.extend([decimal(person.lowest_score, 0), decimal(Some(person.relayed_seconds / 60.0), 1)]);
        row
    });
    Data::new(columns, &[], rows.collect())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_long_call_has_longer_steps() {
        let from = Instant::default();
        for (seconds, steps) in [(0, 10), (60, 10), (2_390, 10), (2_400, 20), (36_000, 160)] {
            assert_eq!(step(from, from + TimeDelta::seconds(seconds)), steps, "{seconds}");
        }
    }
}
