//! Somebody with a home of their own, signed in with device-cli or not, and the servers that other programs then ask.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use mock_server::{MockServer, Tls};
use mockito::{Matcher, Mock, ServerGuard};
use tempfile::TempDir;

use crate::device_cli::{device_cli, program};
use crate::json_lines::JsonLines;

/// Somebody, and the server that they sign in at.
pub(crate) struct Person {
    pub(crate) home: TempDir,
    pub(crate) server: MockServer,
}

impl Person {
    /// Somebody who has not signed in.
    pub(crate) fn at(server: MockServer) -> Self {
        Self { home: tempfile::tempdir().unwrap(), server }
    }

    pub(crate) async fn signed_in() -> Self {
        Self::signed_in_at(MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap())
    }

    pub(crate) fn signed_in_at(server: MockServer) -> Self {
        let person = Self::at(server);
        person.sign_in(&[]);
        person
    }

    /// At a server with a certificate of its own; with the file of the authority that signed it.
    pub(crate) async fn signed_in_over_tls() -> (Self, PathBuf) {
        let builder = MockServer::builder().interval(Duration::from_secs(1)).tls(Tls::generated());
        let server = builder.start().await.unwrap();
        let person = Self::at(server);
        let ca_file = person.home.path().join("ca.pem");
        fs::write(&ca_file, person.server.ca_certificate_pem().unwrap()).unwrap();
        person.sign_in(&["--ca-file", ca_file.to_str().unwrap()]);
        (person, ca_file)
    }

    fn sign_in(&self, more: &[&str]) {
        let mut login =
            device_cli(&self.home, &["login", "--json", "--store", "file", "--client-id", "device"]);
        login.args(["--issuer", self.server.issuer(), "--scope", "openid offline_access read"]).args(more);
        let mut login = JsonLines::start(&mut login);
        let issued = login.receive_event("device_code_issued");
        self.server.approve(issued["user_code"].as_str().unwrap()).unwrap();
        assert_eq!(login.end().status.code(), Some(0));
    }

    pub(crate) fn token(&self) -> String {
        let token = device_cli(&self.home, &["token"]).output().unwrap();
        assert!(token.status.success(), "{token:?}");
        String::from_utf8(token.stdout).unwrap().trim_end().to_owned()
    }

    /// A program that finds device-cli and nothing of this machine's own settings.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let (home, beside) = (self.home.path().display(), program().parent().unwrap().display());
        Command::new(name)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{home}:{home}/.local/bin:{beside}:{path}"))
            // Nobody is asked at a terminal.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.home.path())
            .output()
            .unwrap_or_else(|error| panic!("{name}: {error}; tests/run installs it"))
    }

    /// A script, until its first command that fails.
    pub(crate) fn shell(&self, script: &str) -> Output {
        self.run("bash", &["-euo", "pipefail", "-c", script])
    }

    pub(crate) fn write(&self, path: &str, contents: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(crate) fn refreshes(&self) -> usize {
        let requests = self.server.requests();
        requests.iter().filter(|request| request.grant_type.as_deref() == Some("refresh_token")).count()
    }
}

pub(crate) fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn basic(token: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("oauth2:{token}")))
}

/// What everybody is told who does not send this header.
pub(crate) async fn closed(server: &mut ServerGuard, challenge: &str) -> Mock {
    let any = server.mock("GET", Matcher::Any).with_status(401).with_header("www-authenticate", challenge);
    any.create_async().await
}

pub(crate) async fn open(
    server: &mut ServerGuard,
    path: &str,
    authorization: &str,
    kind: &str,
    body: &str,
) -> Mock {
    let mock = server.mock("GET", Matcher::Regex(format!("^{path}(\\?.*)?$")));
    let mock = mock.match_header("authorization", authorization).with_header("content-type", kind);
    mock.with_body(body).create_async().await
}
