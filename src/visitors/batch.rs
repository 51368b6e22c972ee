//! Page views of a second, cut into what is counted: marks of who was there, and what new marks add up to. No database.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use jiff::civil::Date;

use crate::period::{Calendar, Instant, sql_date};
use crate::sales::question::Bucket;
use crate::sales::spans;

/// The name under which a day's names beyond the first are counted together.
pub const OTHERS: &str = "(others)";

/// A page view without its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// When it was.
    pub at: Instant,
    /// Its day in the workspace's zone.
    pub day: NaiveDate,
    /// The hour of that day.
    pub hour: Instant,
    /// The visitor's hash.
    pub visitor: Vec<u8>,
    /// What it says, by kind.
    pub names: Vec<(Kind, String)>,
}

/// What a page view says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The host it came from; empty where it came from none.
    Referrer,
    /// The page.
    Page,
    /// The country; empty where it is not known.
    Country,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Referrer, Kind::Page, Kind::Country];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Referrer => "referrer",
            Kind::Page => "page",
            Kind::Country => "country",
        }
    }
}

/// What is added to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayAdded {
    /// Visitors.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
    /// The first of them.
    pub first_at: Instant,
}

/// What is added to an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourAdded {
    /// Visitors.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
    /// Visitors whose first page of the day it was.
    pub first_visits: i64,
}

/// What is added to a referrer, a page or a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartAdded {
    /// Visitors whose first page of the day it was.
    pub visitors: i64,
    /// Page views.
    pub views: i64,
}

/// A part's place: its day, its kind, its name.
pub type PartKey = (NaiveDate, Kind, String);

/// Page views that are counted together, the earliest first.
#[derive(Debug, Default)]
pub struct Batch(Vec<View>);

impl Batch {
    /// A batch of page views in any order.
    pub fn new(mut views: Vec<View>) -> Batch {
        views.sort_by_key(|view| view.at);
        Batch(views)
    }

    /// Each visitor's first page view of a day.
    pub fn day_marks(&self) -> Vec<&View> {
        let mut seen = HashSet::new();
        self.0.iter().filter(|view| seen.insert((view.day, view.visitor.as_slice()))).collect()
    }

    /// Each visitor's first page view of an hour.
    pub fn hour_marks(&self) -> Vec<&View> {
        let mut seen = HashSet::new();
        self.0.iter().filter(|view| seen.insert((view.hour, view.visitor.as_slice()))).collect()
    }

    /// Each visitor's last page view.
    pub fn last_seen(&self) -> BTreeMap<&[u8], Instant> {
        self.0.iter().map(|view| (view.visitor.as_slice(), view.at)).collect()
    }

    /// What the days become by visitors that are new on them.
    pub fn days(&self, new: &HashSet<(NaiveDate, Vec<u8>)>) -> BTreeMap<NaiveDate, DayAdded> {
        let mut days = BTreeMap::new();
        for view in &self.0 {
            let day = days.entry(view.day).or_insert(DayAdded { visitors: 0, views: 0, first_at: view.at });
            day.views += 1;
        }
        for (day, _) in new {
            if let Some(day) = days.get_mut(day) {
                day.visitors += 1;
            }
        }
        days
    }

    /// What the hours become by visitors that are new in them (a number each) and on their days.
    pub fn hours(
        &self,
        new: &HashMap<Instant, i64>,
        new_on_days: &HashSet<(NaiveDate, Vec<u8>)>,
    ) -> BTreeMap<Instant, HourAdded> {
        let mut hours: BTreeMap<Instant, HourAdded> = BTreeMap::new();
        for view in &self.0 {
            hours.entry(view.hour).or_default().views += 1;
        }
        for view in self.first_views(new_on_days) {
            hours.entry(view.hour).or_default().first_visits += 1;
        }
        for (hour, visitors) in new {
            hours.entry(*hour).or_default().visitors += visitors;
        }
        hours
    }

    /// What referrers, pages and countries become.
    pub fn parts(&self, new_on_days: &HashSet<(NaiveDate, Vec<u8>)>) -> BTreeMap<PartKey, PartAdded> {
        let mut parts: BTreeMap<PartKey, PartAdded> = BTreeMap::new();
        let keys = |view: &View| {
            let day = view.day;
            view.names.clone().into_iter().map(move |(kind, name)| (day, kind, name))
        };
        for key in self.0.iter().flat_map(keys) {
            parts.entry(key).or_default().views += 1;
        }
        for key in self.first_views(new_on_days).flat_map(keys) {
            parts.entry(key).or_default().visitors += 1;
        }
        parts
    }

    /// The first page views of visitors that are new on their day.
    fn first_views(&self, new: &HashSet<(NaiveDate, Vec<u8>)>) -> impl Iterator<Item = &View> {
        self.day_marks().into_iter().filter(|view| new.contains(&(view.day, view.visitor.clone())))
    }
}

/// Counts names of a day beyond its bound as [`OTHERS`]: `known` are those that the day has already, `room` says how many of a
/// kind it may still take.
pub fn bounded(
    parts: BTreeMap<PartKey, PartAdded>,
    known: &HashSet<PartKey>,
    mut room: HashMap<(NaiveDate, Kind), i64>,
) -> BTreeMap<PartKey, PartAdded> {
    let mut bounded: BTreeMap<PartKey, PartAdded> = BTreeMap::new();
    // What was looked at most gets the room that there is.
    let mut by_views: Vec<(PartKey, PartAdded)> = parts.into_iter().collect();
    by_views.sort_by_key(|(_, added)| std::cmp::Reverse(added.views));
    for ((day, kind, name), added) in by_views {
        let left = room.entry((day, kind)).or_insert(0);
        let key = (day, kind, name);
        let key = if known.contains(&key) {
            key
        } else if *left > 0 {
            *left -= 1;
            key
        } else {
            (day, kind, OTHERS.to_owned())
        };
        let place = bounded.entry(key).or_default();
        place.visitors += added.visitors;
        place.views += added.views;
    }
    bounded
}

