//! The three faces of a device login: a screen that is redrawn, lines that stay, events for a script.

use std::io;
use std::time::{Duration, Instant};

use oauth_client::{DeviceLogin, DeviceLoginEvent};

use crate::browser::Browser;
use crate::clipboard;
use crate::environment::variable;
use crate::login_events::LoginEvent;
use crate::login_screen::{Codes, ENTER_THE_CODE, LoginScreen, VISIT};
use crate::login_status::{Status, in_words, status_line, whole_seconds};
use crate::styled_line::{Line, Style, wrapped};
use crate::terminal::{Key, Terminal};

/// How often a login without a live screen says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long the answer to a key stands in the status line.
const NOTE_STANDS: Duration = Duration::from_secs(4);

/// Beside the server's clock, before a slower pace is worth a word.
const TOLERATED_DRIFT: f64 = 0.1;

const NEW_CODE: &str = "n new code";

pub(crate) struct Presentation {
    face: Face,
    is_verbose: bool,
    reads_keys: bool,
    keys: Vec<String>,
    browser: Option<Browser>,
    /// From the first codes on.
    codes: Option<Codes>,
    status: Status,
    next_poll_at: Instant,
}

enum Face {
    Live(Box<LiveScreen>),
    Lines { last: Instant },
    Events,
}

#[derive(Default)]
struct LiveScreen {
    /// From the first codes on.
    screen: Option<LoginScreen>,
    /// The answer to a key, and how long it stands.
    note: Option<(String, Instant)>,
    /// The drawing does not show what it should.
    is_stale: bool,
}

impl Presentation {
    pub(crate) fn choose(is_json: bool, is_verbose: bool, can_approve: bool, terminal: &Terminal) -> Self {
        let capabilities = terminal.capabilities();
        let face = if is_json {
            Face::Events
        } else if capabilities.live {
            Face::Live(Box::default())
        } else {
            Face::Lines { last: Instant::now() }
        };
        let browser = Browser::usable(variable);
        let keys = [
            can_approve.then_some("a approve"),
            Some("c copy code"),
            browser.is_some().then_some("o open"),
            capabilities.live.then_some("q QR code"),
            Some(NEW_CODE),
            Some("Enter check now"),
        ];
        let reads_keys = capabilities.keys && !is_json;
        Self {
            face,
            is_verbose,
            reads_keys,
            keys: if reads_keys {
                keys.into_iter().flatten().map(str::to_owned).collect()
            } else {
                Vec::new()
            },
            browser,
            codes: None,
            status: Status::Waiting,
            next_poll_at: Instant::now(),
        }
    }

    /// Without a screen and without keys.
    pub(crate) fn for_script(is_json: bool, is_verbose: bool) -> Self {
        Self {
            face: if is_json { Face::Events } else { Face::Lines { last: Instant::now() } },
            is_verbose,
            reads_keys: false,
            keys: Vec::new(),
            browser: None,
            codes: None,
            status: Status::Waiting,
            next_poll_at: Instant::now(),
        }
    }

    /// For a login that cannot be begun anew here.
    pub(crate) fn without_renewal(mut self) -> Self {
        self.keys.retain(|key| key != NEW_CODE);
        self
    }

    /// Why nobody could be heard, where that is how it stands.
    pub(crate) fn lost_connection(&self) -> Option<&str> {
        match &self.status {
            Status::Retrying { cause, connection_lost: true, .. } => Some(cause),
            _ => None,
        }
    }

    pub(crate) const fn reads_keys(&self) -> bool {
        self.reads_keys
    }

