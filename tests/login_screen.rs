//! The screen of `device-cli` in a real terminal, while a person signs in elsewhere.

mod hostile_strings;
mod snapshots;
pub(crate) mod surroundings;

use std::time::Duration;

use mock_server::MockServer;

use crate::browser::Browser;
use crate::device_cli::program;
use crate::terminal::{DARK, LIGHT, Terminal, Theme, scan_inverted_qr_code, scan_qr_code};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, zbarimg, chromium, node and npm packages: run by tests/run"]
async fn the_qr_code_scans_at_80x24() {
    the_qr_code_scans(80, 24).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, zbarimg, chromium, node and npm packages: run by tests/run"]
async fn the_qr_code_scans_at_120x40() {
    the_qr_code_scans(120, 40).await;
}

/// Every other layout in which one is drawn, by its window and surroundings, with the columns that it takes: 29
/// modules and their quiet zone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, zbarimg, chromium, node and npm packages: run by tests/run"]
async fn the_qr_code_scans_in_every_layout() {
    const C_LOCALE: &[(&str, &str)] = &[("LANG", "C")];
    const SIXTEEN_COLOURS: &[(&str, &str)] = &[("TERM", "xterm")];
    for (layout, columns, rows, environment, painted) in [
        ("below the text", 60, 30, &[][..], 29 + 8),
        ("tight, below the text", 36, 30, &[], 29 + 4),
        ("sixteen colours", 80, 24, SIXTEEN_COLOURS, 29 + 4),
        ("the console of Linux", 80, 24, &[("TERM", "linux")], 29 + 4),
        ("two blanks a module", 130, 60, C_LOCALE, 2 * (29 + 8)),
        ("two blanks a module, tight", 115, 60, C_LOCALE, 2 * (29 + 4)),
        ("two blanks a module, below the text", 80, 60, C_LOCALE, 2 * (29 + 8)),
        ("two blanks a module, tight, below the text", 70, 60, C_LOCALE, 2 * (29 + 4)),
        ("two blanks a module, sixteen colours", 130, 60, &[("LANG", "C"), ("TERM", "xterm")], 2 * (29 + 8)),
    ] {
        let server = start().await;
        let terminal = login_in(&server, columns, rows, environment);
        let user_code = shown_user_code(&server, &terminal);
        terminal.wait_until(|screen| time_left(screen).is_some());
        assert_eq!(terminal.painted_columns(), painted, "{layout}:\n{}", terminal.text());
        assert_eq!(terminal.text().is_ascii(), environment.contains(&("LANG", "C")), "{layout}");
        assert_scans(&terminal, &[&DARK, &LIGHT], &complete(&server, &user_code));
    }
}

/// Where the address with the code inside makes too large a symbol, the plain one is tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, zbarimg, chromium, node and npm packages: run by tests/run"]
async fn the_qr_code_of_the_plain_address_scans_in_a_narrow_window() {
    let server = start().await;
    let terminal = login(&server, 40, 24);
    shown_user_code(&server, &terminal);
    terminal.wait_for("The QR code holds the address; enter");
    assert_scans(&terminal, &[&DARK, &LIGHT], &format!("{}/device", server.issuer()));
}

/// Without colours of its own the drawing takes the terminal's, and light text on a dark ground is assumed: on a
/// light ground it is a negative.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, zbarimg, chromium, node and npm packages: run by tests/run"]
async fn the_qr_code_scans_without_colours() {
    let server = start().await;
    let terminal = login_in(&server, 80, 24, &[("NO_COLOR", "1")]);
    let user_code = shown_user_code(&server, &terminal);
    assert_scans(&terminal, &[&DARK], &complete(&server, &user_code));
    let picture = terminal.picture(&LIGHT, &mut Browser::start());
    assert_eq!(scan_inverted_qr_code(&picture), complete(&server, &user_code));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, chromium, node and npm packages: run by tests/run"]
async fn a_person_types_the_code_and_the_terminal_shows_who_is_signed_in() {
    let server = start().await;
    let terminal = login(&server, 80, 24);
    let user_code = shown_user_code(&server, &terminal);
    let first = time_left(&terminal.wait_until(|screen| time_left(screen).is_some()));
    terminal.wait_until(|screen| time_left(screen).is_some_and(|left| Some(left) < first));

    let mut browser = Browser::start();
    browser.open(&format!("{}/device", server.issuer()));
    browser.fill("Code", &user_code.to_lowercase());
    browser.press("Continue");
    browser.press("Approve");
    browser.wait_for("Device approved");
    let screen = terminal.wait_for("Signed in");
    assert!(screen.contains("alice"), "{screen}");
    assert_eq!(terminal.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_lost_connection_is_told_and_the_code_stays() {
    let server = start().await;
    let terminal = login(&server, 80, 24);
    let user_code = shown_user_code(&server, &terminal);
    server.pause_listening().await;
    let screen = terminal.wait_for("the code stays valid");
    assert!(screen.contains(&user_code), "{screen}");
    server.resume_listening().await.unwrap();
    terminal.wait_for("waiting for your approval");
    server.approve(&user_code).unwrap();
    terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn after_expiry_one_key_gets_a_new_code() {
    let server = start().await;
    let terminal = login(&server, 80, 24);
    let expired = shown_user_code(&server, &terminal);
    server.expire(&expired).unwrap();
    terminal.wait_for("The code expired. Press n for a new one.");
    assert!(server.pending().is_empty(), "a new code needs the person's hand");
    terminal.press("n");
    let fresh = shown_user_code(&server, &terminal);
    assert_ne!(fresh, expired);
    server.approve(&fresh).unwrap();
    terminal.wait_for("Signed in");
    assert_eq!(terminal.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn ctrl_c_cancels_and_stores_nothing() {
    let server = start().await;
    let terminal = login(&server, 80, 24);
    shown_user_code(&server, &terminal);
    terminal.press("C-c");
    terminal.wait_for("Cancelled. Nothing was stored.");
    assert_eq!(terminal.exit_code(), 130);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn a_denial_is_told_with_its_exit_code() {
    let server = start().await;
    let terminal = login(&server, 80, 24);
    server.deny(&shown_user_code(&server, &terminal)).unwrap();
    assert_eq!(terminal.exit_code(), 5);
    let screen = terminal.text();
    assert!(screen.contains("denied"), "{screen}");
    server.assert_clean();
}

#[test]
#[ignore = "needs tmux: run by tests/run"]
fn the_demo_is_approved_by_one_key() {
    let terminal = Terminal::start(80, 24, program(), &["demo"], &[]);
    let screen = terminal.wait_until(|screen| time_left(screen).is_some());
    assert!(
        screen.starts_with("This demo runs its own authorization server at http://127.0.0.1:"),
        "{screen}"
    );
    assert!(screen.contains("And enter the code:"), "{screen}");
    terminal.press("a");
    terminal.wait_for("Signed in as alice");
    assert_eq!(terminal.exit_code(), 0);
    let screen = terminal.text();
    let (before, next) = screen.split_once("Nothing was stored.").unwrap_or_else(|| panic!("{screen}"));
    assert!(before.trim_end().ends_with('}'), "the resource's JSON: {screen}");
    assert!(next.trim_end().ends_with("device-cli login --issuer URL --client-id ID"), "{screen}");
}

/// Dark and light: what is scanned is the address with the code inside, and the text beside it is whole.
async fn the_qr_code_scans(columns: u16, rows: u16) {
    let server = start().await;
    let terminal = login(&server, columns, rows);
    let user_code = shown_user_code(&server, &terminal);
    let verification_uri = format!("{}/device", server.issuer());
    let screen = terminal.wait_until(|screen| time_left(screen).is_some());
    let lines: Vec<&str> = screen.lines().collect();
    let row_of =
        |text: &str| lines.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{screen}"));
    let (top, bottom) = (row_of("┌──"), row_of("└──"));
    for text in
        ["Using a browser on another device, visit:", &verification_uri, "And enter the code:", &user_code]
    {
        let row = row_of(text);
        assert!(top < row && row < bottom, "{text:?} is not in the box:\n{screen}");
        assert_eq!(lines[row].matches('│').count(), 2, "the box is cut:\n{screen}");
    }
    assert!(screen.contains("Only continue if you started this login"), "{screen}");
    assert_scans(&terminal, &[&DARK, &LIGHT], &complete(&server, &user_code));
}

fn assert_scans(terminal: &Terminal, themes: &[&Theme], expected: &str) {
    // The countdown is drawn last: the screen is whole.
    terminal.wait_until(|screen| time_left(screen).is_some());
    let mut browser = Browser::start();
    for theme in themes {
        assert_eq!(scan_qr_code(&terminal.picture(theme, &mut browser)), expected, "{}", theme.name);
    }
}

/// `verification_uri_complete`, as the mock server makes it.
fn complete(server: &MockServer, user_code: &str) -> String {
    format!("{}/device?user_code={user_code}", server.issuer())
}

async fn start() -> MockServer {
    MockServer::builder().interval(Duration::from_secs(1)).start().await.unwrap()
}

/// `device-cli login` in a terminal, at the mock server.
fn login(server: &MockServer, columns: u16, rows: u16) -> Terminal {
    login_in(server, columns, rows, &[])
}

fn login_in(server: &MockServer, columns: u16, rows: u16, environment: &[(&str, &str)]) -> Terminal {
    let scope = "openid profile offline_access read";
    let arguments =
        ["login", "--store", "file", "--client-id", "device", "--scope", scope, "--issuer", server.issuer()];
    Terminal::start(columns, rows, program(), &arguments, environment)
}

/// The code that waits at the server, once the screen shows it.
fn shown_user_code(server: &MockServer, terminal: &Terminal) -> String {
    terminal.wait_until(|screen| server.pending().iter().any(|device| screen.contains(&device.user_code)));
    server.pending().pop().expect("a device that waits").user_code
}

/// The countdown, in seconds.
fn time_left(screen: &str) -> Option<u32> {
    let (before, _) = screen.split_once(" left, ")?;
    let (minutes, seconds) = before.split_whitespace().last()?.split_once(':')?;
    Some(minutes.parse::<u32>().ok()? * 60 + seconds.parse::<u32>().ok()?)
}
