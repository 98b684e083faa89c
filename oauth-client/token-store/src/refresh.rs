//! An access token that works now, refreshed at most once by all processes together.

use std::time::Duration;

use oauth_protocol::{AccessTokenResponse, Error, ErrorCode, ErrorResponse, Scope, Secret, TransportFailure};

use crate::{
    FreshToken, LockedRecord, LoginNeeded, RefreshError, RefreshPoint, StoreError, StoreProblem, TokenKey,
    TokenRecord, TokenStore, UnixTime, Warning,
};

/// The pause after the first failed refresh; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that failures alone lead to.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause that a server can ask for. One further away comes from a clock that was wrong.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What the caller needs of a token.
#[derive(Clone, Debug, Default)]
pub struct TokenNeed {
    min_ttl: Duration,
    rejected: Option<Secret>,
    client_credentials: Option<Scope>,
    seen_generation: Option<u64>,
}

/// What the next access token is asked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant<'a> {
    /// This refresh token (RFC 6749 §6).
    RefreshToken(&'a Secret),
    /// The client's own credentials (RFC 6749 §4.4).
    ClientCredentials,
}

/// What follows once the lock is held.
#[derive(Debug)]
#[must_use]
pub enum NextStep {
    /// Nothing: here is the token.
    Use(FreshToken),
    /// Send what [`PendingRefresh::grant`] says, then call [`PendingRefresh::complete`].
    Refresh(PendingRefresh),
}

/// A refresh that may be sent now: the lock is held, the space for the answer is set aside, and the record
/// says that a refresh is under way.
///
/// Dropping it is what a crash is: the lock is freed, the mark stays, and whoever comes next sends the same
/// refresh token once more.
#[derive(Debug)]
#[must_use = "the lock is held until it is completed or dropped"]
pub struct PendingRefresh {
    locked: Box<dyn LockedRecord>,
    record: TokenRecord,
    /// `None`: the client asks with its own credentials.
    refresh_token: Option<Secret>,
    need: TokenNeed,
    sent_at: UnixTime,
}

