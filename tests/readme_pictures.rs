//! The pictures of device-cli's README, taken from a real run. `REDRAW_PICTURES=1` puts them where the README finds them.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mock_server::{Client, MockServer, Tls};

use crate::browser::Browser;
use crate::device_cli::program;
use crate::terminal::{DARK, LIGHT, Terminal, Theme, scan_qr_code};

const ISSUER: &str = "https://auth.example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux, curl, jq, zbarimg, chromium, node and npm packages: run by tests/run"]
async fn the_pictures_show_what_is_seen() {
    let builder = MockServer::builder().issuer(ISSUER).tls(Tls::generated()).interval(Duration::from_secs(1));
    let server = builder.client(Client::public("my-device")).start().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let configuration = format!(
        "[profiles.default]\nissuer = \"{ISSUER}\"\nclient_id = \"my-device\"\nscopes = [\"openid\", \"profile\", \
         \"offline_access\"]\nstore = \"key-file\"\nkey_file = \"{}\"\n",
        home.path().join("key").display()
    );
    fs::create_dir_all(home.path().join(".config/device-cli")).unwrap();
    fs::write(home.path().join(".config/device-cli/config.toml"), configuration).unwrap();
    let ca_file = home.path().join("ca.pem");
    fs::write(&ca_file, server.ca_certificate_pem().unwrap()).unwrap();
    let ca_file = ca_file.to_str().unwrap();
    let proxy = format!("http://127.0.0.1:{}", tunnels_to(server.port()));
    let path = format!("PATH={}:{}", program().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let shell = |columns, rows| {
        let terminal = Terminal::start(
            columns,
            rows,
            // tmux hands its own PATH on, whatever it was given.
            Path::new("/usr/bin/env"),
            &[&path, "sh", "-i"],
            &[
                ("HOME", home.path().to_str().unwrap()),
                ("PS1", "$ "),
                ("HTTPS_PROXY", &proxy),
                ("DEVICE_CLI_CA_FILE", ca_file),
                ("CURL_CA_BUNDLE", ca_file),
            ],
        );
        terminal.wait_for("$");
        terminal
    };
    let mut browser = Browser::start();

    let terminal = shell(80, 21);
    enter(&terminal, "device-cli login");
    terminal.wait_for(" left, waiting");
    let link = format!("{ISSUER}/device?user_code={}", server.pending()[0].user_code);
    for (name, theme) in [("login", &DARK), ("login-light", &LIGHT)] {
        let picture = take(name, theme, &terminal, &mut browser);
        assert_eq!(scan_qr_code(&picture), link, "{name}");
        assert!(scan_qr_code(&in_readme(name)).starts_with(&format!("{ISSUER}/device?user_code=")), "{name}");
    }
    server.approve(&server.pending()[0].user_code).unwrap();
    terminal.wait_for("Signed in");

    let terminal = shell(112, 21);
    for (command, answer) in [
        ("device-cli status", "key-file"),
        ("device-cli curl -- -s https://auth.example.com/resource | jq", "alice"),
        ("device-cli logout", "evoked"),
    ] {
        enter(&terminal, command);
        terminal.wait_until(|screen| {
            let (_, after) = screen.rsplit_once(command).unwrap_or_default();
            after.contains(answer) && after.trim_end().ends_with("\n$")
        });
    }
    take("afterwards", &DARK, &terminal, &mut browser);

    let terminal = shell(100, 54);
    enter(&terminal, "device-cli doctor");
    terminal.wait_until(|screen| screen.trim_end().ends_with("\n$"));
    let screen = terminal.text();
    assert!(screen.contains("answers") && screen.contains("offset"), "{screen}");
    take("doctor", &DARK, &terminal, &mut browser);
    for name in ["afterwards", "doctor"] {
        assert!(in_readme(name).exists(), "{name}");
    }
    server.assert_clean();
}

fn enter(terminal: &Terminal, command: &str) {
    terminal.press(command);
    terminal.press("Enter");
}

fn in_readme(name: &str) -> PathBuf {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("device-cli/pictures");
    pictures.join(name).with_extension("png")
}

fn take(name: &str, theme: &Theme, terminal: &Terminal, browser: &mut Browser) -> PathBuf {
    let picture = terminal.picture(theme, browser);
    if std::env::var_os("REDRAW_PICTURES").is_some() {
        fs::copy(&picture, in_readme(name)).unwrap();
    }
    picture
}

/// A proxy that tunnels to this port of this machine, whatever server is asked for (RFC 9110 §9.3.6). Gives its own.
fn tunnels_to(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || tunnel(client, port));
        }
    });
    own
}

fn tunnel(mut client: TcpStream, port: u16) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let up = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || pass_on(up.0, up.1));
    pass_on(server, client);
    let _ = upwards.join();
    Ok(())
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
