//! Goes down the tree of order values to the two that are in the middle. Pure.

use crate::sales::medians::tree::Counts;

/// Where the search for the middle of a window's orders stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Middle {
    /// Orders of the window; 0 before the first level is opened.
    pub orders: i64,
    /// The lower of the two orders in the middle; the same as the upper one where their number is odd.
    pub lower: Sought,
    /// The upper one.
    pub upper: Sought,
}

/// An order that is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sought {
    /// The node that holds it: 0 at first, below the last level its value.
    pub node: i64,
    /// How many orders of the node come before it. `None` before the first level is opened.
    rank: Option<i64>,
}

impl Middle {
    /// The nodes to open next; none where there are no orders.
    pub fn nodes(&self) -> impl Iterator<Item = i64> + use<> {
        let nothing = self.orders == 0 && self.lower.rank.is_some();
        [self.lower.node, self.upper.node].into_iter().filter(move |_| !nothing)
    }
}

/// The search one level further down, by the counts below its nodes.
pub fn opened<'a>(mut middle: Middle, counts: impl Fn(i64) -> Option<&'a Counts>) -> Middle {
    if middle.lower.rank.is_none() {
        middle.orders = counts(middle.lower.node).map_or(0, |counts| counts.values().sum());
        middle.lower.rank = Some((middle.orders - 1) / 2);
        middle.upper.rank = Some(middle.orders / 2);
    }
    for sought in [&mut middle.lower, &mut middle.upper] {
        if let (Some(rank), Some(counts)) = (&mut sought.rank, counts(sought.node)) {
            for (child, orders) in counts {
                if *rank < *orders {
                    sought.node = *child;
                    break;
                }
                *rank -= orders;
            }
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::sales::medians::Median;
    use crate::sales::medians::tree::{Addition, LEVELS, rows};

    fn found(values: &[i64]) -> Median {
        let additions = values.iter().map(|value| Addition { quarter: 0, value_minor: *value, orders: 1 });
        let rows: BTreeMap<(i16, i64), Counts> = rows(additions)
            .into_iter()
            .filter(|(at, _)| at.grain == 0)
            .map(|(at, c)| ((at.level, at.node), c))
            .collect();
        let mut middle = Middle::default();
        for level in LEVELS {
            middle = opened(middle, |node| rows.get(&(level, node)));
        }
        Median::of(middle)
    }

    #[test]
    fn the_middle_of_nothing_is_nothing_and_of_two_their_mean() {
        assert_eq!(found(&[]), Median { orders: 0, value_minor: None });
        assert_eq!(found(&[0]).value_minor, Some(0));
        assert_eq!(found(&[1_000, 2_001]).value_minor, Some(1_501));
        assert_eq!(found(&[-5, 100_000_000_000, 7]).value_minor, Some(7));
    }

    proptest! {
        #[test]
        fn the_middle_is_that_of_the_sorted_values(
            mut values in proptest::collection::vec(prop_oneof![-300i64..300, 0i64..20_000, -1_000_000_000_000i64..1_000_000_000_000], 1..60),
        ) {
            let median = found(&values);
            values.sort_unstable();
            let (n, half) = (values.len(), values.len() / 2);
            let middle = if n % 2 == 1 { Some(values[half]) } else { crate::money::mean(values[half - 1] + values[half], 2) };
            prop_assert_eq!(median, Median { orders: n as i64, value_minor: middle });
        }
    }
}
