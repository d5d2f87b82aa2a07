//! Reproducible normal deviates, fast enough for a thousand million of them.
//!
//! SplitMix64 (Steele, Lea, Flood 2014) under a Box-Muller transform. The same seed gives the same numbers on
//! the same platform; the last bit of a logarithm may differ between mathematical libraries.

use std::f32::consts::TAU;

/// A stream of numbers that depends on its seed only.
pub struct Random(u64);

impl Random {
    /// The stream number `part` of `seed`: streams of different parts share nothing that shows.
    pub fn new(seed: u64, part: [u64; 2]) -> Random {
        let mut state = seed;
        for number in part {
            state = Random(state ^ number.wrapping_mul(STREAM)).next_u64();
        }
        Random(state)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Fills `out` with deviates of mean 0 and the given standard deviation.
    pub fn fill_normal(&mut self, out: &mut [f32], deviation: f32) {
        for pair in out.chunks_mut(2) {
            let bits = self.next_u64();
            // In (0, 1], so that the logarithm is finite.
            let u = ((bits >> 40) as f32 + 1.0) * UNIT;
            let angle = (bits & 0xFF_FFFF) as f32 * UNIT * TAU;
            let radius = deviation * (-2.0 * u.ln()).sqrt();
            let (sin, cos) = angle.sin_cos();
            pair[0] = radius * cos;
            if let Some(second) = pair.get_mut(1) {
                *second = radius * sin;
            }
        }
    }
}

/// 2^-24: an f32 has 24 bits of precision.
const UNIT: f32 = 1.0 / 16_777_216.0;
/// SplitMix64's increment: 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// An odd number, so that multiplying by it loses nothing; pi's digits.
const STREAM: u64 = 0x2437_54C6_5FB3_1D93;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_seed_zero_are_the_published_ones() {
        let mut random = Random(0);
        assert_eq!(random.next_u64(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.next_u64(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn deviates_have_the_mean_and_the_deviation_asked_for() {
        let mut values = vec![0.0; 200_001];
        Random::new(1, [2, 3]).fill_normal(&mut values, 0.5);
        let count = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 0.005, "mean {mean}");
        assert!((variance.sqrt() - 0.5).abs() < 0.005, "deviation {}", variance.sqrt());
        let beyond_two = values.iter().filter(|v| v.abs() > 1.0).count() as f64 / count;
        assert!((beyond_two - 0.0455).abs() < 0.004, "beyond two deviations: {beyond_two}");
    }

    #[test]
    fn streams_differ_in_every_part_and_repeat_for_the_same_one() {
        let first = |seed, part| Random::new(seed, part).next_u64();
        assert_eq!(first(1, [0, 0]), first(1, [0, 0]));
        let all = [first(1, [0, 0]), first(2, [0, 0]), first(1, [1, 0]), first(1, [0, 1])];
        for (index, value) in all.iter().enumerate() {
            assert!(!all[..index].contains(value), "{all:?}");
        }
    }
}
