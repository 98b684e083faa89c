//! What can go wrong, sorted by who is to blame.

use std::fmt;
use std::time::Duration;

use oauth_protocol::{
    AuthorizationResponseError, EndpointUrlError, ErrorCode, ErrorResponse, InvalidClient, InvalidResponse,
    Redirect, TransportFailure, Unavailable,
};

use crate::http_transport::{Obstacle, TransportError};

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
    /// An endpoint that was not given by hand and is not known otherwise.
    NoEndpoint {
        /// Its name in RFC 8414 metadata.
        endpoint: &'static str,
        /// Where it was looked for.
        looked_in: LookedIn,
    },
    /// A URL that cannot be used.
    Url(UrlError),
    /// The client is described in a way that no server accepts.
    InvalidClient(InvalidClient),
    /// The builder was given something that cannot work.
    Configuration(ConfigurationError),
}

/// Where an endpoint was looked for that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookedIn {
    /// In the server's metadata, which do not name it.
    Metadata,
    /// Where the issuer's metadata would be, and nothing is: the issuer may be misspelt.
    NoMetadata,
    /// Nowhere: no issuer was given.
    Nowhere,
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
    /// Its host is no valid name or address.
    InvalidHost {
        /// As it was given.
        given: String,
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
    /// No certificate in a PEM text, or one that is damaged.
    NoCertificates,
    /// The feature `reqwest` is off and no transport was given.
    NoTransport,
    /// The client has a transport of the application's, of which no other HTTP client can be made.
    NotTheBuiltInTransport,
    /// The loopback port for the browser's answer could not be opened.
    LoopbackPort,
    /// The path for the browser's answer holds what a path in normal form does not.
    LoopbackPath,
    /// The redirect URI does not lead to this machine, or holds what a redirect to it cannot.
    LoopbackRedirectUri,
    /// The proxy's URL is no `http` or `https` URL.
    Proxy,
    /// The user agent holds a character that no HTTP header can carry.
    UserAgent,
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
            _ => oauth_protocol::Error::Transport(TransportFailure::Connect),
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

/// The cause, and the next step where the cause does not hold it already.
impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(formatter, "the server refused: {refusal}")?,
            Self::Expired => formatter.write_str("the code expired before it was approved")?,
            Self::RetryAfterExpiry { retry_after } => write!(
                formatter,
                "the server asked to wait {} s, longer than the code is valid",
                retry_after.as_secs()
            )?,
            Self::Unavailable(Unavailable { status, retry_after }) => {
                write!(formatter, "the server is unavailable (HTTP {status})")?;
                if let Some(retry_after) = retry_after {
                    return write!(formatter, "; try again in {} s", retry_after.as_secs());
                }
            }
            Self::Redirected(redirect) => redirect.fmt(formatter)?,
            Self::InvalidResponse(invalid) => write!(formatter, "the server's answer is invalid: {invalid}")?,
            Self::Transport(error) => error.fmt(formatter)?,
            Self::NoEndpoint { endpoint, looked_in: LookedIn::Metadata } => {
                write!(formatter, "the server publishes no {endpoint}: give it by hand")?;
            }
            Self::NoEndpoint { endpoint, looked_in: LookedIn::NoMetadata } => write!(
                formatter,
                "no metadata is published at this issuer, so that no {endpoint} is known: check the path and the \
                 slash at the issuer's end, or give the endpoints by hand"
            )?,
            Self::NoEndpoint { endpoint, looked_in: LookedIn::Nowhere } => {
                write!(formatter, "no {endpoint} is known: give it by hand, or give an issuer")?;
            }
            Self::AuthorizationResponse(error) => error.fmt(formatter)?,
            Self::Url(error) => error.fmt(formatter)?,
            Self::InvalidClient(error) => error.fmt(formatter)?,
            Self::Configuration(error) => error.fmt(formatter)?,
        }
        match self.next_step() {
            Some(next_step) => write!(formatter, "; {next_step}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    fn next_step(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => match refusal.error {
                ErrorCode::AccessDenied | ErrorCode::ExpiredToken | ErrorCode::InvalidDeviceCode => {
                    Some("start the login again for a new code")
                }
                ErrorCode::InvalidGrant => Some("sign in again"),
                ErrorCode::InvalidClient => Some("check the client_id and the client secret"),
                ErrorCode::InvalidScope => Some("ask for other scopes"),
                ErrorCode::UnauthorizedClient | ErrorCode::UnsupportedGrantType => {
                    Some("have this grant turned on for the client at the server")
                }
                _ => None,
            },
            Self::Expired => Some("start the login again for a new code"),
            Self::RetryAfterExpiry { .. } | Self::Unavailable(_) => Some("try again later"),
            Self::InvalidResponse(InvalidResponse::OtherIssuer) => {
                Some("give the issuer exactly as the server writes it, with or without the slash at its end")
            }
            Self::InvalidResponse(
                InvalidResponse::UnsafeUserCode(_)
                | InvalidResponse::UnsafeVerificationUri(_)
                | InvalidResponse::UnsafeVerificationUriComplete(_),
            ) => Some("nothing of it was shown; tell the server's operator"),
            Self::InvalidResponse(_) => Some("check that the URL is the server's, and the server's log"),
            Self::Transport(error) if error.obstacle() == Some(Obstacle::ProxyCredentials) => {
                Some("give both in the proxy's URL")
            }
            Self::Transport(error) if error.obstacle() == Some(Obstacle::ProxyRefused) => {
                Some("ask the proxy's operator, or go without a proxy")
            }
            Self::Transport(error) => match error.failure() {
                TransportFailure::Dns => Some("check the name in the URL, and the network"),
                TransportFailure::Connect => Some("check the host and port in the URL, and the network"),
                TransportFailure::Closed | TransportFailure::Timeout => Some("check the network, try again"),
                TransportFailure::BodyTooLarge | TransportFailure::NotHttp => {
                    Some("check that the URL is the server's")
                }
                // Its words say what to do.
                _ => None,
            },
            Self::AuthorizationResponse(
                AuthorizationResponseError::State | AuthorizationResponseError::Refused(_),
            ) => None,
            Self::AuthorizationResponse(_) => Some("start the login again"),
            _ => None,
        }
    }
}

