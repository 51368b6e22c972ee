//! The forecast: what a shop still earns today and on the days after, learned from its own days and hours.
//!
//! The only file of `sales/` that computes with floating point: what it returns is an estimate, rounded to minor units
//! at its edge. `docs/projection.md` explains the method and how it did on real invoices. `augurs` was looked at first:
//! its exponential smoothing has no seasons yet, and its MSTL takes a series of whole, even steps; neither knows what
//! has come today so far, or that a shop is closed on Saturdays.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::period::{minus, plus};
use crate::sales::projection::model::{Hidden, Range};

/// A day that is over, and what it had come to by the time of day that it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastDay {
    /// The local date.
    pub date: Date,
    /// Orders of the whole day.
    pub orders: i64,
    /// Total revenue of the whole day, minor units.
    pub revenue: i64,
    /// Orders by this time of day.
    pub orders_by_now: i64,
    /// Total revenue by this time of day, minor units.
    pub revenue_by_now: i64,
}

/// The days that are learned from: twelve weeks, for twelve of each weekday.
const WINDOW: usize = 84;
/// How many past days a forecast asks for: its window, and a window before each day on which it tries itself out.
pub const HISTORY_DAYS: i64 = 2 * WINDOW as i64;
/// Fewer days since the first order show nothing: four of each weekday are the least to tell one from another.
const DAYS_MIN: usize = 28;
/// Fewer days with orders in the window show nothing either.
const DAYS_WITH_ORDERS_MIN: usize = 14;
/// On how many days a forecast is based at least where it is tried out on the past: two of each weekday.
const TRIAL_DAYS_MIN: usize = 14;
/// A day counts half of one that is two weeks younger.
const HALF_LIFE_DAYS: f64 = 14.0;
/// No day counts more than this many usual ones: a single large order is no trend.
const CAP: f64 = 2.5;
/// Where this many orders are usual and none came, the shop was closed: by chance that happens once in 150 days.
const CLOSED_ORDERS: f64 = 5.0;
/// Evidence of this many mornings is believed by half.
const MORNINGS: f64 = 20.0;
/// A morning counts as busy at most three times over.
const BUSY_MAX: f64 = 3.0;
/// Fewer days that were like today say nothing by themselves.
const LIKE_TODAY_MIN: usize = 10;
/// Errors beyond these, relative to a day, would let one day in the past decide a range.
const ERROR_LEAST: f64 = -2.0;
const ERROR_MOST: f64 = 5.0;
/// Paths drawn for a range.
const PATHS: usize = 400;
/// Where the paths are cut, in percent: 84 % of them lie between, for 80 % of what comes. The errors of the past are
/// never all there are: on real invoices 80 % of the paths held 74 to 82 %.
const CUTS: [usize; 2] = [8, 92];

/// What is known of today's end and of the days after it.
#[derive(Debug)]
pub struct Forecast {
    today: Date,
    basis: Basis,
    /// What is expected of the whole of today, and of the rest of it; nothing where the shop is closed.
    whole: f64,
    rest: f64,
    errors: Errors,
    past_days: usize,
}

/// How far past forecasts were off, made as this one: relative to a day, to a day, and to a week.
#[derive(Debug, Default)]
struct Errors {
    rest: Vec<f64>,
    /// What the rests of days were off by in the middle: what is expected is put right by it.
    rest_middle: f64,
    day: Vec<f64>,
    week: Vec<f64>,
}

impl Forecast {
    /// Learns from the days before `today`, of which `orders_today` have come so far. Days without any orders may be
    /// left out of `past`.
    pub fn new(past: &[PastDay], today: Date, orders_today: i64) -> Result<Forecast, Hidden> {
        let days = without_gaps(past, today);
        if days.len() < DAYS_MIN {
            return Err(Hidden::Thin((DAYS_MIN - days.len()) as i64));
        }
        let basis = Basis::of(&days);
        let with_orders = last(&days, WINDOW).iter().filter(|day| day.orders > 0).count();
        if with_orders < DAYS_WITH_ORDERS_MIN || basis.level <= 0.0 {
            return Err(Hidden::Idle);
        }
        let trials = trials(&days);
        let (mut whole, mut rest) = basis.expected(today, orders_today, carried(last(&trials, WINDOW)));
        if orders_today <= 0 && basis.orders_by_now(today) >= CLOSED_ORDERS {
            (whole, rest) = (0.0, 0.0);
        }
        let errors = Errors::of(&days, last(&trials, WINDOW), orders_today > 0);
        Ok(Forecast { today, basis, whole, rest, errors, past_days: days.len() })
    }

