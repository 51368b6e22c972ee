//! Computes the answer to a question: the one function behind the first paint, the live stream and every other (P3).

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use jiff::ToSpan as _;
use jiff::civil::Date;
use sqlx::{Connection as _, PgConnection};

use crate::chart::{Chart, ChartPoint};
use crate::goals;
use crate::money;
use crate::period::{Calendar, Instant, Period, Window, minus, sql_date};
use crate::royalties;
use crate::sales::books::Books;
use crate::sales::medians;
use crate::sales::model::{CARD_DAYS, Day, Figures, Overview, RECENT_EVENTS, Snapshot, Versus};
use crate::sales::question::{Bucket, Comparison, Filter, Question, Range, Royalties};
use crate::sales::spans::{Point, Spans, parts, resolve};
use crate::sales::store;
use crate::sales::sums::Sums;
use crate::sales::sums::additions::Dimension;
use crate::sales::sums::hours_store::hour_sums;
use crate::sales::sums::store::{self as sums, Slice};
use crate::sales::total::{self, Totals};
use crate::sales::{tables, weekdays};
use crate::sources::{self, Source};
use crate::table::{Column, Data, Table, Value};

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It asks for something that is not there; the sentence says what.
    #[error("{0}")]
    Question(String),
    /// The database refused or was away.
    #[error("the database does not answer at the moment; try again")]
    Database(#[from] sqlx::Error),
}

/// Computes the answer as of `now` from one consistent view of the database.
pub async fn compute(
    db: &mut PgConnection,
    books: &Books,
    question: &Question,
    now: Instant,
) -> Result<Snapshot, Unanswered> {
    let mut tx = db.begin_with("begin isolation level repeatable read read only").await?;
    let cursor = store::cursor(&mut tx, books.workspace).await?;
    let books = &books.at(cursor.books_revision, &mut tx).await?;
    let since = store::first_day(&mut tx, books.workspace).await?;
    let since = since.and_then(|day| day.to_string().parse().ok()).unwrap_or_else(|| books.calendar.date(now));
    let spans = resolve(question, &books.calendar, now, since).map_err(Unanswered::Question)?;
    let all_sources = sources::store::all(&mut *tx, books.workspace).await?;
    let slice = slice(&question.filter, &all_sources)?;

    let asked = Asked::of(books, &spans, now);
    let range = [spans.current, spans.earlier.unwrap_or(Window { from: now, to: now })];
    let of = |by, windows| sums::Asked { slice: &slice, by, windows };
    let questions =
        [of(None, &asked.windows), of(Some(Dimension::Country), &range), of(Some(Dimension::Source), &range)];
    let answers = sums::answers(&mut tx, books, cursor.revision, &questions).await?;
    let [in_one, countries, by_source] = <[_; 3]>::try_from(answers).unwrap_or_default();
    let sums = sums::in_one(in_one, asked.windows.len());
    let medians = median_values(&mut tx, books, cursor.revision, &slice, &asked, &sums).await?;
    let whole_days = hour_sums(&mut tx, books, cursor.revision, &slice, &asked.whole_days).await?;
    let by_hour = asked.by_hour_of_week(whole_days, &sums);
    let goals = goals::store::goals(&mut tx, books.workspace).await?;
    let days = [range[0].from, range[0].to - TimeDelta::microseconds(1)].map(|at| sql_date(books.calendar.date(at)));
    let notes = goals::store::notes(&mut tx, books.workspace, days[0], days[1], NOTES_MAX).await?;
    let standing = match question.royalties {
        Royalties::With => Some(royalties::read::standing(&mut tx, books.workspace).await?),
        Royalties::Without => None,
    };
    let recent = store::newest_events(&mut tx, books.workspace, cursor.last_event, RECENT_EVENTS as i64).await?;
    tx.commit().await?;

    let figures = |sums: &Sums| Figures {
        orders: sums.orders,
        revenue: sums.revenue(question.measure, question.refunds),
        placed: sums.placed(),
    };
    let answered = Answered { asked: &asked, sums: &sums, medians: &medians, figures: &figures, books, now };
    let mut overview = Overview {
        revision: cursor.revision,
        version: 0,
        books: books.revision,
        last_event: cursor.last_event,
        as_of_ms: now.timestamp_millis(),
        as_of: books.calendar.local(now).strftime("%H:%M:%S").to_string(),
        zone: books.calendar.abbreviation(now),
        today: answered.versus(0),
        yesterday: answered.versus(2),
        week: answered.versus(4),
        month: answered.versus(6),
        quarter: answered.versus(8),
        year: answered.versus(10),
        thirty_days: answered.versus(12),
        range: answered.versus(14),
        total: None,
        landing: String::new(),
        flagged: sums[14].flagged,
        no_median: if slice == Slice::default() { String::new() } else { no_median() },
    };
    let days = answered.days();
    let has_earlier = spans.earlier.is_some();
    let mut tables = vec![
        over(asked.to_dates(), tables::periods(&overview, books.currency)),
        over(spans.current, tables::countries(&countries, has_earlier, question, &figures, books.currency)),
        over(spans.current, tables::platforms(&by_source, has_earlier, &all_sources, question, &figures, books, now)),
        over(asked.to_dates_and_range(), tables::average_orders(&overview, books.currency)),
        over(asked.windows[12], tables::averages(&days, books.currency)),
        over(asked.to_dates(), goals::tables::goals(&goals, running_sums(&slice, &sums), books.currency)),
        over(spans.current, goals::tables::notes(&notes)),
    ];
    if let Some(standing) = &standing {
        let totals = Totals { books, standing, now };
        let periods = answered.periods_with_royalties(&overview);
        let window = over_all(periods.iter().map(|period| period.windows[0]));
        let added = if question.adds_royalties() { &periods[..] } else { &[] };
        tables.push(over(window, totals.table(added)));
        overview.total = added.last().map(|range| totals.total(range));
    }
    let mut charts = vec![
        answered.range_chart(
            "revenue",
            if question.adds_royalties() { "Sales" } else { "Revenue" },
            question,
            &spans,
            |figures| figures.revenue,
        ),
        answered.range_chart("orders", "Orders", question, &spans, |figures| figures.orders),
        answered.hours_chart(),
        weekdays::chart(
            asked.last_days,
            asked.last_days != spans.current,
            &by_hour.iter().map(figures).collect::<Vec<_>>(),
            books,
        ),
    ];
    goals::tables::mark_notes(&mut charts, &notes, &books.calendar);
    // The first day is there for the change from day to day alone.
    let days = days.into_iter().skip(1).collect();
    Ok(Snapshot { currency: books.currency, overview, days, charts, tables, recent })
}

