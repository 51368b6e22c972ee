//! What is behind a figure of royalties: what it means, what it adds up to, and the rows that it is made of, each with its file.

use jiff::civil::Date;
use sqlx::PgConnection;

use crate::money::count;
use crate::period::Calendar;
use crate::royalties::figure::{Of, row_address};
use crate::royalties::model::{ROYALTY_CURRENCY, Series, Stage, month_of, quarter_end, quarter_of};
use crate::royalties::projection::Projection;
use crate::royalties::rate::{Rate, completes, money_text};
use crate::royalties::standing::{Month, Standing, Week};
use crate::royalties::store::{self, Part, Which};
use crate::royalties::tables::country_name;
use crate::table::{Column, Data, Listing, Value};

/// Rows that the page shows; a file has all.
pub const SHOWN_MAX: i64 = 200;
/// Rows of a file at most: those of one period.
pub const FILE_ROWS_MAX: i64 = 1_000_000;

/// What is behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// What it is of.
    pub title: String,
    /// What it means.
    pub about: String,
    /// The first and the last day that it is of; none for a title.
    pub days: Option<(Date, Date)>,
    /// What it adds up to: names and amounts.
    pub figures: Vec<(&'static str, String)>,
    /// The rows.
    pub listing: Listing,
    /// Whether there are more rows than these.
    pub is_cut: bool,
}

impl Behind {
    /// Its days in words, in the workspace's zone and as instants; empty where it has none.
    pub fn window(&self, calendar: &Calendar) -> String {
        let Some((first, last)) = self.days else { return String::new() };
        let window = calendar.days(first, last);
        let utc = |at: crate::period::Instant| at.format("%Y-%m-%d %H:%M UTC");
        format!("{first} to {last}, days of {} ({} to {})", calendar.zone_name(), utc(window.from), utc(window.to))
    }
}

/// What somebody asks with: where royalties stand, and what else figures are made with.
pub struct Asked<'a> {
    /// Where royalties stand.
    pub standing: &'a Standing,
    /// The average length of a title in minutes.
    pub title_minutes: i32,
    /// Rows at most.
    pub rows_max: i64,
}

/// What is behind a figure; `None` where nothing is known of it.
pub async fn behind(db: &mut PgConnection, workspace: i32, of: &Of, asked: Asked<'_>) -> sqlx::Result<Option<Behind>> {
    match of {
        Of::Week(first, last) => {
            let week = asked.standing.weeks.iter().find(|week| (week.first, week.last) == (*first, *last));
            let Some(week) = week else { return Ok(None) };
            let parts = least(db, workspace, at(Series::Weekly, *first), asked.rows_max).await?;
            let parts = parts.into_iter().filter(|part| part.key.last == *last).collect();
            Ok(Some(week_behind(week, parts, &asked)))
        }
        Of::Month(first) => {
            let quarter = asked.standing.quarter(quarter_of(*first));
            let month = quarter.months.into_iter().find(|month| month.first == *first && month.stage.is_some());
            let Some(month) = month else { return Ok(None) };
            let parts = match month.sources {
                Some(_) => least(db, workspace, at(Series::Monthly, *first), asked.rows_max).await?,
                None => Vec::new(),
            };
            Ok(Some(month_behind(&month, parts, &asked)))
        }
        Of::Quarter(first) => Ok(quarter_behind(*first, &asked)),
        Of::Country(first, country) => {
            let of = |series| Which { country: Some(country), ..at(series, *first) };
            let mut parts = least(db, workspace, of(Series::Country), asked.rows_max).await?;
            if parts.is_empty() {
                parts = least(db, workspace, of(Series::Weekly), asked.rows_max).await?;
            }
            Ok(country_behind(*first, country, parts, &asked))
        }
        Of::Title(title) => {
            let which = Which { title: Some(title), first: None, ..at(Series::Monthly, Date::constant(2000, 1, 1)) };
            let parts = store::parts(db, workspace, which, asked.rows_max + 1).await?;
            Ok(title_behind(title, parts, &asked))
        }
    }
}

/// Statements of a series that begin on a day.
fn at(series: Series, first: Date) -> Which<'static> {
    Which { series, days: None, first: Some(first), country: None, title: None, detail: None }
}

/// The statements of the least detail that there is: those that stand for the others.
async fn least(db: &mut PgConnection, workspace: i32, which: Which<'_>, rows_max: i64) -> sqlx::Result<Vec<Part>> {
    for detail in 0..4 {
        let parts = store::parts(db, workspace, Which { detail: Some(detail), ..which }, rows_max + 1).await?;
        if !parts.is_empty() {
            return Ok(parts);
        }
    }
    Ok(Vec::new())
}

