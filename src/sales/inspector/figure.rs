//! Names figures, and finds the window and the orders that a name stands for. Pure.

use jiff::civil::Date;

use crate::country;
use crate::period::{Calendar, Instant, Window};
use crate::sales::model::platform_name;
use crate::sales::question::{Filter, Question, UNKNOWN};
use crate::sales::snapshot::{Asked, PERIODS};
use crate::sales::spans::Spans;
use crate::sales::weekdays;

/// What is counted of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// Revenue, by the question's measure and date of refunds.
    Revenue,
    /// Orders placed.
    Orders,
    /// The average order value.
    Average,
}

impl Measured {
    fn parse(name: &str) -> Option<Measured> {
        match name {
            "revenue" => Some(Measured::Revenue),
            "orders" => Some(Measured::Orders),
            "average" => Some(Measured::Average),
            _ => None,
        }
    }

    /// Its name in an address.
    pub fn name(self) -> &'static str {
        match self {
            Measured::Revenue => "revenue",
            Measured::Orders => "orders",
            Measured::Average => "average",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Measured::Revenue => "Revenue",
            Measured::Orders => "Orders",
            Measured::Average => "Average order",
        }
    }
}

/// What a figure counts: found by its name on the page, such as `today.revenue`, `countries.GB.orders`,
/// `averages.2026-11-20.average` or `charts.hours.3`. A name that ends in `.before` is of the window that the
/// figure is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// What it is called: `Revenue, today`.
    pub title: String,
    /// What is counted.
    pub measured: Measured,
    /// The windows that are counted, in the order of time, none within another: one mostly; an hour of the week has one of
    /// each week.
    pub windows: Vec<Window>,
    /// The window that it is compared with, and its figure's name.
    pub earlier: Option<(Window, String)>,
    /// The question, narrowed down to the figure's country or platform.
    pub question: Question,
}

impl Figure {
    /// From the first moment that is counted to the last.
    pub fn span(&self) -> Option<Window> {
        let (first, last) = (self.windows.first()?, self.windows.last()?);
        Some(Window { from: first.from, to: last.to })
    }
}

/// A place on the page: what it is called, its window, what that is compared with, and the orders it is of.
type Place = (String, Window, Option<Window>, Question);

/// Finds a figure by its name. The error says in a sentence why there is none.
pub fn find(
    name: &str,
    question: &Question,
    spans: &Spans,
    calendar: &Calendar,
    now: Instant,
) -> Result<Figure, String> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if !name.bytes().all(fine) {
        return Err("a figure's name has letters, digits, - and _ alone, with dots between".into());
    }
    let unknown = || format!("there is no figure named {name}: names are such as today.revenue or countries.GB.orders");
    let (whole, is_before) = name.strip_suffix(".before").map_or((name, false), |whole| (whole, true));
    let (place, measured) = match whole.split('.').collect::<Vec<_>>()[..] {
        ["charts", "weekdays", point] | ["charts", "weekdays", point, "revenue"] => {
            let point = point.parse().map_err(|_| unknown())?;
            let days = weekdays::last_days(spans.current, calendar);
            let (hour, windows) = weekdays::hours_of(point, days, calendar).ok_or_else(unknown)?;
            if is_before {
                return Err(format!("Revenue, {hour}, is compared with nothing"));
            }
            let (name, title) = (name.to_owned(), format!("Revenue, {hour}"));
            let question = question.clone();
            return Ok(Figure { name, title, measured: Measured::Revenue, windows, earlier: None, question });
        }
        ["charts", chart, point] => {
            let measured = if chart == "orders" { Measured::Orders } else { Measured::Revenue };
            let point = point.parse().map_err(|_| unknown())?;
            (of_point(chart, point, question, spans, calendar, now).ok_or_else(unknown)?, measured)
        }
        ["countries", code, measured] => {
            let (asked, current, earlier) = narrowed(question, spans, |filter| &mut filter.countries, code);
            let title = if code == UNKNOWN { "unknown country".into() } else { country::name(code) };
            ((title, current, earlier, asked), Measured::parse(measured).ok_or_else(unknown)?)
        }
        ["platforms", platform, measured] => {
            let (asked, current, earlier) = narrowed(question, spans, |filter| &mut filter.platforms, platform);
            let title = platform_name(platform).to_owned();
            ((title, current, earlier, asked), Measured::parse(measured).ok_or_else(unknown)?)
        }
        ["averages", date, measured] => {
            let date: Date = date.parse().map_err(|_| unknown())?;
            let Window { from, to } = calendar.day(date);
            let day = Window { from, to: to.min(now.max(from)) };
            let title = date.strftime("%-d %B %Y").to_string();
            ((title, day, None, question.clone()), Measured::parse(measured).ok_or_else(unknown)?)
        }
        ["periods" | "average_orders" | "with_royalties", period, measured] | [period, measured] => {
            let period = if period == "day" { "today" } else { period };
            (of_period(period, question, spans, calendar, now).ok_or_else(unknown)?, {
                Measured::parse(measured).ok_or_else(unknown)?
            })
        }
        _ => return Err(unknown()),
    };
    let (of, current, earlier, question) = place;
    let title = format!("{}, {of}", measured.title());
    if !is_before {
        let earlier = earlier.map(|window| (window, format!("{name}.before")));
        return Ok(Figure { name: name.into(), title, measured, windows: vec![current], earlier, question });
    }
    let window = earlier.ok_or_else(|| format!("{title} is compared with nothing"))?;
    let title = format!("{title}: what it is compared with");
    Ok(Figure { name: name.into(), title, measured, windows: vec![window], earlier: None, question })
}

