//! A device login that one command begins (`login --no-wait`) and another ends (`login --resume`).

use std::time::Duration;

use oauth_client::{Client, DeviceLogin, DeviceLoginEvent, PendingLogin};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

use crate::device_flow::{SignedIn, next_key, until};
use crate::exit_code::ExitCode;
use crate::failure::{Failure, login_command};
use crate::interruption::Interruption;
use crate::login_events::LoginEvent;
use crate::login_screen::Codes;
use crate::presentation::{Presentation, say_codes};
use crate::remembered_login::{park, unpark};
use crate::settings::Settings;
use crate::terminal::{Key, Terminal};

pub(crate) struct ParkedFlow<'a> {
    pub(crate) client: &'a Client,
    pub(crate) profile: &'a str,
    pub(crate) settings: &'a Settings,
    /// How long `--resume` waits for the person; `None`: one poll.
    pub(crate) timeout: Option<Duration>,
    pub(crate) is_json: bool,
    pub(crate) is_verbose: bool,
}

impl ParkedFlow<'_> {
    /// The codes, and the rest of the login for later.
    pub(crate) async fn begin(
        &self,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<(), Failure> {
        let scope = self.settings.scope();
        let login = tokio::select! {
            login = self.client.device_login(&scope) => login?,
            code = interruption.next() => return Err(Failure::interrupted(code)),
        };
        self.park(&login)?;
        let codes = Codes::of(&login);
        if self.is_json {
            let event = LoginEvent::device_code_issued(&codes, login.expires_in(), login.interval());
            terminal.result_json(&event.to_json())?;
        } else {
            say_codes(&codes, login.expires_in(), &[], terminal);
            terminal.say(&format!("Then run: {}", self.resume_command()));
        }
        Ok(())
    }

    /// Polls once, without a screen; or shows the codes and waits as long as it was told to.
    pub(crate) async fn go_on(
        &self,
        pending: PendingLogin,
        elapsed: Option<Duration>,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<SignedIn, Failure> {
        let mut login = tokio::select! {
            login = self.client.resume_device_login(pending, elapsed) => login?,
            code = interruption.next() => return Err(self.interrupted(code)),
        };
        let result = self.wait(&mut login, terminal, interruption).await;
        terminal.restore();
        result
    }

    async fn wait(
        &self,
        login: &mut DeviceLogin,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<SignedIn, Failure> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut presentation = match deadline {
            Some(_) => Presentation::choose(self.is_json, self.is_verbose, false, terminal).without_renewal(),
            None => Presentation::for_script(self.is_json, self.is_verbose),
        };
        // A terminal that cannot give single keys can still show the code.
        let mut keys: Option<UnboundedReceiver<Key>> =
            if presentation.reads_keys() { terminal.read_keys().ok() } else { None };
        loop {
            let until_tick = presentation.until_tick(login.expires_in());
            tokio::select! {
                event = login.next_event() => match event {
                    Some(DeviceLoginEvent::Authorized(tokens)) => {
                        unpark(self.profile)?;
                        let requested_at = login.token_requested_at();
                        return Ok(SignedIn { tokens, requested_at });
                    }
                    Some(DeviceLoginEvent::Failed(error)) => {
                        unpark(self.profile)?;
                        return Err(error.into());
                    }
                    // Whoever polls once has seen them.
                    Some(DeviceLoginEvent::DeviceCodeIssued { .. }) if deadline.is_none() && !self.is_json => {}
                    Some(event) => {
                        presentation.show(&event, login, terminal)?;
                        let is_poll = !matches!(event, DeviceLoginEvent::DeviceCodeIssued { .. });
                        if is_poll && deadline.is_none() {
                            return Err(self.still_pending(login)?);
                        }
                    }
                    None => return Err(Failure::expired()),
                },
                () = until(deadline) => return Err(self.still_pending(login)?),
                key = next_key(&mut keys) => match key {
                    Key::Interrupt => {
                        interruption.happened();
                        return Err(self.interrupted(ExitCode::Interrupted));
                    }
                    Key::Enter => {
                        let note = if login.check_now() { "Checking now." } else { "Too early to check again." };
                        presentation.note(note, login, terminal);
                    }
                    key => presentation.press(key, login, terminal),
                },
                () = sleep(until_tick) => presentation.tick(login, terminal),
                code = interruption.next() => return Err(self.interrupted(code)),
            }
        }
    }

    /// For the next `--resume`.
    fn still_pending(&self, login: &DeviceLogin) -> Result<Failure, Failure> {
        self.park(login)?;
        let message =
            format!("nobody has approved {} yet: {} asks again", login.user_code(), self.resume_command());
        Ok(Failure::new(ExitCode::Pending, "authorization_pending", message))
    }

    fn park(&self, login: &DeviceLogin) -> Result<(), Failure> {
        let Some(pending) = login.snapshot() else { return Err(Failure::expired()) };
        park(self.profile, self.settings, &pending)
    }

    /// The login waits on the disk as it did before.
    fn interrupted(&self, code: ExitCode) -> Failure {
        let message = format!("Cancelled. The login still waits: {} goes on with it.", self.resume_command());
        Failure { message, ..Failure::interrupted(code) }
    }

    fn resume_command(&self) -> String {
        format!("{} --resume", login_command(self.profile))
    }
}
