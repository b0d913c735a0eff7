//! Reproducible disturbance: the same seed gives the same numbers on every host.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to push a pole.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in −1 … 1.
    pub fn next_signed(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_stays_in_range() {
        let (mut one, mut other) = (Noise::new(7), Noise::new(7));
        let values: Vec<f64> = (0..10_000).map(|_| one.next_signed()).collect();
        assert!(values.iter().all(|value| (-1.0..=1.0).contains(value) && *value == other.next_signed()));
        assert!((values.iter().sum::<f64>() / 10_000.0).abs() < 0.05);
    }
}
