//! A login with the browser on this machine: authorization code and PKCE, back to a loopback port (RFC 8252).

use std::io;
use std::pin::pin;
use std::time::Duration;

use oauth_client::{Client, ConfigurationError, Error, ErrorCode, Loopback};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

use crate::arguments::LoginArguments;
use crate::browser::{Browser, Failing};
use crate::capabilities::Size;
use crate::clipboard;
use crate::device_flow::{SignedIn, next_key, until};
use crate::environment::variable;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::login_events::LoginEvent;
use crate::login_status::{Status, in_words, status_line};
use crate::settings::{Flow, Settings};
use crate::styled_line::{Line, Style, wrapped};
use crate::terminal::{Key, Terminal};

/// How long the port stays open where no `--timeout` says it.
const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);
/// How often a login without a live screen says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long the answer to a key stands in the status line.
const NOTE_STANDS: Duration = Duration::from_secs(4);
/// What a terminal is given in one piece; what is longer counts as a flood.
const PIECE: usize = 256;

const WITHOUT_A_BROWSER: &str =
    "With no browser here: device-cli login --device shows a code for a browser elsewhere.";

/// What a login in the browser needs to know.
pub(crate) struct BrowserFlow<'a> {
    client: &'a Client,
    scope: String,
    /// As it is registered; `None`: nobody said.
    registered: Option<&'a str>,
    loopback: Loopback,
    /// What opens it, where something can.
    browser: Option<Browser>,
    time_limit: Duration,
    is_json: bool,
    /// Nobody asked for it by name.
    is_own_choice: bool,
}

/// What is on the screen while the browser is away.
struct Waiting {
    authorization_url: String,
    /// What the person can press.
    keys: Option<&'static str>,
    is_live: bool,
    is_json: bool,
    ends_at: Instant,
    last_said: Instant,
    /// The answer to a key, and how long it stands.
    note: Option<(String, Instant)>,
    /// The window that the drawing was made for; `None`: draw it again.
    drawn_for: Option<Size>,
}

