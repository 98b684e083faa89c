//! What the program is told by flags, variables and a file.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;

use crate::main_program::Program;
use crate::raw_http::{exchange, get, post};
use crate::tls::{connect, own_certificate};

/// A file for one test, removed afterwards.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mock-server-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A test that removed it itself is fine.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-server"));
    command.args(arguments).envs(variables.iter().copied()).output().unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

const FILE: &str = r#"
interval = 7
token-format = "opaque"
scopes = ["openid", "tv:watch"]
device-code-lifetime = 120
lenient = ["poll_interval"]

[paths]
token = "/oauth2/token"
device = "/activate"

[[clients]]
client_id = "tv"
client_secret = "s3cret"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code"]

[[users]]
sub = "bob"
email = "bob@example.com"
"#;

#[tokio::test]
async fn a_file_sets_clients_users_lifetimes_and_paths() {
    let file = File::new("whole.toml", FILE);
    let program = Program::start(&["--config", file.path(), "--auto-approve"]);
    let port = program.port();
    let form = "client_id=tv&client_secret=s3cret&scope=tv:watch";
    let started = post(port, "/device-authorization", form).await.unwrap().json();
    assert_eq!((&started["interval"], &started["expires_in"]), (&json!(7), &json!(120)));
    assert_eq!(started["verification_uri"], json!(format!("http://127.0.0.1:{port}/activate")));
    assert_eq!(get(port, "/activate", "").await.unwrap().status, 200);
    let metadata = get(port, "/.well-known/oauth-authorization-server", "").await.unwrap().json();
    assert_eq!(metadata["token_endpoint"], json!(format!("http://127.0.0.1:{port}/oauth2/token")));
    assert_eq!(metadata["scopes_supported"], json!(["openid", "tv:watch"]));
    let form = format!(
        "client_id=tv&client_secret=s3cret&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={}",
        started["device_code"].as_str().unwrap()
    );
    assert_eq!(post(port, "/token", &form).await.unwrap().status, 404);
    for error in ["authorization_pending", "authorization_pending"] {
        assert_eq!(post(port, "/oauth2/token", &form).await.unwrap().json()["error"], error);
    }
    let tokens = post(port, "/oauth2/token", &form).await.unwrap().json();
    let access_token = tokens["access_token"].as_str().unwrap();
    assert!(!access_token.contains('.'), "{access_token} is opaque");
    let authorization = format!("Authorization: Bearer {access_token}\r\n");
    assert_eq!(get(port, "/resource", &authorization).await.unwrap().json()["sub"], "bob");
}

#[test]
fn flags_beat_variables_and_those_beat_the_file() {
    let file = File::new("order.toml", "interval = 7\nseed = 7\nport = 7\n");
    let show = ["config", "show", "--config", file.path(), "--interval", "9"];
    let output = run(&show, &[("MOCK_SERVER_INTERVAL", "8"), ("MOCK_SERVER_SEED", "8")]);
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    for line in ["interval = 9  # flag", "seed = 8  # variable", &format!("port = 7  # {}", file.path())] {
        assert!(shown.lines().any(|shown| shown == line), "no {line:?} in\n{shown}");
    }
}

