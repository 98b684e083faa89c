//! The system's keyring: real, locked, mute, or not there. Nothing waits for it longer than three seconds, and who asked
//! for a file never hears of it.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use mock_server::MockServer;

use super::authorization_server::AuthorizationServer;
use super::figures::note;
use super::place::Place;
use super::worker::{Answer, Arguments, Worker};
use crate::device_cli::program as device_cli;
use crate::json_lines::JsonLines;

/// What a keyring may take, and what a busy machine may add.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
const SLACK: Duration = Duration::from_secs(2);

/// A GNOME Keyring that is unlocked. `$daemon` is its process.
const GNOME_KEYRING: &str = "
    printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 & daemon=$!";
/// Somebody who has the keyring's name and never answers.
const BLACK_HOLE: &str = "
    dbus-test-tool black-hole --name=org.freedesktop.secrets >/dev/null 2>&1 & daemon=$!";
const WAIT_AND_TELL: &str = r#"
    trap 'kill -9 $daemon' EXIT
    gdbus wait --session --timeout 30 org.freedesktop.secrets
    printf '{"address":"%s"}\n' "$DBUS_SESSION_BUS_ADDRESS"
    read -r _ || true"#;

/// A session bus of its own with a keyring on it.
struct Bus {
    process: JsonLines,
    address: String,
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session and gdbus; run by tests/run"]
fn what_one_process_seals_with_the_keyring_others_open_and_refresh() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let bus = Bus::start(&place, GNOME_KEYRING);
    let start = || start(&place, &server, &bus.address);
    let signed_in = start().ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    assert_eq!(start().ask("load"), signed_in);
    server.expire(&place);
    let mut workers: Vec<Worker> = (0..4).map(|_| start()).collect();
    for worker in &mut workers {
        worker.tell("call");
    }
    for answer in workers.iter_mut().map(Worker::answer) {
        assert!(answer.is_served() && answer.generation() == Some(2), "{answer:?}");
    }
    assert_eq!((server.journal().refreshes, server.broken_rules()), (1, Vec::new()));

    let large = start().ask(&format!("sign-in {}", super::large_token::response()));
    assert_eq!(large.number("access_token_length"), Some(super::large_token::LENGTH), "{large:?}");
    assert_eq!(start().ask("load"), large);
    note("a GNOME Keyring", "5 processes share one login and one refresh; a token of 20 kB is kept");
}

#[test]
#[ignore = "needs gnome-keyring, dbus-run-session, dbus-test-tool and gdbus; run by tests/run"]
fn no_command_waits_for_a_keyring_longer_than_three_seconds() {
    let place = Place::new();
    let server = AuthorizationServer::strict(&place);
    let bus = Bus::start(&place, GNOME_KEYRING);
    let signed_in = start(&place, &server, &bus.address).ask(&format!("sign-in {}", server.sign_in()));
    assert_eq!(signed_in.outcome(), "record", "{signed_in:?}");
    server.expire(&place);
    bus.lock_the_collection();
    let nobody_listens = format!("unix:path={}", place.path("nowhere").display());
    let mute = UnixListener::bind(place.path("mute")).expect("a socket");
    let mute_bus = format!("unix:path={}", place.path("mute").display());
    let black_hole = Bus::start(&place, BLACK_HOLE);

    for (name, address, reason) in [
        ("no D-Bus", "", "choose another store"),
        ("a D-Bus that is gone", &nobody_listens, "choose another store"),
        ("a bus that never answers", &mute_bus, "has not answered within 3 s"),
        ("a service that never answers", &black_hole.address, "has not answered within 3 s"),
        ("a locked collection", &bus.address, "the keyring is locked"),
    ] {
        let mut longest = Duration::ZERO;
        for command in ["load".to_owned(), "call".to_owned(), format!("sign-in {}", server.sign_in())] {
            let mut worker = start(&place, &server, address);
            let started = Instant::now();
            let answer = worker.ask(&command);
            longest = longest.max(started.elapsed());
            assert_eq!(answer.outcome(), "store error", "{name}: {answer:?}");
            assert_says_what_to_do(&answer, reason, name);
        }
        assert!(longest < LONGEST_WAIT + SLACK, "{name}: {longest:?}");
        note(
            name,
            &format!(
                "load, call, sign-in: refused with the reason after {:.1} s at most",
                longest.as_secs_f64()
            ),
        );
    }
    assert_eq!(server.journal().refreshes, 0);
    drop(mute);

    // Another day, unlocked again: nothing of the login was touched.
    drop(bus);
    let bus = Bus::start(&place, GNOME_KEYRING);
    let answer = start(&place, &server, &bus.address).ask("call");
    assert!(answer.is_served() && answer.generation() == Some(2), "{answer:?}");
}

