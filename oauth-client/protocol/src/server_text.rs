//! Text that a server sent and that a person may see.

use alloc::string::String;
use core::fmt;

/// The longest text that [`ServerText`] shows, in characters.
const MAX_SHOWN_CHARS: usize = 512;

/// Text from a server: a description, a scope, an issuer's name.
///
/// `Display` and `Debug` show it without control characters, bidirectional overrides and invisible
/// characters, and cut to 512 characters, so that it cannot take over a terminal or a log.
/// [`ServerText::as_sent`] gives the bytes as they came.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ServerText(String);

impl ServerText {
    /// Takes `text` over as it was sent.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was sent: not for a terminal.
    pub fn as_sent(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last_was_space = false;
        for (shown, character) in self.0.chars().enumerate() {
            if shown == MAX_SHOWN_CHARS {
                return fmt::Write::write_char(formatter, '…');
            }
            // CR LF inside a description (Entra sends it) becomes one space.
            let character = if is_safe_to_display(character) { character } else { ' ' };
            if character == ' ' && last_was_space {
                continue;
            }
            last_was_space = character == ' ';
            fmt::Write::write_char(formatter, character)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServerText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{self}\"")
    }
}

impl From<String> for ServerText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for ServerText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// Whether a terminal may be given this character: no C0 or C1 control, no DEL, no line or paragraph
/// separator, no bidirectional control, nothing of zero width.
pub fn is_safe_to_display(character: char) -> bool {
    !matches!(character,
        '\u{00}'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        | '\u{AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}