#[test]
fn what_nobody_set_is_shown_with_its_default() {
    let shown = String::from_utf8(run(&["config", "show"], &[]).stdout).unwrap();
    for line in [
        "# interval = 5  # default",
        "# access-token-lifetime = 3600  # default",
        "# profile = \"rfc\"  # default",
        "# issuer is not set",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "no {line:?} in\n{shown}");
    }
    // Each line is true: as a file, the defaults change nothing.
    let written: String = shown
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains('='))
        .fold(String::new(), |file, line| file + line + "\n");
    let file = File::new("defaults.toml", &written);
    let output = run(&["config", "show", "--config", file.path()], &[]);
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn one_variable_sets_several_clients_and_people() {
    let clients = r#"[{"client_id": "a", "client_secret": "s"}, {"client_id": "b", "client_secret": "s"}]"#;
    let people = r#"[{"sub": "carol"}, {"sub": "dave"}]"#;
    let variables = [("MOCK_SERVER_CLIENTS", clients), ("MOCK_SERVER_USERS", people)];
    let program = Program::start_with(&[], &variables);
    let port = program.port();
    for client_id in ["a", "b"] {
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret=s");
        assert_eq!(post(port, "/token", &form).await.unwrap().status, 200, "{client_id}");
    }
    let people = get(port, "/_control/users", "").await.unwrap().json();
    assert_eq!(people, json!({ "users": [{ "sub": "carol" }, { "sub": "dave" }] }));
    let refused = complaint(&run(&[], &[("MOCK_SERVER_CLIENTS", r#"[{"client_secret": "s"}]"#)]));
    assert!(refused.contains("missing field `client_id`"), "{refused}");
}

#[test]
fn what_is_shown_hides_secrets_and_is_a_file_again() {
    let file = File::new("shown.toml", FILE);
    let output = run(&["--config", file.path(), "config", "show"], &[]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains("s3cret"), "{shown}");
    let again = File::new("again.toml", &shown);
    let output = run(&["--config", again.path(), "config", "show"], &[]);
    let shown_again = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown_again.replace(again.path(), file.path()), shown);
}

#[test]
fn a_mistake_in_the_file_is_shown_with_its_line_and_what_was_expected() {
    for (content, expected) in [
        ("port = 1\nintervall = 2\n", vec!["line 2", "unknown field `intervall`", "`interval`"]),
        ("\n\nport = \"x\"\n", vec!["line 3", "port = \"x\"", "expected u16"]),
        ("interval = 0\n", vec!["line 1", "expected 1 second or more"]),
        ("profile = \"x\"\n", vec!["line 1", "expected one of `rfc`, `octopus`"]),
        ("lenient = [\"all\"]\n", vec!["line 1", "choose among host"]),
        ("[[clients]]\nname = \"x\"\n", vec!["line 2", "unknown field `name`", "`client_name`"]),
        (
            "[[clients]]\nclient_id = \"x\"\ngrant_types = [\"password\"]\n",
            vec!["line 3", "password", "authorization_code"],
        ),
        ("[[users]]\nname = \"x\"\n", vec!["line 1", "missing field `sub`"]),
        ("[paths]\ntokens = \"/x\"\n", vec!["line 1", "unknown endpoint tokens", "token"]),
        ("allow-host = [\"http://mock\"]\n", vec!["line 1", "expected one such as mock or mock:8080"]),
        ("\ntls-fault = \"bad\"\n", vec!["line 2", "unknown variant `bad`", "`expired`"]),
        ("port = \n", vec!["line 1"]),
    ] {
        let file = File::new("mistake.toml", content);
        let message = complaint(&run(&["--config", file.path()], &[]));
        for part in [file.path()].into_iter().chain(expected) {
            assert!(message.contains(part), "no {part:?} in {message}");
        }
    }
}

#[test]
fn mistakes_in_flags_and_variables_are_explained() {
    for (arguments, variables, expected) in [
        (vec!["--interval", "0"], vec![], "0 is not in 1.."),
        (vec![], vec![("MOCK_SERVER_PORT", "x")], "invalid value 'x' for '--port <PORT>'"),
        (vec!["--client", "{\"client_id\": 1}"], vec![], "expected a string"),
        (vec!["--paths", "token=x"], vec![], "expected one such as /oauth2/token"),
        (vec!["--config", "/nonexistent.toml"], vec![], "/nonexistent.toml"),
        (vec!["--tls-key", "/key.pem"], vec![], "tls-key needs tls-certificate"),
        (vec!["--tls-certificate", "/c.pem"], vec![], "tls-certificate needs tls-key"),
        (vec!["--tls-certificate", "/nonexistent.pem", "--tls-key", "/k"], vec![], "/nonexistent.pem"),
        (vec!["--tls-ca-file", "/ca.pem"], vec![], "tls-ca-file and tls-fault need tls"),
        (vec!["--tls=false", "--tls-key", "/k"], vec![], "leave one of them out"),
        (vec!["--tls", "--tls-fault", "bad"], vec![], "expected one of expired, not_yet_valid"),
    ] {
        let message = complaint(&run(&arguments, &variables));
        assert!(message.contains(expected), "no {expected:?} in {message}");
    }
}

#[tokio::test]
async fn clients_and_users_come_by_flags_too() {
    let program = Program::start(&["--client", r#"{"client_id": "tv"}"#, "--user", r#"{"sub": "carol"}"#]);
    let port = program.port();
    assert_eq!(post(port, "/device-authorization", "client_id=tv").await.unwrap().status, 200);
    assert_eq!(
        get(port, "/_control/users", "").await.unwrap().json(),
        json!({ "users": [{ "sub": "carol" }] })
    );
}

#[test]
fn the_health_of_a_server_is_asked_by_port_or_port_file() {
    let file = File::new("port", "");
    let program = Program::start(&["--port-file", file.path()]);
    let port = program.port().to_string();
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), format!("{port}\n"));
    for arguments in [["healthcheck", "--port-file", file.path()], ["healthcheck", "--port", &port]] {
        assert!(run(&arguments, &[]).status.success());
    }
    assert!(run(&["healthcheck"], &[("MOCK_SERVER_PORT", &port)]).status.success());
    drop(program);
    assert!(complaint(&run(&["healthcheck", "--port", &port], &[])).contains("does not answer"));
    assert!(complaint(&run(&["healthcheck"], &[])).contains("needs --port or --port-file"));
}

#[tokio::test]
async fn other_origins_may_call_what_programs_call_only_with_cors() {
    let origin = "Origin: https://app.test\r\n";
    let preflight = |port: u16| {
        format!(
            "OPTIONS /token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{origin}\
             Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
        )
    };
    let strict = Program::start(&[]);
    assert_eq!(exchange(strict.port(), &preflight(strict.port())).await.unwrap().status, 405);
    let open = Program::start(&["--cors"]);
    let port = open.port();
    let answer = exchange(port, &preflight(port)).await.unwrap();
    assert_eq!(answer.status, 204);
    for header in [
        "access-control-allow-origin: https://app.test\r\n",
        "access-control-allow-methods: GET, POST\r\n",
        "access-control-allow-headers: authorization\r\n",
        "vary: Origin\r\n",
    ] {
        assert!(answer.head.contains(header), "no {header:?} in {}", answer.head);
    }
    let refused = get(port, "/resource", origin).await.unwrap();
    assert!(refused.head.contains("access-control-allow-origin: https://app.test"), "{}", refused.head);
    let page = get(port, "/device", origin).await.unwrap();
    assert!(!page.head.contains("access-control"), "{}", page.head);
    assert_eq!(get(port, "/_control/devices", origin).await.unwrap().status, 403);
}

#[tokio::test]
async fn only_loopback_is_served_unless_told_otherwise() {
    let closed = Program::start(&[]);
    let open = Program::start(&["--allow-remote"]);
    for (port, status) in [(closed.port(), 421), (open.port(), 200)] {
        let with_host =
            |host: &str| format!("GET /jwks HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        assert_eq!(exchange(port, &with_host("192.0.2.7")).await.unwrap().status, status);
        assert_eq!(exchange(port, &with_host("attacker.example")).await.unwrap().status, 421);
    }
}

#[tokio::test]
async fn names_in_a_network_of_containers_are_allowed_one_by_one() {
    let program = Program::start(&["--allow-remote", "--allow-host", "mock,localhost:9000"]);
    let port = program.port();
    for (host, status) in
        [(format!("mock:{port}"), 200), ("localhost:9000".into(), 200), ("other".into(), 421)]
    {
        let request = format!(
            "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        );
        let answer = exchange(port, &request).await.unwrap();
        assert_eq!(answer.status, status, "{host}");
        if status == 200 {
            assert_eq!(answer.json()["issuer"], json!(format!("http://{host}")));
        }
    }
}

#[tokio::test]
async fn a_program_with_tls_hands_out_its_authority_and_is_healthy() {
    let ca_file = File::new("ca.pem", "from an earlier run");
    for fault in [&[][..], &["--tls-fault", "expired"]] {
        let program = Program::start(&[&["--tls", "--tls-ca-file", ca_file.path()], fault].concat());
        let ready = program.ready();
        let port = program.port();
        assert_eq!(ready["issuer"], format!("https://127.0.0.1:{port}"));
        let authority = std::fs::read_to_string(ca_file.path()).unwrap();
        assert_eq!(
            (&ready["ca_file"], &ready["ca_certificate"]),
            (&json!(ca_file.path()), &json!(authority))
        );
        assert_eq!(connect(port, "localhost", &authority).await.is_ok(), fault.is_empty());
        let output = run(&["healthcheck", "--port", &port.to_string()], &[]);
        assert!(output.status.success(), "{output:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_ones_own_comes_from_files() {
    let (certificate, key) = own_certificate();
    let (certificate_file, key_file) = (File::new("own.pem", &certificate), File::new("own.key", &key));
    let program =
        Program::start(&["--tls-certificate", certificate_file.path(), "--tls-key", key_file.path()]);
    assert!(connect(program.port(), "own.test", &certificate).await.is_ok());
    assert!(program.ready().get("ca_certificate").is_none());
    let port = program.port().to_string();
    assert!(run(&["healthcheck", "--port", &port], &[]).status.success());
}
