//! The client: who it is, which server it talks to, and one method a grant.

use std::fmt;
use std::sync::Arc;

use oauth_protocol::{
    AccessTokenResponse, AuthorizationServerMetadata, ClientAuthentication, ClientCredentialsRequest,
    EndpointPolicy, EndpointUrl, HttpRequest, HttpResponse, IntrospectionRequest, IntrospectionResponse,
    PollingPolicy, RefreshTokenRequest, RevocationRequest, Scope, Secret, TokenTypeHint, TransportFailure,
};
use tokio::sync::OnceCell;

use crate::client_builder::ClientBuilder;
use crate::clock::Clock;
use crate::endpoints::{Endpoint, checked_url};
use crate::error::{Error, LookedIn};
use crate::http_transport::{Transport, TransportError};
use crate::provider::{Provider, SecretPlacement};

/// An OAuth client at one authorization server. Clones share everything.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones of a [`Client`] share.
pub(crate) struct Shared {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) provider: Provider,
    pub(crate) endpoint_policy: EndpointPolicy,
    pub(crate) polling_policy: PollingPolicy,
    pub(crate) plain_pkce: bool,
    pub(crate) parameters: Vec<(String, Secret)>,
    pub(crate) transport: Transport,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metadata: OnceCell<Option<AuthorizationServerMetadata>>,
}

/// Why there is no metadata now, although a later call may find some.
enum NotKept {
    /// A page or a redirect stood where metadata would be: a captive portal's, or a server without any.
    NoMetadataNow,
    Failed(Error),
}

impl Client {
    /// Describes a client with this `client_id`.
    pub fn builder(client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(client_id.into())
    }

    /// The `client_id`.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    /// Whether it is a confidential client (RFC 6749 §2.1), with its secret.
    pub fn has_secret(&self) -> bool {
        self.shared.client_secret.is_some()
    }

    /// The issuer, where one was given.
    pub fn issuer(&self) -> Option<&str> {
        self.shared.provider.issuer.as_deref()
    }

    /// What tells this server from others where logins are kept: the issuer, or the token endpoint.
    pub(crate) fn server(&self) -> &str {
        let provider = &self.shared.provider;
        provider.issuer.as_ref().or(provider.endpoints.token.as_ref()).map_or("", String::as_str)
    }

    /// The host that [`ClientBuilder::dangerously_allow_http`] named, for a status page to show.
    pub fn dangerously_allowed_http_host(&self) -> Option<&str> {
        self.shared.endpoint_policy.dangerously_allowed_http_host()
    }

