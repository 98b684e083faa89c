//! The crate `oauth2` at our server: the grants, revocation and introspection. It knows no metadata and no OpenID
//! Connect, and leaves `state` and `iss` to its caller.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::LOCATION;
use hyper::http::uri::Scheme;
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use mock_server::{Client, Endpoint, Fault, MockServer};
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, ConfigurationError, CsrfToken,
    DeviceAuthorizationUrl, DeviceCodeErrorResponseType, EndpointSet, ErrorResponseType, HttpRequest,
    HttpResponse, IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    RevocationUrl, Scope, StandardDeviceAuthorizationResponse, StandardErrorResponse,
    TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl,
};
use url::Url;

type Failure<T> = RequestTokenError<io::Error, StandardErrorResponse<T>>;
type Oauth2Client = BasicClient<EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointSet>;

const REDIRECT_URI: &str = "http://127.0.0.1:8765/cb";

#[tokio::test]
async fn a_login_by_code_lasts_until_it_is_revoked() {
    let clients = [
        ("native", None, AuthType::RequestBody),
        ("web", Some("web-secret"), AuthType::BasicAuth),
        ("web", Some("web-secret"), AuthType::RequestBody),
    ];
    for (id, secret, auth_type) in clients {
        let server = MockServer::start().await.unwrap();
        let client = client(&server, id, secret).set_auth_type(auth_type);
        let tokens = sign_in(&client).await;
        assert_eq!(scopes(&tokens), ["read", "offline_access"]);

        let old = tokens.refresh_token().expect("offline_access gives one");
        let fresh = client.exchange_refresh_token(old).request_async(&send).await.unwrap();
        let new = fresh.refresh_token().expect("it rotates");
        assert_ne!(new.secret(), old.secret());
        assert!(is_active(&server, &fresh).await);

        // "Clients MUST verify that the URL is an HTTPS URL" (RFC 7009 section 2), and this one does.
        let over_http = client.revoke_token(new.into()).err();
        assert!(matches!(over_http, Some(ConfigurationError::InsecureUrl("revocation"))), "{over_http:?}");
        let tls_in_front = server.issuer().replace("http:", "https:") + "/revoke";
        let client = client.set_revocation_url(RevocationUrl::new(tls_in_front).unwrap());
        client.revoke_token(new.into()).unwrap().request_async(&send).await.unwrap();
        assert!(!is_active(&server, &fresh).await);
        server.assert_clean();
    }
}

#[tokio::test]
async fn a_code_with_another_verifier_is_refused() {
    let server = MockServer::start().await.unwrap();
    let client = client(&server, "native", None);
    let (code, _) = authorize(&client).await;
    let (_, other) = PkceCodeChallenge::new_random_sha256();
    let exchange = client.exchange_code(code).set_pkce_verifier(other);
    let error = exchange.request_async(&send).await.expect_err("another verifier");
    assert_eq!(refusal(error), BasicErrorResponseType::InvalidGrant);
    server.assert_clean();
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_whole_family() {
    let server = MockServer::start().await.unwrap();
    let client = client(&server, "native", None);
    let stolen = sign_in(&client).await.refresh_token().expect("offline_access gives one").clone();
    let fresh = client.exchange_refresh_token(&stolen).request_async(&send).await.unwrap();
    let fresh = fresh.refresh_token().expect("it rotates");
    for token in [&stolen, fresh] {
        let error = client.exchange_refresh_token(token).request_async(&send).await.expect_err("revoked");
        assert_eq!(refusal(error), BasicErrorResponseType::InvalidGrant);
    }
    // The test steals the token, and the server cannot know from whom.
    assert_eq!(verdicts(&server), ["error spent-refresh-token"]);
}

#[tokio::test]
async fn client_credentials_with_characters_that_have_to_be_encoded() {
    let (id, secret) = ("tv: living room+100%é☃", "s:e+c%2Br e/t&=ü☃-_.~*'()!\"");
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let server = MockServer::builder().client(Client::confidential(id, secret)).start().await.unwrap();
        let client = client(&server, id, Some(secret)).set_auth_type(auth_type);
        let request = client.exchange_client_credentials().add_scope(Scope::new("read".to_owned()));
        let tokens = request.request_async(&send).await.unwrap();
        assert_eq!(scopes(&tokens), ["read"]);
        let described = client.introspect(tokens.access_token()).request_async(&send).await.unwrap();
        assert_eq!((described.active(), described.client_id().map(|id| id.as_str())), (true, Some(id)));
        assert_eq!(described.iss(), Some(server.issuer()));
        server.assert_clean();
    }
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let server = MockServer::start().await.unwrap();
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let client = client(&server, "service", Some("wrong")).set_auth_type(auth_type);
        let error = client.exchange_client_credentials().request_async(&send).await.expect_err("wrong");
        assert_eq!(refusal(error), BasicErrorResponseType::InvalidClient);
    }
    server.assert_clean();
}

#[tokio::test]
async fn a_device_login_is_polled_through_pending_and_slow_down() {
    for (id, secret) in [("device", None), ("device-secret", Some("device-secret"))] {
        let server = MockServer::start().await.unwrap();
        let tokens = device_login(&server, id, secret, "pending, slow_down, pending, approve").await.unwrap();
        assert_eq!(scopes(&tokens), ["read"]);
        let polls = polls(&server);
        let pending = Some("authorization_pending".to_owned());
        assert_eq!(polls, [pending.clone(), Some("slow_down".to_owned()), pending, None]);
        // The crate polls at once, when nobody can have typed the code yet; that is unwise, and no error.
        assert_eq!(verdicts(&server), ["note first-poll"]);
    }
}

