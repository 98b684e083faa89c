//! Proof Key for Code Exchange (RFC 7636).

use alloc::string::String;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::Secret;

/// The secret half of PKCE: 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (RFC 7636 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeVerifier(Secret);

/// The text is no code verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidCodeVerifier {
    /// Shorter than 43 or longer than 128 characters.
    Length(usize),
    /// A character that is not one of `A-Z a-z 0-9 - . _ ~`.
    Character,
}

/// A verifier and how its challenge is made.
#[derive(Clone, Debug)]
pub struct Pkce {
    verifier: CodeVerifier,
    method: CodeChallengeMethod,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CodeChallengeMethod {
    S256,
    Plain,
}

impl CodeVerifier {
    /// A verifier of 43 characters from 32 bytes of a cryptographic random source, fresh for each request.
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(random)))
    }

    /// A verifier of the caller's own.
    pub fn parse(text: &str) -> Result<Self, InvalidCodeVerifier> {
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !text.bytes().all(is_unreserved) {
            return Err(InvalidCodeVerifier::Character);
        }
        if !(43..=128).contains(&text.len()) {
            return Err(InvalidCodeVerifier::Length(text.len()));
        }
        Ok(Self(Secret::from(text)))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Pkce {
    /// `S256`: "If the client is capable of using "S256", it MUST use "S256"" (RFC 7636 §4.2).
    pub const fn s256(verifier: CodeVerifier) -> Self {
        Self { verifier, method: CodeChallengeMethod::S256 }
    }

    /// `plain`: the challenge is the verifier, so whoever reads the authorization request can redeem the
    /// code. Only for a server that cannot do `S256`.
    pub const fn dangerously_use_plain_pkce(verifier: CodeVerifier) -> Self {
        Self { verifier, method: CodeChallengeMethod::Plain }
    }

    /// `code_challenge` (RFC 7636 §4.2).
    pub fn code_challenge(&self) -> String {
        match self.method {
            CodeChallengeMethod::S256 => {
                URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose().as_bytes()))
            }
            CodeChallengeMethod::Plain => self.verifier.expose().into(),
        }
    }

    /// `code_challenge_method` (RFC 7636 §4.3).
    pub const fn code_challenge_method(&self) -> &'static str {
        match self.method {
            CodeChallengeMethod::S256 => "S256",
            CodeChallengeMethod::Plain => "plain",
        }
    }

    pub(crate) const fn code_verifier(&self) -> &CodeVerifier {
        &self.verifier
    }
}

impl fmt::Display for InvalidCodeVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => {
                write!(formatter, "a code verifier has 43 to 128 characters, not {length} (RFC 7636 §4.1)")
            }
            Self::Character => formatter
                .write_str("a code verifier has only the characters A-Z a-z 0-9 - . _ ~ (RFC 7636 §4.1)"),
        }
    }
}

impl core::error::Error for InvalidCodeVerifier {}
