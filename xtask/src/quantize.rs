//! Numbers as ggml stores them: f32, f16, and blocks of 32 in Q8_0 and Q4_0.
//!
//! | type | block of 32 | value |
//! |---|---|---|
//! | Q8_0 | f16 scale `d`, 32 signed bytes `q` | `q * d` |
//! | Q4_0 | f16 scale `d`, 16 bytes: low nibbles are the first half, high nibbles the second | `(q - 8) * d` |
//!
//! Rounds as ggml's reference does, so that a block quantised here is the block that it would write.

/// How a tensor's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// 4-bit blocks.
    Q4_0,
    /// 8-bit blocks.
    Q8_0,
}

impl Storage {
    /// The type's number in a GGUF file.
    pub fn number(self) -> u32 {
        match self {
            Storage::F32 => 0,
            Storage::F16 => 1,
            Storage::Q4_0 => 2,
            Storage::Q8_0 => 8,
        }
    }

    /// Bytes for a row of `columns` numbers, a multiple of [`BLOCK`].
    pub fn row_bytes(self, columns: u64) -> u64 {
        match self {
            Storage::F32 => columns * 4,
            Storage::F16 => columns * 2,
            Storage::Q4_0 => columns / BLOCK as u64 * (2 + BLOCK as u64 / 2),
            Storage::Q8_0 => columns / BLOCK as u64 * (2 + BLOCK as u64),
        }
    }

    /// Appends `values`, whose count is a multiple of [`BLOCK`].
    pub fn append(self, values: &[f32], out: &mut Vec<u8>) {
        let (blocks, rest) = values.as_chunks::<BLOCK>();
        debug_assert!(rest.is_empty(), "{} numbers are left over", rest.len());
        for block in blocks {
            match self {
                Storage::F32 => block.iter().for_each(|v| out.extend(v.to_le_bytes())),
                Storage::F16 => block.iter().for_each(|v| out.extend(half(*v).to_le_bytes())),
                Storage::Q4_0 => append_q4_0(block, out),
                Storage::Q8_0 => append_q8_0(block, out),
            }
        }
    }
}

/// The nearest 16-bit floating-point number, ties to even; infinite beyond 65504.
pub fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7FFF_FFFF;
    if magnitude > 0x7F80_0000 {
        return sign | 0x7E00;
    }
    // 2^-14: below it, a half counts in units of 2^-24, and adding 0.5 lets the f32 unit round to these.
    if magnitude < 0x3880_0000 {
        let rounded = f32::from_bits(magnitude) + 0.5;
        return sign | (rounded.to_bits() - 0.5_f32.to_bits()) as u16;
    }
    // Half a unit of the last place that stays, less one if that place is even: a carry is a rounding up, and
    // runs on into the exponent where it must.
    let tie_to_even = (magnitude >> 13) & 1;
    let rounded = magnitude + 0x0FFF + tie_to_even;
    let rebiased = (rounded - (112 << 23)) >> 13;
    sign | rebiased.min(0x7C00) as u16
}

fn append_q4_0(values: &[f32; BLOCK], out: &mut Vec<u8>) {
    // The number of the largest magnitude becomes -8 exactly: four bits have one more negative value.
    let mut extreme = 0.0_f32;
    for value in values {
        if value.abs() > extreme.abs() {
            extreme = *value;
        }
    }
    let scale = extreme / -8.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let nibble = |value: f32| ((value * inverse + 8.5) as u8).min(15);
    out.extend(half(scale).to_le_bytes());
    let (low, high) = values.split_at(BLOCK / 2);
    out.extend(low.iter().zip(high).map(|(low, high)| nibble(*low) | nibble(*high) << 4));
}

fn append_q8_0(values: &[f32; BLOCK], out: &mut Vec<u8>) {
    let extreme = values.iter().fold(0.0_f32, |extreme, value| extreme.max(value.abs()));
    let scale = extreme / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    out.extend(half(scale).to_le_bytes());
    out.extend(values.iter().map(|value| (value * inverse).round() as i8 as u8));
}

