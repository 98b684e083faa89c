//! What a server says about itself (RFC 8414, OpenID Connect Discovery 1.0).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::http_message::MAX_METADATA_BYTES;
use crate::response_parameters::{Body, Parameters};
use crate::{
    EndpointPolicy, EndpointUrlError, Error, ExtraParameters, HttpRequest, HttpResponse, InvalidResponse,
    Unavailable,
};

/// The metadata of one authorization server; members that it left out are `None` or empty.
///
/// Endpoints are kept as they were sent and checked where they are used, so that one odd member that
/// nobody needs is no obstacle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationServerMetadata {
    /// The issuer, equal to the one that was asked for in every byte.
    pub issuer: String,
    /// RFC 6749 §3.1.
    pub authorization_endpoint: Option<String>,
    /// RFC 6749 §3.2.
    pub token_endpoint: Option<String>,
    /// RFC 8628 §3.1.
    pub device_authorization_endpoint: Option<String>,
    /// RFC 7009.
    pub revocation_endpoint: Option<String>,
    /// RFC 7662.
    pub introspection_endpoint: Option<String>,
    /// The keys that the server signs with (RFC 7517).
    pub jwks_uri: Option<String>,
    /// OpenID Connect Core §5.3.
    pub userinfo_endpoint: Option<String>,
    /// Scope values that may be asked for.
    pub scopes_supported: Vec<String>,
    /// Grants that the server knows.
    pub grant_types_supported: Vec<String>,
    /// How clients may authenticate at the token endpoint; empty: `client_secret_basic` (RFC 8414 §2).
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 7636; empty where the server does not say.
    pub code_challenge_methods_supported: Vec<String>,
    /// Whether every authorization response carries `iss` (RFC 9207 §3).
    pub authorization_response_iss_parameter_supported: bool,
    /// Every other member, as JSON.
    pub extra: ExtraParameters,
}

/// Members that have a field of their own.
const KNOWN: &[&[&str]] = &[
    &["issuer"],
    &["authorization_endpoint"],
    &["token_endpoint"],
    &["device_authorization_endpoint"],
    &["revocation_endpoint"],
    &["introspection_endpoint"],
    &["jwks_uri"],
    &["userinfo_endpoint"],
    &["scopes_supported"],
    &["grant_types_supported"],
    &["token_endpoint_auth_methods_supported"],
    &["code_challenge_methods_supported"],
    &["authorization_response_iss_parameter_supported"],
];

impl AuthorizationServerMetadata {
    /// The requests to make, in this order, until one brings metadata: RFC 8414 §3.1 (the well-known part
    /// goes between host and path), then OpenID Connect Discovery §4 (it is appended).
    pub fn requests(policy: &EndpointPolicy, issuer: &str) -> Result<[HttpRequest; 2], EndpointUrlError> {
        let issuer = policy.endpoint(issuer)?;
        // "any terminating "/" MUST be removed"
        let path = issuer.as_str().get(issuer.origin().len()..).unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let origin = issuer.origin();
        let inserted = policy.endpoint(&format!("{origin}/.well-known/oauth-authorization-server{path}"))?;
        let appended = policy.endpoint(&format!("{origin}{path}/.well-known/openid-configuration"))?;
        Ok([HttpRequest::get_metadata(&inserted), HttpRequest::get_metadata(&appended)])
    }

    /// Reads one answer. `Ok(None)` means "no metadata here": 401, 404, HTML and the like are no failure,
    /// many servers have none.
    ///
    /// Metadata of another issuer is refused (RFC 8414 §3.3: "MUST be identical").
    pub fn process_response(issuer: &str, response: &HttpResponse) -> Result<Option<Self>, Error> {
        let status = response.status();
        match (status, Body::of_at_most(MAX_METADATA_BYTES, response)) {
            (200, Body::OAuth(parameters) | Body::OtherObject(parameters)) => {
                if parameters.text(&["issuer"]).as_deref() == Some(issuer) {
                    Ok(Some(Self::from_parameters(issuer, &parameters)))
                } else {
                    Err(Error::InvalidResponse(InvalidResponse::OtherIssuer))
                }
            }
            (408 | 425 | 429 | 500..=599, _) => {
                Err(Error::Unavailable(Unavailable { status, retry_after: response.retry_after() }))
            }
            _ => Ok(None),
        }
    }

    fn from_parameters(issuer: &str, parameters: &Parameters) -> Self {
        let text = |name| parameters.text(&[name]);
        let list = |name| parameters.texts(&[name]).unwrap_or_default();
        Self {
            issuer: issuer.into(),
            authorization_endpoint: text("authorization_endpoint"),
            token_endpoint: text("token_endpoint"),
            device_authorization_endpoint: text("device_authorization_endpoint"),
            revocation_endpoint: text("revocation_endpoint"),
            introspection_endpoint: text("introspection_endpoint"),
            jwks_uri: text("jwks_uri"),
            userinfo_endpoint: text("userinfo_endpoint"),
            scopes_supported: list("scopes_supported"),
            grant_types_supported: list("grant_types_supported"),
            token_endpoint_auth_methods_supported: list("token_endpoint_auth_methods_supported"),
            code_challenge_methods_supported: list("code_challenge_methods_supported"),
            authorization_response_iss_parameter_supported: parameters
                .flag(&["authorization_response_iss_parameter_supported"])
                .unwrap_or_default(),
            extra: parameters.extra(KNOWN),
        }
    }
}
