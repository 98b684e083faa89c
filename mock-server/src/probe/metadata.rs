//! RFC 8414, and what OpenID Connect Discovery adds.

use hyper::header::ORIGIN;
use serde_json::Value;

use super::check::{Met, Miss, checks, expect};
use super::form::escape;
use super::http_client::{Answer, Request};
use super::logins::{DEVICE_GRANT, MADE_UP, Probe, part};
use super::target::split_at_path;

checks! {
    "RFC 8414: metadata"
    INSERTED: Should "metadata-inserted", "RFC 8414 section 3.1",
        "200 with application/json at /.well-known/oauth-authorization-server, the issuer's path behind it";
    APPENDED: Should "metadata-appended", "OpenID Connect Discovery section 4",
        "200 with application/json at the issuer with /.well-known/openid-configuration";
    PATH: Must "metadata-path", "RFC 8414 section 3.1",
        "for an issuer with a path, metadata at the inserted path with this very issuer";
    ISSUER: Must "metadata-issuer", "RFC 8414 section 3.3", "an issuer equal to the URL, without query and fragment";
    RESPONSE_TYPES: Must "metadata-response-types", "RFC 8414 section 2", "response_types_supported";
    NO_EMPTY_LIST: Must "metadata-no-empty-list", "RFC 8414 section 2", "no claim with an empty list";
    ENDPOINTS: Must "metadata-endpoints", "RFC 8414 section 2", "every endpoint named is an absolute URL and served";
    TLS: Must "metadata-tls", "RFC 8414 section 2, RFC 8628 section 3.1", "https everywhere but on a loopback address";
    DEVICE_GRANT_LISTED: Must "metadata-device-grant", "RFC 8628 section 4",
        "the device grant in grant_types_supported beside device_authorization_endpoint";
    GRANTS: Must "metadata-grants", "RFC 8414 section 2",
        "every grant listed is known at the token endpoint, and the password grant only if listed";
    PKCE: Should "metadata-pkce", "RFC 9700 section 2.1.1", "S256 in code_challenge_methods_supported";
    ISS: Should "metadata-iss", "RFC 9700 section 2.1 and RFC 9207 section 3",
        "authorization_response_iss_parameter_supported true";
    JWKS: Must "metadata-jwks", "RFC 8414 section 2", "a JSON object with keys at jwks_uri";
    CORS: Should "metadata-cors", "RFC 8414 section 3.2, for clients in browsers", "Access-Control-Allow-Origin";
}

pub(super) async fn run(probe: &Probe) {
    tokio::join!(
        probe.scenario(&[INSERTED], async { is_document(&probe.target.inserted) }),
        probe.scenario(&[APPENDED], async { is_document(&probe.target.appended) }),
        probe.scenario(&[PATH], path(probe)),
        probe
            .scenario(&[ISSUER, RESPONSE_TYPES, NO_EMPTY_LIST, TLS, DEVICE_GRANT_LISTED, PKCE, ISS], async {
                members(probe)
            }),
        probe.scenario(&[ENDPOINTS], endpoints(probe)),
        probe.scenario(&[GRANTS], grants(probe)),
        probe.scenario(&[JWKS], jwks(probe)),
        probe.scenario(&[CORS], cors(probe)),
    );
}

fn is_document(answer: &Answer) -> Met {
    let fits = answer.status == 200 && answer.media_type() == "application/json" && answer.json().is_object();
    expect(fits, || answer.in_words())
}

fn metadata(probe: &Probe) -> Result<&Value, Miss> {
    let metadata = &probe.target.metadata;
    if metadata.is_object() {
        Ok(metadata)
    } else {
        Err(Miss::Unknown("the server has no metadata".to_owned()))
    }
}

/// At the issuer that is probed, or at a tenant of a mock-server.
async fn path(probe: &Probe) -> Met {
    let (origin, path) = split_at_path(&probe.target.url);
    let path = match (path, probe.target.is_mock_server) {
        ("", true) => "/t/probe",
        ("", false) => return Err(Miss::Unknown("the issuer has no path".to_owned())),
        (path, _) => path,
    };
    let url = format!("{origin}/.well-known/oauth-authorization-server{path}");
    let answer = probe.http.send(Request::get(&url)).await?;
    is_document(&answer)?;
    expect(answer.text("issuer") == Some(format!("{origin}{path}")), || "another issuer".to_owned())
}

