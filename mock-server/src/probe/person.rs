//! Who decides about logins: the control interface of a mock-server, or commands that know the server's pages.

use std::io::{self, Write as _};
use std::process::{Output, Stdio};

use serde_json::json;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::browser::{Arrival, Browser};
use super::check::Miss;
use super::http_client::{HttpClient, Request};
use super::logins::DeviceLogin;

/// What a person may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approve,
    Deny,
}

impl Decision {
    const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// The person in whose name the probe signs in.
pub(super) struct Person {
    approve: Option<String>,
    deny: Option<String>,
    /// The URL of a mock-server.
    mock_server: Option<String>,
    /// One command at a time: it may drive a browser.
    turn: Mutex<()>,
}

impl Person {
    /// The commands go before the control interface.
    pub(super) fn new(approve: Option<&str>, deny: Option<&str>, mock_server: Option<&str>) -> Self {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Self { approve: own(approve), deny: own(deny), mock_server: own(mock_server), turn: Mutex::default() }
    }

    /// Whether there is anybody to decide so.
    pub(super) fn can(&self, decision: Decision) -> Result<(), Miss> {
        if self.mock_server.is_some() || self.command(decision).is_some() {
            return Ok(());
        }
        Err(Miss::Unknown(format!("needs --{} CMD", decision.word())))
    }

    /// Decides about a device login.
    pub(super) async fn decide(
        &self,
        http: &HttpClient,
        login: &DeviceLogin,
        decision: Decision,
    ) -> Result<(), Miss> {
        self.can(decision)?;
        if let Some(command) = self.command(decision) {
            let mut variables =
                vec![("USER_CODE", &*login.user_code), ("VERIFICATION_URI", &login.verification_uri)];
            let complete = login.verification_uri_complete.as_deref();
            variables.extend(complete.map(|uri| ("VERIFICATION_URI_COMPLETE", uri)));
            return self.run(command, &variables).await.map(drop);
        }
        let base = self.mock_server.as_deref().unwrap_or_default();
        let url = format!("{base}/_control/devices/{}", decision.word());
        let answer =
            http.send(Request::post_json(&url, &json!({ "device_code": login.device_code }))).await?;
        if (200..300).contains(&answer.status) {
            return Ok(());
        }
        Err(Miss::Unknown(format!("the control interface answered {}", answer.in_words())))
    }

    /// Decides about an authorization request: where the browser is sent then, and the status that sent it.
    pub(super) async fn decide_at(
        &self,
        http: &HttpClient,
        authorization_url: &str,
        redirect_uri: &str,
        decision: Decision,
    ) -> Result<(String, Option<u16>), Miss> {
        let mut browser = Browser::new(http, Some(redirect_uri));
        let page = match browser.open(authorization_url).await? {
            // Nobody had to be asked.
            Arrival::Destination(_, _) if decision == Decision::Deny => {
                return Err(Miss::Unknown("the server asks nobody".to_owned()));
            }
            Arrival::Destination(url, status) => return Ok((url, Some(status))),
            Arrival::Page(page) => page,
        };
        self.can(decision)?;
        if let Some(command) = self.command(decision) {
            let variables = [("AUTHORIZATION_URL", authorization_url), ("REDIRECT_URI", redirect_uri)];
            let output = self.run(command, &variables).await?;
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            let last = printed.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
            if last.starts_with(redirect_uri) {
                return Ok((last.to_owned(), None));
            }
            let word = decision.word();
            return Err(Miss::Unknown(format!(
                "the last line of --{word} was not the redirect URI with its parameters"
            )));
        }
        let pressed = match page.form() {
            Some(form) => browser.submit(&page, &form, &[], Some(("decision", decision.word()))).await?,
            None => {
                return Err(Miss::Unknown(format!(
                    "no form to answer on the page: {}",
                    page.answer.in_words()
                )));
            }
        };
        match pressed {
            Arrival::Destination(url, status) => Ok((url, Some(status))),
            Arrival::Page(page) => {
                Err(Miss::Unknown(format!("the page answered {}", page.answer.in_words())))
            }
        }
    }

    fn command(&self, decision: Decision) -> Option<&str> {
        match decision {
            Decision::Approve => self.approve.as_deref(),
            Decision::Deny => self.deny.as_deref(),
        }
    }

    async fn run(&self, command: &str, variables: &[(&str, &str)]) -> Result<Output, Miss> {
        let _turn = self.turn.lock().await;
        let ran = Command::new("sh")
            .args(["-c", command])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| Miss::Unknown(format!("cannot run sh: {error}")))?;
        if ran.status.success() {
            return Ok(ran);
        }
        // What the command says is between it and who wrote it; where stderr is gone nobody reads it.
        let _ = io::stderr().write_all(&ran.stderr);
        Err(Miss::Unknown(format!("the command for the person failed: {}", ran.status)))
    }
}
