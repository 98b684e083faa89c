//! Tokens without a flow: what a test needs that is about something else than signing in.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};

use crate::authorization_server::AuthorizationServer;
use crate::clock::Timestamp;
use crate::decisions::ControlError;
use crate::issued_tokens::{Grant, Issuance};
use crate::scope::Scope;
use crate::{access_token, id_token};

/// Which tokens are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Mint {
    /// The client that gets them.
    pub client_id: String,
    /// The user that they stand for; `None` where the client acts for itself.
    #[serde(default)]
    pub user: Option<String>,
    /// Scope tokens separated by spaces; `read` if left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// How long the access token is good for, in seconds; as configured if left out.
    #[serde(default, deserialize_with = "whole_seconds")]
    pub expires_in: Option<u64>,
    /// Whether a refresh token comes with it.
    #[serde(default)]
    pub refresh_token: bool,
}

/// A number that JSON may spell `60` or `60.0`, small enough for a float to be exact.
fn whole_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(seconds) = Option::<f64>::deserialize(deserializer)? else { return Ok(None) };
    if seconds.fract() != 0.0 || !(0.0..=9_007_199_254_740_991.0).contains(&seconds) {
        let expected = "expires_in must be a whole number of seconds from 0 to 9007199254740991";
        return Err(de::Error::custom(expected));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(Some(seconds as u64))
}

impl Mint {
    /// An access token with the scope `read` by which the client acts for itself.
    pub fn for_client(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), user: None, scope: None, expires_in: None, refresh_token: false }
    }

    /// The same in the name of a user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The same with another scope.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The same, good for so long.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime.as_secs());
        self
    }

    /// The same with a refresh token.
    #[must_use]
    pub fn with_refresh_token(mut self) -> Self {
        self.refresh_token = true;
        self
    }
}

impl AuthorizationServer {
    /// Issues tokens at once: the members of an access token response (RFC 6749 section 5.1).
    pub fn mint(&mut self, now: Timestamp, mint: &Mint) -> Result<Value, ControlError> {
        let (now, issuer) = (self.virtual_time(now), &self.default_issuer());
        self.mint_as(Issuance { now, issuer }, mint)
    }

    pub(crate) fn mint_as(&mut self, issuance: Issuance<'_>, mint: &Mint) -> Result<Value, ControlError> {
        let client = self.clients.find(&mint.client_id).map(Arc::clone).ok_or(ControlError::UnknownClient)?;
        let person = match &mint.user {
            Some(user) => Some(self.people.find(user).map(Arc::clone).ok_or(ControlError::UnknownUser)?),
            None => None,
        };
        let scope = Scope::requested(mint.scope.as_deref(), &self.supported_scopes())
            .map_err(|_| ControlError::UnknownScope)?;
        if self.tokens.is_full(issuance.now) {
            return Err(ControlError::TooManyTokens);
        }
        let lifetimes = self.settings.lifetimes;
        let lifetime = mint.expires_in.map_or(lifetimes.access_token, Duration::from_secs);
        let grant = Grant { client, person, scope: scope.clone(), nonce: None, authorized_at: issuance.now };
        let grant = self.tokens.add_grant(grant);
        let access_token = access_token::issue(self, issuance, grant, &scope, lifetime);
        let mut tokens = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": lifetime.as_secs(),
            "scope": scope.to_parameter(),
        });
        if mint.refresh_token {
            let lifetime = lifetimes.refresh_token;
            tokens["refresh_token"] =
                self.tokens.issue_refresh_token(issuance, &mut self.randomness, grant, lifetime).into();
        }
        if let Some(id_token) = id_token::issue(self, issuance, grant, &scope, &access_token) {
            tokens["id_token"] = id_token.into();
        }
        Ok(tokens)
    }
}
