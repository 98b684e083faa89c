//! The recipes of device-cli's README, run as they stand there: only the servers' names are replaced.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mock_server::{Client, MockServer};
use mockito::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::device_cli::program;
use crate::json_lines::PATIENCE;
use crate::person::{Person, basic, closed, open, words};
use crate::terminal::Terminal;

const README: &str = include_str!("../device-cli/README.md");

/// The headings below "Recipes"; each has a test here.
const TESTED: [&str; 8] = [
    "curl",
    "cron",
    "A systemd service with a credential",
    "git over HTTPS",
    "kubectl",
    "Docker",
    "Cargo",
    "A CI job that a person approves",
];

#[test]
fn every_recipe_is_tested() {
    let headings = recipes().lines().filter_map(|line| line.strip_prefix("### "));
    assert_eq!(headings.collect::<BTreeSet<_>>(), BTreeSet::from(TESTED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs curl: run by tests/run"]
async fn curl() {
    let login = Person::signed_in_at(server().await);
    let [by_device_cli, by_curl] = blocks("curl", "sh");
    for recipe in [by_device_cli, by_curl] {
        let called = login.shell(&at(&login.server, recipe));
        assert!(called.status.success(), "{recipe}: {}", words(&called));
        assert_is_the_resource(&called.stdout);
    }
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs cron, and root for namespaces: run by tests/run"]
async fn cron() {
    let login = Person::at(approving_server().await);
    let [sign_in] = blocks("cron", "sh");
    let signed_in = login.shell(&at(&login.server, sign_in));
    assert!(signed_in.status.success(), "{}", words(&signed_in));

    let [crontab] = blocks("cron", "cron");
    let every_minute = at(&login.server, crontab).replace("*/15 * * * *", "* * * * *");
    login.write("crontab", &every_minute);
    let _cron = Namespaces::start("cron", &[login.home.path(), program()]);
    let readings = login.home.path().join("readings.json");
    // Up to a minute until its time has come.
    wait_until(2 * PATIENCE, || readings.metadata().is_ok_and(|metadata| metadata.len() > 0));
    assert_is_the_resource(&fs::read(readings).unwrap());
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs systemd, dbus, tmux, and root for namespaces: run by tests/run"]
async fn a_systemd_service_with_a_credential() {
    let heading = "A systemd service with a credential";
    let server = server().await;
    let scratch = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [unit] = blocks(heading, "ini");
    fs::create_dir(scratch.path().join("units")).unwrap();
    fs::write(scratch.path().join("units/readings.service"), at(&server, unit)).unwrap();
    let machine = Namespaces::start("systemd", &[scratch.path(), program()]);
    wait_until(PATIENCE, || machine.shell("systemctl is-active dbus").status.success());

    let [make_key, sign_in] = blocks(heading, "sh");
    let made = machine.shell(make_key);
    assert!(made.status.success(), "{}", words(&made));
    let terminal = machine.terminal(&at(&server, sign_in));
    terminal.wait_until(|screen| server.pending().iter().any(|device| screen.contains(&device.user_code)));
    server.approve(&server.pending()[0].user_code).unwrap();
    terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());

    let started = machine.shell("systemctl start readings.service; cat /var/lib/readings/latest.json");
    assert_is_the_resource(&started.stdout);
    // Without its key the same login is closed.
    let elsewhere = machine.shell("XDG_STATE_HOME=/var/lib/readings /usr/local/bin/device-cli token");
    assert!(!elsewhere.status.success() && elsewhere.stdout.is_empty(), "{}", words(&elsewhere));
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs git: run by tests/run"]
async fn git_over_https() {
    const REFS: &str = "5d1ecb7c1a5f7ab5a1ed9bf07bca55b2a2c9d2a1\trefs/heads/main\n";
    let login = Person::signed_in().await;
    let mut remote = Server::new_async().await;
    let _closed = closed(&mut remote, "Basic realm=\"git\"").await;
    let header = basic(&login.token());
    let _refs = open(&mut remote, "/repository.git/info/refs", &header, "text/plain", REFS).await;
    let head = "ref: refs/heads/main\n";
    let _head = open(&mut remote, "/repository.git/HEAD", &header, "text/plain", head).await;
    let [recipe] = blocks("git over HTTPS", "sh");
    let listed = login.shell(&recipe.replace("https://git.example.com", &remote.url()));
    assert!(listed.status.success(), "{}", words(&listed));
    assert!(words(&listed).contains(REFS), "{}", words(&listed));
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl: run by tests/run"]
async fn kubectl() {
    let (login, ca_file) = Person::signed_in_over_tls().await;
    let [recipe] = blocks("kubectl", "sh");
    let cluster = format!(
        "kubectl config set-cluster here --server={} --certificate-authority={}\n\
         kubectl config set-context here --cluster=here\nkubectl config use-context here\n",
        login.server.issuer(),
        ca_file.display()
    );
    let called = login.shell(&(cluster + &recipe.replace("/readings", "/resource")));
    assert!(called.status.success(), "{}", words(&called));
    assert!(words(&called).contains(r#""sub":"alice""#), "{}", words(&called));
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs docker's command line, no engine: run by tests/run"]
async fn docker() {
    let login = Person::signed_in().await;
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
    let ([link], [configuration]) = (blocks("Docker", "sh"), blocks("Docker", "json"));
    let host = registry.host_with_port();
    login.write(".docker/config.json", &configuration.replace("registry.example.com", &host));
    let inspect =
        format!("mkdir -p ~/.local/bin\n{link}docker manifest inspect --insecure {host}/box:latest");
    let inspected = login.shell(&inspect);
    assert!(inspected.status.success(), "{}", words(&inspected));
    assert!(words(&inspected).contains(digest), "{}", words(&inspected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cargo() {
    let login = Person::signed_in().await;
    let mut registry = Server::new_async().await;
    let _closed = closed(&mut registry, "Cargo").await;
    let (token, url) = (login.token(), registry.url());
    let configuration = json!({"dl": format!("{url}/crates"), "api": url, "auth-required": true}).to_string();
    let _configuration =
        open(&mut registry, "/index/config.json", &token, "application/json", &configuration).await;
    let line = json!({"name": "thing", "vers": "1.2.3", "deps": [], "features": {}, "yanked": false,
        "cksum": "0".repeat(64)});
    let _crate = open(&mut registry, "/index/th/in/thing", &token, "text/plain", &format!("{line}\n")).await;
    let [recipe] = blocks("Cargo", "toml");
    login.write(".cargo/config.toml", &recipe.replace("https://crates.example.com", &url));
    login.write("Cargo.toml", "[package]\nname = \"user\"\nedition = \"2021\"\n[dependencies]\nthing = { version = \"1\", registry = \"private\" }\n");
    login.write("src/lib.rs", "");
    let locked = login.shell(&format!("{:?} generate-lockfile", env!("CARGO")));
    assert!(locked.status.success(), "{}", words(&locked));
    let lock = fs::read_to_string(login.home.path().join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"thing\"") && lock.contains("1.2.3"), "{lock}");
    login.server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs jq: run by tests/run"]
async fn a_ci_job_that_a_person_approves() {
    let login = Person::at(server().await);
    let of_the_ci = |step: &str| {
        login.shell(&format!("export DEVICE_CLI_PASSPHRASE=secret\n{}", at(&login.server, step)))
    };
    let [ask, go_on] = blocks("A CI job that a person approves", "sh");
    let asked = of_the_ci(ask);
    assert!(asked.status.success(), "{}", words(&asked));
    let user_code = login.server.pending()[0].user_code.clone();
    let link = format!("{}/device?user_code={user_code}", login.server.issuer());
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(said.contains(&format!("{link}, code {user_code}")), "{said}");

    let pending = of_the_ci("device-cli login --store passphrase --resume");
    assert_eq!(pending.status.code(), Some(8), "{}", words(&pending));
    login.server.approve(&user_code).unwrap();
    login.write("deploy", "#!/bin/sh\nprintf 'with %s\\n' \"$DEVICE_CLI_ACCESS_TOKEN\"\n");
    fs::set_permissions(login.home.path().join("deploy"), fs::Permissions::from_mode(0o700)).unwrap();
    let deployed = of_the_ci(go_on);
    assert!(deployed.status.success(), "{}", words(&deployed));
    let given = String::from_utf8_lossy(&deployed.stdout).into_owned();
    assert!(given.lines().any(|line| line.starts_with("with ey")), "{}", words(&deployed));
    assert!(login.server.requests().iter().any(|request| request.path == "/revoke" && request.status == 200));
    login.server.assert_clean();
}

/// Namespaces in which one of the scripts beside this file makes a machine of its own. Dropping them ends every
/// process inside.
struct Namespaces {
    unshare: Child,
}

impl Namespaces {
    fn start(script: &str, arguments: &[&Path]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(script);
        let unshare = Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--ipc",
                "--uts",
                "--cgroup",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .arg(script)
            .args(arguments)
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare starts; tests/run installs it");
        Self { unshare }
    }

    /// The first process inside, as it is called outside.
    fn first_process(&self) -> Option<String> {
        let of = self.unshare.id();
        let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).ok()?;
        children.split_whitespace().next().map(str::to_owned)
    }

    fn entering(&self) -> Vec<String> {
        let target = self.first_process().unwrap_or_default();
        let options = ["--target", &target, "--mount", "--pid", "--ipc", "--uts", "--cgroup", "bash", "-euc"];
        options.map(str::to_owned).to_vec()
    }

    /// What a shell inside says. Everybody is root there, without sudo.
    fn shell(&self, script: &str) -> Output {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(self.entering()).arg(script.replace("sudo ", "")).stdin(Stdio::null());
        nsenter.output().expect("nsenter starts; tests/run installs it")
    }

    /// A person's terminal inside.
    fn terminal(&self, script: &str) -> Terminal {
        let mut arguments = self.entering();
        arguments.push(script.replace("sudo ", ""));
        Terminal::start(100, 30, Path::new("nsenter"), &arguments, &[])
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

fn wait_until(patience: Duration, what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < patience, "not seen within {patience:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

async fn server() -> MockServer {
    building().start().await.unwrap()
}

/// With a person who approves everything at once.
async fn approving_server() -> MockServer {
    building().auto_approve(true).start().await.unwrap()
}

fn building() -> mock_server::MockServerBuilder {
    MockServer::builder().interval(Duration::from_secs(1)).client(Client::public("my-device"))
}

/// The recipe at this server.
fn at(server: &MockServer, recipe: &str) -> String {
    let resource = format!("{}/resource", server.issuer());
    recipe
        .replace("https://auth.example.com", server.issuer())
        .replace("https://api.example.com/readings", &resource)
}

fn assert_is_the_resource(body: &[u8]) {
    let resource: Value = serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(body)));
    assert_eq!(resource["sub"], "alice");
}

fn recipes() -> &'static str {
    README.split_once("\n## Recipes\n").expect("the recipes").1
}

/// The blocks of this language below the heading: exactly so many.
fn blocks<const COUNT: usize>(heading: &str, language: &str) -> [&'static str; COUNT] {
    let (_, below) = recipes().split_once(&format!("\n### {heading}\n")).expect("the heading");
    let section = below.split("\n### ").next().unwrap_or_default();
    let fence = format!("```{language}\n");
    let blocks: Vec<&str> =
        section.split(&fence).skip(1).filter_map(|block| Some(block.split_once("```")?.0)).collect();
    blocks.try_into().unwrap_or_else(|blocks| panic!("{heading}: {blocks:?}"))
}
