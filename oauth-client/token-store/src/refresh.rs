//! An access token that works now, refreshed at most once by all processes together.

use std::time::Duration;

use oauth_protocol::{AccessTokenResponse, Error, ErrorCode, ErrorResponse, Secret, TransportFailure};

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
}

/// What follows once the lock is held.
#[derive(Debug)]
#[must_use]
pub enum NextStep {
    /// Nothing: here is the token.
    Use(FreshToken),
    /// Send the refresh token, then call [`PendingRefresh::complete`].
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
    refresh_token: Secret,
    need: TokenNeed,
    sent_at: UnixTime,
}

/// An access token for `key` that works now.
///
/// While the stored one is fresh this reads one file. After that one caller among all threads and processes
/// refreshes: `exchange` sends the refresh token (RFC 6749 §6), in at most 30 seconds, and says what came
/// back; the others wait for it and use its result. `clock` is read several times, since waiting takes time.
pub fn fresh_token(
    store: &dyn TokenStore,
    key: &TokenKey,
    need: &TokenNeed,
    clock: &dyn Fn() -> UnixTime,
    exchange: impl FnOnce(&Secret) -> Result<AccessTokenResponse, Error>,
) -> Result<FreshToken, RefreshError> {
    match next_step(store, key, need, clock)? {
        NextStep::Use(token) => Ok(token),
        NextStep::Refresh(pending) => {
            let answer = exchange(pending.refresh_token());
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
    let seen = store.load(key)?.ok_or(LoginNeeded::NoRecord)?;
    let now = clock();
    match decide(&seen, seen.generation, need, now) {
        Decision::Use(warning) => Ok(NextStep::Use(FreshToken { record: seen, warning })),
        Decision::Refuse(error) => Err(error),
        Decision::Refresh(_) => match store.lock(key) {
            Ok(locked) => begin_refresh(locked, seen.generation, need, clock()),
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
    let seen = record.generation;
    match decide(&record, seen, need, now) {
        Decision::Use(warning) => Ok(Some(FreshToken { record, warning })),
        Decision::Refuse(error) => Err(error),
        Decision::Refresh(_) => Ok(None),
    }
}

/// The second step, under the lock: reads the record again, since others may have refreshed or signed out
/// while the lock was waited for. `seen_generation` is the one that made the caller take the lock.
pub fn begin_refresh(
    mut locked: Box<dyn LockedRecord>,
    seen_generation: u64,
    need: &TokenNeed,
    now: UnixTime,
) -> Result<NextStep, RefreshError> {
    let record = locked.load()?.ok_or(LoginNeeded::NoRecord)?;
    match decide(&record, seen_generation, need, now) {
        Decision::Use(warning) => Ok(NextStep::Use(FreshToken { record, warning })),
        Decision::Refuse(error) => Err(error),
        Decision::Refresh(refresh_token) => {
            let in_doubt = record.in_doubt_with(&refresh_token);
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

    fn is_covered_by(&self, record: &TokenRecord, now: UnixTime) -> bool {
        record.life_left(now).is_none_or(|left| left >= self.min_ttl)
    }
}

impl PendingRefresh {
    /// What to send.
    pub const fn refresh_token(&self) -> &Secret {
        &self.refresh_token
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
            Err(Error::Refused(ErrorResponse { error: ErrorCode::InvalidGrant, .. })) => {
                self.refused(now).map_err(RefreshError::from)
            }
            Err(error) => self.failed(error, now),
        }
    }

    fn succeeded(mut self, response: &AccessTokenResponse, point: RefreshPoint) -> FreshToken {
        let record = self.record.refreshed(response, self.sent_at, point);
        let warning = match self.locked.save(&record) {
            Err(error) => Some(Warning::NotStored(error)),
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
    Refresh(Secret),
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
        StoreProblem::Io { .. } | StoreProblem::LockTimeout { .. } | StoreProblem::KeyUnavailable { .. }
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
    let Some(refresh_token) = &record.refresh_token else {
        return if is_usable {
            Decision::Use(too_short())
        } else {
            Decision::Refuse(LoginNeeded::NoRefreshToken.into())
        };
    };
    match postponed_until {
        _ if record.login_needed => Decision::Refuse(LoginNeeded::Refused.into()),
        Some(moment) if is_usable => Decision::Use(Some(Warning::RefreshPostponed(moment))),
        Some(moment) => Decision::Refuse(RefreshError::Postponed(moment)),
        None => Decision::Refresh(refresh_token.clone()),
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
