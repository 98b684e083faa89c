//! A panel of 128x64 pixels: the code, the address, and a QR code where one fits.

use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use embedded_graphics::mono_font::ascii::{FONT_4X6, FONT_5X8, FONT_6X10, FONT_6X13, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};

use crate::{Status, View};

/// Pixels in a row.
pub const WIDTH: u32 = 128;
/// Rows.
pub const HEIGHT: u32 = 64;

/// Pixels of a module: what a phone still reads from a hand's breadth.
const MODULE: u32 = 2;
/// 29 modules, the largest that fits: 53 bytes.
const LARGEST: Version = Version::new(3);
/// Where the text beside a QR code begins, and how wide it may be.
const BESIDE: u32 = HEIGHT + 2;
const LIT: BinaryColor = BinaryColor::On;
const DARK: BinaryColor = BinaryColor::Off;

/// Draws `view`, the whole panel.
///
/// Of the code not a character is left out. An address that is too long even without a QR code ends in three dots; the
/// fonts have ASCII's characters, others are drawn as `?`.
pub fn draw<D>(view: &View<'_>, panel: &mut D) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    match view {
        View::Code { user_code, verification_uri, verification_uri_complete, time_left, status } => {
            let codes = Codes {
                user_code,
                verification_uri: without_scheme(verification_uri),
                note: note(*time_left, *status),
            };
            let uris = verification_uri_complete.iter().copied().chain([*verification_uri]);
            for uri in uris {
                if let Some(lines) = codes.beside_a_qr_code()
                    && draw_qr_code(uri, panel)?
                {
                    return draw_lines(&lines, BESIDE, DARK, panel);
                }
            }
            panel.clear(DARK)?;
            draw_lines(&codes.alone(), 0, LIT, panel)
        }
        other => {
            panel.clear(DARK)?;
            let lines = words(&other.to_string(), &FONT_6X10, WIDTH);
            draw_lines(&cut_to(lines, HEIGHT), 0, LIT, panel)
        }
    }
}

/// One line of text.
struct Line {
    text: String,
    font: &'static MonoFont<'static>,
}

struct Codes<'a> {
    user_code: &'a str,
    verification_uri: &'a str,
    note: String,
}

impl Codes<'_> {
    /// The code, the address and the time, in half of the panel; `None` where they are too long for it.
    fn beside_a_qr_code(&self) -> Option<Vec<Line>> {
        let width = WIDTH - BESIDE;
        let code = [&FONT_6X13, &FONT_5X8].into_iter().map(|font| pieces(self.user_code, font, width));
        let code = code.into_iter().min_by_key(Vec::len)?;
        let mut lines = code;
        lines.extend(pieces(self.verification_uri, &FONT_4X6, width));
        lines.extend(words(&self.note, &FONT_5X8, width));
        (height(&lines) <= HEIGHT).then_some(lines)
    }

    /// The same over the whole panel, as large as there is room.
    fn alone(&self) -> Vec<Line> {
        let mut smallest = Vec::new();
        for (code_font, uri_font) in
            [(&FONT_10X20, &FONT_6X10), (&FONT_10X20, &FONT_5X8), (&FONT_6X13, &FONT_4X6)]
        {
            let mut lines = pieces(self.user_code, code_font, WIDTH);
            let note = words(&self.note, &FONT_5X8, WIDTH);
            let room = HEIGHT.saturating_sub(height(&lines) + height(&note));
            let uri = pieces(self.verification_uri, uri_font, WIDTH);
            let fits = height(&uri) <= room;
            lines.extend(cut_to(uri, room));
            lines.extend(note);
            smallest = lines;
            if fits {
                break;
            }
        }
        smallest
    }
}

/// Dark modules on a panel that is lit as a whole, which is a quiet zone on every side. False: it does not fit.
fn draw_qr_code<D>(uri: &str, panel: &mut D) -> Result<bool, D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let mut data = vec![0; LARGEST.buffer_len()];
    let mut code = vec![0; LARGEST.buffer_len()];
    let level = QrCodeEcc::Low;
    let encoded = QrCode::encode_text(uri, &mut data, &mut code, level, Version::MIN, LARGEST, None, true);
    let Ok(symbol) = encoded else { return Ok(false) };
    panel.clear(LIT)?;
    let size = symbol.size();
    let module = i32::try_from(MODULE).unwrap_or_default();
    let edge = (i32::try_from(HEIGHT).unwrap_or_default() - size * module) / 2;
    let dark =
        (0..size).flat_map(|y| (0..size).map(move |x| (x, y))).filter(|(x, y)| symbol.get_module(*x, *y));
    for (x, y) in dark {
        let corner = Point::new(edge + x * module, edge + y * module);
        Rectangle::new(corner, Size::new_equal(MODULE))
            .into_styled(PrimitiveStyle::with_fill(DARK))
            .draw(panel)?;
    }
    Ok(true)
}

fn draw_lines<D>(lines: &[Line], left: u32, color: BinaryColor, panel: &mut D) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let mut top = 0;
    for line in lines {
        let corner = Point::new(i32::try_from(left).unwrap_or_default(), top);
        Text::with_baseline(&line.text, corner, MonoTextStyle::new(line.font, color), Baseline::Top)
            .draw(panel)?;
        top += i32::try_from(line.font.character_size.height).unwrap_or_default();
    }
    Ok(())
}

fn note(time_left: Duration, status: Status<'_>) -> String {
    let seconds = time_left.as_secs();
    alloc::format!("{}:{:02} left, {status}", seconds / 60, seconds % 60)
}

/// Characters of this font in so many pixels.
fn columns(font: &MonoFont<'_>, width: u32) -> usize {
    usize::try_from(width / font.character_size.width).unwrap_or(1).max(1)
}

fn height(lines: &[Line]) -> u32 {
    lines.iter().map(|line| line.font.character_size.height).sum()
}

/// What has no spaces, in lines that are full.
fn pieces(text: &str, font: &'static MonoFont<'static>, width: u32) -> Vec<Line> {
    let characters: Vec<char> = text.chars().collect();
    let lines = characters.chunks(columns(font, width));
    lines.map(|line| Line { text: line.iter().collect(), font }).collect()
}

/// A sentence, in lines that end between words where they can.
fn words(text: &str, font: &'static MonoFont<'static>, width: u32) -> Vec<Line> {
    let columns = columns(font, width);
    let mut lines: Vec<Line> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.text.chars().count() + 1 + word.chars().count() <= columns => {
                line.text.push(' ');
                line.text.push_str(word);
            }
            _ => lines.extend(pieces(word, font, width)),
        }
    }
    lines
}

/// As many lines as there is room for; the last one says that there were more.
fn cut_to(mut lines: Vec<Line>, room: u32) -> Vec<Line> {
    let is_cut = height(&lines) > room;
    while height(&lines) > room {
        lines.pop();
    }
    if is_cut && let Some(last) = lines.last_mut() {
        let kept = last.text.chars().count().saturating_sub(3);
        last.text = last.text.chars().take(kept).chain("...".chars()).collect();
    }
    lines
}

fn without_scheme(uri: &str) -> &str {
    uri.strip_prefix("https://").unwrap_or(uri)
}
