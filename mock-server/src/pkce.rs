//! Proof Key for Code Exchange: RFC 7636.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::checks::{Check, Lenient};
use crate::error_response::ErrorResponse;
use crate::request_parameters::RequestParameters;

/// A `code_challenge` with the method that it came with: the two are kept together, so neither can stand in for the other.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct CodeChallenge {
    method: Method,
    challenge: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum Method {
    Plain,
    S256,
}

impl CodeChallenge {
    /// Reads the two parameters of an authorization request (section 4.3).
    pub(crate) fn from_parameters(
        parameters: &RequestParameters,
        requires_method: bool,
    ) -> Result<Option<Self>, ErrorResponse> {
        let method = parameters.get("code_challenge_method");
        let Some(challenge) = parameters.get("code_challenge") else {
            return match method {
                None => Ok(None),
                Some(_) => Err(ErrorResponse::invalid_request(
                    "code_challenge_method came without a code_challenge (RFC 7636 section 4.3)",
                )
                .because(Check::CodeChallengeMethod, "a method alone")),
            };
        };
        if requires_method && method.is_none() {
            return Err(ErrorResponse::invalid_request(
                "code_challenge came without a code_challenge_method: send both or neither",
            )
            .because(Check::CodeChallengeMethod, "a challenge alone"));
        }
        // "defaults to plain if not present in the request"
        let method = match method {
            None | Some("plain") => Method::Plain,
            Some("S256") => Method::S256,
            _ => {
                return Err(ErrorResponse::invalid_request(
                    "transform algorithm not supported: code_challenge_method must be S256 or plain",
                )
                .because(Check::CodeChallengeMethod, method.unwrap_or_default()));
            }
        };
        let well_formed = match method {
            Method::Plain => is_43_to_128_unreserved(challenge),
            Method::S256 => URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32),
        };
        if !well_formed {
            return Err(ErrorResponse::invalid_request(match method {
                Method::Plain => "a plain code_challenge has 43 to 128 of the characters A-Z a-z 0-9 - . _ ~",
                Method::S256 => {
                    "an S256 code_challenge is a SHA-256 hash in base64url: 43 characters, no padding"
                }
            })
            .because(Check::CodeChallenge, format!("{} characters", challenge.len())));
        }
        Ok(Some(Self { method, challenge: challenge.to_owned() }))
    }

    /// Compares as section 4.6 says; `invalid_grant` names what was expected.
    pub(crate) fn verify(
        &self,
        code_verifier: Option<&str>,
        shortest: usize,
        lenient: Lenient,
    ) -> Result<(), ErrorResponse> {
        if lenient.on(Check::CodeVerifier) {
            return Ok(());
        }
        let Some(verifier) = code_verifier else {
            return Err(ErrorResponse::invalid_grant(
                "code_verifier is missing: the authorization request had a code_challenge",
            )
            .because(Check::CodeVerifier, "none"));
        };
        if !is_unreserved(verifier, shortest) && !lenient.on(Check::CodeVerifierShape) {
            return Err(ErrorResponse::invalid_grant(
                "a code_verifier has 43 to 128 of the characters A-Z a-z 0-9 - . _ ~ (RFC 7636 section 4.1)",
            )
            .because(Check::CodeVerifierShape, format!("{} characters", verifier.len())));
        }
        let matches = match self.method {
            Method::Plain => verifier.as_bytes().ct_eq(self.challenge.as_bytes()),
            Method::S256 => {
                let computed = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
                computed.as_bytes().ct_eq(self.challenge.as_bytes())
            }
        };
        if bool::from(matches) {
            return Ok(());
        }
        Err(ErrorResponse::invalid_grant("the code_verifier does not match the code_challenge")
            .because(Check::CodeVerifier, "another verifier"))
    }
}

/// The ABNF of `code-verifier` and of `code-challenge`.
fn is_43_to_128_unreserved(text: &str) -> bool {
    is_unreserved(text, 43)
}

/// The same from another shortest length on.
fn is_unreserved(text: &str, shortest: usize) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (shortest..=128).contains(&text.len()) && text.bytes().all(unreserved)
}
