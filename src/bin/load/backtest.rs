//! How projections would have done on the real invoices of a gift shop, beside simple rules. Needs no database.

use std::collections::BTreeMap;

use flate2::read::GzDecoder;
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use takings::demo::shop as demo;
use takings::period::{Calendar, Period, Window, minus, plus};
use takings::sales::projection::curve::{Forecast, PastDay};
use takings::sales::projection::model::{Horizon, Range};
use takings::sales::projection::project::period;

use crate::Outcome;
use crate::report::Report;

/// See `SOURCES.md` beside it.
const QUARTER_HOURS: &[u8] = include_bytes!("online-retail-quarter-hours.csv.gz");
/// Days that are learned from before the first projection.
const WARM_UP: i64 = 56;
/// When this shop takes orders, Saturdays apart: what a simple rule may know of it.
const OPENING_HOURS: [i8; 2] = [8, 18];
/// What is projected, and at which hour.
const QUESTIONS: [(Horizon, i8); 6] = [
    (Horizon::Day, 9),
    (Horizon::Day, 12),
    (Horizon::Day, 15),
    (Horizon::Week, 12),
    (Horizon::Month, 12),
    (Horizon::Quarter, 12),
];

/// Prints a table of the real invoices, and two of the demo's made-up shop, on which nothing of the method was settled: in
/// half a year of little change, and in one that ends with Christmas.
pub fn run() -> Outcome<()> {
    table("Real invoices, December 2010 to May 2011", &Shop::of_invoices()?)?;
    let half = |first, last| Shop::of_the_demo(first, last);
    table("The demo's shop, January to June", &half(Date::constant(2025, 1, 1), Date::constant(2025, 6, 30))?)?;
    table("The demo's shop, July to December", &half(Date::constant(2025, 7, 1), Date::constant(2025, 12, 31))?)
}

fn table(title: &str, shop: &Shop) -> Outcome<()> {
    let columns = [
        "period",
        "at",
        "projections",
        "off by %",
        "run-rate %",
        "opening hours %",
        "period before %",
        "half within %",
        "in range %",
        "width %",
    ];
    let mut report = Report::new(title, &columns, &[]);
    for (horizon, hour) in QUESTIONS {
        let score = shop.score(horizon, hour);
        let per_cent = |share: Option<f64>| share.map_or("—".to_owned(), |share| format!("{:.1}", share * 100.0));
        report.add(
            &[
                &horizon.name(),
                &format!("{hour}:00"),
                &score.ours.len(),
                &per_cent(off(&score.ours)),
                &per_cent(off(&score.by_clock)),
                &per_cent(off(&score.by_opening_hours)),
                &per_cent(off(&score.period_before)),
                &per_cent(score.half_within()),
                &per_cent(Some(score.in_range())),
                &per_cent(Some(score.width())),
            ],
            &[vec![]],
        );
    }
    report.print();
    Ok(())
}

/// What was said and what came, of each projection.
#[derive(Default)]
struct Score {
    ours: Vec<(i64, i64)>,
    ranges: Vec<Range>,
    by_clock: Vec<(i64, i64)>,
    by_opening_hours: Vec<(i64, i64)>,
    period_before: Vec<(i64, i64)>,
}

impl Score {
    fn half_within(&self) -> Option<f64> {
        let earned = self.ours.iter().filter(|(_, came)| *came > 0);
        let mut off: Vec<f64> = earned.map(|(said, came)| (said - came).abs() as f64 / *came as f64).collect();
        off.sort_by(f64::total_cmp);
        off.get(off.len() / 2).copied()
    }

    fn in_range(&self) -> f64 {
        let inside = self.ranges.iter().zip(&self.ours).filter(|(range, (_, came))| range.holds(*came));
        inside.count() as f64 / self.ours.len() as f64
    }

    fn width(&self) -> f64 {
        let widths: i64 = self.ranges.iter().map(|range| range.high - range.low).sum();
        widths as f64 / self.ours.iter().map(|(_, came)| came).sum::<i64>() as f64
    }
}

/// The errors added up, over what came.
fn off(pairs: &[(i64, i64)]) -> Option<f64> {
    let came: i64 = pairs.iter().map(|(_, came)| came).sum();
    (came > 0).then(|| pairs.iter().map(|(said, came)| (said - came).abs()).sum::<i64>() as f64 / came as f64)
}

/// Orders and revenue by local quarter of an hour.
struct Shop {
    calendar: Calendar,
    quarters: BTreeMap<DateTime, (i64, i64)>,
    first: Date,
    last: Date,
    /// Whether it keeps to [`OPENING_HOURS`].
    opens_and_closes: bool,
}

impl Shop {
    fn of_invoices() -> Outcome<Shop> {
        let mut quarters = BTreeMap::new();
        for row in csv::Reader::from_reader(GzDecoder::new(QUARTER_HOURS)).deserialize() {
            let (local, orders, revenue): (String, i64, i64) = row?;
            quarters.insert(local.parse::<DateTime>()?, (orders, revenue));
        }
        let calendar = Calendar::new("Europe/London", 1)?;
        let date = |entry: Option<(&DateTime, _)>| entry.map(|(local, _)| local.date()).ok_or("no invoices");
        let (first, last) = (date(quarters.first_key_value())?, date(quarters.last_key_value())?);
        Ok(Shop { calendar, quarters, first, last, opens_and_closes: true })
    }

