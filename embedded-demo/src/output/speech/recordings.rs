//! The sounds. The folder `recordings` says where they are from.

use super::{PAUSE, Segment};

macro_rules! recording {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/recordings/", $name, ".ul"))
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phrase {
    Connecting,
    TryingAgain,
    Visit,
    YourCodeIs,
    Again,
    NotSpeakable,
    NotStored,
    SignedIn,
    Denied,
    Expired,
    Failed,
}

impl Phrase {
    pub(super) const fn segments(self) -> [Segment; 2] {
        [Segment::Recording(self.sound()), Segment::Silence(PAUSE)]
    }

    const fn sound(self) -> &'static [u8] {
        match self {
            Self::Connecting => recording!("connecting"),
            Self::TryingAgain => recording!("trying_again"),
            Self::Visit => recording!("visit"),
            Self::YourCodeIs => recording!("your_code_is"),
            Self::Again => recording!("again"),
            Self::NotSpeakable => recording!("not_speakable"),
            Self::NotStored => recording!("not_stored"),
            Self::SignedIn => recording!("signed_in"),
            Self::Denied => recording!("denied"),
            Self::Expired => recording!("expired"),
            Self::Failed => recording!("failed"),
        }
    }
}

/// The sound of a character.
pub(super) const fn of(character: u8) -> Option<&'static [u8]> {
    Some(match character.to_ascii_uppercase() {
        b'A' => recording!("A"),
        b'B' => recording!("B"),
        b'C' => recording!("C"),
        b'D' => recording!("D"),
        b'E' => recording!("E"),
        b'F' => recording!("F"),
        b'G' => recording!("G"),
        b'H' => recording!("H"),
        b'I' => recording!("I"),
        b'J' => recording!("J"),
        b'K' => recording!("K"),
        b'L' => recording!("L"),
        b'M' => recording!("M"),
        b'N' => recording!("N"),
        b'O' => recording!("O"),
        b'P' => recording!("P"),
        b'Q' => recording!("Q"),
        b'R' => recording!("R"),
        b'S' => recording!("S"),
        b'T' => recording!("T"),
        b'U' => recording!("U"),
        b'V' => recording!("V"),
        b'W' => recording!("W"),
        b'X' => recording!("X"),
        b'Y' => recording!("Y"),
        b'Z' => recording!("Z"),
        b'0' => recording!("0"),
        b'1' => recording!("1"),
        b'2' => recording!("2"),
        b'3' => recording!("3"),
        b'4' => recording!("4"),
        b'5' => recording!("5"),
        b'6' => recording!("6"),
        b'7' => recording!("7"),
        b'8' => recording!("8"),
        b'9' => recording!("9"),
        b'-' => recording!("dash"),
        b'.' => recording!("dot"),
        b'/' => recording!("slash"),
        b':' => recording!("colon"),
        b'_' => recording!("underscore"),
        _ => return None,
    })
}

/// The sound of a word for a letter, the sound of any other character.
pub(super) const fn word_of(character: u8) -> Option<&'static [u8]> {
    Some(match character.to_ascii_uppercase() {
        b'A' => recording!("word_alfa"),
        b'B' => recording!("word_bravo"),
        b'C' => recording!("word_charlie"),
        b'D' => recording!("word_delta"),
        b'E' => recording!("word_echo"),
        b'F' => recording!("word_foxtrot"),
        b'G' => recording!("word_golf"),
        b'H' => recording!("word_hotel"),
        b'I' => recording!("word_india"),
        b'J' => recording!("word_juliett"),
        b'K' => recording!("word_kilo"),
        b'L' => recording!("word_lima"),
        b'M' => recording!("word_mike"),
        b'N' => recording!("word_november"),
        b'O' => recording!("word_oscar"),
        b'P' => recording!("word_papa"),
        b'Q' => recording!("word_quebec"),
        b'R' => recording!("word_romeo"),
        b'S' => recording!("word_sierra"),
        b'T' => recording!("word_tango"),
        b'U' => recording!("word_uniform"),
        b'V' => recording!("word_victor"),
        b'W' => recording!("word_whiskey"),
        b'X' => recording!("word_x-ray"),
        b'Y' => recording!("word_yankee"),
        b'Z' => recording!("word_zulu"),
        other => return of(other),
    })
}
