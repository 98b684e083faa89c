//! Redirection endpoints: RFC 6749 section 3.1.2, RFC 8252 section 7.3, RFC 9700 section 4.1.

use crate::checks::{Check, Lenient};
use crate::clients::Client;
use crate::error_response::ErrorResponse;

/// The redirect URI to use, or why none can be.
pub(crate) fn choose<'a>(
    client: &'a Client,
    requested: Option<&'a str>,
    lenient: Lenient,
) -> Result<&'a str, ErrorResponse> {
    let refuse = |description: String| {
        ErrorResponse::invalid_request(description).because(Check::RedirectUri, requested.unwrap_or("none"))
    };
    match (requested, client.redirect_uris.as_slice()) {
        (Some(uri), _) if lenient.on(Check::RedirectUri) && is_http(uri) => Ok(uri),
        (_, []) => Err(refuse(format!("the client {} has no redirect URI registered", client.id))),
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(refuse("the parameter redirect_uri is missing, and the client has several".to_owned()))
        }
        (Some(uri), registered) if registered.iter().any(|registered| matches(registered, uri)) => Ok(uri),
        (Some(_), registered) => Err(refuse(format!(
            "the redirect_uri is not registered for the client {}, which has {}",
            client.id,
            registered.join(", ")
        ))),
    }
}

/// Where a form on the consent page may lead, as a CSP source: the page that gets the answer.
pub(crate) fn csp_source(redirect_uri: &str) -> &str {
    let host = redirect_uri.find("://").map_or(0, |at| at + 3);
    let end = redirect_uri[host..].find(['/', '?']).map_or(redirect_uri.len(), |at| host + at);
    let is_fit =
        |source: &str| source.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte));
    match &redirect_uri[..end] {
        source if is_fit(source) => source,
        // CSP has no notation for an IPv6 address, and what else a client registered must not add to the policy.
        source if source.starts_with("https:") => "https:",
        source if source.starts_with("http:") => "http:",
        _ => "",
    }
}

/// Fit for `Location` and for a CSP source, and without a fragment (RFC 6749 section 3.1.2).
fn is_http(uri: &str) -> bool {
    let fit = uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#;,'<>\\".contains(&byte));
    fit && (uri.starts_with("http://") || uri.starts_with("https://"))
}

/// "exact string matching", but for the port of a loopback address that was registered without one.
fn matches(registered: &str, requested: &str) -> bool {
    if requested == registered {
        return true;
    }
    ["http://127.0.0.1", "http://[::1]"].iter().any(|loopback| {
        let Some(registered_rest) = registered.strip_prefix(loopback) else {
            return false;
        };
        let with_port = requested.strip_prefix(loopback).and_then(|rest| rest.strip_prefix(':'));
        with_port.is_some_and(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            // A registered ":8765/cb" never equals a rest that starts with a slash: a fixed port stays fixed.
            rest[..digits].parse::<u16>().is_ok_and(|port| port > 0) && rest[digits..] == *registered_rest
        })
    })
}
