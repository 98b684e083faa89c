//! What a person at a terminal does beside the one login: goes on with one that waits, pastes a token, meets the end of
//! a code.

use std::path::Path;
use std::time::Duration;

use mock_server::MockServer;
use tempfile::TempDir;

use crate::device_cli::{device_cli, program};
use crate::terminal::Terminal;

/// A terminal of the person whose home it is.
fn terminal(home: &TempDir, arguments: &[&str]) -> Terminal {
    let home = home.path().to_str().unwrap();
    Terminal::start(80, 24, program(), arguments, &[("HOME", home)])
}

async fn server() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap()
}

/// Begins a login that another command ends. Gives its code.
fn begin(server: &MockServer, home: &TempDir) -> String {
    let login = ["login", "--no-wait", "--store", "file", "--client-id", "device", "--issuer"];
    let begun = device_cli(home, &login).arg(server.issuer()).output().unwrap();
    assert!(begun.status.success(), "{begun:?}");
    server.pending()[0].user_code.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_login_that_is_resumed_with_time_shows_its_code_and_the_time_left() {
    let (server, home) = (server().await, tempfile::tempdir().unwrap());
    let user_code = begin(&server, &home);
    let terminal = terminal(&home, &["login", "--resume", "--timeout", "5m"]);
    terminal.wait_until(|screen| screen.contains(&user_code) && screen.contains(" left, waiting"));
    assert!(!terminal.text().contains("n new code"), "{}", terminal.text());
    server.approve(&user_code).unwrap();
    terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_resumed_login_that_is_cancelled_waits_on() {
    let (server, home) = (server().await, tempfile::tempdir().unwrap());
    let user_code = begin(&server, &home);
    let waiting = terminal(&home, &["login", "--resume", "--timeout", "5m"]);
    waiting.wait_until(|screen| screen.contains(&user_code) && screen.contains(" left, waiting"));
    waiting.press("C-c");
    waiting.wait_for("The login still waits: device-cli login --resume goes on with it.");
    assert_eq!(waiting.exit_code(), 130);
    server.approve(&user_code).unwrap();
    let resumed = device_cli(&home, &["login", "--resume", "--timeout", "1m"]).output().unwrap();
    assert!(resumed.status.success(), "{resumed:?}");
    server.assert_clean();
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn a_token_is_pasted_unseen_and_ctrl_c_ends_the_question() {
    let login = ["login", "--with-token", "--store", "file", "--client-id", "device", "--token-endpoint"];
    // Nobody listens there: a token that is given needs no server.
    let login = [&login[..], &["http://127.0.0.1:9/token", "--device-endpoint", "http://127.0.0.1:9/device"]]
        .concat();
    let home = tempfile::tempdir().unwrap();
    let cancelled = terminal(&home, &login);
    cancelled.wait_for("Paste the token");
    cancelled.press("C-c");
    assert_eq!(cancelled.exit_code(), 130);

    let pasted = terminal(&home, &login);
    pasted.wait_for("Paste the token");
    pasted.press("pasted-token");
    pasted.press("Enter");
    pasted.wait_for("Signed in");
    assert_eq!(pasted.exit_code(), 0);
    assert!(!pasted.text().contains("pasted-token"), "{}", pasted.text());
    let token = device_cli(&home, &["token"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&token.stdout), "pasted-token\n");
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn ctrl_c_ends_a_login_whose_token_does_not_come() {
    // What the token would come from does not hear the signal.
    let script = "echo started; exec \"$0\" login --with-token --store file --client-id device \
                  --token-endpoint http://127.0.0.1:9/token --device-endpoint http://127.0.0.1:9/device \
                  < <(trap '' INT; exec sleep 1000)";
    let program = program().to_str().unwrap();
    let terminal = Terminal::start(80, 24, Path::new("bash"), &["-c", script, program], &[]);
    terminal.wait_for("started");
    terminal.press("C-c");
    assert_eq!(terminal.exit_code(), 130, "{}", terminal.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_code_that_expired_is_nowhere_to_be_scanned_or_copied() {
    let (server, home) = (server().await, tempfile::tempdir().unwrap());
    let login = ["login", "--store", "file", "--client-id", "device", "--issuer", server.issuer()];
    let terminal = terminal(&home, &login);
    terminal.wait_until(|screen| server.pending().iter().any(|device| screen.contains(&device.user_code)));
    let user_code = server.pending()[0].user_code.clone();
    server.expire(&user_code).unwrap();
    let screen = terminal.wait_for("The code expired. Press n for a new one.");
    assert!(screen.contains(&format!("{user_code} can no longer be entered.")), "{screen}");
    assert!(
        !screen.contains("copy code") && !screen.contains('▀') && !screen.contains("/device"),
        "{screen}"
    );
    terminal.press("n");
    terminal.wait_until(|screen| screen.contains("And enter the code") && !screen.contains(&user_code));
    terminal.press("C-c");
    assert_eq!(terminal.exit_code(), 130);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_passphrase_that_anybody_could_try_out_is_refused() {
    let (server, home) = (server().await, tempfile::tempdir().unwrap());
    let login = ["login", "--store", "passphrase", "--client-id", "device", "--issuer", server.issuer()];
    let terminal = terminal(&home, &login);
    terminal.wait_for("New passphrase:");
    terminal.press("abc");
    terminal.press("Enter");
    let screen = terminal.wait_for("too short");
    assert!(!screen.contains("abc"), "{screen}");
    terminal.press("C-c");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(server.pending().len(), 0, "nobody was sent away");
}
