//! Which login a record belongs to.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The three names that tell one login from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenKey {
    /// The authorization server, byte for byte as its metadata names it (RFC 8414 §2).
    pub issuer: String,
    /// The client (RFC 6749 §2.2).
    pub client_id: String,
    /// The caller's own name for the login: a profile, a person, a tenant.
    pub account: String,
}

impl TokenKey {
    /// The login of `account` as `client_id` at `issuer`.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>, account: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), client_id: client_id.into(), account: account.into() }
    }

    /// The key as a file name: its hash in 64 hexadecimal digits.
    pub(crate) fn file_stem(&self) -> String {
        hexadecimal(&self.sha256())
    }

    /// Each name goes in with its length, so that no two keys run together.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for name in [&self.issuer, &self.client_id, &self.account] {
            hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(name.as_bytes());
        }
        hash.finalize().into()
    }
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
