//! Morse code (ITU-R M.1677-1) on a line that is on or off: an LED, a buzzer.
//!
//! For a person with a lamp and a table, and for whoever looks for a fault: the code comes again and again.

use core::time::Duration;

/// Letters, figures and marks of the recommendation, part I, section 1; `-` is a dash, `.` a dot.
const SIGNALS: [(char, &str); 49] = [
    ('A', ".-"),
    ('B', "-..."),
    ('C', "-.-."),
    ('D', "-.."),
    ('E', "."),
    ('F', "..-."),
    ('G', "--."),
    ('H', "...."),
    ('I', ".."),
    ('J', ".---"),
    ('K', "-.-"),
    ('L', ".-.."),
    ('M', "--"),
    ('N', "-."),
    ('O', "---"),
    ('P', ".--."),
    ('Q', "--.-"),
    ('R', ".-."),
    ('S', "..."),
    ('T', "-"),
    ('U', "..-"),
    ('V', "...-"),
    ('W', ".--"),
    ('X', "-..-"),
    ('Y', "-.--"),
    ('Z', "--.."),
    ('1', ".----"),
    ('2', "..---"),
    ('3', "...--"),
    ('4', "....-"),
    ('5', "....."),
    ('6', "-...."),
    ('7', "--..."),
    ('8', "---.."),
    ('9', "----."),
    ('0', "-----"),
    ('.', ".-.-.-"),
    (',', "--..--"),
    (':', "---..."),
    ('?', "..--.."),
    ('\'', ".----."),
    ('-', "-....-"),
    ('/', "-..-."),
    ('(', "-.--."),
    (')', "-.--.-"),
    ('"', ".-..-."),
    ('=', "-...-"),
    ('+', ".-.-."),
    ('@', ".--.-."),
];

/// A dash is as long as three dots.
const DASH: u64 = 3;
/// Between two letters.
const LETTER_GAP: u64 = 3;
/// Between two words, and here between the end and the next beginning.
const WORD_GAP: u64 = 7;

/// A text that is sent over and over.
///
/// What the line is to do is a function of the time since it began, so a timer's interrupt, a loop that wakes up now and
/// then and a test all see the same.
#[derive(Clone, Copy, Debug)]
pub struct Morse<'a> {
    text: &'a str,
    unit: Duration,
}

impl<'a> Morse<'a> {
    /// `text`, with dots as long as `unit`: 120 ms are ten words a minute, 240 ms can be written down by hand.
    /// A character that has no signal counts as a space.
    pub const fn new(text: &'a str, unit: Duration) -> Self {
        Self { text, unit }
    }

    /// Whether the line is on, so long after the beginning.
    pub fn is_on_at(&self, since_start: Duration) -> bool {
        self.at(since_start).0
    }

    /// When the line changes next: later than `since_start`, which may be the time to sleep until. `None` for a text
    /// without a single signal.
    pub fn next_change_after(&self, since_start: Duration) -> Option<Duration> {
        self.at(since_start).1
    }

    /// The length of the whole text with the gap behind it.
    pub fn length(&self) -> Duration {
        self.in_units(self.pieces().map(|(_, units)| units).sum())
    }

    fn at(&self, since_start: Duration) -> (bool, Option<Duration>) {
        let (length, unit) = (self.length().as_nanos(), self.unit.as_nanos());
        if length == 0 || !self.pieces().any(|(is_on, _)| is_on) {
            return (false, None);
        }
        let into = since_start.as_nanos() % length;
        let mut end = 0;
        for (is_on, units) in self.pieces() {
            end += u128::from(units) * unit;
            if into < end {
                let left = u64::try_from(end - into).unwrap_or(u64::MAX);
                return (is_on, Some(since_start.saturating_add(Duration::from_nanos(left))));
            }
        }
        (false, None)
    }

    fn in_units(&self, units: u64) -> Duration {
        self.unit.saturating_mul(u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// On or off, and for how many units. Two pieces in a row may both be off.
    fn pieces(&self) -> impl Iterator<Item = (bool, u64)> {
        let letters = self.text.chars().map(signals);
        let of_letters = letters.flat_map(|signals| {
            // A space lies between two gaps between letters.
            let word = if signals.is_empty() { Some((false, WORD_GAP - LETTER_GAP)) } else { None };
            let last = signals.len().saturating_sub(1);
            let of_signals = signals.bytes().enumerate().flat_map(move |(index, signal)| {
                let length = if signal == b'-' { DASH } else { 1 };
                [(true, length), (false, if index == last { LETTER_GAP } else { 1 })]
            });
            word.into_iter().chain(of_signals)
        });
        of_letters.chain([(false, WORD_GAP - LETTER_GAP)])
    }
}

/// Empty for what is not in the table.
fn signals(character: char) -> &'static str {
    let upper = character.to_ascii_uppercase();
    SIGNALS.iter().find(|(known, _)| *known == upper).map_or("", |(_, signals)| signals)
}
