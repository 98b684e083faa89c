//! `device-cli login` with the browser on this machine: a real terminal, and a real browser that comes back to it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mock_server::{Client, MockServer, Profile};
use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::device_cli::program;
use crate::json_lines::PATIENCE;
use crate::terminal::Terminal;

const CALLBACK: &str = "http://127.0.0.1/callback";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, chromium, node and npm packages: run by tests/run"]
async fn a_customer_of_octopus_consents_in_the_browser_that_login_picked() {
    let server = start(Profile::Octopus, Client::public("app")).await;
    let issuer = server.issuer();
    let (authorize, token) = (format!("{issuer}/authorize/"), format!("{issuer}/token/"));
    let endpoints =
        ["--provider", "octopus", "--authorization-endpoint", &authorize, "--token-endpoint", &token];
    let desk = Desk::new();
    let terminal = desk.login(80, 24, &endpoints, &[]);
    let screen = terminal.wait_for("waiting for your approval");
    assert!(
        screen.contains("Signing in with the browser on this machine; --device shows a code instead."),
        "{screen}"
    );
    assert!(screen.contains("o open again"), "{screen}");
    let mut browser = consent(&desk.opened(), "Approve");
    browser.wait_for("Signed in");
    assert_last_page(&mut browser);
    let screen = terminal.wait_for("Signed in at");
    assert_eq!(terminal.exit_code(), 0, "{screen}");
    assert!(!terminal.text().contains("waiting for your approval"), "the status line is gone: {screen}");
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, chromium, node and npm packages: run by tests/run"]
async fn a_customer_of_nomos_consents_at_a_confidential_client() {
    let server = start(Profile::Nomos, Client::confidential("app", "s3cret")).await;
    let desk = Desk::new();
    let nomos = ["--provider", "nomos", "--issuer", server.issuer(), "--scope", "read offline_access"];
    let terminal = desk.login(40, 12, &nomos, &[("DEVICE_CLI_CLIENT_SECRET", "s3cret")]);
    terminal.wait_for("waiting for your appr");
    let mut browser = consent(&desk.opened(), "Approve");
    browser.wait_for("Signed in");
    terminal.wait_for("Signed in at");
    assert_eq!(terminal.exit_code(), 0);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, chromium, node and npm packages: run by tests/run"]
async fn a_person_who_denies_it_sees_the_same_in_both_places() {
    let server = start(Profile::Rfc, Client::public("app")).await;
    let desk = Desk::new();
    let terminal = desk.login(80, 24, &["--issuer", server.issuer()], &[]);
    let mut browser = consent(&desk.opened(), "Deny");
    browser.wait_for("Access denied");
    assert_last_page(&mut browser);
    terminal.wait_for("the login was denied; nothing was stored");
    assert_eq!(terminal.exit_code(), 5);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn the_keys_open_it_again_and_cancel() {
    let server = start(Profile::Rfc, Client::public("app")).await;
    let desk = Desk::new();
    let terminal = desk.login(80, 24, &["--issuer", server.issuer()], &[]);
    let first = desk.opened();
    terminal.wait_for("waiting for your approval");
    std::fs::remove_file(desk.opened_file()).unwrap();
    terminal.press("o");
    terminal.wait_for("Opened again.");
    assert_eq!(desk.opened(), first);
    terminal.press("c");
    terminal.wait_for("Address sent to the clipboard.");
    terminal.press("C-c");
    terminal.wait_for("Cancelled. Nothing was stored.");
    assert_eq!(terminal.exit_code(), 130);
    server.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn over_ssh_and_where_the_port_is_taken_a_code_is_shown() {
    let server = MockServer::start().await.unwrap();
    let desk = Desk::new();
    let at = ["--issuer", server.issuer()];
    let over_ssh = desk.login(80, 24, &at, &[("DEVICE_CLI_CLIENT_ID", "device"), ("SSH_TTY", "/dev/pts/9")]);
    over_ssh.wait_for("And enter the code:");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect_uri = format!("http://{}/callback", taken.local_addr().unwrap());
    let environment =
        [("DEVICE_CLI_CLIENT_ID", "device"), ("DEVICE_CLI_REDIRECT_URI", redirect_uri.as_str())];
    let beside_another = desk.login(80, 50, &at, &environment);
    let screen = beside_another.wait_for("And enter the code:");
    assert!(screen.contains("Not with the browser on this machine: the port"), "{screen}");
    assert!(!desk.opened_file().exists());
}

/// A desktop, whose browser writes down what it is to open.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        let browser = desk.folder.path().join("browser");
        let opened = desk.opened_file();
        // Renamed when it is whole.
        let write =
            format!("#!/bin/sh\nprintf %s \"$1\" >\"$0.part\" && mv \"$0.part\" '{}'\n", opened.display());
        std::fs::write(&browser, write).expect("a script");
        std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o700)).expect("a program");
        desk
    }

    /// `device-cli login` in a terminal of this desktop, for the client `app`.
    fn login(&self, columns: u16, rows: u16, at: &[&str], more: &[(&str, &str)]) -> Terminal {
        let browser = self.folder.path().join("browser");
        let mut environment = vec![
            ("DISPLAY", ":9"),
            ("BROWSER", browser.to_str().expect("UTF-8")),
            ("DEVICE_CLI_CLIENT_ID", "app"),
            ("DEVICE_CLI_REDIRECT_URI", CALLBACK),
        ];
        environment.extend(more);
        let arguments = [&["login", "--store", "file"], at].concat();
        Terminal::start(columns, rows, program(), &arguments, &environment)
    }

    fn opened_file(&self) -> PathBuf {
        self.folder.path().join("opened")
    }

    /// The address, once the browser was told.
    fn opened(&self) -> String {
        wait_for_file(&self.opened_file())
    }
}

fn wait_for_file(path: &Path) -> String {
    let start = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text;
        }
        assert!(start.elapsed() < PATIENCE, "no {}", path.display());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// With a page that asks the person.
async fn start(profile: Profile, client: Client) -> MockServer {
    let client = client.with_redirect_uri(CALLBACK);
    MockServer::builder().profile(profile).client(client).consent_page(true).start().await.unwrap()
}

fn consent(url: &str, button: &str) -> Browser {
    let mut browser = Browser::start();
    browser.open(url);
    browser.press(button);
    browser
}

/// The page at the end loads nothing, breaks no policy, and is fit for everybody.
fn assert_last_page(browser: &mut Browser) {
    assert!(browser.url().starts_with("http://127.0.0.1:"), "{}", browser.url());
    assert_eq!(browser.axe(), json!([]));
    assert_eq!(browser.complaints(), json!([]));
}
