//! G.711 u-law: what one byte a sample stands for.

/// The linear value of a sample, of 16 bits (ITU-T G.711, table 2a, whose 14 bits stand in the upper part).
pub const fn decode(sample: u8) -> i16 {
    // "the character signals are [...] inverted": the sign, three bits of segment, four of interval.
    let bits = !sample;
    let segment = (bits >> 4) & 0b111;
    let magnitude = ((((bits & 0b1111) as i16) << 3) + BIAS) << segment;
    if bits & 0b1000_0000 == 0 { magnitude - BIAS } else { BIAS - magnitude }
}

/// 33 of the table's units.
const BIAS: i16 = 33 << 2;
