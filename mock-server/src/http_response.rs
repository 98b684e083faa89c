//! The few shapes of HTTP answer that this server gives.

use hyper::body::Bytes;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, PRAGMA,
};
use hyper::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// A whole answer, not yet on the wire.
pub(crate) type Response = hyper::Response<Bytes>;

/// JSON that may be kept: metadata and keys.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    with_body(status, "application/json", body.to_string())
}

/// JSON that holds tokens, codes or what is true only now (RFC 6749 section 5.1).
pub(crate) fn json_no_store(status: StatusCode, body: &Value) -> Response {
    no_store(json(status, body))
}

/// An empty body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// A body of the given media type.
pub(crate) fn with_body(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Sends the browser on: 302 for a GET, 303 for a POST, so that no credential is posted on (RFC 9700 section 4.12).
pub(crate) fn redirect(method: &Method, target: &str) -> Response {
    let status = if method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let mut response = no_store(empty(status));
    // Redirect URIs were compared with a registered one and parameters are percent-encoded, so this is always a header value.
    if let Ok(location) = HeaderValue::from_str(target) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Django's answer to a path without its slash: 301 with the path alone, whatever the method.
pub(crate) fn moved_permanently(target: &str) -> Response {
    let mut response = with_body(StatusCode::MOVED_PERMANENTLY, "text/html; charset=utf-8", String::new());
    if let Ok(location) = HeaderValue::from_str(target) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Forbids caches to keep the answer.
pub(crate) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Lets pages of every origin read the answer: metadata and keys are public.
pub(crate) fn open_to_all_origins(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Adds query parameters to a URL, keeping the query that it has (RFC 6749 section 3.1.2).
pub(crate) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = url.to_owned();
    for (name, value) in parameters {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, ALL_BUT_UNRESERVED));
    }
    url
}

/// RFC 3986 section 2.3: all but letters, digits and `-._~` is escaped.
const ALL_BUT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_the_query_of_its_target() {
        let parameters = [("code", "a b&c"), ("state", "é")];
        assert_eq!(with_query("http://h/cb?x=1", &parameters), "http://h/cb?x=1&code=a%20b%26c&state=%C3%A9");
        assert_eq!(with_query("http://h/cb", &parameters), "http://h/cb?code=a%20b%26c&state=%C3%A9");
    }
}
