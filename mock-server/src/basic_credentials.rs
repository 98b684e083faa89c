//! `Authorization: Basic` as clients send it: RFC 7617, with the form-encoding of RFC 6749 section 2.3.1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::AUTHORIZATION;

use crate::checks::Check;
use crate::error_response::ErrorResponse;
use crate::printable::printable;
use crate::request_parameters::form_decode;

/// The client that `Authorization: Basic` names, whatever its secret.
pub(crate) fn named_in_basic(request: &Request<Bytes>) -> Option<String> {
    let (client_id, _) = basic_credentials(request).ok()??;
    Some(printable(&client_id))
}

/// The two halves of `Authorization: Basic`, each form-decoded (RFC 6749 section 2.3.1); `None` without the header.
pub(crate) fn basic_credentials(request: &Request<Bytes>) -> Result<Option<(String, String)>, ErrorResponse> {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    if headers.next().is_some() {
        return Err(ErrorResponse::invalid_request("the Authorization header is repeated")
            .because(Check::ClientAuthentication, "two Authorization headers"));
    }
    let malformed = || {
        ErrorResponse::invalid_client(
            "Authorization must be Basic with base64 of client_id:client_secret, each form-encoded first",
            true,
        )
        .because(Check::ClientAuthentication, "an Authorization header of another form")
    };
    let header = header.to_str().map_err(|_| malformed())?;
    let (scheme, credentials) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(malformed());
    }
    let decoded = STANDARD.decode(credentials.trim()).map_err(|_| malformed())?;
    let decoded = str::from_utf8(&decoded).map_err(|_| malformed())?;
    // An encoded id holds no colon; the secret may.
    let (client_id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    let client_id = form_decode(client_id).map_err(|_| malformed())?;
    let secret = form_decode(secret).map_err(|_| malformed())?;
    Ok(Some((client_id, secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_may_hold_a_colon_plain_or_encoded() {
        for (credentials, secret) in
            [("id:a:b", "a:b"), ("id:a%3Ab", "a:b"), ("id:a+b", "a b"), ("i%64:", "")]
        {
            let header = format!("Basic {}", STANDARD.encode(credentials));
            let request = Request::builder().header(AUTHORIZATION, header).body(Bytes::new()).unwrap();
            let read = basic_credentials(&request).unwrap();
            assert_eq!(read, Some(("id".to_owned(), secret.to_owned())), "{credentials}");
        }
    }
}
