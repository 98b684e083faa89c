//! Error answers (RFC 6749 §5.2, RFC 8628 §3.5) and what servers send in their place.

use alloc::string::{String, ToString as _};
use core::fmt;

use crate::ServerText;
use crate::response_parameters::{Number, Parameters};

/// An OAuth error code. The registry is open: what is not listed here is [`ErrorCode::Other`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The person has not decided yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The device polls too fast (RFC 8628 §3.5).
    SlowDown,
    /// The person, or the server, said no (RFC 6749 §4.1.2.1, RFC 8628 §3.5).
    AccessDenied,
    /// The device code is no longer valid (RFC 8628 §3.5).
    ExpiredToken,
    /// The device code is unknown to the server: the word of several servers for a code that has
    /// expired, was used, or never was.
    InvalidDeviceCode,
    /// A parameter is missing, wrong or repeated (RFC 6749 §5.2).
    InvalidRequest,
    /// The client is unknown or did not authenticate (RFC 6749 §5.2).
    InvalidClient,
    /// The code or refresh token is invalid, expired, revoked or another client's (RFC 6749 §5.2).
    InvalidGrant,
    /// The client may not use this grant (RFC 6749 §5.2).
    UnauthorizedClient,
    /// The server does not know this grant (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The server does not know this response type (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// The scope is unknown, malformed or too wide (RFC 6749 §5.2).
    InvalidScope,
    /// The server failed (RFC 6749 §4.1.2.1).
    ServerError,
    /// The server is overloaded or down for maintenance (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// The server does not revoke this type of token (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// Any other code, as it was sent.
    Other(String),
}

/// A refusal by the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// What the code means, aliases of single servers resolved.
    pub error: ErrorCode,
    /// The code as it was sent.
    pub raw_error: ServerText,
    /// `error_description`, or the text that the server sent in its place.
    pub error_description: Option<ServerText>,
    /// `error_uri`, unchecked.
    pub error_uri: Option<ServerText>,
    /// The server's own number for the case (Entra's `AADSTS` number).
    pub provider_code: Option<u32>,
    /// `interval`: the new one that GitHub sends with `slow_down`, in whole seconds, rounded up.
    pub interval: Option<u32>,
}

/// Codes as they are on the wire, the registered one first, then single servers' words for it.
const CODES: &[(ErrorCode, &[&str])] = &[
    (ErrorCode::AuthorizationPending, &["authorization_pending"]),
    (ErrorCode::SlowDown, &["slow_down"]),
    (ErrorCode::AccessDenied, &["access_denied", "authorization_declined"]),
    (ErrorCode::ExpiredToken, &["expired_token", "token_expired", "code_expired"]),
    (
        ErrorCode::InvalidDeviceCode,
        &[
            "invalid_device_code",
            "bad_verification_code",
            "incorrect_device_code",
            "device_not_found",
            "invalid device code",
            "invalid_code_pair",
        ],
    ),
    (ErrorCode::InvalidRequest, &["invalid_request"]),
    (ErrorCode::InvalidClient, &["invalid_client", "incorrect_client_credentials"]),
    (
        ErrorCode::InvalidGrant,
        &["invalid_grant", "invalid_code", "bad_refresh_token", "Invalid refresh token"],
    ),
    (ErrorCode::UnauthorizedClient, &["unauthorized_client", "device_flow_disabled"]),
    (ErrorCode::UnsupportedGrantType, &["unsupported_grant_type"]),
    (ErrorCode::UnsupportedResponseType, &["unsupported_response_type"]),
    (ErrorCode::InvalidScope, &["invalid_scope"]),
    (ErrorCode::ServerError, &["server_error"]),
    (ErrorCode::TemporarilyUnavailable, &["temporarily_unavailable"]),
    (ErrorCode::UnsupportedTokenType, &["unsupported_token_type"]),
];

impl ErrorCode {
    /// The code that `sent` stands for.
    pub fn parse(sent: &str) -> Self {
        Self::known(sent).unwrap_or_else(|| Self::Other(sent.to_string()))
    }

