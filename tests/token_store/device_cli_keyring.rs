//! `device-cli` and the system's keyring: no command waits for it longer than three seconds, and who asked for a file never
//! comes near D-Bus.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mock_server::MockServer;

use super::figures::note;
use super::place::Place;
use super::session_bus::{Bus, LONGEST_WAIT, NoKeyring};
use crate::device_cli::program;
use crate::json_lines::JsonLines;

const OK: i32 = 0;
const ONE_HALF_FAILED: i32 = 1;
const STORAGE_UNAVAILABLE: i32 = 7;

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session, dbus-test-tool and gdbus; run by tests/run"]
fn no_command_waits_for_a_keyring_longer_than_three_seconds() {
    let place = Place::new();
    let server = start_server();
    let bus = Bus::start(&place, Bus::GNOME_KEYRING);
    let home = place.path("home");
    sign_in(&server, &mut device_cli(&home, &bus.address, &login(&server, &["--store", "keyring"])));
    let token = device_cli(&home, &bus.address, &["token"]).output().expect("it starts");
    assert!(token.status.success(), "{token:?}");

    bus.lock_the_collection();
    let no_keyring = NoKeyring::new(&place, &bus);
    let requests = server.requests().len();
    thread::scope(|scope| {
        for (name, address) in no_keyring.addresses() {
            let (server, home) = (&server, copy_of(&home, place.path(name)));
            scope.spawn(move || {
                let longest = try_all_commands(server, &home, address, name);
                assert!(longest < LONGEST_WAIT, "{name}: {longest:?}");
                let told =
                    format!("login, token, status, storage, logout: {:.1} s at most", longest.as_secs_f64());
                note(&format!("device-cli, {name}"), &told);
            });
        }
    });
    assert_eq!(server.requests().len(), requests, "nobody was sent away, and nothing was refreshed");
}

/// A bus that would hang whoever speaks to it, and strace to see that nobody tries.
#[test]
#[ignore = "needs strace; run by tests/run"]
fn who_asked_for_a_file_never_comes_near_d_bus() {
    let place = Place::new();
    fs::create_dir(place.path("home")).expect("a directory");
    let bus = UnixListener::bind(place.path("bus")).expect("a socket");
    bus.set_nonblocking(true).expect("it is ours");
    let server = start_server();
    let log = place.path("strace.log");
    let traced = |arguments: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["--follow-forks", "--quiet=all", "--trace=connect,%file", "--output-append-mode"]);
        command.arg(format!("--output={}", log.display())).arg(program()).args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", place.path("home"));
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", place.path("bus").display()));
        command
    };
    let started = Instant::now();
    sign_in(&server, &mut traced(&login(&server, &["--store", "file"])));
    server.advance(Duration::from_secs(3601));
    for command in [&["token"][..], &["refresh", "--force"], &["status"], &["logout"]] {
        let output = traced(command).output().expect("strace starts");
        assert!(output.status.success(), "{command:?}: {output:?}");
    }
    let elapsed = started.elapsed();

    let log = fs::read_to_string(&log).expect("strace writes it");
    assert!(log.contains("AF_INET") && log.contains("/tokens"), "it saw the server and the file: {log}");
    let near_a_bus = |line: &&str| {
        line.contains("AF_UNIX")
            || ["/dbus", "/bus", "machine-id", "secrets"].iter().any(|name| line.contains(name))
    };
    assert_eq!(log.lines().filter(near_a_bus).collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(bus.accept().is_err(), "and nobody was at the door");
    note(
        "--store file",
        &format!("login, token, refresh, status, logout in {:.1} s without D-Bus", elapsed.as_secs_f64()),
    );
}

/// How long the slowest took.
fn try_all_commands(server: &MockServer, home: &Path, address: &str, name: &str) -> Duration {
    let another = ["--profile", "another"];
    let mut longest = Duration::ZERO;
    for (command, code) in [
        (login(server, &[&another[..], &["--store", "keyring"]].concat()), STORAGE_UNAVAILABLE),
        (login(server, &another), STORAGE_UNAVAILABLE),
        (login(server, &[]), STORAGE_UNAVAILABLE),
        (vec!["token"], STORAGE_UNAVAILABLE),
        (vec!["status"], STORAGE_UNAVAILABLE),
        (vec!["storage", "show"], OK),
        (vec!["storage", "move", "--to", "file"], STORAGE_UNAVAILABLE),
        (vec!["logout"], ONE_HALF_FAILED),
    ] {
        let started = Instant::now();
        let output = device_cli(home, address, &command).output().expect("it starts");
        longest = longest.max(started.elapsed());
        assert_eq!(output.status.code(), Some(code), "{name}, {command:?}: {output:?}");
    }
    longest
}

fn start_server() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start_blocking().expect("a port")
}

/// The command line of a login at this server.
fn login<'a>(server: &'a MockServer, more: &[&'a str]) -> Vec<&'a str> {
    let login = ["login", "--json", "--client-id", "device", "--scope", "offline_access read"];
    [&login[..], &["--issuer", server.issuer()], more].concat()
}

/// Runs a login that is approved.
fn sign_in(server: &MockServer, login: &mut Command) {
    let mut login = JsonLines::start(login);
    let issued = login.receive_event("device_code_issued");
    server.approve(issued["user_code"].as_str().expect("a user code")).expect("it waits");
    let ended = login.end();
    assert!(ended.status.success(), "{ended:?}");
}

/// `device-cli` with nothing in its environment but a home and the address of a bus.
fn device_cli(home: &Path, bus: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().env("HOME", home);
    if !bus.is_empty() {
        command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    }
    command
}

fn copy_of(home: &Path, copy: PathBuf) -> PathBuf {
    let status = Command::new("cp").arg("-a").args([home, &copy]).status().expect("cp starts");
    assert!(status.success());
    copy
}
