//! Dice that fall the same way for the same seed, so that a failure can be repeated.

/// A sequence of numbers that follows from its seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` up to but not including `to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.roll() % (to - from) as u64) as i64
    }

    /// True once in `n` throws.
    pub fn one_in(&mut self, n: i64) -> bool {
        self.between(0, n) == 0
    }

    /// One of `values`.
    pub fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.between(0, values.len() as i64) as usize].clone()
    }

    /// Some of `values`, at least one, in their order.
    pub fn some_of<T: Clone>(&mut self, values: &[T]) -> Vec<T> {
        let mut out: Vec<T> = values.iter().filter(|_| self.one_in(3)).cloned().collect();
        if out.is_empty() {
            out.push(self.of(values));
        }
        out
    }

    /// Any order of `values`.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.between(0, i as i64 + 1) as usize);
        }
    }
}
