//! A QR code, drawn so that it scans from a terminal.

use qrcode::{Color, EcLevel, QrCode, Version};

use crate::capabilities::{Capabilities, Colour};
use crate::styled_line::{Line, Style};

/// The light margin that ISO/IEC 18004 asks for, in modules.
pub(crate) const QUIET_ZONE: usize = 4;
/// What scanners still read, where there is no room for more.
pub(crate) const TIGHT_QUIET_ZONE: usize = 2;

/// The modules of a QR code.
pub(crate) struct QrSymbol {
    modules: Vec<bool>,
    width: usize,
}

/// How modules become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QrDrawing {
    /// Two modules a character, one above the other: black on bright white.
    HalfBlocks,
    /// The same in the terminal's own colours, light modules in the text's colour: a light text on a dark
    /// background is assumed.
    UncolouredHalfBlocks,
    /// Two columns a module, spaces only: for a locale without block characters.
    PaintedSpaces,
    /// Two columns a module, `##` for the dark ones: for a file or paper.
    Ascii,
}

impl QrDrawing {
    /// `None`: this terminal cannot draw one.
    pub(crate) const fn for_terminal(capabilities: Capabilities) -> Option<Self> {
        match (capabilities.utf8, capabilities.colour) {
            (true, Colour::Sixteen | Colour::Cube) => Some(Self::HalfBlocks),
            (true, Colour::None) => Some(Self::UncolouredHalfBlocks),
            (false, Colour::Sixteen | Colour::Cube) => Some(Self::PaintedSpaces),
            (false, Colour::None) => None,
        }
    }
}

impl QrSymbol {
    /// The smallest symbol that holds `text`, with as much error correction as fits into it; `None` where
    /// `text` is too long for any.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let smallest = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let version = smallest.version();
        let code = [EcLevel::H, EcLevel::Q, EcLevel::M]
            .into_iter()
            .find_map(|level| QrCode::with_version(text, version, level).ok())
            .unwrap_or(smallest);
        debug_assert!(matches!(version, Version::Normal(_)));
        let width = code.width();
        Some(Self {
            modules: code.into_colors().into_iter().map(|module| module == Color::Dark).collect(),
            width,
        })
    }

    /// The drawing with `quiet_zone` modules around it.
    pub(crate) fn lines(&self, drawing: QrDrawing, quiet_zone: usize) -> Vec<Line> {
        let width = self.width + 2 * quiet_zone;
        // Outside the symbol everything is light, the half row below an odd number of rows too.
        let is_dark = |column: usize, row: usize| {
            let column = column.checked_sub(quiet_zone).filter(|column| *column < self.width);
            let row = row.checked_sub(quiet_zone).filter(|row| *row < self.width);
            column.zip(row).is_some_and(|(column, row)| self.modules[row * self.width + column])
        };
        let half_blocks = |row: usize, glyphs: [char; 4]| -> String {
            (0..width)
                .map(|column| {
                    glyphs[usize::from(is_dark(column, row)) * 2 + usize::from(is_dark(column, row + 1))]
                })
                .collect()
        };
        match drawing {
            QrDrawing::HalfBlocks => (0..width)
                .step_by(2)
                .map(|row| Line::default().with(Style::QrCode, half_blocks(row, [' ', '▄', '▀', '█'])))
                .collect(),
            QrDrawing::UncolouredHalfBlocks => {
                (0..width).step_by(2).map(|row| Line::plain(half_blocks(row, ['█', '▀', '▄', ' ']))).collect()
            }
            QrDrawing::Ascii => (0..width)
                .map(|row| {
                    let modules = (0..width).map(|column| if is_dark(column, row) { "##" } else { "  " });
                    Line::plain(modules.collect::<String>())
                })
                .collect(),
            QrDrawing::PaintedSpaces => (0..width)
                .map(|row| {
                    let mut line = Line::default();
                    for column in 0..width {
                        let style = if is_dark(column, row) { Style::QrDarkModule } else { Style::QrCode };
                        match line.spans.last_mut() {
                            Some(span) if span.style == style => span.text.push_str("  "),
                            _ => line = line.with(style, "  "),
                        }
                    }
                    line
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{QUIET_ZONE, QrDrawing, QrSymbol, TIGHT_QUIET_ZONE};
    use crate::styled_line::{Line, Style};

    const URI: &str = "https://auth.example.com/device?user_code=WDJB-MJHT";

    fn is_dark(lines: &[Line], drawing: QrDrawing, column: usize, row: usize) -> bool {
        match drawing {
            QrDrawing::HalfBlocks => match lines[row / 2].text().chars().nth(column).unwrap() {
                '█' => true,
                '▀' => row.is_multiple_of(2),
                '▄' => !row.is_multiple_of(2),
                _ => false,
            },
            QrDrawing::UncolouredHalfBlocks => match lines[row / 2].text().chars().nth(column).unwrap() {
                '█' => false,
                '▀' => !row.is_multiple_of(2),
                '▄' => row.is_multiple_of(2),
                _ => true,
            },
            QrDrawing::Ascii => lines[row].text().as_bytes()[2 * column] == b'#',
            QrDrawing::PaintedSpaces => {
                let mut columns = lines[row].spans.iter().flat_map(|span| {
                    std::iter::repeat_n(span.style == Style::QrDarkModule, span.text.len() / 2)
                });
                columns.nth(column).unwrap()
            }
        }
    }

    #[test]
    fn a_uri_with_a_code_is_a_version_3_symbol_of_29_modules() {
        let symbol = QrSymbol::of(URI).unwrap();
        let lines = symbol.lines(QrDrawing::HalfBlocks, TIGHT_QUIET_ZONE);
        assert_eq!((lines[0].columns(), lines.len()), (33, 17));
        let lines = symbol.lines(QrDrawing::HalfBlocks, QUIET_ZONE);
        assert_eq!((lines[0].columns(), lines.len()), (37, 19));
        let lines = symbol.lines(QrDrawing::PaintedSpaces, TIGHT_QUIET_ZONE);
        assert_eq!((lines[0].columns(), lines.len()), (66, 33));
    }

    #[test]
    fn every_drawing_has_finder_patterns_in_three_corners_and_a_light_margin() {
        let symbol = QrSymbol::of(URI).unwrap();
        for drawing in [
            QrDrawing::HalfBlocks,
            QrDrawing::UncolouredHalfBlocks,
            QrDrawing::PaintedSpaces,
            QrDrawing::Ascii,
        ] {
            for quiet in [TIGHT_QUIET_ZONE, QUIET_ZONE] {
                let lines = symbol.lines(drawing, quiet);
                let dark = |column: usize, row: usize| is_dark(&lines, drawing, column, row);
                let width = 29 + 2 * quiet;
                for margin in 0..quiet {
                    for along in 0..width {
                        assert!(!dark(along, margin) && !dark(margin, along), "{drawing:?}");
                        assert!(!dark(along, width - 1 - margin) && !dark(width - 1 - margin, along));
                    }
                }
                for (left, top) in [(quiet, quiet), (quiet + 22, quiet), (quiet, quiet + 22)] {
                    for row in 0..7_usize {
                        for column in 0..7_usize {
                            let ring = row.abs_diff(3).max(column.abs_diff(3));
                            assert_eq!(dark(left + column, top + row), ring != 2, "{drawing:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_no_symbol_can_hold_is_none() {
        assert!(QrSymbol::of(&"x".repeat(3000)).is_none());
    }
}
