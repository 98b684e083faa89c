//! `device-cli storage move`, killed at every step of it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use mock_server::MockServer;
use tempfile::TempDir;

use crate::device_cli::{device_cli, program};
use crate::json_lines::JsonLines;

/// Whatever moment it is killed at, the login is found afterwards, and moving it again finishes the work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run by tests/run"]
async fn a_move_that_is_killed_loses_no_login_and_can_be_finished() {
    let server = MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    sign_in(&server, &home);
    let token = succeeds(&home, &["token"]);
    let key_file = home.path().join("elsewhere/tokens.key");
    let to_key_file = ["storage", "move", "--to", "key-file", "--key-file", key_file.to_str().unwrap()];
    let to_file = ["storage", "move", "--to", "file"];
    // With the key there, both ways take the same steps.
    succeeds(&home, &to_key_file);
    succeeds(&home, &to_file);

    let mut steps = 0;
    for (way, back) in [(&to_key_file[..], &to_file[..]), (&to_file[..], &to_key_file[..])] {
        for step in 1.. {
            let killed = kill_at(step, &home, way);
            assert_eq!(succeeds(&home, &["token"]), token, "{way:?}, step {step}");
            if killed.status.success() {
                break;
            }
            steps += 1;
            succeeds(&home, way);
            assert_eq!(succeeds(&home, &["token"]), token, "{way:?} after step {step}");
            assert_eq!(copies(&home), 1, "{way:?} after step {step}");
            succeeds(&home, back);
            assert_eq!(copies(&home), 1, "{back:?} after step {step}");
        }
    }
    assert!(steps >= 10, "killed at {steps} steps only");
    assert_eq!(server.requests().iter().filter(|request| request.path == "/revoke").count(), 0);
    server.assert_clean();
}

/// Runs the command until it makes the `step`th change to a directory or makes one durable, and no further.
fn kill_at(step: usize, home: &TempDir, arguments: &[&str]) -> Output {
    const CHANGES: &str = "rename,renameat,renameat2,unlink,unlinkat,fsync";
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={CHANGES}")]);
    strace.args(["-e", &format!("inject={CHANGES}:signal=KILL:when={step}")]);
    strace.arg(program()).args(arguments).env_clear().env("HOME", home.path());
    strace.output().expect("strace starts")
}

fn sign_in(server: &MockServer, home: &TempDir) {
    let at = ["--client-id", "device", "--scope", "openid offline_access", "--issuer", server.issuer()];
    let mut login = device_cli(home, &["login", "--json", "--store", "file"]);
    let mut login = JsonLines::start(login.args(at));
    let issued = login.receive_event("device_code_issued");
    server.approve(issued["user_code"].as_str().unwrap()).unwrap();
    assert_eq!(login.end().status.code(), Some(0));
}

fn succeeds(home: &TempDir, arguments: &[&str]) -> String {
    let output = device_cli(home, arguments).output().expect("device-cli starts");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The records below the directory of the state.
fn copies(home: &TempDir) -> usize {
    fn below(directory: &Path) -> usize {
        let entries = directory.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
        let count = |path: std::path::PathBuf| {
            let is_record = path.extension().is_some_and(|end| end == "json" || end == "bin");
            if path.is_dir() { below(&path) } else { usize::from(is_record) }
        };
        entries.map(count).sum()
    }
    let state = home.path().join(".local/state/device-cli");
    below(&state.join("tokens")) + below(&state.join("tokens-key-file"))
}
