//! Calls with a token (RFC 6749 §7, RFC 6750 §2.1).

use alloc::string::String;

use crate::{EndpointUrl, HttpRequest, Secret};

/// What stands before the token in the `Authorization` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizationScheme {
    /// `Authorization: Bearer TOKEN` (RFC 6750 §2.1).
    #[default]
    Bearer,
    /// `Authorization: TOKEN`, as Octopus Energy has it.
    Raw,
    /// `Authorization: WORD TOKEN`: `JWT` at some Kraken servers, `OAuth` at Yandex.
    Word(&'static str),
}

impl AuthorizationScheme {
    /// The value of the `Authorization` header.
    pub fn authorization(&self, access_token: &Secret) -> Secret {
        let word = match self {
            Self::Bearer => "Bearer",
            Self::Raw => return access_token.clone(),
            Self::Word(word) => word,
        };
        let mut value = String::with_capacity(word.len() + 1 + access_token.expose().len());
        value.push_str(word);
        value.push(' ');
        value.push_str(access_token.expose());
        Secret::new(value)
    }

    /// A `GET` of a protected resource. The caller sees to it that `url` is one that the token is meant for.
    pub fn get(&self, url: &EndpointUrl, access_token: &Secret) -> HttpRequest {
        HttpRequest::get_protected_resource(url, self.authorization(access_token))
    }
}
