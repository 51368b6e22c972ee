//! What holds of every forecast, whatever the shop.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const TODAY: Date = Date::constant(2026, 11, 18);

/// The days before [`TODAY`] as `of` says them, the youngest first.
fn history(count: i64, of: impl Fn(Date) -> (i64, i64, i64, i64)) -> Vec<PastDay> {
    let dates = (1..=count).map(|age| minus(TODAY, age.days()));
    let day = |date| {
        let (orders, revenue, orders_by_now, revenue_by_now) = of(date);
        PastDay { date, orders, revenue, orders_by_now, revenue_by_now }
    };
    dates.map(day).collect()
}

/// Ten orders a day of 10.00 each, four of them by now; closed on Saturdays.
fn steady(count: i64) -> Vec<PastDay> {
    history(count, |date| if index(date) == 5 { (0, 0, 0, 0) } else { (10, 10_000, 4, 4_000) })
}

fn certain(minor: i64) -> Range {
    Range { low: minor, expected: minor, high: minor }
}

#[test]
fn a_steady_shop_is_projected_exactly() {
    let forecast = Forecast::new(&steady(100), TODAY, 4).expect("a forecast");
    assert_eq!(forecast.rest_of_today(), Ok(certain(6_000)));
    // Thursday, Friday, not Saturday, Sunday.
    assert_eq!(forecast.rest(4), Ok(certain(36_000)));
}

#[test]
fn a_thin_history_shows_nothing() {
    assert_eq!(Forecast::new(&[], TODAY, 4).err(), Some(Hidden::Thin(28)));
    assert_eq!(Forecast::new(&steady(27), TODAY, 4).err(), Some(Hidden::Thin(1)));
    let forecast = Forecast::new(&steady(28), TODAY, 4).expect("a forecast");
    assert_eq!(forecast.rest(30).err(), Some(Hidden::Thin(2)));
    let sparse = history(100, |date| (i64::from(date.day() == 1), 500, 0, 0));
    assert_eq!(Forecast::new(&sparse, TODAY, 0).err(), Some(Hidden::Idle));
}

#[test]
fn a_closed_shop_is_not_projected_for_the_day_but_for_the_days_after() {
    let closed = |date| if index(date) == index(TODAY) { (0, 0, 0, 0) } else { (10, 10_000, 4, 4_000) };
    let forecast = Forecast::new(&history(100, closed), TODAY, 0).expect("a forecast");
    assert_eq!((forecast.rest_of_today(), forecast.rest(1)), (Err(Hidden::Closed), Ok(certain(10_000))));
    let busy = history(100, |_| (20, 20_000, 8, 8_000));
    let holiday = Forecast::new(&busy, TODAY, 0).expect("a forecast");
    assert_eq!((holiday.rest_of_today(), holiday.rest(1)), (Err(Hidden::Closed), Ok(certain(20_000))));
}

#[test]
fn a_busy_morning_is_carried_over_as_far_as_it_was_before() {
    // Every third day is twice as busy from morning to evening.
    let days = history(168, |date| {
        let busy = if date.day() % 3 == 0 { 2 } else { 1 };
        (20 * busy, 20_000 * busy, 8 * busy, 8_000 * busy)
    });
    let rest = |orders| Forecast::new(&days, TODAY, orders).expect("a forecast").rest_of_today().expect("a range");
    assert!(rest(16).expected > rest(8).expected * 3 / 2, "{:?} {:?}", rest(8), rest(16));
}

#[test]
fn one_enormous_order_does_not_move_the_level() {
    let enormous = |date: Date| if date.day() == 10 { 10_000_000 } else { 10_000 };
    let days = history(100, |date| (10, enormous(date), 4, 4_000));
    let rest = Forecast::new(&days, TODAY, 4).expect("a forecast").rest(3).expect("a range");
    assert!((30_000..50_000).contains(&rest.expected), "{rest:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_history_gives_a_range_in_order_or_a_reason(
        days in vec((any::<i64>(), any::<i64>(), any::<i64>(), any::<i64>(), 0i64..400), 0..200),
        orders in any::<i64>(), ahead in 0usize..200,
    ) {
        let day = |(orders, revenue, orders_by_now, revenue_by_now, age): (i64, i64, i64, i64, i64)| {
            PastDay { date: minus(TODAY, age.days()), orders, revenue, orders_by_now, revenue_by_now }
        };
        let days: Vec<PastDay> = days.into_iter().map(day).collect();
        if let Ok(range) = Forecast::new(&days, TODAY, orders).and_then(|forecast| forecast.rest(ahead)) {
            prop_assert!(range.low <= range.expected && range.expected <= range.high, "{range:?}");
        }
    }

    #[test]
    fn money_ten_times_over_is_projected_ten_times_over(
        days in vec((0i64..40, -5_000i64..100_000, 0i64..20, 0i64..50_000), 40..120), ahead in 0usize..40,
    ) {
        let rest = |times: i64| {
            let at = |date: Date| days[(TODAY - date).get_days() as usize - 1];
            let days = history(days.len() as i64, |date| {
                let (orders, revenue, orders_by_now, by_now) = at(date);
                (orders, revenue * times, orders_by_now, by_now * times)
            });
            Forecast::new(&days, TODAY, 7).and_then(|forecast| forecast.rest(ahead))
        };
        match (rest(1), rest(10)) {
            (Ok(one), Ok(ten)) => for (one, ten) in [(one.low, ten.low), (one.expected, ten.expected), (one.high, ten.high)] {
                prop_assert!((ten - 10 * one).abs() <= 10, "{one} {ten}");
            },
            (one, ten) => prop_assert_eq!(one, ten),
        }
    }

    #[test]
    fn at_the_end_of_a_period_the_range_is_what_has_come(
        days in vec((1i64..40, -5_000i64..100_000), 40..120), orders in 1i64..40,
    ) {
        let at = |date: Date| days[(TODAY - date).get_days() as usize - 1];
        let over = history(days.len() as i64, |date| {
            let (orders, revenue) = at(date);
            (orders, revenue, orders, revenue)
        });
        let rest = Forecast::new(&over, TODAY, orders).and_then(|forecast| forecast.rest(0));
        prop_assert!(rest == Ok(certain(0)) || rest.is_err(), "{rest:?}");
    }
}