/// Numbers in a quantised block.
pub const BLOCK: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(storage: Storage, values: &[f32]) -> Vec<u8> {
        let mut out = Vec::new();
        storage.append(values, &mut out);
        assert_eq!(out.len() as u64, storage.row_bytes(values.len() as u64));
        out
    }

    #[test]
    fn halves_round_to_even_and_keep_their_range() {
        let cases = [
            (0.0, 0x0000),
            (-0.0, 0x8000),
            (1.0, 0x3C00),
            (-2.0, 0xC000),
            (65504.0, 0x7BFF),
            (65519.0, 0x7BFF),
            (65520.0, 0x7C00),
            (1e9, 0x7C00),
            (f32::INFINITY, 0x7C00),
            (f32::NEG_INFINITY, 0xFC00),
            // Ties: 1 + 2^-11 lies between 0x3C00 and 0x3C01, 1 + 3 * 2^-11 between 0x3C01 and 0x3C02.
            (1.0 + 1.0 / 2048.0, 0x3C00),
            (1.0 + 3.0 / 2048.0, 0x3C02),
            // The smallest normal, the largest and the smallest subnormal, and half of that (a tie to zero).
            (6.103_515_6e-5, 0x0400),
            (6.097_555e-5, 0x03FF),
            (5.960_464_5e-8, 0x0001),
            (2.980_232_2e-8, 0x0000),
            (0.1, 0x2E66),
        ];
        for (value, expected) in cases {
            assert_eq!(half(value), expected, "{value}");
        }
        assert_eq!(half(f32::NAN) & 0x7C00, 0x7C00);
        assert_ne!(half(f32::NAN) & 0x03FF, 0);
    }

    #[test]
    fn a_q4_0_block_is_the_one_computed_by_hand() {
        // The extreme is -8, so the scale is 1 (0x3C00) and a number q is stored as q + 8.
        let mut values = [0.0; BLOCK];
        values[0] = -8.0;
        values[1] = 7.0;
        values[2] = 0.49;
        values[3] = 0.5;
        values[15] = 8.0;
        values[16] = -1.0;
        values[17] = -0.51;
        values[31] = 3.0;
        let mut expected = vec![0x00, 0x3C];
        expected.extend([0x70, 0x7F, 0x88, 0x89]);
        expected.extend([0x88; 11]);
        expected.push(0xBF);
        assert_eq!(stored(Storage::Q4_0, &values), expected);
    }

    #[test]
    fn a_q4_0_block_with_a_positive_extreme_has_a_negative_scale() {
        let mut values = [0.0; BLOCK];
        values[0] = 4.0;
        values[16] = -4.0;
        let block = stored(Storage::Q4_0, &values);
        // -0.5; the extreme is stored as 0 (that is -8), its opposite is cut to 15 (that is 7).
        assert_eq!(block[..3], [0x00, 0xB8, 0xF0]);
        assert_eq!(block[3..], [0x88; 15]);
    }

    #[test]
    fn a_q8_0_block_is_the_one_computed_by_hand() {
        // The extreme is 127, so the scale is 1; ties go away from zero.
        let mut values = [0.0; BLOCK];
        values[0] = 127.0;
        values[1] = -127.0;
        values[2] = 2.5;
        values[3] = -2.5;
        values[31] = 1.4;
        let block = stored(Storage::Q8_0, &values);
        assert_eq!(block[..6], [0x00, 0x3C, 127, (-127_i8) as u8, 3, (-3_i8) as u8]);
        assert_eq!(block[33], 1);
        assert!(block[6..33].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn zeros_have_no_scale() {
        let q4 = stored(Storage::Q4_0, &[0.0; BLOCK]);
        // 0 / -8 is the negative zero, as in ggml.
        assert_eq!(q4[..2], [0x00, 0x80]);
        assert_eq!(q4[2..], [0x88; 16]);
        assert_eq!(stored(Storage::Q8_0, &[0.0; BLOCK]), [0; 34]);
    }

    #[test]
    fn plain_numbers_are_little_endian() {
        let values = [1.0; BLOCK];
        assert_eq!(stored(Storage::F32, &values)[..4], [0x00, 0x00, 0x80, 0x3F]);
        assert_eq!(stored(Storage::F16, &values)[..2], [0x00, 0x3C]);
    }
}
