//! The only file that prints: the screen goes to stderr, results to stdout.

use std::io::{self, IsTerminal as _, Stderr, Stdout, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine as _;
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
use oauth_client::{ServerText, is_safe_to_display};
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthStr as _;

use crate::capabilities::{Capabilities, Colour, Size, Surroundings};
use crate::environment::variable;
use crate::failure::Failure;
use crate::styled_line::{Line, Span, Style, wrapped};

/// Where a person looks, and where a script reads.
pub(crate) struct Terminal {
    screen: Stderr,
    results: Stdout,
    capabilities: Capabilities,
    /// What stays in sight above a whole screen, where there is room.
    notices: Vec<String>,
    region: Option<Region>,
    reader: Option<Reader>,
}

/// The thread that reads what is typed.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// What is drawn over: some lines, and the status line below where there is a row for it.
///
/// A whole screen has the alternate one to itself. In between the lines of a shell a window that becomes narrower
/// breaks what was drawn, differently in each terminal, and nobody can tell how many rows it takes then: ratatui's
/// inline viewport, indicatif and superconsole all leave the broken halves behind (tried with tmux, 100 columns to
/// 60), as would our own arithmetic. There a resize is a new drawing from the top, the window's own text comes back
/// as it was, and no code stays in the scrollback.
struct Region {
    size: Size,
    /// Above the status line.
    rows: u16,
    has_status: bool,
    widest: usize,
}

/// What the person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Character(char),
    Enter,
    /// Ctrl-C, which is a key and no signal while single keys are read.
    Interrupt,
    Resized,
}

/// What the person types where it is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typing {
    Character(char),
    EraseOne,
    EraseAll,
    Enter,
    Interrupt,
}

/// Whether the terminal's modes differ from what they were: on the way out they must not.
static MODES_CHANGED: AtomicBool = AtomicBool::new(false);
static IN_ALTERNATE_SCREEN: AtomicBool = AtomicBool::new(false);

/// How often the key thread looks whether it is still wanted.
const KEY_NAP: Duration = Duration::from_millis(100);

impl Terminal {
    pub(crate) fn detect() -> Self {
        let capabilities = Capabilities::detect(&Surroundings {
            stdin_is_terminal: io::stdin().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            variable,
        });
        Self {
            screen: io::stderr(),
            results: io::stdout(),
            capabilities,
            notices: Vec::new(),
            region: None,
            reader: None,
        }
    }

    pub(crate) const fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Whether a person looks at what a script would read.
    pub(crate) fn result_is_seen(&self) -> bool {
        self.results.is_terminal()
    }

    /// What is drawn into a file or a pipe has no colours.
    pub(crate) fn capabilities_of_results(&self) -> Capabilities {
        let colour = if self.result_is_seen() { self.capabilities.colour } else { Colour::None };
        Capabilities { colour, ..self.capabilities }
    }

    pub(crate) fn size() -> Size {
        let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
        // A terminal that does not know its size says 0.
        let or = |value: u16, default: usize| if value == 0 { default } else { usize::from(value) };
        Size { columns: or(columns, 80), rows: or(rows, 24) }
    }

    /// A line for the person.
    pub(crate) fn say(&mut self, text: &str) {
        self.say_line(&Line::plain(text));
    }

    /// A line about the login that follows.
    pub(crate) fn notice(&mut self, text: &str) {
        self.say(text);
        self.notices.push(text.to_owned());
    }

    pub(crate) fn say_line(&mut self, line: &Line) {
        self.erase();
        let line = self.painted(line);
        self.write_screen(format!("{line}{}", newline()).as_bytes());
    }

    /// A line for the script.
    pub(crate) fn result(&mut self, line: &str) -> io::Result<()> {
        self.results.write_all(line.as_bytes())?;
        self.results.write_all(newline().as_bytes())?;
        self.results.flush()
    }

    /// A JSON text for a script, which loses nothing: what is not for a terminal is escaped.
    pub(crate) fn result_json(&mut self, json: &str) -> io::Result<()> {
        self.result(&escaped(json))
    }

