//! `discover`: what a server says of itself, and what a device would miss there.

use std::collections::BTreeMap;

use oauth_client::{AuthorizationServerMetadata, Client};
use serde::Serialize;

use crate::arguments::DiscoverArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::settings::Settings;
use crate::terminal::Terminal;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The object of `discover --json`.
#[derive(Serialize)]
struct Discovered<'a> {
    v: u8,
    issuer: &'a str,
    /// By their names in RFC 8414.
    endpoints: BTreeMap<&'static str, Option<&'a str>>,
    grant_types_supported: &'a [String],
    token_endpoint_auth_methods_supported: &'a [String],
    code_challenge_methods_supported: &'a [String],
    scopes_supported: &'a [String],
    findings: Vec<Finding>,
}

/// Something that a device would stumble over.
#[derive(Serialize)]
pub(crate) struct Finding {
    finding: &'static str,
    mend: &'static str,
}

pub(crate) async fn run(arguments: &DiscoverArguments, terminal: &mut Terminal) -> Result<(), Failure> {
    let settings = Settings {
        issuer: Some(arguments.url.clone()),
        // Metadata is for everybody; no client is named on the way.
        client_id: Some("discover".into()),
        ca_file: arguments.ca_file.clone(),
        dangerously_allow_http: arguments.dangerously_allow_http.clone(),
        ..Settings::default()
    }
    .tidied();
    let client = settings.client()?;
    let mut interruption = Interruption::listen().map_err(|error| Failure::no_signals(&error))?;
    let metadata = tokio::select! {
        metadata = metadata(&client) => metadata?,
        code = interruption.next() => return Err(Failure::new(code, "cancelled", "Cancelled.")),
    };
    let findings = findings(&metadata);
    if arguments.json {
        let discovered = Discovered {
            v: 1,
            issuer: &metadata.issuer,
            endpoints: endpoints(&metadata).map(|endpoint| (endpoint.member, endpoint.url)).into(),
            grant_types_supported: &metadata.grant_types_supported,
            token_endpoint_auth_methods_supported: &metadata.token_endpoint_auth_methods_supported,
            code_challenge_methods_supported: &metadata.code_challenge_methods_supported,
            scopes_supported: &metadata.scopes_supported,
            findings,
        };
        // Strings: this cannot fail.
        return Ok(terminal.result_json(&serde_json::to_string(&discovered).unwrap_or_default())?);
    }
    terminal.result_text(&format!("{:<22}{}", "Issuer", metadata.issuer))?;
    for Endpoint { name, url, .. } in endpoints(&metadata) {
        terminal.result_text(&format!("{name:<22}{}", url.unwrap_or("(none)")))?;
    }
    for (name, values) in [
        ("Grants", &metadata.grant_types_supported),
        ("Client authentication", &metadata.token_endpoint_auth_methods_supported),
        ("PKCE", &metadata.code_challenge_methods_supported),
        ("Scopes", &metadata.scopes_supported),
    ] {
        let values = if values.is_empty() { "(the server does not say)".into() } else { values.join(" ") };
        terminal.result_text(&format!("{name:<22}{values}"))?;
    }
    for Finding { finding, mend } in &findings {
        terminal.result(&format!("! {finding}: {mend}"))?;
    }
    if findings.is_empty() {
        terminal.result("A device misses nothing here.")?;
    }
    Ok(())
}

async fn metadata(client: &Client) -> Result<AuthorizationServerMetadata, Failure> {
    client.metadata().await?.ok_or_else(|| {
        Failure::new(
            ExitCode::Refused,
            "no_metadata",
            "the server publishes no metadata (RFC 8414, OpenID Connect Discovery) at this issuer: check the path and \
             the slash at its end, or sign in with --provider, or with --device-endpoint and --token-endpoint",
        )
    })
}

struct Endpoint<'a> {
    name: &'static str,
    /// Of the metadata.
    member: &'static str,
    url: Option<&'a str>,
}

fn endpoints(metadata: &AuthorizationServerMetadata) -> [Endpoint<'_>; 7] {
    [
        (
            "Device authorization",
            "device_authorization_endpoint",
            metadata.device_authorization_endpoint.as_deref(),
        ),
        ("Token", "token_endpoint", metadata.token_endpoint.as_deref()),
        ("Authorization", "authorization_endpoint", metadata.authorization_endpoint.as_deref()),
        ("Revocation", "revocation_endpoint", metadata.revocation_endpoint.as_deref()),
        ("Introspection", "introspection_endpoint", metadata.introspection_endpoint.as_deref()),
        ("Userinfo", "userinfo_endpoint", metadata.userinfo_endpoint.as_deref()),
        ("Keys", "jwks_uri", metadata.jwks_uri.as_deref()),
    ]
    .map(|(name, member, url)| Endpoint { name, member, url })
}

