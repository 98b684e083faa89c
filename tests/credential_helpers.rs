//! The real git, kubectl, Docker and Cargo, with tokens from device-cli: each against a server that lets nobody in
//! without the token that the authorization server gave last.

use mockito::Server;
use serde_json::json;

use crate::device_cli::program;
use crate::person::{Person, basic, closed, open, words};

const COMMIT: &str = "5d1ecb7c1a5f7ab5a1ed9bf07bca55b2a2c9d2a1";

fn as_git_helper(login: &Person, url: &str) {
    let helper = "!device-cli credential git";
    let key = format!("credential.{url}.helper");
    assert!(login.run("git", &["config", "--global", &key, helper]).status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs git"]
async fn a_token_that_the_repository_refuses_is_replaced_and_the_next_try_gets_in() {
    let login = Person::signed_in().await;
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
fn exec_versions(login: &Person) -> &'static [&'static str] {
    let version = login.run("kubectl", &["version", "--client", "--output=json"]);
    let version: serde_json::Value = serde_json::from_slice(&version.stdout).unwrap();
    let minor =
        version["clientVersion"]["minor"].as_str().unwrap().trim_end_matches(|it: char| !it.is_ascii_digit());
    if minor.parse::<u32>().unwrap() < 22 { &["v1beta1"] } else { &["v1beta1", "v1"] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs kubectl"]
async fn kubectl_calls_an_api_over_https() {
    let (login, ca_file) = Person::signed_in_over_tls().await;
    let issuer = login.server.issuer().to_owned();
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
