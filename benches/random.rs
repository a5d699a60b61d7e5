//! Random numbers by `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>.

/// The same numbers for the same seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let scaled = u128::from(self.next()) * u128::from(limit);
        u64::try_from(scaled >> 64).unwrap_or_default()
    }

    /// A rank from 0, distributed as Zipf has it: the logarithm is uniform.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are small"
    )]
    pub(crate) fn rank(&mut self, count: u64) -> u64 {
        let uniform = self.below(1 << 53) as f64 / (1_u64 << 53) as f64;
        let rank = (uniform * ((count + 1) as f64).ln()).exp() as u64 - 1;
        rank.min(count - 1)
    }
}
