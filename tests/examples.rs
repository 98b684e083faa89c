//! The SDK's examples, run as a reader of the documentation runs them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use mock_server::MockServer;

use crate::authorization_code::{get, location};

const REASON: &str = "is not built: cargo build -p oauth-client --examples, or run tests/run";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the examples of oauth-client, which tests/run builds"]
async fn the_device_login_says_who_is_signed_in() {
    let server = start().await;
    let output = Command::new(example("device_login")).arg(server.issuer()).arg("device").output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{words}");
    let last = words.lines().last();
    assert_eq!(last, Some("signed in as alice"), "{words}");
    assert!(words.starts_with(&format!("Visit {}/device and enter ", server.issuer())), "{words}");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the examples of oauth-client, which tests/run builds"]
async fn the_browser_login_takes_the_answer_on_loopback_and_refreshes() {
    let server = start().await;
    let mut program = Command::new(example("authorization_code"))
        .arg(server.issuer())
        .arg("native")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let url = first.strip_prefix("Open ").unwrap();
    // The server answers with the redirect at once, as a person who approves would make it.
    let page = get(&location(url).await).await;
    assert!(page.contains("<h1>Signed in</h1>"), "{page}");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(program.wait().unwrap().success(), "{rest:?}");
    assert_eq!(rest[0], "signed in; the token is valid for Some(3600s)");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the examples of oauth-client, which tests/run builds"]
async fn the_service_reads_its_secret_from_a_file_and_calls_the_api() {
    let server = start().await;
    let directory = tempfile::tempdir().unwrap();
    let secret = directory.path().join("secret");
    fs::write(&secret, "service-secret\n").unwrap();
    let program = example("client_credentials");
    let output = Command::new(program).arg(server.issuer()).arg("service").arg(&secret).output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{words}");
    let json = words.trim_end().strip_prefix("HTTP 200: ").unwrap();
    let answer: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(answer["client_id"], "service");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the examples of oauth-client, which tests/run builds"]
async fn the_session_is_found_by_the_next_process_refreshed_by_the_one_after_and_ended_by_the_last() {
    let server = start().await;
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    let run = |last: &[&str]| {
        let mut program = Command::new(example("session"));
        let output = program.arg(server.issuer()).arg("device").arg(&tokens).args(last).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{words} {}", String::from_utf8_lossy(&output.stderr));
        words.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let count_of = |grant: &str| {
        let requests = server.requests();
        requests.iter().filter(|request| request.grant_type.as_deref() == Some(grant)).count()
    };
    let first = run(&[]);
    assert!(first[1].starts_with("Visit "), "{first:?}");
    assert!(first[2].starts_with("signed in for \"read offline_access\"; plain file in "), "{first:?}");
    assert!(first[3].starts_with("HTTP 200: "), "{first:?}");
    let asked = server.requests().len();
    let second = run(&[]);
    assert!(second.len() == 1 && second[0].starts_with("HTTP 200: "), "{second:?}");
    assert_eq!(server.requests().len(), asked + 1, "the resource alone");
    // The server's clock goes on, the program's does not: the 401 is what tells it.
    server.advance(Duration::from_secs(3601));
    let third = run(&[]);
    assert!(third.len() == 1 && third[0].starts_with("HTTP 200: "), "{third:?}");
    assert_eq!(count_of("refresh_token"), 1);
    assert_eq!(run(&["logout"]), ["here: erased", "at the server: revoked"]);
    assert_eq!(run(&["logout"])[0], "here: nobody was signed in");
    server.assert_clean();
}

async fn start() -> MockServer {
    let interval = Duration::from_secs(1);
    MockServer::builder().interval(interval).auto_approve(true).start().await.unwrap()
}

/// Beside this test's own program: `target/debug/examples/NAME`.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(program.exists(), "{} {REASON}", program.display());
    program
}
