//! An access token that works now, for whichever command needs one.

use std::time::Duration;

use oauth_client::token_store::{
    FreshToken, LoginNeeded, RefreshError, TokenNeed, UnixTime, Warning, use_without_lock,
};
use oauth_client::{Error, Scope, Secret, Session, SessionError};

use crate::configuration;
use crate::exit_code::ExitCode;
use crate::failure::{Failure, login_command};
use crate::interruption::Interruption;
use crate::login_status::in_words;
use crate::on_a_runtime;
use crate::remembered_login::RememberedLogin;
use crate::settings::{Flow, Settings};
use crate::terminal::Terminal;

/// Which token is wanted.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// One that is valid for at least so long.
    For(Duration),
    /// Another one than this, which somebody has refused.
    OtherThan(Secret),
    /// Another one than the stored one.
    New,
}

/// Whether a person may be asked for a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    Allowed,
    /// Another program waits for the answer.
    Forbidden,
}

/// A token, and whose it is.
pub(crate) struct AccessToken {
    pub(crate) profile: String,
    pub(crate) settings: Settings,
    pub(crate) fresh: FreshToken,
    /// Another one than was stored when it was asked for.
    pub(crate) is_new: bool,
}

impl AccessToken {
    /// The token of the profile that is asked for. A warning with it is told at once.
    pub(crate) fn get(
        profile: Option<&str>,
        wanted: Wanted,
        asking: Asking,
        terminal: &mut Terminal,
    ) -> Result<Self, Failure> {
        let profile = configuration::profile_name(profile)?;
        let remembered = RememberedLogin::required(&profile)?;
        let store = match asking {
            Asking::Allowed => remembered.open(&profile, terminal)?,
            Asking::Forbidden => remembered.open_unasked()?,
        };
        let key = remembered.key(&profile);
        let Some(record) = store.store.load(&key)? else { return Err(Failure::login_required(&profile)) };
        let before = record.access_token.clone();
        let kept = what_is_kept(&wanted, record.life_left(UnixTime::now()));
        let wanted = match wanted {
            Wanted::New => Wanted::OtherThan(before.clone()),
            wanted => wanted,
        };
        // A fresh token costs one file: no runtime, no HTTP, no lock.
        let min_ttl = if let Wanted::For(min_ttl) = wanted { min_ttl } else { Duration::ZERO };
        let is_own = remembered.settings.flow == Some(Flow::ClientCredentials);
        let scope = remembered.settings.scope();
        let need = wanted.need();
        let need = if is_own { need.from_client_credentials(Scope::parse(&scope)) } else { need };
        let stored = use_without_lock(record, &need, UnixTime::now())
            .map_err(|error: RefreshError| failure(SessionError::from(error), &profile, &kept))?;
        let settings = remembered.settings;
        let fresh = if let Some(fresh) = stored {
            fresh
        } else {
            let session = Session::open_key(settings.client()?, store.store, key);
            let session = if is_own { session.with_client_credentials(&scope) } else { session };
            on_a_runtime(refresh(&session, wanted, &profile, &kept, terminal))?
        };
        if let Some(left) = fresh.record.life_left(UnixTime::now())
            && left < min_ttl
            // What is stored nowhere is given in any case.
            && !matches!(fresh.warning, Some(Warning::NotStored(_)))
        {
            return Err(too_short(left, fresh.warning));
        }
        if let Some(warning) = &fresh.warning {
            terminal.say(&format!("warning: {warning}"));
        }
        let is_new = fresh.record.access_token.expose() != before.expose();
        Ok(Self { profile, settings, fresh, is_new })
    }

    /// The token itself. The SDK takes none that is not printable (RFC 6749 §A.12).
    pub(crate) const fn secret(&self) -> &Secret {
        &self.fresh.record.access_token
    }

