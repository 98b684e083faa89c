//! Scopes: RFC 6749 section 3.3.

use serde::{Deserialize, Serialize};

use crate::checks::Check;
use crate::error_response::ErrorResponse;

/// What this server grants if nothing else is configured, in the order of its metadata.
pub(crate) const SUPPORTED: [&str; 6] = ["openid", "profile", "email", "offline_access", "read", "write"];

/// "process the request using a pre-defined default value": what is granted when none is asked.
const DEFAULT: &str = "read";

/// What may be asked for.
pub(crate) struct Supported<'a> {
    pub(crate) scopes: &'a [String],
    /// Whether anything else may be, too.
    pub(crate) any: bool,
}

impl Supported<'_> {
    fn knows(&self, token: &str) -> bool {
        // RFC 6749 section 3.3: 1*( %x21 / %x23-5B / %x5D-7E )
        let well_formed = |token: &str| {
            !token.is_empty() && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
        };
        self.scopes.iter().any(|known| known == token) || self.any && well_formed(token)
    }
}

/// A set of scope tokens, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Scope(Vec<String>);

impl Scope {
    /// Reads the `scope` parameter; missing is the default scope, an unknown or ill-formed one `invalid_scope`.
    pub(crate) fn requested(
        parameter: Option<&str>,
        supported: &Supported<'_>,
    ) -> Result<Self, ErrorResponse> {
        let mut tokens: Vec<String> = Vec::new();
        for token in parameter.unwrap_or(DEFAULT).split(' ') {
            if !supported.knows(token) {
                let known = supported.scopes.join(", ");
                return Err(ErrorResponse::invalid_scope(format!(
                    "unknown scope '{token}': this server knows {known}, separated by single spaces"
                ))
                .because(Check::Scope, parameter.unwrap_or_default()));
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
