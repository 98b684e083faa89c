//! The login screen: which layout fits, and its lines. Pure; the terminal draws them.

use oauth_client::DeviceLogin;
use unicode_width::UnicodeWidthStr as _;

use crate::capabilities::{Capabilities, Size};
use crate::qr_code::{QUIET_ZONE, QrDrawing, QrSymbol, TIGHT_QUIET_ZONE};
use crate::styled_line::{Line, Style, clipped, wrapped};

/// What the person needs, as the server sent it; the SDK has refused what must not be displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Codes {
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
}

/// What stands on the screen beside the status line.
pub(crate) struct LoginScreen {
    codes: Codes,
    /// "c copy the code", one a key.
    keys: Vec<String>,
    /// The better first.
    symbols: Vec<(Held, QrSymbol)>,
    pub(crate) wants_qr_code: bool,
}

pub(crate) const VISIT: &str = "Using a browser on another device, visit:";
pub(crate) const ENTER_THE_CODE: &str = "And enter the code:";
const TOO_LOW: &str = "Enlarge the window to see the address.";
const TOO_SMALL: &str = "Enlarge the window.";

const WIDE_BOX: usize = 49;
const NARROW_BOX: usize = 45;

/// What the QR code holds; the text beside it says so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    UriAndCode,
    Uri,
}

impl Codes {
    pub(crate) fn of(login: &DeviceLogin) -> Self {
        Self {
            user_code: login.user_code().to_owned(),
            verification_uri: login.verification_uri().to_owned(),
            verification_uri_complete: login.verification_uri_complete().map(str::to_owned),
        }
    }

    /// The address to open on this machine.
    pub(crate) fn best_uri(&self) -> &str {
        self.verification_uri_complete.as_deref().unwrap_or(&self.verification_uri)
    }

    /// One line against phishing (RFC 8628 §5.4).
    pub(crate) fn warning(&self) -> String {
        format!("Only continue if you started this login; the page must show {}.", self.user_code)
    }

    /// The code letter by letter, for a screen reader: "W D J B dash M J H T".
    pub(crate) fn spelled(&self) -> String {
        let name = |character: char| match character {
            '-' => "dash".to_owned(),
            ' ' => "space".to_owned(),
            '_' => "underscore".to_owned(),
            '.' => "dot".to_owned(),
            other => other.to_string(),
        };
        self.user_code.chars().map(name).collect::<Vec<_>>().join(" ")
    }
}

impl LoginScreen {
    /// The screen for `codes`, with these words about the keys.
    pub(crate) fn new(codes: Codes, keys: Vec<String>) -> Self {
        let complete = codes.verification_uri_complete.as_deref().map(|uri| (Held::UriAndCode, uri));
        let plain = Some((Held::Uri, codes.verification_uri.as_str()));
        let symbols = [complete, plain]
            .into_iter()
            .flatten()
            .filter_map(|(held, uri)| Some((held, QrSymbol::of(uri)?)))
            .collect();
        Self { codes, keys, symbols, wants_qr_code: true }
    }

    /// The first layout that fits, with one row kept free for the status line: nothing is cut, nothing
    /// scrolls away.
    pub(crate) fn lines(&self, size: Size, capabilities: Capabilities) -> Vec<Line> {
        let fits = |lines: &Vec<Line>| {
            lines.len() < size.rows && lines.iter().all(|line| line.columns() < size.columns)
        };
        let drawing = QrDrawing::for_terminal(capabilities);
        if self.wants_qr_code
            && let Some(drawing) = drawing
        {
            for (held, symbol) in &self.symbols {
                let held = *held;
                let layouts = [
                    self.box_beside_qr_code(symbol, held, drawing, QUIET_ZONE, size, capabilities),
                    self.box_beside_qr_code(symbol, held, drawing, TIGHT_QUIET_ZONE, size, capabilities),
                    Some(self.text_above_qr_code(symbol, held, drawing, QUIET_ZONE, size)),
                    Some(self.text_above_qr_code(symbol, held, drawing, TIGHT_QUIET_ZONE, size)),
                ];
                if let Some(lines) = layouts.into_iter().flatten().find(fits) {
                    return lines;
                }
            }
        }
        let why_no_qr_code = match (self.wants_qr_code, drawing) {
            (false, _) => None,
            (true, None) => Some("No QR code: this terminal has neither colours nor UTF-8."),
            (true, Some(_)) => Some("No QR code: the window is too small for it."),
        };
        [self.text_box(size, capabilities), Some(self.plain_text(size))]
            .into_iter()
            .flatten()
            .map(|heart| self.with_notes(heart, why_no_qr_code, size))
            .find(fits)
            .unwrap_or_else(|| self.bare_minimum(size))
    }

