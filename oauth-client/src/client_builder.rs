//! Describing a client.

use std::sync::Arc;

use oauth_protocol::{
    AuthorizationServerMetadata, ClientAuthentication, EndpointPolicy, PollingPolicy, Secret,
};
use tokio::sync::OnceCell;

use crate::client::{Client, Shared};
use crate::clock::{Clock, SystemClock};
use crate::endpoints::{Endpoints, checked_url};
use crate::error::{ConfigurationError, Error};
use crate::http_transport::{HttpTransport, Transport};
use crate::provider::{Provider, SecretPlacement};

/// Describes a [`Client`].
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder {
    client_id: String,
    client_secret: Option<Secret>,
    secret_placement: Option<SecretPlacement>,
    no_secret_on_device_authorization: bool,
    client_id_in_body: bool,
    issuer: Option<String>,
    endpoints: Endpoints,
    provider: Option<Provider>,
    resource_origins: Vec<String>,
    endpoint_policy: EndpointPolicy,
    polling_policy: PollingPolicy,
    plain_pkce: bool,
    parameters: Vec<(String, Secret)>,
    root_certificates_pem: Vec<Vec<u8>>,
    proxy: Option<Secret>,
    user_agent: Option<String>,
    transport: Option<Arc<dyn HttpTransport>>,
    clock: Arc<dyn Clock>,
}

impl ClientBuilder {
    pub(crate) fn new(client_id: String) -> Self {
        Self {
            client_id,
            client_secret: None,
            secret_placement: None,
            no_secret_on_device_authorization: false,
            client_id_in_body: false,
            issuer: None,
            endpoints: Endpoints::default(),
            provider: None,
            resource_origins: Vec::new(),
            endpoint_policy: EndpointPolicy::new(),
            polling_policy: PollingPolicy::default(),
            plain_pkce: false,
            parameters: Vec::new(),
            root_certificates_pem: Vec::new(),
            proxy: None,
            user_agent: None,
            transport: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// The server, by its issuer: its endpoints are taken from its metadata at the first request.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The server, by a preset.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// RFC 6749 §3.1; wins over metadata and preset, as do the others below.
    pub fn authorization_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.authorization = Some(url.into());
        self
    }

    /// RFC 6749 §3.2.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.token = Some(url.into());
        self
    }

