//! Access tokens, refresh tokens and the grants that they come from: RFC 6749 sections 1.3-1.5, RFC 9700 section 4.14.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::randomness::Randomness;
use crate::scope::Scope;

/// How long an access token is good for.
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long a refresh token is good for, spent ones included: as long their reuse is noticed.
const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Names one authorization by a person (or by a client for itself): all tokens that descend from it are one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GrantId(u64);

/// What was authorized.
pub(crate) struct Grant {
    pub(crate) client_id: &'static str,
    /// The person, or `None` where the client acts for itself.
    pub(crate) subject: Option<&'static str>,
    pub(crate) scope: Scope,
    /// The OpenID Connect `nonce` of the authorization request.
    pub(crate) nonce: Option<String>,
    pub(crate) authorized_at: Timestamp,
}

/// A grant, and how many tokens of it are remembered: with the last one it is forgotten.
struct Family {
    grant: Grant,
    tokens: usize,
}

pub(crate) struct AccessToken {
    pub(crate) grant: GrantId,
    pub(crate) scope: Scope,
    pub(crate) jti: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(crate) struct RefreshToken {
    pub(crate) grant: GrantId,
    pub(crate) jti: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Rotated out: using it again revokes the family.
    pub(crate) spent: bool,
}

/// All tokens that may still mean something.
#[derive(Default)]
pub(crate) struct IssuedTokens {
    last_grant: u64,
    families: HashMap<GrantId, Family>,
    access_tokens: HashMap<String, AccessToken>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_oldest_first: VecDeque<String>,
    refresh_oldest_first: VecDeque<String>,
}

impl IssuedTokens {
    pub(crate) fn add_grant(&mut self, grant: Grant) -> GrantId {
        self.last_grant += 1;
        let id = GrantId(self.last_grant);
        self.families.insert(id, Family { grant, tokens: 0 });
        id
    }

    /// The grant, unless it was revoked.
    pub(crate) fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.families.get(&id).map(|family| &family.grant)
    }

    /// Ends a grant: every token of the family is dead from now on.
    pub(crate) fn revoke_grant(&mut self, id: GrantId) {
        self.families.remove(&id);
    }

    pub(crate) fn issue_access_token(
        &mut self,
        now: Timestamp,
        randomness: &mut Randomness,
        grant: GrantId,
        scope: Scope,
    ) -> String {
        self.forget_expired(now);
        let token = randomness.token();
        let access_token = AccessToken {
            grant,
            scope,
            jti: randomness.token(),
            issued_at: now,
            expires_at: now + ACCESS_TOKEN_LIFETIME,
        };
        self.access_tokens.insert(token.clone(), access_token);
        self.access_oldest_first.push_back(token.clone());
        self.count_token(grant);
        token
    }

    pub(crate) fn issue_refresh_token(
        &mut self,
        now: Timestamp,
        randomness: &mut Randomness,
        grant: GrantId,
    ) -> String {
        let token = randomness.token();
        let refresh_token = RefreshToken {
            grant,
            jti: randomness.token(),
            issued_at: now,
            expires_at: now + REFRESH_TOKEN_LIFETIME,
            spent: false,
        };
        self.refresh_tokens.insert(token.clone(), refresh_token);
        self.refresh_oldest_first.push_back(token.clone());
        self.count_token(grant);
        token
    }

    /// An access token that is neither expired nor revoked, with its grant.
    pub(crate) fn active_access_token(&self, now: Timestamp, token: &str) -> Option<(&AccessToken, &Grant)> {
        let access_token = self.access_tokens.get(token).filter(|known| now < known.expires_at)?;
        Some((access_token, self.grant(access_token.grant)?))
    }

    /// A refresh token of a living grant, not expired, but perhaps spent.
    pub(crate) fn refresh_token(
        &mut self,
        now: Timestamp,
        token: &str,
    ) -> Option<(&mut RefreshToken, &Grant)> {
        let refresh_token = self.refresh_tokens.get_mut(token).filter(|known| now < known.expires_at)?;
        let family = self.families.get(&refresh_token.grant)?;
        Some((refresh_token, &family.grant))
    }

    /// Ends one access token; the rest of the family lives on.
    pub(crate) fn revoke_access_token(&mut self, token: &str) {
        if let Some(access_token) = self.access_tokens.remove(token) {
            self.forget_token(access_token.grant);
        }
    }

    fn count_token(&mut self, grant: GrantId) {
        if let Some(family) = self.families.get_mut(&grant) {
            family.tokens += 1;
        }
    }

    fn forget_token(&mut self, grant: GrantId) {
        if let Entry::Occupied(mut family) = self.families.entry(grant) {
            family.get_mut().tokens -= 1;
            if family.get().tokens == 0 {
                family.remove();
            }
        }
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while let Some(oldest) = self.access_oldest_first.front() {
            if self.access_tokens.get(oldest).is_some_and(|token| now < token.expires_at) {
                break;
            }
            if let Some(expired) = self.access_tokens.remove(oldest) {
                self.forget_token(expired.grant);
            }
            self.access_oldest_first.pop_front();
        }
        while let Some(oldest) = self.refresh_oldest_first.front() {
            if self.refresh_tokens.get(oldest).is_some_and(|token| now < token.expires_at) {
                break;
            }
            if let Some(expired) = self.refresh_tokens.remove(oldest) {
                self.forget_token(expired.grant);
            }
            self.refresh_oldest_first.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_expired_is_forgotten_with_its_grant() {
        let mut tokens = IssuedTokens::default();
        let mut randomness = Randomness::new();
        let start = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
        let scope = Scope::requested(None).unwrap();
        for minute in 0..600 {
            let now = start + Duration::from_secs(60 * minute);
            let grant = Grant {
                client_id: "service",
                subject: None,
                scope: scope.clone(),
                nonce: None,
                authorized_at: now,
            };
            let grant = tokens.add_grant(grant);
            tokens.issue_access_token(now, &mut randomness, grant, scope.clone());
        }
        assert_eq!((tokens.access_tokens.len(), tokens.families.len()), (60, 60));
        assert_eq!(tokens.access_oldest_first.len(), 60);
    }
}
