//! Clients, users, tokens, the clock and tenants, over HTTP and as methods.

use std::time::Duration;

use mock_server::{Client, ControlError, Mint, Person, Timestamp, WhichDevice};
use serde_json::{Value, json};

use crate::state::{DEVICE_GRANT, Received, State, basic};

fn post_json(state: &mut State, path: &str, body: &Value) -> Received {
    state.send("POST", path, &[("content-type", "application/json")], &body.to_string())
}

#[test]
fn a_client_is_registered_used_replaced_and_forgotten() {
    let mut state = State::new();
    let tv = json!({ "client_id": "my tv", "client_secret": "s3cret", "grant_types": [DEVICE_GRANT] });
    assert_eq!(post_json(&mut state, "/_control/clients", &tv).status, 201);
    let authorization = basic("my tv", "s3cret");
    let start =
        |state: &mut State| state.post_with("/device-authorization", &[authorization.as_header()], "");
    assert_eq!(start(&mut state).status, 200);
    assert_eq!(state.get("/_control/clients/my%20tv").json()["client_secret"], "s3cret");
    assert_eq!(post_json(&mut state, "/_control/clients", &json!({ "client_id": "my tv" })).status, 200);
    start(&mut state).assert_error(401, "invalid_client");
    assert_eq!(state.send("DELETE", "/_control/clients/my%20tv", &[], "").status, 204);
    state.get("/_control/clients/my%20tv").assert_error(404, "not_found");
}

#[test]
fn a_user_is_added_signs_in_and_is_forgotten() {
    let mut state = State::new();
    let bob = json!({ "sub": "bob", "email": "bob@example.com" });
    assert_eq!(post_json(&mut state, "/_control/users", &bob).json(), bob);
    let login = state.start_device_login_with("client_id=device&scope=openid+email");
    let path = format!("/_control/devices/{}/approve", login.user_code);
    post_json(&mut state, &path, &json!({ "user": "carol" })).assert_error(404, "unknown_user");
    assert_eq!(post_json(&mut state, &path, &json!({ "user": "bob" })).status, 204);
    let token = state.poll(&login).tokens().access_token;
    let authorization = format!("Bearer {token}");
    assert_eq!(state.send("GET", "/userinfo", &[("authorization", &authorization)], "").json(), bob);
    assert_eq!(state.send("DELETE", "/_control/users/bob", &[], "").status, 204);
    assert_eq!(state.get("/_control/users").json()["users"].as_array().unwrap().len(), 1);
}

#[test]
fn a_reset_brings_clients_and_users_back() {
    let mut state = State::new();
    state.server.remove_client("device");
    state.server.put_user(Person::new("bob"));
    state.server.reset(state.now);
    state.start_device_login();
    assert_eq!(state.server.users().count(), 1);
}

#[test]
fn a_login_is_decided_by_device_code_in_the_body() {
    for (verdict, outcome) in [("approve", ""), ("deny", "access_denied"), ("expire", "expired_token")] {
        let mut state = State::new();
        let login = state.start_device_login();
        let answer = state
            .post(&format!("/_control/devices/{verdict}"), &format!("device_code={}", login.device_code));
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!(state.poll_error(&login), outcome);
    }
    let mut state = State::new();
    state.post("/_control/devices/deny", "device_code=x").assert_error(404, "unknown_device_code");
    state.post("/_control/devices/deny", "").assert_error(400, "invalid_request");
    state.post("/_control/devices/deny", "device_code=x&user_code=y").assert_error(400, "invalid_request");
}

#[test]
fn next_is_the_oldest_login_that_waits() {
    let mut state = State::new();
    let first = state.start_device_login();
    let second = state.start_device_login();
    assert_eq!(state.post("/_control/devices/next/approve", "").status, 204);
    assert_eq!(state.server.deny(state.now, WhichDevice::Next), Ok(()));
    assert_eq!(
        (state.poll_error(&first).as_str(), state.poll_error(&second).as_str()),
        ("", "access_denied")
    );
    state.post("/_control/devices/next/approve", "").assert_error(404, "none_pending");
    assert_eq!(state.server.expire(state.now, WhichDevice::Next), Err(ControlError::NonePending));
}