    fn box_beside_qr_code(
        &self,
        symbol: &QrSymbol,
        held: Held,
        drawing: QrDrawing,
        quiet_zone: usize,
        size: Size,
        capabilities: Capabilities,
    ) -> Option<Vec<Line>> {
        let right = symbol.lines(drawing, quiet_zone);
        // The last column stays free: some terminals wrap as soon as it is written to.
        let room = size.columns.checked_sub(1 + right.first()?.columns())?;
        let heart = self.framed(room, quiet_zone == QUIET_ZONE, capabilities.utf8)?;
        let width = heart.first()?.columns();
        let gap = (room - width).min(2);
        let mut left = heart;
        left.push(Line::default());
        left.extend(plain(&self.codes.warning(), width));
        left.push(Line::default());
        left.extend(faint(held.in_words(), width));
        let keys = self.key_lines(width);
        if !keys.is_empty() && left.len() + keys.len() < right.len() {
            left.push(Line::default());
        }
        left.extend(keys);
        let rows = left.len().max(right.len());
        left.resize(rows, Line::default());
        let mut right = right.into_iter();
        let mut lines: Vec<Line> = left
            .into_iter()
            .map(|line| match right.next() {
                Some(drawn) => line.padded(width + gap).followed_by(drawn),
                None => line,
            })
            .collect();
        if rows + 2 < size.rows {
            lines.push(Line::default());
        }
        Some(lines)
    }

    fn text_above_qr_code(
        &self,
        symbol: &QrSymbol,
        held: Held,
        drawing: QrDrawing,
        quiet_zone: usize,
        size: Size,
    ) -> Vec<Line> {
        let columns = size.columns.saturating_sub(1);
        let drawn = symbol.lines(drawing, quiet_zone);
        let mut lines = self.plain_text(size);
        let notes = [plain(&self.codes.warning(), columns), faint(held.in_words(), columns)].concat();
        let spare = (size.rows - 1).saturating_sub(lines.len() + notes.len() + drawn.len());
        lines.extend(notes);
        lines.extend(drawn);
        let keys = self.key_lines(columns);
        if keys.len() <= spare {
            lines.extend(keys);
        }
        lines
    }

    /// The box alone.
    fn text_box(&self, size: Size, capabilities: Capabilities) -> Option<Vec<Line>> {
        self.framed(size.columns.checked_sub(1)?, true, capabilities.utf8)
    }

    /// The box, at least as wide as it looks well, at most `room`.
    fn framed(&self, room: usize, roomy: bool, utf8: bool) -> Option<Vec<Line>> {
        let (least, padding) = if roomy { (WIDE_BOX, 2) } else { (NARROW_BOX, 1) };
        let longest = self.codes.verification_uri.width().max(self.codes.user_code.width());
        let width = least.max(longest + 2 + 2 * padding);
        if width > room {
            return None;
        }
        let [horizontal, vertical, corners @ ..] =
            if utf8 { ['─', '│', '┌', '┐', '└', '┘'] } else { ['-', '|', '+', '+', '+', '+'] };
        let edge = |left: char, right: char| {
            Line::faint(format!("{left}{}{right}", String::from(horizontal).repeat(width - 2)))
        };
        let row = |content: Line| {
            Line::faint(vertical)
                .with(Style::Plain, " ".repeat(padding))
                .followed_by(content.padded(width - 2 - padding))
                .with(Style::Faint, vertical)
        };
        Some(vec![
            edge(corners[0], corners[1]),
            row(Line::default()),
            row(Line::plain(VISIT)),
            row(Line::strong(&self.codes.verification_uri)),
            row(Line::default()),
            row(Line::plain(ENTER_THE_CODE)),
            row(Line::strong(&self.codes.user_code)),
            row(Line::default()),
            edge(corners[2], corners[3]),
        ])
    }

