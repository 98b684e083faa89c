//! Request parameters in a form body or a query, read strictly: RFC 6749 sections 3.1, 3.2 and Appendix B.

use hyper::Request;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

use crate::checks::{Check, Lenient};
use crate::error_response::ErrorResponse;

/// No request of any grant has as many parameters.
const MAX_PARAMETERS: usize = 100;

/// Parameters in the order they came.
#[derive(Default)]
pub(crate) struct RequestParameters(Vec<(String, String)>);

impl RequestParameters {
    /// Reads a form body for a client program; parameters in the URL are refused (RFC 6749 section 2.3.1).
    pub(crate) fn from_form(request: &Request<Bytes>, lenient: Lenient) -> Result<Self, ErrorResponse> {
        let query = request.uri().query().filter(|query| !query.is_empty());
        if query.is_some() && !lenient.on(Check::ParametersInUrl) {
            return Err(ErrorResponse::invalid_request(
                "parameters belong in the request body, not in the URL (RFC 6749 section 2.3.1)",
            )
            .because(Check::ParametersInUrl, "parameters in the URL"));
        }
        let mut parameters = Self::form_with_repeats(request, lenient)?;
        if let Some(query) = query {
            parameters.0.extend(Self::with_repeats(query)?.0);
        }
        if lenient.on(Check::RepeatedParameter) { Ok(parameters) } else { parameters.each_once() }
    }

    /// Reads a form body in which a parameter may come twice.
    pub(crate) fn form_with_repeats(
        request: &Request<Bytes>,
        lenient: Lenient,
    ) -> Result<Self, ErrorResponse> {
        if !is_form(request) && !lenient.on(Check::ContentType) {
            let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            return Err(ErrorResponse::invalid_request(
                "Content-Type must be application/x-www-form-urlencoded",
            )
            .because(Check::ContentType, media_type.unwrap_or("none")));
        }
        let body = str::from_utf8(request.body()).map_err(|_| {
            ErrorResponse::invalid_request("the request body is not UTF-8")
                .because(Check::Encoding, "other bytes")
        })?;
        Self::with_repeats(body)
    }

    /// Reads `name=value&...` in which a parameter may come twice.
    pub(crate) fn with_repeats(text: &str) -> Result<Self, ErrorResponse> {
        let mut parameters = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if parameters.len() == MAX_PARAMETERS {
                return Err(ErrorResponse::invalid_request("more than 100 parameters")
                    .because(Check::ParameterCount, "more"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((form_decode(name)?, form_decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// "Request and response parameters MUST NOT be included more than once."
    fn each_once(self) -> Result<Self, ErrorResponse> {
        match self.first_repeated() {
            None => Ok(self),
            Some(name) => Err(repeated(name)),
        }
    }

    /// The first name that comes twice; `resource` may (RFC 8707 section 2).
    pub(crate) fn first_repeated(&self) -> Option<&str> {
        self.0
            .iter()
            .map(|(name, _)| name.as_str())
            .find(|name| *name != "resource" && self.is_repeated(name))
    }

    pub(crate) fn is_repeated(&self, name: &str) -> bool {
        self.0.iter().filter(|(known, _)| known == name).count() > 1
    }

    /// The value of `name`. "Parameters sent without a value MUST be treated as if they were omitted".
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The value of `name`, or the `invalid_request` that says that it is missing.
    pub(crate) fn require(&self, name: &str) -> Result<&str, ErrorResponse> {
        self.get(name).ok_or_else(|| {
            ErrorResponse::invalid_request(format!("the parameter {name} is missing"))
                .because(Check::MissingParameter, format!("no {name}"))
        })
    }

    /// All names with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The refusal of a parameter that comes twice.
pub(crate) fn repeated(name: &str) -> ErrorResponse {
    ErrorResponse::invalid_request(format!("the parameter {name} is repeated"))
        .because(Check::RepeatedParameter, format!("{name} more than once"))
}

/// Undoes `application/x-www-form-urlencoded` for one name or value.
pub(crate) fn form_decode(text: &str) -> Result<String, ErrorResponse> {
    let bytes = text.as_bytes();
    let escapes_are_whole = text.match_indices('%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole {
        return Err(ErrorResponse::invalid_request("a percent sign must be followed by two hex digits")
            .because(Check::Encoding, "a lone percent sign"));
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    let decoded = decoded.map_err(|_| {
        ErrorResponse::invalid_request("a parameter is not UTF-8 after percent-decoding")
            .because(Check::Encoding, "other bytes")
    })?;
    Ok(decoded.into_owned())
}

fn is_form(request: &Request<Bytes>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