    /// What still comes today.
    pub fn rest_of_today(&self) -> Result<Range, Hidden> {
        if self.whole > 0.0 { self.rest(0) } else { Err(Hidden::Closed) }
    }

    /// What still comes today and on the `days` days after it. No further ahead than the history reaches back.
    pub fn rest(&self, days: usize) -> Result<Range, Hidden> {
        if days > self.past_days {
            return Err(Hidden::Thin((days - self.past_days) as i64));
        }
        let after = (1..=days as i64).map(|i| self.basis.day(plus(self.today, i.days())));
        let after: Vec<f64> = after.filter(|expected| *expected > 0.0).collect();
        let mut dice = Dice(1);
        let mut paths: Vec<f64> = (0..PATHS).map(|_| self.path(&after, &mut dice)).collect();
        paths.sort_by(f64::total_cmp);
        let [low, high] = CUTS.map(|cut| paths.get(PATHS * cut / 100).copied().unwrap_or_default());
        // Not the mean of the paths: one enormous order of the past would weigh in it.
        let expected = self.rest + self.whole * self.errors.rest_middle + after.iter().sum::<f64>();
        let [low, expected, high] = [low, expected.clamp(low, high), high].map(|amount| amount.round() as i64);
        Ok(Range { low, expected, high })
    }

    /// One way that it may come: the rest of today, then day by day around a level that is off as in some past
    /// week, and that each day moves as it moves the forecast's own.
    fn path(&self, after: &[f64], dice: &mut Dice) -> f64 {
        let today = self.rest + self.whole * dice.one_of(&self.errors.rest);
        let mut level = (1.0 + dice.sign() * dice.one_of(&self.errors.week)).max(0.0);
        let learned = 1.0 - 0.5f64.powf(1.0 / HALF_LIFE_DAYS);
        after.iter().fold(today, |sum, expected| {
            let error = dice.one_of(&self.errors.day);
            let came = sum + expected * level * (1.0 + error);
            level = (level * (1.0 + learned * error)).max(0.0);
            came
        })
    }
}

/// What the days before some day lead to expect of it.
#[derive(Debug)]
struct Basis {
    /// How a weekday compares with the mean of those on which the shop sells; 0 where it does not.
    weekdays: [f64; 7],
    /// Revenue of a mean day, what of it comes after this time of day, and orders before it.
    level: f64,
    level_rest: f64,
    level_orders: f64,
    /// Orders of a usual day that has any.
    usual_orders: f64,
}

impl Basis {
    fn of(days: &[PastDay]) -> Basis {
        let days = last(days, WINDOW);
        let usual_orders = median_above_zero(days.iter().map(|day| day.orders as f64));
        let mut basis = Basis { weekdays: [0.0; 7], level: 0.0, level_rest: 0.0, level_orders: 0.0, usual_orders };
        let open: Vec<(f64, &PastDay)> = days
            .iter()
            .rev()
            .enumerate()
            .filter(|(_, day)| basis.was_open(day))
            .map(|(age, day)| (age as f64, day))
            .collect();
        for (weekday, factor) in basis.weekdays.iter_mut().enumerate() {
            let same = open.iter().filter(|(_, day)| index(day.date) == weekday);
            *factor = capped_mean(same.map(|(_, day)| (day.revenue as f64, 1.0)));
        }
        let selling = basis.weekdays.iter().filter(|factor| **factor > 0.0).count();
        let mean = basis.weekdays.iter().sum::<f64>() / selling.max(1) as f64;
        if mean <= 0.0 {
            return basis;
        }
        basis.weekdays.iter_mut().for_each(|factor| *factor /= mean);
        let level = |of: fn(&PastDay) -> i64| {
            let open = open.iter().filter(|(_, day)| basis.weekdays[index(day.date)] > 0.0);
            let weighted = |(age, day): &(f64, &PastDay)| {
                (of(day) as f64 / basis.weekdays[index(day.date)], 0.5f64.powf(age / HALF_LIFE_DAYS))
            };
            capped_mean(open.map(weighted))
        };
        let levels = [
            level(|day| day.revenue),
            level(|day| day.revenue.saturating_sub(day.revenue_by_now)),
            level(|day| day.orders_by_now),
        ];
        [basis.level, basis.level_rest, basis.level_orders] = levels;
        basis
    }

