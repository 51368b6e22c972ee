//! The shape of the tree of order values, and what is taken into it. Pure.

use std::collections::BTreeMap;

/// The levels from the top, by the bits of a value that they leave out.
pub const LEVELS: [i16; 3] = [16, 8, 0];
/// Children that a node has at most: eight bits of a value. The first level's only node has any number.
pub const CHILDREN: usize = 256;
/// Lengths of cells: the n-th is 8ⁿ quarters of an hour.
pub const GRAINS: i16 = 5;

/// Orders by what stands for their values in a level: the value without the level's bits.
pub type Counts = BTreeMap<i64, i64>;

/// An order value of a quarter of an hour, and how many orders more or fewer have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addition {
    /// The quarter of an hour since 1970.
    pub quarter: i64,
    /// Minor units of the reporting currency.
    pub value_minor: i64,
    /// How many orders, negative where some are taken away.
    pub orders: i64,
}

/// Names a row of the tree: the counts below a node, in a cell of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// One of [`LEVELS`].
    pub level: i16,
    /// The length of the cell.
    pub grain: i16,
    /// What the values have in common.
    pub node: i64,
    /// The number of the cell.
    pub cell: i64,
}

/// What stands for a value among a node's children.
pub fn child(level: i16, value: i64) -> i64 {
    value >> level
}

/// The node of a level that holds a value. The first level is one node: however large the values, nothing is above it.
pub fn node(level: i16, value: i64) -> i64 {
    if level == LEVELS[0] { 0 } else { value >> (level + 8) }
}

/// The cell that holds a quarter of an hour.
pub fn cell(grain: i16, quarter: i64) -> i64 {
    quarter >> (3 * grain)
}

/// What additions change in the tree, by its rows.
pub fn rows(additions: impl Iterator<Item = Addition>) -> BTreeMap<Place, Counts> {
    let mut out: BTreeMap<Place, Counts> = BTreeMap::new();
    for Addition { quarter, value_minor, orders } in additions {
        for level in LEVELS {
            for grain in 0..GRAINS {
                let place = Place { level, grain, node: node(level, value_minor), cell: cell(grain, quarter) };
                *out.entry(place).or_default().entry(child(level, value_minor)).or_default() += orders;
            }
        }
    }
    out
}
