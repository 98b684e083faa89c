//! Which endpoint a path means; each one answers with and without a trailing slash.

/// The endpoints that clients and browsers meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/device-authorization` (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// `/token` (RFC 6749 section 3.2).
    Token,
    /// `/device`, where a person types the user code (RFC 8628 section 3.3).
    VerificationPage,
    /// `/resource`, a protected resource (RFC 6750).
    Resource,
    /// The two well-known documents (RFC 8414 and OpenID Connect Discovery).
    Metadata,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    To(Endpoint),
    Unknown,
}

/// Finds the route of `path`, below the issuer's own path or at the root.
pub(crate) fn route(issuer: &str, path: &str) -> Route {
    let issuer_path = issuer_path(issuer);
    // RFC 8414 section 3.1 inserts the well-known part between host and path.
    let inserted = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    if inserted.iter().any(|well_known| path.strip_prefix(well_known) == Some(issuer_path)) {
        return Route::To(Endpoint::Metadata);
    }
    let below = path.strip_prefix(issuer_path).filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let below = below.strip_suffix('/').filter(|rest| !rest.ends_with('/')).unwrap_or(below);
    Route::To(match below {
        "/device-authorization" => Endpoint::DeviceAuthorization,
        "/token" => Endpoint::Token,
        "/device" => Endpoint::VerificationPage,
        "/resource" => Endpoint::Resource,
        "/.well-known/openid-configuration" => Endpoint::Metadata,
        "/.well-known/oauth-authorization-server" if issuer_path.is_empty() => Endpoint::Metadata,
        _ => return Route::Unknown,
    })
}

/// The path of the issuer, without a slash at its end: empty for `http://127.0.0.1:8080`.
pub(crate) fn issuer_path(issuer: &str) -> &str {
    let after_scheme = issuer.find("://").map_or(0, |at| at + 3);
    issuer[after_scheme..].find('/').map_or("", |at| &issuer[after_scheme + at..])
}
