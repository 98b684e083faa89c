//! Access tokens, refresh tokens and the grants that they come from: RFC 6749 sections 1.3-1.5, RFC 9700 section 4.14.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clients::Client;
use crate::clock::Timestamp;
use crate::person::Person;
use crate::randomness::Randomness;
use crate::scope::Scope;

/// When tokens are issued, and by whom as their client knows it.
#[derive(Clone, Copy)]
pub(crate) struct Issuance<'a> {
    pub(crate) now: Timestamp,
    pub(crate) issuer: &'a Arc<str>,
}

/// Names one authorization by a person (or by a client for itself): all tokens that descend from it are one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub(crate) struct GrantId(u64);

/// What was authorized.
#[derive(Deserialize, Serialize)]
pub(crate) struct Grant {
    pub(crate) client: Arc<Client>,
    /// `None` where the client acts for itself.
    pub(crate) person: Option<Arc<Person>>,
    pub(crate) scope: Scope,
    /// The OpenID Connect `nonce` of the authorization request.
    pub(crate) nonce: Option<String>,
    pub(crate) authorized_at: Timestamp,
}

impl Grant {
    /// The `sub` claim: a client that acts for itself is its own subject (RFC 9068 section 2.2).
    pub(crate) fn subject(&self) -> &str {
        self.person.as_ref().map_or(&self.client.id, |person| &person.subject)
    }
}

/// A grant, and how many tokens of it are remembered: with the last one it is forgotten.
#[derive(Deserialize, Serialize)]
struct Family {
    grant: Grant,
    tokens: usize,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct AccessToken {
    pub(crate) grant: GrantId,
    pub(crate) scope: Scope,
    /// As the client that asked knows it.
    pub(crate) issuer: Arc<str>,
    pub(crate) jti: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct RefreshToken {
    pub(crate) grant: GrantId,
    pub(crate) issuer: Arc<str>,
    pub(crate) jti: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Rotated out: using it again revokes the family, once the grace window is over.
    pub(crate) spent: Option<Spent>,
}

/// What became of a refresh token that was rotated out.
#[derive(Deserialize, Serialize)]
pub(crate) struct Spent {
    pub(crate) at: Timestamp,
    /// What was answered to its first use, if it may have to be repeated.
    pub(crate) answer: Option<Value>,
}

/// By which a token is known: the server keeps no token that it issued.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
struct Digest([u8; 32]);

impl Digest {
    fn of(token: &str) -> Self {
        let mut digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
        Self(digest)
    }
}

impl From<Digest> for String {
    fn from(Digest(digest): Digest) -> Self {
        URL_SAFE_NO_PAD.encode(digest)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a SHA-256 digest has 32 bytes in base64url")
    }
}

/// Tokens, the first to expire on top.
type ByExpiry = BinaryHeap<Reverse<(Timestamp, Digest)>>;

/// More tokens of a kind than any test holds at a time; past it the endpoint says `temporarily_unavailable`.
pub(crate) const CAPACITY: usize = 200_000;

/// All tokens that may still mean something.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct IssuedTokens {
    last_grant: u64,
    families: HashMap<GrantId, Family>,
    access_tokens: HashMap<Digest, AccessToken>,
    refresh_tokens: HashMap<Digest, RefreshToken>,
    access_by_expiry: ByExpiry,
    refresh_by_expiry: ByExpiry,
}

impl IssuedTokens {
    pub(crate) fn add_grant(&mut self, grant: Grant) -> GrantId {
        self.last_grant += 1;
        let id = GrantId(self.last_grant);
        self.families.insert(id, Family { grant, tokens: 0 });
        id
    }

    /// Whether no more tokens fit in until some expire; those that were revoked count until then.
    pub(crate) fn is_full(&mut self, now: Timestamp) -> bool {
        self.forget_expired(now);
        self.access_by_expiry.len().max(self.refresh_by_expiry.len()) >= CAPACITY
    }

    /// The grant, unless it was revoked.
    pub(crate) fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.families.get(&id).map(|family| &family.grant)
    }

    /// Ends a grant: every token of the family is dead from now on.
    pub(crate) fn revoke_grant(&mut self, id: GrantId) {
        self.families.remove(&id);
    }

    pub(crate) fn remember_access_token(&mut self, now: Timestamp, text: &str, token: AccessToken) {
        self.forget_expired(now);
        self.count_token(token.grant);
        let digest = Digest::of(text);
        self.access_by_expiry.push(Reverse((token.expires_at, digest)));
        self.access_tokens.insert(digest, token);
    }

