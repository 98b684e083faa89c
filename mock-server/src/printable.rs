//! Texts of a client's choice, made fit for a log.

/// Makes a text of the client's fit for a log: printable ASCII, at most 80 characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).take(80).collect()
}

/// The same for a text of several words; it can stand between quotation marks.
pub(crate) fn printable_text(text: &str) -> String {
    let fit = |c: char| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' };
    text.chars().map(fit).take(200).collect()
}
