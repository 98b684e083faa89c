//! The panel in the terminal: drawn in place, as large as the window allows, and taken away at the end.

mod cells;

use std::io::{self, IsTerminal as _, Write as _};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::terminal::{
    Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, queue};

use crate::framebuffer::Framebuffer;
use crate::text_screen::{safe_lines, say};
use cells::Picture;

/// What a person sees in the terminal's other screen.
pub(crate) struct LivePanel {
    colours: Colours,
    framebuffer: Framebuffer,
    /// What stands on the panel, to be read, copied, or looked at where the panel does not fit.
    view: Vec<String>,
    /// What was said beside it.
    said: Vec<String>,
    lamp_is_lit: bool,
    drawn: Vec<u8>,
    size: (u16, u16),
}

/// What the terminal can paint with. Explicit colours, so that its theme does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// The terminal's own: lit is what its text has.
    Own,
    /// Black and bright white, which a theme may repaint.
    Sixteen,
    /// The two ends of the fixed cube of 256 colours.
    Cube,
}

/// Whether the terminal shows its other screen: on the way out it must not.
static IN_OTHER_SCREEN: AtomicBool = AtomicBool::new(false);

impl LivePanel {
    /// `None` where nobody looks, or the terminal cannot do it.
    pub(crate) fn detect() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok();
        let colours = colours(io::stdout().is_terminal(), variable)?;
        Some(Self {
            colours,
            framebuffer: Framebuffer::dark(),
            view: Vec::new(),
            said: Vec::new(),
            lamp_is_lit: false,
            drawn: Vec::new(),
            size: (0, 0),
        })
    }

    pub(crate) fn show(&mut self, framebuffer: Framebuffer, text: &str) -> io::Result<()> {
        self.framebuffer = framebuffer;
        self.view = safe_lines(text);
        self.draw()
    }

    /// A line beside the panel, without control characters.
    pub(crate) fn say(&mut self, line: String) -> io::Result<()> {
        self.said.push(line);
        self.draw()
    }

    /// Draws what has changed: the lamp, or the window.
    pub(crate) fn tick(&mut self, lamp_is_lit: bool) -> io::Result<()> {
        self.lamp_is_lit = lamp_is_lit;
        self.draw()
    }

    fn draw(&mut self) -> io::Result<()> {
        // A terminal that does not know its size says 0.
        let size = match crossterm::terminal::size() {
            Ok((columns, rows)) if columns > 0 && rows > 0 => (columns, rows),
            _ => (80, 24),
        };
        let frame = self.frame(size)?;
        if frame == self.drawn && size == self.size {
            return Ok(());
        }
        let mut output = io::stdout().lock();
        if !IN_OTHER_SCREEN.swap(true, Ordering::Relaxed) {
            restore_on_panic();
            queue!(output, EnterAlternateScreen, DisableLineWrap, cursor::Hide)?;
        }
        if size != self.size {
            queue!(output, Clear(ClearType::All))?;
        }
        output.write_all(&frame)?;
        output.flush()?;
        (self.drawn, self.size) = (frame, size);
        Ok(())
    }

    /// The whole window.
    fn frame(&self, (columns, rows): (u16, u16)) -> io::Result<Vec<u8>> {
        let mut lines = match Picture::in_window(&self.framebuffer, columns, rows) {
            Some(picture) => picture.painted(self.colours),
            None => Vec::new(),
        };
        lines.push(format!("lamp {}  Ctrl-C ends", if self.lamp_is_lit { "●" } else { "○" }));
        let room = usize::from(rows).saturating_sub(lines.len());
        lines.extend(self.view.iter().take(room).cloned());
        let room = usize::from(rows).saturating_sub(lines.len());
        lines.extend(self.said.iter().skip(self.said.len().saturating_sub(room)).cloned());
        let mut frame = Vec::new();
        for (row, line) in (0..rows).zip(&lines) {
            queue!(frame, cursor::MoveTo(0, row))?;
            frame.extend_from_slice(line.as_bytes());
            queue!(frame, Clear(ClearType::UntilNewLine))?;
        }
        queue!(frame, Clear(ClearType::FromCursorDown))?;
        Ok(frame)
    }
}

impl Drop for LivePanel {
    /// What counts stays in the terminal, as lines.
    fn drop(&mut self) {
        restore();
        for line in self.view.iter().chain(&self.said) {
            // Nobody reads any more.
            let _ = say(line);
        }
    }
}

/// Gives the terminal back as it was.
pub(crate) fn restore() {
    let mut output = io::stdout().lock();
    if IN_OTHER_SCREEN.swap(false, Ordering::Relaxed) {
        let _ = queue!(output, EnableLineWrap, LeaveAlternateScreen, cursor::Show);
        let _ = output.flush();
    }
}

fn restore_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        restore();
        report(information);
    }));
}

/// `None`: lines of text are what this output wants.
fn colours(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Option<Colours> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let is_on = |name: &str| variable(name).is_some_and(|value| value != "0");
    let term = variable("TERM").unwrap_or_else(|| if cfg!(unix) { "dumb".into() } else { String::new() });
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    let is_utf8 =
        cfg!(any(windows, target_os = "macos")) || locale.contains("utf-8") || locale.contains("utf8");
    if !is_terminal || term == "dumb" || !is_utf8 || is_on("ACCESSIBLE") {
        return None;
    }
    let has_cube = cfg!(windows)
        || is_on("COLORTERM")
        || ["256color", "direct", "kitty", "alacritty", "ghostty", "foot"]
            .iter()
            .any(|name| term.contains(name));
    Some(match variable("NO_COLOR") {
        Some(_) => Colours::Own,
        None if has_cube => Colours::Cube,
        None => Colours::Sixteen,
    })
}

#[cfg(test)]
mod tests {
    use super::{Colours, colours};

    fn with(is_terminal: bool, variables: &[(&str, &str)]) -> Option<Colours> {
        colours(is_terminal, |name| {
            variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_terminal_of_today_has_the_cube_and_no_color_takes_it_away() {
        let today = [("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")];
        assert_eq!(with(true, &today), Some(Colours::Cube));
        assert_eq!(with(true, &[today[0], today[1], ("NO_COLOR", "1")]), Some(Colours::Own));
        assert_eq!(with(true, &[("TERM", "xterm"), today[1]]), Some(Colours::Sixteen));
    }

    #[test]
    #[cfg(not(any(windows, target_os = "macos")))]
    fn what_is_no_such_terminal_gets_lines() {
        let today = [("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8")];
        assert_eq!(with(false, &today), None);
        assert_eq!(with(true, &[("TERM", "dumb"), today[1]]), None);
        assert_eq!(with(true, &[today[1]]), None);
        assert_eq!(with(true, &[today[0], ("LC_ALL", "C"), today[1]]), None);
        assert_eq!(with(true, &[today[0], today[1], ("ACCESSIBLE", "1")]), None);
    }
}
