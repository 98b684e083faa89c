//! Client authentication at the token, device authorization, revocation and introspection endpoints: RFC 6749 section 2.3.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::AUTHORIZATION;

use crate::authorization_server::{AuthorizationServer, Exchange};
use crate::checks::Check;
use crate::clients::Client;
use crate::error_response::ErrorResponse;
use crate::journal::printable;
use crate::request_parameters::{RequestParameters, form_decode};

/// Finds out which client sends the request and checks its secret.
///
/// A public client names itself with `client_id`; a confidential one uses HTTP Basic **or** `client_secret` in the body.
pub(crate) fn authenticate(
    server: &AuthorizationServer,
    exchange: &mut Exchange<'_>,
    parameters: &RequestParameters,
) -> Result<Arc<Client>, ErrorResponse> {
    let body_client_id = parameters.get("client_id");
    exchange.note.client_id = body_client_id.map(printable);
    let basic = basic_credentials(exchange.request)?;
    let body_secret = parameters.get("client_secret");

    let Some((client_id, secret)) = basic else {
        let Some(client_id) = body_client_id else {
            return Err(ErrorResponse::invalid_request("the parameter client_id is missing")
                .because(Check::MissingParameter, "no client_id"));
        };
        return check(server, client_id, body_secret, false);
    };
    if body_secret.is_some() {
        // "The client MUST NOT use more than one authentication method in each request."
        return Err(ErrorResponse::invalid_request(
            "one way of client authentication at a time: Basic or client_secret in the body",
        )
        .because(Check::ClientAuthentication, "Basic and client_secret"));
    }
    if body_client_id.is_some_and(|named| named != client_id) {
        return Err(ErrorResponse::invalid_request(
            "client_id in the body differs from the one in the Authorization header",
        )
        .because(Check::ClientAuthentication, "two different client_id"));
    }
    exchange.note.client_id = Some(printable(&client_id));
    check(server, &client_id, Some(&secret), true)
}

fn check(
    server: &AuthorizationServer,
    client_id: &str,
    secret: Option<&str>,
    tried_basic: bool,
) -> Result<Arc<Client>, ErrorResponse> {
    let Some(client) = server.client(client_id) else {
        return Err(ErrorResponse::invalid_client(
            "no client is registered with this client_id",
            tried_basic,
        )
        .because(Check::ClientId, client_id));
    };
    match secret {
        None if client.is_public() => Ok(client),
        _ if server.relaxes(Check::ClientSecret) => Ok(client),
        None => Err(ErrorResponse::invalid_client(
            format!("the client {client_id} is confidential: authenticate with Basic or client_secret"),
            tried_basic,
        )
        .because(Check::ClientSecret, "none")),
        Some(_) if client.is_public() => Err(ErrorResponse::invalid_client(
            format!("the client {client_id} is public and has no secret: send client_id alone"),
            tried_basic,
        )
        .because(Check::ClientSecret, "a secret of a public client")),
        Some(secret) if client.has_secret(secret) => Ok(client),
        Some(_) => Err(ErrorResponse::invalid_client("the client secret is wrong", tried_basic)
            .because(Check::ClientSecret, "another secret")),
    }
}

/// The client that `Authorization: Basic` names, whatever its secret.
pub(crate) fn named_in_basic(request: &Request<Bytes>) -> Option<String> {
    let (client_id, _) = basic_credentials(request).ok()??;
    Some(printable(&client_id))
}

/// The two halves of `Authorization: Basic`, each form-decoded (RFC 6749 section 2.3.1); `None` without the header.
fn basic_credentials(request: &Request<Bytes>) -> Result<Option<(String, String)>, ErrorResponse> {
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