/// The question of one value of a filter, with its windows. They are empty where the question leaves that value out.
fn narrowed(
    question: &Question,
    spans: &Spans,
    values: fn(&mut Filter) -> &mut Vec<String>,
    value: &str,
) -> (Question, Window, Option<Window>) {
    let mut asked = question.clone();
    let values = values(&mut asked.filter);
    let is_asked = values.is_empty() || values.iter().any(|known| known == value);
    *values = vec![value.to_owned()];
    let kept = |window: Window| if is_asked { window } else { Window { to: window.from, ..window } };
    (asked, kept(spans.current), spans.earlier.map(kept))
}

fn of_period(name: &str, question: &Question, spans: &Spans, calendar: &Calendar, now: Instant) -> Option<Place> {
    let place = PERIODS.iter().position(|(known, _)| *known == name)?;
    let [window, earlier] = Asked::periods(calendar, spans, now)[place];
    let earlier = Some(earlier).filter(|earlier| earlier.from < earlier.to);
    Some((PERIODS[place].1.to_owned(), window, earlier, question.clone()))
}

fn of_point(
    chart: &str,
    place: usize,
    question: &Question,
    spans: &Spans,
    calendar: &Calendar,
    now: Instant,
) -> Option<Place> {
    if chart == "hours" {
        let hours = Asked::hours(calendar, now);
        let [window, earlier] = [0, 1].map(|day: usize| hours[day].get(place).copied());
        let named = window.or(earlier)?;
        let title = calendar.local(named.from).strftime("the hour from %H:%M").to_string();
        // An hour of yesterday that today has not come to yet counts nothing today.
        let window = window.unwrap_or(Window { from: now, to: now });
        return Some((title, window, earlier, question.clone()));
    }
    let point = spans.points.get(place).filter(|_| matches!(chart, "revenue" | "orders"))?;
    Some((point.label.clone(), point.current, point.earlier.as_ref().map(|(_, window)| *window), question.clone()))
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone as _, Utc};

    use super::*;
    use crate::sales::spans::resolve;

    fn found(name: &str) -> Result<Figure, String> {
        let calendar = Calendar::new("Europe/London", 1).expect("a zone");
        let now = Utc.with_ymd_and_hms(2026, 11, 21, 14, 30, 0).single().expect("an instant");
        let question = Question::default();
        let since = "2024-11-21".parse().expect("a date");
        let spans = resolve(&question, &calendar, now, since).expect("spans");
        find(name, &question, &spans, &calendar, now)
    }

    #[test]
    fn a_name_finds_its_window_and_what_that_is_compared_with() {
        let today = found("today.revenue").expect("a figure");
        assert_eq!(today.title, "Revenue, today");
        assert_eq!((today.windows[0].to - today.windows[0].from).num_minutes(), 14 * 60 + 30);
        let (earlier, name) = today.earlier.expect("what it is compared with");
        assert_eq!(found(&name).expect("a figure").windows, [earlier]);
        assert_eq!(found("periods.day.revenue").expect("a figure").windows[0], today.windows[0]);
        assert_eq!(found("range.orders").expect("a figure").measured, Measured::Orders);
        assert_eq!(found("countries.GB.revenue").expect("a figure").question.filter.countries, ["GB"]);
        let hour = found("charts.hours.3").expect("a figure").windows[0];
        assert_eq!((hour.to - hour.from).num_minutes(), 60);
        assert_eq!(
            found("charts.hours.20.before").expect("a figure").title,
            "Revenue, the hour from 20:00: what it is compared with"
        );
        assert_eq!(found("averages.2026-11-20.average").expect("a figure").windows[0].to, today.windows[0].from);
    }

    #[test]
    fn what_is_no_figure_is_said_in_a_sentence() {
        for name in
            ["", "today", "today.profit", "charts.revenue.999", "charts.x.0", "averages.never.orders", "a.b.c.d"]
        {
            assert!(found(name).expect_err(name).contains("there is no figure named"), "{name}");
        }
        assert!(found("averages.2026-11-20.average.before").expect_err("nothing").contains("compared with nothing"));
    }
}
