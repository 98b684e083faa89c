//! Refreshing (RFC 6749 §6).

use alloc::string::String;
use alloc::vec::Vec;

use crate::client_authentication::Step;
use crate::{
    AccessTokenResponse, ClientAuthentication, EndpointUrl, Error, HttpRequest, HttpResponse, Scope, Secret,
};

/// A request for a new access token.
///
/// Many servers take a refresh token once: never send one twice on purpose, and keep the new one before
/// the new access token is used.
#[derive(Clone, Debug)]
pub struct RefreshTokenRequest {
    client: ClientAuthentication,
    token_endpoint: EndpointUrl,
    refresh_token: Secret,
    scope: String,
}

impl RefreshTokenRequest {
    /// A refresh with all the scope that was granted.
    pub const fn new(
        client: ClientAuthentication,
        token_endpoint: EndpointUrl,
        refresh_token: Secret,
    ) -> Self {
        Self { client, token_endpoint, refresh_token, scope: String::new() }
    }

    /// Asks for less than was granted: "MUST NOT include any scope not originally granted".
    #[must_use]
    pub fn with_scope(mut self, scope: &Scope) -> Self {
        self.scope = scope.values().collect::<Vec<_>>().join(" ");
        self
    }

    /// RFC 6749 §6.
    pub fn request(&self) -> HttpRequest {
        let mut parameters =
            alloc::vec![("grant_type", "refresh_token"), ("refresh_token", self.refresh_token.expose())];
        if !self.scope.is_empty() {
            parameters.push(("scope", &self.scope));
        }
        self.client.post(Step::Token, &self.token_endpoint, &parameters)
    }

    /// Reads the answer; one without `refresh_token` keeps the old one.
    pub fn process_response(&self, response: &HttpResponse) -> Result<AccessTokenResponse, Error> {
        let mut answer = AccessTokenResponse::answer_of(&self.token_endpoint, response)?;
        answer.refresh_token.get_or_insert_with(|| self.refresh_token.clone());
        Ok(answer)
    }
}
