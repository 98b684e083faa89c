//! Scopes: RFC 6749 section 3.3.

use crate::error_response::ErrorResponse;

/// What this server grants if nothing else is configured, in the order of its metadata.
pub(crate) const SUPPORTED: [&str; 6] = ["openid", "profile", "email", "offline_access", "read", "write"];

/// "process the request using a pre-defined default value": what is granted when none is asked.
const DEFAULT: &str = "read";

/// A set of scope tokens, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope(Vec<String>);

impl Scope {
    /// Reads the `scope` parameter; missing is the default scope, an unknown or ill-formed one `invalid_scope`.
    pub(crate) fn requested(parameter: Option<&str>, supported: &[String]) -> Result<Self, ErrorResponse> {
        let mut tokens: Vec<String> = Vec::new();
        for token in parameter.unwrap_or(DEFAULT).split(' ') {
            if !supported.iter().any(|known| known == token) {
                let known = supported.join(", ");
                return Err(ErrorResponse::invalid_scope(format!(
                    "unknown scope '{token}': this server knows {known}, separated by single spaces"
                )));
            }
            if !tokens.iter().any(|known| known == token) {
                tokens.push(token.to_owned());
            }
        }
        Ok(Self(tokens))
    }

    pub(crate) fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    pub(crate) fn is_within(&self, wider: &Self) -> bool {
        self.0.iter().all(|token| wider.contains(token))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The value of a `scope` member.
    pub(crate) fn to_parameter(&self) -> String {
        self.0.join(" ")
    }
}