pub(crate) fn findings(metadata: &AuthorizationServerMetadata) -> Vec<Finding> {
    let lists = |values: &[String], wanted: &str| values.iter().any(|value| value == wanted);
    let mut findings = Vec::new();
    let mut find = |holds: bool, finding, mend| {
        if holds {
            findings.push(Finding { finding, mend });
        }
    };
    let names_device = lists(&metadata.grant_types_supported, DEVICE_GRANT);
    let has_device = metadata.device_authorization_endpoint.is_some();
    find(
        !has_device && !names_device,
        "no device login (RFC 8628) is offered",
        "it may exist without being named: ask the server's operator, then use --device-endpoint",
    );
    find(
        !has_device && names_device,
        "the device grant is named and its endpoint is not",
        "look it up in the server's documentation, then use --device-endpoint",
    );
    find(
        has_device && !metadata.grant_types_supported.is_empty() && !names_device,
        "a device authorization endpoint is named and the grant is not",
        "the login works where the client is registered for it (RFC 8414 section 2)",
    );
    find(metadata.token_endpoint.is_none(), "no token endpoint is named", "use --token-endpoint");
    find(
        metadata.revocation_endpoint.is_none(),
        "no revocation endpoint (RFC 7009)",
        "after a logout copies of the access token work until it expires; --revocation-endpoint, where there is one",
    );
    find(
        metadata.authorization_endpoint.is_some()
            && !metadata.code_challenge_methods_supported.is_empty()
            && !lists(&metadata.code_challenge_methods_supported, "S256"),
        "no PKCE with S256 (RFC 7636)",
        "a browser login on this machine would send the verifier in clear: use the device login",
    );
    find(
        !metadata.grant_types_supported.is_empty()
            && !lists(&metadata.grant_types_supported, "refresh_token"),
        "no refresh tokens are named",
        "the person signs in again whenever the access token expires",
    );
    find(
        !metadata.scopes_supported.is_empty() && !lists(&metadata.scopes_supported, "offline_access"),
        "the scope offline_access is not named",
        "where no refresh token comes without it, ask the operator how to get one",
    );
    let endpoints = endpoints(metadata).into_iter().filter_map(|endpoint| endpoint.url);
    find(
        endpoints
            .into_iter()
            .any(|url| url.starts_with("http://") && metadata.issuer.starts_with("https://")),
        "an endpoint is named without TLS",
        "requests there are refused: the server's operator should name it with https",
    );
    findings
}

#[cfg(test)]
mod tests {
    use oauth_client::AuthorizationServerMetadata;

    use super::{DEVICE_GRANT, findings};

    fn complete() -> AuthorizationServerMetadata {
        let at = |path: &str| Some(format!("https://auth.example.com{path}"));
        AuthorizationServerMetadata {
            issuer: "https://auth.example.com".into(),
            authorization_endpoint: at("/authorize"),
            token_endpoint: at("/token"),
            device_authorization_endpoint: at("/device-authorization"),
            revocation_endpoint: at("/revoke"),
            scopes_supported: vec!["openid".into(), "offline_access".into()],
            grant_types_supported: vec![DEVICE_GRANT.into(), "refresh_token".into()],
            code_challenge_methods_supported: vec!["S256".into()],
            ..AuthorizationServerMetadata::default()
        }
    }

    fn found(metadata: &AuthorizationServerMetadata) -> Vec<&'static str> {
        findings(metadata).iter().map(|finding| finding.finding).collect()
    }

    #[test]
    fn a_server_that_has_everything_is_not_found_fault_with() {
        assert_eq!(found(&complete()), Vec::<&str>::new());
    }

    #[test]
    fn what_a_device_would_miss_is_named() {
        let metadata = AuthorizationServerMetadata { device_authorization_endpoint: None, ..complete() };
        assert_eq!(found(&metadata), ["the device grant is named and its endpoint is not"]);
        let without = AuthorizationServerMetadata { grant_types_supported: vec![], ..metadata };
        assert_eq!(found(&without), ["no device login (RFC 8628) is offered"]);
        let plain = AuthorizationServerMetadata {
            code_challenge_methods_supported: vec!["plain".into()],
            revocation_endpoint: None,
            token_endpoint: Some("http://auth.example.com/token".into()),
            ..complete()
        };
        assert_eq!(
            found(&plain),
            [
                "no revocation endpoint (RFC 7009)",
                "no PKCE with S256 (RFC 7636)",
                "an endpoint is named without TLS"
            ]
        );
    }
}
