//! The endpoints of the server.

/// The endpoints that clients and browsers meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/authorize` (RFC 6749 section 3.1).
    Authorize,
    /// `/device-authorization` (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// `/token` (RFC 6749 section 3.2).
    Token,
    /// `/device`, where a person types the user code (RFC 8628 section 3.3).
    VerificationPage,
    /// `/resource`, a protected resource (RFC 6750).
    Resource,
    /// `/userinfo` (OpenID Connect Core section 5.3).
    Userinfo,
    /// `/revoke` (RFC 7009).
    Revocation,
    /// `/introspect` (RFC 7662).
    Introspection,
    /// `/jwks` (RFC 7517).
    Jwks,
    /// The two well-known documents (RFC 8414 and OpenID Connect Discovery).
    Metadata,
}

impl Endpoint {
    /// Its name in configuration and in the control interface: the last word of its own path.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::DeviceAuthorization => "device-authorization",
            Self::Token => "token",
            Self::VerificationPage => "device",
            Self::Resource => "resource",
            Self::Userinfo => "userinfo",
            Self::Revocation => "revoke",
            Self::Introspection => "introspect",
            Self::Jwks => "jwks",
            Self::Metadata => "metadata",
        }
    }

    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Authorize,
        Self::DeviceAuthorization,
        Self::Token,
        Self::VerificationPage,
        Self::Resource,
        Self::Userinfo,
        Self::Revocation,
        Self::Introspection,
        Self::Jwks,
        Self::Metadata,
    ];
}

/// The path that a client is sent to in vain, to see whether it goes.
pub(crate) const ELSEWHERE: &str = "/elsewhere";
