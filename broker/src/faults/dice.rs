//! Chance that is the same in every run.

/// The golden ratio as a fraction of 2^64, by which splitmix64 steps.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The generator splitmix64.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice { state: seed }
    }

    /// Throws the dice: true with this probability.
    pub fn falls_below(&mut self, probability: f64) -> bool {
        // 53 bits are what a float of this range can tell apart
        let thrown = self.next() >> 11;
        #[allow(clippy::cast_precision_loss)] // there is none
        let thrown = thrown as f64 / (1_u64 << 53) as f64;
        thrown < probability
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
