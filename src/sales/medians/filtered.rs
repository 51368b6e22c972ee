//! The median order value of some orders only: of a filter there is no tree, so they are read and sorted, where there are not
//! too many of them.

use sqlx::PgConnection;

use crate::money;
use crate::period::Window;
use crate::sales::books::Books;
use crate::sales::medians::{Median, store};
use crate::sales::sums::store::Slice;

/// A window with more orders than so many, those included that the filter leaves out, is not read.
pub const ORDERS_MAX: i64 = 20_000;

/// The medians of a slice in windows, each given with its number of orders of all slices; `None` where it is too many.
pub async fn medians(
    db: &mut PgConnection,
    books: &Books,
    slice: &Slice,
    windows: &[(Window, i64)],
) -> sqlx::Result<Vec<Option<Median>>> {
    let read = to_read(windows);
    let values = store::placed_of(db, books.workspace, slice, &read).await?;
    let median = |(window, orders): &(Window, i64)| {
        let within = values.iter().filter(|(at, _)| window.from <= *at && *at < window.to);
        (*orders <= ORDERS_MAX).then(|| middle(within.map(|(_, value)| *value).collect()))
    };
    Ok(windows.iter().map(median).collect())
}

/// The windows that are read, those that touch in one.
fn to_read(windows: &[(Window, i64)]) -> Vec<Window> {
    let mut few: Vec<Window> =
        windows.iter().filter(|(_, orders)| (1..=ORDERS_MAX).contains(orders)).map(|(window, _)| *window).collect();
    few.sort_unstable_by_key(|window| window.from);
    few.dedup_by(|next, window| {
        let touches = next.from <= window.to;
        if touches {
            window.to = window.to.max(next.to);
        }
        touches
    });
    few
}

fn middle(mut values: Vec<i64>) -> Median {
    values.sort_unstable();
    let orders = values.len();
    let pair = orders.checked_sub(1).map(|last| values[last / 2].saturating_add(values[orders / 2]));
    Median { orders: orders as i64, value_minor: pair.and_then(|sum| money::mean(sum, 2)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        let at = |second| chrono::DateTime::from_timestamp(second, 0).expect("an instant");
        Window { from: at(from), to: at(to) }
    }

    #[test]
    fn the_middle_of_two_is_their_mean_and_of_nothing_there_is_none() {
        assert_eq!(middle(vec![]), Median { orders: 0, value_minor: None });
        assert_eq!(middle(vec![700]), Median { orders: 1, value_minor: Some(700) });
        assert_eq!(middle(vec![2_001, 1_000]), Median { orders: 2, value_minor: Some(1_501) });
        assert_eq!(middle(vec![9, -5, 7]), Median { orders: 3, value_minor: Some(7) });
    }

    #[test]
    fn what_is_too_much_is_not_read_and_nothing_is_read_twice() {
        let windows = [
            (window(90, 100), 10),
            (window(0, 100), ORDERS_MAX + 1),
            (window(70, 100), ORDERS_MAX),
            (window(40, 70), 5),
            (window(10, 20), 1),
            (window(30, 35), 0),
        ];
        assert_eq!(to_read(&windows), [window(10, 20), window(40, 100)]);
    }
}