impl<'a> BrowserFlow<'a> {
    /// Where somebody asked for the browser, or where one is at hand and the client may come back to it: then a device
    /// flow would go from this machine to itself (RFC 10027).
    pub(crate) fn choose(
        settings: &'a Settings,
        client: &'a Client,
        arguments: &LoginArguments,
        terminal: &Terminal,
    ) -> Result<Option<Self>, Failure> {
        if arguments.renew > 0 {
            // Only a code can be renewed.
            return Ok(None);
        }
        let loopback = settings.loopback()?;
        let (is_own_choice, browser) = match (settings.flow, &loopback) {
            (Some(Flow::Browser), _) => (false, Browser::asked_for(variable)),
            (None, Some(_)) if !arguments.json && terminal.capabilities().keys => {
                (true, Browser::usable(variable))
            }
            _ => return Ok(None),
        };
        if is_own_choice && browser.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            client,
            scope: settings.scope(),
            registered: settings.redirect_uri.as_deref(),
            loopback: loopback.unwrap_or_default(),
            browser,
            time_limit: arguments.timeout.unwrap_or(TIME_LIMIT),
            is_json: arguments.json,
            is_own_choice,
        }))
    }

    /// Signs in. Whatever the end, the terminal is as it was. `None`: this cannot work here, nobody asked for it, and
    /// it is said why.
    pub(crate) async fn sign_in(
        &self,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<Option<SignedIn>, Failure> {
        let ends_at = Instant::now() + self.time_limit;
        let login = tokio::select! {
            login = self.client.loopback_login(&self.scope, &self.loopback) => login,
            () = until(Some(ends_at)) => return Err(self.timed_out()),
            code = interruption.next() => return Err(Failure::interrupted(code)),
        };
        let login = match login {
            Ok(login) => login,
            Err(
                error @ (Error::Configuration(ConfigurationError::LoopbackPort) | Error::NoEndpoint { .. }),
            ) if self.is_own_choice => {
                let why = self.failure(error).message;
                terminal.notice(&format!("Not with the browser on this machine: {why}."));
                return Ok(None);
            }
            Err(error) => return Err(self.failure(error)),
        };
        let mut waiting = self.opened(login.authorization_url(), ends_at, terminal);
        let (failing, problem) = self.open(&waiting.authorization_url);
        waiting.begin(self, login.redirect_uri(), problem.as_deref(), terminal)?;
        let result = waiting.wait(self, login, failing, terminal, interruption).await;
        terminal.restore();
        result.map(Some)
    }

    fn opened(&self, authorization_url: String, ends_at: Instant, terminal: &Terminal) -> Waiting {
        let capabilities = terminal.capabilities();
        let keys = if self.browser.is_some() {
            "o open again   c copy the address   Ctrl-C cancel"
        } else {
            "c copy the address   Ctrl-C cancel"
        };
        Waiting {
            authorization_url,
            keys: (capabilities.keys && !self.is_json).then_some(keys),
            is_live: capabilities.live && !self.is_json,
            is_json: self.is_json,
            ends_at,
            last_said: Instant::now(),
            note: None,
            drawn_for: None,
        }
    }

    /// What tells when the browser's program fails, or why there is none.
    fn open(&self, authorization_url: &str) -> (Option<Failing>, Option<String>) {
        let Some(browser) = &self.browser else {
            return (None, Some("there is no display, or SSH between".into()));
        };
        match browser.open_and_watch(authorization_url) {
            Ok(failing) => (Some(failing), None),
            Err(error) => (None, Some(error.to_string())),
        }
    }

    fn timed_out(&self) -> Failure {
        let (limit, registered) =
            (in_words(self.time_limit), self.registered.unwrap_or("http://127.0.0.1/callback"));
        Failure::new(
            ExitCode::Expired,
            "timeout",
            format!(
                "nobody came back from the browser within {limit}: sign in again; where its page refuses the redirect \
                 URI, have {registered} registered for this client, or use --device"
            ),
        )
    }

    fn failure(&self, error: Error) -> Failure {
        let message = match &error {
            Error::Configuration(ConfigurationError::LoopbackPort) => {
                let registered = self.registered.unwrap_or("any port");
                return Failure::new(
                    ExitCode::General,
                    "port_in_use",
                    format!(
                        "the port for the browser's answer ({registered}) cannot be opened: end the program that has \
                         it, or use --device"
                    ),
                );
            }
            Error::Refused(refusal)
                if matches!(
                    refusal.error,
                    ErrorCode::UnauthorizedClient | ErrorCode::UnsupportedGrantType
                ) =>
            {
                format!(
                    "{error}: the client must be registered for the authorization code grant at this server"
                )
            }
            Error::NoEndpoint { endpoint: "authorization_endpoint", .. } => {
                format!("{error} (--authorization-endpoint), or use --device")
            }
            _ => return error.into(),
        };
        Failure { message, ..Failure::from(error) }
    }
}

impl Waiting {
    /// The address comes in one line, however wide the window is, so that it can be copied as a whole; it stays where
    /// the status line comes and goes.
    fn begin(
        &mut self,
        flow: &BrowserFlow<'_>,
        redirect_uri: &str,
        problem: Option<&str>,
        terminal: &mut Terminal,
    ) -> io::Result<()> {
        if self.is_json {
            let event = LoginEvent::authorization_requested(
                &self.authorization_url,
                redirect_uri,
                problem.is_none(),
                self.left(),
            );
            return terminal.result_json(&event.to_json());
        }
        match problem {
            None if flow.is_own_choice => {
                say("Signing in with the browser on this machine; --device shows a code instead.", terminal);
            }
            None => say("Signing in with the browser on this machine.", terminal),
            Some(problem) => {
                say(&format!("No browser was opened: {problem}."), terminal);
                say(WITHOUT_A_BROWSER, terminal);
            }
        }
        say(
            match problem {
                None => "If it does not come, open this address in a browser here:",
                Some(_) => "Or open this address in a browser on this machine:",
            },
            terminal,
        );
        terminal.say_line(&address(&self.authorization_url));
        if self.is_live {
            self.draw(terminal);
        } else {
            terminal.say(&format!("You have {}.", in_words(self.left())));
            if let Some(keys) = self.keys {
                terminal.say(&format!("Keys: {}.", keys.replace("   ", ", ")));
            }
        }
        Ok(())
    }

