//! Where the server's endpoints are: named by hand, by its metadata, or where the mock server has them.

use std::error::Error;

use embedded_demo::Transport;
use oauth_protocol::{AuthorizationServerMetadata, EndpointPolicy, EndpointUrl};

use crate::arguments::Arguments;

pub(crate) struct Endpoints {
    pub(crate) device_authorization: EndpointUrl,
    pub(crate) token: EndpointUrl,
}

impl Endpoints {
    pub(crate) fn find(
        issuer: &str,
        arguments: &Arguments,
        policy: &EndpointPolicy,
        transport: &mut impl Transport,
    ) -> Result<Self, Box<dyn Error>> {
        let (mut device_authorization, mut token) =
            (arguments.device_endpoint.clone(), arguments.token_endpoint.clone());
        if device_authorization.is_none() || token.is_none() {
            let metadata = metadata(issuer, policy, transport)?;
            device_authorization = device_authorization.or(metadata.device_authorization_endpoint);
            token = token.or(metadata.token_endpoint);
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let endpoint = |named: Option<String>, path: &str| -> Result<EndpointUrl, Box<dyn Error>> {
            let url = policy.endpoint(&named.unwrap_or_else(|| format!("{base}/{path}")))?;
            if url.is_https() {
                return Err(format!("{url}: this simulator has no TLS, give it http endpoints").into());
            }
            Ok(url)
        };
        Ok(Self {
            device_authorization: endpoint(device_authorization, "device-authorization")?,
            token: endpoint(token, "token")?,
        })
    }
}

/// Empty where the server has none.
fn metadata(
    issuer: &str,
    policy: &EndpointPolicy,
    transport: &mut impl Transport,
) -> Result<AuthorizationServerMetadata, Box<dyn Error>> {
    for request in AuthorizationServerMetadata::requests(policy, issuer)? {
        if request.url().is_https() {
            break;
        }
        let response = transport.exchange(&request).map_err(|failure| format!("{issuer}: {failure}"))?;
        if let Some(metadata) = AuthorizationServerMetadata::process_response(issuer, &response)? {
            return Ok(metadata);
        }
    }
    Ok(AuthorizationServerMetadata::default())
}