    /// Whether a day without orders is one of few orders, not of a closed shop.
    fn was_open(&self, day: &PastDay) -> bool {
        day.orders > 0 || self.usual_orders < CLOSED_ORDERS
    }

    fn day(&self, date: Date) -> f64 {
        self.level * self.weekdays[index(date)]
    }

    fn orders_by_now(&self, date: Date) -> f64 {
        self.level_orders * self.weekdays[index(date)]
    }

    /// The whole of a day, and the rest of it: the usual rest, more after a busy morning as far as that was
    /// `carried` over on past days.
    fn expected(&self, date: Date, orders: i64, carried: f64) -> (f64, f64) {
        let busy = busyness(orders as f64, self.orders_by_now(date)).map_or(0.0, |busy| busy - 1.0);
        (self.day(date), self.level_rest * self.weekdays[index(date)] * (1.0 + carried * busy))
    }
}

/// The forecast tried out on a day that is over.
struct Trial {
    /// The day's place among the days.
    at: usize,
    basis: Basis,
    whole: f64,
    rest: f64,
    /// How busy the morning was, and how busy the rest, against what was usual.
    busy: Option<(f64, f64)>,
}

/// Tries the forecast out on each day of the window, as it would have been made then.
fn trials(days: &[PastDay]) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::with_capacity(WINDOW);
    for at in days.len().saturating_sub(WINDOW).max(TRIAL_DAYS_MIN)..days.len() {
        let (basis, day) = (Basis::of(&days[..at]), days[at]);
        let (whole, rest) = basis.expected(day.date, day.orders_by_now, carried(&trials));
        let (_, usual_rest) = basis.expected(day.date, 0, 0.0);
        let came = day.revenue.saturating_sub(day.revenue_by_now) as f64;
        let morning = busyness(day.orders_by_now as f64, basis.orders_by_now(day.date));
        let busy = morning.filter(|_| basis.was_open(&day)).zip(busyness(came, usual_rest));
        trials.push(Trial { at, basis, whole, rest, busy });
    }
    trials
}

/// How far a busy morning meant a busy rest of the day, 0 to 1: the slope of the one on the other, less what few
/// mornings cannot tell.
fn carried(trials: &[Trial]) -> f64 {
    let pairs: Vec<(f64, f64)> = trials.iter().filter_map(|trial| trial.busy).collect();
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count.max(1.0);
    let (mean_morning, mean_rest) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let spread: f64 = pairs.iter().map(|(morning, _)| (morning - mean_morning).powi(2)).sum();
    if spread <= 0.0 {
        return 0.0;
    }
    let together: f64 = pairs.iter().map(|(morning, rest)| (morning - mean_morning) * (rest - mean_rest)).sum();
    (together / spread).clamp(0.0, 1.0) * count / (count + MORNINGS)
}

/// What came against what was usual; `None` where nothing was.
fn busyness(came: f64, usual: f64) -> Option<f64> {
    (usual > 0.0).then(|| (came / usual).clamp(0.0, BUSY_MAX))
}

