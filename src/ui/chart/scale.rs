//! Steps of colour for amounts that differ by much: each step is a square of the part of the largest. Pure.

/// Steps from the least to the most.
pub const STEPS: i64 = 6;

/// The step of a value among others of which `top` is the largest: 0 for none, up to [`STEPS`], and -1 below zero.
pub fn step(value: i64, top: i64) -> i64 {
    let reached = |n: &i64| i128::from(n * n) * i128::from(top) >= i128::from(STEPS * STEPS) * i128::from(value);
    match value {
        ..0 => -1,
        0 => 0,
        _ => (1..STEPS).find(reached).unwrap_or(STEPS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_has_the_last_step_and_the_least_the_first() {
        for (value, top, expected) in
            [(0, 100, 0), (1, 1_000_000, 1), (25, 100, 3), (26, 100, 4), (100, 100, 6), (-5, 100, -1), (5, 0, 6)]
        {
            assert_eq!(step(value, top), expected, "{value} of {top}");
        }
        assert_eq!(step(i64::MAX, i64::MAX), STEPS);
    }
}
