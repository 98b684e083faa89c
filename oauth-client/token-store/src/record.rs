//! The tokens of one login, and when to refresh them.

use std::fmt;
use std::time::Duration;

use oauth_protocol::{AccessTokenResponse, Scope, Secret};
use sha2::{Digest as _, Sha256};

use crate::token_key::hexadecimal;
use crate::{TokenKey, UnixTime};

/// The tokens of one login as a store keeps them. Clones hold the secrets too; `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Whose login it is.
    pub key: TokenKey,
    /// One more with each new access token: a reader that sees another number than before knows that
    /// somebody else has refreshed.
    pub generation: u64,
    /// What the token may do, as granted.
    pub scopes: Scope,
    /// How the token is used: `Bearer`.
    pub token_type: String,
    /// For the resource server.
    pub access_token: Secret,
    /// For the next access token; `None`: once this one has expired, the person signs in again.
    pub refresh_token: Option<Secret>,
    /// OpenID Connect's statement about the person, the last one that came; not validated here.
    pub id_token: Option<Secret>,
    /// When the access token's life began, at the latest: the moment its request was sent.
    pub obtained_at: UnixTime,
    /// The access token's life; `None`: unknown, it is used until a resource server answers 401.
    pub expires_in: Option<Duration>,
    /// From when on it is refreshed, drawn once so that a fleet that signed in together does not come
    /// back together; `None` where the life is unknown.
    pub refresh_at: Option<UnixTime>,
    /// The last refresh failed: no other before this moment.
    pub retry_not_before: Option<UnixTime>,
    /// Refreshes that failed in a row.
    pub failures: u32,
    /// A refresh was sent, and its answer never arrived.
    pub in_doubt: Option<InDoubt>,
    /// The server refused the refresh token (`invalid_grant`): only a new login helps.
    pub login_needed: bool,
}

/// The mark of a refresh under way, written before it is sent: after a crash it says that the server may
/// have exchanged this refresh token already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InDoubt {
    /// SHA-256 of the refresh token that was sent, in hexadecimal digits.
    pub refresh_token_sha256: String,
    /// The record's generation when it was sent.
    pub generation: u64,
    /// How often it was sent without an answer that settles the matter.
    pub tries: u32,
}

/// The part of a token's life after which it is refreshed: 70 to 90 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPoint {
    permille: u32,
}

impl RefreshPoint {
    const EARLIEST: u32 = 700;
    const LATEST: u32 = 900;

    /// The point that `random`, any evenly drawn number, stands for.
    #[must_use]
    pub fn from_random(random: u32) -> Self {
        Self { permille: Self::EARLIEST + random % (Self::LATEST - Self::EARLIEST + 1) }
    }

    /// A point drawn from the system's randomness; 80 % where there is none.
    #[must_use]
    pub fn draw() -> Self {
        getrandom::u32().map_or(Self { permille: 800 }, Self::from_random)
    }

    fn of(self, life: Duration) -> Duration {
        life.saturating_mul(self.permille) / 1000
    }
}

impl TokenRecord {
    /// The record of a new login: `response` as it came, `requested` for a server that does not repeat
    /// the scope (RFC 6749 §5.1: "if identical to the scope requested by the client"), `obtained_at` the
    /// moment the token request was sent. [`save_login`](crate::save_login) gives it its generation.
    #[must_use]
    pub fn new(
        key: TokenKey,
        response: &AccessTokenResponse,
        requested: &Scope,
        obtained_at: UnixTime,
        point: RefreshPoint,
    ) -> Self {
        Self {
            key,
            generation: 1,
            scopes: response.scope.clone().unwrap_or_else(|| requested.clone()),
            token_type: response.token_type.as_str().into(),
            access_token: response.access_token.clone(),
            refresh_token: response.refresh_token.clone(),
            id_token: response.id_token.clone(),
            obtained_at,
            expires_in: response.expires_in,
            refresh_at: response.expires_in.map(|life| obtained_at.saturating_add(point.of(life))),
            retry_not_before: None,
            failures: 0,
            in_doubt: None,
            login_needed: false,
        }
    }

