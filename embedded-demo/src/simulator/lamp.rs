//! The lamp of the board: the code in Morse while the device waits, steady once it is signed in.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use embedded_demo::output::morse::Morse;
use embedded_demo::{Led, View};
use oauth_protocol::Instant;

use crate::failure::Failure;

/// A dot: ten words a minute.
const UNIT: Duration = Duration::from_millis(120);

pub(crate) struct Lamp {
    led: LoggedLed,
    sends: Sends,
}

/// What the lamp says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sends {
    Dark,
    Steady,
    Code { user_code: String, since: Instant },
}

/// A line that goes up and down, with a log of it.
struct LoggedLed {
    log: Option<Box<dyn Write>>,
    now: Instant,
    is_lit: bool,
    failure: Option<io::Error>,
}

impl Lamp {
    /// Without a log.
    pub(crate) fn new() -> Self {
        let led = LoggedLed { log: None, now: Instant::default(), is_lit: false, failure: None };
        Self { led, sends: Sends::Dark }
    }

    /// `-` is standard output.
    pub(crate) fn logged_to(path: &Path) -> Result<Self, Failure> {
        let log: Box<dyn Write> = if path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            let file = File::create(path);
            Box::new(file.map_err(|error| Failure::file("the log of the lamp (--led)", path, &error))?)
        };
        let mut lamp = Self::new();
        lamp.led.log = Some(log);
        Ok(lamp)
    }

    /// The lamp goes with the picture.
    pub(crate) fn show(&mut self, view: &View<'_>, now: Instant) {
        let sends = match view {
            View::Code { user_code, .. } => match &self.sends {
                // The same code again goes on where it is.
                Sends::Code { user_code: sent, .. } if sent == user_code => return,
                _ => Sends::Code { user_code: (*user_code).to_owned(), since: now },
            },
            View::Done { .. } => Sends::Steady,
            // It says nothing of the login.
            View::NotStored { .. } => return,
            _ => Sends::Dark,
        };
        if sends != self.sends {
            self.led.note(
                now,
                &match &sends {
                    Sends::Dark => "dark".to_owned(),
                    Sends::Steady => "steady".to_owned(),
                    Sends::Code { user_code, .. } => {
                        format!(
                            "Morse, a dot is {} ms: {}",
                            UNIT.as_millis(),
                            crate::text_screen::safe(user_code)
                        )
                    }
                },
            );
            self.sends = sends;
        }
        self.tick(now);
    }

    /// Does what is due now.
    pub(crate) fn tick(&mut self, now: Instant) {
        let is_lit = match &self.sends {
            Sends::Dark => false,
            Sends::Steady => true,
            Sends::Code { user_code, since } => {
                Morse::new(user_code, UNIT).is_on_at(now.saturating_duration_since(*since))
            }
        };
        self.led.now = now;
        self.led.set(is_lit);
    }

    /// When the next thing is due.
    pub(crate) fn next_change(&self, now: Instant) -> Option<Instant> {
        let Sends::Code { user_code, since } = &self.sends else { return None };
        let next = Morse::new(user_code, UNIT).next_change_after(now.saturating_duration_since(*since))?;
        Some(since.saturating_add(next))
    }

    pub(crate) fn is_lit(&self) -> bool {
        self.led.is_lit
    }

    /// Why there is no log, once.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.led.failure.take()
    }
}

impl LoggedLed {
    fn note(&mut self, now: Instant, text: &str) {
        let Some(log) = &mut self.log else { return };
        let millis = now.as_millis();
        if let Err(error) = writeln!(log, "led {:>6}.{:03} s  {text}", millis / 1000, millis % 1000) {
            self.failure = Some(error);
            self.log = None;
        }
    }
}

impl Led for LoggedLed {
    fn set(&mut self, is_lit: bool) {
        if is_lit != self.is_lit {
            self.is_lit = is_lit;
            self.note(self.now, if is_lit { "on" } else { "off" });
        }
    }
}
