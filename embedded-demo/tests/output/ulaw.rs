use embedded_demo::output::ulaw::decode;

/// ITU-T G.711, table 2a: the first value of each segment and the distance to the next ones, in 14 bits.
const SEGMENTS: [(i16, i16); 8] =
    [(0, 2), (33, 4), (99, 8), (231, 16), (495, 32), (1023, 64), (2079, 128), (4191, 256)];

/// The linear value in 16 bits, as the table has it: 1111 1111 is the value number 0, 1000 0000 is 127.
pub(crate) fn value(sample: u8) -> i16 {
    let number = 127 - (sample & 0x7F);
    let (first, distance) = SEGMENTS[usize::from(number / 16)];
    let value = 4 * (first + distance * i16::from(number % 16));
    if sample >= 0x80 { value } else { -value }
}

#[test]
fn every_sample_has_the_value_of_the_table() {
    for sample in 0..=u8::MAX {
        assert_eq!(decode(sample), value(sample), "{sample:#04x}");
    }
    assert_eq!([0x80, 0xFF, 0x7F, 0x00].map(decode), [4 * 8031, 0, 0, -4 * 8031]);
}
