//! Who logs in where, and the two requests that say so (RFC 8628 §3.1 and §3.4).

use alloc::string::String;
use alloc::vec::Vec;

use crate::client_authentication::Step;
use crate::{
    ClientAuthentication, DeviceAuthorizationResponse, EndpointPolicy, EndpointUrl, HttpRequest, Scope,
    Secret,
};

/// RFC 8628 §3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a device login needs to know: who the client is, and where the server is.
#[derive(Clone, Debug)]
pub struct DeviceCodeRequest {
    client: ClientAuthentication,
    pub(super) device_authorization_endpoint: EndpointUrl,
    pub(super) token_endpoint: EndpointUrl,
    pub(super) policy: EndpointPolicy,
    scope: String,
    parameters: Vec<(String, Secret)>,
}

impl DeviceCodeRequest {
    /// A login of `client` at a server with these two endpoints.
    pub const fn new(
        client: ClientAuthentication,
        device_authorization_endpoint: EndpointUrl,
        token_endpoint: EndpointUrl,
    ) -> Self {
        Self {
            client,
            device_authorization_endpoint,
            token_endpoint,
            policy: EndpointPolicy::new(),
            scope: String::new(),
            parameters: Vec::new(),
        }
    }

    /// Asks for these scope values; none: the server's default.
    #[must_use]
    pub fn with_scope(mut self, scope: &Scope) -> Self {
        self.scope = scope.values().collect::<Vec<_>>().join(" ");
        self
    }

    /// Adds a parameter to the device authorization request: `audience`, `resource` and the like.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), Secret::new(value)));
        self
    }

    /// Which verification URIs may be shown although they are http.
    #[must_use]
    pub fn with_endpoint_policy(mut self, policy: EndpointPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// RFC 8628 §3.1.
    pub(super) fn device_authorization_request(&self) -> HttpRequest {
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        if !self.scope.is_empty() {
            parameters.push(("scope", &self.scope));
        }
        parameters.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.expose())));
        self.client.post(Step::DeviceAuthorization, &self.device_authorization_endpoint, &parameters)
    }

    /// RFC 8628 §3.4.
    pub(super) fn access_token_request(&self, codes: &DeviceAuthorizationResponse) -> HttpRequest {
        let parameters = [("grant_type", GRANT_TYPE), ("device_code", codes.device_code.expose())];
        self.client.post(Step::Token, &self.token_endpoint, &parameters)
    }
}
