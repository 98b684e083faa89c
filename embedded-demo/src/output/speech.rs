//! The code spelled by recorded characters, for a device with a loudspeaker and no screen, and for who cannot see one.
//!
//! A listener writes down what is heard: each character stands alone, about one a second, in groups of at most four.
//! The code comes twice, the second time with a word for each letter (Bravo, Delta), since over a small loudspeaker b, d,
//! p, t and v are nearly one. A hyphen is spoken ("dash"), since the person types the code as it is
//! ([`View::Code`]). Whoever is in the room hears it too: a code that a stranger enters signs the
//! device in as that stranger (RFC 8628 §5.7). Nothing secret is ever spoken.
//!
//! The sound is G.711 u-law at 8 kHz, made by the script in `recordings`, where its licence stands. What is not called is
//! not linked: who only spells codes pays for no phrase.

mod narrator;
mod recordings;
mod spelled;

use core::time::Duration;

use oauth_protocol::{Error, ErrorCode};

use crate::{Speaker, Status, View};
use recordings::Phrase;

pub use narrator::Narrator;
pub use spelled::Spelled;

/// Samples, which are bytes, in a second.
pub const SAMPLES_PER_SECOND: u32 = 8_000;
/// The sample between two sounds: zero, in u-law.
pub const SILENT_SAMPLE: u8 = 0xFF;
/// After a phrase, and between a code and its repetition.
const PAUSE: Duration = Duration::from_millis(1_200);
/// An address that takes longer than a minute to spell is left to the device's label.
const LONGEST_ADDRESS: usize = 48;
/// A twentieth of a second.
const SILENCE: [u8; 400] = [SILENT_SAMPLE; 400];

/// A piece of what is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// These samples.
    Recording(&'static [u8]),
    /// Nothing, for so long.
    Silence(Duration),
}

impl Segment {
    /// How long it lasts.
    pub fn length(&self) -> Duration {
        match self {
            Self::Recording(samples) => Duration::from_secs(samples.len() as u64) / SAMPLES_PER_SECOND,
            Self::Silence(length) => *length,
        }
    }

    /// Plays it, silence as well.
    pub fn play(&self, speaker: &mut impl Speaker) {
        match self {
            Self::Recording(samples) => speaker.play(samples),
            Self::Silence(length) => {
                let mut left = samples_in(*length);
                while left > 0 {
                    let piece = SILENCE.get(..left).unwrap_or(&SILENCE);
                    speaker.play(piece);
                    left -= piece.len();
                }
            }
        }
    }
}

/// What is said of `view`, once: for a code the address, where it can be spoken and is short, the code, and the code in words. Nothing
/// while a token is renewed. [`Narrator`] says what is new only.
pub fn said<'a>(view: &View<'a>) -> impl Iterator<Item = Segment> + use<'a> {
    let code = if let View::Code { user_code, verification_uri, .. } = view {
        code(user_code, verification_uri)
    } else {
        [None; 6]
    };
    let phrase = phrase(view).map(Part::Phrase);
    phrase.into_iter().chain(code.into_iter().flatten()).flat_map(Part::segments)
}

/// Speaks `view` once.
pub fn speak(view: &View<'_>, speaker: &mut impl Speaker) {
    said(view).for_each(|segment| segment.play(speaker));
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Phrase(Phrase),
    Text(Spelled<'a>),
    InWords(Spelled<'a>),
}

impl<'a> Part<'a> {
    fn segments(self) -> impl Iterator<Item = Segment> + use<'a> {
        let (phrase, text, words) = match self {
            Self::Phrase(phrase) => (Some(phrase.segments()), None, None),
            Self::Text(text) => (None, Some(text.segments()), None),
            Self::InWords(text) => (None, None, Some(text.in_words())),
        };
        let text = text.into_iter().flatten().chain(words.into_iter().flatten());
        phrase.into_iter().flatten().chain(text)
    }
}

/// What is said in one phrase, before the code where there is one.
fn phrase(view: &View<'_>) -> Option<Phrase> {
    Some(match view {
        View::Code { status: Status::Retrying { .. }, .. }
        | View::Connecting { retrying: Some(_) }
        | View::Refreshing { problem: Some(_) } => Phrase::TryingAgain,
        View::Code { .. } | View::Refreshing { problem: None } => return None,
        View::Connecting { retrying: None } => Phrase::Connecting,
        View::NotStored { .. } => Phrase::NotStored,
        View::Done { .. } => Phrase::SignedIn,
        View::Failed(Error::Refused(refusal)) if refusal.error == ErrorCode::AccessDenied => Phrase::Denied,
        View::Failed(Error::Expired) => Phrase::Expired,
        View::Failed(_) => Phrase::Failed,
    })
}

fn code<'a>(user_code: &'a str, verification_uri: &'a str) -> [Option<Part<'a>>; 6] {
    let Some(code) = Spelled::new(user_code) else {
        return [Some(Part::Phrase(Phrase::NotSpeakable)), None, None, None, None, None];
    };
    let address = address(verification_uri).map(Part::Text);
    let visit = address.and(Some(Part::Phrase(Phrase::Visit)));
    let [your_code_is, again] = [Phrase::YourCodeIs, Phrase::Again].map(Part::Phrase);
    [visit, address, Some(your_code_is), Some(Part::Text(code)), Some(again), Some(Part::InWords(code))]
}

/// What a person types of an address.
fn address(uri: &str) -> Option<Spelled<'_>> {
    let typed = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).unwrap_or(uri);
    Spelled::new(typed).filter(|_| typed.len() <= LONGEST_ADDRESS)
}

fn samples_in(length: Duration) -> usize {
    let samples = length.as_millis().saturating_mul(u128::from(SAMPLES_PER_SECOND)) / 1_000;
    usize::try_from(samples).unwrap_or(usize::MAX)
}
