//! Which client this device is and where its server is: all that an image is built with.

use embedded_demo::Client;
use oauth_protocol::{
    AuthorizationScheme, ClientAuthentication, EndpointPolicy, EndpointUrl, PollingPolicy, Scope,
};

/// The server. `guestfwd` of `./run` puts the mock server there, and nothing else on any network.
#[cfg(not(feature = "tls"))]
const ISSUER: &str = "http://10.0.2.100";
/// The one host that may be reached without TLS. DANGEROUS: whoever is on the way reads and changes everything, tokens
/// included. A device for people has `https` endpoints, and `None` here.
#[cfg(not(feature = "tls"))]
const DANGEROUSLY_ALLOW_HTTP_TO: Option<&str> = Some("10.0.2.100");
/// The server, by the name that its certificate has.
#[cfg(feature = "tls")]
const ISSUER: &str = "https://mock-server.test";
#[cfg(feature = "tls")]
const DANGEROUSLY_ALLOW_HTTP_TO: Option<&str> = None;
/// A public client: there is no secret to be read from the flash (RFC 8628 §5.6).
const CLIENT_ID: &str = "device";
/// `offline_access` is what gets a refresh token.
const SCOPE: &str = "read offline_access";
/// `Bearer` for most servers, `Raw` for Octopus Energy's.
const AUTHORIZATION_SCHEME: AuthorizationScheme = AuthorizationScheme::Bearer;
/// Paths below the issuer; those of the mock server.
const DEVICE_AUTHORIZATION_PATH: &str = "/device-authorization";
const TOKEN_PATH: &str = "/token";
const RESOURCE_PATH: &str = "/resource";

/// The client and the resource that it calls; `None` where a line above is wrong.
pub fn client() -> Option<(Client, EndpointUrl)> {
    let policy =
        DANGEROUSLY_ALLOW_HTTP_TO.map_or_else(EndpointPolicy::new, EndpointPolicy::dangerously_allow_http);
    let endpoint = |path: &str| policy.endpoint(&[ISSUER, path].concat()).ok();
    let client = Client {
        authentication: ClientAuthentication::none(CLIENT_ID).ok()?,
        device_authorization_endpoint: endpoint(DEVICE_AUTHORIZATION_PATH)?,
        token_endpoint: endpoint(TOKEN_PATH)?,
        scope: Scope::parse(SCOPE),
        polling_policy: PollingPolicy::default(),
        authorization_scheme: AUTHORIZATION_SCHEME,
        endpoint_policy: policy.clone(),
    };
    Some((client, endpoint(RESOURCE_PATH)?))
}
