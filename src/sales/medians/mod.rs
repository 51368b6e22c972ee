//! The median order value of a window (M6), exact, from a tree of counts instead of the orders.
//!
//! How many orders have which value is counted in cells of time, as long as 1, 8, 64, 512 and 4,096 quarters of an hour, so
//! that any window is a few dozen of them ([`cells`]). In each cell the counts stand in three [`LEVELS`]: by the upper bits
//! of the value, then by eight bits more, then by the last eight. The median is found by going down: the cells' counts of
//! a level say in which child the middle order lies, and only that one is opened. So it costs the same however many orders
//! there are. The cells are of UTC: another zone leaves them as they are.
//!
//! Recordings only append what they add; [`fold`] takes it into the tree, and until then it is counted beside it.

pub mod cells;
mod ends;
pub mod filtered;
pub mod fold;
pub mod search;
pub mod store;
pub mod tree;

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::money;
use crate::period::Window;
use crate::sales::books::Books;
use crate::sales::medians::cells::Cut;
use crate::sales::medians::search::{Middle, opened};
use crate::sales::medians::tree::{LEVELS, child, node};

/// What is known of the middle of a window's order values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Median {
    /// Orders placed in the window that count.
    pub orders: i64,
    /// The median of their totals as placed, minor units of the reporting currency. Of an even number of orders it is the mean
    /// of the two in the middle, rounded as every mean. `None` without orders.
    pub value_minor: Option<i64>,
}

/// The medians of windows, all orders included, as of the view of the database that `revision` is of.
pub async fn medians(
    db: &mut PgConnection,
    books: &Books,
    revision: i64,
    windows: &[Window],
) -> sqlx::Result<Vec<Median>> {
    let workspace = books.workspace;
    let cuts: Vec<Cut> = windows.iter().map(|window| Cut::of(*window)).collect();
    let mut loose = ends::values(db, books, revision, &cuts).await?;
    for added in store::additions(db, workspace).await? {
        for (cut, loose) in cuts.iter().zip(&mut loose) {
            if cut.quarters.contains(&added.quarter) {
                loose.push((added.value_minor, added.orders));
            }
        }
    }
    let mut middles: Vec<Middle> = cuts.iter().map(|_| Middle::default()).collect();
    for level in LEVELS {
        let nodes = middles.iter().enumerate().flat_map(|(i, middle)| middle.nodes().map(move |node| (i, node)));
        let nodes: BTreeSet<(usize, i64)> = nodes.collect();
        let mut counts = store::counts(db, workspace, level, &cuts, &nodes).await?;
        for (i, values) in loose.iter().enumerate() {
            for (value, orders) in values {
                let parent = (i, node(level, *value));
                if nodes.contains(&parent) {
                    *counts.entry(parent).or_default().entry(child(level, *value)).or_default() += orders;
                }
            }
        }
        for (i, middle) in middles.iter_mut().enumerate() {
            *middle = opened(*middle, |node| counts.get(&(i, node)));
        }
    }
    Ok(middles.into_iter().map(Median::of).collect())
}

impl Median {
    fn of(middle: Middle) -> Median {
        let Middle { orders, lower, upper } = middle;
        let value = money::mean(lower.node.saturating_add(upper.node), 2);
        Median { orders, value_minor: value.filter(|_| orders > 0) }
    }
}
