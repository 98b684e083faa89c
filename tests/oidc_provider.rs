//! A device login at `oidc-provider`, a certified authorization server that is not ours (npm).

use serde_json::Value;

use crate::browser::{Browser, node};
use crate::device_cli::device_cli;
use crate::json_lines::JsonLines;

/// RFC 8628 section 3.2: "If no value is provided, clients MUST use 5 as the default." This server provides none.
const DEFAULT_INTERVAL_MILLIS: f64 = 5000.0;

#[test]
#[ignore = "needs node, npm packages and chromium: run by tests/run"]
fn a_login_is_approved_on_the_pages_of_oidc_provider() {
    let mut provider = JsonLines::start(node().arg("oidc_provider/server.mjs"));
    let issuer = provider.receive_event("ready")["issuer"].as_str().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let arguments = [
        "login",
        "--json",
        "--store",
        "file",
        "--client-id",
        "tv",
        "--scope",
        "openid profile",
        "--issuer",
        &issuer,
    ];
    let mut login = JsonLines::start(&mut device_cli(&home, &arguments));
    let codes = login.receive_event("device_code_issued");
    assert_eq!(codes["interval"], 5, "RFC 8628 section 3.2: the server sent none");
    login.receive_event("pending");
    approve(codes["verification_uri"].as_str().unwrap(), codes["user_code"].as_str().unwrap());
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let authorized = ended.events.last().unwrap();
    assert_eq!(authorized["event"], "authorized");
    assert_eq!(authorized["account"], "Name of ada");
    assert_polite(provider);
}

/// What the person does, on the server's own pages.
fn approve(verification_uri: &str, user_code: &str) {
    let mut browser = Browser::start();
    browser.open(verification_uri);
    browser.fill_placeholder("Enter code", user_code);
    browser.press("Continue");
    browser.wait_for(user_code);
    browser.press("Continue");
    browser.fill_placeholder("Enter any login", "ada");
    browser.fill_placeholder("and password", "anything");
    browser.press("Sign-in");
    browser.wait_for("Authorize");
    browser.press("Continue");
    browser.wait_for("was successful");
}

/// The server's own log of its token endpoint: as many polls as it took, none too early, none after the token.
fn assert_polite(provider: JsonLines) {
    let ended = provider.end();
    assert!(ended.status.success(), "{ended:?}");
    let requests = ended.events;
    let times: Vec<f64> = requests.iter().map(|request| request["at"].as_f64().unwrap()).collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap >= DEFAULT_INTERVAL_MILLIS), "{gaps:?}");
    let errors: Vec<&Value> = requests.iter().map(|request| &request["error"]).collect();
    let (last, pending) = errors.split_last().expect("a poll");
    assert!(last.is_null(), "{errors:?}");
    assert!(
        !pending.is_empty() && pending.iter().all(|error| **error == "authorization_pending"),
        "{errors:?}"
    );
}
