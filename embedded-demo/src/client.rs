//! Which client the device is, and where its server is.

use oauth_protocol::{
    AuthorizationScheme, ClientAuthentication, DeviceCodeGrant, DeviceCodeRequest, EndpointPolicy,
    EndpointUrl, PollingPolicy, RefreshTokenRequest, Scope, Secret,
};

/// What a device is built with. Nothing of it is a secret where the client is public, and it should be: whoever buys the
/// device can read its flash.
#[derive(Clone, Debug)]
pub struct Client {
    /// Who asks.
    pub authentication: ClientAuthentication,
    /// Where a login begins (RFC 8628 §3.1).
    pub device_authorization_endpoint: EndpointUrl,
    /// Where tokens come from.
    pub token_endpoint: EndpointUrl,
    /// What the token is to be good for. Without `offline_access`, or what the server has in its place, there is a new
    /// login after each reset.
    pub scope: Scope,
    /// Which addresses are shown to a person.
    pub endpoint_policy: EndpointPolicy,
    /// How patiently the server is asked.
    pub polling_policy: PollingPolicy,
    /// What stands before the token in a call.
    pub authorization_scheme: AuthorizationScheme,
}

impl Client {
    pub(crate) fn login(&self, jitter_seed: u64) -> DeviceCodeGrant {
        DeviceCodeGrant::new(self.device_code_request(), self.polling_policy, jitter_seed)
    }

    pub(crate) fn device_code_request(&self) -> DeviceCodeRequest {
        DeviceCodeRequest::new(
            self.authentication.clone(),
            self.device_authorization_endpoint.clone(),
            self.token_endpoint.clone(),
        )
        .with_scope(&self.scope)
        .with_endpoint_policy(self.endpoint_policy.clone())
    }

    pub(crate) fn refresh(&self, refresh_token: Secret) -> RefreshTokenRequest {
        RefreshTokenRequest::new(self.authentication.clone(), self.token_endpoint.clone(), refresh_token)
    }
}