impl Errors {
    /// Collects them. Of the rests of days only those of days that were like today count, on which by this time
    /// something had been sold, or nothing.
    fn of(days: &[PastDay], trials: &[Trial], sold_today: bool) -> Errors {
        let selling: Vec<&Trial> = trials.iter().filter(|trial| trial.whole > 0.0).collect();
        let rest = |trial: &&Trial| {
            let came = days[trial.at].revenue.saturating_sub(days[trial.at].revenue_by_now) as f64;
            error(came, trial.rest, trial.whole)
        };
        let like_today = selling.iter().filter(|trial| (days[trial.at].orders_by_now > 0) == sold_today);
        let mut errors = Errors { rest: like_today.map(rest).collect(), ..Errors::default() };
        if errors.rest.len() < LIKE_TODAY_MIN {
            errors.rest = selling.iter().map(rest).collect();
        }
        errors.rest_middle = median(errors.rest.clone());
        errors.day =
            selling.iter().map(|trial| error(days[trial.at].revenue as f64, trial.whole, trial.whole)).collect();
        // What days were off in common is the level's error, not theirs.
        let common = errors.day.iter().sum::<f64>() / errors.day.len().max(1) as f64;
        errors.day.iter_mut().for_each(|error| *error -= common);
        errors.week = trials.iter().filter_map(|trial| week_error(days, trial)).collect();
        errors
    }
}

/// How far the week that began with a trial's day was off. Days on which the shop was closed say nothing of its level.
fn week_error(days: &[PastDay], trial: &Trial) -> Option<f64> {
    let week = days.get(trial.at..trial.at + 7)?;
    let open = || week.iter().filter(|day| trial.basis.was_open(day));
    let expected: f64 = open().map(|day| trial.basis.day(day.date)).sum();
    let came: f64 = open().map(|day| day.revenue as f64).sum();
    (expected > 0.0).then(|| error(came, expected, expected))
}

fn error(came: f64, expected: f64, of: f64) -> f64 {
    ((came - expected) / of).clamp(ERROR_LEAST, ERROR_MOST)
}

/// The days from the first with orders to the day before `today`, those without any included.
fn without_gaps(past: &[PastDay], today: Date) -> Vec<PastDay> {
    let known: std::collections::BTreeMap<Date, PastDay> =
        past.iter().filter(|day| day.date < today).map(|day| (day.date, *day)).collect();
    let Some(first) = known.values().find(|day| day.orders > 0).map(|day| day.date) else { return Vec::new() };
    let first = first.max(minus(today, HISTORY_DAYS.days()));
    let dates = (0..HISTORY_DAYS).map(|i| plus(first, i.days())).take_while(|date| *date < today);
    let nothing = |date| PastDay { date, orders: 0, revenue: 0, orders_by_now: 0, revenue_by_now: 0 };
    dates.map(|date| known.get(&date).copied().unwrap_or_else(|| nothing(date))).collect()
}

fn index(date: Date) -> usize {
    date.weekday().to_monday_zero_offset() as usize
}

fn last<T>(items: &[T], count: usize) -> &[T] {
    &items[items.len().saturating_sub(count)..]
}

/// The weighted mean of values with weights, each held between nothing and [`CAP`] times the median.
fn capped_mean(values: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let cap = CAP * median_above_zero(values.clone().map(|(value, _)| value));
    let (sum, weights) = values
        .fold((0.0, 0.0), |(sum, weights), (value, weight)| (sum + weight * value.clamp(0.0, cap), weights + weight));
    if weights > 0.0 { sum / weights } else { 0.0 }
}

/// The median of the values above zero; 0 where none is.
fn median_above_zero(values: impl Iterator<Item = f64>) -> f64 {
    median(values.filter(|value| *value > 0.0).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}

/// Numbers that look like chance and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the values; 0 where there are none.
    fn one_of(&mut self, values: &[f64]) -> f64 {
        let drawn = self.next();
        if values.is_empty() { 0.0 } else { values[(drawn % values.len() as u64) as usize] }
    }

    fn sign(&mut self) -> f64 {
        if self.next() & 1 == 0 { 1.0 } else { -1.0 }
    }
}

#[cfg(test)]
mod tests;
