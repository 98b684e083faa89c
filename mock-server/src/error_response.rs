//! Error responses: RFC 6749 section 5.2, RFC 6750 section 3 and RFC 8628 section 3.5.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use crate::checks::Check;
use crate::http_response::{Response, empty, json_no_store, no_store};

/// A refusal that a client program reads: `error`, and a description that names what was expected.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    /// Empty where the RFC wants a challenge without an error code.
    pub(crate) code: Cow<'static, str>,
    pub(crate) description: String,
    header: Option<ErrorHeader>,
    failed: Option<Box<Failed>>,
}

/// Which check failed, what came in its place, and where a person can read about it.
#[derive(Debug)]
struct Failed {
    check: Check,
    got: String,
    uri: Option<String>,
}

/// The one header that tells a client what to do about it.
#[derive(Clone, Copy, Debug)]
enum ErrorHeader {
    Allow(&'static str),
    BasicChallenge,
    BearerChallenge { scope: Option<&'static str> },
    RetryAfter(u64),
}

impl ErrorResponse {
    /// 400 with `code`.
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, description: impl AsRef<str>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.into(),
            description: in_error_description_charset(description.as_ref()),
            header: None,
            failed: None,
        }
    }

    pub(crate) fn invalid_request(description: impl AsRef<str>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn invalid_grant(description: impl AsRef<str>) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(crate) fn invalid_scope(description: impl AsRef<str>) -> Self {
        Self::new("invalid_scope", description)
    }

    pub(crate) fn unauthorized_client(description: impl AsRef<str>) -> Self {
        Self::new("unauthorized_client", description)
    }

    /// 401 `invalid_client`; with `Basic` in `WWW-Authenticate` if that is what the client tried (RFC 6749 section 5.2).
    pub(crate) fn invalid_client(description: impl AsRef<str>, tried_basic: bool) -> Self {
        let mut error = Self::new("invalid_client", description).with_status(StatusCode::UNAUTHORIZED);
        error.header = tried_basic.then_some(ErrorHeader::BasicChallenge);
        error
    }

    /// 405: the endpoint exists, the method does not.
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        let mut error = Self::invalid_request(format!("this endpoint takes {allowed} only"))
            .because(Check::Method, "another method")
            .with_status(StatusCode::METHOD_NOT_ALLOWED);
        error.header = Some(ErrorHeader::Allow(allowed));
        error
    }

    /// 401 with a bare challenge: "the request lacks any authentication information" (RFC 6750 section 3.1).
    pub(crate) fn without_authentication() -> Self {
        Self::new("", "")
            .with_status(StatusCode::UNAUTHORIZED)
            .with_bearer_challenge(None)
            .because(Check::TokenPresence, "none")
    }

    /// The same refusal with `WWW-Authenticate: Bearer`, its error and, if given, the scope that is needed.
    pub(crate) fn with_bearer_challenge(mut self, scope: Option<&'static str>) -> Self {
        self.header = Some(ErrorHeader::BearerChallenge { scope });
        self
    }

    /// The same refusal, explained: which check failed, and what came (never a secret, a code or a token).
    pub(crate) fn because(mut self, check: Check, got: impl Into<String>) -> Self {
        self.failed = Some(Box::new(Failed { check, got: got.into(), uri: None }));
        self
    }

    /// What failed, and what came in its place.
    pub(crate) fn failed(&self) -> Option<(Check, &str)> {
        self.failed.as_ref().map(|failed| (failed.check, failed.got.as_str()))
    }

    /// The same explained refusal with an `error_uri`.
    pub(crate) fn with_uri(mut self, uri: String) -> Self {
        if let Some(failed) = &mut self.failed {
            failed.uri = Some(uri);
        }
        self
    }

    pub(crate) fn uri(&self) -> Option<&str> {
        self.failed.as_ref()?.uri.as_deref()
    }

    /// The same refusal with another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// 503: what the server keeps in memory has its bounds.
    pub(crate) fn full_table(description: &'static str) -> Self {
        Self::new("temporarily_unavailable", description)
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
            .with_retry_after(60)
    }

    /// The same refusal with `Retry-After: seconds`.
    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.header = Some(ErrorHeader::RetryAfter(seconds));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let mut response = if self.code.is_empty() {
            no_store(empty(self.status))
        } else {
            let mut body = json!({ "error": self.code, "error_description": self.description });
            if let Some(uri) = self.uri() {
                body["error_uri"] = uri.into();
            }
            json_no_store(self.status, &body)
        };
        let (name, value) = match self.header {
            None => return response,
            Some(ErrorHeader::Allow(methods)) => (ALLOW, Ok(HeaderValue::from_static(methods))),
            Some(ErrorHeader::BasicChallenge) => {
                let challenge = "Basic realm=\"mock-server\", charset=\"UTF-8\"";
                (WWW_AUTHENTICATE, Ok(HeaderValue::from_static(challenge)))
            }
            Some(ErrorHeader::BearerChallenge { scope }) => {
                (WWW_AUTHENTICATE, HeaderValue::from_str(&self.bearer_challenge(scope)))
            }
            Some(ErrorHeader::RetryAfter(seconds)) => (RETRY_AFTER, Ok(HeaderValue::from(seconds))),
        };
        // The charset of descriptions has neither quotes nor control characters, so the value is always fine.
        if let Ok(value) = value {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn bearer_challenge(&self, scope: Option<&str>) -> String {
        if self.code.is_empty() {
            return "Bearer".to_owned();
        }
        let scope = scope.map(|scope| format!(", scope=\"{scope}\"")).unwrap_or_default();
        format!("Bearer error=\"{}\", error_description=\"{}\"{scope}", self.code, self.description)
    }
}

/// Keeps `%x20-21 / %x23-5B / %x5D-7E`, the charset of `error_description` (RFC 6749 section 5.2).
fn in_error_description_charset(text: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    text.chars().map(|c| if allowed(c) { c } else { '?' }).take(500).collect()
}
