//! Against DNS rebinding: only names that are this server's own may be in `Host`, on every path.

use std::io;
use std::net::IpAddr;

use hyper::body::Bytes;
use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{Request, StatusCode, Uri};

use crate::checks::Check;
use crate::error_response::ErrorResponse;
use crate::settings::Settings;

const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Refuses a request for a foreign host with 421 (RFC 9110 section 15.5.20); `None` where that is relaxed and there is
/// no host.
pub(crate) fn check(
    settings: &Settings,
    request: &Request<Bytes>,
) -> Result<Option<Authority>, ErrorResponse> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().and_then(|value| value.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let is_ours = match (&authority, hosts.next()) {
        (Some(authority), None) => {
            // A request in absolute form must name the same host twice.
            request.uri().authority().is_none_or(|target| target == authority) && is_own(settings, authority)
        }
        _ => false,
    };
    if is_ours || settings.lenient.on(Check::Host) {
        return Ok(authority.filter(|authority| !authority.as_str().contains('@')));
    }
    let expected = format!(
        "the Host header must be 127.0.0.1:{}, the issuer's host or one that --allow-host names",
        settings.port
    );
    Err(ErrorResponse::invalid_request(expected)
        .with_status(StatusCode::MISDIRECTED_REQUEST)
        .because(Check::Host, host.unwrap_or("none")))
}

/// Whether `host` can be among the names that are allowed.
pub(crate) fn check_allowed(host: &str) -> io::Result<()> {
    if host.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@')) {
        return Ok(());
    }
    let message = format!("the allowed host {host:?} must be NAME or NAME:PORT, without a scheme or a path");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Whether `origin`, as a browser sends it, is one of this server's own.
pub(crate) fn is_own_origin(settings: &Settings, origin: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = origin.authority() else {
        return false;
    };
    matches!(origin.scheme_str(), Some("http" | "https")) && is_own(settings, authority)
}

/// A loopback name with the server's port, a host that was allowed, or the issuer's with the issuer's port or the
/// server's.
fn is_own(settings: &Settings, authority: &Authority) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let named = |host: &str| host.eq_ignore_ascii_case(authority.host());
    let has_own_port = authority.port_u16().unwrap_or(settings.scheme_and_port().1) == settings.port;
    if LOOPBACK.into_iter().any(named) && has_own_port {
        return true;
    }
    // DNS rebinding needs a name: an address is never the attacker's.
    let address = authority.host().trim_start_matches('[').trim_end_matches(']');
    if settings.allow_remote && has_own_port && address.parse::<IpAddr>().is_ok() {
        return true;
    }
    let is_allowed = |allowed: &String| match allowed.parse::<Authority>() {
        Ok(allowed) if allowed.port().is_none() => named(allowed.host()) && has_own_port,
        Ok(allowed) => named(allowed.host()) && allowed.port_u16() == authority.port_u16(),
        Err(_) => false,
    };
    if settings.allowed_hosts.iter().any(is_allowed) {
        return true;
    }
    settings.issuer.as_ref().and_then(|issuer| issuer.parse::<Uri>().ok()).is_some_and(|issuer| {
        let has_port_of_issuer = authority.port_u16() == issuer.port_u16();
        issuer.host().is_some_and(named) && (has_port_of_issuer || has_own_port)
    })
}