/// An access token for `key` that works now.
///
/// While the stored one is fresh this reads one file. After that one caller among all threads and processes
/// refreshes: `exchange` sends the grant, in at most 30 seconds, and says what came back; the others wait for
/// it and use its result. `clock` is read several times, since waiting takes time.
pub fn fresh_token(
    store: &dyn TokenStore,
    key: &TokenKey,
    need: &TokenNeed,
    clock: &dyn Fn() -> UnixTime,
    exchange: impl FnOnce(Grant<'_>) -> Result<AccessTokenResponse, Error>,
) -> Result<FreshToken, RefreshError> {
    match next_step(store, key, need, clock)? {
        NextStep::Use(token) => Ok(token),
        NextStep::Refresh(pending) => {
            let answer = exchange(pending.grant());
            pending.complete(answer, clock(), RefreshPoint::draw())
        }
    }
}

/// [`fresh_token`] up to the exchange, for a caller that does not block during it.
pub fn next_step(
    store: &dyn TokenStore,
    key: &TokenKey,
    need: &TokenNeed,
    clock: &dyn Fn() -> UnixTime,
) -> Result<NextStep, RefreshError> {
    let Some(seen) = need.record_in(store.load(key))? else {
        return begin_refresh(store.lock(key)?, key, 0, need, clock());
    };
    let seen_generation = need.seen_generation.unwrap_or(seen.generation);
    match decide(&seen, seen_generation, need, clock()) {
        Decision::Use(warning) => Ok(NextStep::Use(FreshToken { record: seen, warning })),
        Decision::Refuse(error) => Err(error),
        Decision::Refresh(_) => match store.lock(key) {
            Ok(locked) => begin_refresh(locked, key, seen_generation, need, clock()),
            Err(error) => serve_despite(error, seen, need, clock()),
        },
    }
}

/// The first step: the token of `record`, or `None` where a refresh is due and the lock is to be taken.
pub fn use_without_lock(
    record: TokenRecord,
    need: &TokenNeed,
    now: UnixTime,
) -> Result<Option<FreshToken>, RefreshError> {
    let seen = need.seen_generation.unwrap_or(record.generation);
    match decide(&record, seen, need, now) {
        Decision::Use(warning) => Ok(Some(FreshToken { record, warning })),
        Decision::Refuse(error) => Err(error),
        Decision::Refresh(_) => Ok(None),
    }
}

/// The second step, under the lock: reads the record again, since others may have refreshed or signed out
/// while the lock was waited for. `seen_generation` is the one that made the caller take the lock, 0 where
/// there was no record.
pub fn begin_refresh(
    mut locked: Box<dyn LockedRecord>,
    key: &TokenKey,
    seen_generation: u64,
    need: &TokenNeed,
    now: UnixTime,
) -> Result<NextStep, RefreshError> {
    let record = need.record_in(locked.load())?.unwrap_or_else(|| TokenRecord::before_any(key.clone(), now));
    match decide(&record, seen_generation, need, now) {
        Decision::Use(warning) => Ok(NextStep::Use(FreshToken { record, warning })),
        Decision::Refuse(error) => Err(error),
        Decision::Refresh(refresh_token) => {
            let in_doubt = match &refresh_token {
                Some(refresh_token) => record.in_doubt_with(refresh_token),
                // Nothing is spent: the request can be sent any number of times.
                None => record.clone(),
            };
            if let Err(error) = locked.reserve(&in_doubt) {
                return serve_despite(error, record, need, now);
            }
            let (record, need) = (in_doubt, need.clone());
            Ok(NextStep::Refresh(PendingRefresh { locked, record, refresh_token, need, sent_at: now }))
        }
    }
}

impl TokenNeed {
    /// Any token that is alive, refreshed when its time has come.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that lives at least this long. Forces one refresh at most.
    #[must_use]
    pub fn with_min_ttl(mut self, min_ttl: Duration) -> Self {
        self.min_ttl = min_ttl;
        self
    }

    /// Another token than this one: a resource server has just answered it with 401 (RFC 6750 §3.1).
    #[must_use]
    pub fn other_than(mut self, rejected: Secret) -> Self {
        self.rejected = Some(rejected);
        self
    }

    /// A token for the client itself (RFC 6749 §4.4), with this scope: nobody signs in, and no refresh token
    /// is used. All processes share one token until it nears its end. Give each scope a key of its own.
    #[must_use]
    pub fn from_client_credentials(mut self, scope: Scope) -> Self {
        self.client_credentials = Some(scope);
        self
    }

    /// The caller saw this generation of the record, 0 for none, before it waited for its turn: a newer token
    /// is taken as it is, for its life cannot be made longer by one more refresh.
    #[must_use]
    pub fn since_generation(mut self, generation: u64) -> Self {
        self.seen_generation = Some(generation);
        self
    }

    /// The record that was read. A client with credentials of its own needs none, and its new token may take
    /// the place of one that cannot be read.
    fn record_in(
        &self,
        loaded: Result<Option<TokenRecord>, StoreError>,
    ) -> Result<Option<TokenRecord>, RefreshError> {
        match loaded {
            Ok(None) if self.client_credentials.is_none() => Err(LoginNeeded::NoRecord.into()),
            Err(error) if self.client_credentials.is_some() && error.problem().gives_way_to_a_login() => {
                Ok(None)
            }
            loaded => Ok(loaded?),
        }
    }

    fn is_covered_by(&self, record: &TokenRecord, now: UnixTime) -> bool {
        record.life_left(now).is_none_or(|left| left >= self.min_ttl)
    }
}

impl PendingRefresh {
    /// What to send.
    pub fn grant(&self) -> Grant<'_> {
        self.refresh_token.as_ref().map_or(Grant::ClientCredentials, Grant::RefreshToken)
    }

    /// The last step: what came back is written, and the lock is freed.
    pub fn complete(
        self,
        answer: Result<AccessTokenResponse, Error>,
        now: UnixTime,
        point: RefreshPoint,
    ) -> Result<FreshToken, RefreshError> {
        match answer {
            Ok(response) => Ok(self.succeeded(&response, point)),
            Err(Error::Refused(ErrorResponse { error: ErrorCode::InvalidGrant, .. }))
                if self.refresh_token.is_some() =>
            {
                self.refused(now).map_err(RefreshError::from)
            }
            Err(error) => self.failed(error, now),
        }
    }

    fn succeeded(mut self, response: &AccessTokenResponse, point: RefreshPoint) -> FreshToken {
        let record = match &self.need.client_credentials {
            Some(scope) => self.record.renewed(response, scope, self.sent_at, point),
            None => self.record.refreshed(response, self.sent_at, point),
        };
        // What fails once may work the next time, in another temporary file.
        let stored = self.locked.save(&record).or_else(|_| self.locked.save(&record));
        let warning = match stored {
            Err(error) => Some(Warning::NotStored(self.locked.rescue(&record, error))),
            Ok(()) if self.need.is_covered_by(&record, self.sent_at) => None,
            Ok(()) => Some(Warning::ShorterThanAsked),
        };
        FreshToken { record, warning }
    }

    /// The record is kept: only a person's logout or login takes its place.
    fn refused(mut self, now: UnixTime) -> Result<FreshToken, LoginNeeded> {
        match self.locked.load() {
            Ok(None) => return Err(LoginNeeded::NoRecord),
            // Somebody writes past the lock; their token is the newer one.
            Ok(Some(record)) if record.generation != self.record.generation => {
                if record.is_alive(now) {
                    return Ok(FreshToken { record, warning: None });
                }
            }
            _ => {
                let marked = TokenRecord { login_needed: true, in_doubt: None, ..self.record };
                // Unwritten, the mark costs the next caller a request with the same answer.
                let _ = self.locked.save(&marked);
            }
        }
        Err(LoginNeeded::Refused)
    }

    /// The old tokens are kept; nobody tries again before a pause is over.
    fn failed(mut self, error: Error, now: UnixTime) -> Result<FreshToken, RefreshError> {
        let failures = self.record.failures.saturating_add(1);
        let pause = pause_after(failures).max(retry_after(&error).min(LONGEST_RETRY_AFTER));
        let in_doubt = self.record.in_doubt.take().filter(|_| may_have_been_exchanged(&error));
        let retry_not_before = Some(now.saturating_add(pause));
        let record = TokenRecord { retry_not_before, failures, in_doubt, ..self.record };
        // Unwritten, the next caller tries at once: a nuisance to the server, no loss.
        let _ = self.locked.save(&record);
        if is_usable(&record, &self.need, now) {
            Ok(FreshToken { record, warning: Some(Warning::RefreshFailed(error)) })
        } else {
            Err(RefreshError::Exchange(error))
        }
    }
}

