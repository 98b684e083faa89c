//! A sound as a file that every player takes: RIFF/WAVE, linear samples of 16 bits.

use alloc::vec::Vec;

use super::ulaw;

const SAMPLES_PER_SECOND: u32 = 8_000;
const BYTES_PER_SAMPLE: u16 = 2;
/// Linear PCM.
const FORMAT: u16 = 1;
const CHANNELS: u16 = 1;
/// What stands before the samples, from the field after the file's length on.
const HEADER_REST: u32 = 36;

/// The file with `samples` of u-law at 8 kHz, what a [`Speaker`](crate::Speaker) is given. Longer ones than four
/// gigabytes are cut off.
pub fn from_ulaw(samples: &[u8]) -> Vec<u8> {
    let longest = (u32::MAX - HEADER_REST) / u32::from(BYTES_PER_SAMPLE);
    let count = u32::try_from(samples.len()).unwrap_or(longest).min(longest);
    let bytes = count * u32::from(BYTES_PER_SAMPLE);
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend((HEADER_REST + bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(FORMAT.to_le_bytes());
    file.extend(CHANNELS.to_le_bytes());
    file.extend(SAMPLES_PER_SECOND.to_le_bytes());
    file.extend((SAMPLES_PER_SECOND * u32::from(BYTES_PER_SAMPLE)).to_le_bytes());
    file.extend(BYTES_PER_SAMPLE.to_le_bytes());
    file.extend((BYTES_PER_SAMPLE * 8).to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend(bytes.to_le_bytes());
    let kept = samples.iter().take(usize::try_from(count).unwrap_or(usize::MAX));
    file.extend(kept.flat_map(|sample| ulaw::decode(*sample).to_le_bytes()));
    file
}