    /// The `id_token` that came last: a server need not send a new one with each refresh (OpenID Connect Core
    /// §12.2).
    pub(crate) fn id_token(&self) -> Result<&Secret, Failure> {
        self.fresh.record.id_token.as_ref().ok_or_else(|| {
            let again = login_command(&self.profile);
            Failure::new(
                ExitCode::LoginRequired,
                "no_id_token",
                format!("this login has no id_token: run {again} --scope openid"),
            )
        })
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization_header(&self) -> Result<Secret, Failure> {
        Ok(self.settings.client()?.authorization_header(self.secret()))
    }

    /// When it expires, where that is known.
    pub(crate) fn expires_at(&self) -> Option<UnixTime> {
        self.fresh.record.expires_at()
    }
}

impl Wanted {
    fn need(&self) -> TokenNeed {
        match self {
            Self::For(min_ttl) => TokenNeed::new().with_min_ttl(*min_ttl),
            Self::OtherThan(refused) => TokenNeed::new().other_than(refused.clone()),
            Self::New => TokenNeed::new(),
        }
    }
}

/// Between sending a refresh and storing its answer no signal ends it, for a refresh token that was sent
/// may be spent; a second signal does.
async fn refresh(
    session: &Session,
    wanted: Wanted,
    profile: &str,
    kept: &str,
    terminal: &mut Terminal,
) -> Result<FreshToken, Failure> {
    let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
    let refresh = async {
        match &wanted {
            Wanted::For(min_ttl) => session.access_token_for(*min_ttl).await,
            Wanted::OtherThan(refused) => session.access_token_other_than(refused).await,
            Wanted::New => session.access_token().await,
        }
    };
    let mut refresh = std::pin::pin!(refresh);
    let mut interrupted = None;
    let result = loop {
        tokio::select! {
            result = &mut refresh => break result,
            code = interruption.next(), if interrupted.is_none() => {
                interrupted = Some(code);
                terminal.say("The refresh is finished first; once more ends it at once.");
            }
        }
    };
    match interrupted {
        Some(code) => Err(Failure::new(code, "cancelled", "Cancelled. The login is kept.")),
        None => result.map_err(|error| failure(error, profile, kept)),
    }
}

/// What is there still where no new token comes. One that somebody has refused is not praised.
fn what_is_kept(wanted: &Wanted, left: Option<Duration>) -> String {
    match (wanted, left) {
        (_, Some(Duration::ZERO)) => "the token has expired, the login is kept".to_owned(),
        (Wanted::New, Some(left)) => format!("the token that is there serves for {} more", in_words(left)),
        (Wanted::New, None) => "the token that is there serves on".to_owned(),
        _ => "the login is kept".to_owned(),
    }
}

/// A script that asked for so long cannot see a warning.
fn too_short(left: Duration, warning: Option<Warning>) -> Failure {
    let minutes = Duration::from_secs(left.as_secs().div_ceil(60) * 60);
    let told =
        format!("the token is valid for at most {} more, less than --min-ttl asks for", in_words(minutes));
    let (failure, why) = match warning {
        Some(Warning::RefreshFailed(error)) => {
            let failure = Failure::from(Error::from(error));
            let why = format!("the refresh failed: {}", failure.message);
            (failure, why)
        }
        Some(Warning::RefreshPostponed(moment)) => {
            let why = format!("a refresh failed a moment ago; try again in {}", in_words(until(moment)));
            (Failure::new(ExitCode::ServerUnreachable, "server_unreachable", ""), why)
        }
        Some(Warning::NotRefreshed(error)) => {
            let failure = Failure::from(error);
            let why = format!("it was not refreshed: {}", failure.message);
            (failure, why)
        }
        _ => {
            let why = "the server gives no longer one: ask for less".to_owned();
            (Failure::new(ExitCode::Refused, "token_too_short", ""), why)
        }
    };
    Failure { message: format!("{told}, and {why}"), ..failure }
}

fn until(moment: UnixTime) -> Duration {
    moment.saturating_duration_since(UnixTime::now())
}

fn failure(error: SessionError, profile: &str, kept: &str) -> Failure {
    let message = error.to_string();
    match error {
        SessionError::LoginNeeded(LoginNeeded::NoRecord) => Failure::login_required(profile),
        SessionError::LoginNeeded(_) => {
            let again = login_command(profile);
            Failure::new(ExitCode::LoginRequired, "login_required", format!("{message}: {again}"))
        }
        SessionError::Refresh(error) => {
            let failure = Failure::from(error);
            Failure { message: format!("the refresh failed: {}; {kept}", failure.message), ..failure }
        }
        SessionError::Postponed(moment) => {
            let wait = in_words(until(moment));
            let message = format!("a refresh failed a moment ago: try again in {wait}; {kept}");
            Failure::new(ExitCode::ServerUnreachable, "server_unreachable", message)
        }
        SessionError::Store(error) => error.into(),
        _ => Failure::new(ExitCode::General, "interrupted", message),
    }
}
