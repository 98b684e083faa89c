//! The program `mock-server`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::raw_http::{get, post};

/// A running program, killed if a test fails.
pub(crate) struct Program {
    child: Child,
    ready: String,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mock-server"))
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        Self { child, ready }
    }

    pub(crate) fn ready(&self) -> Value {
        serde_json::from_str(&self.ready).unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.ready()["port"].as_u64().unwrap().try_into().unwrap()
    }

    /// Sends SIGTERM; returns the exit code and what it wrote to stderr.
    fn terminate(mut self) -> (Option<i32>, String) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.child.wait().unwrap().code();
        let mut log = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_line_says_where_it_listens() {
    let program = Program::start(&[]);
    let port = program.port();
    assert_eq!(
        program.ready,
        format!("{{\"event\":\"ready\",\"issuer\":\"http://127.0.0.1:{port}\",\"port\":{port}}}\n")
    );
}

#[tokio::test]
async fn it_logs_requests_without_secrets_and_ends_with_0_on_sigterm() {
    let program = Program::start(&[]);
    let port = program.port();
    let started = post(port, "/device-authorization", "client_id=device").await.unwrap().json();
    let device_code = started["device_code"].as_str().unwrap();
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=device&device_code={device_code}"
    );
    post(port, "/token", &form).await.unwrap();
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0));
    assert_eq!(
        log,
        "POST /device-authorization 200 client_id=device\nPOST /token 400 \
         grant_type=urn:ietf:params:oauth:grant-type:device_code client_id=device error=authorization_pending\n"
    );
}

#[tokio::test]
async fn the_person_is_asked_unless_auto_approve() {
    let uri = "/authorize?response_type=code&client_id=web";
    assert_eq!(get(Program::start(&[]).port(), uri, "").await.unwrap().status, 200);
    assert_eq!(get(Program::start(&["--auto-approve"]).port(), uri, "").await.unwrap().status, 302);
}

#[tokio::test]
async fn flags_choose_issuer_interval_and_profile() {
    let program =
        Program::start(&["--issuer", "http://mock.test", "--interval", "2", "--profile", "octopus"]);
    let started = post(program.port(), "/device-authorization/", "client_id=device").await.unwrap().json();
    assert_eq!(started["interval"], 2);
    assert_eq!(started["verification_uri"], json!("http://mock.test/device"));
}

#[test]
fn a_bad_issuer_is_explained() {
    for issuer in
        ["http://host/", "ftp://host", "http://host?x", "http://host#x", "http://u:p@host", "host", ""]
    {
        let output =
            Command::new(env!("CARGO_BIN_EXE_mock-server")).args(["--issuer", issuer]).output().unwrap();
        assert!(!output.status.success(), "{issuer}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("must be http://HOST"), "{issuer}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_explained() {
    let program = Program::start(&[]);
    let port = program.port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_mock-server")).args(["--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("mock-server: cannot listen on 127.0.0.1:{port}: ");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with(&expected), "{output:?}");
}

#[tokio::test]
async fn what_clients_did_wrong_is_reported_at_the_end() {
    let directory = env!("CARGO_TARGET_TMPDIR");
    let (json, junit) = (format!("{directory}/verdicts.json"), format!("{directory}/verdicts.xml"));
    let program = Program::start(&[
        "--verdicts",
        &format!("json:{json}"),
        "--verdicts",
        &format!("junit:{junit}"),
        "--fail-on",
        "error",
    ]);
    let path = "/token?client_secret=s3cr3t";
    post(program.port(), path, "grant_type=client_credentials").await.unwrap();
    let (code, log) = program.terminate();
    assert_eq!(code, Some(3));
    assert!(log.contains("error no-secret-in-url: expected secrets in the request body alone"), "{log}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!((&report["clean"], &report["verdicts"][0]["severity"]), (&json!(false), &json!("error")));
    let report = std::fs::read_to_string(junit).unwrap();
    assert!(report.contains("<failure type=\"error\" message=\"error no-secret-in-url"), "{report}");
    assert!(!format!("{log}{report}").contains("s3cr3t"));
}

#[tokio::test]
async fn what_clients_did_wrong_at_a_tenant_counts_too() {
    let report = format!("{}/verdicts-of-tenants.json", env!("CARGO_TARGET_TMPDIR"));
    let program = Program::start(&["--verdicts", &format!("json:{report}"), "--fail-on", "error"]);
    post(program.port(), "/t/a/token?client_secret=s3cr3t", "grant_type=client_credentials").await.unwrap();
    let (code, log) = program.terminate();
    assert_eq!(code, Some(3), "{log}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["verdicts"][0]["request"], "POST /t/a/token");
}

#[tokio::test]
async fn a_warning_does_not_fail_a_run_that_fails_on_errors() {
    let authorize = "/authorize?response_type=code&client_id=web&state=0123456789";
    for (fail_on, code) in [("error", 0), ("warning", 3), ("note", 3)] {
        let program = Program::start(&["--auto-approve", "--fail-on", fail_on]);
        get(program.port(), authorize, "").await.unwrap();
        assert_eq!(program.terminate().0, Some(code), "{fail_on}");
    }
}

#[test]
fn a_report_without_a_format_is_explained() {
    let program = Command::new(env!("CARGO_BIN_EXE_mock-server")).args(["--verdicts", "out.xml"]).output();
    let output = program.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("expected json:FILE or junit:FILE"));
}

#[tokio::test]
async fn a_refusal_is_explained_below_its_log_line() {
    let program = Program::start(&[]);
    post(program.port(), "/token", "grant_type=password&client_id=device").await.unwrap();
    let (_, log) = program.terminate();
    assert_eq!(
        log,
        "POST /token 400 grant_type=password client_id=device error=unsupported_grant_type\n    \
         refused: check=grant_type section=\"RFC 6749 section 5.2\" \
         expected=\"a grant_type that the metadata names\" got=\"password\"\n"
    );
}

#[tokio::test]
async fn checks_are_relaxed_by_name_and_an_unknown_name_is_refused() {
    let program = Program::start(&["--lenient", "client_id,scope"]);
    let form = "client_id=unknown&scope=anything";
    assert_eq!(post(program.port(), "/device-authorization", form).await.unwrap().status, 200);
    for name in ["everything", "grant_type", ""] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_mock-server")).args(["--lenient", name]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("choose among host, content_type, "), "{message}");
    }
}
