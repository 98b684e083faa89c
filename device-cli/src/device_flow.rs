//! A device login on this terminal: what the SDK reports goes to the screen, what the person presses goes
//! to the SDK.

use std::time::Duration;

use oauth_client::token_store::UnixTime;
use oauth_client::{AccessTokenResponse, Client, DeviceLogin, DeviceLoginEvent, Error, ErrorCode};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::login_status::in_words;
use crate::presentation::Presentation;
use crate::terminal::{Key, Terminal};

/// What a device login needs to know.
pub(crate) struct DeviceFlow<'a> {
    pub(crate) client: &'a Client,
    pub(crate) scope: &'a str,
    /// The person has this long, however long the codes are valid.
    pub(crate) timeout: Option<Duration>,
    /// So many new codes without the person's hand in it (RFC 8628 §3.5 wants it there).
    pub(crate) renewals: u32,
    pub(crate) is_json: bool,
    pub(crate) is_verbose: bool,
    /// The demo's key `a`: approves the login that shows this code.
    pub(crate) approve: Option<&'a dyn Fn(&str)>,
}

/// What a login brought.
pub(crate) struct SignedIn {
    pub(crate) tokens: Box<AccessTokenResponse>,
    /// Their life began no earlier.
    pub(crate) requested_at: UnixTime,
}

/// How one pair of codes ended.
enum Ending {
    Authorized(SignedIn),
    Expired,
    /// The person asked for a new code.
    Renew,
}

impl DeviceFlow<'_> {
    /// Signs in. Whatever the end, the terminal is as it was.
    pub(crate) async fn sign_in(
        &self,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<SignedIn, Failure> {
        let result = self.through_all_codes(terminal, interruption).await;
        terminal.restore();
        result
    }

    async fn through_all_codes(
        &self,
        terminal: &mut Terminal,
        interruption: &mut Interruption,
    ) -> Result<SignedIn, Failure> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut renewals = self.renewals;
        let mut presentation =
            Presentation::choose(self.is_json, self.is_verbose, self.approve.is_some(), terminal);
        let mut keys = None;
        loop {
            let mut login = tokio::select! {
                login = self.client.device_login(self.scope) => login?,
                () = until(deadline) => return Err(self.no_code_came()),
                code = interruption.next() => return Err(Failure::interrupted(code)),
            };
            if keys.is_none() && presentation.reads_keys() {
                // A terminal that cannot give single keys can still show the code.
                keys = terminal.read_keys().ok();
            }
            let ending = tokio::select! {
                ending = self.wait_for_the_person(&mut login, &mut presentation, terminal, &mut keys, interruption) => ending?,
                () = until(deadline) => return Err(self.timed_out(&presentation)),
            };
            match ending {
                Ending::Authorized(signed_in) => return Ok(signed_in),
                Ending::Renew => {}
                Ending::Expired if renewals > 0 => {
                    renewals -= 1;
                    if !self.is_json {
                        terminal.say("The code expired; here is a new one.");
                    }
                }
                Ending::Expired if keys.is_some() => {
                    presentation.expired(terminal);
                    tokio::select! {
                        wants = wants_a_new_code(&mut keys, &mut presentation, terminal, interruption) => wants?,
                        () = until(deadline) => return Err(self.timed_out(&presentation)),
                    }
                }
                Ending::Expired => return Err(Failure::expired()),
            }
        }
    }

    async fn wait_for_the_person(
        &self,
        login: &mut DeviceLogin,
        presentation: &mut Presentation,
        terminal: &mut Terminal,
        keys: &mut Option<UnboundedReceiver<Key>>,
        interruption: &mut Interruption,
    ) -> Result<Ending, Failure> {
        loop {
            let until_tick = presentation.until_tick(login.expires_in());
            tokio::select! {
                event = login.next_event() => match event {
                    Some(DeviceLoginEvent::Authorized(tokens)) => {
                        let requested_at = login.token_requested_at();
                        return Ok(Ending::Authorized(SignedIn { tokens, requested_at }));
                    }
                    Some(DeviceLoginEvent::Failed(error)) if is_expiry(&error) => return Ok(Ending::Expired),
                    Some(DeviceLoginEvent::Failed(error)) => return Err(error.into()),
                    Some(event) => presentation.show(&event, login, terminal)?,
                    None => return Ok(Ending::Expired),
                },
                key = next_key(keys) => match key {
                    Key::Interrupt => {
                        interruption.happened();
                        return Err(Failure::interrupted(ExitCode::Interrupted));
                    }
                    Key::Character('n') => return Ok(Ending::Renew),
                    Key::Character('a') if self.approve.is_some() => {
                        if let Some(approve) = self.approve {
                            approve(login.user_code());
                        }
                        login.check_now();
                        presentation.note("Approved here.", login, terminal);
                    }
                    Key::Enter => {
                        let note = if login.check_now() { "Checking now." } else { "Too early to check again." };
                        presentation.note(note, login, terminal);
                    }
                    key => presentation.press(key, login, terminal),
                },
                () = sleep(until_tick) => presentation.tick(login, terminal),
                code = interruption.next() => return Err(Failure::interrupted(code)),
            }
        }
    }

    fn timed_out(&self, presentation: &Presentation) -> Failure {
        let timeout = in_words(self.timeout.unwrap_or_default());
        match presentation.lost_connection() {
            // Perhaps somebody has.
            Some(cause) => Failure::new(
                ExitCode::ServerUnreachable,
                "server_unreachable",
                format!(
                    "the connection was lost and did not come back within {timeout}: {cause}; sign in again"
                ),
            ),
            None => Failure::new(
                ExitCode::Expired,
                "timeout",
                format!("nobody approved the login within {timeout}: sign in again, with a longer --timeout"),
            ),
        }
    }

    fn no_code_came(&self) -> Failure {
        let timeout = in_words(self.timeout.unwrap_or_default());
        let message = format!(
            "no code came from the server within {timeout}: check the network, try again; device-cli doctor tells more"
        );
        Failure::new(ExitCode::ServerUnreachable, "server_unreachable", message)
    }
}

async fn wants_a_new_code(
    keys: &mut Option<UnboundedReceiver<Key>>,
    presentation: &mut Presentation,
    terminal: &mut Terminal,
    interruption: &mut Interruption,
) -> Result<(), Failure> {
    loop {
        let key = tokio::select! {
            key = next_key(keys) => key,
            code = interruption.next() => return Err(Failure::interrupted(code)),
        };
        match key {
            Key::Character('n') => return Ok(()),
            Key::Interrupt => {
                interruption.happened();
                return Err(Failure::interrupted(ExitCode::Interrupted));
            }
            Key::Resized => presentation.expired(terminal),
            _ => {}
        }
    }
}

/// What is pressed; never, once the terminal is gone.
pub(crate) async fn next_key(keys: &mut Option<UnboundedReceiver<Key>>) -> Key {
    if let Some(receiver) = keys {
        match receiver.recv().await {
            Some(key) => return key,
            None => *keys = None,
        }
    }
    std::future::pending().await
}

/// Waits for the deadline, where there is one.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn is_expiry(error: &Error) -> bool {
    match error {
        Error::Expired => true,
        Error::Refused(response) => response.error == ErrorCode::ExpiredToken,
        _ => false,
    }
}
