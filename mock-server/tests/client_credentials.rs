//! RFC 6749 section 4.4.

use crate::state::{Received, State, basic};

fn request(scope: &str) -> Received {
    let service = basic("service", "service-secret");
    let form = format!("grant_type=client_credentials{scope}");
    State::new().post_with("/token", &[service.as_header()], &form)
}

#[test]
fn a_confidential_client_gets_a_token_without_a_refresh_token() {
    let json = request("&scope=read+write").json();
    assert!(json["access_token"].is_string());
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(json["scope"], "read write");
    assert_eq!(json.get("refresh_token"), None);
    assert_eq!(json.get("id_token"), None);
}

#[test]
fn the_client_is_its_own_subject() {
    let mut state = State::new();
    let service = basic("service", "service-secret");
    let tokens = state.post_with("/token", &[service.as_header()], "grant_type=client_credentials").tokens();
    assert_eq!(state.resource(&tokens.access_token).json()["sub"], "service");
}

#[test]
fn a_public_client_may_not_use_it() {
    let form = "grant_type=client_credentials&client_id=device";
    State::new().post("/token", form).assert_error(400, "unauthorized_client");
}

#[test]
fn scopes_about_a_person_are_refused() {
    for scope in ["openid", "profile", "email", "offline_access", "read+openid"] {
        request(&format!("&scope={scope}")).assert_error(400, "invalid_scope");
    }
}
