//! The live panel of `embedded-demo` in a real terminal.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use mock_server::MockServer;

use crate::browser::Browser;
use crate::built_program::built;
use crate::login_screen::surroundings::{BETWEEN_TWO_LINES, STATE};
use crate::terminal::{DARK, LIGHT, Terminal, scan_qr_code};

fn program() -> &'static Path {
    const ROOMS: [&str; 3] = ["embedded-demo", "mock-server", "oauth-client/protocol"];
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| built("embedded-demo", &ROOMS));
    &PROGRAM
}

fn start() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start_blocking().unwrap()
}

/// The device at this server, between two lines of a shell.
fn device(server: &MockServer, columns: u16, rows: u16, environment: &[(&str, &str)]) -> Terminal {
    let resource = format!("{}/resource", server.issuer());
    let arguments = ["--issuer", server.issuer(), "--resource", &resource];
    let mut words = vec![program().as_os_str()];
    words.extend(arguments.map(OsStr::new));
    Terminal::start_script(columns, rows, BETWEEN_TWO_LINES, &words, environment)
}

/// The code that waits at the server, once it stands below the panel.
fn shown_user_code(server: &MockServer, terminal: &Terminal) -> String {
    terminal.wait_until(|screen| server.pending().iter().any(|device| screen.contains(&device.user_code)));
    server.pending().pop().expect("a device that waits").user_code
}