#[test]
fn minted_tokens_are_as_good_as_others() {
    let mut state = State::new();
    let mint = Mint::for_client("web").user("alice").scope("openid write").with_refresh_token();
    let tokens = state.server.mint(state.now, &mint.expires_in(Duration::from_secs(10))).unwrap();
    assert_eq!((&tokens["expires_in"], &tokens["scope"]), (&json!(10), &json!("openid write")));
    assert!(tokens["id_token"].is_string());
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(state.resource(access_token).json()["sub"], "alice");
    state.wait_seconds(10);
    assert_eq!(state.resource(access_token).status, 401);
    let form =
        format!("grant_type=refresh_token&refresh_token={}", tokens["refresh_token"].as_str().unwrap());
    assert_eq!(state.post_with("/token", &[basic("web", "web-secret").as_header()], &form).status, 200);

    let own = state.server.mint(state.now, &Mint::for_client("service")).unwrap();
    assert_eq!(own.get("refresh_token"), None);
    assert_eq!(state.resource(own["access_token"].as_str().unwrap()).json()["sub"], "service");
    for (mint, error) in [
        (Mint::for_client("nobody"), ControlError::UnknownClient),
        (Mint::for_client("web").user("nobody"), ControlError::UnknownUser),
        (Mint::for_client("web").scope("nothing"), ControlError::UnknownScope),
    ] {
        assert_eq!(state.server.mint(state.now, &mint), Err(error));
    }
}

#[test]
fn a_frozen_clock_stands_still_and_can_be_moved() {
    let mut state = State::new();
    state.post("/_control/clock/freeze", "");
    state.wait_seconds(700);
    let frozen = |now: u64| json!({ "now": now, "frozen": true });
    assert_eq!(state.get("/_control/clock").json(), frozen(1_800_000_000));
    let login = state.start_device_login();
    state.wait_seconds(700);
    assert_eq!(state.poll_error(&login), "authorization_pending");
    state.post("/_control/clock/advance", "seconds=599");
    assert_eq!(state.poll_error(&login), "authorization_pending");
    let thawed = state.post("/_control/clock/thaw", "").json();
    assert_eq!(thawed, json!({ "now": 1_800_000_599, "frozen": false }));
    state.wait_seconds(1);
    assert_eq!(state.poll_error(&login), "expired_token");
}

#[test]
fn the_clock_is_set_and_goes_on() {
    let mut state = State::new();
    state.post("/_control/clock/set", "now=1900000000");
    state.wait_seconds(5);
    assert_eq!(state.get("/_control/clock").json(), json!({ "now": 1_900_000_005, "frozen": false }));
    for nonsense in ["now=-1", "now=soon", "", "later=1"] {
        state.post("/_control/clock/set", nonsense).assert_error(400, "invalid_request");
    }
    let past = Timestamp::from_unix(Duration::from_secs(1_000_000_000));
    state.server.set_clock(state.now, past);
    assert_eq!(state.get("/_control/clock").json()["now"], 1_000_000_000);
}

