//! Calls to an API with a session's token, over reqwest.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oauth_protocol::{Secret, TransportFailure};
use oauth_token_store::TokenNeed;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;

use crate::endpoints::checked_url;
use crate::error::{ConfigurationError, Error};
use crate::http_transport::{Transport, TransportError};
use crate::reqwest_transport::transport_error;
use crate::session::Session;
use crate::session_error::SessionError;

/// How many redirects are followed, where they stay at one origin.
const MAX_REDIRECTS: usize = 10;

/// An HTTP client that gives each request the session's token, as `Bearer TOKEN` (RFC 6750 §2.1) or as the
/// preset says. Clones share everything.
///
/// The token goes only to the origins that the preset or [`ClientBuilder::resource_origin`] named: a request
/// to another one is refused, and a redirect there is not followed but returned.
///
/// A 401 leads to one refresh and one retry. A token that is refused although it has just been refreshed is
/// no reason to ask for another one: its 401 is an answer.
///
/// [`ClientBuilder::resource_origin`]: crate::ClientBuilder::resource_origin
#[derive(Clone)]
pub struct ResourceClient {
    session: Session,
    http: reqwest::Client,
    /// One more than the generation whose token was refused right after its refresh; 0: none.
    refused: Arc<AtomicU64>,
}

/// Why a call got no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResourceError {
    /// There is no token to send.
    Session(SessionError),
    /// The URL is none that a token may be sent to, or the client cannot be built.
    Client(Error),
    /// The request was not made, or no answer came.
    Http(reqwest::Error),
}

impl Session {
    /// An HTTP client for the API, with the certificates, the proxy and the user agent of this session's
    /// client. It sets no time limit but 10 seconds for the connection: a request may bring its own.
    pub fn resource_client(&self) -> Result<ResourceClient, Error> {
        let shared = &self.client().shared;
        let Transport::BuiltIn(transport) = &shared.transport else {
            return Err(ConfigurationError::NotTheBuiltInTransport.into());
        };
        let mut needs_certificates = false;
        for origin in &shared.provider.resource_origins {
            needs_certificates |= shared.endpoint_policy.endpoint(origin)?.is_https();
        }
        self.resource_client_with(transport.builder(needs_certificates)?)
    }

    /// An HTTP client for the API, set up by the application; its redirect policy is replaced.
    pub fn resource_client_with(&self, builder: reqwest::ClientBuilder) -> Result<ResourceClient, Error> {
        let http = builder.redirect(within_one_origin()).build();
        let http = http.map_err(|error| Error::Transport(transport_error(&error)))?;
        Ok(ResourceClient { session: self.clone(), http, refused: Arc::default() })
    }
}

impl ResourceClient {
    /// For the making of requests. What it sends itself has no token.
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Whose token is sent.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Sends what [`ResourceClient::http`] has begun, with the token; every HTTP status is an answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, ResourceError> {
        self.execute(request.build()?).await
    }

    /// Sends a request with the token; every HTTP status is an answer. A body that is a stream is sent once:
    /// its 401 is returned, with a new token for the next call.
    pub async fn execute(&self, request: reqwest::Request) -> Result<reqwest::Response, ResourceError> {
        self.check(request.url())?;
        let again = request.try_clone();
        let token = self.session.access_token().await?.record;
        let response = self.send_with(request, &token.access_token).await?;
        if response.status() != StatusCode::UNAUTHORIZED || self.is_refused(token.generation) {
            return Ok(response);
        }
        let other = TokenNeed::new().other_than(token.access_token);
        let token = self.session.fresh(other).await?.record;
        let Some(again) = again else { return Ok(response) };
        drop(response);
        let response = self.send_with(again, &token.access_token).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.refused.store(token.generation.saturating_add(1), Ordering::Relaxed);
        }
        Ok(response)
    }

    fn check(&self, url: &reqwest::Url) -> Result<(), Error> {
        let shared = &self.session.client().shared;
        shared.check_resource(&checked_url(&shared.endpoint_policy, url.as_str())?)
    }

    /// Else each call to an API that refuses everything would cost a refresh.
    fn is_refused(&self, generation: u64) -> bool {
        self.refused.load(Ordering::Relaxed) == generation.saturating_add(1)
    }

    async fn send_with(
        &self,
        mut request: reqwest::Request,
        access_token: &Secret,
    ) -> Result<reqwest::Response, ResourceError> {
        let header = self.session.client().authorization_header(access_token);
        let mut value = HeaderValue::from_str(header.expose()).map_err(|_| {
            let detail = "the access token holds a character that no HTTP header can carry";
            Error::Transport(TransportError::with_detail(TransportFailure::NotHttp, detail))
        })?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(self.http.execute(request).await?)
    }
}

/// reqwest itself takes the header away at another host or port, but not at another scheme.
fn within_one_origin() -> Policy {
    Policy::custom(|attempt| {
        let is_same = attempt.previous().last().is_some_and(|last| last.origin() == attempt.url().origin());
        if is_same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
    })
}

impl From<SessionError> for ResourceError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<Error> for ResourceError {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<reqwest::Error> for ResourceError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}

impl ResourceError {
    /// Whether only a new login helps.
    pub const fn is_login_needed(&self) -> bool {
        matches!(self, Self::Session(error) if error.is_login_needed())
    }
}

impl fmt::Display for ResourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(error) => error.fmt(formatter),
            Self::Client(error) => error.fmt(formatter),
            // reqwest's own words hold the URL.
            Self::Http(error) => transport_error(error).fmt(formatter),
        }
    }
}

impl std::error::Error for ResourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Session(error) => Some(error),
            Self::Client(error) => Some(error),
            Self::Http(error) => Some(error),
        }
    }
}

impl fmt::Debug for ResourceClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ResourceClient").field("session", &self.session).finish_non_exhaustive()
    }
}