#[test]
#[ignore = "needs tmux, zbarimg, chromium, node and npm packages: run by tests/run"]
fn the_qr_code_scans_from_the_panel_in_each_size_and_each_theme() {
    for (columns, rows, environment, painted) in
        [(140, 42, &[][..], 128), (80, 24, &[], 65), (80, 24, &[("TERM", "xterm")], 65)]
    {
        let server = start();
        let terminal = device(&server, columns, rows, environment);
        let user_code = shown_user_code(&server, &terminal);
        assert_eq!(terminal.painted_columns(), painted, "{}", terminal.text());
        let complete = format!("{}/device?user_code={user_code}", server.issuer());
        let mut browser = Browser::start();
        for theme in [&DARK, &LIGHT] {
            assert_eq!(scan_qr_code(&terminal.picture(theme, &mut browser)), complete, "{columns}x{rows}");
        }
    }
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn the_panel_goes_on_and_the_terminal_is_as_it_was_at_the_end() {
    let server = start();
    let terminal = device(&server, 80, 24, &[]);
    let user_code = shown_user_code(&server, &terminal);
    let state = terminal.state(STATE);
    assert!(state.contains("alternate=1 cursor=0") && state.contains("wrap=0"), "{state}");
    let left = |screen: &str| {
        screen.lines().find_map(|line| line.split_once(" left")).map(|(left, _)| left.to_owned())
    };
    let first = left(&terminal.text());
    terminal.wait_until(|screen| left(screen).is_some_and(|now| Some(&now) != first.as_ref()));
    terminal.wait_for("lamp ●");
    terminal.wait_for("lamp ○");
    server.approve(&user_code).unwrap();
    let screen = terminal.wait_for("ended with 0\n");
    assert!(screen.starts_with("the line before\n"), "{screen}");
    assert!(screen.contains("signed in, the token is valid for 3600 s\n"), "{screen}");
    assert!(screen.contains("resource: HTTP 200\n"), "{screen}");
    assert!(screen.replace('\n', "").contains("alice"), "the last line is broken: {screen}");
    let state = terminal.state(STATE);
    assert!(state.contains("alternate=0 cursor=1") && state.contains("wrap=1"), "{state}");
    terminal.wait_for("the modes are the same");
    server.assert_clean();
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn a_signal_takes_the_panel_away() {
    let server = start();
    for (signal, exit_code) in [("INT", 130), ("TERM", 143)] {
        let terminal = device(&server, 80, 24, &[]);
        shown_user_code(&server, &terminal);
        if signal == "INT" {
            terminal.press("C-c");
        } else {
            terminal.signal(signal, program());
        }
        let screen = terminal.wait_for(&format!("ended with {exit_code}\n"));
        assert!(screen.starts_with("the line before\n"), "{screen}");
        let state = terminal.state(STATE);
        assert!(state.contains("alternate=0 cursor=1") && state.contains("wrap=1"), "{state}");
        terminal.wait_for("the modes are the same");
        assert!(server.expire(mock_server::WhichDevice::Next).is_ok());
    }
    server.assert_clean();
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn a_window_that_is_too_small_has_the_text_and_a_larger_one_the_panel_again() {
    let server = start();
    let mut terminal = device(&server, 80, 24, &[]);
    let user_code = shown_user_code(&server, &terminal);
    assert_eq!(terminal.painted_columns(), 65);
    for (columns, rows, painted) in [(50, 24, 0), (80, 12, 0), (150, 50, 128), (80, 24, 65)] {
        terminal.resize(columns, rows);
        terminal.wait_until(|_| terminal.painted_columns() == painted);
        let screen = terminal.wait_for(&user_code);
        assert!(screen.contains("visit http://") && screen.contains("lamp "), "{screen}");
    }
}

/// Without a terminal, or with one that cannot, there are lines.
#[test]
#[ignore = "needs tmux: run by tests/run"]
fn a_terminal_that_cannot_gets_lines() {
    for environment in [[("TERM", "dumb")], [("LANG", "C")], [("ACCESSIBLE", "1")]] {
        let server = start();
        let terminal = device(&server, 80, 24, &environment);
        let user_code = shown_user_code(&server, &terminal);
        assert!(terminal.state(STATE).contains("alternate=0 cursor=1"), "{environment:?}");
        server.approve(&user_code).unwrap();
        let screen = terminal.wait_for("ended with 0\n");
        assert!(screen.is_ascii() && screen.contains("code  "), "{screen}");
    }
}

/// A machine that reaches nothing but a server at this name's port 443, which signs in whoever asks.
const AT_A_NAME: &str = r#"
set -eu
folder=$1 host=$2 profile=$3 paths=$4 server=$5 device=$6 provider=$7
ip link set lo up
echo "127.0.0.1 $host" >"$folder/hosts"
mount --bind "$folder/hosts" /etc/hosts
"$server" --port 443 --tls --tls-ca-file "$folder/ca.pem" --issuer "https://$host" --profile "$profile" $paths \
    --interval 1 --auto-approve --verdicts "junit:$folder/verdicts.xml" --fail-on warning >"$folder/ready" &
trap "kill $! 2>/dev/null || :" EXIT
until [ -s "$folder/ready" ]; do kill -0 $!; sleep 0.05; done
"$device" --provider "$provider" --client-id device --scope read --ca-file "$folder/ca.pem" \
    --resource "https://$host/resource/"
kill -INT $!
wait $!
echo "the server has no complaint"
"#;

#[test]
#[ignore = "needs unshare, root and the right to mount: run by tests/run"]
fn each_preset_signs_in_over_tls_at_a_server_of_its_name_and_ways() {
    let server = built("mock-server", &["mock-server"]);
    for (provider, host, profile, paths) in [
        ("octopus", "auth.octopus.energy", "octopus", ""),
        ("github", "github.com", "github", ""),
        ("google", "oauth2.googleapis.com", "rfc", "--paths=device-authorization=/device/code"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let words = [folder.path().as_os_str(), OsStr::new(host), OsStr::new(profile), OsStr::new(paths)];
        let programs = [server.as_os_str(), program().as_os_str(), OsStr::new(provider)];
        let mut machine = Command::new("unshare");
        machine.args(["--net", "--mount", "--", "/bin/sh", "-c", AT_A_NAME, "sh"]);
        let output = machine.args(words).args(programs).output().expect("unshare starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{provider}: {output:?}");
        assert!(said.contains(&format!("visit https://{host}/")), "{provider}: {said}");
        assert!(said.contains(&format!("called https://{host}/resource/: HTTP 200\n")), "{provider}: {said}");
        assert!(said.ends_with("the server has no complaint\n"), "{provider}: {said}");
    }
}
