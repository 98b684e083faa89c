//! The client: who it is, which server it talks to, and one method a grant.

use std::sync::Arc;

use oauth_protocol::{
    AuthorizationServerMetadata, ClientAuthentication, EndpointPolicy, EndpointUrl, HttpRequest,
    HttpResponse, PollingPolicy, Secret,
};
use tokio::sync::OnceCell;

use crate::clock::{Clock, SystemClock};
use crate::error::{ConfigurationError, Error, UrlError};
use crate::http_transport::{HttpTransport, TransportError};
use crate::provider::{Endpoints, Provider, SecretPlacement};

/// An OAuth client at one authorization server. Clones share everything.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones of a [`Client`] share.
pub(crate) struct Shared {
    client_id: String,
    client_secret: Option<Secret>,
    pub(crate) provider: Provider,
    pub(crate) endpoint_policy: EndpointPolicy,
    pub(crate) polling_policy: PollingPolicy,
    pub(crate) transport: Arc<dyn HttpTransport>,
    pub(crate) clock: Arc<dyn Clock>,
    metadata: OnceCell<Option<AuthorizationServerMetadata>>,
}

/// Describes a [`Client`].
#[must_use = "a builder does nothing until it is built"]
pub struct ClientBuilder {
    client_id: String,
    client_secret: Option<Secret>,
    secret_placement: Option<SecretPlacement>,
    issuer: Option<String>,
    endpoints: Endpoints,
    provider: Option<Provider>,
    resource_origins: Vec<String>,
    endpoint_policy: EndpointPolicy,
    polling_policy: PollingPolicy,
    root_certificates_pem: Vec<Vec<u8>>,
    user_agent: Option<String>,
    transport: Option<Arc<dyn HttpTransport>>,
    clock: Arc<dyn Clock>,
}

#[allow(dead_code)] // The other grants use the rest.
/// An endpoint by its name in RFC 8414 metadata.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint {
    Authorization,
    Token,
    DeviceAuthorization,
    Revocation,
    Introspection,
    Userinfo,
}

impl Client {
    /// Describes a client with this `client_id`.
    pub fn builder(client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            client_id: client_id.into(),
            client_secret: None,
            secret_placement: None,
            issuer: None,
            endpoints: Endpoints::default(),
            provider: None,
            resource_origins: Vec::new(),
            endpoint_policy: EndpointPolicy::new(),
            polling_policy: PollingPolicy::default(),
            root_certificates_pem: Vec::new(),
            user_agent: None,
            transport: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// The `client_id`.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    /// The issuer, where one was given.
    pub fn issuer(&self) -> Option<&str> {
        self.shared.provider.issuer.as_deref()
    }

    /// The server's metadata (RFC 8414, then OpenID Connect Discovery), asked for once; `None` where it
    /// publishes none, or no issuer is known.
    pub fn metadata(
        &self,
    ) -> impl Future<Output = Result<Option<AuthorizationServerMetadata>, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move { Ok(shared.metadata().await?.clone()) }
    }
}

impl ClientBuilder {
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

    /// Names an origin (`https://api.example.com`) that access tokens may be sent to, beside the preset's.
    /// May be called again.
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

