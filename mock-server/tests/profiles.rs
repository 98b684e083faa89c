//! How each profile differs, against the literal words and bytes of the provider's own pages.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_server::{Endpoint, Profile};
use serde_json::json;

use crate::state::{CHALLENGE, DEVICE_GRANT, DeviceLogin, Received, State, VERIFIER, basic};

fn of(profile: Profile) -> State {
    State::with(|settings| {
        settings.profile = profile;
        settings.consent_page = false;
    })
}

fn octopus() -> State {
    of(Profile::Octopus)
}

/// Starts a login at the profile's own path.
fn start(state: &mut State, path: &str) -> DeviceLogin {
    let answer = state.post(path, "client_id=device");
    assert_eq!(answer.status, 200, "{}", answer.body);
    DeviceLogin { device_code: answer.text("device_code"), user_code: answer.text("user_code") }
}

fn poll(state: &mut State, path: &str, device_code: &str) -> Received {
    let form = format!("client_id=device&device_code={device_code}&grant_type={DEVICE_GRANT}");
    state.post(path, &form)
}

#[test]
fn rfc_wants_the_scheme() {
    let mut state = State::new();
    let token = state.device_tokens("read").access_token;
    assert_eq!(state.send("GET", "/resource", &[("authorization", &token)], "").status, 401);
}

#[test]
fn octopus_has_no_metadata() {
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        assert_eq!(octopus().get(path).status, 404, "{path}");
    }
}

#[test]
fn octopus_redirects_to_the_slash_as_django_does() {
    let mut state = octopus();
    for (method, path) in [
        ("POST", "/token"),
        ("POST", "/device-authorization"),
        ("GET", "/authorize?response_type=code"),
        ("GET", "/resource"),
    ] {
        let answer = state.send(method, path, &[], "");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let location = if query.is_empty() { format!("{path}/") } else { format!("{path}/?{query}") };
        assert_eq!((answer.status, answer.header("location")), (301, Some(location.as_str())), "{path}");
        assert_eq!(
            (answer.header("content-type"), answer.body.as_str()),
            (Some("text/html; charset=utf-8"), "")
        );
    }
    assert_eq!(state.get("/_control/verdicts").json()["clean"], true);
    // What becomes of a POST whose 301 is followed.
    state.get("/token/");
    let rules: Vec<_> = state.server.verdicts().map(|verdict| verdict.rule).collect();
    assert_eq!(rules, ["no-redirect-followed"]);
}

#[test]
fn octopus_codes_are_eight_of_base32hex() {
    let mut state = octopus();
    for _ in 0..200 {
        let code = start(&mut state, "/device-authorization/").user_code;
        assert_eq!(code.len(), 8, "{code}");
        assert!(code.chars().all(|c| "0123456789ABCDEFGHIJKLMNOPQRSTUV".contains(c)), "{code}");
    }
}

#[test]
fn octopus_signs_a_device_in() {
    let mut state = octopus();
    let started = state.post("/device-authorization/", "client_id=device").json();
    assert_eq!(started["verification_uri"], "http://127.0.0.1:8080/device");
    assert_eq!(started.get("verification_uri_complete"), None);
    assert_eq!((&started["expires_in"], &started["interval"]), (&json!(1800), &json!(5)));
    state.server.approve(state.now, started["user_code"].as_str().unwrap()).unwrap();
    let tokens = poll(&mut state, "/token/", started["device_code"].as_str().unwrap()).tokens();
    let raw = [("authorization", tokens.access_token.as_str())];
    assert_eq!(state.send("GET", "/resource/", &raw, "").json()["sub"], "alice");
}

