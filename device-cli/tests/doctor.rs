use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;

use crate::program::{Finished, Program, Server};

/// The findings of a `doctor --json`, by area and check.
fn findings(finished: &Finished) -> BTreeMap<(String, String), Value> {
    let report = &finished.events()[0];
    assert_eq!(report["v"], 1);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let findings: BTreeMap<_, _> =
        findings.map(|one| ((text(&one["area"]), text(&one["check"])), one.clone())).collect();
    let problems: Vec<_> = findings.values().filter(|one| one["verdict"] == "problem").collect();
    assert_eq!(report["problems"], problems.len());
    assert_eq!(finished.code, Some(i32::from(!problems.is_empty())), "{finished:?}");
    for problem in problems {
        assert!(problem["mend"].as_str().is_some_and(|mend| mend.len() > 10), "{problem}");
    }
    findings
}

fn verdict<'a>(findings: &'a BTreeMap<(String, String), Value>, area: &str, check: &str) -> &'a str {
    let finding = findings.get(&(area.to_owned(), check.to_owned()));
    finding.unwrap_or_else(|| panic!("{area}, {check}: {findings:?}"))["verdict"].as_str().unwrap()
}

/// Every file below, with its content and the moment it was changed.
fn everything(directory: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            found.extend(everything(&path));
        } else {
            found.insert(path.clone(), (metadata.modified().unwrap(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn a_sound_surrounding_is_found_sound_and_left_as_it_was() {
    let (program, server) = (Program::new(), Server::start());
    let finished = program.run(&["doctor", "--json", "--issuer", server.mock.issuer()]);
    let findings = findings(&finished);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for (area, check) in [
        ("Files", "state"),
        ("Stores", "file"),
        ("Stores", "key-file"),
        ("Stores", "passphrase"),
        ("Stores", "memory"),
        ("Network", "names (DNS)"),
        ("Network", "proxy"),
        ("Server", "metadata"),
        ("Server", "device endpoint"),
        ("Server", "token endpoint"),
        ("Clocks", "offset"),
    ] {
        assert_eq!(verdict(&findings, area, check), "ok", "{area}, {check}: {finished:?}");
    }
    assert_eq!(fs::read_dir(program.home()).unwrap().count(), 0, "nothing is left behind");
    let requests = server.mock.requests();
    assert!(
        requests.iter().all(|request| request.method == "GET" && request.grant_type.is_none()),
        "{requests:?}"
    );
}

#[test]
fn for_a_person_it_says_the_same_in_words() {
    let (program, server) = (Program::new(), Server::start());
    let finished = program.run(&["doctor", "--issuer", server.mock.issuer()]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    assert!(finished.stdout.ends_with("\nNothing is broken.\n"), "{finished:?}");
    let line = format!("  ok       server                {}", server.mock.issuer());
    assert!(finished.stdout.lines().any(|own| own == line), "{finished:?}");
    server.runtime.block_on(server.mock.pause_listening());
    let finished = program.run(&["doctor", "--issuer", server.mock.issuer()]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(finished.stderr, "error: 1 problem was found; what mends it stands above\n");
    let mut lines = finished.stdout.lines();
    let problem = lines.find(|line| line.starts_with("  PROBLEM  metadata ")).unwrap();
    assert!(problem.contains("no connection to the server"), "{problem}");
    assert!(lines.next().unwrap().contains("mend:               check the host and port"), "{finished:?}");
    assert!(!finished.stdout.contains("Nothing is broken"), "{finished:?}");
}

#[test]
fn a_login_is_neither_read_nor_touched() {
    let (program, server) = (Program::new(), Server::start());
    program.signed_in(&server, "openid offline_access");
    let token = program.run(&["token"]).stdout;
    let before = everything(program.home());
    let finished = program.run(&["doctor", "--json"]);
    let findings = findings(&finished);
    assert_eq!(verdict(&findings, "Server", "metadata"), "ok", "the login's own server: {finished:?}");
    assert!(findings[&("Stores".into(), "file".into())]["finding"].as_str().unwrap().contains("chosen"));
    assert!(everything(program.home()) == before, "{:?}", everything(program.home()).keys());
    for secret in [token.trim_end(), "alice", program.home().to_str().unwrap()] {
        assert!(
            !finished.stdout.contains(secret) && !finished.stderr.contains(secret),
            "{secret}: {finished:?}"
        );
    }
}

/// Nothing works, and the report is whole all the same, without a secret in it.
#[test]
fn where_everything_is_broken_everything_is_told() {
    let program = Program::new();
    let configuration = program.home().join(".config/device-cli");
    fs::create_dir_all(&configuration).unwrap();
    fs::write(configuration.join("config.toml"), "profile = \n").unwrap();
    // The state would be below a file.
    let state = program.home().join("state");
    fs::write(&state, "").unwrap();
    let mut doctor = program.command(&["doctor", "--json", "--issuer", "https://auth.example.invalid"]);
    doctor
        .env("XDG_STATE_HOME", &state)
        .env("HTTPS_PROXY", "http://alice:pr0xy-secret@127.0.0.1:1")
        .env("SSL_CERT_FILE", "/nowhere/ca.pem")
        .env("DEVICE_CLI_CLIENT_SECRET", "cl1ent-secret")
        .env("DEVICE_CLI_STORE", "keyring")
        .env("DEVICE_CLI_PASSPHRASE", "pass-secret");
    let finished = Finished::of(&mut doctor);
    let findings = findings(&finished);
    for (area, check) in [
        ("Files", "config.toml"),
        ("Files", "state"),
        ("Stores", "keyring"),
        ("Network", "proxy"),
        ("Network", "certificates"),
        ("Server", "metadata"),
    ] {
        assert_eq!(verdict(&findings, area, check), "problem", "{area}, {check}: {finished:?}");
    }
    for area in ["Terminal", "Machine", "Files", "Stores", "Network", "Server", "Clocks"] {
        assert!(findings.keys().any(|(own, _)| own == area), "{area}");
    }
    for secret in ["pr0xy-secret", "alice", "cl1ent-secret", "pass-secret"] {
        assert!(
            !finished.stdout.contains(secret) && !finished.stderr.contains(secret),
            "{secret}: {finished:?}"
        );
    }
    assert!(finished.stdout.contains("http://127.0.0.1:1 with a user name and a password, by HTTPS_PROXY"));
    let mend = &findings[&("Server".into(), "metadata".into())]["mend"];
    // Nothing is trusted, which comes before the proxy.
    assert!(mend.as_str().unwrap().contains("ca-certificates"), "{mend}");
}

#[test]
fn one_cause_is_told_where_it_lies() {
    let program = Program::new();
    let at = ["--issuer", "http://auth.example.invalid", "--dangerously-allow-http", "auth.example.invalid"];
    let mut doctor = program.command(&[&["doctor", "--json"][..], &at].concat());
    doctor.env("HOME", "relative").env("HTTP_PROXY", "http://127.0.0.1:1");
    let findings = findings(&Finished::of(&mut doctor));
    assert_eq!(findings[&("Server".into(), "metadata".into())]["mend"], "see proxy, under Network");
    let problems = findings.iter().filter(|(_, finding)| finding["verdict"] == "problem");
    let problems: Vec<_> = problems.map(|((_, check), _)| check.as_str()).collect();
    assert_eq!(problems, ["HOME", "state", "proxy", "metadata", "stores"]);
}

#[test]
fn what_cannot_be_used_is_told_and_the_rest_tried_all_the_same() {
    let program = Program::new();
    for (arguments, area, check, words) in [
        (&["--store", "cupboard"][..], "Stores", "store", "no store is called cupboard"),
        (&["--provider", "nobody"], "Server", "server", "no provider is called nobody"),
        (&["--issuer", "http://auth.example.com"], "Server", "server", "https"),
        (&["--profile", "../x"], "Files", "profile", "a profile's name has"),
        (&["--store", "systemd-credential"], "Stores", "systemd-credential", "LoadCredentialEncrypted"),
    ] {
        let finished = program.run(&[&["doctor", "--json"], arguments].concat());
        let findings = findings(&finished);
        assert_eq!(verdict(&findings, area, check), "problem", "{finished:?}");
        let told = &findings[&(area.to_owned(), check.to_owned())]["finding"];
        assert!(told.as_str().unwrap().contains(words), "{told}");
        assert!(findings.keys().any(|(area, _)| area == "Network"), "{finished:?}");
    }
}

#[test]
fn a_host_that_may_go_without_tls_is_shown() {
    let (program, server) = (Program::new(), Server::start());
    let finished = program.run(&[
        "doctor",
        "--json",
        "--issuer",
        server.mock.issuer(),
        "--dangerously-allow-http",
        "auth.example.com",
    ]);
    assert_eq!(verdict(&findings(&finished), "Files", "TLS"), "note", "{finished:?}");
}

/// Nobody speaks on the bus: the trial of the keyring is given up, and the others have long been done.
#[test]
#[cfg(target_os = "linux")]
fn a_bus_that_never_answers_costs_the_keyring_alone() {
    let program = Program::new();
    let path = program.home().join("bus");
    let _bus = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut doctor = program.command(&["doctor", "--json"]);
    doctor.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path.display()));
    let findings = findings(&Finished::of(&mut doctor));
    let keyring = &findings[&("Stores".into(), "keyring".into())];
    assert_eq!(keyring["finding"], "the keyring has not answered within 3 s", "{keyring}");
    assert_eq!(
        (verdict(&findings, "Stores", "keyring"), verdict(&findings, "Stores", "file")),
        ("note", "ok")
    );
}

/// As `ALL_PROXY` often is, for other programs.
#[test]
fn a_proxy_of_another_kind_is_named_and_keeps_nobody_from_this_machine() {
    let (program, server) = (Program::new(), Server::start());
    let with_proxy = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        Finished::of(command.env("ALL_PROXY", "socks5://alice:s3cret@127.0.0.1:1080"))
    };
    let finished = with_proxy(&["doctor", "--json", "--issuer", server.mock.issuer()]);
    assert_eq!(verdict(&findings(&finished), "Network", "proxy"), "ok", "{finished:?}");
    for (arguments, code) in [
        (&["doctor", "--json", "--issuer", "https://auth.example.invalid"][..], 1),
        (&["discover", "https://auth.example.invalid"], 9),
    ] {
        let finished = with_proxy(arguments);
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let told = format!("{}{}", finished.stdout, finished.stderr);
        assert!(told.contains("ALL_PROXY names no HTTP proxy") && !told.contains("s3cret"), "{told}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_leaves_nothing_behind() {
    let program = Program::new();
    let path = program.home().join("bus");
    let _mute = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut doctor = program.command(&["doctor"]);
    doctor.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path.display()));
    let mut doctor = doctor.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The other stores are being tried; the keyring takes three seconds.
    let state = program.home().join(".local/state/device-cli");
    while !state.join(format!("canary-{}/passphrase", doctor.id())).exists() {
        assert!(doctor.try_wait().unwrap().is_none(), "it ended without a trial");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let killed = Command::new("kill").args(["-s", "INT", &doctor.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(doctor.wait().unwrap().code(), Some(130));
    assert!(!state.exists(), "{:?}", everything(&state).keys());
}
