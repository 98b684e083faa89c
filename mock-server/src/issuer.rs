//! The issuer identifier, RFC 8414 section 2: as configured, or as each client knows it by the `Host` that it sends.

use std::io;
use std::sync::Arc;

use hyper::Uri;
use hyper::http::uri::Authority;

use crate::endpoint::ELSEWHERE;
use crate::settings::Settings;

/// The issuer for a request to `host`, or without one; `tenant_path` is empty or `/t/NAME`.
///
/// Section 3.3: it "MUST be identical to the issuer identifier value [...] used to create the URL", so the host goes out
/// as it came in.
pub(crate) fn at(settings: &Settings, host: Option<&Authority>, tenant_path: &str) -> Arc<str> {
    let (scheme, _) = settings.scheme_and_port();
    match (&settings.issuer, host) {
        (Some(configured), _) => format!("{configured}{tenant_path}"),
        (None, Some(host)) => format!("{scheme}://{host}{tenant_path}"),
        (None, None) => format!("{scheme}://127.0.0.1:{}{tenant_path}", settings.port),
    }
    .into()
}

/// A URL of this same server with another origin than `issuer`: where a client that follows a redirect arrives.
pub(crate) fn elsewhere(settings: &Settings, issuer: &str) -> String {
    let asked = issuer.parse::<Uri>().unwrap_or_default();
    let host = if asked.host() == Some("localhost") { "127.0.0.1" } else { "localhost" };
    let (scheme, _) = settings.scheme_and_port();
    format!("{scheme}://{host}:{}{ELSEWHERE}", settings.port)
}

/// The path of an issuer: empty for `http://127.0.0.1:8080`, `/t1` for `http://127.0.0.1:8080/t1`.
pub(crate) fn path(issuer: &str) -> &str {
    let host = issuer.find("://").map_or(0, |at| at + 3);
    issuer[host..].find('/').map_or("", |at| &issuer[host + at..])
}

/// Section 2: "a URL that uses the https scheme and has no query or fragment components"; http is for tests.
pub(crate) fn check(issuer: &str) -> io::Result<()> {
    let url = issuer.parse::<Uri>().ok().filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
    let authority = url.as_ref().and_then(Uri::authority).map_or("@", |authority| authority.as_str());
    if authority.contains('@') || issuer.contains(['?', '#']) || issuer.ends_with('/') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the issuer {issuer:?} must be http://HOST or https://HOST, with a port and a path if need be, \
                 without user name, query, fragment or a slash at its end"
            ),
        ));
    }
    Ok(())
}