    /// A line for a script that a person may read too: what came from a server is sanitised.
    pub(crate) fn result_text(&mut self, line: &str) -> io::Result<()> {
        self.result(&safe(line))
    }

    /// A drawn line for whoever reads the results.
    pub(crate) fn result_line(&mut self, line: &Line) -> io::Result<()> {
        let colour = self.capabilities_of_results().colour;
        self.result(&painted(line, colour))
    }

    pub(crate) fn failure(&mut self, failure: &Failure) {
        if !failure.goes_without_saying() {
            self.say(&failure.to_string());
        }
    }

    /// Whether [`Terminal::draw`] has drawn for a window of this size, and it is still there.
    pub(crate) fn is_drawn_for(&self, size: Size) -> bool {
        self.region.as_ref().is_some_and(|region| region.size == size)
    }

    /// Draws a whole screen over what this drew before: `lines`, none wider and no more than fit into `size`, and the
    /// status line if there is a row left for it.
    pub(crate) fn draw(&mut self, lines: &[Line], status: &str, size: Size) {
        if self.capabilities.alternate_screen && !IN_ALTERNATE_SCREEN.load(Ordering::Relaxed) {
            self.erase();
            self.write_screen(&command(EnterAlternateScreen));
            IN_ALTERNATE_SCREEN.store(true, Ordering::Relaxed);
            MODES_CHANGED.store(true, Ordering::Relaxed);
        }
        if IN_ALTERNATE_SCREEN.load(Ordering::Relaxed) {
            let above = self.notices_in(size.rows.saturating_sub(lines.len() + 1), size.columns);
            self.draw_below(&[&above, lines].concat(), status, size);
        } else {
            self.draw_below(lines, status, size);
        }
    }

    /// All notices and a blank line, if they fit into so many rows.
    fn notices_in(&self, rows: usize, columns: usize) -> Vec<Line> {
        let lines = self.notices.iter().flat_map(|notice| wrapped(notice, columns.saturating_sub(1)));
        let mut lines: Vec<Line> = lines.map(Line::plain).collect();
        if lines.is_empty() || lines.len() >= rows {
            return Vec::new();
        }
        lines.push(Line::default());
        lines
    }

