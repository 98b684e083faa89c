//! Where the server's endpoints are: named by hand, by its preset, by its metadata, or where the mock server has them.

use oauth_protocol::{AuthorizationServerMetadata, EndpointPolicy, EndpointUrl, Error, InvalidResponse};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::network::Network;

pub(crate) struct Endpoints {
    pub(crate) device_authorization: EndpointUrl,
    pub(crate) token: EndpointUrl,
}

impl Endpoints {
    pub(crate) fn find(
        issuer: &str,
        arguments: &Arguments,
        policy: &EndpointPolicy,
        network: &Network,
    ) -> Result<Self, Failure> {
        let (mut device_authorization, mut token) =
            (arguments.device_endpoint.clone(), arguments.token_endpoint.clone());
        if let Some(provider) = arguments.provider {
            device_authorization =
                device_authorization.or_else(|| Some(provider.device_authorization_endpoint().into()));
            token = token.or_else(|| Some(provider.token_endpoint().into()));
        }
        if device_authorization.is_none() || token.is_none() {
            let metadata = metadata(issuer, policy, network)?;
            // A server that says what it has, and not this, does not have it.
            if let Some(metadata) = metadata {
                let missing = InvalidResponse::NoDeviceAuthorizationEndpoint;
                let named = device_authorization.or(metadata.device_authorization_endpoint);
                device_authorization = Some(named.ok_or_else(|| {
                    Failure::exchange(
                        issuer,
                        &Error::InvalidResponse(missing),
                        Some("its metadata names none"),
                    )
                })?);
                token = token.or(metadata.token_endpoint);
            }
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let endpoint = |named: Option<String>, path: &str| {
            endpoint(&named.unwrap_or_else(|| format!("{base}/{path}")), policy)
        };
        Ok(Self {
            device_authorization: endpoint(device_authorization, "device-authorization/")?,
            token: endpoint(token, "token/")?,
        })
    }
}

/// A URL that was given, or that the server's metadata names.
pub(crate) fn endpoint(url: &str, policy: &EndpointPolicy) -> Result<EndpointUrl, Failure> {
    policy.endpoint(url).map_err(|error| Failure::usage(error.to_string()))
}

/// `None` where the server has none.
fn metadata(
    issuer: &str,
    policy: &EndpointPolicy,
    network: &Network,
) -> Result<Option<AuthorizationServerMetadata>, Failure> {
    let requests = AuthorizationServerMetadata::requests(policy, issuer);
    for request in requests.map_err(|error| Failure::usage(error.to_string()))? {
        let result = match network.metadata(&request) {
            Ok(response) => AuthorizationServerMetadata::process_response(issuer, &response),
            Err(failure) => Err(Error::Transport(failure)),
        };
        let found =
            result.map_err(|error| Failure::exchange(issuer, &error, network.problem().as_deref()))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