impl std::error::Error for UrlError {}

impl std::error::Error for ConfigurationError {}

impl fmt::Display for UrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnEndpoint(error) => error.fmt(formatter),
            Self::NotNormalized { given, normalized } => {
                write!(formatter, "the URL \"{given}\" would be sent as \"{normalized}\": write it that way")
            }
            Self::InvalidHost { given } => {
                write!(formatter, "the URL \"{given}\" has no valid host name or address: correct it")
            }
            Self::ForeignOrigin { origin } => {
                write!(
                    formatter,
                    "the token is not meant for {origin}: name that origin as one of the client's resource origins"
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
                "no usable certificate in the PEM text: it needs at least one BEGIN CERTIFICATE block, and all whole"
            }
            Self::NoTransport => "no HTTP client: turn on the feature reqwest or give a transport",
            Self::NotTheBuiltInTransport => {
                "the client has a transport of its own: give an HTTP client with resource_client_with"
            }
            Self::LoopbackPort => {
                "the loopback port could not be opened: choose another one, or port 0 for any"
            }
            Self::LoopbackPath => {
                "the loopback path is not written as a browser sends it: without query, fragment, dot segments \
                 and with other characters than letters, digits and -._~ percent-encoded"
            }
            Self::LoopbackRedirectUri => {
                "a redirect URI on this machine is http://127.0.0.1/PATH, http://[::1]/PATH or \
                 http://localhost/PATH, with a port where the server wants a fixed one, without query and fragment"
            }
            Self::Proxy => "the proxy is no URL with a host that starts with http:// or https://",
            Self::UserAgent => "the user agent holds a character that no HTTP header can carry",
            Self::NoRandomness => "the operating system gave no random bytes",
        })
    }
}