fn members(probe: &Probe) -> Met {
    let metadata = metadata(probe)?;
    let judge = |check, met| probe.ledger.judge(check, met);
    let issuer = metadata["issuer"].as_str().unwrap_or_default();
    let is_plain = !issuer.contains(['?', '#']);
    judge(ISSUER, expect(is_plain && issuer == probe.target.url, || format!("issuer {issuer}")));
    let types = metadata["response_types_supported"].as_array();
    judge(RESPONSE_TYPES, expect(types.is_some(), || "none".to_owned()));
    let members = metadata.as_object().into_iter().flatten();
    let empty: Vec<_> = members.filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty)).collect();
    judge(NO_EMPTY_LIST, expect(empty.is_empty(), || format!("{} is empty", empty[0].0)));
    let plain: Vec<_> = urls(metadata).into_iter().filter(|(_, url)| !is_safe(url)).collect();
    judge(TLS, expect(plain.is_empty(), || format!("{} at {}", plain[0].0, plain[0].1)));
    let listed = probe.target.lists("grant_types_supported", DEVICE_GRANT) == Some(true);
    let has_endpoint = !metadata["device_authorization_endpoint"].is_null();
    let unknown = || Miss::Unknown("the metadata names no device_authorization_endpoint".to_owned());
    let met = if has_endpoint { expect(listed, || "not listed".to_owned()) } else { Err(unknown()) };
    judge(DEVICE_GRANT_LISTED, met);
    let s256 = probe.target.lists("code_challenge_methods_supported", "S256") == Some(true);
    judge(PKCE, expect(s256, || "not listed".to_owned()));
    let iss = metadata["authorization_response_iss_parameter_supported"] == true;
    judge(ISS, expect(iss, || "not true".to_owned()));
    Ok(())
}

/// Members that are URLs to be called.
fn urls(metadata: &Value) -> Vec<(&str, &str)> {
    let members = metadata.as_object().into_iter().flatten();
    let named = members.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    named.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

fn is_safe(url: &str) -> bool {
    let loopback = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    url.starts_with("https://") || loopback.iter().any(|origin| url.starts_with(origin))
}

/// Endpoints to which one posts; a browser or a reader gets the others.
const FOR_PROGRAMS: [&str; 5] = [
    "token_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
];

async fn endpoints(probe: &Probe) -> Met {
    for (name, url) in urls(metadata(probe)?) {
        let takes_posts = FOR_PROGRAMS.contains(&name);
        let request = if takes_posts { Request::post(url, &[]) } else { Request::get(url) };
        let answer = probe.http.send(request).await?;
        expect(!matches!(answer.status, 404 | 500..), || format!("{} at {name}", answer.in_words()))?;
    }
    Ok(())
}

/// A client that is not known well enough hears so before its grant is looked at; then nothing can be said.
async fn grants(probe: &Probe) -> Met {
    let listed = metadata(probe)?["grant_types_supported"].as_array().cloned().unwrap_or_default();
    if listed.is_empty() {
        return Err(Miss::Unknown("the metadata lists no grants".to_owned()));
    }
    let client = probe.clients.confidential.as_ref().or(probe.clients.device.as_ref());
    let client = part(client, "--client-id or --confidential-client-id")?;
    for grant in listed.iter().filter_map(Value::as_str).filter(|grant| *grant != "implicit") {
        let answer =
            probe.token_request(client, &[("grant_type", grant), ("refresh_token", MADE_UP)]).await?;
        let unknown = answer.text("error").as_deref() == Some("unsupported_grant_type");
        expect(!unknown, || format!("{} for {grant}", answer.in_words()))?;
    }
    if !listed.iter().any(|grant| grant == "password") {
        let parameters = [("grant_type", "password"), ("username", "probe"), ("password", MADE_UP)];
        let answer = probe.token_request(client, &parameters).await?;
        let refused =
            matches!(answer.text("error").as_deref(), Some("unsupported_grant_type" | "unauthorized_client"));
        expect(refused, || format!("{} for password", answer.in_words()))?;
    }
    Ok(())
}

async fn jwks(probe: &Probe) -> Met {
    let Some(url) = metadata(probe)?["jwks_uri"].as_str() else {
        return Err(Miss::Unknown("the metadata names no jwks_uri".to_owned()));
    };
    let answer = probe.http.send(Request::get(url)).await?;
    let keys = answer.json()["keys"].as_array().map_or(0, Vec::len);
    expect(answer.status == 200 && keys > 0, || format!("{} with {keys} keys", answer.in_words()))
}

async fn cors(probe: &Probe) -> Met {
    metadata(probe)?;
    let (origin, path) = split_at_path(&probe.target.url);
    let url = match probe.target.inserted.status {
        200 => format!("{origin}/.well-known/oauth-authorization-server{path}"),
        _ => format!("{}/.well-known/openid-configuration", probe.target.url),
    };
    let answer = probe.http.send(Request::get(&url).header(ORIGIN, "https://app.example")).await?;
    let allowed = answer.header("access-control-allow-origin").unwrap_or_default();
    expect(allowed == "*" || allowed == "https://app.example", || format!("{:?}", escape(&allowed)))
}