/// The places of the windows that a median is shown of, each followed by that of its earlier one: today, this week, this
/// month, 30 days, the range.
const WITH_MEDIAN: [usize; 5] = [0, 4, 6, 12, 14];
/// The medians of windows by their place, where there are any. What they are read from has to have the same number of orders as
/// the sums: where it has not, and `check-sums` would say so, there is none rather than a wrong one.
async fn median_values(
    db: &mut PgConnection,
    books: &Books,
    revision: i64,
    slice: &Slice,
    asked: &Asked,
    sums: &[Sums],
) -> sqlx::Result<HashMap<usize, i64>> {
    let places: Vec<usize> = WITH_MEDIAN.iter().flat_map(|place| [*place, place + 1]).collect();
    // The range is often one of the others.
    let mut windows: Vec<Window> = Vec::new();
    for window in places.iter().map(|place| asked.windows[*place]) {
        if !windows.contains(&window) {
            windows.push(window);
        }
    }
    let all = Slice::default();
    let medians = if *slice == all {
        medians::medians(db, books, revision, &windows).await?.into_iter().map(Some).collect()
    } else {
        let of_all = [sums::Asked { slice: &all, by: None, windows: &windows }];
        let of_all = sums::answers(db, books, revision, &of_all).await?.into_iter().flatten().collect();
        let orders = sums::in_one(of_all, windows.len()).into_iter().map(|sums| sums.orders);
        let windows: Vec<(Window, i64)> = windows.iter().copied().zip(orders).collect();
        medians::filtered::medians(db, books, slice, &windows).await?
    };
    let value = |place: usize| {
        let median = (*windows.iter().zip(&medians).find(|(window, _)| **window == asked.windows[place])?.1)?;
        median.value_minor.filter(|_| median.orders == sums[place].orders)
    };
    Ok(places.into_iter().filter_map(|place| Some((place, value(place)?))).collect())
}

/// The reason that people are given where a filter leaves no median.
fn no_median() -> String {
    let most = money::count(medians::filtered::ORDERS_MAX);
    format!("Under a filter the median is known where the shop has {most} orders at most in that time.")
}

/// Notes of a range that an answer has at most, the newest: what they say is there to be read.
const NOTES_MAX: i64 = 100;

/// The sums of the running day, week, month, quarter and year, where they are of all orders.
fn running_sums<'a>(slice: &Slice, sums: &'a [Sums]) -> Option<[&'a Sums; 5]> {
    let all = *slice == Slice::default();
    all.then(|| [0, 4, 6, 8, 10].map(|place: usize| sums.get(place)))
        .and_then(|[day, week, month, quarter, year]| Some([day?, week?, month?, quarter?, year?]))
}

