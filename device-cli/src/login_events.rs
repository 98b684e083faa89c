//! The events of `login --json`: one object a line, version 1.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::failure::Failure;
use crate::login_screen::Codes;
use crate::login_status::whole_seconds;

/// One event. Durations are in seconds, rounded up; moments in seconds since 1970.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum LoginEvent<'a> {
    DeviceCodeIssued {
        user_code: &'a str,
        verification_uri: &'a str,
        verification_uri_complete: Option<&'a str>,
        expires_at: u64,
        interval: u64,
    },
    /// Of `--browser`: the person may open the address too.
    AuthorizationRequested {
        authorization_url: &'a str,
        redirect_uri: &'a str,
        browser_opened: bool,
        expires_at: u64,
    },
    Pending {
        next_poll_in: u64,
        expires_in: u64,
    },
    SlowDown {
        interval: u64,
    },
    Retrying {
        cause: &'a str,
        next_poll_in: u64,
    },
    Authorized {
        account: Option<&'a str>,
        store: &'a str,
        expires_at: Option<u64>,
    },
    Failed {
        error: &'a str,
        message: &'a str,
        exit_code: u8,
    },
}

#[derive(Serialize)]
struct Versioned<'a> {
    v: u8,
    #[serde(flatten)]
    event: &'a LoginEvent<'a>,
}

impl<'a> LoginEvent<'a> {
    pub(crate) fn device_code_issued(codes: &'a Codes, expires_in: Duration, interval: Duration) -> Self {
        Self::DeviceCodeIssued {
            user_code: &codes.user_code,
            verification_uri: &codes.verification_uri,
            verification_uri_complete: codes.verification_uri_complete.as_deref(),
            expires_at: unix_seconds_in(expires_in),
            interval: whole_seconds(interval),
        }
    }

    pub(crate) fn authorization_requested(
        authorization_url: &'a str,
        redirect_uri: &'a str,
        browser_opened: bool,
        expires_in: Duration,
    ) -> Self {
        let expires_at = unix_seconds_in(expires_in);
        Self::AuthorizationRequested { authorization_url, redirect_uri, browser_opened, expires_at }
    }

    pub(crate) fn failed(failure: &'a Failure) -> Self {
        Self::Failed { error: &failure.error, message: &failure.message, exit_code: failure.exit_code as u8 }
    }

    /// The event as one line.
    pub(crate) fn to_json(&self) -> String {
        // Plain strings and numbers: this cannot fail.
        serde_json::to_string(&Versioned { v: 1, event: self }).unwrap_or_default()
    }
}

fn unix_seconds_in(duration: Duration) -> u64 {
    SystemTime::now()
        .checked_add(duration)
        .and_then(|moment| moment.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::LoginEvent;
    use crate::exit_code::ExitCode;
    use crate::failure::Failure;

    #[test]
    fn an_event_begins_with_version_and_name() {
        let pending = LoginEvent::Pending { next_poll_in: 6, expires_in: 890 };
        assert_eq!(pending.to_json(), r#"{"v":1,"event":"pending","next_poll_in":6,"expires_in":890}"#);
        let failure = Failure::new(ExitCode::Denied, "access_denied", "the login was denied");
        assert_eq!(
            LoginEvent::failed(&failure).to_json(),
            r#"{"v":1,"event":"failed","error":"access_denied","message":"the login was denied","exit_code":5}"#
        );
    }
}
