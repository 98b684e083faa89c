//! `qr`: any text as a QR code.

use std::io::{self, Read as _};

use crate::arguments::QrArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::qr_code::{QUIET_ZONE, QrDrawing, QrSymbol, TIGHT_QUIET_ZONE};
use crate::terminal::Terminal;

/// The most that any symbol holds, in bytes (ISO/IEC 18004).
const MAX_TEXT_BYTES: u64 = 2953;

pub(crate) fn run(arguments: &QrArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let text = match &arguments.text {
        Some(text) if text != "-" => text.clone(),
        _ => from_standard_input()?,
    };
    if text.is_empty() {
        return Err(Failure::usage("no text for the QR code: device-cli qr TEXT"));
    }
    let symbol = QrSymbol::of(&text).ok_or_else(|| {
        Failure::usage(format!("no QR code holds {} bytes: {MAX_TEXT_BYTES} at most", text.len()))
    })?;
    let drawing = QrDrawing::for_terminal(terminal.capabilities_of_results()).unwrap_or(QrDrawing::Ascii);
    let columns = Terminal::size().columns;
    let fits = |quiet_zone| {
        let lines = symbol.lines(drawing, quiet_zone);
        let widest = lines.first().map_or(0, crate::styled_line::Line::columns);
        (!terminal.result_is_seen() || widest <= columns).then_some(lines)
    };
    let lines = fits(QUIET_ZONE).or_else(|| fits(TIGHT_QUIET_ZONE)).ok_or_else(|| {
        let message = format!(
            "the QR code is wider than this terminal ({columns} columns): widen it, or use a smaller font"
        );
        Failure::new(ExitCode::General, "too_narrow", message)
    })?;
    for line in &lines {
        terminal.result_line(line)?;
    }
    Ok(())
}

fn from_standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MAX_TEXT_BYTES + 2).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("standard input cannot be read as text: {error}")))?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}