    /// The record that a client with credentials of its own has before its first token: it keeps the place,
    /// and says when a failed request may be tried again.
    pub(crate) fn before_any(key: TokenKey, now: UnixTime) -> Self {
        Self {
            key,
            generation: 0,
            scopes: Scope::default(),
            token_type: "Bearer".into(),
            access_token: Secret::new(""),
            refresh_token: None,
            id_token: None,
            obtained_at: now,
            expires_in: Some(Duration::ZERO),
            refresh_at: Some(now),
            retry_not_before: None,
            failures: 0,
            in_doubt: None,
            login_needed: false,
        }
    }

    /// The record after a new token for the client itself, of which nothing stays (RFC 6749 §4.4.3).
    pub(crate) fn renewed(
        &self,
        response: &AccessTokenResponse,
        requested: &Scope,
        sent_at: UnixTime,
        point: RefreshPoint,
    ) -> Self {
        let generation = self.generation.saturating_add(1);
        Self { generation, ..Self::new(self.key.clone(), response, requested, sent_at, point) }
    }

    /// The record after a refresh: what the answer leaves out stays as it was (RFC 6749 §6).
    pub(crate) fn refreshed(
        &self,
        response: &AccessTokenResponse,
        sent_at: UnixTime,
        point: RefreshPoint,
    ) -> Self {
        let mut next = self.renewed(response, &self.scopes, sent_at, point);
        next.refresh_token = next.refresh_token.or_else(|| self.refresh_token.clone());
        next.id_token = next.id_token.or_else(|| self.id_token.clone());
        next
    }

    /// The record with the mark of a refresh that is about to be sent.
    pub(crate) fn in_doubt_with(&self, refresh_token: &Secret) -> Self {
        let refresh_token_sha256 = hexadecimal(&Sha256::digest(refresh_token.expose().as_bytes()));
        let tries = match &self.in_doubt {
            Some(earlier) if earlier.refresh_token_sha256 == refresh_token_sha256 => {
                earlier.tries.saturating_add(1)
            }
            _ => 1,
        };
        let in_doubt = InDoubt { refresh_token_sha256, generation: self.generation, tries };
        Self { in_doubt: Some(in_doubt), ..self.clone() }
    }

    /// Whether there is an access token in it: the first request for a client's own may have failed.
    #[must_use]
    pub fn holds_a_token(&self) -> bool {
        !self.access_token.expose().is_empty()
    }

    /// When the access token expires; `None`: unknown.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_in.map(|life| self.obtained_at.saturating_add(life))
    }

    /// Whether the access token can still be in its life. Before `obtained_at` the clock has gone back,
    /// and nothing is known: it counts as expired.
    #[must_use]
    pub fn is_alive(&self, now: UnixTime) -> bool {
        now >= self.obtained_at && self.expires_at().is_none_or(|end| now < end)
    }

    /// The life left, zero when it is over; `None`: unknown.
    #[must_use]
    pub fn life_left(&self, now: UnixTime) -> Option<Duration> {
        let end = self.expires_at()?;
        Some(if self.is_alive(now) { end.saturating_duration_since(now) } else { Duration::ZERO })
    }

    /// Whether the access token is alive and the moment to refresh it has not come.
    #[must_use]
    pub fn is_fresh(&self, now: UnixTime) -> bool {
        self.is_alive(now) && self.refresh_at.is_none_or(|refresh_at| now < refresh_at)
    }
}

/// Tokens stay out of it.
impl fmt::Debug for TokenRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenRecord")
            .field("key", &self.key)
            .field("generation", &self.generation)
            .field("scopes", &self.scopes)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("obtained_at", &self.obtained_at)
            .field("expires_in", &self.expires_in)
            .field("refresh_at", &self.refresh_at)
            .field("retry_not_before", &self.retry_not_before)
            .field("in_doubt", &self.in_doubt.is_some())
            .field("login_needed", &self.login_needed)
            .finish_non_exhaustive()
    }
}
