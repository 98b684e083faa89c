//! The screen as it looks, in files beside this one. `UPDATE_SNAPSHOTS=1` writes them anew; then look at what has
//! changed.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use mockito::{Server, ServerGuard};
use serde_json::json;

use crate::device_cli::program;
use crate::terminal::Terminal;

const UTF_8: &[(&str, &str)] = &[];
const C: &[(&str, &str)] = &[("LC_ALL", "C")];
/// As a person types it.
const AS_IT_IS: &str = r#""$@""#;

/// Name, columns, rows, environment, and how it is started.
type Case = (&'static str, u16, u16, &'static [(&'static str, &'static str)], &'static str);

const CASES: &[Case] = &[
    ("40x24", 40, 24, UTF_8, AS_IT_IS),
    ("80x24", 80, 24, UTF_8, AS_IT_IS),
    ("120x40", 120, 40, UTF_8, AS_IT_IS),
    ("200x24", 200, 24, UTF_8, AS_IT_IS),
    ("40x12", 40, 12, UTF_8, AS_IT_IS),
    ("80x17", 80, 17, UTF_8, AS_IT_IS),
    ("80x12", 80, 12, UTF_8, AS_IT_IS),
    ("80x5", 80, 5, UTF_8, AS_IT_IS),
    ("80x3", 80, 3, UTF_8, AS_IT_IS),
    ("80x2", 80, 2, UTF_8, AS_IT_IS),
    ("80x1", 80, 1, UTF_8, AS_IT_IS),
    ("20x5", 20, 5, UTF_8, AS_IT_IS),
    ("20x2", 20, 2, UTF_8, AS_IT_IS),
    ("c-locale-40x24", 40, 24, C, AS_IT_IS),
    ("c-locale-80x24", 80, 24, C, AS_IT_IS),
    ("c-locale-200x50", 200, 50, C, AS_IT_IS),
    ("no-color-80x24", 80, 24, &[("NO_COLOR", "1")], AS_IT_IS),
    ("no-color-c-locale-80x24", 80, 24, &[("NO_COLOR", "1"), ("LC_ALL", "C")], AS_IT_IS),
    ("linux-80x24", 80, 24, &[("TERM", "linux")], AS_IT_IS),
    ("dumb-40x24", 40, 24, &[("TERM", "dumb")], AS_IT_IS),
    ("dumb-80x24", 80, 24, &[("TERM", "dumb")], AS_IT_IS),
    ("accessible-80x24", 80, 24, &[("ACCESSIBLE", "1")], AS_IT_IS),
    ("no-keyboard-80x24", 80, 24, UTF_8, r#""$@" </dev/null"#),
    ("screen-in-a-file-80x24", 80, 24, UTF_8, r#": >screen; "$@" 2>>screen & tail -f screen"#),
];

/// The codes of RFC 8628's own example.
async fn server_of_the_rfc() -> ServerGuard {
    let mut server = Server::new_async().await;
    let codes = json!({
        "device_code": "d",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://example.com/device",
        "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
        "expires_in": 1800,
        "interval": 5,
    });
    let pending = json!({"error": "authorization_pending"});
    for (path, status, body) in [("/device", 200, codes), ("/token", 400, pending)] {
        let mock = server.mock("POST", path).with_status(status).with_body(body.to_string());
        mock.with_header("content-type", "application/json").create_async().await;
    }
    server
}

fn login(server: &ServerGuard, case: &Case) -> Terminal {
    let (_, columns, rows, environment, script) = *case;
    let (device, token) = (format!("{}/device", server.url()), format!("{}/token", server.url()));
    let arguments = ["login", "--store", "file", "--client-id", "x", "--device-endpoint", &device];
    let arguments = [&arguments[..], &["--token-endpoint", &token]].concat();
    let mut words = vec![program().as_os_str()];
    words.extend(arguments.into_iter().map(OsStr::new));
    Terminal::start_script(columns, rows, script, &words, environment)
}

/// The screen, once nothing changes any more but the time that is left, which stands still here.
fn settled(terminal: &Terminal) -> String {
    let mut before = None;
    let mut screen = String::new();
    terminal.wait_until(|_| {
        screen = terminal.rows().iter().map(|row| with_one_time(row) + "\n").collect();
        let is_whole = screen.contains("WDJB-MJHT")
            && (terminal.rows().len() < 3
                || [" left", "is valid for"].iter().any(|end| screen.contains(end)));
        is_whole && before.replace(screen.clone()).as_ref() == Some(&screen)
    });
    screen
}

/// "29:57 left" as "30:00 left".
fn with_one_time(row: &str) -> String {
    match row.split_once(" left") {
        Some((time, rest)) if time.len() == 5 && time.contains(':') => format!("30:00 left{rest}"),
        _ => row.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn the_screen_looks_as_in_the_snapshots() {
    let server = server_of_the_rfc().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("login_screen/snapshots");
    let is_update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut changed = Vec::new();
    for case in CASES {
        let terminal = login(&server, case);
        let screen = settled(&terminal);
        let path = folder.join(format!("{}.txt", case.0));
        if is_update {
            fs::write(&path, screen).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&screen) {
            changed.push(format!("{}:\n{screen}", case.0));
        }
    }
    assert!(changed.is_empty(), "UPDATE_SNAPSHOTS=1 writes them anew:\n{}", changed.join("\n"));
    let known: Vec<_> = CASES.iter().map(|case| format!("{}.txt", case.0)).collect();
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is nobody's snapshot");
    }
}

/// What a script may take from the screen stays the same wherever the results go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tmux: run by tests/run"]
async fn without_standard_output_the_screen_is_the_same() {
    let server = server_of_the_rfc().await;
    let of = |script| settled(&login(&server, &("", 80, 24, UTF_8, script)));
    let whole = of(AS_IT_IS);
    for script in [r#""$@" >&-"#, r#""$@" >/dev/null"#, r#""$@" | cat"#] {
        assert_eq!(of(script), whole, "{script}");
    }
}