#[test]
fn octopus_polls_are_answered_with_the_error_alone() {
    let mut state = octopus();
    let login = start(&mut state, "/device-authorization/");
    let answer = poll(&mut state, "/token/", &login.device_code);
    assert_eq!((answer.status, answer.body.as_str()), (400, r#"{"error":"authorization_pending"}"#));
    let at_once = poll(&mut state, "/token/", &login.device_code);
    assert_eq!(at_once.body, r#"{"error":"authorization_pending"}"#, "never slow_down");
    state.wait_seconds(1801);
    let expired = poll(&mut state, "/token/", &login.device_code);
    assert_eq!(expired.body, r#"{"error":"authorization_pending"}"#, "the poll does not look at the expiry");
    let unknown = poll(&mut state, "/token/", "made-up");
    assert_eq!((unknown.status, unknown.body.as_str()), (404, r#"{"error":"device_not_found"}"#));
    let other = start(&mut state, "/device-authorization/");
    state.server.deny(state.now, &other.user_code).unwrap();
    let denied = poll(&mut state, "/token/", &other.device_code);
    assert_eq!((denied.status, denied.body.as_str()), (400, r#"{"error":"access_denied"}"#));
}

#[test]
fn octopus_wants_the_bare_token() {
    let mut state = octopus();
    let login = start(&mut state, "/device-authorization/");
    state.approve(&login);
    let tokens = poll(&mut state, "/token/", &login.device_code).tokens();
    let bearer = format!("Bearer {}", tokens.access_token);
    let answer = state.send("GET", "/resource/", &[("authorization", &bearer)], "");
    answer.assert_error(401, "invalid_token");
    assert!(answer.text("error_description").contains("without Bearer"));
}

#[test]
fn octopus_gives_client_credentials_to_a_client_with_basic() {
    let authorization = format!("Basic {}", STANDARD.encode("service:service-secret"));
    let answer =
        octopus().post_with("/token/", &[("authorization", &authorization)], "grant_type=client_credentials");
    assert_eq!(answer.status, 200);
}

/// The page's own verifier: `crypto.randomUUID().replace(/-/g, '')`, too short for RFC 7636.
#[test]
fn octopus_takes_the_verifier_of_its_page_and_the_verdict_says_what_the_rfc_says() {
    let verifier = "3f2504e04f8941d39a0c0305e82c3301";
    let hash = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
    for (verifier, expected) in [(VERIFIER, 200), (verifier, 200), (&verifier[..31], 400)] {
        let challenge =
            if verifier == VERIFIER { CHALLENGE.to_owned() } else { URL_SAFE_NO_PAD.encode(hash) };
        let mut state = octopus();
        let answer = state.get(&format!(
            "/authorize/?response_type=code&client_id=native&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb\
             &code_challenge={challenge}&code_challenge_method=S256&state=s"
        ));
        let code = answer.location_parameter("code").unwrap();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb\
             &client_id=native&code_verifier={verifier}"
        );
        assert_eq!(state.post("/token/", &form).status, expected, "{verifier}");
        let rules: Vec<_> = state.server.verdicts().map(|verdict| verdict.rule).collect();
        let broken = if verifier == VERIFIER { vec![] } else { vec!["pkce-verifier"] };
        assert_eq!(rules, broken, "{verifier}");
    }
}

#[test]
fn nomos_has_rfc_8414_metadata_and_answers_401_to_openid_connect() {
    let mut state = of(Profile::Nomos);
    let metadata = state.get("/.well-known/oauth-authorization-server").json();
    assert_eq!(metadata["token_endpoint"], "http://127.0.0.1:8080/oauth/token");
    assert_eq!(metadata["authorization_endpoint"], "http://127.0.0.1:8080/oauth/authorize");
    assert_eq!(state.get("/.well-known/openid-configuration").status, 401);
}

/// "If you decide to use it, you have to include both of these additional parameters".
#[test]
fn nomos_takes_pkce_whole_or_not_at_all() {
    for (pkce, error) in [
        (String::new(), None),
        (format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"), None),
        (format!("&code_challenge={VERIFIER}&code_challenge_method=plain"), None),
        (format!("&code_challenge={CHALLENGE}"), Some("invalid_request")),
        ("&code_challenge_method=S256".to_owned(), Some("invalid_request")),
    ] {
        let mut state = of(Profile::Nomos);
        let answer = state.get(&format!("/oauth/authorize?response_type=code&client_id=web{pkce}"));
        assert_eq!(answer.location_parameter("error").as_deref(), error, "{pkce}");
        assert_eq!(answer.location_parameter("code").is_some(), error.is_none(), "{pkce}");
    }
}

#[test]
fn nomos_codes_live_ten_minutes_and_tokens_sixty() {
    for (age, status) in [(599, 200), (600, 400)] {
        let mut state = of(Profile::Nomos);
        let answer = state.get("/oauth/authorize?response_type=code&client_id=web");
        let code = answer.location_parameter("code").unwrap();
        state.wait_seconds(age);
        let form = format!("grant_type=authorization_code&code={code}");
        let web = basic("web", "web-secret");
        let answer = state.post_with("/oauth/token", &[web.as_header()], &form);
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 200 {
            assert_eq!(answer.json()["expires_in"], 3600);
            assert_eq!(state.post_with("/oauth/token", &[web.as_header()], &form).status, 400, "one use");
        }
    }
}

#[test]
fn nomos_rotates_refresh_tokens_for_client_credentials_too() {
    let mut state = of(Profile::Nomos);
    let service = basic("service", "service-secret");
    let tokens =
        state.post_with("/oauth/token", &[service.as_header()], "grant_type=client_credentials").tokens();
    let form = format!("grant_type=refresh_token&refresh_token={}", tokens.refresh_token);
    let next = state.post_with("/oauth/token", &[service.as_header()], &form).tokens();
    assert_ne!(next.refresh_token, tokens.refresh_token);
    assert_eq!(state.post_with("/oauth/token", &[service.as_header()], &form).text("code"), "invalid_grant");
}

#[test]
fn nomos_errors_have_their_own_four_members() {
    let mut state = of(Profile::Nomos);
    let answer = state.post_with("/oauth/token", &[basic("web", "wrong").as_header()], "grant_type=x");
    assert_eq!(answer.status, 401);
    let members = answer.json();
    let names: Vec<_> = members.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "docs", "message", "requestId"]);
    assert_eq!(members["code"], "invalid_client");
}

#[test]
fn nomos_names_each_refusal_and_a_seed_repeats_the_names() {
    let request_ids = || {
        let mut state = State::with(|settings| {
            settings.profile = Profile::Nomos;
            settings.seed = Some(7);
        });
        [(); 2].map(|()| state.post("/oauth/token", "grant_type=x").text("requestId"))
    };
    let [first, second] = request_ids();
    assert_ne!(first, second);
    let id = first.strip_prefix("req_").unwrap();
    assert!(
        id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()),
        "{id}"
    );
    assert_eq!(request_ids(), [first, second]);
}

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

#[test]
fn github_answers_in_forms_unless_json_is_asked_for() {
    let mut state = of(Profile::Github);
    let answer = state.post("/login/device/code", "client_id=device&scope=read");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(FORM)));
    let names: Vec<_> = answer.body.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
    assert_eq!(names, ["device_code", "expires_in", "interval", "user_code", "verification_uri"]);
    assert!(answer.body.contains("&expires_in=900&interval=5&user_code="), "{}", answer.body);
    let uri = "&verification_uri=http%3A%2F%2F127.0.0.1%3A8080%2Flogin%2Fdevice";
    assert!(answer.body.ends_with(uri), "{}", answer.body);
    let json = [("accept", "application/json")];
    let answer = state.post_with("/login/device/code", &json, "client_id=device&scope=read");
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.json()["expires_in"], 900);
    assert_eq!(answer.text("user_code").len(), "WDJB-MJHT".len());
}

/// A poll at GitHub, in JSON.
fn poll_github(state: &mut State, login: &DeviceLogin) -> Received {
    let form = format!("client_id=device&device_code={}&grant_type={DEVICE_GRANT}", login.device_code);
    state.post_with("/login/oauth/access_token", &[("accept", "application/json")], &form)
}

fn start_at_github(state: &mut State) -> DeviceLogin {
    let json = [("accept", "application/json")];
    let answer = state.post_with("/login/device/code", &json, "client_id=device&scope=read+write");
    DeviceLogin { device_code: answer.text("device_code"), user_code: answer.text("user_code") }
}

#[test]
fn github_refuses_with_200_and_escalates_whatever_the_person_decided() {
    let mut state = of(Profile::Github);
    let login = start_at_github(&mut state);
    let pending = poll_github(&mut state, &login);
    assert_eq!((pending.status, pending.text("error").as_str()), (200, "authorization_pending"));
    state.approve(&login);
    for interval in [10, 15, 20] {
        let early = poll_github(&mut state, &login);
        assert_eq!((early.status, early.text("error").as_str()), (200, "slow_down"));
        assert_eq!(early.json()["interval"], interval);
    }
    state.wait_seconds(20);
    let tokens = poll_github(&mut state, &login).json();
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&json!("bearer"), &json!("read,write")));
    assert_eq!((tokens.get("expires_in"), tokens.get("refresh_token")), (None, None));
}

