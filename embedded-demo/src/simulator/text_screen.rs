//! The panel as lines of text; a line that has not changed is not repeated.

use std::io::{self, Write as _};

use oauth_protocol::ServerText;

/// Lines on standard output.
#[derive(Default)]
pub(crate) struct TextScreen {
    shown: Vec<String>,
}

impl TextScreen {
    /// Shows `text`, each line behind `margin`.
    pub(crate) fn show(&mut self, margin: &str, text: &str) -> io::Result<()> {
        let lines = safe_lines(text);
        for line in lines.iter().filter(|line| !self.shown.contains(line)) {
            say(&format!("{margin}{line}"))?;
        }
        self.shown = lines;
        Ok(())
    }

    /// Whatever comes next is new.
    pub(crate) fn clear(&mut self) {
        self.shown.clear();
    }
}

/// One line.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// The last gate: whatever a server sent, no control character passes it.
pub(crate) fn safe_lines(text: &str) -> Vec<String> {
    text.lines().map(safe).collect()
}

/// Word by word, since the sanitiser makes one blank of several, and bounds the length of what it shows.
pub(crate) fn safe(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(|word| ServerText::from(word).to_string()).collect();
    words.join(" ")
}
