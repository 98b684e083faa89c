//! The real git, kubectl, Docker and Cargo, with tokens from device-cli: each against a server that lets nobody in
//! without the token that the authorization server gave last.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output};
use std::time::Duration;

use mock_server::{MockServer, Tls};
use mockito::{Matcher, Mock, Server, ServerGuard};
use serde_json::json;
use tempfile::TempDir;

use crate::device_cli::{device_cli, program};
use crate::json_lines::JsonLines;

const COMMIT: &str = "5d1ecb7c1a5f7ab5a1ed9bf07bca55b2a2c9d2a1";

/// Somebody who is signed in, and the server that they signed in at.
struct Login {
    home: TempDir,
    server: MockServer,
}

impl Login {
    async fn new() -> Self {
        Self::at(MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap(), &[])
    }

    fn at(server: MockServer, more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut login = device_cli(&home, &["login", "--json", "--store", "file", "--client-id", "device"]);
        login.args(["--issuer", server.issuer(), "--scope", "openid offline_access read"]).args(more);
        let mut login = JsonLines::start(&mut login);
        let issued = login.receive_event("device_code_issued");
        server.approve(issued["user_code"].as_str().unwrap()).unwrap();
        assert_eq!(login.end().status.code(), Some(0));
        Self { home, server }
    }

    fn token(&self) -> String {
        let token = device_cli(&self.home, &["token"]).output().unwrap();
        assert!(token.status.success(), "{token:?}");
        String::from_utf8(token.stdout).unwrap().trim_end().to_owned()
    }

    /// A program that finds device-cli and nothing of this machine's own settings.
    fn run(&self, name: &str, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap();
        let beside = program().parent().unwrap().display();
        Command::new(name)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{}:{beside}:{path}", self.home.path().display()))
            // Nobody is asked at a terminal.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.home.path())
            .output()
            .unwrap_or_else(|error| panic!("{name}: {error}; tests/run installs it"))
    }

    fn write(&self, path: &str, contents: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn refreshes(&self) -> usize {
        let requests = self.server.requests();
        requests.iter().filter(|request| request.grant_type.as_deref() == Some("refresh_token")).count()
    }
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn basic(token: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("oauth2:{token}")))
}

/// What everybody is told who does not send this header.
async fn closed(server: &mut ServerGuard, challenge: &str) -> Mock {
    let any = server.mock("GET", Matcher::Any).with_status(401).with_header("www-authenticate", challenge);
    any.create_async().await
}

async fn open(server: &mut ServerGuard, path: &str, authorization: &str, kind: &str, body: &str) -> Mock {
    let mock = server.mock("GET", Matcher::Regex(format!("^{path}(\\?.*)?$")));
    let mock = mock.match_header("authorization", authorization).with_header("content-type", kind);
    mock.with_body(body).create_async().await
}