/// A table whose figures are those of a window.
fn over(window: Window, mut table: Table) -> Table {
    table.data.window_ms = milliseconds(window);
    table
}

/// The window from the first begin to the last end.
fn over_all(windows: impl Iterator<Item = Window>) -> Window {
    let both = |a: Window, b: Window| Window { from: a.from.min(b.from), to: a.to.max(b.to) };
    windows.reduce(both).unwrap_or(Window { from: Instant::UNIX_EPOCH, to: Instant::UNIX_EPOCH })
}

fn milliseconds(window: Window) -> (i64, i64) {
    (window.from.timestamp_millis(), window.to.timestamp_millis())
}

/// The slice that a filter asks for; platforms and sources are both numbers of sources in it.
pub fn slice(filter: &Filter, sources: &[Source]) -> Result<Slice, Unanswered> {
    let some = |values: &Vec<String>| Some(values.clone()).filter(|values| !values.is_empty());
    if let Some(unknown) = filter.sources.iter().find(|name| !sources.iter().any(|source| source.name == **name)) {
        return Err(Unanswered::Question(format!("there is no source named {unknown}")));
    }
    let asked = |source: &&Source| {
        (filter.platforms.is_empty() || filter.platforms.contains(&source.platform))
            && (filter.sources.is_empty() || filter.sources.contains(&source.name))
    };
    let of_sources = !filter.platforms.is_empty() || !filter.sources.is_empty();
    Ok(Slice {
        countries: some(&filter.countries),
        sources: of_sources.then(|| sources.iter().filter(asked).map(|source| source.id.to_string()).collect()),
        statuses: some(&filter.statuses),
    })
}

/// Periods of the page, in the order of [`Asked::periods`]: the name, and what it is called.
pub const PERIODS: [(&str, &str); 8] = [
    ("today", "today"),
    ("yesterday", "yesterday"),
    ("week", "this week"),
    ("month", "this month"),
    ("quarter", "this quarter"),
    ("year", "this year"),
    ("thirty-days", "the last 30 days"),
    ("range", "the range in question"),
];

/// All windows that an answer needs, asked for at once.
pub struct Asked {
    windows: Vec<Window>,
    /// Where the points of the range begin, each followed by its earlier window.
    points_at: usize,
    /// Where today's hours begin, then yesterday's.
    hours_at: [usize; 2],
    hours: [Vec<Window>; 2],
    /// Where the days begin: a day more than the cards show, for the change from day to day.
    days_at: usize,
    days: Vec<Date>,
    /// What the chart by weekday and hour is of: whole days, and where the hours of the others begin.
    last_days: Window,
    whole_days: Vec<(NaiveDate, Window)>,
    week_hours_at: usize,
    week_hours: Vec<usize>,
}

impl Asked {
    fn of(books: &Books, spans: &Spans, now: Instant) -> Asked {
        let calendar = &books.calendar;
        let today = calendar.date(now);
        let nothing = Window { from: now, to: now };
        let mut windows = Asked::periods(calendar, spans, now).concat();
        let points_at = windows.len();
        for Point { current, earlier, .. } in &spans.points {
            windows.extend([*current, earlier.as_ref().map_or(nothing, |(_, window)| *window)]);
        }
        let hours = Asked::hours(calendar, now);
        let hours_at = [windows.len(), windows.len() + hours[0].len()];
        windows.extend(hours.iter().flatten());
        let days: Vec<Date> = (0..=CARD_DAYS as i64).rev().map(|back| minus(today, back.days())).collect();
        let days_at = windows.len();
        // Today's ends where today's figures end, not with an order dated later.
        windows.extend(days.iter().map(|day| {
            let Window { from, to } = calendar.day(*day);
            Window { from, to: to.min(now) }
        }));
        let last_days = weekdays::last_days(spans.current, calendar);
        let (whole_days, ends) = weekdays::whole_days(last_days, calendar);
        let week_hours_at = windows.len();
        let (week_hours, ends): (Vec<usize>, Vec<Window>) =
            ends.into_iter().flat_map(|end| weekdays::hours(end, calendar)).unzip();
        windows.extend(ends);
        Asked { windows, points_at, hours_at, hours, days_at, days, last_days, whole_days, week_hours_at, week_hours }
    }

    /// The sums by the hour of the week: those of the whole days, to which what lies outside of them is added.
    fn by_hour_of_week(&self, mut whole_days: Vec<Sums>, sums: &[Sums]) -> Vec<Sums> {
        for (hour, sums) in self.week_hours.iter().zip(sums.iter().skip(self.week_hours_at)) {
            whole_days[*hour] += *sums;
        }
        whole_days
    }