#[test]
fn tenants_share_nothing() {
    let mut state = State::new();
    let metadata = state.get("/.well-known/oauth-authorization-server/t/a").json();
    assert_eq!(metadata["issuer"], "http://127.0.0.1:8080/t/a");
    assert_eq!(metadata["token_endpoint"], "http://127.0.0.1:8080/t/a/token");
    assert_eq!(
        state.get("/t/b/.well-known/openid-configuration").json()["issuer"],
        "http://127.0.0.1:8080/t/b"
    );

    let started = state.post("/t/a/device-authorization", "client_id=device").json();
    let user_code = started["user_code"].as_str().unwrap().to_owned();
    assert_eq!(started["verification_uri"], "http://127.0.0.1:8080/t/a/device");
    assert_eq!(state.get("/t/a/_control/devices").json()["devices"].as_array().unwrap().len(), 1);
    for elsewhere in ["/_control/devices", "/t/b/_control/devices"] {
        assert_eq!(state.get(elsewhere).json(), json!({ "devices": [] }));
    }
    state
        .post(&format!("/t/b/_control/devices/{user_code}/approve"), "")
        .assert_error(404, "unknown_user_code");

    state.post("/t/a/_control/clock/advance", "seconds=100");
    assert_eq!(state.get("/t/b/_control/clock").json()["now"], 1_800_000_000);
    post_json(&mut state, "/t/a/_control/clients", &json!({ "client_id": "tv" }));
    state.get("/t/b/_control/clients/tv").assert_error(404, "not_found");

    let tokens = post_json(&mut state, "/t/a/_control/tokens", &json!({ "client_id": "device" })).json();
    let authorization = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    for (resource, status) in [("/t/a/resource", 200), ("/t/b/resource", 401), ("/resource", 401)] {
        assert_eq!(state.send("GET", resource, &[("authorization", &authorization)], "").status, status);
    }
    assert!(state.server.requests().all(|request| !request.path.starts_with("/t/")));

    assert_eq!(state.get("/_control/tenants").json(), json!({ "tenants": ["a", "b"] }));
    assert_eq!(state.send("DELETE", "/_control/tenants/a", &[], "").status, 204);
    assert_eq!(state.get("/t/a/_control/devices").json(), json!({ "devices": [] }));
}

#[test]
fn a_tenant_needs_a_plain_name_and_has_none_of_its_own() {
    let mut state = State::new();
    let too_long = format!("/t/{}/jwks", "a".repeat(65));
    for path in ["/t/a%20b/jwks", "/t//jwks", &too_long, "/t/a/t/b/jwks"] {
        assert_eq!(state.get(path).status, 404, "{path}");
    }
    assert_eq!(state.get("/t/a.b-c_1/jwks").status, 200);
}

#[test]
fn a_seed_makes_codes_tokens_and_ids_repeat() {
    let run = |seed| {
        let mut state = State::with(|settings| settings.seed = seed);
        let login = state.start_device_login_with("client_id=device&scope=openid");
        state.approve(&login);
        let tokens = state.poll(&login).json();
        let tenant = state.post("/t/a/device-authorization", "client_id=device").text("user_code");
        let access_token = tokens["access_token"].as_str().unwrap();
        // A signature need not repeat.
        let payload = access_token.rsplit_once('.').unwrap().0.to_owned();
        (login.user_code, login.device_code, payload, tokens["refresh_token"].clone(), tenant)
    };
    assert_eq!(run(Some(7)), run(Some(7)));
    assert_ne!(run(Some(7)), run(Some(8)));
    assert_ne!(run(None), run(None));
    let (user_code, .., of_tenant) = run(Some(7));
    assert_ne!(user_code, of_tenant, "a tenant has its own run");
}

#[test]
fn requests_since_a_number_are_those_of_clients_and_explained() {
    let mut state = State::new();
    state.start_device_login();
    state.post("/token", "grant_type=password&client_id=device");
    let answer = state.get("/_control/requests?since=1").json();
    assert_eq!(answer["requests"].as_array().unwrap().len(), 1);
    assert_eq!((&answer["requests"][0]["number"], &answer["next"]), (&json!(2), &json!(2)));
    assert_eq!(answer["requests"][0]["refused"]["check"], "grant_type");
    assert_eq!(state.get("/_control/requests?since=2").json(), json!({ "requests": [], "next": 3 }));
    for nonsense in ["since=x", "since=0&wait=61", "since=0&wait=x"] {
        state.get(&format!("/_control/requests?{nonsense}")).assert_error(400, "invalid_request");
    }
}

#[test]
fn a_client_made_in_rust_is_one_made_over_http() {
    let mut state = State::new();
    let native = Client::public("mine")
        .with_redirect_uri("http://127.0.0.1/cb")
        .with_grant_types(["authorization_code"]);
    state.server.put_client(native);
    assert_eq!(
        state.get("/_control/clients/mine").json(),
        json!({
            "client_id": "mine",
            "client_name": "",
            "redirect_uris": ["http://127.0.0.1/cb"],
            "grant_types": ["authorization_code"],
            "require_pkce": true,
            "may_introspect_all": false,
        })
    );
}