/// A bus that would hang whoever speaks to it, and strace to see that nobody tries.
#[test]
#[ignore = "needs strace; run by tests/run"]
fn who_asked_for_a_file_never_comes_near_d_bus() {
    let place = Place::new();
    fs::create_dir(place.path("home")).expect("a directory");
    let bus = UnixListener::bind(place.path("bus")).expect("a socket");
    bus.set_nonblocking(true).expect("it is ours");
    let server = MockServer::builder().interval(Duration::from_secs(1)).start_blocking().expect("a port");
    let log = place.path("strace.log");
    let traced = |arguments: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["--follow-forks", "--quiet=all", "--trace=connect,%file", "--output-append-mode"]);
        command.arg(format!("--output={}", log.display())).arg(device_cli()).args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", place.path("home"));
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", place.path("bus").display()));
        command
    };
    let started = Instant::now();
    let login = ["login", "--json", "--store", "file", "--client-id", "device", "--issuer", server.issuer()];
    let scope = ["--scope", "offline_access read"];
    let mut login = JsonLines::start(&mut traced(&[&login[..], &scope].concat()));
    let issued = login.receive_event("device_code_issued");
    server.approve(issued["user_code"].as_str().expect("a user code")).expect("it waits");
    assert!(login.end().status.success());
    server.advance(Duration::from_secs(3601));
    for command in [&["token"][..], &["token", "--min-ttl", "4000"], &["status"], &["logout"]] {
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

fn assert_says_what_to_do(answer: &Answer, reason: &str, name: &str) {
    let message = answer.message();
    let is_told = message.contains("sealed file (system keyring) store") && message.contains(reason);
    assert!(is_told && message.contains("choose another store"), "{name}: {answer:?}");
}

fn start(place: &Place, server: &AuthorizationServer, address: &str) -> Worker {
    let mut command = Arguments::new(place.store("keyring"), server, place).command();
    command.env_clear().env("HOME", place.path("home")).env("XDG_RUNTIME_DIR", place.path("runtime"));
    if !address.is_empty() {
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
    }
    Worker::start(&mut command)
}

impl Bus {
    /// The keyring's files are in `place`: another bus there finds them again.
    fn start(place: &Place, keyring: &str) -> Self {
        for name in ["home", "runtime"] {
            fs::create_dir_all(place.path(name)).expect("a directory");
        }
        let script = format!("{keyring}{WAIT_AND_TELL}");
        let mut command = Command::new("dbus-run-session");
        command.args(["--", "sh", "-euc", &script]).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", place.path("home")).env("XDG_RUNTIME_DIR", place.path("runtime"));
        let mut process = JsonLines::start(&mut command);
        let address = process.receive()["address"].as_str().expect("an address").to_owned();
        Self { process, address }
    }

    fn lock_the_collection(&self) {
        let lock = "org.freedesktop.Secret.Service.Lock";
        let mut command = Command::new("gdbus");
        command.args(["call", "--session", "--dest", "org.freedesktop.secrets", "--method", lock]);
        command.args([
            "--object-path",
            "/org/freedesktop/secrets",
            "['/org/freedesktop/secrets/collection/login']",
        ]);
        let output = command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).output().expect("gdbus starts");
        assert!(output.status.success(), "{output:?}");
    }
}

/// The bus ends with its keyring.
impl Drop for Bus {
    fn drop(&mut self) {
        self.process.finish();
    }
}
