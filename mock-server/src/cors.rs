//! Cross-origin requests of apps in a browser, by the Fetch standard: the origin is reflected where that is configured.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, StatusCode};

use crate::endpoint::Endpoint;
use crate::exchange::Exchange;
use crate::http_response::{Response, empty};

/// The answer to a preflight request, for an endpoint that programs call.
pub(crate) fn preflight(exchange: &Exchange<'_>, endpoint: Endpoint) -> Option<Response> {
    let headers = exchange.request.headers();
    let asks =
        exchange.request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || is_page(endpoint) {
        return None;
    }
    let mut response = empty(StatusCode::NO_CONTENT);
    let allowed = response.headers_mut();
    allowed.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        allowed.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    allowed.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

/// Lets the asking origin read the answer of an endpoint that programs call. No cookie is ever involved.
pub(crate) fn reflect_origin(exchange: &Exchange<'_>, endpoint: Endpoint, response: &mut Response) {
    let Some(origin) = exchange.request.headers().get(ORIGIN).filter(|_| !is_page(endpoint)) else {
        return;
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

/// Pages are for people and their cookies: no other origin reads them.
const fn is_page(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Authorize | Endpoint::VerificationPage)
}
