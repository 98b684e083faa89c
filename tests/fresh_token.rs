//! What `device-cli` touches, as the kernel sees it: for a fresh token as little as can be, and no D-Bus where a file was
//! chosen.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mock_server::MockServer;
use tempfile::TempDir;

use crate::device_cli::{device_cli, program};
use crate::json_lines::JsonLines;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run by tests/run"]
async fn a_fresh_token_costs_three_files_and_no_lock_thread_or_socket() {
    let (server, home) = (start().await, tempfile::tempdir().unwrap());
    let configuration = home.path().join(".config/device-cli/config.toml");
    std::fs::create_dir_all(configuration.parent().unwrap()).unwrap();
    std::fs::write(&configuration, "profile = \"default\"\n").unwrap();
    sign_in(&server, &mut device_cli(&home, &login_arguments(&server)));
    let requests = server.requests().len();

    let calls = traced(&home, &["token"], &[]);
    for call in [
        "socket(", "connect(", "clone(", "clone3(", "fork(", "vfork(", "flock(", "F_SETLK", "mkdir", "rename",
    ] {
        let made: Vec<_> = calls.iter().filter(|line| line.contains(call)).collect();
        assert!(made.is_empty(), "{made:?}");
    }
    let opened: Vec<&str> = calls.iter().filter_map(|line| opened_file(line)).collect();
    let own: Vec<&str> = opened.iter().copied().filter(|path| !is_of_the_system(path)).collect();
    let [first, second, third] = own.as_slice() else { panic!("{own:?}") };
    assert_eq!(Path::new(first), configuration);
    assert!(second.ends_with("/.local/state/device-cli/logins/default.json"), "{own:?}");
    // By its name in the directory that was opened before.
    assert!(!third.contains('/') && Path::new(third).extension().is_some_and(|end| end == "json"), "{own:?}");
    let written: Vec<_> = calls
        .iter()
        .filter(|line| ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag)))
        .collect();
    assert!(written.is_empty(), "{written:?}");
    assert_eq!(server.requests().len(), requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run by tests/run"]
async fn whoever_chose_a_file_touches_no_d_bus_from_login_to_logout() {
    let (server, home) = (start().await, tempfile::tempdir().unwrap());
    let bus = home.path().join("bus");
    let _listening = UnixListener::bind(&bus).unwrap();
    let address = format!("unix:path={}", bus.display());
    let environment = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];

    let trace = home.path().join("trace");
    let mut login = strace(&trace);
    login
        .arg(program())
        .args(login_arguments(&server))
        .env_clear()
        .env("HOME", home.path())
        .envs(environment);
    sign_in(&server, &mut login);
    let mut calls = vec![std::fs::read_to_string(&trace).unwrap()];
    let key_file = home.path().join("elsewhere/tokens.key");
    for arguments in [
        &["token"][..],
        &["refresh", "--force"],
        &["status"],
        &["status", "--all"],
        &["storage", "show"],
        &["storage", "move", "--to", "key-file", "--key-file", key_file.to_str().unwrap()],
        &["storage", "move", "--to", "file"],
        &["logout"],
    ] {
        calls.push(traced(&home, arguments, &environment).join("\n"));
    }
    for calls in &calls {
        assert!(!calls.contains("AF_UNIX"), "{calls}");
    }
    assert!(calls[0].contains("AF_INET"), "the server was traced: {}", calls[0]);

    // The same eyes see the trial where nobody chose.
    let automatic =
        ["login", "--profile", "new", "--json", "--client-id", "device", "--issuer", server.issuer()];
    let (code, calls) = traced_to_the_end(&home, &automatic, &environment);
    assert_eq!(code, Some(7));
    let calls = calls.join("\n");
    assert!(calls.contains("AF_UNIX"), "{calls}");
    server.assert_clean();
}

async fn start() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap()
}

fn login_arguments(server: &MockServer) -> [&str; 10] {
    let scope = "openid offline_access";
    let issuer = server.issuer();
    ["login", "--json", "--store", "file", "--client-id", "device", "--scope", scope, "--issuer", issuer]
}

fn sign_in(server: &MockServer, login: &mut Command) {
    let mut login = JsonLines::start(login);
    let issued = login.receive_event("device_code_issued");
    server.approve(issued["user_code"].as_str().unwrap()).unwrap();
    let ended = login.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

fn strace(trace: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-s", "256", "-e", "trace=open,openat,socket,connect,clone,clone3,fork,vfork,flock,fcntl,mkdir,mkdirat,rename,renameat,renameat2,execve", "-o"]).arg(trace);
    strace
}

/// The system calls of a command that succeeds.
fn traced(home: &TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let (code, calls) = traced_to_the_end(home, arguments, environment);
    assert_eq!(code, Some(0), "{arguments:?}");
    calls
}

fn traced_to_the_end(
    home: &TempDir,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (Option<i32>, Vec<String>) {
    let trace = home.path().join("trace");
    let mut command = strace(&trace);
    command.arg(program()).args(arguments).env_clear().env("HOME", home.path());
    let output = command.envs(environment.iter().copied()).output().expect("strace starts");
    let calls = std::fs::read_to_string(&trace).expect("a trace");
    // Behind the number of the thread.
    let calls =
        calls.lines().map(|line| line.split_once(' ').map_or(line, |(_, call)| call).trim().to_owned());
    (output.status.code(), calls.collect())
}

/// The path of a file that was opened; directories and what is not there are none.
fn opened_file(call: &str) -> Option<&str> {
    let is_open = call.starts_with("openat(") || call.starts_with("open(");
    if !is_open || call.contains("O_DIRECTORY") || call.contains(") = -1 ") {
        return None;
    }
    call.split('"').nth(1)
}

fn is_of_the_system(path: &str) -> bool {
    ["/lib", "/usr/", "/etc/ld.so", "/proc/", "/sys/", "/dev/null"]
        .iter()
        .any(|place| path.starts_with(place))
}