/// What to do with a record at a moment.
enum Decision {
    Use(Option<Warning>),
    Refuse(RefreshError),
    /// With this refresh token, or with the client's own credentials.
    Refresh(Option<Secret>),
}

/// A store that can be read but not written, or not in time, is no reason to withhold a token that works.
/// One that is unsafe is.
fn serve_despite(
    error: StoreError,
    record: TokenRecord,
    need: &TokenNeed,
    now: UnixTime,
) -> Result<NextStep, RefreshError> {
    let is_passing = matches!(
        error.problem(),
        StoreProblem::Io { .. }
            | StoreProblem::Server { .. }
            | StoreProblem::LockLost
            | StoreProblem::LockTimeout { .. }
            | StoreProblem::KeyUnavailable { .. }
            | StoreProblem::Keyring(_)
    );
    if is_passing && is_usable(&record, need, now) {
        Ok(NextStep::Use(FreshToken { record, warning: Some(Warning::NotRefreshed(error)) }))
    } else {
        Err(error.into())
    }
}

/// One arm a rule; the first that holds wins.
fn decide(record: &TokenRecord, seen_generation: u64, need: &TokenNeed, now: UnixTime) -> Decision {
    let is_usable = is_usable(record, need, now);
    let is_covered = need.is_covered_by(record, now);
    let too_short = || (!is_covered).then_some(Warning::ShorterThanAsked);
    let has_moved_on = record.generation != seen_generation;
    let postponed_until = record
        .retry_not_before
        .filter(|&moment| now < moment && moment <= now.saturating_add(LONGEST_RETRY_AFTER));
    if is_usable && record.is_fresh(now) && (is_covered || has_moved_on) {
        // Fresh; or refreshed by somebody else a moment ago, and not to be had any longer-lived.
        return Decision::Use(too_short());
    }
    let refresh_token = match (&need.client_credentials, &record.refresh_token) {
        (Some(_), _) => None,
        (None, Some(refresh_token)) => Some(refresh_token),
        (None, None) if is_usable => return Decision::Use(too_short()),
        (None, None) => return Decision::Refuse(LoginNeeded::NoRefreshToken.into()),
    };
    match postponed_until {
        _ if refresh_token.is_some() && record.login_needed => Decision::Refuse(LoginNeeded::Refused.into()),
        Some(moment) if is_usable => Decision::Use(Some(Warning::RefreshPostponed(moment))),
        Some(moment) => Decision::Refuse(RefreshError::Postponed(moment)),
        None => Decision::Refresh(refresh_token.cloned()),
    }
}

fn is_usable(record: &TokenRecord, need: &TokenNeed, now: UnixTime) -> bool {
    record.is_alive(now) && need.rejected.as_ref() != Some(&record.access_token)
}

fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

fn retry_after(error: &Error) -> Duration {
    match error {
        Error::Unavailable(unavailable) => unavailable.retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// Whether the server may have exchanged the refresh token although no token arrived. Where the connection
/// was never made, or the server refused, it has not.
fn may_have_been_exchanged(error: &Error) -> bool {
    !matches!(
        error,
        Error::Refused(_)
            | Error::Transport(TransportFailure::Dns | TransportFailure::Connect | TransportFailure::Tls)
    )
}