fn as_git_helper(login: &Login, url: &str) {
    let helper = "!device-cli credential git";
    let key = format!("credential.{url}.helper");
    assert!(login.run("git", &["config", "--global", &key, helper]).status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs git"]
async fn git_reads_a_repository_that_asks_for_a_password() {
    let login = Login::new().await;
    let mut remote = Server::new_async().await;
    let _closed = closed(&mut remote, "Basic realm=\"git\"").await;
    let header = basic(&login.token());
    let refs = format!("{COMMIT}\trefs/heads/main\n");
    let _refs = open(&mut remote, "/repository.git/info/refs", &header, "text/plain", &refs).await;
    let _head =
        open(&mut remote, "/repository.git/HEAD", &header, "text/plain", "ref: refs/heads/main\n").await;
    as_git_helper(&login, &remote.url());
    let url = format!("{}/repository.git", remote.url());
    let listed = login.run("git", &["ls-remote", &url, "refs/heads/main"]);
    assert!(listed.status.success(), "{}", words(&listed));
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), refs);
    assert_eq!(login.refreshes(), 0);
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs git"]
async fn a_token_that_the_repository_refuses_is_replaced_and_the_next_try_gets_in() {
    let login = Login::new().await;
    let mut remote = Server::new_async().await;
    let _closed = closed(&mut remote, "Basic realm=\"git\"").await;
    as_git_helper(&login, &remote.url());
    let url = format!("{}/repository.git", remote.url());
    let refused = login.token();
    let listed = login.run("git", &["ls-remote", &url]);
    assert!(!listed.status.success(), "{}", words(&listed));
    assert_eq!(login.refreshes(), 1);
    let token = login.token();
    assert_ne!(token, refused);
    let refs = format!("{COMMIT}\trefs/heads/main\n");
    let header = basic(&token);
    let _refs = open(&mut remote, "/repository.git/info/refs", &header, "text/plain", &refs).await;
    let _head =
        open(&mut remote, "/repository.git/HEAD", &header, "text/plain", "ref: refs/heads/main\n").await;
    let listed = login.run("git", &["ls-remote", &url, "refs/heads/main"]);
    assert!(listed.status.success(), "{}", words(&listed));
    login.server.assert_clean();
}

/// Of `ExecCredential`: Debian's kubectl 1.20 does not know v1 yet.
fn exec_versions(login: &Login) -> &'static [&'static str] {
    let version = login.run("kubectl", &["version", "--client", "--output=json"]);
    let version: serde_json::Value = serde_json::from_slice(&version.stdout).unwrap();
    let minor =
        version["clientVersion"]["minor"].as_str().unwrap().trim_end_matches(|it: char| !it.is_ascii_digit());
    if minor.parse::<u32>().unwrap() < 22 { &["v1beta1"] } else { &["v1beta1", "v1"] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl"]
async fn kubectl_calls_an_api_over_https() {
    let builder = MockServer::builder().interval(Duration::from_secs(1)).tls(Tls::generated());
    let server = builder.start().await.unwrap();
    let ca = server.ca_certificate_pem().unwrap();
    let (issuer, kept) = (server.issuer().to_owned(), tempfile::tempdir().unwrap());
    let ca_file = kept.path().join("ca.pem");
    fs::write(&ca_file, ca).unwrap();
    let login = Login::at(server, &["--ca-file", ca_file.to_str().unwrap()]);
    for version in exec_versions(&login) {
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stub", "cluster": {"server": issuer, "certificate-authority": ca_file}}],
            "users": [{"name": "device", "user": {"exec": {
                "apiVersion": format!("client.authentication.k8s.io/{version}"),
                "command": program(),
                "args": ["credential", "kubectl"],
                "interactiveMode": "Never",
            }}}],
            "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "device"}}],
            "current-context": "stub",
        });
        login.write(".kube/config", &kubeconfig.to_string());
        let called = login.run("kubectl", &["get", "--raw", "/resource"]);
        assert!(called.status.success(), "{version}: {}", words(&called));
        let body: serde_json::Value = serde_json::from_slice(&called.stdout).unwrap();
        assert_eq!(body["sub"], "alice");
    }
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs docker's command line, no engine"]
async fn docker_reads_a_manifest_from_a_registry() {
    let login = Login::new().await;
    let mut registry = Server::new_async().await;
    let _closed = closed(&mut registry, "Basic realm=\"registry\"").await;
    let header = basic(&login.token());
    let kind = "application/vnd.docker.distribution.manifest.v2+json";
    let digest = "sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest":
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 1, "digest": digest}],
    });
    let manifest = manifest.to_string();
    let _base = open(&mut registry, "/v2/", &header, "application/json", "{}").await;
    let _manifest = open(&mut registry, "/v2/box/manifests/latest", &header, kind, &manifest).await;
    let config = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let blob = format!("/v2/box/blobs/{config}");
    let _config = open(&mut registry, &blob, &header, "application/octet-stream", "{}").await;
    let host = registry.host_with_port();
    login.write(".docker/config.json", &json!({"credHelpers": {&host: "device-cli"}}).to_string());
    symlink(program(), login.home.path().join("docker-credential-device-cli")).unwrap();
    let inspected =
        login.run("docker", &["manifest", "inspect", "--insecure", &format!("{host}/box:latest")]);
    assert!(inspected.status.success(), "{}", words(&inspected));
    assert!(words(&inspected).contains(digest), "{}", words(&inspected));
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cargo_reads_a_crate_from_a_registry_that_asks_for_a_token() {
    let login = Login::new().await;
    let mut registry = Server::new_async().await;
    let _closed = closed(&mut registry, "Cargo login_url=\"https://registry.example.com/me\"").await;
    let token = login.token();
    let url = registry.url();
    let configuration = json!({"dl": format!("{url}/crates"), "api": url, "auth-required": true}).to_string();
    let _configuration =
        open(&mut registry, "/index/config.json", &token, "application/json", &configuration).await;
    let line = json!({"name": "thing", "vers": "1.2.3", "deps": [], "features": {}, "yanked": false,
        "cksum": "0000000000000000000000000000000000000000000000000000000000000000"});
    let _crate = open(&mut registry, "/index/th/in/thing", &token, "text/plain", &format!("{line}\n")).await;
    let cargo_home = login.home.path().join("cargo");
    login.write(
        ".cargo/config.toml",
        &format!(
            "[registries.private]\nindex = \"sparse+{url}/index/\"\ncredential-provider = [{:?}]\n",
            program().display().to_string()
        ),
    );
    login.write("Cargo.toml", "[package]\nname = \"user\"\nedition = \"2021\"\n[dependencies]\nthing = { version = \"1\", registry = \"private\" }\n");
    login.write("src/lib.rs", "");
    let mut cargo = Command::new(env!("CARGO"));
    let locked = cargo
        .args(["generate-lockfile", "--manifest-path"])
        .arg(login.home.path().join("Cargo.toml"))
        .env("CARGO_HOME", &cargo_home)
        .env("HOME", login.home.path())
        .env_remove("XDG_STATE_HOME")
        .current_dir(login.home.path())
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", words(&locked));
    let lock = fs::read_to_string(login.home.path().join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"thing\"") && lock.contains("1.2.3"), "{lock}");
    login.server.assert_clean();
}