    pub(crate) fn issue_refresh_token(
        &mut self,
        issuance: Issuance<'_>,
        randomness: &mut Randomness,
        grant: GrantId,
        lifetime: Duration,
    ) -> String {
        let Issuance { now, issuer } = issuance;
        let text = randomness.token();
        let expires_at = now + lifetime;
        let token = RefreshToken {
            grant,
            issuer: Arc::clone(issuer),
            jti: randomness.token(),
            issued_at: now,
            expires_at,
            spent: None,
        };
        let digest = Digest::of(&text);
        self.refresh_by_expiry.push(Reverse((expires_at, digest)));
        self.refresh_tokens.insert(digest, token);
        self.count_token(grant);
        text
    }

    /// An access token that is neither expired nor revoked, with its grant.
    pub(crate) fn active_access_token(&self, now: Timestamp, token: &str) -> Option<(&AccessToken, &Grant)> {
        let access_token =
            self.access_tokens.get(&Digest::of(token)).filter(|known| now < known.expires_at)?;
        Some((access_token, self.grant(access_token.grant)?))
    }

    /// A refresh token of a living grant, not expired, but perhaps spent.
    pub(crate) fn refresh_token(
        &mut self,
        now: Timestamp,
        token: &str,
    ) -> Option<(&mut RefreshToken, &Grant)> {
        let refresh_token =
            self.refresh_tokens.get_mut(&Digest::of(token)).filter(|known| now < known.expires_at)?;
        let family = self.families.get(&refresh_token.grant)?;
        Some((refresh_token, &family.grant))
    }

    /// Keeps what was answered when `refresh_token` was spent, so that it can be repeated.
    pub(crate) fn remember_answer(&mut self, refresh_token: &str, answer: Value) {
        if let Some(spent) =
            self.refresh_tokens.get_mut(&Digest::of(refresh_token)).and_then(|token| token.spent.as_mut())
        {
            spent.answer = Some(answer);
        }
    }

    /// Lets a token be known by another text.
    pub(crate) fn rename_access_token(&mut self, from: &str, to: &str) {
        if let Some(access_token) = self.access_tokens.remove(&Digest::of(from)) {
            let digest = Digest::of(to);
            self.access_by_expiry.push(Reverse((access_token.expires_at, digest)));
            self.access_tokens.insert(digest, access_token);
        }
    }

    /// Ends one access token; the rest of the family lives on.
    pub(crate) fn revoke_access_token(&mut self, token: &str) {
        if let Some(access_token) = self.access_tokens.remove(&Digest::of(token)) {
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
        while let Some(digest) = pop_expired(&mut self.access_by_expiry, now) {
            if let Some(expired) = self.access_tokens.remove(&digest) {
                self.forget_token(expired.grant);
            }
        }
        while let Some(digest) = pop_expired(&mut self.refresh_by_expiry, now) {
            if let Some(expired) = self.refresh_tokens.remove(&digest) {
                self.forget_token(expired.grant);
            }
        }
    }
}

fn pop_expired(by_expiry: &mut ByExpiry, now: Timestamp) -> Option<Digest> {
    let Reverse((expires_at, _)) = by_expiry.peek()?;
    if now < *expires_at {
        return None;
    }
    by_expiry.pop().map(|Reverse((_, digest))| digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Supported;

    #[test]
    fn what_has_expired_is_forgotten_with_its_grant() {
        let mut tokens = IssuedTokens::default();
        let client = Arc::new(Client::confidential("service", "secret"));
        let start = Timestamp::from_unix(Duration::from_secs(1_800_000_000));
        let scope = Scope::requested(None, &Supported { scopes: &["read".to_owned()], any: false }).unwrap();
        for minute in 0..600 {
            let now = start + Duration::from_secs(60 * minute);
            let grant = Grant {
                client: Arc::clone(&client),
                person: None,
                scope: scope.clone(),
                nonce: None,
                authorized_at: now,
            };
            let token = AccessToken {
                grant: tokens.add_grant(grant),
                scope: scope.clone(),
                issuer: "".into(),
                jti: String::new(),
                issued_at: now,
                expires_at: now + Duration::from_secs(60 * 60),
            };
            tokens.remember_access_token(now, &minute.to_string(), token);
        }
        assert_eq!((tokens.access_tokens.len(), tokens.families.len()), (60, 60));
        assert_eq!(tokens.access_by_expiry.len(), 60);
    }
}