    /// What the SDK reports, the end of the login excepted. Fails only where a script reads no more.
    pub(crate) fn show(
        &mut self,
        event: &DeviceLoginEvent,
        login: &DeviceLogin,
        terminal: &mut Terminal,
    ) -> io::Result<()> {
        match event {
            DeviceLoginEvent::DeviceCodeIssued { .. } => {
                self.codes = Some(Codes::of(login));
                self.status = Status::Waiting;
                self.codes_issued(login, terminal)
            }
            DeviceLoginEvent::Pending { next_poll_in, expires_in } => {
                self.status = Status::Waiting;
                if matches!(self.face, Face::Events) {
                    let (next_poll_in, expires_in) =
                        (whole_seconds(*next_poll_in), whole_seconds(*expires_in));
                    return terminal.result_json(&LoginEvent::Pending { next_poll_in, expires_in }.to_json());
                }
                Ok(())
            }
            DeviceLoginEvent::SlowDown { interval } => {
                self.status = Status::Waiting;
                let interval = whole_seconds(*interval);
                if matches!(self.face, Face::Events) {
                    return terminal.result_json(&LoginEvent::SlowDown { interval }.to_json());
                }
                let drift = login.clock_drift().filter(|drift| drift.abs() > TOLERATED_DRIFT);
                if self.is_verbose || drift.is_some() {
                    let pace = format!("The server asks for a slower pace: every {interval} s.");
                    let note = match drift {
                        Some(drift) => format!(
                            "This machine's clock runs too {}. {pace}",
                            if drift > 0.0 { "fast" } else { "slow" }
                        ),
                        None => pace,
                    };
                    self.note(&note, login, terminal);
                }
                Ok(())
            }
            DeviceLoginEvent::Retrying { cause, next_poll_in, connection_lost, captive_portal_suspected } => {
                self.next_poll_at = Instant::now() + *next_poll_in;
                self.status = Status::Retrying {
                    cause: cause.clone(),
                    connection_lost: *connection_lost,
                    captive_portal_suspected: *captive_portal_suspected,
                    next_poll_in: *next_poll_in,
                };
                match self.face {
                    Face::Events => {
                        let next_poll_in = whole_seconds(*next_poll_in);
                        return terminal.result_json(&LoginEvent::Retrying { cause, next_poll_in }.to_json());
                    }
                    Face::Lines { .. } => self.say_status(login, terminal),
                    Face::Live(_) => {}
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn codes_issued(&mut self, login: &DeviceLogin, terminal: &mut Terminal) -> io::Result<()> {
        match &mut self.face {
            Face::Events => {
                let Some(codes) = &self.codes else { return Ok(()) };
                let event = LoginEvent::device_code_issued(codes, login.expires_in(), login.interval());
                terminal.result_json(&event.to_json())
            }
            Face::Lines { last } => {
                *last = Instant::now();
                if let Some(codes) = &self.codes {
                    say_codes(codes, login.expires_in(), &self.keys, terminal);
                }
                Ok(())
            }
            Face::Live(live) => {
                live.screen = self.codes.clone().map(|codes| LoginScreen::new(codes, self.keys.clone()));
                live.is_stale = true;
                self.redraw(login.expires_in(), terminal);
                Ok(())
            }
        }
    }

    /// How long nothing changes by itself.
    pub(crate) fn until_tick(&self, left: Duration) -> Duration {
        match &self.face {
            // Just after the number of seconds left has changed.
            Face::Live(_) => Duration::from_millis(u64::from(left.subsec_millis()) + 1),
            Face::Lines { last } => HEARTBEAT.saturating_sub(last.elapsed()),
            Face::Events => HEARTBEAT,
        }
    }

    pub(crate) fn tick(&mut self, login: &DeviceLogin, terminal: &mut Terminal) {
        match &mut self.face {
            Face::Events => {}
            Face::Lines { last } => {
                if last.elapsed() >= HEARTBEAT {
                    self.say_status(login, terminal);
                }
            }
            Face::Live(live) => {
                live.note.take_if(|(_, until)| Instant::now() >= *until);
                self.redraw(login.expires_in(), terminal);
            }
        }
    }

    /// The answer to a key.
    pub(crate) fn note(&mut self, text: &str, login: &DeviceLogin, terminal: &mut Terminal) {
        match &mut self.face {
            Face::Events => {}
            Face::Lines { .. } => terminal.say(text),
            Face::Live(live) => {
                live.note = Some((text.to_owned(), Instant::now() + NOTE_STANDS));
                self.redraw(login.expires_in(), terminal);
            }
        }
    }

    /// A key that concerns the screen alone.
    pub(crate) fn press(&mut self, key: Key, login: &DeviceLogin, terminal: &mut Terminal) {
        match key {
            Key::Resized => self.tick(login, terminal),
            Key::Character('c') => {
                terminal.copy(login.user_code());
                clipboard::copy(login.user_code(), variable);
                self.note("Code sent to the clipboard.", login, terminal);
            }
            Key::Character('o') => {
                let (Some(browser), Some(codes)) = (&self.browser, &self.codes) else { return };
                let note = match browser.open(codes.best_uri()) {
                    Ok(()) => "Opened a browser.".to_owned(),
                    Err(error) => format!("No browser opened: {error}."),
                };
                self.note(&note, login, terminal);
            }
            Key::Character('q') => {
                let Face::Live(live) = &mut self.face else { return };
                let Some(screen) = &mut live.screen else { return };
                screen.wants_qr_code = !screen.wants_qr_code;
                live.is_stale = true;
                self.redraw(login.expires_in(), terminal);
            }
            _ => {}
        }
    }

    /// The code expired, and the person may ask for a new one.
    pub(crate) fn expired(&mut self, terminal: &mut Terminal) {
        self.status = Status::Expired;
        match &mut self.face {
            Face::Events => {}
            Face::Lines { .. } => terminal.say(&status_line(&self.status, Duration::ZERO, None, usize::MAX)),
            Face::Live(live) => {
                live.note = None;
                // What can no longer be used is taken away, before somebody scans it.
                live.screen = None;
                let size = Terminal::size();
                let columns = size.columns.saturating_sub(1);
                let status = status_line(&self.status, Duration::ZERO, None, columns);
                let over =
                    self.codes.as_ref().map(|codes| format!("{} can no longer be entered.", codes.user_code));
                let lines: Vec<Line> = over
                    .iter()
                    .flat_map(|over| wrapped(over, columns))
                    .map(Line::plain)
                    .chain([Line::default()])
                    .collect();
                let lines = if lines.len() < size.rows { lines } else { Vec::new() };
                terminal.draw(&lines, &status, size);
            }
        }
    }

    /// All of it where the window or the content changed, else the status line.
    fn redraw(&mut self, left: Duration, terminal: &mut Terminal) {
        let Face::Live(live) = &mut self.face else { return };
        let Some(screen) = &live.screen else { return };
        if let Status::Retrying { next_poll_in, .. } = &mut self.status {
            *next_poll_in = self.next_poll_at.saturating_duration_since(Instant::now());
        }
        let size = Terminal::size();
        let note = live.note.as_ref().map(|(text, _)| text.as_str());
        let status = status_line(&self.status, left, note, size.columns.saturating_sub(1));
        if terminal.is_drawn_for(size) && !std::mem::take(&mut live.is_stale) {
            terminal.draw_status(&status);
        } else {
            terminal.draw(&screen.lines(size, terminal.capabilities()), &status, size);
        }
    }

    fn say_status(&mut self, login: &DeviceLogin, terminal: &mut Terminal) {
        if let Face::Lines { last } = &mut self.face {
            *last = Instant::now();
        }
        let left = in_words(login.expires_in());
        terminal.say(&match &self.status {
            Status::Waiting => {
                format!("Still waiting for your approval; the code is valid for {left} more.")
            }
            Status::Retrying { cause, connection_lost, captive_portal_suspected, .. } => {
                let hint = if *captive_portal_suspected {
                    " Does this network want a sign-in of its own?"
                } else {
                    ""
                };
                let wait = whole_seconds(self.next_poll_at.saturating_duration_since(Instant::now()));
                let trying = if *connection_lost { "Connection lost, trying" } else { "Trying" };
                format!("{trying} again in {wait} s (the code stays valid): {cause}.{hint}")
            }
            Status::Expired => status_line(&self.status, Duration::ZERO, None, usize::MAX),
        });
    }
}

/// Lines that are written once, for a log or a screen reader.
pub(crate) fn say_codes(codes: &Codes, valid_for: Duration, keys: &[String], terminal: &mut Terminal) {
    terminal.say_line(&Line::plain(format!("{VISIT} ")).with(Style::Strong, &codes.verification_uri));
    terminal.say_line(&Line::plain(format!("{ENTER_THE_CODE} ")).with(Style::Strong, &codes.user_code));
    terminal.say(&format!("Spelled: {}", codes.spelled()));
    if let Some(complete) = &codes.verification_uri_complete {
        terminal.say(&format!("Or visit this address, which holds the code: {complete}"));
    }
    terminal.say(&codes.warning());
    terminal.say(&format!("The code is valid for {}.", in_words(valid_for)));
    if !keys.is_empty() {
        terminal.say(&format!("Keys: {}; Ctrl-C cancel.", keys.join(", ")));
    }
}
