//! What can go wrong in an exchange, sorted by who is to blame.

use core::fmt;
use core::time::Duration;

use crate::{EndpointUrlProblem, ErrorResponse, ServerText, TransportFailure};

/// Why an exchange ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The server refused (RFC 6749 §5.2, RFC 8628 §3.5).
    Refused(ErrorResponse),
    /// The code's life is over on the client's own clock.
    Expired,
    /// The server asked for a wait that ends after the code's life (`Retry-After`).
    RetryAfterExpiry {
        /// What it asked for.
        retry_after: Duration,
    },
    /// The server is there but cannot answer now: the same request may succeed later.
    Unavailable(Unavailable),
    /// The server answered with a redirect, which is never followed.
    Redirected(Redirect),
    /// The server's answer breaks the RFCs.
    InvalidResponse(InvalidResponse),
    /// No whole answer came.
    Transport(TransportFailure),
}

/// An answer that asks for a later try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// The HTTP status: 408, 425, 429 or 5xx.
    pub status: u16,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// A redirect that was not followed: the credentials in the request would travel with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The HTTP status, 3xx.
    pub status: u16,
    /// Where it points.
    pub location: Option<ServerText>,
    /// Whether the target is the same URL but for a slash at the end of its path.
    pub differs_by_slash: bool,
}

/// What is wrong with an answer. The body itself is never part of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidResponse {
    /// Neither a JSON object nor a form: HTML, an empty body, JSON cut off in the middle.
    NoParameters,
    /// A status that no OAuth answer has, without an OAuth body.
    UnexpectedStatus(u16),
    /// No device flow at this URL: 404 without an OAuth body.
    NoDeviceAuthorizationEndpoint,
    /// Metadata of another issuer (RFC 8414 §3.3).
    OtherIssuer,
    /// `error` or `access_token` stands there more than once.
    RepeatedParameter,
    /// A required parameter is missing, empty or of the wrong type.
    MissingParameter(&'static str),
    /// A `token_type` that this client cannot use (RFC 6749 §7.1: "MUST NOT use an access token if it does
    /// not understand the token type").
    UnknownTokenType,
    /// The `access_token` holds characters that no token has (RFC 6749 Appendix A.12): it could not stand in
    /// a header.
    UnsafeAccessToken,
    /// `expires_in` of a device code is zero or negative.
    ExpiredOnArrival,
    /// `user_code` must not be displayed.
    UnsafeUserCode(Undisplayable),
    /// `verification_uri` must not be displayed, linked or opened.
    UnsafeVerificationUri(Undisplayable),
    /// `verification_uri_complete` holds a character that must not be displayed.
    UnsafeVerificationUriComplete(Undisplayable),
}

/// Why a code or a URI is not displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undisplayable {
    /// It is longer than so many characters, or bytes of a URI.
    Longer {
        /// The most that is displayed.
        than: usize,
    },
    /// A control character, or one that is invisible or turns the direction of the text.
    Character(char),
    /// A blank at an end, or two in a row.
    Blanks,
    /// It is not the URL of a page that a browser could be sent to safely.
    Url(EndpointUrlProblem),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(response) => write!(formatter, "the server refused: {response}"),
            Self::Expired => formatter.write_str("the code expired before it was approved"),
            Self::RetryAfterExpiry { retry_after } => write!(
                formatter,
                "the server asked to wait {} s, longer than the code is valid",
                retry_after.as_secs()
            ),
            Self::Unavailable(unavailable) => {
                write!(formatter, "the server is unavailable (HTTP {})", unavailable.status)
            }
            Self::Redirected(redirect) => redirect.fmt(formatter),
            Self::InvalidResponse(invalid) => write!(formatter, "the server's answer is invalid: {invalid}"),
            Self::Transport(failure) => failure.fmt(formatter),
        }
    }
}

impl core::error::Error for Error {}

impl fmt::Display for Redirect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the server redirects (HTTP {})", self.status)?;
        if let Some(location) = &self.location {
            write!(formatter, " to {location}")?;
        }
        if self.differs_by_slash {
            formatter.write_str(": the endpoint's URL differs by a slash at its end, correct it")
        } else {
            formatter.write_str("; redirects are not followed, they would carry credentials away")
        }
    }
}

impl fmt::Display for InvalidResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoParameters => formatter.write_str("neither a JSON object nor a form"),
            Self::UnexpectedStatus(status) => write!(formatter, "HTTP {status} without an OAuth error"),
            Self::NoDeviceAuthorizationEndpoint => {
                formatter.write_str("HTTP 404: there is no device authorization endpoint at this URL")
            }
            Self::OtherIssuer => formatter.write_str("it is the metadata of another issuer"),
            Self::RepeatedParameter => formatter.write_str("error or access_token stands there twice"),
            Self::MissingParameter(name) => write!(formatter, "{name} is missing or of the wrong type"),
            Self::UnknownTokenType => {
                formatter.write_str("its token_type is not one that this client can use")
            }
            Self::UnsafeAccessToken => {
                formatter.write_str("its access_token holds characters that no token has")
            }
            Self::ExpiredOnArrival => formatter.write_str("expires_in is not above zero"),
            Self::UnsafeUserCode(why) => write!(formatter, "its user_code {why}"),
            Self::UnsafeVerificationUri(why) => write!(formatter, "its verification_uri {why}"),
            Self::UnsafeVerificationUriComplete(why) => {
                write!(formatter, "its verification_uri_complete {why}")
            }
        }
    }
}

impl fmt::Display for Undisplayable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Longer { than } => write!(formatter, "is longer than {than} characters"),
            Self::Character(character) => write!(
                formatter,
                "holds the character U+{:04X}, which is not for a screen",
                u32::from(*character)
            ),
            Self::Blanks => formatter.write_str("has a blank at an end, or two in a row"),
            // What the caller of an endpoint could allow is not his to allow here.
            Self::Url(EndpointUrlProblem::Http) => {
                formatter.write_str("is http, which anyone on the way can read and change")
            }
            Self::Url(problem) => problem.fmt(formatter),
        }
    }
}