    /// RFC 8628 §3.1.
    pub fn device_authorization_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.device_authorization = Some(url.into());
        self
    }

    /// RFC 7009.
    pub fn revocation_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.revocation = Some(url.into());
        self
    }

    /// RFC 7662.
    pub fn introspection_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.introspection = Some(url.into());
        self
    }

    /// OpenID Connect Core §5.3.
    pub fn userinfo_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoints.userinfo = Some(url.into());
        self
    }

    /// The secret of a confidential client, sent as the preset or the server's metadata says, with HTTP
    /// Basic where neither does.
    pub fn client_secret(mut self, client_secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// Sends the secret with HTTP Basic, whatever the metadata says (RFC 6749 §2.3.1).
    pub fn client_secret_basic(mut self, client_secret: impl Into<Secret>) -> Self {
        self.secret_placement = Some(SecretPlacement::Basic);
        self.client_secret(client_secret)
    }

    /// Sends the secret in the body, whatever the metadata says (RFC 6749 §2.3.1).
    pub fn client_secret_post(mut self, client_secret: impl Into<Secret>) -> Self {
        self.secret_placement = Some(SecretPlacement::Post);
        self.client_secret(client_secret)
    }

    /// Keeps the secret off the device authorization request and sends it on token requests only: Google
    /// wants it so, Auth0 refuses it there.
    pub fn no_secret_on_device_authorization(mut self) -> Self {
        self.no_secret_on_device_authorization = true;
        self
    }

    /// Sends `client_id` in the body beside HTTP Basic too: django-oauth-toolkit reads it only there.
    pub fn client_id_in_body(mut self) -> Self {
        self.client_id_in_body = true;
        self
    }

    /// Names an origin (`https://api.example.com`) that access tokens may be sent to, beside the preset's;
    /// of a longer URL scheme, host and port count. May be called again.
    pub fn resource_origin(mut self, origin: impl Into<String>) -> Self {
        self.resource_origins.push(origin.into());
        self
    }

    /// Lets requests to this one host go without TLS: whoever is on the way reads and changes them, tokens
    /// included. Loopback needs no such permission.
    pub fn dangerously_allow_http(mut self, host: impl Into<String>) -> Self {
        self.endpoint_policy = EndpointPolicy::dangerously_allow_http(host);
        self
    }

    /// Adds a parameter to every request that starts a login and to client credentials requests: `audience`
    /// (Auth0 gives no JWT without), `resource` (RFC 8707), `login_hint`. May be called again.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), Secret::new(value)));
        self
    }

    /// Uses PKCE `plain` in place of `S256`: whoever reads the authorization request can redeem the code.
    /// Only for a server that cannot do `S256`.
    pub fn dangerously_use_plain_pkce(mut self) -> Self {
        self.plain_pkce = true;
        self
    }

    /// Trusts the certificates in this PEM text, beside those of the system: those that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name where they are set, else the operating system's. May be called again.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates_pem.push(pem.into());
        self
    }

    /// Sends requests through the HTTP proxy at this `http` or `https` URL, which may hold a user name and a
    /// password; those to this machine's loopback never.
    ///
    /// Without it no proxy is used: `HTTPS_PROXY` and the like are not read, the application decides.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Secret::new(url.into()));
        self
    }

    /// What the client calls itself: `my-device/1.0`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Brings another HTTP client. Root certificates, proxy and user agent are then its own affair.
    pub fn transport(mut self, transport: impl HttpTransport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Brings another clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the margins of the waits between polls.
    pub fn polling_policy(mut self, policy: PollingPolicy) -> Self {
        self.polling_policy = policy;
        self
    }

    /// Checks what can be checked without the server. No request is made.
    pub fn build(self) -> Result<Client, Error> {
        let mut provider = self.provider.unwrap_or_default();
        provider.issuer = self.issuer.or(provider.issuer);
        provider.endpoints = self.endpoints.over(provider.endpoints);
        if let Some(placement) = self.secret_placement {
            provider.secret_placement = placement;
        }
        provider.no_secret_on_device_authorization |= self.no_secret_on_device_authorization;
        provider.client_id_in_body |= self.client_id_in_body;
        provider.resource_origins.extend(self.resource_origins);
        if provider.issuer.is_none() && !provider.endpoints.is_any_known() {
            return Err(ConfigurationError::NoServer.into());
        }
        for url in provider.endpoints.iter() {
            checked_url(&self.endpoint_policy, url)?;
        }
        for origin in &provider.resource_origins {
            self.endpoint_policy.endpoint(origin)?;
        }
        if let Some(issuer) = &provider.issuer {
            // The issuer itself is compared, never sent.
            for request in AuthorizationServerMetadata::requests(&self.endpoint_policy, issuer)? {
                checked_url(&self.endpoint_policy, request.url().as_str())?;
            }
        }
        let client_secret = self.client_secret;
        let client_id = self.client_id;
        match &client_secret {
            Some(secret) => ClientAuthentication::client_secret_basic(client_id.as_str(), secret.clone())?,
            None => ClientAuthentication::none(client_id.as_str())?,
        };
        let user_agent =
            self.user_agent.unwrap_or_else(|| concat!("oauth-client/", env!("CARGO_PKG_VERSION")).into());
        let transport = match self.transport {
            Some(transport) => Transport::Own(transport),
            None => Transport::built_in(&user_agent, &self.root_certificates_pem, self.proxy.as_ref())?,
        };
        let shared = Shared {
            client_id,
            client_secret,
            provider,
            endpoint_policy: self.endpoint_policy,
            polling_policy: self.polling_policy,
            plain_pkce: self.plain_pkce,
            parameters: self.parameters,
            transport,
            clock: self.clock,
            metadata: OnceCell::new(),
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}
