//! Whether the server still takes the tokens of a login, asked without spending any of them.

use oauth_client::token_store::{TokenRecord, UnixTime};
use oauth_client::{Client, Error, TokenCheck};
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::{Failure, login_command};
use crate::on_a_runtime;
use crate::settings::{Flow, Settings};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LoginCheck {
    access_token: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Verdict>,
    /// The client itself gets another token, with its secret.
    #[serde(skip)]
    is_own: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Works,
    /// By this machine's clock; the server was not asked.
    Expired,
    Refused,
    /// The server offers this client no way to ask.
    NotChecked,
}

impl LoginCheck {
    /// Asks the server. The refresh token matters only where the access token is not known to work.
    pub(crate) fn ask(settings: &Settings, record: &TokenRecord, now: UnixTime) -> Result<Self, Failure> {
        let client = settings.client()?;
        on_a_runtime(async { Ok(Self::ask_with(&client, settings, record, now).await?) })
    }

    async fn ask_with(
        client: &Client,
        settings: &Settings,
        record: &TokenRecord,
        now: UnixTime,
    ) -> Result<Self, Error> {
        let access_token = if record.is_alive(now) {
            client.check_access_token(&record.access_token).await?.into()
        } else {
            Verdict::Expired
        };
        let refresh_token = match &record.refresh_token {
            None => None,
            Some(_) if access_token == Verdict::Works => None,
            Some(_) if record.login_needed => Some(Verdict::Refused),
            Some(refresh_token) => Some(client.check_refresh_token(refresh_token).await?.into()),
        };
        Ok(Self { access_token, refresh_token, is_own: settings.flow == Some(Flow::ClientCredentials) })
    }

    /// Whether nothing is left that could work.
    pub(crate) fn needs_login(self) -> bool {
        let is_dead = matches!(self.access_token, Verdict::Expired | Verdict::Refused);
        let has_successor = matches!(self.refresh_token, Some(Verdict::Works | Verdict::NotChecked));
        is_dead && !has_successor && !self.is_own
    }

    /// What ends the command, where the login may have ended and only a refresh would tell.
    pub(crate) fn doubt(self, profile: &str) -> Option<Failure> {
        if self.access_token != Verdict::Refused || self.needs_login() {
            return None;
        }
        let again = login_command(profile);
        let profile = if profile == "default" { String::new() } else { format!(" --profile {profile}") };
        let message = match self.refresh_token {
            Some(Verdict::Works) | None => {
                format!(
                    "the server refuses the access token: run device-cli refresh --force{profile} for another"
                )
            }
            _ => format!(
                "the server refuses the access token: run device-cli refresh --force{profile}, and where that is refused \
                 too, {again}"
            ),
        };
        Some(Failure::new(ExitCode::Refused, "invalid_token", message))
    }

    pub(crate) const fn in_words(self) -> &'static str {
        match (self.access_token, self.refresh_token) {
            (Verdict::Works, _) => "the server takes the access token",
            (Verdict::Refused, Some(Verdict::Works)) => {
                "the server refuses the access token and takes the refresh token"
            }
            (Verdict::Refused, Some(Verdict::Refused)) => "the server refuses both tokens",
            (Verdict::Refused, _) => "the server refuses the access token",
            (Verdict::Expired, Some(Verdict::Works)) => "the server takes the refresh token",
            (Verdict::Expired, Some(Verdict::Refused)) => "the server refuses the refresh token",
            (Verdict::Expired, _) => "the access token has expired, and only a refresh would tell more",
            (Verdict::NotChecked, Some(Verdict::Works)) => {
                "the server takes the refresh token; it offers no way to check the access token"
            }
            (Verdict::NotChecked, Some(Verdict::Refused)) => {
                "the server refuses the refresh token; it offers no way to check the access token"
            }
            (Verdict::NotChecked, _) => "the server offers this client no way to ask",
        }
    }
}

impl From<TokenCheck> for Verdict {
    fn from(check: TokenCheck) -> Self {
        match check {
            TokenCheck::Active => Self::Works,
            TokenCheck::Inactive => Self::Refused,
            _ => Self::NotChecked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LoginCheck, Verdict};
    use crate::exit_code::ExitCode;

    fn check(access_token: Verdict, refresh_token: Option<Verdict>) -> LoginCheck {
        LoginCheck { access_token, refresh_token, is_own: false }
    }

    #[test]
    fn a_login_is_needed_only_where_nothing_is_left_that_may_work() {
        use Verdict::{Expired, NotChecked, Refused, Works};
        for (access_token, refresh_token, is_needed) in [
            (Works, None, false),
            (NotChecked, None, false),
            (NotChecked, Some(Refused), false),
            (Expired, Some(Works), false),
            (Expired, Some(NotChecked), false),
            (Refused, Some(Works), false),
            (Refused, Some(NotChecked), false),
            (Expired, Some(Refused), true),
            (Refused, Some(Refused), true),
            (Refused, None, true),
        ] {
            let check = check(access_token, refresh_token);
            assert_eq!(check.needs_login(), is_needed, "{check:?}");
            assert!(!LoginCheck { is_own: true, ..check }.needs_login());
        }
    }

    #[test]
    fn a_refused_token_is_told_with_what_would_clear_it_up() {
        let doubt = check(Verdict::Refused, Some(Verdict::NotChecked)).doubt("work").unwrap();
        assert_eq!(doubt.exit_code, ExitCode::Refused);
        assert!(
            doubt
                .message
                .contains("device-cli refresh --force --profile work, and where that is refused too,"),
            "{doubt}"
        );
        assert!(check(Verdict::Refused, Some(Verdict::Refused)).doubt("work").is_none(), "a login is needed");
        assert!(check(Verdict::Works, None).doubt("work").is_none());
    }
}