#[tokio::test]
async fn a_device_login_ends_with_a_denial_or_the_expiry() {
    for (end, expected) in [
        ("deny", DeviceCodeErrorResponseType::AccessDenied),
        ("expire", DeviceCodeErrorResponseType::ExpiredToken),
    ] {
        let server = MockServer::start().await.unwrap();
        let script = format!("pending, {end}");
        let error = device_login(&server, "device", None, &script).await.expect_err("no token");
        assert_eq!(refusal(error), expected);
        assert_eq!(polls(&server).len(), 2);
        assert_eq!(verdicts(&server), ["note first-poll"]);
    }
}

/// "On encountering a connection timeout, clients MUST unilaterally reduce their polling frequency" (RFC 8628
/// section 3.5).
#[tokio::test]
async fn a_device_login_survives_a_lost_connection() {
    let server = MockServer::start().await.unwrap();
    server.fail_next(Endpoint::Token, &Fault::ConnectionReset, 2);
    device_login(&server, "device", None, "pending, approve").await.unwrap();
    assert_eq!(verdicts(&server), ["note first-poll"]);
}

fn client(server: &MockServer, id: &str, secret: Option<&str>) -> Oauth2Client {
    let at = |path: &str| format!("{}{path}", server.issuer());
    let client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::new(at("/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(at("/token")).unwrap())
        .set_device_authorization_url(DeviceAuthorizationUrl::new(at("/device-authorization")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(at("/introspect")).unwrap())
        .set_revocation_url(RevocationUrl::new(at("/revoke")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
    match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
        None => client,
    }
}

async fn sign_in(client: &Oauth2Client) -> BasicTokenResponse {
    let (code, verifier) = authorize(client).await;
    let exchange = client.exchange_code(code).set_pkce_verifier(verifier);
    exchange.request_async(&send).await.unwrap()
}

/// The code that comes back by the browser, and the verifier that belongs to it.
async fn authorize(client: &Oauth2Client) -> (AuthorizationCode, PkceCodeVerifier) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(["read", "offline_access"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let request = Request::get(url.as_str()).body(Vec::new()).unwrap();
    let redirect = send(request).await.unwrap().headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(redirect.starts_with(REDIRECT_URI), "{redirect}");
    let redirect = Url::parse(&redirect).unwrap();
    let parameter = |name: &str| {
        let found = redirect.query_pairs().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("no {name} in {redirect}")).1.into_owned()
    };
    assert_eq!(&parameter("state"), state.secret());
    (AuthorizationCode::new(parameter("code")), verifier)
}

/// A device login whose polls meet `script`. The crate's waits take the server's time in place of ours.
async fn device_login(
    server: &MockServer,
    id: &str,
    secret: Option<&str>,
    script: &str,
) -> Result<BasicTokenResponse, Failure<DeviceCodeErrorResponseType>> {
    server.script_next_login(script.parse().unwrap());
    let client = client(server, id, secret);
    let request = client.exchange_device_code().add_scope(Scope::new("read".to_owned()));
    let codes: StandardDeviceAuthorizationResponse = request.request_async(&send).await.unwrap();
    assert_eq!(codes.interval(), Duration::from_secs(5));
    let sleep = async |wait| server.advance(wait);
    client.exchange_device_access_token(&codes).request_async(&send, sleep, None).await
}

async fn is_active(server: &MockServer, tokens: &BasicTokenResponse) -> bool {
    let api = client(server, "api", Some("api-secret"));
    api.introspect(tokens.access_token()).request_async(&send).await.unwrap().active()
}

/// The crate's HTTP client: one request on a connection of its own, and no redirect followed.
async fn send(request: HttpRequest) -> io::Result<HttpResponse> {
    let mut request = request.map(Full::<Bytes>::from);
    // As if TLS ended in front of the server.
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    *request.uri_mut() = Uri::from_parts(parts).map_err(io::Error::other)?;
    let client = HttpClient::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.map_err(io::Error::other)?.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?;
    Ok(HttpResponse::from_parts(parts, body.to_bytes().to_vec()))
}

/// The code of an error that the server answered.
fn refusal<T>(error: Failure<T>) -> T
where
    T: ErrorResponseType + Clone + Display + 'static,
{
    match error {
        RequestTokenError::ServerResponse(response) => response.error().clone(),
        other => panic!("no answer of the server: {other:?}"),
    }
}

fn scopes(tokens: &BasicTokenResponse) -> Vec<&str> {
    tokens.scopes().expect("always named").iter().map(|scope| scope.as_str()).collect()
}

/// The errors of all polls, `None` for the tokens.
fn polls(server: &MockServer) -> Vec<Option<String>> {
    let requests = server.requests().into_iter();
    requests.filter(|request| request.path == "/token").map(|request| request.error).collect()
}

/// What the server holds against the crate, with its weight.
fn verdicts(server: &MockServer) -> Vec<String> {
    server.verdicts().iter().map(|verdict| format!("{} {}", verdict.severity, verdict.rule)).collect()
}
