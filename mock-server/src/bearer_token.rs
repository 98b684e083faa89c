//! How a protected resource finds and checks an access token: RFC 6750 sections 2 and 3.

use hyper::StatusCode;
use hyper::header::AUTHORIZATION;

use crate::authorization_server::AuthorizationServer;
use crate::checks::{Check, Lenient};
use crate::error_response::ErrorResponse;
use crate::exchange::Exchange;
use crate::issued_tokens::{AccessToken, Grant};
use crate::profiles::ResourceAuthorization;
use crate::request_parameters::RequestParameters;

/// The access token of a request, active now and good for `required_scope`.
pub(crate) fn check<'a>(
    server: &'a AuthorizationServer,
    exchange: &Exchange<'_>,
    required_scope: Option<&'static str>,
) -> Result<(&'a AccessToken, &'a Grant), ErrorResponse> {
    let token = find(exchange, server.rules().resource_authorization, server.settings.lenient)?;
    let active = server.tokens.active_access_token(exchange.now, &token);
    let (token, grant) = active.ok_or_else(|| {
        let description = match server.rules().resource_authorization {
            ResourceAuthorization::RawToken if token.contains(' ') => {
                "Authorization must be the access token alone, without Bearer or another scheme"
            }
            _ => "the access token is unknown, expired or revoked",
        };
        ErrorResponse::new("invalid_token", description)
            .with_status(StatusCode::UNAUTHORIZED)
            .with_bearer_challenge(None)
            .because(Check::AccessToken, "another")
    })?;
    if let Some(required) = required_scope.filter(|required| !token.scope.contains(required)) {
        let description = format!("the access token needs the scope {required}");
        return Err(ErrorResponse::new("insufficient_scope", description)
            .with_status(StatusCode::FORBIDDEN)
            .with_bearer_challenge(Some(required))
            .because(Check::TokenScope, token.scope.to_parameter()));
    }
    Ok((token, grant))
}

fn find(
    exchange: &Exchange<'_>,
    authorization: ResourceAuthorization,
    lenient: Lenient,
) -> Result<String, ErrorResponse> {
    let header = in_header(exchange, authorization)?;
    let body = RequestParameters::form_with_repeats(exchange.request, Lenient::default())
        .ok()
        .and_then(|form| form.get("access_token").map(str::to_owned));
    // Decoded, as `access%5Ftoken` is the same parameter; a query that cannot be read holds none.
    let query = exchange.request.uri().query().and_then(|query| RequestParameters::with_repeats(query).ok());
    let in_query = query.as_ref().and_then(|query| query.get("access_token"));

    let places =
        usize::from(header.is_some()) + usize::from(body.is_some()) + usize::from(in_query.is_some());
    if places > 1 {
        // "Clients MUST NOT use more than one method to transmit the token in each request."
        return Err(ErrorResponse::invalid_request("the access token came in more than one place")
            .with_bearer_challenge(None)
            .because(Check::TokenPlace, format!("{places} places")));
    }
    // RFC 9700 section 4.3.2: a token in the query is no authentication at all.
    if let Some(token) = in_query.filter(|_| lenient.on(Check::TokenInUrl)) {
        return Ok(token.to_owned());
    }
    header.or(body).ok_or_else(|| match in_query {
        None => ErrorResponse::without_authentication(),
        Some(_) => ErrorResponse::without_authentication().because(Check::TokenInUrl, "a token in the URL"),
    })
}

fn in_header(
    exchange: &Exchange<'_>,
    authorization: ResourceAuthorization,
) -> Result<Option<String>, ErrorResponse> {
    let mut headers = exchange.request.headers().get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    if headers.next().is_some() {
        let refusal = ErrorResponse::invalid_request("the Authorization header is repeated");
        return Err(refusal.with_bearer_challenge(None).because(Check::TokenPlace, "two headers"));
    }
    let header = header.to_str().unwrap_or_default();
    let token = match authorization {
        ResourceAuthorization::RawToken => Some(header),
        ResourceAuthorization::Bearer => match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => Some(token.trim_start()),
            // Another scheme: as if this one had not been tried.
            _ => None,
        },
    };
    Ok(token.map(str::to_owned))
}
