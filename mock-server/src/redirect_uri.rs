//! Redirection endpoints: RFC 6749 section 3.1.2, RFC 8252 section 7.3, RFC 9700 section 4.1.

use crate::clients::Client;

/// The redirect URI to use, or a sentence that tells the person why none can be.
pub(crate) fn choose<'a>(client: &'a Client, requested: Option<&'a str>) -> Result<&'a str, String> {
    match (requested, client.redirect_uris.as_slice()) {
        (_, []) => Err(format!("The client “{}” has no redirect URI registered.", client.id)),
        (None, [only]) => Ok(only),
        (None, _) => Err("The parameter redirect_uri is missing, and the client has several.".to_owned()),
        (Some(uri), registered) if registered.iter().any(|registered| matches(registered, uri)) => Ok(uri),
        (Some(_), registered) => Err(format!(
            "The redirect_uri is not registered for the client “{}”. Registered: {}.",
            client.id,
            registered.join(", ")
        )),
    }
}

/// Where a form on the consent page may lead, as a CSP source: the page that gets the answer.
pub(crate) fn csp_source(redirect_uri: &str) -> &str {
    // CSP has no notation for an IPv6 address.
    if redirect_uri.starts_with("http://[") {
        return "http:";
    }
    let host = redirect_uri.find("://").map_or(0, |at| at + 3);
    let end = redirect_uri[host..].find(['/', '?']).map_or(redirect_uri.len(), |at| host + at);
    &redirect_uri[..end]
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
