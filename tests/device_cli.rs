//! The program `device-cli` itself, run as a script runs it: `login --json`, and what comes after a login.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use mock_server::{Endpoint, Fault, MockServer};
use oauth_client::{Client, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::built_program::built;
use crate::json_lines::{Ended, JsonLines};
use crate::virtual_time::{gaps, polls};

const INTERVAL: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_reads_the_code_and_then_who_is_signed_in() {
    let server = start().await;
    let home = tempfile::tempdir().unwrap();
    let mut login = JsonLines::start(&mut login(&server, &home));
    let issued = login.receive();
    let user_code = issued["user_code"].as_str().unwrap();
    assert_eq!(issued["event"], "device_code_issued");
    assert_eq!(issued["verification_uri"], format!("{}/device", server.issuer()));
    assert_eq!(
        issued["verification_uri_complete"],
        format!("{}/device?user_code={user_code}", server.issuer())
    );
    assert_eq!(issued["interval"], 1);
    let pending = login.receive();
    assert_eq!(pending["event"], "pending");
    server.approve(user_code).unwrap();
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let authorized = ended.events.last().unwrap();
    assert_eq!(authorized["event"], "authorized");
    assert_eq!(authorized["account"], "alice");
    for event in [&issued, &pending].into_iter().chain(&ended.events) {
        assert_eq!(event["v"], 1, "{event}");
        assert!(!event.to_string().contains("device_code\""), "a device code is never printed: {event}");
    }
    assert!(gaps(&server).iter().all(|gap| *gap >= INTERVAL), "{:?}", gaps(&server));
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_in_the_middle_do_not_end_the_login() {
    let server = start().await;
    let home = tempfile::tempdir().unwrap();
    let mut login = JsonLines::start(&mut login(&server, &home));
    let user_code = user_code(&login.receive_event("device_code_issued"));
    login.receive_event("pending");
    for fault in [
        Fault::ConnectionReset,
        Fault::ServiceUnavailable { retry_after: None },
        Fault::HtmlPage,
        Fault::TooManyRequests { retry_after: Some(Duration::from_secs(2)) },
    ] {
        server.fail_next(Endpoint::Token, &fault, 1);
        let retrying = login.receive_event("retrying");
        assert!(retrying["cause"].as_str().is_some_and(|cause| !cause.contains('<')), "{retrying}");
    }
    server.approve(&user_code).unwrap();
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["event"], "authorized");
    assert!(gaps(&server).iter().all(|gap| *gap >= INTERVAL), "{:?}", gaps(&server));
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_for_twenty_seconds_does_not_end_the_login() {
    let server = start().await;
    let home = tempfile::tempdir().unwrap();
    let mut login = JsonLines::start(&mut login(&server, &home));
    let user_code = user_code(&login.receive_event("device_code_issued"));
    login.receive_event("pending");
    server.pause_listening().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    server.resume_listening().await.unwrap();
    login.receive_event("retrying");
    server.approve(&user_code).unwrap();
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(ended.events.last().unwrap()["event"], "authorized");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_ends_the_login_at_once() {
    let (server, failed) = fails_after(|server, user_code| server.deny(user_code).unwrap()).await;
    assert_eq!((&failed["error"], &failed["exit_code"]), (&json!("access_denied"), &json!(5)), "{failed}");
    assert_eq!(polls(&server).last().unwrap().error.as_deref(), Some("access_denied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expiry_ends_the_login_at_once() {
    let (server, failed) = fails_after(|server, user_code| server.expire(user_code).unwrap()).await;
    assert_eq!((&failed["error"], &failed["exit_code"]), (&json!("expired_token"), &json!(6)), "{failed}");
    assert_eq!(polls(&server).last().unwrap().error.as_deref(), Some("expired_token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_error_ends_the_login_at_once() {
    let out_of_tea = Fault::Error("out_of_tea".into());
    let (server, failed) = fails_after(|server, _| server.fail_next(Endpoint::Token, &out_of_tea, 1)).await;
    assert_eq!((&failed["error"], &failed["exit_code"]), (&json!("out_of_tea"), &json!(9)), "{failed}");
    assert_eq!(polls(&server).iter().filter(|poll| poll.status == 400).count(), polls(&server).len());
}

/// No CA bundle, nothing in the home, no D-Bus, no PATH: RFC 8252 loopback http needs none of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_loopback_a_bare_environment_is_enough_from_login_to_logout() {
    let server = start().await;
    let home = tempfile::tempdir().unwrap();
    let mut login = login(&server, &home);
    login.env("SSL_CERT_FILE", "/nowhere/ca.pem").env("SSL_CERT_DIR", "/nowhere");
    let mut login = JsonLines::start(&mut login);
    server.approve(&user_code(&login.receive_event("device_code_issued"))).unwrap();
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    let printed = succeeds(&mut device_cli(&home, &["token"]));
    let token = printed.strip_suffix('\n').expect("one line");
    let issuer = server.issuer();
    let resource = format!("{issuer}/resource");
    let client = Client::builder("device").issuer(issuer).resource_origin(issuer).build().unwrap();
    let token = Secret::from(token);
    assert_eq!(client.get_resource(&resource, &token).await.unwrap().status(), 200);
    succeeds(&mut device_cli(&home, &["status"]));

    succeeds(&mut device_cli(&home, &["logout"]));
    assert_eq!(client.get_resource(&resource, &token).await.unwrap().status(), 401, "revoked at the server");
    for command in ["token", "status"] {
        let output = device_cli(&home, &[command]).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{command}: {output:?}");
        assert!(command == "status" || output.stdout.is_empty(), "{output:?}");
    }
    server.assert_clean();
}

async fn start() -> MockServer {
    MockServer::builder().interval(INTERVAL).start().await.unwrap()
}

/// A login at which something final happens after the first poll. Gives the last event.
async fn fails_after(happens: impl Fn(&MockServer, &str)) -> (MockServer, Value) {
    let server = start().await;
    let home = tempfile::tempdir().unwrap();
    let mut login = JsonLines::start(&mut login(&server, &home));
    let user_code = user_code(&login.receive_event("device_code_issued"));
    login.receive_event("pending");
    let polls_before = polls(&server).len();
    happens(&server, &user_code);
    let Ended { status, events } = login.end();
    let failed = events.last().expect("an event").clone();
    assert_eq!(failed["event"], "failed", "{events:?}");
    assert_eq!(status.code().map(i64::from), failed["exit_code"].as_i64(), "the same code in both places");
    // One more may have been on its way when it happened.
    assert!(polls(&server).len() <= polls_before + 2, "{events:?}");
    server.assert_clean();
    (server, failed)
}

fn user_code(issued: &Value) -> String {
    issued["user_code"].as_str().expect("a user code").to_owned()
}

/// `device-cli login --json` at the mock server, for its client `device`.
fn login(server: &MockServer, home: &TempDir) -> Command {
    let scope = ["--scope", "openid profile offline_access read"];
    let mut login = device_cli(home, &["login", "--json", "--store", "file", "--client-id", "device"]);
    login.args(["--issuer", server.issuer()]).args(scope);
    login
}

/// `device-cli` with nothing in its environment but a home of its own.
pub(crate) fn device_cli(home: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().env("HOME", home.path()).args(arguments);
    command
}

fn succeeds(command: &mut Command) -> String {
    let output: Output = command.output().expect("device-cli starts");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The program as it stands in the source.
pub(crate) fn program() -> &'static Path {
    const ROOMS: [&str; 5] =
        ["device-cli", "mock-server", "oauth-client", "oauth-client/protocol", "oauth-client/token-store"];
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| built("device-cli", &ROOMS));
    &PROGRAM
}

/// Five seconds here are one there: whoever asks on time asks too often for that server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slower_pace_is_told_where_the_clock_runs_fast_and_else_not() {
    let told = |second_date: &'static str| async move {
        let mut server = mockito::Server::new_async().await;
        let codes = json!({"device_code": "d", "user_code": "WDJB-MJHT", "expires_in": 600, "interval": 4,
            "verification_uri": "https://example.com/device"});
        let issued = server.mock("POST", "/device").with_header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let _issued = issued.with_body(codes.to_string()).create_async().await;
        let slower = server.mock("POST", "/token").with_status(400).with_header("date", second_date);
        let _slower = slower.with_body(r#"{"error":"slow_down"}"#).create_async().await;
        let home = tempfile::tempdir().unwrap();
        let mut login =
            device_cli(&home, &["login", "--store", "file", "--client-id", "device", "--timeout", "8"]);
        login.args(["--device-endpoint", &format!("{}/device", server.url())]);
        login.args(["--token-endpoint", &format!("{}/token", server.url())]);
        let ended = tokio::task::spawn_blocking(move || login.output().unwrap()).await.unwrap();
        assert_eq!(ended.status.code(), Some(6), "{ended:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    let (fast, right) =
        tokio::join!(told("Sun, 06 Nov 1994 08:49:38 GMT"), told("Sun, 06 Nov 1994 08:49:42 GMT"));
    assert!(fast.contains("This machine's clock runs too fast. The server asks for a slower pace"), "{fast}");
    assert!(!right.contains("slower pace"), "{right}");
}