    /// The server's metadata (RFC 8414, then OpenID Connect Discovery), asked for once; `None` where it
    /// publishes none, or no issuer is known.
    pub fn metadata(
        &self,
    ) -> impl Future<Output = Result<Option<AuthorizationServerMetadata>, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move { Ok(shared.metadata().await?.cloned()) }
    }

    /// A token for the client itself (RFC 6749 §4.4), with these scope values, separated by spaces; ""
    /// leaves them to the server.
    pub fn client_credentials(
        &self,
        scope: &str,
    ) -> impl Future<Output = Result<AccessTokenResponse, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let scope: Scope = scope.split_ascii_whitespace().collect();
        async move { shared.client_credentials(shared.token_endpoint().await?, &scope).await }
    }

    /// A new access token for `refresh_token` (RFC 6749 §6). Where the server sends no new refresh token the
    /// answer holds the old one.
    ///
    /// Many servers take a refresh token once: keep the answer before you use it, and let one process at a
    /// time refresh ([`token_store`](crate::token_store) has the lock for that).
    pub fn refresh(
        &self,
        refresh_token: &Secret,
    ) -> impl Future<Output = Result<AccessTokenResponse, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let refresh_token = refresh_token.clone();
        async move { shared.refresh(shared.token_endpoint().await?, refresh_token).await }
    }

    /// Tells the server that a token is no longer needed (RFC 7009).
    pub fn revoke(
        &self,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let token = token.clone();
        async move {
            let endpoint = shared.endpoint(Endpoint::Revocation).await?;
            let request = RevocationRequest::new(shared.authentication().await?, endpoint, token, hint);
            let response = shared.send(request.request()).await?;
            Ok(request.process_response(&response)?)
        }
    }

    /// Asks the server what a token is worth (RFC 7662).
    pub fn introspect(
        &self,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> impl Future<Output = Result<IntrospectionResponse, Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let token = token.clone();
        async move {
            let endpoint = shared.endpoint(Endpoint::Introspection).await?;
            let request = IntrospectionRequest::new(shared.authentication().await?, endpoint, token, hint)?;
            let response = shared.send(request.request()).await?;
            Ok(request.process_response(&response)?)
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("client_id", &self.shared.client_id)
            .field("issuer", &self.shared.provider.issuer)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Holds the transport, whatever it is, to the time that the request may take, and gives it no header
    /// that would split the request in two.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if let Some((name, _)) = request.headers().find(|(_, value)| !is_one_line(value)) {
            let detail = format!("the {name} header would hold a character that no HTTP header can carry");
            return Err(TransportError::with_detail(TransportFailure::NotHttp, detail));
        }
        tokio::time::timeout(request.timeout(), self.transport.get().send(request))
            .await
            .unwrap_or(Err(TransportError::new(TransportFailure::Timeout)))
    }

    pub(crate) async fn metadata(&self) -> Result<Option<&AuthorizationServerMetadata>, Error> {
        match self.metadata.get_or_try_init(|| self.fetch_metadata()).await {
            Ok(metadata) => Ok(metadata.as_ref()),
            Err(NotKept::NoMetadataNow) => Ok(None),
            Err(NotKept::Failed(error)) => Err(error),
        }
    }

    async fn fetch_metadata(&self) -> Result<Option<AuthorizationServerMetadata>, NotKept> {
        let Some(issuer) = &self.provider.issuer else { return Ok(None) };
        let mut is_certain = true;
        let requests = AuthorizationServerMetadata::requests(&self.endpoint_policy, issuer);
        for request in requests.map_err(|error| NotKept::Failed(error.into()))? {
            let response = self.send(request).await.map_err(|error| NotKept::Failed(error.into()))?;
            let metadata = AuthorizationServerMetadata::process_response(issuer, &response)
                .map_err(|error| NotKept::Failed(error.into()))?;
            if metadata.is_some() {
                return Ok(metadata);
            }
            is_certain &= matches!(response.status(), 400..=499);
        }
        if is_certain { Ok(None) } else { Err(NotKept::NoMetadataNow) }
    }

    /// The token endpoint, and how the client says there who it is.
    pub(crate) async fn token_endpoint(&self) -> Result<(ClientAuthentication, EndpointUrl), Error> {
        let endpoint = self.endpoint(Endpoint::Token).await?;
        Ok((self.authentication().await?, endpoint))
    }

    pub(crate) async fn client_credentials(
        &self,
        (authentication, endpoint): (ClientAuthentication, EndpointUrl),
        scope: &Scope,
    ) -> Result<AccessTokenResponse, Error> {
        let mut request = ClientCredentialsRequest::new(authentication, endpoint)?.with_scope(scope);
        for (name, value) in &self.parameters {
            request = request.with_parameter(name, value.expose());
        }
        let response = self.send(request.request()).await?;
        Ok(request.process_response(&response)?)
    }

    pub(crate) async fn refresh(
        &self,
        (authentication, endpoint): (ClientAuthentication, EndpointUrl),
        refresh_token: Secret,
    ) -> Result<AccessTokenResponse, Error> {
        let request = RefreshTokenRequest::new(authentication, endpoint, refresh_token);
        let response = self.send(request.request()).await?;
        Ok(request.process_response(&response)?)
    }

    /// By hand, by preset, by metadata: the first that knows it.
    pub(crate) async fn endpoint(&self, endpoint: Endpoint) -> Result<EndpointUrl, Error> {
        if let Some(url) = endpoint.of(&self.provider.endpoints) {
            return checked_url(&self.endpoint_policy, url);
        }
        let metadata = self.metadata().await?;
        let looked_in = match metadata {
            Some(_) => LookedIn::Metadata,
            None if self.provider.issuer.is_some() => LookedIn::NoMetadata,
            None => LookedIn::Nowhere,
        };
        let url = metadata.and_then(|metadata| endpoint.in_metadata(metadata));
        let url = url.ok_or(Error::NoEndpoint { endpoint: endpoint.name(), looked_in })?;
        checked_url(&self.endpoint_policy, url)
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
        if self.provider.client_id_in_body {
            authentication = authentication.client_id_in_body();
        }
        Ok(authentication)
    }
}

/// A token is what a server sent: it may hold anything that JSON can.
fn is_one_line(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, 0x20..=0x7E))
}