fn week_behind(week: &Week, parts: Vec<Part>, asked: &Asked) -> Behind {
    let rate = asked.standing.rate.as_ref();
    let money = rate.map(|current| ("Worth, estimated", money_text(current.rate.times(week.minutes))));
    let at_rate = rate.map_or(String::new(), |current| {
        format!(
            " Its money is an estimate: its minutes at {} a minute, the rate of {}.",
            current.rate.text(),
            current.source
        )
    });
    let completes = completes(week.minutes, asked.title_minutes);
    let mut figures = vec![("Minutes", count(week.minutes)), ("Completes, estimated", count(completes))];
    figures.extend(money);
    let (listing, is_cut) = statements(parts, asked.rows_max);
    Behind {
        title: format!("The week {} to {}", week.first, week.last),
        about: format!("Minutes listened to, as the report of the week says.{at_rate}"),
        days: Some((week.first, week.last)),
        figures,
        listing,
        is_cut,
    }
}

fn month_behind(month: &Month, parts: Vec<Part>, asked: &Asked) -> Behind {
    let title = month.first.strftime("%B %Y").to_string();
    let stage = month.stage.map_or("", Stage::name).to_owned();
    let mut figures = vec![("State", stage), ("Minutes", count(month.minutes))];
    let rate = asked.standing.rate.as_ref().map(|current| current.rate);
    figures.extend(month.worth_minor(rate).map(|minor| ("Money", money_text(minor))));
    let rate = month.revenue_minor.and_then(|minor| Rate::of(minor, month.minutes));
    figures.extend(rate.map(|rate| ("Rate a minute", rate.text())));
    if month.days_known < month.days()
        && let Some(projection) = Projection::of(asked.standing, quarter_of(month.first))
    {
        let (minutes, minor) = projection.month(month);
        let (unknown, whole) = (month.days() - month.days_known, money_text(minor));
        let sentence = format!(
            "{} minutes, {whole}: the {unknown} days that nothing is known of go on at the recent pace",
            count(minutes)
        );
        figures.push(("The whole month, projected", sentence));
    }
    let (listing, is_cut) = match month.sources {
        Some(_) => statements(parts, asked.rows_max),
        None => (weeks_of(month, asked.standing), false),
    };
    let about = match month.sources {
        Some(_) => {
            "What the statement of the month says. It stands for the days of this month, whatever weeks say of them."
        }
        None => {
            "There is no statement of this month yet: it is what weekly reports say of its days, at the current rate. A week across \
             two months is split by day; a day in two weeks counts once, as one of the later week. Money of estimates is not received."
        }
    };
    Behind { title, about: about.into(), days: Some(month_of(month.first)), figures, listing, is_cut }
}

/// The weeks that a month without a statement is made of, with the days of each that count.
fn weeks_of(month: &Month, standing: &Standing) -> Listing {
    let columns = vec![
        Column::text("week", "Week from"),
        Column::text("until", "To"),
        Column::number("minutes", "Minutes"),
        Column::number("days", "Days that count"),
        Column::number("counted", "Minutes that count"),
    ];
    let (first, last) = month_of(month.first);
    let shares = standing.shares(first, last);
    let rows = shares.iter().map(|(week, days, minutes)| {
        let dates = [week.first, week.last].map(|date| Value::Date(date.to_string()));
        dates.into_iter().chain([week.minutes, *days, *minutes].map(Value::Count)).collect()
    });
    let leads = shares.iter().map(|(week, ..)| vec![(2, Of::Week(week.first, week.last).address())]);
    Listing { leads: leads.collect(), ..Listing::of(Data::new(columns, &[], rows.collect())) }
}

fn quarter_behind(first: Date, asked: &Asked) -> Option<Behind> {
    let quarter = asked.standing.quarters.iter().find(|quarter| quarter.first == first)?;
    let rate = asked.standing.rate.as_ref().map(|current| current.rate);
    let columns = vec![
        Column::text("month", "Month"),
        Column::text("state", "State"),
        Column::number("minutes", "Minutes"),
        Column::number("money", "Money"),
    ];
    let rows = quarter.months.iter().map(|month| {
        vec![
            Value::Text(month.first.strftime("%B %Y").to_string()),
            Value::Text(month.stage.map_or("nothing known", Stage::name).into()),
            Value::Count(month.minutes),
            month.worth_minor(rate).map_or(Value::Empty, |minor| Value::Money(minor, ROYALTY_CURRENCY)),
        ]
    });
    let leads = quarter.months.iter().map(|month| match month.stage {
        Some(_) => [2, 3].map(|place| (place, Of::Month(month.first).address())).to_vec(),
        None => Vec::new(),
    });
    let listing = Listing { leads: leads.collect(), ..Listing::of(Data::new(columns, &["money"], rows.collect())) };
    let mut figures = vec![
        ("Received", money_text(quarter.received_minor())),
        ("Provisional", money_text(quarter.provisional_minor())),
        ("Estimated", money_text(quarter.estimated_minor(rate))),
        ("Minutes", count(quarter.minutes())),
        ("Completes", count(completes(quarter.minutes(), asked.title_minutes))),
    ];
    figures.extend(quarter.final_rate().map(|rate| ("Rate a minute", rate.text())));
    Some(Behind {
        title: quarter.name(),
        about: "Received is the money of final months alone. Its rate is final money by final minutes, once all of its months are \
                final."
            .into(),
        days: Some((first, quarter_end(first))),
        figures,
        listing,
        is_cut: false,
    })
}