/// The hours of days, cut once.
pub struct Hours<'a> {
    calendar: &'a Calendar,
    known: HashMap<Date, Vec<Instant>>,
}

impl<'a> Hours<'a> {
    /// None are cut yet.
    pub fn of(calendar: &'a Calendar) -> Hours<'a> {
        Hours { calendar, known: HashMap::new() }
    }

    /// The day of an instant, and when the hour that holds it began.
    pub fn place(&mut self, at: Instant) -> (NaiveDate, Instant) {
        let date = self.calendar.date(at);
        let cut = || spans::parts(Bucket::Hour, self.calendar.day(date), self.calendar).map(|hour| hour.from).collect();
        let hours = self.known.entry(date).or_insert_with(cut);
        let hour = hours.iter().rev().find(|from| **from <= at).copied();
        (sql_date(date), hour.unwrap_or(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().expect("an instant")
    }

    fn view(time: &str, visitor: u8, referrer: &str, page: &str) -> View {
        let calendar = Calendar::new("Europe/London", 1).expect("a zone");
        let (day, hour) = Hours::of(&calendar).place(at(time));
        let names = vec![(Kind::Referrer, referrer.to_owned()), (Kind::Page, page.to_owned())];
        View { at: at(time), day, hour, visitor: vec![visitor], names }
    }

    #[test]
    fn only_new_marks_are_visitors_and_every_page_is_a_view() {
        let batch = Batch::new(vec![
            view("2026-11-21T14:59:59Z", 1, "", "/b"),
            view("2026-11-21T14:10:00Z", 1, "search.example", "/a"),
            view("2026-11-21T15:00:00Z", 1, "", "/c"),
            view("2026-11-21T14:20:00Z", 2, "", "/a"),
        ]);
        let day = batch.day_marks()[0].day;
        assert_eq!((batch.day_marks().len(), batch.hour_marks().len()), (2, 3));
        assert_eq!(batch.last_seen()[&[1u8][..]], at("2026-11-21T15:00:00Z"));
        // The second visitor was there before.
        let new = HashSet::from([(day, vec![1])]);
        let added = batch.days(&new)[&day];
        assert_eq!((added.visitors, added.views, added.first_at), (1, 4, at("2026-11-21T14:10:00Z")));
        let (two, three) = (at("2026-11-21T14:00:00Z"), at("2026-11-21T15:00:00Z"));
        let hours = batch.hours(&HashMap::from([(two, 1), (three, 1)]), &new);
        assert_eq!(hours[&two], HourAdded { visitors: 1, views: 3, first_visits: 1 });
        assert_eq!(hours[&three], HourAdded { visitors: 1, views: 1, first_visits: 0 });
        let parts = batch.parts(&new);
        let part = |kind, name: &str| parts[&(day, kind, name.to_owned())];
        assert_eq!(part(Kind::Referrer, "search.example"), PartAdded { visitors: 1, views: 1 });
        assert_eq!(part(Kind::Referrer, ""), PartAdded { visitors: 0, views: 3 });
        assert_eq!(part(Kind::Page, "/a"), PartAdded { visitors: 1, views: 2 });
    }

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let day = view("2026-11-21T14:00:00Z", 1, "", "").day;
        let key = |name: &str| (day, Kind::Page, name.to_owned());
        let added = |views| PartAdded { visitors: 1, views };
        let parts = BTreeMap::from([
            (key("/a"), added(1)),
            (key("/b"), added(5)),
            (key("/c"), added(2)),
            (key("/known"), added(1)),
        ]);
        let room = HashMap::from([((day, Kind::Page), 1)]);
        let bounded = bounded(parts, &HashSet::from([key("/known")]), room);
        let found: Vec<(&str, i64, i64)> =
            bounded.iter().map(|((_, _, name), added)| (name.as_str(), added.visitors, added.views)).collect();
        assert_eq!(found, [(OTHERS, 2, 3), ("/b", 1, 5), ("/known", 1, 1)]);
    }

    #[test]
    fn the_hour_that_a_fold_repeats_is_there_twice() {
        let calendar = Calendar::new("Europe/London", 1).expect("a zone");
        let mut hours = Hours::of(&calendar);
        let hour = |hours: &mut Hours, time| hours.place(at(time)).1;
        assert_eq!(hour(&mut hours, "2026-10-25T00:59:59Z"), at("2026-10-25T00:00:00Z"));
        assert_eq!(hour(&mut hours, "2026-10-25T01:00:00Z"), at("2026-10-25T01:00:00Z"));
        // Half-hour zones begin their hours at their own.
        let calendar = Calendar::new("Asia/Kolkata", 1).expect("a zone");
        let (day, hour) = Hours::of(&calendar).place(at("2026-11-20T18:45:00Z"));
        assert_eq!((day.to_string().as_str(), hour), ("2026-11-21", at("2026-11-20T18:30:00Z")));
    }
}
