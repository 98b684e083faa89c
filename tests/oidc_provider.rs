//! A device login at `oidc-provider`, a certified authorization server that is not ours (npm), and what follows until
//! the logout.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{Browser, node};
use crate::built_program::built;
use crate::device_cli::device_cli;
use crate::json_lines::JsonLines;
use crate::person::words;

/// RFC 8628 section 3.2: "If no value is provided, clients MUST use 5 as the default." This server provides none.
const DEFAULT_INTERVAL_MILLIS: f64 = 5000.0;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[test]
#[ignore = "needs node, npm packages, chromium and curl: run by tests/run"]
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
        "openid profile offline_access",
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

    let status: Value = serde_json::from_str(&succeeds(&home, &["status", "--check", "--json"])).unwrap();
    assert_eq!(status["login"]["scopes"], json!(["openid", "profile", "offline_access"]), "{status}");
    let first = succeeds(&home, &["token"]);
    let userinfo = ["curl", "--", "--silent", "--fail", &format!("{issuer}/me")];
    assert!(succeeds(&home, &userinfo).contains("Name of ada"));
    succeeds(&home, &["refresh", "--force"]);
    assert_ne!(succeeds(&home, &["token"]), first);
    assert!(succeeds(&home, &userinfo).contains("Name of ada"));
    let signed_out = device_cli(&home, &["logout"]).output().unwrap();
    assert!(words(&signed_out).contains("Revoked at the server"), "{signed_out:?}");
    assert_eq!(device_cli(&home, &["status"]).output().unwrap().status.code(), Some(4));
    assert_polite(provider);
}

/// A reader of HTTP/1.1 that is small, at a server that was not made for it.
#[test]
#[ignore = "needs node, npm packages and chromium: run by tests/run"]
fn a_device_without_an_operating_system_signs_in_there_and_refreshes_after_a_reboot() {
    let mut provider = JsonLines::start(node().arg("oidc_provider/server.mjs"));
    let issuer = provider.receive_event("ready")["issuer"].as_str().unwrap().to_owned();
    let desk = tempfile::tempdir().unwrap();
    let rooms = ["embedded-demo", "mock-server", "oauth-client/protocol"];
    let mut device = Command::new(built("embedded-demo", &rooms));
    device.args(["--client-id", "tv", "--scope", "openid profile offline_access", "--issuer", &issuer]);
    device.args(["--resource", &format!("{issuer}/me"), "--flash"]).arg(desk.path().join("flash"));
    let mut first = device.stdout(Stdio::piped()).spawn().unwrap();
    let mut panel = BufReader::new(first.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = panel.find_map(|line| Some(line.strip_prefix("visit ")?.to_owned())).unwrap();
    let user_code = panel.find_map(|line| Some(line.strip_prefix("code  ")?.to_owned())).unwrap();
    // With the code, and after the first poll.
    let waiting = panel.by_ref().filter(|line| line.starts_with("waiting")).take(2).count();
    assert_eq!(waiting, 2);
    approve(&address, &user_code);
    let rest: Vec<String> = panel.collect();
    assert!(first.wait().unwrap().success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("Name of ada")), "{rest:?}");

    let after_a_reboot = device.output().unwrap();
    let shown = words(&after_a_reboot);
    assert!(after_a_reboot.status.success() && shown.contains("Name of ada"), "{shown}");
    assert!(!shown.contains("code  "), "{shown}");
    assert_polite(provider);
}

/// device-cli with a curl to start.
fn succeeds(home: &TempDir, arguments: &[&str]) -> String {
    let asked = device_cli(home, arguments).env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap();
    assert!(asked.status.success(), "{arguments:?}: {}", words(&asked));
    String::from_utf8(asked.stdout).unwrap().trim_end().to_owned()
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
    let (requests, others): (Vec<Value>, Vec<Value>) =
        ended.events.into_iter().partition(|request| request["grant_type"] == DEVICE_GRANT);
    let others: Vec<_> = others.iter().map(|other| (other["grant_type"].as_str(), &other["error"])).collect();
    assert_eq!(others, [(Some("refresh_token"), &Value::Null)]);
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