fn country_behind(first: Date, country: &str, parts: Vec<Part>, asked: &Asked) -> Option<Behind> {
    let last = parts.iter().map(|part| part.key.last).max()?;
    let minutes = parts.iter().map(|part| part.stored.figure.minutes).sum();
    let (listing, is_cut) = statements(parts, asked.rows_max);
    Some(Behind {
        title: format!("{} in the week from {first}", country_name(country)),
        about: "Minutes listened to, as the report by country says; where there is none, the weekly report.".into(),
        days: Some((first, last)),
        figures: vec![("Minutes", count(minutes))],
        listing,
        is_cut,
    })
}

fn title_behind(title: &str, parts: Vec<Part>, asked: &Asked) -> Option<Behind> {
    // Of a month, a row of all countries stands for its countries.
    let has_whole = |part: &Part| {
        parts.iter().any(|other| {
            (other.key.first, other.key.last) == (part.key.first, part.key.last) && other.key.country.is_empty()
        })
    };
    let kept: Vec<Part> =
        parts.iter().filter(|part| part.key.country.is_empty() || !has_whole(part)).cloned().collect();
    if kept.is_empty() {
        return None;
    }
    let of_stage = |stage: Stage| -> i64 {
        let of = kept.iter().filter(|part| part.stored.figure.stage == stage);
        of.filter_map(|part| part.stored.figure.revenue_minor).sum()
    };
    let minutes: i64 = kept.iter().map(|part| part.stored.figure.minutes).sum();
    let figures = vec![
        ("Received", money_text(of_stage(Stage::Final))),
        ("Provisional", money_text(of_stage(Stage::Provisional))),
        ("Minutes", count(minutes)),
        ("Completes", count(completes(minutes, asked.title_minutes))),
    ];
    let (listing, is_cut) = statements(kept, asked.rows_max);
    Some(Behind {
        title: title.to_owned(),
        about: "What the monthly statements say that name this title.".into(),
        days: None,
        figures,
        listing,
        is_cut,
    })
}

/// Statements as a table, each with the row of the file that it is from; and whether there are more.
fn statements(mut parts: Vec<Part>, rows_max: i64) -> (Listing, bool) {
    let most = usize::try_from(rows_max).unwrap_or(usize::MAX);
    let is_cut = parts.len() > most;
    parts.truncate(most);
    let columns = vec![
        Column::text("from", "From"),
        Column::text("to", "To"),
        Column::text("country", "Country"),
        Column::text("title", "Title"),
        Column::text("state", "State"),
        Column::number("minutes", "Minutes"),
        Column::number("revenue", "Revenue"),
        Column::number("import", "Import"),
        Column::number("line", "Line"),
        Column::text("file", "File"),
    ];
    let or_all = |text: &str| if text.is_empty() { Value::Text("all".into()) } else { Value::Text(text.to_owned()) };
    let rows = parts.iter().map(|Part { key, stored, file_name }| {
        let figure = stored.figure;
        vec![
            Value::Date(key.first.to_string()),
            Value::Date(key.last.to_string()),
            or_all(&if key.country.is_empty() { String::new() } else { country_name(&key.country) }),
            or_all(&key.title),
            Value::Text(figure.stage.name().into()),
            Value::Count(figure.minutes),
            figure.revenue_minor.map_or(Value::Empty, |minor| Value::Money(minor, ROYALTY_CURRENCY)),
            Value::Count(i64::from(stored.origin.import)),
            Value::Count(i64::from(stored.origin.line)),
            Value::Text(file_name.clone()),
        ]
    });
    let leads = parts.iter().map(|part| {
        let address = row_address(part.stored.origin);
        [5, 6, 7, 8].map(|place| (place, address.clone())).to_vec()
    });
    (Listing { leads: leads.collect(), ..Listing::of(Data::new(columns, &["revenue"], rows.collect())) }, is_cut)
}