    /// Address and code without a frame, each on a line of its own where it fits there whole.
    fn plain_text(&self, size: Size) -> Vec<Line> {
        let columns = size.columns.saturating_sub(1);
        let labelled = |label: &str, value: &str| {
            if label.width() + 1 + value.width() <= columns {
                vec![Line::plain(format!("{label} ")).with(Style::Strong, value)]
            } else {
                let label = wrapped(label, columns).into_iter().map(Line::plain);
                label.chain(broken(value, columns).into_iter().map(Line::strong)).collect()
            }
        };
        let mut lines = labelled(VISIT, &self.codes.verification_uri);
        lines.extend(labelled(ENTER_THE_CODE, &self.codes.user_code));
        lines
    }

    fn with_notes(&self, mut lines: Vec<Line>, why_no_qr_code: Option<&str>, size: Size) -> Vec<Line> {
        let columns = size.columns.saturating_sub(1);
        let mut notes = plain(&self.codes.warning(), columns);
        notes.extend(why_no_qr_code.into_iter().flat_map(|why| faint(why, columns)));
        let keys = self.key_lines(columns);
        let room = size.rows.saturating_sub(1);
        let wanted = lines.len() + notes.len() + keys.len();
        // With room to spare, a blank line before each part.
        let blank = if wanted + 3 <= room { vec![Line::default()] } else { Vec::new() };
        lines.extend(blank.iter().cloned().chain(notes));
        if wanted <= room && !keys.is_empty() {
            lines.extend(blank.iter().cloned().chain(keys));
        }
        lines.extend(blank);
        lines
    }

    /// A window of a few rows: address and code, and of the two the code, whole or not at all.
    fn bare_minimum(&self, size: Size) -> Vec<Line> {
        let columns = size.columns.saturating_sub(1);
        let strong = |text: &str| broken(text, columns).into_iter().map(Line::strong).collect::<Vec<_>>();
        let code = strong(&self.codes.user_code);
        let hint = |text: &str| Line::faint(clipped(text, columns));
        for above in [strong(&self.codes.verification_uri), vec![hint(TOO_LOW)], Vec::new()] {
            if above.len() + code.len() <= size.rows {
                return [above, code].concat();
            }
        }
        vec![hint(TOO_SMALL)]
    }

    fn key_lines(&self, columns: usize) -> Vec<Line> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let mut line = String::new();
        for key in &self.keys {
            if !line.is_empty() && line.width() + 3 + key.width() > columns {
                lines.push(Line::faint(std::mem::take(&mut line)));
            }
            if !line.is_empty() {
                line.push_str("   ");
            }
            line.push_str(key);
        }
        lines.push(Line::faint(line));
        lines
    }
}

impl Held {
    const fn in_words(self) -> &'static str {
        match self {
            Self::UriAndCode => "The QR code holds the address and the code.",
            Self::Uri => "The QR code holds the address; enter the code there.",
        }
    }
}

fn plain(text: &str, columns: usize) -> Vec<Line> {
    wrapped(text, columns).into_iter().map(Line::plain).collect()
}

fn faint(text: &str, columns: usize) -> Vec<Line> {
    wrapped(text, columns).into_iter().map(Line::faint).collect()
}

/// A word longer than the line, broken where the line ends.
fn broken(word: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let head = clipped(rest, columns.max(2));
        lines.push(head.to_owned());
        rest = &rest[head.len()..];
        if head.is_empty() {
            break;
        }
    }
    lines
}

#[cfg(test)]
mod tests;