#[test]
fn github_refuses_in_a_form_byte_by_byte() {
    let mut state = of(Profile::Github);
    let form = format!("client_id=device&device_code=x&grant_type={DEVICE_GRANT}");
    let answer = state.post("/login/oauth/access_token", &form);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(FORM)));
    assert!(answer.body.starts_with("error=incorrect_device_code&error_description="), "{}", answer.body);
    let denied = start_at_github(&mut state);
    state.server.deny(state.now, &denied.user_code).unwrap();
    assert_eq!(poll_github(&mut state, &denied).text("error"), "access_denied");
    let expired = start_at_github(&mut state);
    state.wait_seconds(900);
    assert_eq!(poll_github(&mut state, &expired).text("error"), "expired_token");
}

#[test]
fn github_has_no_metadata_and_its_api_wants_a_user_agent() {
    let mut state = of(Profile::Github);
    assert_eq!(state.get("/.well-known/oauth-authorization-server").status, 404);
    let login = start_at_github(&mut state);
    state.approve(&login);
    let token = poll_github(&mut state, &login).text("access_token");
    let bearer = format!("Bearer {token}");
    assert_eq!(state.send("GET", "/resource", &[("authorization", &bearer)], "").status, 403);
    let with_agent = [("authorization", bearer.as_str()), ("user-agent", "test")];
    assert_eq!(state.send("GET", "/resource", &with_agent, "").status, 200);
}

/// Somebody who writes the provider's paths out gets them all the same, and one may give an endpoint a path that the
/// provider has for another.
#[test]
fn a_path_that_was_chosen_wins_over_the_providers() {
    let mut state = State::with(|settings| {
        settings.profile = Profile::Github;
        settings.endpoint_paths = vec![
            (Endpoint::DeviceAuthorization, "/login/device/code".into()),
            (Endpoint::Token, "/login/oauth/access_token".into()),
            (Endpoint::Revocation, "/login/device".into()),
        ];
    });
    let login = start_at_github(&mut state);
    assert_eq!(poll_github(&mut state, &login).text("error"), "authorization_pending");
    assert_eq!(state.post("/login/device", "client_id=device&token=x").status, 200);
    assert_eq!(state.post("/device-authorization", "client_id=device").status, 404);
}