    /// Trusts the certificates in this PEM text, beside those of the system. May be called again.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates_pem.push(pem.into());
        self
    }

    /// What the client calls itself: `my-device/1.0`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Brings another HTTP client.
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
        provider.resource_origins.extend(self.resource_origins);
        if provider.issuer.is_none() && !provider.endpoints.is_any_known() {
            return Err(ConfigurationError::NoServer.into());
        }
        let given = [
            &provider.issuer,
            &provider.endpoints.authorization,
            &provider.endpoints.token,
            &provider.endpoints.device_authorization,
            &provider.endpoints.revocation,
            &provider.endpoints.introspection,
            &provider.endpoints.userinfo,
        ];
        for url in given.into_iter().flatten().chain(&provider.resource_origins) {
            self.endpoint_policy.endpoint(url)?;
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
            Some(transport) => transport,
            None => default_transport(user_agent, &self.root_certificates_pem)?,
        };
        let shared = Shared {
            client_id,
            client_secret,
            provider,
            endpoint_policy: self.endpoint_policy,
            polling_policy: self.polling_policy,
            transport,
            clock: self.clock,
            metadata: OnceCell::new(),
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(user_agent: String, roots_pem: &[Vec<u8>]) -> Result<Arc<dyn HttpTransport>, Error> {
    let transport = crate::reqwest_transport::ReqwestTransport::new(user_agent, roots_pem)
        .map_err(|_| ConfigurationError::NoCertificates)?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_user_agent: String, _roots_pem: &[Vec<u8>]) -> Result<Arc<dyn HttpTransport>, Error> {
    Err(ConfigurationError::NoTransport.into())
}

impl Shared {
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.transport.send(request).await
    }

    pub(crate) async fn metadata(&self) -> Result<&Option<AuthorizationServerMetadata>, Error> {
        self.metadata.get_or_try_init(|| self.fetch_metadata()).await
    }

    async fn fetch_metadata(&self) -> Result<Option<AuthorizationServerMetadata>, Error> {
        let Some(issuer) = &self.provider.issuer else { return Ok(None) };
        for request in AuthorizationServerMetadata::requests(&self.endpoint_policy, issuer)? {
            let response = self.send(request).await?;
            if let Some(metadata) = AuthorizationServerMetadata::process_response(issuer, &response)? {
                return Ok(Some(metadata));
            }
        }
        Ok(None)
    }

    /// By hand, by preset, by metadata: the first that knows it.
    pub(crate) async fn endpoint(&self, endpoint: Endpoint) -> Result<EndpointUrl, Error> {
        let url = match endpoint.of(&self.provider.endpoints) {
            Some(url) => Some(url),
            None => self.metadata().await?.as_ref().and_then(|metadata| endpoint.in_metadata(metadata)),
        };
        self.checked_url(url.ok_or(Error::NoEndpoint { endpoint: endpoint.name() })?)
    }

    /// Checks the scheme and that nothing on the way would change the URL.
    pub(crate) fn checked_url(&self, url: &str) -> Result<EndpointUrl, Error> {
        let checked = self.endpoint_policy.endpoint(url)?;
        let not_normalized = |normalized: &str| {
            Error::Url(UrlError::NotNormalized { given: url.to_owned(), normalized: normalized.to_owned() })
        };
        match url::Url::parse(url) {
            Ok(parsed) if parsed.as_str() == url => Ok(checked),
            Ok(parsed) => Err(not_normalized(parsed.as_str())),
            Err(_) => Err(not_normalized("nothing: the host is no valid name or address")),
        }
    }

    /// How the client authenticates; metadata is asked only where it decides.
    pub(crate) async fn authentication(&self) -> Result<ClientAuthentication, Error> {
        let Some(secret) = self.client_secret.clone() else {
            return Ok(ClientAuthentication::none(self.client_id.as_str())?);
        };
        let is_post = match self.provider.secret_placement {
            SecretPlacement::Post => true,
            SecretPlacement::Basic => false,
            SecretPlacement::ByMetadata => {
                let methods = match self.metadata().await? {
                    Some(metadata) => metadata.token_endpoint_auth_methods_supported.as_slice(),
                    None => &[],
                };
                let lists = |name: &str| methods.iter().any(|method| method == name);
                lists("client_secret_post") && !lists("client_secret_basic")
            }
        };
        let mut authentication = if is_post {
            ClientAuthentication::client_secret_post(self.client_id.as_str(), secret)?
        } else {
            ClientAuthentication::client_secret_basic(self.client_id.as_str(), secret)?
        };
        if self.provider.no_secret_on_device_authorization {
            authentication = authentication.no_secret_on_device_authorization();
        }
        Ok(authentication)
    }
}

impl Endpoint {
    const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization_endpoint",
            Self::Token => "token_endpoint",
            Self::DeviceAuthorization => "device_authorization_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::Userinfo => "userinfo_endpoint",
        }
    }

    const fn of(self, endpoints: &Endpoints) -> Option<&String> {
        match self {
            Self::Authorization => endpoints.authorization.as_ref(),
            Self::Token => endpoints.token.as_ref(),
            Self::DeviceAuthorization => endpoints.device_authorization.as_ref(),
            Self::Revocation => endpoints.revocation.as_ref(),
            Self::Introspection => endpoints.introspection.as_ref(),
            Self::Userinfo => endpoints.userinfo.as_ref(),
        }
    }

    const fn in_metadata(self, metadata: &AuthorizationServerMetadata) -> Option<&String> {
        match self {
            Self::Authorization => metadata.authorization_endpoint.as_ref(),
            Self::Token => metadata.token_endpoint.as_ref(),
            Self::DeviceAuthorization => metadata.device_authorization_endpoint.as_ref(),
            Self::Revocation => metadata.revocation_endpoint.as_ref(),
            Self::Introspection => metadata.introspection_endpoint.as_ref(),
            Self::Userinfo => metadata.userinfo_endpoint.as_ref(),
        }
    }
}

impl Endpoints {
    fn over(self, other: Self) -> Self {
        Self {
            authorization: self.authorization.or(other.authorization),
            token: self.token.or(other.token),
            device_authorization: self.device_authorization.or(other.device_authorization),
            revocation: self.revocation.or(other.revocation),
            introspection: self.introspection.or(other.introspection),
            userinfo: self.userinfo.or(other.userinfo),
        }
    }

    const fn is_any_known(&self) -> bool {
        self.authorization.is_some() || self.token.is_some() || self.device_authorization.is_some()
    }
}