    /// The windows of [`PERIODS`], each with what it is compared with; that is empty where it is nothing.
    pub fn periods(calendar: &Calendar, spans: &Spans, now: Instant) -> [[Window; 2]; 8] {
        let local = calendar.local(now);
        let today = local.date();
        let yesterday = minus(today, 1.day());
        let to_date = |period| [calendar.to_date(period, now), calendar.same_point_before(period, now)];
        let span = (CARD_DAYS as i64).days();
        let first = minus(today, (CARD_DAYS as i64 - 1).days());
        let thirty_ago = calendar.instant(minus(today, span).to_datetime(local.time()));
        [
            to_date(Period::Day),
            [calendar.day(yesterday), calendar.day(minus(yesterday, 1.day()))],
            to_date(Period::Week),
            to_date(Period::Month),
            to_date(Period::Quarter),
            to_date(Period::Year),
            [
                Window { from: calendar.midnight(first), to: now },
                Window { from: calendar.midnight(minus(first, span)), to: thirty_ago },
            ],
            [spans.current, spans.earlier.unwrap_or(Window { from: now, to: now })],
        ]
    }

    /// The hours of today so far, and of yesterday.
    pub fn hours(calendar: &Calendar, now: Instant) -> [Vec<Window>; 2] {
        let yesterday = calendar.day(minus(calendar.date(now), 1.day()));
        [calendar.to_date(Period::Day, now), yesterday].map(|day| parts(Bucket::Hour, day, calendar).collect())
    }

    /// The window that holds day, week, month, quarter and year to date; a week may begin in the year before.
    fn to_dates(&self) -> Window {
        over_all([self.windows[4], self.windows[10]].into_iter())
    }

    /// The window that holds day, week and month to date and the range.
    fn to_dates_and_range(&self) -> Window {
        over_all([4, 6, 14].into_iter().map(|place: usize| self.windows[place]))
    }
}

/// The windows with their sums.
struct Answered<'a, F> {
    asked: &'a Asked,
    sums: &'a [Sums],
    medians: &'a HashMap<usize, i64>,
    figures: &'a F,
    books: &'a Books,
    now: Instant,
}

