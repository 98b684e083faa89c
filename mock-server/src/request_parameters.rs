//! Request parameters in a form body or a query, read strictly: RFC 6749 sections 3.1, 3.2 and Appendix B.

use std::borrow::Cow;

use hyper::Request;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

use crate::error_response::ErrorResponse;

/// Parameters in the order they came, each name once.
#[derive(Debug, Default)]
pub(crate) struct RequestParameters(Vec<(String, String)>);

impl RequestParameters {
    /// Reads a form body; parameters in the URL are refused (RFC 6749 section 2.3.1).
    pub(crate) fn from_form(request: &Request<Bytes>) -> Result<Self, ErrorResponse> {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Err(ErrorResponse::invalid_request(
                "parameters belong in the request body, not in the URL (RFC 6749 section 2.3.1)",
            ));
        }
        if !is_form(request) {
            return Err(ErrorResponse::invalid_request(
                "Content-Type must be application/x-www-form-urlencoded",
            ));
        }
        let body = str::from_utf8(request.body())
            .map_err(|_| ErrorResponse::invalid_request("the request body is not UTF-8"))?;
        Self::parse(body)
    }

    /// Reads `name=value&...`.
    pub(crate) fn parse(text: &str) -> Result<Self, ErrorResponse> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (form_decode(name)?.into_owned(), form_decode(value)?.into_owned());
            // "Request and response parameters MUST NOT be included more than once"; RFC 8707 lets `resource` repeat.
            if name != "resource" && parameters.iter().any(|(known, _)| *known == name) {
                return Err(ErrorResponse::invalid_request(format!("the parameter {name} is repeated")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The value of `name`. "Parameters sent without a value MUST be treated as if they were omitted".
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The value of `name`, or the `invalid_request` that says that it is missing.
    pub(crate) fn require(&self, name: &str) -> Result<&str, ErrorResponse> {
        self.get(name)
            .ok_or_else(|| ErrorResponse::invalid_request(format!("the parameter {name} is missing")))
    }
}

/// Undoes `application/x-www-form-urlencoded` for one name or value.
pub(crate) fn form_decode(text: &str) -> Result<Cow<'_, str>, ErrorResponse> {
    let bytes = text.as_bytes();
    let escapes_are_whole = text.match_indices('%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole {
        return Err(ErrorResponse::invalid_request("a percent sign must be followed by two hex digits"));
    }
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(ErrorResponse::invalid_request("a parameter is not UTF-8 after percent-decoding")),
    }
}

fn is_form(request: &Request<Bytes>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
