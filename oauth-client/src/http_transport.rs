//! How requests reach the server: one trait, and an implementation over reqwest.

use std::fmt;
use std::sync::Arc;

use oauth_protocol::{HttpRequest, HttpResponse, Secret, TransportFailure};

use crate::clock::BoxFuture;
use crate::error::Error;
#[cfg(feature = "reqwest")]
use crate::reqwest_transport::ReqwestTransport;

/// Sends one request and brings one answer.
///
/// An implementation sends the request as it is: it follows no redirect, retries nothing, asks for no
/// compression, adds `user-agent`, keeps to [`HttpRequest::timeout`] and stops reading at
/// [`HttpRequest::max_body_bytes`]. It never puts headers or bodies into logs or errors.
pub trait HttpTransport: Send + Sync {
    /// Sends `request`; every HTTP status is an answer, not an error.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>>;
}

/// The transport of a client.
pub(crate) enum Transport {
    /// The application's.
    Own(Arc<dyn HttpTransport>),
    #[cfg(feature = "reqwest")]
    BuiltIn(Box<ReqwestTransport>),
}

impl Transport {
    #[cfg(feature = "reqwest")]
    pub(crate) fn built_in(
        user_agent: &str,
        roots_pem: &[Vec<u8>],
        proxy: Option<&Secret>,
    ) -> Result<Self, Error> {
        Ok(Self::BuiltIn(Box::new(ReqwestTransport::new(user_agent, roots_pem, proxy)?)))
    }

    #[cfg(not(feature = "reqwest"))]
    pub(crate) fn built_in(_: &str, _: &[Vec<u8>], _: Option<&Secret>) -> Result<Self, Error> {
        Err(crate::error::ConfigurationError::NoTransport.into())
    }

    pub(crate) fn get(&self) -> &dyn HttpTransport {
        match self {
            Self::Own(transport) => &**transport,
            #[cfg(feature = "reqwest")]
            Self::BuiltIn(transport) => &**transport,
        }
    }
}

/// Why no whole answer came, for the machine and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    failure: TransportFailure,
    obstacle: Option<Obstacle>,
    detail: Option<String>,
}

/// What exactly stands in the way, where the transport can tell: each has its own mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// This machine trusts no certificate authority at all.
    NoRootCertificates,
    /// The server's certificate is signed by an authority that is not trusted here.
    UnknownAuthority,
    /// The server's certificate is another host's.
    OtherHostsCertificate,
    /// The server's certificate has expired or is not valid yet, by this machine's clock.
    CertificateNotValidNow,
    /// The proxy wants a user name and a password, or others than it was given (HTTP 407).
    ProxyCredentials,
    /// The proxy does not lead to the server.
    ProxyRefused,
}

impl TransportError {
    /// A failure without further words.
    pub const fn new(failure: TransportFailure) -> Self {
        Self { failure, obstacle: None, detail: None }
    }

    /// A failure with what the operating system or the TLS library said; no header, no body, no query.
    pub fn with_detail(failure: TransportFailure, detail: impl Into<String>) -> Self {
        Self { failure, obstacle: None, detail: Some(detail.into()) }
    }

    /// The same, with what exactly stands in the way.
    #[must_use]
    pub const fn with_obstacle(mut self, obstacle: Obstacle) -> Self {
        self.obstacle = Some(obstacle);
        self
    }

    /// The kind of failure.
    pub const fn failure(&self) -> TransportFailure {
        self.failure
    }

    /// What exactly stands in the way, where that is known.
    pub const fn obstacle(&self) -> Option<Obstacle> {
        self.obstacle
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(formatter)?;
        match &self.detail {
            // The words may quote a certificate or a host name that the server chose.
            Some(detail) => write!(formatter, " ({})", oauth_protocol::ServerText::from(detail.as_str())),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TransportError {}
