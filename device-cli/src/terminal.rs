//! The only file that prints: the screen goes to stderr, results to stdout.

use std::io::{self, IsTerminal as _, Stderr, Stdout, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine as _;
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{Clear, ClearType, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, queue};
use oauth_client::ServerText;
use tokio::sync::mpsc;

use crate::capabilities::{Capabilities, Colour, Size, Surroundings};
use crate::environment::variable;
use crate::failure::Failure;
use crate::styled_line::{Line, Style};

/// Where a person looks, and where a script reads.
pub(crate) struct Terminal {
    screen: Stderr,
    results: Stdout,
    capabilities: Capabilities,
    region: Option<Region>,
    reader: Option<Reader>,
}

/// The thread that reads what is typed.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// The part of the screen that is drawn over: some lines, and below them the status line, in which the
/// cursor rests.
struct Region {
    rows: u16,
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

/// How often the key thread looks whether it is still wanted.
const KEY_NAP: Duration = Duration::from_millis(100);

impl Terminal {
    pub(crate) fn detect() -> Self {
        let capabilities = Capabilities::detect(&Surroundings {
            stdin_is_terminal: io::stdin().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            variable,
        });
        Self { screen: io::stderr(), results: io::stdout(), capabilities, region: None, reader: None }
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
        self.say(&failure.to_string());
    }

    /// Draws `lines` and a status line below, over what this drew before.
    pub(crate) fn draw(&mut self, lines: &[Line], status: &str) {
        self.erase();
        let mut frame = Vec::new();
        MODES_CHANGED.store(true, Ordering::Relaxed);
        // Writing into memory does not fail.
        let _ = queue!(frame, cursor::Hide);
        for line in lines {
            frame.extend_from_slice(self.painted(line).as_bytes());
            frame.extend_from_slice(newline().as_bytes());
        }
        frame.extend_from_slice(safe(status).as_bytes());
        self.region = Some(Region {
            rows: u16::try_from(lines.len()).unwrap_or(u16::MAX),
            widest: lines.iter().map(Line::columns).max().unwrap_or(0),
        });
        self.write_screen(&frame);
    }

    /// Draws the status line alone again.
    pub(crate) fn draw_status(&mut self, status: &str) {
        let mut frame = Vec::new();
        let _ = queue!(frame, cursor::MoveToColumn(0));
        frame.extend_from_slice(safe(status).as_bytes());
        let _ = queue!(frame, Clear(ClearType::UntilNewLine));
        self.write_screen(&frame);
    }

    /// Takes away what [`Terminal::draw`] drew.
    pub(crate) fn erase(&mut self) {
        let Some(region) = self.region.take() else { return };
        let mut frame = Vec::new();
        let _ = queue!(frame, cursor::MoveToColumn(0));
        if Self::size().columns > region.widest {
            if region.rows > 0 {
                let _ = queue!(frame, cursor::MoveUp(region.rows));
            }
            let _ = queue!(frame, Clear(ClearType::FromCursorDown));
        } else {
            // The window became narrower, and the lines may be broken: how many rows they take now only
            // the terminal knows. They stay, and the next ones come below.
            frame.extend_from_slice(newline().as_bytes());
        }
        let _ = queue!(frame, cursor::Show);
        self.write_screen(&frame);
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
    line.spans
        .iter()
        .map(|span| {
            let text = safe(&span.text);
            match select_graphic_rendition(span.style, colour) {
                Some(parameters) => format!("\x1b[{parameters}m{text}\x1b[0m"),
                None => text,
            }
        })
        .collect()
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

fn newline() -> &'static str {
    // In raw mode a line feed does not return the carriage.
    if crossterm::terminal::is_raw_mode_enabled().unwrap_or(false) { "\r\n" } else { "\n" }
}

fn restore_modes() {
    if MODES_CHANGED.swap(false, Ordering::Relaxed) {
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