    /// The same below what was said last: for a few short lines.
    pub(crate) fn draw_below(&mut self, lines: &[Line], status: &str, size: Size) {
        MODES_CHANGED.store(true, Ordering::Relaxed);
        let mut frame = [self.to_the_top(), command(cursor::Hide)].concat();
        let mut rows: Vec<String> = lines.iter().map(|line| placed(line, self.capabilities.colour)).collect();
        let has_status = rows.len() < size.rows;
        if has_status {
            rows.push(safe(status));
        }
        let to_the_end_of_the_line = command(Clear(ClearType::UntilNewLine));
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                frame.extend_from_slice(newline().as_bytes());
            }
            frame.extend_from_slice(row.as_bytes());
            frame.extend_from_slice(&to_the_end_of_the_line);
        }
        frame.extend(command(Clear(ClearType::FromCursorDown)));
        self.region = Some(Region {
            size,
            rows: u16::try_from(lines.len()).unwrap_or(u16::MAX),
            has_status,
            widest: lines.iter().map(Line::columns).max().unwrap_or(0),
        });
        self.write_screen(&frame);
    }

    /// Draws the status line alone again.
    pub(crate) fn draw_status(&mut self, status: &str) {
        let Some(Region { has_status: true, .. }) = self.region else { return };
        let mut frame = command(cursor::MoveToColumn(0));
        frame.extend_from_slice(safe(status).as_bytes());
        frame.extend(command(Clear(ClearType::UntilNewLine)));
        self.write_screen(&frame);
    }

    /// Takes away what was drawn.
    pub(crate) fn erase(&mut self) {
        if self.region.is_none() {
            return;
        }
        // A terminal that was told to have no alternate screen would keep the code.
        let mut frame = [self.to_the_top(), command(Clear(ClearType::FromCursorDown))].concat();
        self.region = None;
        if IN_ALTERNATE_SCREEN.swap(false, Ordering::Relaxed) {
            frame.extend(command(LeaveAlternateScreen));
        }
        frame.extend(command(cursor::Show));
        self.write_screen(&frame);
    }

    /// To where the drawing begins.
    fn to_the_top(&self) -> Vec<u8> {
        if IN_ALTERNATE_SCREEN.load(Ordering::Relaxed) {
            return command(cursor::MoveTo(0, 0));
        }
        let Some(region) = &self.region else { return Vec::new() };
        // Only a terminal with one screen breaks no lines anew. In the others they may be broken now, and stay.
        if self.capabilities.alternate_screen && Self::size().columns <= region.widest {
            return newline().into();
        }
        let mut frame = command(cursor::MoveToColumn(0));
        let up = if region.has_status { region.rows } else { region.rows.saturating_sub(1) };
        if up > 0 {
            frame.extend(command(cursor::MoveUp(up)));
        }
        frame.extend(command(Clear(ClearType::FromCursorDown)));
        frame
    }

    /// Asks the terminal, near or at the other end of SSH, to put `text` into the clipboard (OSC 52).
    pub(crate) fn copy(&mut self, text: &str) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        self.write_screen(format!("\x1b]52;c;{encoded}\x07").as_bytes());
    }

    /// Reads single keys from now on, until [`Terminal::restore`].
    pub(crate) fn read_keys(&mut self) -> io::Result<mpsc::UnboundedReceiver<Key>> {
        self.read_events(key_of)
    }

    /// Asks for something that is not shown while it is typed, until [`Terminal::end_typing`].
    pub(crate) fn read_typing(&mut self, prompt: &str) -> io::Result<mpsc::UnboundedReceiver<Typing>> {
        let typing = self.read_events(typing_of)?;
        self.erase();
        self.write_screen(prompt.as_bytes());
        Ok(typing)
    }

    pub(crate) fn end_typing(&mut self) {
        self.restore();
        self.write_screen(b"\n");
    }

    fn read_events<T: Copy + Send + 'static>(
        &mut self,
        of: fn(&Event) -> Option<T>,
    ) -> io::Result<mpsc::UnboundedReceiver<T>> {
        if let Some(Reader { stop, thread }) = self.reader.take() {
            // Else the one before takes the first key away.
            stop.store(true, Ordering::Relaxed);
            let _ = thread.join();
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        restore_on_panic();
        MODES_CHANGED.store(true, Ordering::Relaxed);
        enable_raw_mode()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("keys".into()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let event = match event::poll(KEY_NAP) {
                    Ok(false) => continue,
                    Ok(true) => event::read().map(|event| of(&event)),
                    Err(error) => Err(error),
                };
                match event {
                    Ok(Some(event)) if sender.send(event).is_err() => return,
                    Ok(_) => {}
                    // The terminal is gone; the login goes on without keys.
                    Err(_) => return,
                }
            }
        })?;
        self.reader = Some(Reader { stop, thread });
        Ok(receiver)
    }

    /// Takes the drawing away and gives the terminal back as it was.
    pub(crate) fn restore(&mut self) {
        self.erase();
        if let Some(reader) = &self.reader {
            reader.stop.store(true, Ordering::Relaxed);
        }
        restore_modes();
    }

    /// A screen that has gone away is no reason to end a login.
    fn write_screen(&mut self, bytes: &[u8]) {
        let _ = self.screen.write_all(bytes);
        let _ = self.screen.flush();
    }

    fn painted(&self, line: &Line) -> String {
        painted(line, self.capabilities.colour)
    }
}

fn painted(line: &Line, colour: Colour) -> String {
    line.spans.iter().map(|span| painted_span(span, colour)).collect()
}

