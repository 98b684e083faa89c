//! The clients that the server knows: RFC 6749 section 2.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, de};
use subtle::ConstantTimeEq as _;

use crate::signing::SigningAlgorithm;

/// The four grants of this server, by their `grant_type`.
pub(crate) mod grant_type {
    pub(crate) const AUTHORIZATION_CODE: &str = "authorization_code";
    pub(crate) const CLIENT_CREDENTIALS: &str = "client_credentials";
    pub(crate) const REFRESH_TOKEN: &str = "refresh_token";
    pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

    pub(crate) const ALL: [&str; 4] = [AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN, DEVICE_CODE];
}

/// A registered client (RFC 6749 section 2); member names are those of RFC 7591 where it has one.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Client {
    /// Its `client_id`.
    #[serde(rename = "client_id")]
    pub id: String,
    /// What a person reads on the pages; empty means the `client_id`.
    #[serde(rename = "client_name", default)]
    pub name: String,
    /// `None` makes the client public (RFC 6749 section 2.1).
    #[serde(rename = "client_secret", default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Compared exactly; a loopback address without a port is good for every port (RFC 8252 section 7.3).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The grants that it may use; empty for none. Left out in a file or a request, all that fit the client.
    #[serde(default = "every_grant", deserialize_with = "known_grants")]
    pub grant_types: Vec<String>,
    /// Whether an authorization request must hold a `code_challenge` (RFC 7636).
    #[serde(default)]
    pub require_pkce: bool,
    /// Whether it may introspect the tokens of every client (RFC 7662 section 2.1).
    #[serde(default)]
    pub may_introspect_all: bool,
    /// How its ID Tokens are signed (OpenID Connect Dynamic Client Registration section 2); `None` leaves it to the
    /// server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<SigningAlgorithm>,
}

fn every_grant() -> Vec<String> {
    grant_type::ALL.map(str::to_owned).to_vec()
}

fn known_grants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let grant_types = Vec::<String>::deserialize(deserializer)?;
    match grant_types.iter().find(|named| !grant_type::ALL.contains(&named.as_str())) {
        None => Ok(grant_types),
        Some(unknown) => {
            let known = grant_type::ALL.join(", ");
            Err(de::Error::custom(format!("unknown grant type {unknown}, expected one of {known}")))
        }
    }
}

impl Client {
    /// A client without a secret that may use every grant open to it and must use PKCE.
    pub fn public(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: String::new(),
            secret: None,
            redirect_uris: Vec::new(),
            grant_types: every_grant(),
            require_pkce: true,
            may_introspect_all: false,
            id_token_signed_response_alg: None,
        }
    }

    /// A client with a secret that may use every grant.
    pub fn confidential(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { secret: Some(secret.into()), require_pkce: false, ..Self::public(id) }
    }

    /// The same client with one more redirect URI.
    #[must_use]
    pub fn with_redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uris.push(redirect_uri.into());
        self
    }

    /// The same client, held to these grants.
    #[must_use]
    pub fn with_grant_types<T: Into<String>>(mut self, grant_types: impl IntoIterator<Item = T>) -> Self {
        self.grant_types = grant_types.into_iter().map(Into::into).collect();
        self
    }

    /// The same client, with ID Tokens signed in this way.
    #[must_use]
    pub fn with_id_token_signed_response_alg(mut self, algorithm: SigningAlgorithm) -> Self {
        self.id_token_signed_response_alg = Some(algorithm);
        self
    }

    pub(crate) fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    pub(crate) fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }

    /// Compares in constant time; never true for a public client.
    pub(crate) fn has_secret(&self, given: &str) -> bool {
        self.secret.as_ref().is_some_and(|secret| bool::from(secret.as_bytes().ct_eq(given.as_bytes())))
    }

    /// What a person reads on the pages.
    pub(crate) fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    /// The six clients that are there without any configuration.
    #[must_use]
    pub fn ready_made() -> Vec<Self> {
        let of = |id: &str, name: &str, secret: Option<&str>, grant_types: &[&str]| Self {
            id: id.to_owned(),
            name: name.to_owned(),
            secret: secret.map(str::to_owned),
            redirect_uris: Vec::new(),
            grant_types: grant_types.iter().map(|&grant_type| grant_type.to_owned()).collect(),
            require_pkce: false,
            may_introspect_all: false,
            id_token_signed_response_alg: None,
        };
        let device_grants = [grant_type::DEVICE_CODE, grant_type::REFRESH_TOKEN];
        let code_grants = [grant_type::AUTHORIZATION_CODE, grant_type::REFRESH_TOKEN];
        let web_redirect = "http://127.0.0.1:8765/cb";
        let mut native = of("native", "Demo native app", None, &code_grants);
        native.require_pkce = true;
        for loopback in ["http://127.0.0.1", "http://[::1]"] {
            native.redirect_uris.extend(["/", "/callback", "/cb"].map(|path| format!("{loopback}{path}")));
        }
        let mut api = of("api", "Demo API", Some("api-secret"), &[]);
        api.may_introspect_all = true;
        vec![
            of("device", "Demo device", None, &device_grants),
            of("device-secret", "Demo device with a secret", Some("device-secret"), &device_grants),
            native,
            of("web", "Demo web app", Some("web-secret"), &code_grants).with_redirect_uri(web_redirect),
            // With a redirect URI, so that its authorization request can be refused with a redirect.
            of("service", "Demo service", Some("service-secret"), &[grant_type::CLIENT_CREDENTIALS])
                .with_redirect_uri(web_redirect),
            api,
        ]
    }
}

/// Without the secret.
impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("id", &self.id)
            .field("is_public", &self.is_public())
            .field("redirect_uris", &self.redirect_uris)
            .field("grant_types", &self.grant_types)
            .finish_non_exhaustive()
    }
}

/// All registered clients, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Clients(Vec<Arc<Client>>);

impl Clients {
    pub(crate) fn new(clients: &[Client]) -> Self {
        Self(clients.iter().cloned().map(Arc::new).collect())
    }

    /// The client registered as `client_id`.
    pub(crate) fn find(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.0.iter().find(|client| client.id == client_id)
    }

    /// Registers a client; one with the same `client_id` makes room for it. True if it is a new one.
    pub(crate) fn put(&mut self, client: Client) -> bool {
        let client = Arc::new(client);
        if let Some(known) = self.0.iter_mut().find(|known| known.id == client.id) {
            *known = client;
            return false;
        }
        self.0.push(client);
        true
    }

    /// Forgets a client; true if there was one.
    pub(crate) fn remove(&mut self, client_id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|client| client.id != client_id);
        self.0.len() < before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.0.iter().map(Arc::as_ref)
    }
}
