//! Nothing that can be formatted gives a secret away.

use std::fmt::Debug;

use oauth_protocol::{
    AccessTokenResponse, AuthorizationCodeRequest, AuthorizationScheme, ClientAuthentication,
    ClientCredentialsRequest, CodeVerifier, DeviceAuthorizationResponse, DeviceCodeGrant, EndpointUrl,
    IntrospectionRequest, Pkce, RefreshTokenRequest, RevocationRequest, Secret, TokenTypeHint,
};

use crate::scripted_login::{EXACT, Next, ScriptedLogin, json, request};

/// Stands wherever a secret stands.
const SECRET: &str = "hunter2";

fn check(name: &str, value: &dyn Debug) {
    let text = format!("{value:?} {value:#?}");
    assert!(!text.contains(SECRET), "{name}: {text}");
    // Nor in another spelling: base64 and hexadecimal of it.
    assert!(!text.contains("aHVudGVyM") && !text.contains("68756e74657232"), "{name}: {text}");
}

#[test]
fn debug_of_everything_that_holds_a_secret_is_redacted() {
    let endpoint = || EndpointUrl::parse("https://a.example/x?token=hunter2").unwrap();
    let post = || ClientAuthentication::client_secret_post("id", SECRET).unwrap();
    let basic = ClientAuthentication::client_secret_basic("id", SECRET).unwrap();
    check("Secret", &Secret::from(SECRET));
    check("ClientAuthentication post", &post());
    check("ClientAuthentication basic", &basic);
    check("EndpointUrl", &endpoint());
    check("HttpResponse", &json(200, r#"{"access_token": "hunter2"}"#));

    let token =
        r#"{"access_token": "hunter2", "refresh_token": "hunter2", "id_token": "hunter2", "x": "hunter2"}"#;
    check("AccessTokenResponse", &AccessTokenResponse::process_response(&json(200, token)).unwrap());
    let codes = r#"{"device_code": "hunter2", "user_code": "hunter2", "verification_uri": "https://a.example/",
        "verification_uri_complete": "https://a.example/?user_code=hunter2", "x": "hunter2"}"#;
    let device = DeviceAuthorizationResponse::process_response(&json(200, codes)).unwrap();
    check("DeviceAuthorizationResponse", &device);

    let request = request().with_parameter("client_assertion", SECRET);
    check("DeviceCodeRequest", &request);
    let mut login = ScriptedLogin::of(DeviceCodeGrant::new(request, EXACT, 1));
    check("HttpRequest", &login.next());
    login.answer(200, codes);
    check("DeviceCodeGrant", &login.grant);
    check("PendingLogin", &login.grant.snapshot(login.now()).unwrap());
    check("Action::ShowUserCode", &login.grant.poll(login.now()));
    let Next::Sends(poll) = login.next() else { panic!("no poll") };
    assert!(poll.body().contains(SECRET));
    check("HttpRequest of a poll", &poll);
    login.answer(200, token);
    check("Action::Finished", &login.grant.poll(login.now()));

    let refresh = RefreshTokenRequest::new(post(), endpoint(), Secret::from(SECRET));
    check("RefreshTokenRequest", &refresh);
    assert!(refresh.request().body().contains(SECRET));
    check("HttpRequest of a refresh", &refresh.request());
    let revocation =
        RevocationRequest::new(post(), endpoint(), Secret::from(SECRET), TokenTypeHint::AccessToken);
    check("RevocationRequest", &revocation);
    let introspection =
        IntrospectionRequest::new(post(), endpoint(), Secret::from(SECRET), TokenTypeHint::AccessToken)
            .unwrap();
    check("IntrospectionRequest", &introspection);
    check(
        "ClientCredentialsRequest",
        &ClientCredentialsRequest::new(post(), endpoint()).unwrap().with_parameter("x", SECRET),
    );

    let verifier = CodeVerifier::parse(&SECRET.repeat(7)).unwrap();
    check("CodeVerifier", &verifier);
    let pkce = Pkce::s256(verifier);
    check("Pkce", &pkce);
    let code =
        AuthorizationCodeRequest::new(post(), endpoint(), endpoint(), "http://127.0.0.1/", [7; 32], pkce);
    check("AuthorizationCodeRequest", &code.with_parameter("x", SECRET));
    let resource = AuthorizationScheme::Bearer.get(&endpoint(), &Secret::from(SECRET));
    assert!(resource.headers().any(|(_, value)| value.contains(SECRET)));
    check("HttpRequest of a resource", &resource);
}

#[test]
fn a_secret_compares_by_its_whole_text() {
    assert_eq!(Secret::from("abc"), Secret::new(String::from("abc")));
    assert_ne!(Secret::from("abc"), Secret::from("abd"));
    assert_ne!(Secret::from("abc"), Secret::from("ab"));
    assert_eq!(Secret::from("abc").expose(), "abc");
    assert_eq!(format!("{:?}", Secret::from("abc")), "[redacted]");
}

#[test]
fn errors_hold_nothing_of_a_body() {
    for (status, body) in [
        (200, r#"{"token": "hunter2"}"#),
        (200, "<html>hunter2</html>"),
        (200, r#"{"access_token": ["hunter2"]}"#),
        (200, r#"{"access_token": "t", "token_type": "hunter2"}"#),
        (403, "hunter2"),
        (500, "hunter2"),
    ] {
        let error = AccessTokenResponse::process_response(&json(status, body)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
}
