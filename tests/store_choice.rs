//! Where `device-cli` keeps the tokens, as a person at a terminal decides it: without a keyring, with one that is locked,
//! and with a passphrase.

use std::path::Path;
use std::time::Duration;

use mock_server::MockServer;
use tempfile::TempDir;

use crate::device_cli::program;
use crate::terminal::Terminal;

const PASSPHRASE: &str = "correct-horse";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn where_no_keyring_works_the_person_is_asked_before_the_code_is() {
    let (server, state) = (start().await, state());
    let terminal = login(&server, &state, &[]);
    let screen = terminal.wait_for("Press 1 to 3; Ctrl-C cancels.");
    assert!(screen.contains("keyring cannot keep the tokens: no D-Bus session can be reached."), "{screen}");
    assert!(screen.contains("3  file        NOT encrypted; safe from other users"), "{screen}");
    assert_eq!(server.requests().len(), 0, "nobody was sent away");
    for key in ["0", "9", "x", "Enter"] {
        terminal.press(key);
    }
    terminal.press("3");
    approve(&server, &terminal);
    let screen = terminal.wait_for("Signed in");
    assert!(screen.replace('\n', "").contains("(plain file, not encrypted"), "{screen}");
    assert_eq!(terminal.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn ctrl_c_at_the_question_stores_nothing() {
    let (server, state) = (start().await, state());
    for (key, question) in [(None, "Press 1 to 3"), (Some("1"), "New passphrase:")] {
        let terminal = login(&server, &state, &[]);
        terminal.wait_for("Press 1 to 3");
        if let Some(key) = key {
            terminal.press(key);
        }
        terminal.wait_for(question);
        terminal.press("C-c");
        terminal.wait_for("Cancelled. Nothing was stored.");
        assert_eq!(terminal.exit_code(), 130);
    }
    assert_eq!(server.requests().len(), 0);
    assert_eq!(state.path().read_dir().unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_passphrase_is_typed_twice_and_never_shown() {
    let (server, state) = (start().await, state());
    let terminal = login(&server, &state, &["--store", "passphrase"]);
    terminal.wait_for("Nobody can restore it.");
    type_in(&terminal, "New passphrase:", PASSPHRASE);
    type_in(&terminal, "Once more:", "battery-staple");
    terminal.wait_for("The two are not the same.");
    type_in(&terminal, "New passphrase:", &format!("{PASSPHRASE}x"));
    // Wrong at first, and corrected.
    terminal.wait_until(|screen| screen.matches("Once more:").count() == 2);
    terminal.press("C-u");
    type_in(&terminal, "Once more:", &format!("{PASSPHRASE}x"));
    approve(&server, &terminal);
    let screen = terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0);
    for typed in ["correct", "horse", "battery"] {
        assert!(!screen.contains(typed), "{screen}");
    }

    let token = device_cli(&["token"], &state, &[]);
    type_in(&token, "Passphrase of the stored tokens:", "battery-staple");
    token.wait_for("That is not the passphrase.");
    token.press("C-h");
    type_in(&token, "Passphrase of the stored tokens:", &format!("{PASSPHRASE}xyy"));
    token.wait_until(|screen| screen.matches("That is not").count() == 2);
    let right = format!("{PASSPHRASE}xz");
    for key in right.chars() {
        token.press(&key.to_string());
    }
    token.press("BSpace");
    token.press("Enter");
    assert_eq!(token.exit_code(), 0);
    let token = token.text();
    assert!(token.lines().any(|line| line.len() > 20 && !line.contains(' ')), "the token: {token}");

    // Nothing typed: erased unread.
    let logout = device_cli(&["logout"], &state, &[]);
    logout.wait_for("Enter alone erases them unread.");
    logout.press("Enter");
    assert_eq!(logout.exit_code(), 1);
    assert!(logout.text().contains("erased here, but not revoked"), "{}", logout.text());
    for (command, code) in [("status", 4), ("token", 4), ("logout", 0)] {
        let after = device_cli(&[command], &state, &[]);
        assert_eq!(
            after.exit_code(),
            code,
            "nobody is asked for the passphrase of nothing: {}",
            after.text()
        );
    }
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn tokens_that_cannot_be_stored_are_offered_another_store() {
    let (server, state) = (start().await, state());
    let terminal = login(&server, &state, &["--store", "file"]);
    terminal.wait_until(|_| !server.pending().is_empty());
    // Nobody can put a file where a directory is.
    let tokens = state.path().join("device-cli/tokens");
    let lock = tokens.read_dir().unwrap().next().expect("the store was tried").unwrap().path();
    std::fs::create_dir(lock.with_extension("json")).unwrap();
    approve(&server, &terminal);
    let screen = terminal.wait_for("press s for another store");
    assert!(screen.contains("is no regular file"), "{screen}");
    terminal.press("Enter");
    terminal.wait_until(|screen| screen.matches("press s for another store").count() == 2);
    terminal.press("s");
    terminal.wait_for("Press 1 to 3");
    terminal.press("1");
    type_in(&terminal, "New passphrase:", PASSPHRASE);
    type_in(&terminal, "Once more:", PASSPHRASE);
    let screen = terminal.wait_for("Signed in");
    assert!(screen.replace('\n', "").contains("(sealed file (passphrase), encrypted"), "{screen}");
    assert_eq!(terminal.exit_code(), 0);
    let token = device_cli(&["token"], &state, &[]);
    type_in(&token, "Passphrase of the stored tokens:", PASSPHRASE);
    assert_eq!(token.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, gnome-keyring, dbus-run-session and gdbus: run by tests/run"]
async fn a_locked_keyring_on_a_desktop_is_waited_for() {
    for choice in [&[][..], &["--store", "keyring"]] {
        let (server, state) = (start().await, state());
        let terminal = login_with_locked_keyring(&server, &state, choice, &[("DISPLAY", ":99")]);
        let screen = terminal.wait_for("Unlock your keyring");
        assert_eq!(server.requests().len(), 0, "nobody was sent away: {screen}");
        std::fs::write(state.path().join("unlock-now"), "").unwrap();
        approve(&server, &terminal);
        let screen = terminal.wait_for("Signed in");
        assert!(screen.replace('\n', "").contains("(sealed file (system keyring), encrypted"), "{screen}");
        assert_eq!(terminal.exit_code(), 0);
        server.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, gnome-keyring, dbus-run-session and gdbus: run by tests/run"]
async fn waiting_for_a_locked_keyring_ends_with_ctrl_c() {
    let (server, state) = (start().await, state());
    let terminal = login_with_locked_keyring(&server, &state, &[], &[("WAYLAND_DISPLAY", "wayland-9")]);
    terminal.wait_for("Unlock your keyring");
    terminal.press("C-c");
    terminal.wait_for("Cancelled. Nothing was stored.");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(server.requests().len(), 0);
}

/// Over SSH nobody can unlock it: the person is asked for another store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, gnome-keyring, dbus-run-session and gdbus: run by tests/run"]
async fn a_locked_keyring_without_a_desktop_is_not_waited_for() {
    let (server, state) = (start().await, state());
    let terminal = login_with_locked_keyring(&server, &state, &[], &[]);
    let screen = terminal.wait_for("Press 1 to 3");
    assert!(screen.contains("keyring cannot keep the tokens: the keyring is locked."), "{screen}");
    terminal.press("C-c");
    assert_eq!(terminal.exit_code(), 130);
    assert_eq!(server.requests().len(), 0);
}

async fn start() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap()
}

/// A place for the tokens that outlives one terminal.
fn state() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn login(server: &MockServer, state: &TempDir, more: &[&str]) -> Terminal {
    device_cli(&[&login_arguments(server)[..], more].concat(), state, &[])
}

fn login_arguments(server: &MockServer) -> [&str; 7] {
    ["login", "--client-id", "device", "--scope", "openid offline_access", "--issuer", server.issuer()]
}

fn device_cli(arguments: &[&str], state: &TempDir, environment: &[(&str, &str)]) -> Terminal {
    in_a_terminal(program(), arguments, state, environment)
}

fn in_a_terminal(
    program: &Path,
    arguments: &[&str],
    state: &TempDir,
    environment: &[(&str, &str)],
) -> Terminal {
    let state = state.path().to_str().unwrap();
    let environment = [&[("XDG_STATE_HOME", state)], environment].concat();
    Terminal::start(100, 40, program, arguments, &environment)
}

/// A login beside a GNOME Keyring of its own, which is locked until the file `unlock-now` is there.
fn login_with_locked_keyring(
    server: &MockServer,
    state: &TempDir,
    more: &[&str],
    environment: &[(&str, &str)],
) -> Terminal {
    let script = r#"
        cd "$XDG_STATE_HOME"
        export XDG_RUNTIME_DIR="$PWD/runtime"
        mkdir -m 700 "$XDG_RUNTIME_DIR"
        printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >daemon.out 2>&1 &
        daemon=$!
        trap 'kill -9 $daemon' EXIT
        secrets() { gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets "$@"; }
        until gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \
            --method org.freedesktop.DBus.GetConnectionUnixProcessID org.freedesktop.secrets 2>&1 |
            grep -q "uint32 $daemon,"; do kill -0 $daemon; done
        secrets --method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >lock.out
        (until [ -e unlock-now ]; do sleep 0.1; done
         printf password | gnome-keyring-daemon --foreground --replace --unlock --components=secrets >unlock.out 2>&1) &
        unlocking=$!
        trap 'pkill -9 -P $unlocking; kill -9 $daemon $unlocking; true' EXIT
        set +e
        "$@"
        exit $?
    "#;
    // Ctrl-C is for device-cli, which hears it all the same.
    let with_a_bus = "trap '' INT; exec dbus-run-session -- sh -euc \"$@\"";
    let start = ["-c", with_a_bus, "sh", script, "sh", program().to_str().unwrap()];
    let arguments = [&start[..], &login_arguments(server), more].concat();
    in_a_terminal(Path::new("/bin/sh"), &arguments, state, environment)
}

/// Types `text` once the screen's last line asks for it.
fn type_in(terminal: &Terminal, prompt: &str, text: &str) {
    terminal.wait_until(|screen| screen.trim_end().ends_with(prompt));
    terminal.press(text);
    terminal.press("Enter");
}

fn approve(server: &MockServer, terminal: &Terminal) {
    terminal.wait_until(|screen| server.pending().iter().any(|device| screen.contains(&device.user_code)));
    server.approve(&server.pending().pop().expect("a device that waits").user_code).unwrap();
}
