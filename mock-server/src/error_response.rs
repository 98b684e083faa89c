//! Error responses: RFC 6749 section 5.2, RFC 6750 section 3 and RFC 8628 section 3.5.

use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use crate::http_response::{Response, json_no_store};

/// A refusal that a client program reads: `error`, and a description that names what was expected.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) description: String,
    header: Option<(hyper::header::HeaderName, HeaderValue)>,
}

impl ErrorResponse {
    /// 400 with `code`.
    pub(crate) fn new(code: &'static str, description: impl AsRef<str>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            description: in_error_description_charset(description.as_ref()),
            header: None,
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
        let mut error = Self::new("invalid_client", description);
        error.status = StatusCode::UNAUTHORIZED;
        if tried_basic {
            let challenge = HeaderValue::from_static("Basic realm=\"mock-server\", charset=\"UTF-8\"");
            error.header = Some((WWW_AUTHENTICATE, challenge));
        }
        error
    }

    /// 405: the endpoint exists, the method does not.
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        let mut error = Self::invalid_request(format!("this endpoint takes {allowed} only"));
        error.status = StatusCode::METHOD_NOT_ALLOWED;
        error.header = Some((ALLOW, HeaderValue::from_static(allowed)));
        error
    }

    /// The same refusal with another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same refusal with `Retry-After: seconds`.
    pub(crate) fn with_retry_after(mut self, seconds: u64) -> Self {
        self.header = Some((RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    pub(crate) fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": self.description });
        let mut response = json_no_store(self.status, &body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Keeps `%x20-21 / %x23-5B / %x5D-7E`, the charset of `error_description` (RFC 6749 section 5.2).
fn in_error_description_charset(text: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    text.chars().map(|c| if allowed(c) { c } else { '?' }).take(500).collect()
}
