//! A text, character by character.

use core::time::Duration;

use super::recordings;
use super::{PAUSE, Segment};

/// Between two characters of a group.
const GAP: Duration = Duration::from_millis(500);
/// Between two groups, and at a mark.
const GROUP_GAP: Duration = Duration::from_secs(1);
/// What a listener keeps in mind at once.
const LONGEST_GROUP: usize = 4;

/// A text of letters, figures and the marks `- . / : _`, each of which has a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelled<'a>(&'a str);

impl<'a> Spelled<'a> {
    /// `text`; `None` where it is empty or has a character without a recording. A small letter sounds like a capital one.
    pub fn new(text: &'a str) -> Option<Self> {
        let is_speakable = !text.is_empty() && text.bytes().all(|byte| recordings::of(byte).is_some());
        is_speakable.then_some(Self(text))
    }

    /// The whole text once, with a pause behind it.
    pub fn segments(self) -> impl Iterator<Item = Segment> + use<'a> {
        self.with_sounds(recordings::of)
    }

    /// The same with a word for each letter (Alfa, Bravo, Charlie): over 8 kHz some letters sound alike.
    pub fn in_words(self) -> impl Iterator<Item = Segment> + use<'a> {
        self.with_sounds(recordings::word_of)
    }

    fn with_sounds(
        self,
        sound_of: fn(u8) -> Option<&'static [u8]>,
    ) -> impl Iterator<Item = Segment> + use<'a> {
        self.0.bytes().enumerate().flat_map(move |(index, byte)| {
            let sound = sound_of(byte).map(Segment::Recording);
            sound.into_iter().chain([Segment::Silence(self.gap_after(index))])
        })
    }

    fn gap_after(self, index: usize) -> Duration {
        let (before, after) = self.0.as_bytes().split_at_checked(index + 1).unwrap_or_default();
        let in_run = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let left_in_run = after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if after.is_empty() {
            PAUSE
        } else if in_run == 0 || left_in_run == 0 || ends_group(in_run, in_run + left_in_run) {
            GROUP_GAP
        } else {
            GAP
        }
    }
}

/// Whether a group ends after the first `count` of `length` characters: as few groups as possible, as even as possible.
fn ends_group(count: usize, length: usize) -> bool {
    let groups = length.div_ceil(LONGEST_GROUP);
    count * groups / length > (count - 1) * groups / length
}
