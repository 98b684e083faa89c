//! The ready-made clients: RFC 6749 section 2.

use subtle::ConstantTimeEq as _;

/// The four grants of this server, by their `grant_type`.
pub(crate) mod grant_type {
    pub(crate) const AUTHORIZATION_CODE: &str = "authorization_code";
    pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";
    pub(crate) const REFRESH_TOKEN: &str = "refresh_token";
    pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

    pub(crate) const ALL: [&str; 4] = [AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, DEVICE_CODE];
}

/// A registered client.
#[derive(Debug)]
pub(crate) struct Client {
    /// Its `client_id`.
    pub(crate) id: &'static str,
    /// What a person reads on the pages.
    pub(crate) name: &'static str,
    /// A fixed demo secret; `None` makes the client public (RFC 6749 section 2.1).
    secret: Option<&'static str>,
    pub(crate) redirect_uris: &'static [&'static str],
    grant_types: &'static [&'static str],
    pub(crate) require_pkce: bool,
    /// Whether it may introspect the tokens of every client (RFC 7662 section 2.1).
    pub(crate) may_introspect_all: bool,
}

impl Client {
    pub(crate) fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Compares in constant time; never true for a public client.
    pub(crate) fn has_secret(&self, given: &str) -> bool {
        self.secret.is_some_and(|secret| bool::from(secret.as_bytes().ct_eq(given.as_bytes())))
    }
}

/// The client registered as `client_id`.
pub(crate) fn find(client_id: &str) -> Option<&'static Client> {
    READY_MADE.iter().find(|client| client.id == client_id)
}

const READY_MADE: [Client; 6] = [
    Client {
        id: "device",
        name: "Demo device",
        secret: None,
        redirect_uris: &[],
        grant_types: &[grant_type::DEVICE_CODE, grant_type::REFRESH_TOKEN],
        require_pkce: false,
        may_introspect_all: false,
    },
    Client {
        id: "device-secret",
        name: "Demo device with a secret",
        secret: Some("device-secret"),
        redirect_uris: &[],
        grant_types: &[grant_type::DEVICE_CODE, grant_type::REFRESH_TOKEN],
        require_pkce: false,
        may_introspect_all: false,
    },
    Client {
        id: "native",
        name: "Demo native app",
        secret: None,
        redirect_uris: &[
            "http://127.0.0.1/",
            "http://127.0.0.1/callback",
            "http://127.0.0.1/cb",
            "http://[::1]/",
            "http://[::1]/callback",
            "http://[::1]/cb",
        ],
        grant_types: &[grant_type::AUTHORIZATION_CODE, grant_type::REFRESH_TOKEN],
        require_pkce: true,
        may_introspect_all: false,
    },
    Client {
        id: "web",
        name: "Demo web app",
        secret: Some("web-secret"),
        redirect_uris: &["http://127.0.0.1:8765/cb"],
        grant_types: &[grant_type::AUTHORIZATION_CODE, grant_type::REFRESH_TOKEN],
        require_pkce: false,
        may_introspect_all: false,
    },
    Client {
        id: "service",
        name: "Demo service",
        secret: Some("service-secret"),
        // So that its authorization request can be refused with a redirect.
        redirect_uris: &["http://127.0.0.1:8765/cb"],
        grant_types: &[grant_type::CLIENT_CREDENTIALS],
        require_pkce: false,
        may_introspect_all: false,
    },
    Client {
        id: "api",
        name: "Demo API",
        secret: Some("api-secret"),
        redirect_uris: &[],
        grant_types: &[],
        require_pkce: false,
        may_introspect_all: true,
    },
];
