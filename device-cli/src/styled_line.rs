//! Lines of a screen, before anybody knows which colours the terminal has.

use unicode_width::UnicodeWidthStr as _;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    /// The code and the address: what the person acts on.
    Strong,
    /// What may be overlooked.
    Faint,
    /// Black on bright white, whatever the theme.
    QrCode,
    /// White on black, for a module drawn with spaces.
    QrDarkModule,
}

/// Text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// One line of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) spans: Vec<Span>,
}

impl Line {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::default().with(Style::Plain, text)
    }

    pub(crate) fn strong(text: impl Into<String>) -> Self {
        Self::default().with(Style::Strong, text)
    }

    pub(crate) fn faint(text: impl Into<String>) -> Self {
        Self::default().with(Style::Faint, text)
    }

    pub(crate) fn with(mut self, style: Style, text: impl Into<String>) -> Self {
        self.spans.push(Span { text: text.into(), style });
        self
    }

    /// Continues this line with another.
    pub(crate) fn followed_by(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Filled up with spaces to `columns`.
    pub(crate) fn padded(self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.columns());
        if missing == 0 { self } else { self.with(Style::Plain, " ".repeat(missing)) }
    }

    /// The columns that it takes on a terminal.
    pub(crate) fn columns(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// The text alone.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Breaks `text` at spaces into lines of at most `columns`; a longer word stays whole.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The beginning of `text` that fits into `columns`.
pub(crate) fn clipped(text: &str, columns: usize) -> &str {
    let mut end = 0;
    for (start, character) in text.char_indices() {
        let next = start + character.len_utf8();
        if text[..next].width() > columns {
            break;
        }
        end = next;
    }
    &text[..end]
}