impl<F: Fn(&Sums) -> Figures> Answered<'_, F> {
    fn at(&self, i: usize) -> Figures {
        self.sums.get(i).map(self.figures).unwrap_or_default()
    }

    fn versus(&self, i: usize) -> Versus {
        let words = |window: Window| {
            if window.from < window.to { self.books.calendar.words(window, self.now) } else { String::new() }
        };
        Versus {
            current: self.at(i),
            earlier: self.at(i + 1),
            median: self.medians.get(&i).copied(),
            earlier_median: self.medians.get(&(i + 1)).copied(),
            window: words(self.asked.windows[i]),
            earlier_window: words(self.asked.windows[i + 1]),
        }
    }

    /// The periods that royalties are added to; they are not known by the day.
    fn periods_with_royalties<'a>(&self, overview: &'a Overview) -> [total::Period<'a>; 6] {
        let period = |key, title, sales, place: usize| {
            let windows = [self.asked.windows[place], self.asked.windows[place + 1]];
            total::Period { key, title, sales, windows }
        };
        [
            period("week", "This week", &overview.week, 4),
            period("month", "This month", &overview.month, 6),
            period("quarter", "This quarter", &overview.quarter, 8),
            period("year", "This year", &overview.year, 10),
            period("thirty-days", "The last 30 days", &overview.thirty_days, 12),
            period("range", "The range in question", &overview.range, 14),
        ]
    }

    fn days(&self) -> Vec<Day> {
        let days = self.asked.days.iter().enumerate();
        days.map(|(i, date)| Day { date: date.to_string(), figures: self.at(self.asked.days_at + i) }).collect()
    }

    fn range_chart(
        &self,
        name: &str,
        title: &str,
        question: &Question,
        spans: &Spans,
        of: fn(&Figures) -> i64,
    ) -> Chart {
        let data = spans.points.iter().enumerate().map(|(i, point)| {
            let at = self.points_at(i);
            let earlier = point.earlier.as_ref().map(|(_, window)| (window.from, of(&self.at(at + 1))));
            (Some((point.current.from, of(&self.at(at)))), earlier)
        });
        let data = self.data(name, spans.current, data);
        let points = spans.points.iter().enumerate().map(|(i, point)| {
            let at = self.points_at(i);
            let (first, last) = (point.date, self.books.calendar.date(point.current.to - TimeDelta::seconds(1)));
            let opened = question.with_range(Range::Dates(first.to_string(), last.to_string()));
            ChartPoint {
                label: point.label.clone(),
                value: Some(of(&self.at(at))),
                earlier_label: point.earlier.as_ref().map(|(label, _)| label.clone()).unwrap_or_default(),
                earlier: point.earlier.is_some().then(|| of(&self.at(at + 1))),
                address: if spans.bucket == Bucket::Hour { String::new() } else { opened.address() },
                mark: String::new(),
            }
        });
        Chart {
            name: name.into(),
            title: title.into(),
            earlier_title: match (spans.earlier, question.compare) {
                (None, _) | (_, Comparison::None) => String::new(),
                (Some(_), compare) => compare.title().to_lowercase(),
            },
            currency: (name == "revenue").then_some(self.books.currency),
            points: points.collect(),
            data,
        }
    }

    fn points_at(&self, i: usize) -> usize {
        self.asked.points_at + 2 * i
    }

    /// A chart's points as exact values, with the instants that they begin at: the point, and the earlier one beside it.
    fn data(
        &self,
        name: &str,
        window: Window,
        points: impl Iterator<Item = (Option<(Instant, i64)>, Option<(Instant, i64)>)>,
    ) -> Data {
        let (name, title) = if name == "orders" { (name, "Orders") } else { ("revenue", "Revenue") };
        let value = |n| if name == "orders" { Value::Count(n) } else { Value::Money(n, self.books.currency) };
        let pair = |point: Option<(Instant, i64)>| match point {
            Some((from, n)) => {
                let local = self.books.calendar.local(from).strftime("%Y-%m-%d %H:%M:%S").to_string();
                [Value::Time(local, from.timestamp()), value(n)]
            }
            None => [Value::Empty, Value::Empty],
        };
        let before = format!("{name}_before");
        let columns = vec![
            Column::text("from", "From"),
            Column::number(name, title),
            Column::text("from_before", "From, before"),
            Column::number(&before, &format!("{title} before")),
        ];
        let money: &[&str] = if name == "orders" { &[] } else { &[name, &before] };
        let rows = points.map(|(now, earlier)| [pair(now), pair(earlier)].concat()).collect();
        Data { window_ms: milliseconds(window), ..Data::new(columns, money, rows) }
    }

    /// Today by the hour, with yesterday behind it; the hours to come have no value.
    fn hours_chart(&self) -> Chart {
        let [today, yesterday] = &self.asked.hours;
        let label = |window: &Window| self.books.calendar.local(window.from).strftime("%H:%M").to_string();
        let whole = self.books.calendar.day(self.books.calendar.date(self.now));
        let labels: Vec<Window> = parts(Bucket::Hour, whole, &self.books.calendar).collect();
        let hour = |day: usize, i: usize| {
            let window = self.asked.hours[day].get(i)?;
            Some((window.from, self.at(self.asked.hours_at[day] + i).revenue))
        };
        let rows = (0..today.len().max(yesterday.len())).map(|i| (hour(0, i), hour(1, i)));
        let data = self.data("hours", Window { to: self.now, ..whole }, rows);
        let points = (0..labels.len().max(yesterday.len())).map(|i| ChartPoint {
            label: labels.get(i).map(label).unwrap_or_default(),
            value: (i < today.len()).then(|| self.at(self.asked.hours_at[0] + i).revenue),
            earlier_label: yesterday.get(i).map(label).unwrap_or_default(),
            earlier: (i < yesterday.len()).then(|| self.at(self.asked.hours_at[1] + i).revenue),
            address: String::new(),
            mark: String::new(),
        });
        Chart {
            name: "hours".into(),
            title: "Revenue by hour, today".into(),
            earlier_title: "yesterday".into(),
            currency: Some(self.books.currency),
            points: points.collect(),
            data,
        }
    }
}

/// The instant up to which data is complete: to the microsecond that PostgreSQL keeps.
pub fn watermark(now: Instant) -> Instant {
    now - TimeDelta::nanoseconds(i64::from(now.timestamp_subsec_nanos() % 1000))
}

/// Sums by the value of a dimension for the range and what it is compared with: `[current, earlier]`.
pub fn pairs_by_value(
    rows: &[(usize, String, Sums)],
    figures: &impl Fn(&Sums) -> Figures,
) -> HashMap<String, [Figures; 2]> {
    let mut out: HashMap<String, [Figures; 2]> = HashMap::new();
    for (window, value, sums) in rows {
        if let Some(place) = out.entry(value.clone()).or_default().get_mut(*window) {
            *place = figures(sums);
        }
    }
    out
}