    async fn wait(
        &mut self,
        flow: &BrowserFlow<'_>,
        login: oauth_client::LoopbackLogin,
        mut failing: Option<Failing>,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<SignedIn, Failure> {
        // A terminal that cannot give single keys can still wait.
        let mut keys: Option<UnboundedReceiver<Key>> =
            if self.keys.is_some() { terminal.read_keys().ok() } else { None };
        let mut signed_in = pin!(login.wait_with_time());
        loop {
            tokio::select! {
                result = &mut signed_in => {
                    let (tokens, requested_at) = result.map_err(|error| flow.failure(error))?;
                    return Ok(SignedIn { tokens: Box::new(tokens), requested_at });
                }
                () = until(Some(self.ends_at)) => return Err(flow.timed_out()),
                code = interruption.next() => return Err(Failure::interrupted(code)),
                key = next_key(&mut keys) => match key {
                    Key::Interrupt => {
                        interruption.happened();
                        return Err(Failure::interrupted(ExitCode::Interrupted));
                    }
                    Key::Character('c') => {
                        terminal.copy(&self.authorization_url);
                        clipboard::copy(&self.authorization_url, variable);
                        self.note("Address sent to the clipboard.", terminal);
                    }
                    Key::Character('o') if flow.browser.is_some() => {
                        let (again, problem) = flow.open(&self.authorization_url);
                        failing = again;
                        let note = problem.map_or_else(
                            || "Opened again.".to_owned(),
                            |problem| format!("No browser was opened: {problem}."),
                        );
                        self.note(&note, terminal);
                    }
                    Key::Resized => self.tick(terminal),
                    _ => {}
                },
                how = failed(&mut failing) => {
                    if !self.is_json {
                        say(&format!("The browser's program ended with an error ({how})."), terminal);
                        say(WITHOUT_A_BROWSER, terminal);
                        self.drawn_for = None;
                        self.tick(terminal);
                    }
                }
                () = sleep(self.until_tick()) => self.tick(terminal),
            }
        }
    }

    fn left(&self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now())
    }

    /// How long nothing changes by itself.
    fn until_tick(&self) -> Duration {
        if self.is_live {
            // Just after the number of seconds left has changed.
            Duration::from_millis(u64::from(self.left().subsec_millis()) + 1)
        } else {
            HEARTBEAT.saturating_sub(self.last_said.elapsed())
        }
    }

    fn tick(&mut self, terminal: &mut Terminal) {
        if self.is_live {
            self.note.take_if(|(_, until)| Instant::now() >= *until);
            self.draw(terminal);
        } else if self.last_said.elapsed() >= HEARTBEAT {
            self.last_said = Instant::now();
            if !self.is_json {
                let left = in_words(self.left());
                terminal.say(&format!("Still waiting for the browser; {left} left."));
            }
        }
    }

    /// The answer to a key.
    fn note(&mut self, text: &str, terminal: &mut Terminal) {
        if self.is_live {
            self.note = Some((text.to_owned(), Instant::now() + NOTE_STANDS));
            self.draw(terminal);
        } else {
            terminal.say(text);
        }
    }

    /// All of it where the window changed, else the status line.
    fn draw(&mut self, terminal: &mut Terminal) {
        let size = Terminal::size();
        let columns = size.columns.saturating_sub(1);
        let note = self.note.as_ref().map(|(text, _)| text.as_str());
        let status = status_line(&Status::Waiting, self.left(), note, columns);
        if self.drawn_for == Some(size) {
            return terminal.draw_status(&status);
        }
        self.drawn_for = Some(size);
        let keys = self.keys.map(|keys| wrapped(keys, columns)).unwrap_or_default();
        let lines: Vec<_> =
            std::iter::once(Line::default()).chain(keys.into_iter().map(Line::faint)).collect();
        terminal.draw_below(&lines, &status, size);
    }
}

/// How the program of the browser failed; never, where none does.
async fn failed(failing: &mut Option<Failing>) -> String {
    if let Some(receiver) = failing {
        let how = receiver.await;
        *failing = None;
        if let Ok(how) = how {
            return how.to_string();
        }
    }
    std::future::pending().await
}

/// Sentences break between words where they are read in a window.
fn say(text: &str, terminal: &mut Terminal) {
    let columns =
        if terminal.capabilities().live { Terminal::size().columns.saturating_sub(1) } else { usize::MAX };
    for line in wrapped(text, columns) {
        terminal.say(&line);
    }
}

/// An address of any length: the SDK gives it in plain ASCII, and piece by piece it passes the sanitiser whole.
fn address(url: &str) -> Line {
    let characters: Vec<char> = url.chars().collect();
    characters
        .chunks(PIECE)
        .fold(Line::default(), |line, piece| line.with(Style::Strong, piece.iter().collect::<String>()))
}
