//! Over SSH, in a container without D-Bus, under Windows.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use mock_server::MockServer;

use super::machine::{Machine, PATH, server};
use crate::json_lines::PATIENCE;
use crate::terminal::Terminal;

const NO_BUS: &str = "no D-Bus session can be reached";

/// With X11 forwarded: a display there is, and it is far away.
#[test]
#[ignore = "needs tmux and unshare; run by tests/run"]
fn over_ssh_no_browser_is_opened_and_the_code_is_copied_through_the_terminal() {
    let server = server().start_blocking().unwrap();
    let mut machine = Machine::new()
        .with("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
        .with("SSH_TTY", "/dev/pts/9")
        .with("DISPLAY", "localhost:10.0");
    let opened = machine.fake_program("xdg-open");
    machine.set("PATH", format!("{}:{PATH}", machine.path("bin").display()));
    let (terminal, user_code) = waiting_login(&machine, &server);
    assert!(!terminal.text().contains("open"), "{}", terminal.text());
    terminal.press("o");
    terminal.press("c");
    assert_eq!(terminal.copied(), user_code);
    server.approve(&user_code).unwrap();
    terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!opened.exists(), "a browser was opened where nobody sees it");
    machine.has_a_login();

    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("SSH", "ok", "no browser is opened here", "");
    report.says("browser", "ok", "over SSH", "");
    let told = machine.run(&["doctor"]).stdout;
    assert!(!told.contains("192.0.2"), "whoever shows the report shows no address: {told}");
    server.assert_clean();
}

#[test]
#[ignore = "needs tmux, unshare and the right to mount; run by tests/run"]
fn in_a_tmux_that_keeps_the_clipboard_back_the_doctor_says_what_to_set() {
    let machine = Machine::new();
    let words = machine.words(crate::device_cli::program(), &["doctor"]);
    let set = "tmux set-option -s set-clipboard external; exec \"$@\"";
    let arguments = [&["-c", set, "sh", "unshare"].map(str::to_owned)[..], &words[1..]].concat();
    let terminal = Terminal::start(120, 60, Path::new("/bin/sh"), &arguments, &machine.variables());
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.text());
    let screen = terminal.text();
    assert!(screen.contains("tmux keeps it back (set-clipboard external)"), "{screen}");
    assert!(screen.contains("tmux set -s set-clipboard on"), "{screen}");
}

#[test]
#[ignore = "needs unshare and the right to mount; run by tests/run"]
fn in_a_container_without_d_bus_a_store_is_to_be_chosen_and_a_volume_to_be_mounted() {
    let server = server().start_blocking().unwrap();
    let machine = Machine::new().prepared("mount -t tmpfs tmpfs /run; touch /run/.containerenv");
    let refused = machine.fails_to_sign_in(server.issuer(), &[]);
    assert_eq!(refused.code, Some(7), "{refused:?}");
    for words in [NO_BUS, "--store passphrase", "--store key-file", "--store file (not encrypted)"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(server.requests().len(), 0, "nobody was sent away");
    machine.sign_in(&server, server.issuer(), &[]);
    machine.has_a_login();

    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("container", "note", "(Podman)", "mount a volume at ~/.local/state/device-cli");
    report.says("keyring", "note", NO_BUS, "--store NAME");
    report.says("file", "ok", "is the one that was chosen", "");
    machine.doctor(&["--store", "keyring"]).says("keyring", "problem", NO_BUS, "--store NAME");
    server.assert_clean();
}

#[test]
#[ignore = "needs tmux, unshare and the right to mount; run by tests/run"]
fn under_windows_its_browser_and_its_clipboard_are_used() {
    let server = server().start_blocking().unwrap();
    let mut machine = Machine::new().with("WSL_DISTRO_NAME", "Ubuntu-24.04");
    let kernel = machine.file(
        "version",
        "Linux version 5.15.167.4-microsoft-standard-WSL2 (root@f9c826d3017f) (gcc (GCC) 11.2.0) #1 SMP\n",
    );
    machine.mount(&kernel, "/proc/version");
    let (opened, copied) = (machine.fake_program("wslview"), machine.fake_program("clip.exe"));
    machine.set("PATH", format!("{}:{PATH}", machine.path("bin").display()));
    let (terminal, user_code) = waiting_login(&machine, &server);
    terminal.press("o");
    assert_eq!(noted(&opened), format!("{}/device?user_code={user_code}\n", server.issuer()));
    terminal.press("c");
    assert_eq!(noted(&copied), format!("\n{user_code}"));
    server.approve(&user_code).unwrap();
    terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0);
    machine.has_a_login();

    let report = machine.doctor(&[]);
    report.finds_no_problem_but(&[]);
    report.says("WSL", "ok", "Ubuntu-24.04", "");
    report.says("browser", "ok", "wslview", "");
    report.says("clipboard, local", "ok", "clip.exe", "");
    // As under sudo.
    machine.unset("WSL_DISTRO_NAME");
    machine.doctor(&[]).says("WSL", "note", "WSL_DISTRO_NAME is not set", "export WSL_DISTRO_NAME");
    server.assert_clean();
}

/// A login at a terminal of this machine, with the code on the screen.
fn waiting_login(machine: &Machine, server: &MockServer) -> (Terminal, String) {
    let login = ["login", "--client-id", "device", "--store", "file", "--issuer", server.issuer()];
    let words = machine.words(crate::device_cli::program(), &login);
    let terminal = Terminal::start(100, 40, Path::new("/usr/bin/unshare"), &words[1..], &machine.variables());
    let waits = |screen: &str| server.pending().iter().any(|device| screen.contains(&device.user_code));
    terminal.wait_until(waits);
    let user_code = server.pending().pop().expect("it waits").user_code;
    (terminal, user_code)
}

/// What a fake program has noted, once it has.
fn noted(file: &Path) -> String {
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < PATIENCE, "{} was not started", file.display());
        thread::sleep(Duration::from_millis(20));
    }
    std::fs::read_to_string(file).expect("UTF-8")
}
