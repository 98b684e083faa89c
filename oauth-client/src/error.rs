//! What can go wrong, sorted by who is to blame.

use std::fmt;
use std::time::Duration;

use oauth_protocol::{
    AuthorizationResponseError, EndpointUrlError, ErrorResponse, InvalidClient, InvalidResponse, Redirect,
    Unavailable,
};

use crate::http_transport::TransportError;

/// Why a login or a request failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The server refused; [`ErrorResponse::error`] says why.
    Refused(ErrorResponse),
    /// The code expired before the person decided.
    Expired,
    /// The server asked for a wait (`Retry-After`) that ends after the code's life.
    RetryAfterExpiry {
        /// What it asked for.
        retry_after: Duration,
    },
    /// The server is there but cannot answer now.
    Unavailable(Unavailable),
    /// The server redirects, which is never followed.
    Redirected(Redirect),
    /// The server's answer breaks the RFCs.
    InvalidResponse(InvalidResponse),
    /// No whole answer came.
    Transport(TransportError),
    /// The browser came back with an answer that is not accepted; no code was exchanged.
    AuthorizationResponse(AuthorizationResponseError),
    /// The server publishes no metadata, and the endpoint was not given by hand.
    NoEndpoint {
        /// Its name in RFC 8414 metadata.
        endpoint: &'static str,
    },
    /// A URL that cannot be used.
    Url(UrlError),
    /// The client is described in a way that no server accepts.
    InvalidClient(InvalidClient),
    /// The builder was given something that cannot work.
    Configuration(ConfigurationError),
}

/// A URL that cannot be used, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no endpoint.
    NotAnEndpoint(EndpointUrlError),
    /// It would be changed on its way: write it in its normal form.
    NotNormalized {
        /// As it was given.
        given: String,
        /// As it would be sent.
        normalized: String,
    },
    /// It lies outside the origins that the token may be sent to.
    ForeignOrigin {
        /// The origin of the URL.
        origin: String,
    },
}

/// What a builder was given that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Neither an issuer nor endpoints nor a provider.
    NoServer,
    /// No certificate in a PEM file.
    NoCertificates,
    /// The feature `reqwest` is off and no transport was given.
    NoTransport,
    /// The loopback port for the browser's answer could not be opened.
    LoopbackPort,
    /// The operating system gave no random bytes.
    NoRandomness,
}

impl From<oauth_protocol::Error> for Error {
    fn from(error: oauth_protocol::Error) -> Self {
        match error {
            oauth_protocol::Error::Refused(response) => Self::Refused(response),
            oauth_protocol::Error::Expired => Self::Expired,
            oauth_protocol::Error::RetryAfterExpiry { retry_after } => Self::RetryAfterExpiry { retry_after },
            oauth_protocol::Error::Unavailable(unavailable) => Self::Unavailable(unavailable),
            oauth_protocol::Error::Redirected(redirect) => Self::Redirected(redirect),
            oauth_protocol::Error::InvalidResponse(invalid) => Self::InvalidResponse(invalid),
            oauth_protocol::Error::Transport(failure) => Self::Transport(TransportError::new(failure)),
            _ => Self::InvalidResponse(InvalidResponse::NoParameters),
        }
    }
}

impl Error {
    /// The error as the core knows it; what only this layer knows comes before any request and reads as an
    /// answer that never came.
    pub(crate) fn to_protocol(&self) -> oauth_protocol::Error {
        match self.clone() {
            Self::Refused(response) => oauth_protocol::Error::Refused(response),
            Self::Expired => oauth_protocol::Error::Expired,
            Self::RetryAfterExpiry { retry_after } => oauth_protocol::Error::RetryAfterExpiry { retry_after },
            Self::Unavailable(unavailable) => oauth_protocol::Error::Unavailable(unavailable),
            Self::Redirected(redirect) => oauth_protocol::Error::Redirected(redirect),
            Self::InvalidResponse(invalid) => oauth_protocol::Error::InvalidResponse(invalid),
            Self::Transport(error) => oauth_protocol::Error::Transport(error.failure()),
            _ => oauth_protocol::Error::Transport(oauth_protocol::TransportFailure::Connect),
        }
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl From<EndpointUrlError> for Error {
    fn from(error: EndpointUrlError) -> Self {
        Self::Url(UrlError::NotAnEndpoint(error))
    }
}

impl From<InvalidClient> for Error {
    fn from(error: InvalidClient) -> Self {
        Self::InvalidClient(error)
    }
}

impl From<ConfigurationError> for Error {
    fn from(error: ConfigurationError) -> Self {
        Self::Configuration(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(formatter),
            Self::NoEndpoint { endpoint } => {
                write!(formatter, "the server's metadata has no {endpoint}: give it by hand")
            }
            Self::AuthorizationResponse(error) => error.fmt(formatter),
            Self::Url(error) => error.fmt(formatter),
            Self::InvalidClient(error) => error.fmt(formatter),
            Self::Configuration(error) => error.fmt(formatter),
            _ => self.to_protocol().fmt(formatter),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for UrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnEndpoint(error) => error.fmt(formatter),
            Self::NotNormalized { given, normalized } => {
                write!(formatter, "the URL \"{given}\" would be sent as \"{normalized}\": write it that way")
            }
            Self::ForeignOrigin { origin } => {
                write!(
                    formatter,
                    "the token is not meant for {origin}: name that origin when you ask for the resource"
                )
            }
        }
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoServer => "no server: give an issuer, a provider, or the endpoints",
            Self::NoCertificates => {
                "no certificate in the PEM text: it needs at least one BEGIN CERTIFICATE block"
            }
            Self::NoTransport => "no HTTP client: turn on the feature reqwest or give a transport",
            Self::LoopbackPort => {
                "the loopback port could not be opened: choose another one, or port 0 for any"
            }
            Self::NoRandomness => "the operating system gave no random bytes",
        })
    }
}