    fn of_the_demo(first: Date, last: Date) -> Outcome<Shop> {
        let calendar = Calendar::new("Europe/London", 1)?;
        let mut quarters: BTreeMap<DateTime, (i64, i64)> = BTreeMap::new();
        let after = plus(last, 1.day());
        for sold in demo::Shop::new(7).orders(first, after, &calendar, calendar.midnight(after)) {
            let sale = sold.order.sale.iter().map(|sale| (sale.placed_at, 1, sale.total_minor()));
            let refunds = sold.order.refunds.values().map(|refund| {
                (refund.refunded_at, 0, -(refund.goods_minor + refund.shipping_minor + refund.tax_minor))
            });
            for (at, orders, revenue) in sale.chain(refunds) {
                let local = calendar.local(at);
                let sums = quarters.entry(local.date().at(local.hour(), local.minute() / 15 * 15, 0, 0)).or_default();
                *sums = (sums.0 + orders, sums.1 + revenue);
            }
        }
        Ok(Shop { calendar, quarters, first, last, opens_and_closes: false })
    }

    /// Orders and revenue from one local time to another.
    fn sum(&self, from: DateTime, to: DateTime) -> (i64, i64) {
        let inside = self.quarters.range(from..to).map(|(_, sums)| *sums);
        inside.fold((0, 0), |sum, (orders, revenue)| (sum.0 + orders, sum.1 + revenue))
    }

    /// Every day, with what it had come to by an hour.
    fn days(&self, hour: i8) -> Vec<PastDay> {
        let day = |date: Date| {
            let (orders, revenue) = self.sum(midnight(date), midnight(plus(date, 1.day())));
            let (orders_by_now, revenue_by_now) = self.sum(midnight(date), date.at(hour, 0, 0, 0));
            PastDay { date, orders, revenue, orders_by_now, revenue_by_now }
        };
        self.first.series(1.day()).take_while(|date| *date <= self.last).map(day).collect()
    }

    /// Projects on every day after the warm-up whose period is in the data to its end.
    fn score(&self, horizon: Horizon, hour: i8) -> Score {
        let (mut score, days) = (Score::default(), self.days(hour));
        let begin = plus(self.first, WARM_UP.days());
        for today in begin.series(1.day()).take_while(|date| *date <= self.last) {
            let whole = self.calendar.whole(period(horizon), today);
            let (from, to) = (self.calendar.date(whole.from), self.calendar.date(whole.to));
            if from < self.first || to > plus(self.last, 1.day()) {
                continue;
            }
            let now = today.at(hour, 0, 0, 0);
            let past = &days[..days.partition_point(|day| day.date < today)];
            let forecast = Forecast::new(past, today, self.sum(midnight(today), now).0);
            let rest = forecast.and_then(|forecast| match horizon {
                Horizon::Day => forecast.rest_of_today(),
                _ => forecast.rest((to - today).get_days() as usize - 1),
            });
            let (so_far, came) = (self.sum(midnight(from), now).1, self.sum(midnight(from), midnight(to)).1);
            let Ok(rest) = rest else { continue };
            let range = rest.after(so_far);
            score.ours.push((range.expected, came));
            score.ranges.push(range);
            let at = self.calendar.instant(now);
            let by_clock = (at - whole.from).as_seconds_f64() / (whole.to - whole.from).as_seconds_f64();
            score.by_clock.push((run_rate(so_far, by_clock), came));
            if self.opens_and_closes {
                let by_hours = opening_hours(from, now) / opening_hours(from, midnight(to));
                score.by_opening_hours.push((run_rate(so_far, by_hours), came));
            }
            if let Some(before) = self.period_before(horizon, whole, today) {
                score.period_before.push((before, came));
            }
        }
        score
    }

    /// What the whole period before came to; of a day, the same weekday of last week.
    fn period_before(&self, horizon: Horizon, whole: Window, today: Date) -> Option<i64> {
        let (from, to) = match period(horizon) {
            Period::Day => (minus(today, 7.days()), minus(today, 6.days())),
            longer => {
                let to = self.calendar.date(whole.from);
                (self.calendar.start(longer, minus(to, 1.day())), to)
            }
        };
        (from >= self.first).then(|| self.sum(midnight(from), midnight(to)).1)
    }
}

/// So far, over the share of the period that is over.
fn run_rate(so_far: i64, share: f64) -> i64 {
    if share > 0.0 { (so_far as f64 / share).round() as i64 } else { 0 }
}

/// Hours from midnight of `from` to `to` in which the shop takes orders.
fn opening_hours(from: Date, to: DateTime) -> f64 {
    let [opens, closes] = OPENING_HOURS;
    let days = from.series(1.day()).take_while(|date| *date <= to.date());
    let hours = days.filter(|date| date.weekday() != jiff::civil::Weekday::Saturday).map(|date| {
        let until = if date == to.date() { to.hour().min(closes) } else { closes };
        f64::from((until - opens).max(0))
    });
    hours.sum()
}

fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projections_beat_simple_rules_on_real_invoices_and_their_ranges_hold() {
        let shop = Shop::of_invoices().expect("invoices");
        for (horizon, hour) in QUESTIONS {
            let score = shop.score(horizon, hour);
            let ours = off(&score.ours).expect("invoices");
            for (rule, pairs) in
                [("clock", &score.by_clock), ("hours", &score.by_opening_hours), ("before", &score.period_before)]
            {
                let theirs = off(pairs).unwrap_or(f64::MAX);
                assert!(ours < theirs, "{horizon:?} at {hour}: {ours} against {theirs} by {rule}");
            }
            let in_range = score.in_range();
            assert!((0.75..=0.90).contains(&in_range), "{horizon:?} at {hour}: {in_range} ended in range");
        }
    }
}
