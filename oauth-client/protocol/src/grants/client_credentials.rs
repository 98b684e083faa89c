//! The client credentials grant (RFC 6749 §4.4): a client that acts for itself.

use alloc::string::String;
use alloc::vec::Vec;

use crate::client_authentication::Step;
use crate::{
    AccessTokenResponse, ClientAuthentication, EndpointUrl, Error, HttpRequest, HttpResponse, InvalidClient,
    Scope, Secret,
};

/// A token request of a confidential client for itself.
#[derive(Clone, Debug)]
pub struct ClientCredentialsRequest {
    client: ClientAuthentication,
    token_endpoint: EndpointUrl,
    scope: String,
    parameters: Vec<(String, Secret)>,
}

impl ClientCredentialsRequest {
    /// RFC 6749 §4.4: "MUST only be used by confidential clients", so a client without secret is refused.
    pub fn new(client: ClientAuthentication, token_endpoint: EndpointUrl) -> Result<Self, InvalidClient> {
        if !client.is_confidential() {
            return Err(InvalidClient::NotConfidential);
        }
        Ok(Self { client, token_endpoint, scope: String::new(), parameters: Vec::new() })
    }

    /// Asks for these scope values; none: the server's default.
    #[must_use]
    pub fn with_scope(mut self, scope: &Scope) -> Self {
        self.scope = scope.values().collect::<Vec<_>>().join(" ");
        self
    }

    /// Adds a parameter: `audience`, `resource` and the like.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), Secret::new(value)));
        self
    }

    /// RFC 6749 §4.4.2.
    pub fn request(&self) -> HttpRequest {
        let mut parameters = alloc::vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            parameters.push(("scope", &self.scope));
        }
        parameters.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.expose())));
        self.client.post(Step::Token, &self.token_endpoint, &parameters)
    }

    /// RFC 6749 §4.4.3.
    pub fn process_response(&self, response: &HttpResponse) -> Result<AccessTokenResponse, Error> {
        AccessTokenResponse::answer_of(&self.token_endpoint, response)
    }
}