    /// The code as the RFCs spell it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(code) => code,
            known => CODES.iter().find(|(code, _)| code == known).map_or("", |(_, names)| names[0]),
        }
    }

    fn known(sent: &str) -> Option<Self> {
        CODES.iter().find(|(_, names)| names.contains(&sent)).map(|(code, _)| code.clone())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        ServerText::new(self.as_str()).fmt(formatter)
    }
}

/// Whether the answer is a refusal although it has no `error` (Twitch's `message`, Nomos's `code`).
pub(crate) fn names_an_error(parameters: &Parameters) -> bool {
    ErrorResponse::from_parameters(parameters).is_some()
}

impl ErrorResponse {
    /// The refusal in an answer, or `None` where nothing is refused. `error` wins over everything else,
    /// whatever the status; null, `false` and "" are no error.
    pub(crate) fn from_parameters(parameters: &Parameters) -> Option<Self> {
        let sent = SentError::in_parameters(parameters);
        // What some servers send in place of `error`, and only an exact, known code.
        let elsewhere = || {
            ["message", "code"].into_iter().find_map(|name| {
                let text = parameters.text(&[name])?;
                Some((ErrorCode::known(&text)?, text))
            })
        };
        let mut nested_description = None;
        let (error, raw_error) = match sent {
            SentError::None if parameters.has(&["access_token", "accessToken"]) => return None,
            SentError::None => elsewhere()?,
            SentError::Code(code) => match ErrorCode::parse(&code) {
                unknown @ ErrorCode::Other(_) => elsewhere().unwrap_or((unknown, code)),
                known => (known, code),
            },
            SentError::NoCode { raw, description } => {
                nested_description = description;
                // Never one of the known codes: a nested word means what its provider says it means.
                elsewhere().unwrap_or((ErrorCode::Other("error".into()), raw))
            }
        };
        let description = parameters
            .text(&["error_description", "errorDescription"])
            .or(nested_description)
            .or_else(|| parameters.text(&["message"]).filter(|message| *message != raw_error));
        let provider_code = provider_code(parameters, description.as_deref());
        Some(Self {
            error,
            raw_error: raw_error.into(),
            error_description: description.map(Into::into),
            error_uri: parameters.text(&["error_uri", "errorUri"]).map(Into::into),
            provider_code,
            interval: parameters.number(&["interval"]).and_then(Number::whole_seconds),
        })
    }
}

/// What stands in `error`.
enum SentError {
    None,
    Code(String),
    /// An object or something else that is no text: its own word for the case, and its text.
    NoCode {
        raw: String,
        description: Option<String>,
    },
}

impl SentError {
    fn in_parameters(parameters: &Parameters) -> Self {
        const ERROR: &[&str] = &["error"];
        if !parameters.has(ERROR) || parameters.flag(ERROR) == Some(false) {
            return Self::None;
        }
        if let Some(code) = parameters.text(ERROR) {
            return if code.is_empty() { Self::None } else { Self::Code(code) };
        }
        match parameters.object(ERROR) {
            Some(nested) => {
                let text = |name| nested.text(&[name]);
                let raw = text("type").or_else(|| text("code")).unwrap_or_else(|| "error".into());
                Self::NoCode { raw, description: text("message") }
            }
            None => Self::NoCode { raw: parameters.raw(ERROR).unwrap_or_default().into(), description: None },
        }
    }
}

/// The first of Entra's `error_codes`, or the number after `AADSTS` at the start of its description.
fn provider_code(parameters: &Parameters, description: Option<&str>) -> Option<u32> {
    let listed = parameters.items(&["error_codes"]).and_then(|codes| codes.first()?.get().parse().ok());
    listed.or_else(|| {
        let digits = description?.strip_prefix("AADSTS")?;
        let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
        digits.get(..end)?.parse().ok()
    })
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.raw_error)?;
        if let Some(description) = &self.error_description {
            write!(formatter, ": {description}")?;
        }
        Ok(())
    }
}

impl core::error::Error for ErrorResponse {}