/// The same where the line begins in the first column: what follows a text of which terminals differ in how wide it
/// is, such as an emoji with a skin tone, stands where it should all the same.
fn placed(line: &Line, colour: Colour) -> String {
    let mut placed = String::new();
    let (mut column, mut is_sure) = (0, true);
    for span in &line.spans {
        let is_blank = span.style == Style::Plain && span.text.trim_start_matches(' ').is_empty();
        if is_sure || !is_blank {
            if !is_sure && let Ok(column) = u16::try_from(column) {
                placed.push_str(&String::from_utf8_lossy(&command(cursor::MoveToColumn(column))));
            }
            placed.push_str(&painted_span(span, colour));
            // Frames and QR codes are of one column each.
            let is_narrow = |character: char| character.is_ascii() || ('─'..='▟').contains(&character);
            is_sure = span.text.chars().all(is_narrow);
        } else {
            // Blanks would overwrite the end of a text that is wider than it seems.
            placed.push_str(&String::from_utf8_lossy(&command(Clear(ClearType::UntilNewLine))));
        }
        column += span.text.width();
    }
    placed
}

fn painted_span(span: &Span, colour: Colour) -> String {
    let text = safe(&span.text);
    match select_graphic_rendition(span.style, colour) {
        Some(parameters) => format!("\x1b[{parameters}m{text}\x1b[0m"),
        None => text,
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

fn key_of(event: &Event) -> Option<Key> {
    match event {
        Event::Resize(..) => Some(Key::Resized),
        Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
            KeyCode::Char('c' | 'd' | '\\') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Key::Interrupt)
            }
            KeyCode::Char(character) if !key.modifiers.contains(KeyModifiers::ALT) => {
                Some(Key::Character(character.to_ascii_lowercase()))
            }
            KeyCode::Enter => Some(Key::Enter),
            _ => None,
        },
        _ => None,
    }
}

fn typing_of(event: &Event) -> Option<Typing> {
    let Event::Key(key) = event else { return None };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd' | '\\') if is_control => Some(Typing::Interrupt),
        KeyCode::Char('u') if is_control => Some(Typing::EraseAll),
        KeyCode::Char('h') if is_control => Some(Typing::EraseOne),
        KeyCode::Char(_) if is_control => None,
        KeyCode::Char(character) => Some(Typing::Character(character)),
        KeyCode::Backspace => Some(Typing::EraseOne),
        KeyCode::Enter => Some(Typing::Enter),
        _ => None,
    }
}

/// What a terminal does at this command.
fn command(command: impl crossterm::Command) -> Vec<u8> {
    let mut frame = Vec::new();
    // Writing into memory does not fail.
    let _ = queue!(frame, command);
    frame
}

const fn select_graphic_rendition(style: Style, colour: Colour) -> Option<&'static str> {
    match (style, colour) {
        (Style::Plain, _) | (_, Colour::None) => None,
        (Style::Strong, _) => Some("1"),
        (Style::Faint, _) => Some("2"),
        (Style::QrCode, Colour::Sixteen) => Some("30;107"),
        // Themes repaint the sixteen colours, some with a dark "bright white"; the cube stays.
        (Style::QrCode, Colour::Cube) => Some("38;5;16;48;5;231"),
        (Style::QrDarkModule, Colour::Sixteen) => Some("97;40"),
        (Style::QrDarkModule, Colour::Cube) => Some("38;5;231;48;5;16"),
    }
}

/// The last gate: whatever a server sent, no control character passes it. Word by word, since the
/// sanitiser bounds the length of what it shows.
fn safe(text: &str) -> String {
    text.split(' ').map(|word| ServerText::from(word).to_string()).collect::<Vec<_>>().join(" ")
}

/// RFC 8259 §7. In a JSON text of one line such characters stand in strings alone.
fn escaped(json: &str) -> String {
    use std::fmt::Write as _;

    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_safe_to_display(character) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

fn newline() -> &'static str {
    // In raw mode a line feed does not return the carriage.
    if crossterm::terminal::is_raw_mode_enabled().unwrap_or(false) { "\r\n" } else { "\n" }
}

fn restore_modes() {
    if MODES_CHANGED.swap(false, Ordering::Relaxed) {
        if IN_ALTERNATE_SCREEN.swap(false, Ordering::Relaxed) {
            let _ = crossterm::execute!(io::stderr(), LeaveAlternateScreen);
        }
        let _ = disable_raw_mode();
        let _ = crossterm::execute!(io::stderr(), cursor::Show);
    }
}

fn restore_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        restore_modes();
        report(information);
    }));
}
