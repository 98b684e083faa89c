//! Authorization codes: RFC 6749 sections 1.3.1, 4.1.2 and 10.5.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clients::Client;
use crate::clock::Timestamp;
use crate::issued_tokens::GrantId;
use crate::person::Person;
use crate::pkce::CodeChallenge;
use crate::randomness::Randomness;
use crate::scope::Scope;

/// How long a code is known after its expiry, so that a second use still revokes the tokens of the first.
const REMEMBERED_AFTER_EXPIRY: Duration = Duration::from_secs(60 * 60);

/// More codes than any test has on their way; past it the endpoint says `temporarily_unavailable`.
const CAPACITY: usize = 20_000;

/// What the person approved, and what the token request must show.
#[derive(Deserialize, Serialize)]
pub(crate) struct AuthorizationCode {
    pub(crate) client: Arc<Client>,
    pub(crate) person: Arc<Person>,
    /// As sent in the authorization request; `None` if it was left out.
    pub(crate) redirect_uri: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) challenge: Option<CodeChallenge>,
    /// The OpenID Connect `nonce`.
    pub(crate) nonce: Option<String>,
    pub(crate) authorized_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) usage: Usage,
}

/// "The client MUST NOT use the authorization code more than once."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Usage {
    Fresh,
    /// A token request failed the check of PKCE: nobody gets a second guess.
    Spent,
    Redeemed(GrantId),
}

impl AuthorizationCode {
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

/// All codes that may still mean something.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct AuthorizationCodes {
    codes: HashMap<String, AuthorizationCode>,
    oldest_first: VecDeque<String>,
}

impl AuthorizationCodes {
    pub(crate) fn issue(
        &mut self,
        now: Timestamp,
        randomness: &mut Randomness,
        code: AuthorizationCode,
    ) -> String {
        self.forget_long_expired(now);
        let text = randomness.token();
        self.codes.insert(text.clone(), code);
        self.oldest_first.push_back(text.clone());
        text
    }

    /// Whether no more codes fit in until some expire.
    pub(crate) fn is_full(&mut self, now: Timestamp) -> bool {
        self.forget_long_expired(now);
        self.codes.len() >= CAPACITY
    }

    pub(crate) fn find(&mut self, code: &str) -> Option<&mut AuthorizationCode> {
        self.codes.get_mut(code)
    }

    fn forget_long_expired(&mut self, now: Timestamp) {
        while let Some(oldest) = self.oldest_first.front() {
            let remembered = |code: &AuthorizationCode| now < code.expires_at + REMEMBERED_AFTER_EXPIRY;
            if self.codes.get(oldest).is_some_and(remembered) {
                return;
            }
            self.codes.remove(oldest);
            self.oldest_first.pop_front();
        }
    }
}
